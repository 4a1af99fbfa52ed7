//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use crate::catalogue::words::{Words, listed, open};

pub const WORDS: &[Words] = &[
    listed(
        &["node_cpu_seconds_total"],
        "mode",
        &["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"],
    ),
    listed(&["stack_target_series_dropped_total"], "cap", &["mounts", "interfaces", "disks"]),
    listed(
        &["stack_target_part_age_seconds", "stack_target_part_failure"],
        "part",
        &["sensors", "updates"],
    ),
    listed(&["node_md_state"], "state", &["active", "inactive", "recovering", "resync", "check"]),
    listed(&["node_md_disks"], "state", &["active", "failed", "spare"]),
    listed(
        &["stack_host_clock_sync_age_seconds"],
        "source",
        &["systemd-timesyncd", "chrony", "ntpd"],
    ),
    open("chip"),
    open("chip_name"),
    open("sensor"),
    open("device"),
    open("mountpoint"),
    open("fstype"),
    open("interface"),
];
