//! The words for why something cannot be read: open for areas, and none of them unknown.

use std::collections::{BTreeMap, BTreeSet};

use stack_exporter::collectors::CATALOGUE;

use crate::support::{read, sources};

/// Nobody can write a reason that is not declared by `reasons!`, and none is declared that its
/// `Area` does not name: docs/metrics.md lists what the areas name.
#[test]
fn every_reason_is_declared_once_listed_and_documented() {
    let mut declared = BTreeMap::new();
    for (path, text) in sources() {
        let code: String = text.lines().filter(|line| !line.trim().starts_with("//")).collect();
        assert!(
            !code.contains("Reason::declared(") || path.ends_with("src/failure.rs"),
            "{path}: a reason is made by `reasons!` alone"
        );
        for block in text.split("reasons! {").skip(1) {
            let block = block.split("\n}").next().unwrap();
            for line in block.lines().filter(|line| line.contains(" = ")) {
                let word = line.split('"').nth(1).unwrap_or_else(|| panic!("{path}: {line}"));
                let before = declared.insert(word.to_owned(), path.clone());
                assert_eq!(before, None, "{path}: {word} is declared twice");
            }
        }
    }
    let listed: Vec<_> = CATALOGUE.reasons().collect();
    let words: BTreeSet<_> = listed.iter().map(|reason| reason.as_str().to_owned()).collect();
    assert_eq!(listed.len(), words.len(), "a word stands twice in the catalogue");
    assert_eq!(declared.into_keys().collect::<BTreeSet<_>>(), words);
    let reference = read("docs/metrics.md");
    for reason in listed {
        let row = format!("| {} |", reason.meaning());
        let word = format!("| `{}` |", reason.as_str());
        assert!(reason.meaning().ends_with('.'), "{}: a sentence", reason.as_str());
        let there = reference.lines().any(|line| line.starts_with(&word) && line.ends_with(&row));
        assert!(there, "docs/metrics.md does not tell of {}", reason.as_str());
    }
}
