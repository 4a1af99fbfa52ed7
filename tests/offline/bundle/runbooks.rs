//! Runbooks: a section for every alert, an alert for every section, and something in it.

use std::collections::BTreeSet;

use stack_exporter::http::runbook_sections;

use super::rules;
use crate::support::{files, read};

const LEAST_WORDS: usize = 60;

#[test]
fn alerts_and_sections_are_the_same() {
    let alerts: BTreeSet<String> =
        rules::all().iter().map(|rule| rule.alert().to_owned()).collect();
    let sections: Vec<String> = runbook_sections().map(|(alert, _)| alert.to_owned()).collect();
    let known: BTreeSet<String> = sections.iter().cloned().collect();
    assert_eq!(known.len(), sections.len(), "an alert has two sections");
    let missing: Vec<_> = alerts.difference(&known).collect();
    let extra: Vec<_> = known.difference(&alerts).collect();
    assert!(missing.is_empty(), "alerts without a section in docs/runbooks: {missing:?}");
    assert!(extra.is_empty(), "sections without an alert: {extra:?}");
}

#[test]
fn every_runbook_is_part_of_the_binary() {
    let embedded: BTreeSet<&str> = runbook_sections().map(|(alert, _)| alert).collect();
    for file in files("docs/runbooks", ".md") {
        for line in read(&file).lines().filter_map(|line| line.strip_prefix("## ")) {
            assert!(embedded.contains(line.trim()), "{file}: {line} is not embedded");
        }
    }
}

/// Prose and code of a section.
fn split(section: &str) -> (String, Vec<&str>) {
    let parts: Vec<&str> = section.split("```").collect();
    let prose = parts.iter().step_by(2).copied().collect::<Vec<_>>().join("\n");
    (prose, parts.into_iter().skip(1).step_by(2).collect())
}

#[test]
fn every_section_helps() {
    for (alert, section) in runbook_sections() {
        let (prose, code) = split(section);
        let words = prose.split_whitespace().count();
        assert!(words >= LEAST_WORDS, "{alert}: {words} words");
        let commands = code.iter().any(|code| code.starts_with("sh\n"));
        assert!(commands, "{alert}: no commands in a ```sh block");
        assert_eq!(section.matches("```").count() % 2, 0, "{alert}: a fence is open");
    }
}

/// src/http/runbooks.rs renders this much of Markdown and no more.
#[test]
fn sections_use_the_markdown_that_is_rendered() {
    for (alert, section) in runbook_sections() {
        let (prose, _) = split(section);
        for block in prose.split("\n\n").map(str::trim) {
            let heading = block.starts_with('#');
            let rendered = !heading || (block.starts_with("### ") && !block.contains('\n'));
            assert!(rendered, "{alert}: {block}");
            let foreign = ["* ", "1. ", "> ", "| ", "---", "!["];
            assert!(!foreign.iter().any(|mark| block.starts_with(mark)), "{alert}: {block}");
            // A list begins a block and is all of it.
            let item = |line: &str| line.starts_with("- ");
            assert!(item(block) || !block.lines().any(item), "{alert}: {block}");
            assert_eq!(block.matches('`').count() % 2, 0, "{alert}: {block}");
            assert!(!block.contains("]("), "{alert}: a link is not rendered: {block}");
        }
    }
}
