//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use super::messages::Dropped;
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

fn dropped(_: &Catalogue) -> Vec<String> {
    Dropped::ALL.iter().map(|why| why.as_str().to_owned()).collect()
}

pub const WORDS: &[Words] = &[
    known(
        &["stack_target_failure", "stack_target_part_failure", "stack_notify_failures_total"],
        "reason",
        reasons,
    ),
    known(&["stack_notify_dropped_total"], "reason", dropped),
    listed(
        &[
            "stack_notify_sent_total",
            "stack_notify_failures_total",
            "stack_notify_dropped_total",
            "stack_notify_pending",
            "stack_notify_up",
        ],
        "way",
        &["ntfy", "telegram", "slack", "mattermost", "webhook", "mail", "heartbeat"],
    ),
    known(&["stack_target_reads_total"], "outcome", outcomes),
    listed(&["stack_scrapes_total"], "outcome", &["served", "refused"]),
    known(&["stack_probe_requests_total"], "outcome", asked),
    open("version"),
];
