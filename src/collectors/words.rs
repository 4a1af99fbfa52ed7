//! The labels that have a closed list of values, and the lists: what rules, panels and tests of
//! rules may ask for.
//!
//! Who adds a value writes it here too; `tests/offline/words.rs` holds each list against the code
//! that writes the label, and against every recorded answer.

use super::logs::{preset_rules, preset_values};
use crate::engine::Reason;

/// One label of some metrics.
pub struct Words {
    pub metrics: &'static [&'static str],
    pub label: &'static str,
    pub values: Values,
}

/// Where the list stands.
pub enum Values {
    Listed(&'static [&'static str]),
    /// Kept where it is used.
    Known(fn() -> Vec<String>),
}

impl Words {
    pub fn values(&self) -> Vec<String> {
        match self.values {
            Values::Listed(values) => values.iter().map(|value| (*value).to_owned()).collect(),
            Values::Known(values) => values(),
        }
    }
}

/// The closed list of a label of a metric, if there is one.
pub fn of(metric: &str, label: &str) -> Option<&'static Words> {
    WORDS.iter().find(|words| words.label == label && words.metrics.contains(&metric))
}

const fn listed(
    metrics: &'static [&'static str],
    label: &'static str,
    values: &'static [&'static str],
) -> Words {
    Words { metrics, label, values: Values::Listed(values) }
}

const fn known(
    metrics: &'static [&'static str],
    label: &'static str,
    values: fn() -> Vec<String>,
) -> Words {
    Words { metrics, label, values: Values::Known(values) }
}

fn reasons() -> Vec<String> {
    Reason::ALL.map(|reason| reason.as_str().to_owned()).to_vec()
}

fn outcomes() -> Vec<String> {
    std::iter::once("ok".to_owned()).chain(reasons()).collect()
}

pub static WORDS: &[Words] = &[
    known(&["stack_target_failure", "stack_target_part_failure"], "reason", reasons),
    listed(
        &["stack_target_part_age_seconds", "stack_target_part_failure"],
        "part",
        &["stats", "disk_usage", "images", "commands", "remembered", "sizes", "login"],
    ),
    known(&["stack_target_reads_total"], "outcome", outcomes),
    listed(&["stack_scrapes_total"], "outcome", &["served", "refused"]),
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
    listed(
        &[
            "stack_postgres_connections",
            "pg_stat_activity_count",
            "pg_stat_activity_max_tx_duration",
        ],
        "state",
        &[
            "active",
            "idle",
            "idle in transaction",
            "idle in transaction (aborted)",
            "fastpath function call",
            "disabled",
            "other",
        ],
    ),
    listed(
        &["pg_locks_count"],
        "mode",
        &[
            "accesssharelock",
            "rowsharelock",
            "rowexclusivelock",
            "shareupdateexclusivelock",
            "sharelock",
            "sharerowexclusivelock",
            "exclusivelock",
            "accessexclusivelock",
            "sireadlock",
        ],
    ),
    listed(
        &["stack_nats_endpoint_up", "stack_nats_endpoint_duration_seconds"],
        "endpoint",
        &["varz", "jsz", "healthz"],
    ),
    listed(
        &["stack_queue_jobs", "stack_queue_oldest_age_seconds"],
        "state",
        &["pending", "processing", "scheduled", "retry", "completed", "failed", "dead", "other"],
    ),
    listed(
        &["stack_queue_condition"],
        "condition",
        &["idle", "busy", "saturated", "stalled", "no_workers", "poisoned", "unknown"],
    ),
    listed(
        &["stack_log_lines_total", "stack_log_error_group_events_total"],
        "level",
        &["debug", "info", "warning", "error", "critical", "none"],
    ),
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
        preset_rules,
    ),
    known(
        &[
            "stack_log_values_total",
            "stack_log_last_value",
            "stack_log_value_observations_total",
            "stack_log_value_over_limit_total",
        ],
        "value",
        preset_values,
    ),
    listed(&["stack_log_pairs_total"], "outcome", &["finished", "expired", "dropped"]),
    listed(
        &["stack_target_series_dropped_total"],
        "cap",
        &[
            "databases",
            "activity",
            "applications",
            "containers",
            "services",
            "lives",
            "queues",
            "files",
            "directory entries",
            "label values",
            "streams",
            "consumers",
            "mounts",
            "interfaces",
            "disks",
        ],
    ),
    listed(
        &["node_cpu_seconds_total"],
        "mode",
        &["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"],
    ),
];
