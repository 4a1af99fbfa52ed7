//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use super::model::{CLOCKS, KINDS, REASONS};
use crate::catalogue::words::{Words, listed, open};

pub const WORDS: &[Words] = &[
    listed(&["stack_gpu_driver_info"], "source", &["nvml", "nvidia_smi"]),
    listed(&["stack_gpu_state"], "state", &["ok", "lost", "reset_required", "error", "gone"]),
    listed(
        &["stack_gpu_temperature_limit_celsius"],
        "limit",
        &["slowdown", "shutdown", "operating"],
    ),
    listed(&["stack_gpu_clock_hertz", "stack_gpu_clock_most_hertz"], "clock", &CLOCKS),
    listed(&["stack_gpu_clock_event"], "reason", &REASONS),
    listed(
        &[
            "stack_gpu_ecc_errors_total",
            "stack_gpu_ecc_lifetime_errors_total",
            "stack_gpu_remapped_rows",
        ],
        "kind",
        &["corrected", "uncorrected"],
    ),
    listed(&["stack_gpu_retired_pages"], "cause", &["single_bit", "double_bit"]),
    listed(&["stack_gpu_xid_errors_total"], "kind", &KINDS),
    listed(&["stack_gpu_process_state"], "state", &["on_gpu", "on_cpu", "not_running"]),
    listed(&["stack_target_series_dropped_total"], "cap", &["programs"]),
    listed(
        &["stack_target_part_age_seconds", "stack_target_part_failure"],
        "part",
        &["nvidia_smi", "container_names", "remembered_gpus"],
    ),
    open("uuid"),
    open("gpu"),
    open("bus"),
    open("driver"),
    open("cuda"),
    open("program"),
    open("container"),
    open("process"),
    open("UUID"),
    open("pci_bus_id"),
    open("modelName"),
    open("Hostname"),
];
