//! promtool cases for every threshold rule.
//!
//! Each signal and severity gets one case with several exporters in one Prometheus: `breached` is
//! just beyond the threshold and fires, with exact labels and annotations, not before its hold
//! time; `fine` is at the threshold or just before it; `silent` has no data; `off` is far beyond
//! but has no threshold; `muted` is beyond it where the measure is to keep quiet; `idle` counts on
//! while the counter that it is divided by stands still. So a join that mixed hosts, or failed on
//! them, would be seen.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::NOTICE;
use super::rules::{filled_description, hold_minutes};
use crate::catalogue::{AHEAD, Area, Direction, Fold, Match, Severity, Signal, Unit};
use crate::engine::OWN_AREA;

/// The divisor of ratios in the cases.
const DIVISOR: f64 = 8.0;
/// The exporter whose trouble is muted.
const MUTED: &str = "muted";
/// The exporter whose divisor stands still.
const IDLE: &str = "idle";
/// Where counters start.
const START: f64 = 1_000_000.0;

pub(super) fn text(area: &Area, runbook_base: &str) -> String {
    let mut out = format!(
        "# {NOTICE}\nrule_files:\n  - ../{}.rules.yml\nevaluation_interval: 1m\ntests:\n",
        area.name
    );
    for signal in area.signals {
        for severity in Severity::ALL {
            Case::new(area, signal, severity).write(&mut out, runbook_base);
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
        let defaults = [severity, Severity::Warning, Severity::Critical];
        let default = defaults.iter().find_map(|severity| signal.default_of(*severity).value);
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
        chosen.find_map(|m| m.values.first()).map_or_else(|| "x".into(), ToString::to_string)
    };
    names.into_iter().map(|name| (name, value(name))).collect()
}

/// Held times are short.
fn minutes(whole: u64) -> f64 {
    u32::try_from(whole).map_or(f64::INFINITY, f64::from)
}

struct Case<'a> {
    area: &'a Area,
    signal: &'a Signal,
    severity: Severity,
    threshold: f64,
    bad: f64,
    good: f64,
    target: &'static str,
}

impl<'a> Case<'a> {
    fn new(area: &'a Area, signal: &'a Signal, severity: Severity) -> Self {
        let Example { threshold, bad, good } = Example::of(signal, severity);
        let target = if area.single { area.name } else { "main" };
        Self { area, signal, severity, threshold, bad, good, target }
    }

