//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use crate::catalogue::words::{Words, listed, open};

pub const WORDS: &[Words] = &[
    listed(
        &["stack_queue_jobs", "stack_queue_oldest_age_seconds"],
        "state",
        &["pending", "processing", "scheduled", "retry", "completed", "failed", "dead", "other"],
    ),
    listed(
        &["stack_queue_condition"],
        "condition",
        &["idle", "busy", "saturated", "stalled", "no_workers", "poisoned", "paused", "unknown"],
    ),
    listed(&["stack_target_series_dropped_total"], "cap", &["queues"]),
    open("queue"),
];
