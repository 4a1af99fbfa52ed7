//! Dashboards and rules that were made for `postgres_exporter` find their families here: under the same names,
//! with at least the same labels, of the same kind. The list is what its version 0.19 gave on PostgreSQL 15
//! with all its collectors on.

use std::collections::{BTreeMap, BTreeSet};

use stack_exporter::catalogue::Kind;
use stack_exporter::collectors::CATALOGUE;

const LIST: &str = include_str!("../postgres_exporter.tsv");
const BOARDS: &str = include_str!("../public_boards.tsv");

#[test]
fn every_family_of_postgres_exporter_is_there_or_it_is_said_why_not() {
    let ours: BTreeMap<&str, _> =
        CATALOGUE.metrics().map(|(_, facts)| (facts.name, facts)).collect();
    let mut there = 0;
    for line in LIST.lines().filter(|line| !line.starts_with('#')) {
        let fields: Vec<&str> = line.split('\t').collect();
        let [name, kind, labels, more @ ..] = fields.as_slice() else { panic!("{line}") };
        let Some(facts) = ours.get(name) else {
            assert!(more.first().is_some_and(|why| why.len() > 10), "{name} is missing");
            continue;
        };
        there += 1;
        assert!(more.is_empty(), "{name} is there");
        let kinds: &[Kind] = match *kind {
            "gauge" | "untyped" => &[Kind::Gauge],
            "counter" => &[Kind::Counter, Kind::EstablishedCounter],
            "histogram" => &[Kind::Histogram],
            _ => panic!("{line}"),
        };
        assert!(kinds.contains(&facts.kind), "{name}: {:?}", facts.kind);
        for label in labels.split(' ').filter(|label| !["-", "le"].contains(label)) {
            assert!(facts.labels.contains(&label), "{name} lacks the label {label}");
        }
    }
    assert!(there > 85, "{there}");
}

/// Boards 9628 and 455 (also the overview of the mixin), 893, dockprom's host and the open rows of 1860 find every
/// name that they read. [P01 H04 H05 H06 H10]
#[test]
fn public_boards_find_all_their_names() {
    let ours: BTreeSet<&str> = CATALOGUE.metrics().map(|(_, facts)| facts.name).collect();
    let lines = BOARDS.lines().filter(|line| !line.starts_with('#'));
    let names: Vec<_> = lines.map(|line| line.split_once('\t').unwrap()).collect();
    assert!(names.len() > 120);
    let missing: Vec<_> = names.iter().filter(|(_, name)| !ours.contains(name)).collect();
    assert!(missing.is_empty(), "{missing:?}");
}
