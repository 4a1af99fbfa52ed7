//! What series know of a trouble besides the number that is judged: an exit code, failed checks in a row,
//! what is left. It stands in the description of the alert.
//!
//! One table and not a field of signals: most have nothing of it, and the page and `check` show their own.

use std::fmt::Write as _;

use super::rule_tests::example_labels;
use crate::catalogue::{Area, Signal};

/// A sentence about the results of a query.
pub(super) struct Known {
    area: &'static str,
    signals: &'static [&'static str],
    /// `$label` is the alert's label, in quotes. Its result is within bounds, whoever scrapes as often.
    query: &'static str,
    /// A template about one result, with a full stop and a space at its end.
    says: &'static str,
    /// Whether it needs two samples.
    counts: bool,
    /// What makes it speak in the generated cases, and what it says then. Of its labels, those that the
    /// alert has are the alert's.
    example: &'static [(&'static str, f64)],
    pub(super) filled: &'static str,
}

const CONTAINER_LIMIT: &str =
    "Memory limit of {{ .Labels.name }}: {{ . | value | humanize1024 }}B. ";
const EXIT_CODE: &str = "Last exit code of {{ .Labels.name }}: {{ . | value | printf \"%.0f\" }}. ";

static ALL: &[Known] = &[
    Known {
        area: "nats",
        signals: &["slow_consumers"],
        query: "topk(3,max by (client) (stack_nats_slow_client_cuts{instance=$instance,target=$target}))",
        says: "Cut off: {{ .Labels.client }}. ",
        counts: false,
        example: &[("stack_nats_slow_client_cuts", 1.0)],
        filled: "Cut off: x. ",
    },
    Known {
        area: "postgres",
        signals: &["lock_wait"],
        query: "topk(1,sum by (holder,application_name,usename,state) (stack_postgres_blocker_sessions{instance=$instance,target=$target,datname=$datname}))",
        says: "They wait for {{ if eq .Labels.holder \"prepared_transaction\" }}a prepared transaction (see pg_prepared_xacts){{ else }}{{ with .Labels.application_name }}{{ . }}{{ else }}a session without a name{{ end }} ({{ .Labels.usename }}, {{ .Labels.state }}){{ end }}; waiting for it: {{ . | value | printf \"%.0f\" }}. ",
        counts: false,
        example: &[("stack_postgres_blocker_sessions", 4.0)],
        filled: "They wait for api (shop, idle in transaction); waiting for it: 4. ",
    },
    Known {
        area: "postgres",
        signals: &["pool"],
        query: "max by (pool) (stack_postgres_pool_idle_in_transaction{instance=$instance,target=$target,datname=$datname,pool=$pool})",
        says: "Idle in a transaction: {{ . | value | printf \"%.0f\" }}. ",
        counts: false,
        example: &[("stack_postgres_pool_idle_in_transaction", 11.0)],
        filled: "Idle in a transaction: 11. ",
    },
    Known {
        area: "gpu",
        signals: &["process"],
        query: "topk(1,max by (state) (stack_gpu_process_state{instance=$instance,target=$target,process=$process})==1)",
        says: "It is {{ if eq .Labels.state \"on_cpu\" }}on the CPU{{ else }}not running{{ end }}. ",
        counts: false,
        example: &[("stack_gpu_process_state", 1.0)],
        filled: "It is not running. ",
    },
    Known {
        area: "gpu",
        signals: &["xid"],
        query: "max by (uuid) (stack_gpu_xid_last_code{instance=$instance,target=$target,uuid=$uuid})",
        says: "The last one was Xid {{ . | value | printf \"%.0f\" }}. ",
        counts: false,
        example: &[("stack_gpu_xid_last_code", 79.0)],
        filled: "The last one was Xid 79. ",
    },
    Known {
        area: "gpu",
        signals: &["lost"],
        query: "topk(1,max by (state) (stack_gpu_state{instance=$instance,target=$target,uuid=$uuid})==1)",
        says: "Its state is {{ .Labels.state }}. ",
        counts: false,
        example: &[("stack_gpu_state", 1.0)],
        filled: "Its state is x. ",
    },
    Known {
        area: "postgres",
        signals: &["query_above", "query_below"],
        query: "topk(1,max by (help) (stack_postgres_query_info{instance=$instance,target=$target,query=$query}))",
        says: "The configuration says of it: {{ .Labels.help }}. ",
        counts: false,
        example: &[("stack_postgres_query_info", 1.0)],
        filled: "The configuration says of it: x. ",
    },
    Known {
        area: "postgres",
        signals: &["migration_heads", "migration_expected"],
        query: "topk(3,max by (revision) (stack_postgres_migration_info{instance=$instance,target=$target,datname=$datname,schemaname=$schemaname,relname=$relname}))",
        says: "Revision: {{ .Labels.revision }}. ",
        counts: false,
        example: &[("stack_postgres_migration_info", 1.0)],
        filled: "Revision: x. ",
    },
    Known {
        area: "docker",
        signals: &["container_health"],
        query: "max by (name) (stack_container_health_failing_streak{instance=$instance,name=$name})",
        says: "Checks that failed in a row: {{ . | value | printf \"%.0f\" }}. ",
        counts: false,
        example: &[("stack_container_health_failing_streak", 3.0)],
        filled: "Checks that failed in a row: 3. ",
    },
    // Absent while it runs, so what it was a while ago counts.
    Known {
        area: "docker",
        signals: &[
            "service_down",
            "service_replicas_missing",
            "restart_loop",
            "restarts",
            "restarted_often",
        ],
        query: "topk(3,max by (name) (last_over_time(stack_container_exit_code{instance=$instance,project=$project,service=$service}[10m])))",
        says: EXIT_CODE,
        counts: false,
        example: &[("stack_container_exit_code", 139.0)],
        filled: "Last exit code of shop-worker-1: 139. ",
    },
    Known {
        area: "docker",
        signals: &["exited", "failed_start"],
        query: "max by (name) (last_over_time(stack_container_exit_code{instance=$instance,name=$name}[10m]))",
        says: EXIT_CODE,
        counts: false,
        example: &[("stack_container_exit_code", 127.0)],
        filled: "Last exit code of shop-worker-1: 127. ",
    },
    Known {
        area: "docker",
        signals: &["memory", "memory_predicted"],
        query: "max by (name) (container_spec_memory_limit_bytes{instance=$instance,name=$name}) > 0",
        says: CONTAINER_LIMIT,
        counts: false,
        example: &[("container_spec_memory_limit_bytes", 536_870_912.0)],
        filled: "Memory limit of shop-worker-1: 512MiB. ",
    },
    Known {
        area: "docker",
        signals: &["oom_killed", "oom_killed_child"],
        query: "topk(3,max by (name) (container_spec_memory_limit_bytes{instance=$instance,\
                container_label_com_docker_compose_project=$project,container_label_com_docker_compose_service=$service}) > 0)",
        says: CONTAINER_LIMIT,
        counts: false,
        example: &[("container_spec_memory_limit_bytes", 536_870_912.0)],
        filled: "Memory limit of shop-worker-1: 512MiB. ",
    },
    Known {
        area: "host",
        signals: &["disk"],
        query: "max by (mountpoint) (node_filesystem_avail_bytes{instance=$instance,mountpoint=$mountpoint,device=$device})",
        says: "Left: {{ . | value | humanize1024 }}B. ",
        counts: false,
        example: &[("node_filesystem_avail_bytes", 1_610_612_736.0)],
        filled: "Left: 1.5GiB. ",
    },
    Known {
        area: "host",
        signals: &["memory"],
        query: "max by (instance) (node_memory_MemAvailable_bytes{instance=$instance})",
        says: "Left: {{ . | value | humanize1024 }}B. ",
        counts: false,
        example: &[("node_memory_MemAvailable_bytes", 268_435_456.0)],
        filled: "Left: 256MiB. ",
    },
    Known {
        area: "logs",
        signals: &["critical_lines", "error_ratio", "error_burst"],
        query: "topk(1,max by (fingerprint,level,logger,exception) (increase(stack_log_error_group_events_total\
                {instance=$instance,target=$target,fingerprint!~\"other|retired\"}[10m])) > 0)",
        says: "Most often: {{ or .Labels.exception .Labels.level }}{{ with .Labels.logger }} of {{ . }}{{ end }}. ",
        counts: true,
        example: &[("stack_log_error_group_events_total", 60.0)],
        filled: "Most often: x of x. ",
    },
    Known {
        area: "postgres",
        signals: &["connections", "connections_ratio"],
        query: "topk(1,max by (application_name,usename) (stack_postgres_application_connections{instance=$instance,target=$target}))",
        says: "Most are of {{ or .Labels.application_name .Labels.usename }}: {{ . | value | printf \"%.0f\" }}. ",
        counts: false,
        example: &[("stack_postgres_application_connections", 12.0)],
        filled: "Most are of api: 12. ",
    },
    Known {
        area: "queue",
        signals: &["stalled", "no_workers", "in_flight", "saturation"],
        query: "max by (queue) (stack_queue_jobs{instance=$instance,target=$target,queue=$queue,state=\"pending\"})",
        says: "Jobs that wait: {{ . | value | printf \"%.0f\" }}. ",
        counts: false,
        example: &[("stack_queue_jobs", 31.0)],
        filled: "Jobs that wait: 31. ",
    },
    Known {
        area: "probe",
        signals: &["success", "failing"],
        query: "max by (target) (probe_http_status_code{instance=$instance,target=$target}) > 0",
        says: "Status of the answer: {{ . | value | printf \"%.0f\" }}. ",
        counts: false,
        example: &[("probe_http_status_code", 502.0)],
        filled: "Status of the answer: 502. ",
    },
    Known {
        area: "process",
        signals: &["listener"],
        query: "max by (groupname) (stack_listener_taken{instance=$instance,target=$target,groupname=$groupname,port=$port}) > 0",
        says: "Another program listens there. ",
        counts: false,
        example: &[("stack_listener_taken", 1.0)],
        filled: "Another program listens there. ",
    },
    Known {
        area: "systemd",
        signals: &["unit_failed", "restarts", "other_failed"],
        query: "max by (name) (stack_unit_exit_code{instance=$instance,target=$target,name=$name})",
        says: "Last exit code: {{ . | value | printf \"%.0f\" }}. ",
        counts: false,
        example: &[("stack_unit_exit_code", 203.0)],
        filled: "Last exit code: 203. ",
    },
    Known {
        area: "backup",
        signals: &["overdue", "empty", "valid"],
        query: "max by (target) (stack_backup_usable_age_seconds{instance=$instance,target=$target})",
        says: "The newest that can be used is {{ . | value | humanizeDuration | reReplaceAll `^(-?[0-9]+[dhm])( [1-9][0-9]*[hms])?( .*)?$` `$1$2` }} old. ",
        counts: false,
        example: &[("stack_backup_usable_age_seconds", 187_200.0)],
        filled: "The newest that can be used is 2d 4h old. ",
    },
];

