//! Which labels have a closed list of values.

use crate::catalogue::Catalogue;
use crate::catalogue::words::{Words, known, listed, open};

/// The phases of a probe, in their order.
pub const PHASES: [&str; 6] = ["prepare", "resolve", "connect", "tls", "processing", "transfer"];

fn all_reasons(catalogue: &Catalogue) -> Vec<String> {
    catalogue.reasons().map(|reason| reason.as_str().to_owned()).collect()
}

pub const WORDS: &[Words] = &[
    listed(&["stack_probe_failure"], "phase", &PHASES),
    known(&["stack_probe_failure"], "reason", all_reasons),
    listed(
        &["probe_http_duration_seconds"],
        "phase",
        &["resolve", "connect", "tls", "processing", "transfer"],
    ),
    listed(
        &["probe_websocket_duration_seconds"],
        "phase",
        &["resolve", "connect", "tls", "processing"],
    ),
    listed(&["probe_icmp_duration_seconds"], "phase", &["resolve", "setup", "rtt"]),
    listed(&["stack_target_part_age_seconds", "stack_target_part_failure"], "part", &["hold"]),
    open("fingerprint_sha256"),
    open("subject"),
    open("issuer"),
    open("subjectalternative"),
    open("serialnumber"),
    open("cipher"),
];
