//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use super::{sample, streams};
use crate::catalogue::Catalogue;
use crate::catalogue::words::{Words, known, listed, open};

const ENDPOINTS: &[&str] = &["varz", "jsz", "healthz", "connz", "accstatz", "subsz", "routez"];

fn all_reasons(catalogue: &Catalogue) -> Vec<String> {
    catalogue.reasons().map(|reason| reason.as_str().to_owned()).collect()
}

pub const WORDS: &[Words] = &[
    listed(
        &["stack_nats_endpoint_up", "stack_nats_endpoint_duration_seconds"],
        "endpoint",
        ENDPOINTS,
    ),
    listed(&["stack_nats_endpoint_failure"], "endpoint", ENDPOINTS),
    known(&["stack_nats_endpoint_failure"], "reason", all_reasons),
    listed(
        &["stack_target_series_dropped_total"],
        "cap",
        &["streams", "origins", "consumers", "connz", "accstatz", "subsz", "routez"],
    ),
    listed(
        &["stack_nats_messages_total", "stack_nats_message_bytes_total"],
        "direction",
        sample::DIRECTIONS,
    ),
    listed(&["gnatsd_healthz_status_value"], "value", sample::HEALTH),
    listed(&["stack_nats_stream_used_ratio"], "when_full", streams::WHEN_FULL),
    listed(&["stack_nats_stream_used_ratio"], "limit", streams::LIMITS),
    listed(&["stack_nats_stream_origin_up"], "kind", streams::KINDS),
    open("origin"),
    open("server_id"),
    open("account"),
    open("account_id"),
    open("account_name"),
    open("client"),
];