impl Known {
    /// What is known of a signal's trouble.
    pub(super) fn of(area: &Area, signal: &Signal) -> impl Iterator<Item = &'static Self> {
        let (area, signal) = (area.name, signal.name);
        ALL.iter().filter(move |known| known.area == area && known.signals.contains(&signal))
    }

    pub(super) fn template(&self) -> String {
        let (mut query, mut labels) = (String::new(), String::new());
        let mut parts = self.query.split('$');
        query += parts.next().unwrap_or_default();
        for part in parts {
            let end = part.find(|c: char| !c.is_ascii_lowercase() && c != '_');
            let (label, rest) = part.split_at(end.unwrap_or(part.len()));
            let _ = write!(labels, " $labels.{label}");
            let _ = write!(query, "%q{rest}");
        }
        format!("{{{{ range printf `{query}`{labels} | query }}}}{}{{{{ end }}}}", self.says)
    }

    /// Whether it speaks in a case whose series have been there for so long.
    pub(super) const fn shown_after(&self, minutes: u64) -> bool {
        !self.counts || minutes > 0
    }

    /// The series of the example, with their values; those of an alert that has these labels.
    pub(super) fn series(
        &self,
        area: &Area,
        labels: &dyn Fn(&str) -> Option<String>,
    ) -> Vec<(String, String)> {
        let mut all = Vec::new();
        for (metric, value) in self.example {
            let mut of = example_labels(area, metric, &[]);
            if of.contains_key("state") && *metric == "stack_queue_jobs" {
                of.insert("state", "pending".to_owned());
            }
            for (name, text) in &mut of {
                if let Some(given) = labels(name) {
                    *text = given;
                }
            }
            of.extend(["instance", "target"].map(|n| (n, labels(n).unwrap_or_default())));
            let of: Vec<_> = of.iter().map(|(name, text)| format!("{name}=\"{text}\"")).collect();
            let step = if self.counts { format!("+{value}") } else { String::new() };
            all.push((format!("{metric}{{{}}}", of.join(", ")), format!("{value}{step}")));
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::CATALOGUE;

    #[test]
    fn each_is_of_a_signal_and_asks_for_a_metric_of_its_area() {
        for known in ALL {
            let area = CATALOGUE.area(known.area).unwrap();
            for name in known.signals {
                let signal = area.signal(name).unwrap_or_else(|| panic!("{} {name}", area.name));
                assert!(known.example.iter().all(|(metric, _)| *metric != signal.measure.metric));
            }
            for (metric, _) in known.example {
                assert!(area.facts(metric).is_some(), "{metric}");
                assert!(known.query.contains(metric), "{metric}");
            }
        }
    }

    #[test]
    fn labels_of_the_alert_stand_in_the_query() {
        let host = CATALOGUE.area("host").unwrap();
        let known = Known::of(host, host.signal("memory").unwrap()).next().unwrap();
        assert_eq!(
            known.template(),
            "{{ range printf `max by (instance) (node_memory_MemAvailable_bytes{instance=%q})` \
             $labels.instance | query }}Left: {{ . | value | humanize1024 }}B. {{ end }}"
        );
    }
}
