//! The things of a target that has several: units, groups of processes, files, file systems.

use std::collections::BTreeMap;

use super::Item;
use super::container::{present, read};
use super::names;
use super::words::{counted, span};
use crate::catalogue::Glance;
use crate::check::{Finding, Verdict};
use crate::engine::Entry;
use crate::text::printable;

/// Of more things the rest is left out, those that are well first.
const MOST: usize = 50;

/// What is said of a thing, and how much that weighs against what else there is.
struct Said {
    verdict: Verdict,
    weight: u8,
    shown: String,
}

/// The things of a target, those in trouble first, else by name; how many there are, and how many
/// are in trouble.
pub(super) fn items(entry: &Entry, findings: &[&Finding], now: f64) -> (Vec<Item>, usize, usize) {
    let mut found = present_things(entry, now);
    for finding in findings {
        let Some(name) = name(finding) else { continue };
        let said = said(entry, finding);
        let known = found.get(&name).map(|known| (known.verdict, known.weight));
        if known.is_none_or(|known| (said.verdict, said.weight) > known) {
            found.insert(name, said);
        }
    }
    let mut all: Vec<(String, Said)> = found.into_iter().collect();
    all.sort_by_key(|(_, said)| std::cmp::Reverse(said.verdict));
    let item = |(name, said): (String, Said)| Item {
        name: printable(&name).into_owned(),
        verdict: said.verdict.as_str(),
        shown: said.shown,
    };
    let bad = all.iter().filter(|(_, said)| said.verdict >= Verdict::Warning).count();
    let total = all.len();
    (all.into_iter().take(MOST).map(item).collect(), total, bad)
}

/// The thing that a finding is about, by the labels under which it can have a threshold of its own.
fn name(finding: &Finding) -> Option<String> {
    let labels = finding.signal.item.iter();
    let values = labels.filter_map(|label| finding.labels.iter().find(|(name, _)| name == label));
    let values: Vec<&str> = values.map(|(_, value)| value.as_str()).collect();
    (!values.is_empty()).then(|| values.join(" "))
}

fn said(entry: &Entry, finding: &Finding) -> Said {
    let area = entry.target.as_ref().map(|target| target.area);
    let is_glance = |glance: &&Glance| glance.name() == finding.signal.name;
    let at_a_glance = area.is_some_and(|area| area.glance.iter().any(|one| is_glance(&one)));
    let (shown, weight) = if finding.signal.is_fact() {
        let fine = finding.verdict < Verdict::Advice;
        (if fine { "in order".to_owned() } else { finding.title() }, 0)
    } else {
        let shown = format!("{}: {}", finding.signal.what, finding.shown_value());
        (shown, if at_a_glance { 2 } else { 1 })
    };
    Said { verdict: finding.verdict, weight, shown }
}

/// What is there, whether something judges it or not: it says more than that all is in bounds.
fn present_things(entry: &Entry, now: f64) -> BTreeMap<String, Said> {
    let mut found = BTreeMap::new();
    let mut say = |name: &str, shown: String| {
        found.insert(name.to_owned(), Said { verdict: Verdict::Ok, weight: 3, shown });
    };
    let since = |metric, label| {
        let all = read(entry, metric).into_iter();
        let by: BTreeMap<String, f64> =
            all.map(|sample| (sample.label(label).to_owned(), sample.value)).collect();
        by
    };
    let started = since(names::UNIT_STARTED, "name");
    for unit in present(read(entry, names::UNIT_STATE)) {
        let (name, state) = (unit.label("name"), unit.label("state"));
        let since = started.get(name).map(|at| format!(" for {}", span(now - at)));
        say(name, format!("{state}{}", since.unwrap_or_default()));
    }
    let started = since(names::PROCESS_STARTED, "groupname");
    for group in read(entry, names::PROCESSES) {
        let name = group.label("groupname");
        let since = started.get(name).map(|at| format!(", the oldest for {}", span(now - at)));
        let count = counted(group.value, "process", "processes");
        say(name, format!("{count}{}", since.unwrap_or_default()));
    }
    let ages = since(names::FILE_AGE, "path");
    for file in read(entry, names::FILES) {
        let name = file.label("path");
        let age = ages.get(name).map(|age| format!(", written {} ago", span(*age)));
        say(name, format!("{}{}", counted(file.value, "file", "files"), age.unwrap_or_default()));
    }
    found
}
