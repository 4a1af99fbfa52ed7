//! The number that a signal judges: one definition, for the rules' `PromQL` and for `check`.

use super::area::Area;
use super::metric::Kind;

/// The range of `rate` and `increase` in rules: at least four scrapes at one a minute.
pub const WINDOW: &str = "5m";

/// The range from which `predict_linear` takes the trend: long enough that a burst is none.
pub const TREND: &str = "1h";

/// How far ahead `predict_linear` looks, in seconds: four hours, time enough to act.
pub const AHEAD: u32 = 14_400;

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
    /// The value [`AHEAD`] from now if the trend of [`TREND`] goes on. For gauges. Two samples are a
    /// trend to Prometheus, so hold it long enough that there are more. `check` cannot tell.
    Predict,
}

impl Fold {
    /// Whether it takes an earlier reading of the same counter.
    pub const fn is_change(self) -> bool {
        matches!(self, Self::Rate | Self::Increase)
    }

    fn promql(self, selector: &str) -> String {
        match self {
            Self::Level => selector.to_owned(),
            Self::Rate => format!("rate({selector}[{WINDOW}])"),
            Self::Increase => format!("increase({selector}[{WINDOW}])"),
            Self::Predict => format!("predict_linear({selector}[{TREND}], {AHEAD})"),
        }
    }
}

/// Another series that explains the trouble or tells of it itself: where it is 1, there is nothing
/// to judge.
#[derive(Clone, Copy, Debug)]
pub struct Unless {
    pub metric: &'static str,
    pub select: &'static [Match],
    /// Labels besides the target's that both must share; a label that is absent is empty.
    pub on: &'static [&'static str],
}

/// The number that a signal judges, defined once for `PromQL` and for `check`.
#[derive(Clone, Copy, Debug)]
pub struct Measure {
    pub metric: &'static str,
    pub select: &'static [Match],
    pub fold: Fold,
    /// Sum over everything but the target and these labels.
    pub sum_by: Option<&'static [&'static str]>,
    /// Divide by this metric of the same target, matched on these labels. A gauge is never 0: a
    /// divisor that is not known is absent. Below a change, a counter's own change is meant; while
    /// it stands still there is no value.
    pub per: Option<(&'static str, &'static [&'static str])>,
    /// Leave out what this mutes, last of all.
    pub unless: Option<Unless>,
}

/// The present value of a metric.
pub const fn level(metric: &'static str) -> Measure {
    Measure { metric, select: &[], fold: Fold::Level, sum_by: None, per: None, unless: None }
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
    pub const fn predict(mut self) -> Self {
        self.fold = Fold::Predict;
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

    /// Keeps quiet where the selected series of `metric` is 1: while another signal speaks of the
    /// same thing, or while a deployment explains it.
    #[must_use]
    pub const fn unless(
        mut self,
        metric: &'static str,
        select: &'static [Match],
        on: &'static [&'static str],
    ) -> Self {
        self.unless = Some(Unless { metric, select, on });
        self
    }

    /// Whether the divisor is a counter whose change is meant: so much of this per one of that.
    pub fn changes_divisor(&self, area: &Area) -> bool {
        let facts = self.per.and_then(|(metric, _)| area.facts(metric));
        self.fold.is_change() && facts.is_some_and(|facts| facts.kind != Kind::Gauge)
    }

    /// The expression, ready to be compared with a threshold. `area` is the signal's own.
    pub fn promql(&self, area: &Area) -> String {
        let folded = self.fold.promql(&selector(self.metric, self.select));
        let summed = match self.sum_by {
            None => folded,
            Some(labels) => format!("sum by ({}) ({folded})", join_labels(labels)),
        };
        let divided = match self.per {
            None => summed,
            Some((metric, on)) => {
                // Something per nothing would be endless and fire.
                let divisor = if self.changes_divisor(area) {
                    format!("({} > 0)", self.fold.promql(metric))
                } else {
                    metric.to_owned()
                };
                format!("{summed} / on ({}) group_left () {divisor}", join_labels(on))
            }
        };
        match self.unless {
            None => divided,
            // A comparison binds tighter than `unless`: without the outer parentheses the threshold
            // would be compared with the muting series.
            Some(Unless { metric, select, on }) => format!(
                "({divided} unless on ({}) {} == 1)",
                join_labels(on),
                selector(metric, select)
            ),
        }
    }
}

fn selector(metric: &str, select: &[Match]) -> String {
    let matchers: Vec<_> = select.iter().map(Match::promql).collect();
    if matchers.is_empty() {
        metric.to_owned()
    } else {
        format!("{metric}{{{}}}", matchers.join(", "))
    }
}

fn join_labels(more: &[&str]) -> String {
    let mut all = vec!["instance", "target"];
    all.extend(more);
    all.join(", ")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::examples::AREA;

    #[test]
    fn promql_of_each_form() {
        const SELECT: &[Match] = &[Match::is("s", &["x"]), Match::is_not("t", &["y", "z"])];
        assert_eq!(level("a").select(SELECT).promql(&AREA), r#"a{s="x", t!~"y|z"}"#);
        assert_eq!(level("a_total").increase().promql(&AREA), "increase(a_total[5m])");
        assert_eq!(
            level("a").select(SELECT).predict().promql(&AREA),
            r#"predict_linear(a{s="x", t!~"y|z"}[1h], 14400)"#
        );
        assert_eq!(
            level("a_total").rate().sum_by(&[]).per("b", &[]).promql(&AREA),
            "sum by (instance, target) (rate(a_total[5m])) / on (instance, target) group_left () b"
        );
        assert_eq!(
            level("a_total").rate().per("example_errors_total", &["id"]).promql(&AREA),
            "rate(a_total[5m]) / on (instance, target, id) group_left () \
             (rate(example_errors_total[5m]) > 0)"
        );
        assert_eq!(
            level("a").per("example_errors_total", &[]).promql(&AREA),
            "a / on (instance, target) group_left () example_errors_total"
        );
        assert_eq!(
            level("a").per("b", &[]).unless("c", SELECT, &["s"]).promql(&AREA),
            "(a / on (instance, target) group_left () b \
             unless on (instance, target, s) c{s=\"x\", t!~\"y|z\"} == 1)"
        );
    }
}
