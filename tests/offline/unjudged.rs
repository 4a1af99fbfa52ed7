//! What is exported and judged by no rule: each family has a reason, in tests/unjudged-metrics.txt.

use std::collections::BTreeSet;

use stack_exporter::collectors::CATALOGUE;

use crate::bundle::expressions;
use crate::support::read;

/// Every word of the rules' expressions; the parts of a histogram name their family as well.
fn judged() -> BTreeSet<String> {
    let is_part = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let mut words = BTreeSet::new();
    for expression in expressions() {
        // What stands in quotes is the value of a label.
        for code in expression.split('"').step_by(2) {
            for word in code.split(|c| !is_part(c)) {
                let parts = ["_bucket", "_count", "_sum"];
                words.extend(parts.iter().find_map(|part| word.strip_suffix(part)).map(Into::into));
                words.insert(word.to_owned());
            }
        }
    }
    words
}

fn lines() -> Vec<(String, String)> {
    let text = read("tests/unjudged-metrics.txt");
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    let split = |line: &str| {
        let (name, why) = line.split_once(' ').unwrap_or_else(|| panic!("{line}: no reason"));
        (name.to_owned(), why.to_owned())
    };
    lines.map(split).collect()
}

fn is_about(line: &str, family: &str) -> bool {
    line.strip_suffix('*').map_or(line == family, |start| family.starts_with(start))
}

#[test]
fn every_family_is_judged_or_it_is_said_why_not() {
    let judged = judged();
    let unjudged: Vec<&str> = CATALOGUE
        .metrics()
        .map(|(_, facts)| facts.name)
        .filter(|name| !judged.contains(*name))
        // Thresholds are what is judged by.
        .filter(|name| *name != "stack_threshold")
        .collect();
    assert!(unjudged.len() > 100 && judged.contains("stack_target_up"), "{}", unjudged.len());
    let lines = lines();
    let without: Vec<&&str> = unjudged
        .iter()
        .filter(|name| !lines.iter().any(|(line, _)| is_about(line, name)))
        .collect();
    assert!(without.is_empty(), "judged by no rule and without a reason: {without:#?}");
    for (line, why) in &lines {
        assert!(why.len() > 5, "{line}: {why}");
        assert!(unjudged.iter().any(|name| is_about(line, name)), "{line}: all of it is judged");
        let within = lines.iter().any(|(other, _)| other != line && is_about(other, line));
        assert!(!within, "{line}: another line speaks of it already");
    }
    let names: Vec<&String> = lines.iter().map(|(line, _)| line).collect();
    assert!(names.is_sorted(), "in order");
}
