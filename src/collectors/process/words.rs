//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use crate::catalogue::words::{Words, listed, open};

pub const WORDS: &[Words] = &[
    listed(&["namedprocess_namegroup_cpu_seconds_total"], "mode", &["user", "system"]),
    listed(
        &["namedprocess_namegroup_memory_bytes"],
        "memtype",
        &["resident", "virtual", "swapped"],
    ),
    listed(
        &["namedprocess_namegroup_states"],
        "state",
        &["Running", "Sleeping", "Waiting", "Zombie", "Other"],
    ),
    listed(
        &["namedprocess_namegroup_context_switches_total"],
        "ctxswitchtype",
        &["voluntary", "nonvoluntary"],
    ),
    listed(
        &["stack_target_part_age_seconds", "stack_target_part_failure"],
        "part",
        &["containers", "remembered"],
    ),
    listed(&["stack_target_series_dropped_total"], "cap", &["processes"]),
    open("groupname"),
    open("project"),
    open("service"),
    open("address"),
    open("port"),
];
