//! promtool cases for every threshold rule.
//!
//! Each signal and severity gets two, with several exporters in one Prometheus, so that a join that
//! mixed hosts, or failed on them, would be seen. `fires.rs` has the alert as people get it, and
//! `around.rs` what is near it: decoys, neighbours, other jobs and the end; `things.rs` things beside
//! others, some with a threshold of their own.

mod around;
mod fires;
mod series;
mod things;

use std::collections::BTreeMap;

use super::NOTICE;
use crate::catalogue::{Area, Direction, Fold, Match, Severity, Signal, Unit};
use crate::engine::OWN_AREA;
use series::Case;

pub(super) fn text(area: &Area, runbook_base: &str) -> String {
    let mut out = format!(
        "# {NOTICE}\nrule_files:\n  - ../{}.rules.yml\nevaluation_interval: 1m\ntests:\n",
        area.name
    );
    for signal in area.signals {
        for severity in signal.severities() {
            let case = Case::new(area, signal, severity);
            fires::write(&mut out, &case, runbook_base);
            around::write(&mut out, &case);
        }
    }
    out
}

/// Values on both sides of a threshold, for the rules and for `check` alike.
pub(crate) struct Example {
    pub(crate) threshold: f64,
    /// Just beyond.
    pub(crate) bad: f64,
    /// Just not beyond.
    pub(crate) good: f64,
}

impl Example {
    pub(crate) fn of(signal: &Signal, severity: Severity) -> Self {
        // A severity that is off by default is tested with the other one's value, or with 1.
        let defaults = [severity, Severity::Info, Severity::Warning, Severity::Critical];
        let default = defaults.iter().find_map(|severity| signal.default_of(*severity)?.value);
        let threshold = default.unwrap_or(if signal.unit == Unit::Ratio { 0.5 } else { 1.0 });
        let step = match signal.unit {
            Unit::Bool => 1.0,
            // Durations are shown in whole seconds; what is computed stays clear of them.
            Unit::Seconds if signal.measure.fold == Fold::Predict => {
                (threshold * 0.01).floor() + 0.5
            }
            Unit::Count if threshold.fract() == 0.0 => 1.0,
            _ if threshold == 0.0 => 1.0,
            _ => threshold * 0.01,
        };
        let beyond = if signal.direction == Direction::Above { step } else { -step };
        // A level may be exactly at its threshold; a rate is computed, so it stays clear of it.
        let good = match signal.measure.fold {
            Fold::Level => threshold,
            Fold::Rate | Fold::Increase => (threshold - beyond).max(0.0),
            Fold::Predict => threshold - beyond,
        };
        Self { threshold, bad: threshold + beyond, good }
    }
}

/// The labels of an alert besides those of its place and its rule.
pub(super) fn alert_labels(area: &Area, signal: &Signal) -> Vec<&'static str> {
    let measure = &signal.measure;
    let mut labels = example_labels(area, measure.metric, &[measure.select]);
    if let Some(kept) = measure.sum_by {
        labels.retain(|name, _| kept.contains(name));
    }
    labels.into_keys().collect()
}

/// What things are called in the cases, by the label that names them: a text that is read with it reads as
/// those who get it will read it.
fn example(area: &Area, label: &str) -> &'static str {
    match label {
        "project" | "container_label_com_docker_compose_project" | "usename" => "shop",
        "service" | "container_label_com_docker_compose_service" => "worker",
        "name" if area.name == "systemd" => "bot.service",
        "name" => "shop-worker-1",
        "groupname" | "process" => "bot",
        "datname" => "app",
        "application_name" | "pool" => "api",
        "query" => "stuck_ingestion",
        "column" => "jobs",
        "row" => "status=running",
        "attname" => "embedding",
        "queryid" => "4611686018427387904",
        "holder" => "session",
        "schemaname" => "public",
        "relname" => "alembic_version",
        "sequencename" => "orders_id_seq",
        "slot_name" => "standby_1",
        "state" if area.name == "postgres" => "idle in transaction",
        "mountpoint" => "/srv",
        "path" => "/srv/shop/.env",
        "uuid" => "GPU-5e1c9f0a",
        "gpu" => "0",
        _ => "x",
    }
}

/// The labels of a metric in a case: each has the value of the first selection that speaks of it,
/// or the same value everywhere, so that what is matched on it meets.
pub(crate) fn example_labels(
    area: &Area,
    metric: &str,
    selections: &[&[Match]],
) -> BTreeMap<&'static str, String> {
    let facts = area.facts(metric).or_else(|| OWN_AREA.facts(metric));
    let names = facts.map(|facts| facts.labels).unwrap_or_default();
    let value = |name: &'static str| {
        let mut chosen = selections.iter().copied().flatten().filter(|m| m.label == name && !m.not);
        chosen
            .find_map(|m| m.values.first())
            .map_or_else(|| example(area, name).into(), ToString::to_string)
    };
    names.into_iter().map(|name| (name, value(name))).collect()
}