    fn labels(&self, metric: &str) -> BTreeMap<&'static str, String> {
        example_labels(self.area, metric, &[self.signal.measure.select])
    }

    fn series(&self, metric: &str, instance: &str, values: &str) -> String {
        self.series_with(self.labels(metric), metric, instance, values)
    }

    fn series_with(
        &self,
        mut labels: BTreeMap<&'static str, String>,
        metric: &str,
        instance: &str,
        values: &str,
    ) -> String {
        labels.extend([("instance", instance.to_owned()), ("target", self.target.to_owned())]);
        let labels: Vec<_> = labels.iter().map(|(k, v)| format!("{k}=\"{v}\"")).collect();
        format!("      - series: '{metric}{{{}}}'\n        values: '{values}'\n", labels.join(", "))
    }

    /// Values of a series that come out as `value` once they are folded.
    fn values(&self, value: f64) -> String {
        let steps = 30 + hold_minutes(self.signal);
        match self.signal.measure.fold {
            Fold::Level => format!("{value}x{steps}"),
            Fold::Rate => format!("{START}+{}x{steps}", value * 60.0),
            Fold::Increase => format!("{START}+{}x{steps}", value / 5.0),
            Fold::Predict => {
                let (start, slope) = self.trend(value);
                format!("{start}{slope:+}x{steps}")
            }
        }
    }

    /// Start, and slope a minute, of a line whose prediction is `value` when the alert is due. It is
    /// so flat that the prediction of a line that is beyond the threshold then has been so for the
    /// whole hold time, and steep enough that the level itself never is (held below two hours).
    fn trend(&self, value: f64) -> (f64, f64) {
        let scale = if self.signal.measure.per.is_some() { DIVISOR } else { 1.0 };
        let hold = minutes(hold_minutes(self.signal));
        let slope = (self.bad - self.threshold) * scale / (2.0 * (hold + 1.0));
        let seen = minutes(self.known()) + hold + f64::from(AHEAD / 60);
        (value - slope * seen, slope)
    }

    /// The metric's series such that the measure comes out as `value`.
    fn measured(&self, instance: &str, value: f64) -> String {
        let measure = &self.signal.measure;
        let value = if measure.per.is_some() { value * DIVISOR } else { value };
        let steps = 30 + hold_minutes(self.signal);
        let values = self.values(value);
        let mut out = self.series(measure.metric, instance, &values);
        if let Some((divisor, _)) = measure.per {
            let values = match measure.changes_divisor(self.area) {
                true if instance == IDLE => format!("{START}x{steps}"),
                true => self.values(DIVISOR),
                false => format!("{DIVISOR}x{steps}"),
            };
            out += &self.series(divisor, instance, &values);
        }
        if let Some(other) = measure.unless {
            let labels = example_labels(self.area, other.metric, &[other.select, measure.select]);
            let mutes = u8::from(instance == MUTED);
            out += &self.series_with(labels, other.metric, instance, &format!("{mutes}x{steps}"));
        }
        if self.signal.is_up() && value == 0.0 {
            let failure = format!(
                "stack_target_failure{{area=\"{}\", instance=\"{instance}\", target=\"{}\", reason=\"refused\"}}",
                self.area.name, self.target
            );
            let _ = write!(out, "      - series: '{failure}'\n        values: '1x{steps}'\n");
        }
        out
    }

    fn limit(&self, instance: &str) -> String {
        let labels = format!(
            "area=\"{}\", signal=\"{}\", severity=\"{}\", instance=\"{instance}\", target=\"{}\"",
            self.area.name,
            self.signal.name,
            self.severity.as_str(),
            self.target
        );
        let steps = 30 + hold_minutes(self.signal);
        format!(
            "      - series: 'stack_threshold{{{labels}}}'\n        values: '{}x{steps}'\n",
            self.threshold
        )
    }

    fn write(&self, out: &mut String, runbook_base: &str) {
        let (name, severity) = (self.signal.name, self.severity.as_str());
        let _ = writeln!(out, "  - name: {name} {severity}\n    interval: 1m\n    input_series:");
        let measure = &self.signal.measure;
        let muted = measure.unless.map(|_| (MUTED, Some(self.bad)));
        let idle = measure.changes_divisor(self.area).then_some((IDLE, Some(self.bad)));
        let usual = [("breached", Some(self.bad)), ("fine", Some(self.good)), ("silent", None)];
        for (instance, value) in usual.into_iter().chain(muted).chain(idle) {
            *out += &self.limit(instance);
            if let Some(value) = value {
                *out += &self.measured(instance, value);
            }
        }
        *out += &self.measured("off", self.bad);
        let _ = writeln!(out, "    alert_rule_test:");
        let known = self.known();
        let hold = hold_minutes(self.signal);
        let alert = self.signal.alert;
        if hold > 0 {
            // A change of any size is above a threshold of nothing as soon as there is one.
            let first = if self.threshold == 0.0 { known.min(1) } else { known };
            let early = first + hold - 1;
            let _ = writeln!(
                out,
                "      - eval_time: {early}m\n        alertname: {alert}\n        exp_alerts: []"
            );
        }
        let _ = writeln!(
            out,
            "      - eval_time: {}m\n        alertname: {alert}\n        exp_alerts:",
            known + hold
        );
        self.expected(out, runbook_base);
    }

    /// Minutes until the measure has its value.
    fn known(&self) -> u64 {
        let measure = &self.signal.measure;
        match measure.fold {
            Fold::Level => 0,
            // Two samples make a trend.
            Fold::Predict => 1,
            // They also make a change, and what both counters lack for the window cancels out.
            _ if measure.changes_divisor(self.area) => 1,
            // A rate has its full value once the samples reach to within one interval of its window.
            Fold::Rate | Fold::Increase => 4,
        }
    }

    fn expected(&self, out: &mut String, runbook_base: &str) {
        let measure = &self.signal.measure;
        let mut labels = self.labels(measure.metric);
        if let Some(kept) = measure.sum_by {
            labels.retain(|name, _| kept.contains(name));
        }
        let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
        let description =
            filled_description(self.signal, &label, self.target, self.bad, self.threshold);
        let mut all: BTreeMap<&str, String> = labels.iter().map(|(k, v)| (*k, v.clone())).collect();
        all.extend([
            ("instance", "breached".to_owned()),
            ("target", self.target.to_owned()),
            ("area", self.area.name.to_owned()),
            ("severity", self.severity.as_str().to_owned()),
            ("signal", self.signal.name.to_owned()),
        ]);
        let _ = writeln!(out, "          - exp_labels:");
        for (name, value) in all {
            let _ = writeln!(out, "              {name}: \"{value}\"");
        }
        let url = runbook_base.replace("{{ $labels.instance }}", "breached");
        let _ = writeln!(out, "            exp_annotations:");
        let _ = writeln!(out, "              summary: {}", self.signal.summary);
        let _ = writeln!(out, "              description: \"{description}\"");
        let _ = writeln!(out, "              runbook_url: \"{url}/{}\"", self.signal.alert);
    }
}
