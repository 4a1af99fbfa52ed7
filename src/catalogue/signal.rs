//! A signal is a metric with a judgement. Rules, their tests, the rows of `check`, the status page
//! and the lines in the panels all come from it, so they cannot disagree.

use std::time::Duration;

/// The range of `rate` and `increase` in rules: at least four scrapes at one a minute.
pub const WINDOW: &str = "5m";

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    Warning,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 2] = [Self::Warning, Self::Critical];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

/// On which side of the threshold the trouble lies. The threshold itself is still fine.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Direction {
    Above,
    Below,
}

impl Direction {
    pub const fn operator(self) -> &'static str {
        match self {
            Self::Above => ">",
            Self::Below => "<",
        }
    }

    pub fn breached(self, value: f64, threshold: f64) -> bool {
        match self {
            Self::Above => value > threshold,
            Self::Below => value < threshold,
        }
    }
}

/// The base unit of a signal: how thresholds are written and values are shown.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Bytes,
    /// Written as `0.9` or `90%`.
    Ratio,
    Count,
    /// Events a second.
    Rate,
    /// 1 is good and 0 is bad.
    Bool,
}

/// Who says that a threshold is what it is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// An operations guide, by the requirement's id.
    Guide(&'static str),
    /// We do, for this reason.
    Ours(&'static str),
}

/// A default threshold. Without a value the severity is off until it is configured.
#[derive(Clone, Copy, Debug)]
pub struct Default {
    pub value: Option<f64>,
    pub origin: Origin,
}

impl Default {
    pub const fn guide(value: f64, id: &'static str) -> Self {
        Self { value: Some(value), origin: Origin::Guide(id) }
    }

    pub const fn ours(value: f64, why: &'static str) -> Self {
        Self { value: Some(value), origin: Origin::Ours(why) }
    }

    pub const fn off(why: &'static str) -> Self {
        Self { value: None, origin: Origin::Ours(why) }
    }
}

/// A condition on a label: one of `values`, or none of them.
#[derive(Clone, Copy, Debug)]
pub struct Match {
    pub label: &'static str,
    pub values: &'static [&'static str],
    pub not: bool,
}

impl Match {
    pub const fn is(label: &'static str, values: &'static [&'static str]) -> Self {
        Self { label, values, not: false }
    }

    pub const fn is_not(label: &'static str, values: &'static [&'static str]) -> Self {
        Self { label, values, not: true }
    }

    pub fn holds(&self, value: &str) -> bool {
        self.values.contains(&value) != self.not
    }

    fn promql(&self) -> String {
        let (single, many) = if self.not { ("!=", "!~") } else { ("=", "=~") };
        let operator = if self.values.len() == 1 { single } else { many };
        format!("{}{operator}\"{}\"", self.label, self.values.join("|"))
    }
}

/// What is done with the samples of the metric before they are judged.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fold {
    /// The present value.
    Level,
    /// Change per second.
    Rate,
    /// Change over [`WINDOW`]; in `check`, over its window.
    Increase,
}

/// The number that a signal judges, defined once for `PromQL` and for `check`.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    pub metric: &'static str,
    pub select: &'static [Match],
    pub fold: Fold,
    /// Sum over everything but the target and these labels.
    pub sum_by: Option<&'static [&'static str]>,
    /// Divide by this metric of the same target, matched on these labels. It is never 0: a
    /// divisor that is not known is absent.
    pub per: Option<(&'static str, &'static [&'static str])>,
}

/// The present value of a metric.
pub const fn level(metric: &'static str) -> Measure {
    Measure { metric, select: &[], fold: Fold::Level, sum_by: None, per: None }
}

impl Measure {
    #[must_use]
    pub const fn select(mut self, select: &'static [Match]) -> Self {
        self.select = select;
        self
    }

    #[must_use]
    pub const fn rate(mut self) -> Self {
        self.fold = Fold::Rate;
        self
    }

    #[must_use]
    pub const fn increase(mut self) -> Self {
        self.fold = Fold::Increase;
        self
    }

    #[must_use]
    pub const fn sum_by(mut self, labels: &'static [&'static str]) -> Self {
        self.sum_by = Some(labels);
        self
    }

    #[must_use]
    pub const fn per(mut self, metric: &'static str, on: &'static [&'static str]) -> Self {
        self.per = Some((metric, on));
        self
    }

    pub fn promql(&self) -> String {
        let matchers: Vec<_> = self.select.iter().map(Match::promql).collect();
        let selector = match matchers.as_slice() {
            [] => self.metric.to_owned(),
            some => format!("{}{{{}}}", self.metric, some.join(", ")),
        };
        let folded = match self.fold {
            Fold::Level => selector,
            Fold::Rate => format!("rate({selector}[{WINDOW}])"),
            Fold::Increase => format!("increase({selector}[{WINDOW}])"),
        };
        let summed = match self.sum_by {
            None => folded,
            Some(labels) => format!("sum by ({}) ({folded})", join_labels(labels)),
        };
        match self.per {
            None => summed,
            Some((metric, on)) => {
                format!("{summed} / on ({}) group_left () {metric}", join_labels(on))
            }
        }
    }
}

fn join_labels(more: &[&str]) -> String {
    let mut all = vec!["instance", "target"];
    all.extend(more);
    all.join(", ")
}

/// A judgement on a metric.
pub struct Signal {
    /// Value of the label `signal` and key under `thresholds:`.
    pub name: &'static str,
    /// Name of the alert of both severities, and of the section in the runbook.
    pub alert: &'static str,
    pub measure: Measure,
    pub direction: Direction,
    pub unit: Unit,
    pub warning: Default,
    pub critical: Default,
    /// How long the trouble must last before it alerts.
    pub hold: Duration,
    pub requirements: &'static [&'static str],
    /// A fixed sentence: capital, full stop, no template.
    pub summary: &'static str,
    /// The subject of the description, with label templates: "Query in {{ $labels.datname }}".
    pub subject: &'static str,
    /// What it means and what helps, for `check`, the status page and the alert.
    pub hint: &'static str,
    /// The next command that a person would run.
    pub next: &'static str,
}

impl Signal {
    pub const fn default_of(&self, severity: Severity) -> Default {
        match severity {
            Severity::Warning => self.warning,
            Severity::Critical => self.critical,
        }
    }

    /// Whether the signal says that the target as a whole is there.
    pub fn is_up(&self) -> bool {
        self.measure.metric == "stack_target_up"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn promql_of_each_form() {
        const SELECT: &[Match] = &[Match::is("s", &["x"]), Match::is_not("t", &["y", "z"])];
        assert_eq!(level("a").select(SELECT).promql(), r#"a{s="x", t!~"y|z"}"#);
        assert_eq!(level("a_total").increase().promql(), "increase(a_total[5m])");
        assert_eq!(
            level("a_total").rate().sum_by(&[]).per("b", &[]).promql(),
            "sum by (instance, target) (rate(a_total[5m])) / on (instance, target) group_left () b"
        );
    }

    #[test]
    fn the_threshold_itself_is_fine() {
        assert!(!Direction::Above.breached(5.0, 5.0));
        assert!(Direction::Above.breached(5.1, 5.0));
        assert!(!Direction::Below.breached(1.0, 1.0));
        assert!(Direction::Below.breached(0.0, 1.0));
    }
}
