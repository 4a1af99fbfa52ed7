//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use super::once::Asked;
use crate::catalogue::Catalogue;
use crate::catalogue::words::{Words, known, listed, open};

fn reasons(catalogue: &Catalogue) -> Vec<String> {
    catalogue.reasons().map(|reason| reason.as_str().to_owned()).collect()
}

fn outcomes(catalogue: &Catalogue) -> Vec<String> {
    std::iter::once("ok".to_owned()).chain(reasons(catalogue)).collect()
}

fn asked(_: &Catalogue) -> Vec<String> {
    Asked::ALL.iter().map(|asked| asked.as_str().to_owned()).collect()
}

pub const WORDS: &[Words] = &[
    known(&["stack_target_failure", "stack_target_part_failure"], "reason", reasons),
    known(&["stack_target_reads_total"], "outcome", outcomes),
    listed(&["stack_scrapes_total"], "outcome", &["served", "refused"]),
    known(&["stack_probe_requests_total"], "outcome", asked),
    open("version"),
];
