//! Requirement ids: each is known, each panel that is named for one is there, and none stands where
//! people read.

use std::collections::BTreeSet;

use serde_json::Value;

use crate::support::{files, read};

fn has_id(text: &str) -> bool {
    text.split('[').skip(1).filter_map(|rest| rest.split_once(']')).any(|(group, _)| {
        group.split(' ').all(|word| {
            let (letter, digits) = word.split_at_checked(1).unwrap_or(("", ""));
            letter.chars().all(|c| c.is_ascii_uppercase())
                && digits.len() == 2
                && digits.chars().all(|c| c.is_ascii_digit())
        })
    })
}

fn titles(panels: &Value, found: &mut Vec<String>) {
    for panel in panels.as_array().into_iter().flatten() {
        found.extend(panel["title"].as_str().map(ToOwned::to_owned));
        titles(&panel["panels"], found);
    }
}

#[test]
fn each_panel_that_is_named_for_a_fact_is_there() {
    let facts = read("docs/project/requirements.tsv");
    let known: BTreeSet<&str> =
        facts.lines().filter_map(|line| Some(line.split_once('\t')?.0)).collect();
    let mut there = BTreeSet::new();
    for file in files("dashboards", ".json") {
        let dashboard: Value = serde_json::from_str(&read(&file)).unwrap();
        let mut found = Vec::new();
        titles(&dashboard["panels"], &mut found);
        there.extend(found.into_iter().map(|title| format!("{file}: {title}")));
    }
    let table = read("tests/coverage.tsv");
    let mut lines: Vec<&str> = table.lines().skip(1).collect();
    for line in &lines {
        let columns: Vec<&str> = line.split('\t').collect();
        let [id, "panel", place] = columns[..] else { panic!("{line}") };
        assert!(known.contains(id), "{line}: there is no such fact");
        assert!(there.contains(place), "{line}: there is no such panel");
    }
    let count = lines.len();
    lines.dedup();
    assert!(lines.is_sorted() && lines.len() == count, "in order, each once");
    let named: BTreeSet<&str> = lines.iter().filter_map(|line| line.split('\t').nth(2)).collect();
    assert!(named.len() > 100, "{}", named.len());
}

#[test]
fn nobody_reads_an_id() {
    let mut shipped = vec!["README.md".to_owned()];
    for (folder, ending) in [
        ("alerts", ".yml"),
        ("alerts/tests", ".yml"),
        ("dashboards", ".json"),
        ("docs", ".md"),
        ("docs/how-to", ".md"),
        ("docs/runbooks", ".md"),
        ("examples", ""),
    ] {
        shipped.extend(files(folder, ending));
    }
    for file in shipped {
        assert!(
            !has_id(&read(&file)),
            "{file}: an id of a fact: they stand in docs/project and tests/coverage.tsv"
        );
    }
    assert!(has_id("Normal: none. [X98 X99]") && !has_id("`compose_files[0]` [a] [P1]"));
}
