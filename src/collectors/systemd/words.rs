//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use super::lists::{ACTIVE, RESULT, SUB, SYSTEM, TYPE};
use crate::catalogue::words::{Words, listed, open};

pub const STATE: &[&str] = &[
    "running",
    "done",
    "resting",
    "starting",
    "stopping",
    "restarting",
    "stopped",
    "failed",
    "missing",
    "invalid",
    "masked",
];

pub const WORDS: &[Words] = &[
    listed(&["node_systemd_unit_state"], "state", ACTIVE),
    listed(&["stack_unit_state"], "state", STATE),
    listed(&["stack_unit_sub_state"], "sub", SUB),
    listed(&["stack_unit_result"], "result", RESULT),
    listed(&["stack_systemd_state"], "state", SYSTEM),
    listed(&["stack_target_series_dropped_total"], "cap", &["failed"]),
    open("name"),
    listed(&["node_systemd_unit_state"], "type", TYPE),
];
