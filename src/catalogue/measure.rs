//! The number that a signal judges: one definition, for the rules' `PromQL` and for `check`.

use super::area::Area;
use super::metric::Kind;
use super::signal::Direction;

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

/// A second condition: only where this metric too lies beyond a number that nobody configures.
#[derive(Clone, Copy, Debug)]
pub struct And {
    pub metric: &'static str,
    /// In place of its value its change a second, in parts of this metric.
    pub rate_per: Option<&'static str>,
    pub direction: Direction,
    pub bound: f64,
    /// Labels besides the target's that both must share.
    pub on: &'static [&'static str],
}

impl And {
    fn promql(&self) -> String {
        let (labels, operator) = (join_labels(self.on), self.direction.operator());
        let value = match self.rate_per {
            None => format!("max by ({labels}) ({})", self.metric),
            Some(per) => format!(
                "max by ({labels}) ({}) / on ({labels}) max by ({labels}) ({per})",
                Fold::Rate.promql(self.metric)
            ),
        };
        format!(" and on ({labels}) {value} {operator} {}", self.bound)
    }
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
    /// Leave out what this mutes.
    pub unless: Option<Unless>,
    /// Leave out what does not meet these too.
    pub and: [Option<And>; 2],
}

/// The present value of a metric.
pub const fn level(metric: &'static str) -> Measure {
    Measure {
        metric,
        select: &[],
        fold: Fold::Level,
        sum_by: None,
        per: None,
        unless: None,
        and: [None; 2],
    }
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

    /// Keeps quiet unless `metric` is beyond `bound` as well: a share of next to nothing is none.
    #[must_use]
    pub const fn and(
        self,
        metric: &'static str,
        direction: Direction,
        bound: f64,
        on: &'static [&'static str],
    ) -> Self {
        self.also(And { metric, rate_per: None, direction, bound, on })
    }

    /// Keeps quiet unless `metric` grows by more than this part of `per` in a second.
    #[must_use]
    pub const fn and_rate(
        self,
        (metric, per): (&'static str, &'static str),
        bound: f64,
        on: &'static [&'static str],
    ) -> Self {
        self.also(And { metric, rate_per: Some(per), direction: Direction::Above, bound, on })
    }

    const fn also(mut self, and: And) -> Self {
        let [first, _] = self.and;
        self.and = match first {
            None => [Some(and), None],
            first => [first, Some(and)],
        };
        self
    }

    /// The conditions on other metrics than the judged one.
    pub fn others(&self) -> impl Iterator<Item = And> {
        self.and.into_iter().flatten().filter(|and| and.metric != self.metric)
    }

    /// Whether the divisor is a counter whose change is meant: so much of this per one of that.
    pub fn changes_divisor(&self, area: &Area) -> bool {
        let facts = self.per.and_then(|(metric, _)| area.facts(metric));
        self.fold.is_change() && facts.is_some_and(|facts| facts.kind != Kind::Gauge)
    }

    /// The expression, ready to be compared with a threshold. `area` is the signal's own.
    ///
    /// Two jobs that scrape one exporter change nothing: of what both tell, the maximum is taken
    /// before anything is summed or matched. Labels that the user gives to targets stay.
    pub fn promql(&self, area: &Area) -> String {
        let folded = format!(
            "max without (job) ({})",
            self.fold.promql(&selector(self.metric, self.select))
        );
        let summed = match self.gone(area).as_slice() {
            [] => folded,
            gone => format!("sum without ({}) ({folded})", gone.join(", ")),
        };
        let divided = match self.per {
            None => summed,
            Some((metric, on)) => {
                let labels = join_labels(on);
                // Something per nothing would be endless and fire.
                let divisor = if self.changes_divisor(area) {
                    format!("(max by ({labels}) ({}) > 0)", self.fold.promql(metric))
                } else {
                    format!("max by ({labels}) ({metric})")
                };
                format!("{summed} / on ({labels}) group_left () {divisor}")
            }
        };
        let unless = self.unless.map(|Unless { metric, select, on }| {
            let labels = join_labels(on);
            format!(" unless on ({labels}) max by ({labels}) ({}) == 1", selector(metric, select))
        });
        let and: String = self.and.iter().flatten().map(And::promql).collect();
        if unless.is_none() && and.is_empty() {
            return divided;
        }
        // A comparison binds tighter than `unless`: without the outer parentheses the threshold
        // would be compared with the muting series.
        format!("({divided}{}{and})", unless.unwrap_or_default())
    }

    /// The labels of the metric over which is summed.
    fn gone(&self, area: &Area) -> Vec<&'static str> {
        let Some(kept) = self.sum_by else { return Vec::new() };
        let labels = area.facts(self.metric).map(|facts| facts.labels).unwrap_or_default();
        labels.into_iter().filter(|label| !kept.contains(label)).collect()
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

/// The labels of a match: those of the target, and more.
pub fn join_labels(more: &[&str]) -> String {
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
        for (measure, expected) in [
            (level("a").select(SELECT), r#"max without (job) (a{s="x", t!~"y|z"})"#),
            (level("a_total").increase(), "max without (job) (increase(a_total[5m]))"),
            (
                level("a").select(SELECT).predict(),
                r#"max without (job) (predict_linear(a{s="x", t!~"y|z"}[1h], 14400))"#,
            ),
            (
                level("example_errors_total").rate().sum_by(&[]).per("b", &[]),
                "sum without (id, kind) (max without (job) (rate(example_errors_total[5m]))) \
                 / on (instance, target) group_left () max by (instance, target) (b)",
            ),
            (
                level("a_total").rate().per("example_errors_total", &["id"]),
                "max without (job) (rate(a_total[5m])) / on (instance, target, id) group_left () \
                 (max by (instance, target, id) (rate(example_errors_total[5m])) > 0)",
            ),
            (
                level("a").per("example_errors_total", &[]),
                "max without (job) (a) / on (instance, target) group_left () \
                 max by (instance, target) (example_errors_total)",
            ),
            (
                level("a").per("b", &[]).unless("c", SELECT, &["s"]),
                "(max without (job) (a) / on (instance, target) group_left () \
                 max by (instance, target) (b) unless on (instance, target, s) \
                 max by (instance, target, s) (c{s=\"x\", t!~\"y|z\"}) == 1)",
            ),
            (
                level("a").unless("c", &[], &[]).and("d", Direction::Above, 0.5, &["s"]),
                "(max without (job) (a) unless on (instance, target) \
                 max by (instance, target) (c) == 1 and on (instance, target, s) \
                 max by (instance, target, s) (d) > 0.5)",
            ),
            (
                level("a").and_rate(("c_total", "e"), 0.5, &["s"]).and(
                    "d",
                    Direction::Above,
                    0.5,
                    &[],
                ),
                "(max without (job) (a) and on (instance, target, s) \
                 max by (instance, target, s) (rate(c_total[5m])) / on (instance, target, s) \
                 max by (instance, target, s) (e) > 0.5 and on (instance, target) \
                 max by (instance, target) (d) > 0.5)",
            ),
        ] {
            assert_eq!(measure.promql(&AREA), expected);
        }
    }
}
