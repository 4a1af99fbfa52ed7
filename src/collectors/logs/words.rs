//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use super::presets::{rule_names, value_names};
use crate::catalogue::words::{Words, known, listed, open};

pub const WORDS: &[Words] = &[
    listed(
        &["stack_log_lines_total", "stack_log_error_group_events_total"],
        "level",
        &["debug", "info", "warning", "error", "critical", "none"],
    ),
    listed(&["stack_log_unrecognised_total"], "form", &["text", "json"]),
    listed(&["stack_log_files"], "state", &["open", "gone", "unreadable", "skipped"]),
    listed(
        &["stack_log_skipped_files"],
        "reason",
        &["compressed", "utf16", "binary", "irregular", "link", "pseudo"],
    ),
    listed(
        &["stack_log_doubt_total"],
        "reason",
        &["truncated", "overrun", "state_lost", "cursor_lost", "damaged", "cut", "value"],
    ),
    listed(
        &["stack_log_requests_total"],
        "method",
        &["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "CONNECT", "TRACE", "other"],
    ),
    listed(
        &["stack_log_requests_total"],
        "status",
        &["1xx", "2xx", "3xx", "4xx", "5xx", "401", "403", "429", "other"],
    ),
    known(
        &[
            "stack_log_matches_total",
            "stack_log_match_run_seconds",
            "stack_log_match_silence_seconds",
            "stack_log_label_matches_total",
            "stack_log_values_total",
            "stack_log_last_value",
            "stack_log_value_observations_total",
            "stack_log_value_over_limit_total",
            "stack_log_expected_overdue_seconds",
            "stack_log_pairs_total",
            "stack_log_pairs_open",
            "stack_log_pair_waiting_seconds",
        ],
        "rule",
        |_| rule_names(),
    ),
    known(
        &[
            "stack_log_values_total",
            "stack_log_last_value",
            "stack_log_value_observations_total",
            "stack_log_value_over_limit_total",
        ],
        "value",
        |_| value_names(),
    ),
    listed(&["stack_log_pairs_total"], "outcome", &["finished", "expired", "dropped"]),
    listed(
        &["stack_target_series_dropped_total"],
        "cap",
        &["files", "directory entries", "label values"],
    ),
    open("logger"),
    open("exception"),
    open("client"),
];
