//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use crate::catalogue::words::{Words, listed, open};

pub const WORDS: &[Words] = &[
    listed(
        &["stack_target_part_age_seconds", "stack_target_part_failure"],
        "part",
        &["stats", "disk_usage", "images", "commands", "remembered"],
    ),
    listed(
        &["stack_docker_source_info"],
        "source",
        &["cgroup_v1", "cgroup_hybrid", "cgroup_v2", "api"],
    ),
    listed(
        &["stack_service_state"],
        "state",
        &[
            "running",
            "degraded",
            "restarting",
            "failed_start",
            "crashed",
            "down",
            "stopped",
            "paused",
            "created",
            "missing",
            "deploying",
            "job_failed",
            "done",
            "off",
        ],
    ),
    listed(&["stack_service_replicas"], "state", &["wanted", "running", "healthy"]),
    listed(
        &["stack_container_state"],
        "state",
        &["created", "running", "paused", "restarting", "removing", "exited", "dead"],
    ),
    listed(&["stack_container_health"], "status", &["healthy", "unhealthy", "starting", "none"]),
    listed(&["stack_service_health_changes_total"], "status", &["healthy", "unhealthy"]),
    listed(&["stack_service_oom_kills_total"], "process", &["main", "child"]),
    listed(&["stack_service_kills_total"], "signal", &["SIGKILL", "SIGTERM", "other"]),
    listed(&["stack_container_privileged"], "way", &["privileged", "engine_socket"]),
    listed(&["stack_container_port_exposed"], "address", &["loopback", "private", "any"]),
    listed(&["stack_target_series_dropped_total"], "cap", &["containers", "services", "lives"]),
    open("project"),
    open("service"),
    open("name"),
    open("id"),
    open("image"),
    open("pattern"),
];
