//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use crate::catalogue::words::{Words, listed, open};

pub const WORDS: &[Words] = &[
    listed(
        &["stack_target_part_age_seconds", "stack_target_part_failure"],
        "part",
        &["listing", "history"],
    ),
    listed(&["stack_file_exposed"], "how", &["readable", "tracked", "copy"]),
    listed(&["stack_file_unexpected"], "what", &["mode", "owner"]),
    listed(&["stack_target_series_dropped_total"], "cap", &["entries"]),
    open("path"),
    open("pattern"),
];
