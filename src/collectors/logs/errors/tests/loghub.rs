//! Grouping accuracy on the public LogHub sets, where somebody has them: they may be used for
//! research, but not shipped.
//!
//! `LOGHUB_DIR=... cargo test --release --lib loghub -- --ignored --nocapture`, where the folder
//! holds `<set>/<set>_2k.log_structured.csv` or `..._corrected.csv`.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use super::grouping::accuracy;
use super::*;

/// The fields of a line of CSV.
fn fields(line: &str) -> Vec<String> {
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(char) = chars.next() {
        match char {
            '"' if quoted && chars.peek() == Some(&'"') => field.extend(chars.next()),
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(std::mem::take(&mut field)),
            char => field.push(char),
        }
    }
    fields.push(field);
    fields
}

/// Accuracy of the fingerprints and of the view for people.
fn measure(csv: &str) -> (f64, f64) {
    let mut lines = csv.lines();
    let header = fields(lines.next().unwrap_or_default());
    let column = |name: &str| header.iter().position(|field| field == name).unwrap();
    let (content, event) = (column("Content"), column("EventId"));
    let mut kinds: BTreeMap<String, usize> = BTreeMap::new();
    let (mut truth, mut found, mut groups) = (Vec::new(), Vec::new(), BTreeMap::new());
    for line in lines.map(fields).filter(|fields| fields.len() == header.len()) {
        let next = kinds.len();
        truth.push(*kinds.entry(line[event].clone()).or_insert(next));
        let mut template = String::new();
        mask(line[content].as_bytes(), &mut template);
        let fingerprint = Fingerprint::of(&Parts { template: &template, ..Parts::default() });
        *groups.entry((fingerprint.0, template)).or_insert(0_u64) += 1;
        found.push(fingerprint.0);
    }
    let joined = merge::joined(&groups);
    let merged: Vec<u64> = found.iter().map(|print| joined[print]).collect();
    (accuracy(&truth, &found), accuracy(&truth, &merged))
}

#[test]
#[ignore = "needs the LogHub sets"]
fn loghub_is_grouped_with_one_setting() {
    let folder = std::env::var("LOGHUB_DIR").expect("LOGHUB_DIR names the folder of the sets");
    let (mut all, mut out) = (Vec::new(), std::io::stderr().lock());
    for entry in Path::new(&folder).read_dir().unwrap().flatten() {
        let name = entry.file_name().into_string().unwrap();
        let file = |end: &str| entry.path().join(format!("{name}_2k.log_structured{end}.csv"));
        let Some(csv) =
            ["_corrected", ""].iter().find_map(|end| std::fs::read_to_string(file(end)).ok())
        else {
            continue;
        };
        let (pure, merged) = measure(&csv);
        writeln!(out, "{name:>12} {pure:.3} {merged:.3}").unwrap();
        all.push((pure, merged));
    }
    let sets = all.len() as f64;
    let mean = |of: fn(&(f64, f64)) -> f64| all.iter().map(of).sum::<f64>() / sets;
    let (pure, merged) = (mean(|one| one.0), mean(|one| one.1));
    writeln!(out, "{:>12} {pure:.3} {merged:.3}", "mean").unwrap();
    assert!(pure.max(merged) >= 0.80);
}

#[test]
fn the_measure_itself() {
    let csv = "LineId,Content,EventId\n1,\"a, \"\"b\"\" 1\",E1\n2,\"a, \"\"b\"\" 2\",E1\n3,other,E2\n4,others,E2\n";
    let (pure, _) = measure(csv);
    assert!((pure - 0.5).abs() < f64::EPSILON);
}
