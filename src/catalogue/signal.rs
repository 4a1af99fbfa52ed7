//! A signal is a metric with a judgement. Rules, their tests, the rows of `check`, the status page
//! and the lines in the panels all come from it, so they cannot disagree.

use std::time::Duration;

use super::measure::Measure;

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
    fn the_threshold_itself_is_fine() {
        assert!(!Direction::Above.breached(5.0, 5.0));
        assert!(Direction::Above.breached(5.1, 5.0));
        assert!(!Direction::Below.breached(1.0, 1.0));
        assert!(Direction::Below.breached(0.0, 1.0));
    }
}
