//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use super::streams;
use crate::catalogue::words::{Words, listed, open};

pub const WORDS: &[Words] = &[
    listed(
        &["stack_nats_endpoint_up", "stack_nats_endpoint_duration_seconds"],
        "endpoint",
        &["varz", "jsz", "healthz"],
    ),
    listed(&["stack_target_series_dropped_total"], "cap", &["streams", "origins", "consumers"]),
    listed(&["stack_nats_stream_used_ratio"], "when_full", streams::WHEN_FULL),
    listed(&["stack_nats_stream_used_ratio"], "limit", streams::LIMITS),
    listed(&["stack_nats_stream_origin_up"], "kind", streams::KINDS),
    open("origin"),
    open("server_id"),
    open("account"),
];
