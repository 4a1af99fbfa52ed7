//! A signal is a metric with a judgement. Rules, their tests, the rows of `check`, the status page
//! and the lines in the panels all come from it, so they cannot disagree.

use std::time::Duration;

use super::many::Many;
use super::measure::Measure;
use super::sentence::Sentence;

/// An alert stays this long, in minutes, after its condition has gone: series that are withdrawn because
/// the target is sick must not resolve it falsely before "target down" takes over.
const KEPT_AS_A_RULE: u64 = 5;

/// Those that mute others are held until what they mute has ended: a change looks back over five minutes
/// and is held for five, and began at least two before. And what may be muted by one that ends soon ends
/// sooner.
const KEPT: [(&str, u64); 6] = [
    ("DockerServiceDown", 8),
    ("DockerRestartLoop", 8),
    ("DockerOomKilled", 8),
    ("DockerFailedStart", 8),
    ("HostDiskFull", 8),
    ("DockerUnhealthy", 1),
];

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Advice: worth doing one day, and never counted as trouble.
    Info,
    Warning,
    Critical,
}

impl Severity {
    pub const ALL: [Self; 3] = [Self::Info, Self::Warning, Self::Critical];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Info => "info",
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

    /// A number that is clearly beyond another.
    pub fn beyond(self, bound: f64) -> f64 {
        match self {
            Self::Above => bound + bound.abs() + 1.0,
            Self::Below => bound - bound.abs() - 1.0,
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

/// How long a trouble must last before it alerts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hold {
    /// Of the warning, and of advice.
    pub warning: Duration,
    pub critical: Duration,
}

impl Hold {
    pub const fn both(hold: Duration) -> Self {
        Self { warning: hold, critical: hold }
    }
}

/// A judgement on a metric.
pub struct Signal {
    /// Value of the label `signal` and key under `thresholds:`.
    pub name: &'static str,
    /// Name of the alert of all severities, and of the section in the runbook.
    pub alert: &'static str,
    pub measure: Measure,
    pub direction: Direction,
    pub unit: Unit,
    pub warning: Default,
    pub critical: Default,
    /// What makes it advice: it has a third rule, of severity `info`, and the other two serve those
    /// who take it more seriously.
    pub advice: Option<Default>,
    pub hold: Hold,
    /// Labels by which one thing can have a threshold of its own; none: the target has one for all.
    pub item: &'static [&'static str],
    pub requirements: &'static [&'static str],
    /// What is wrong, with the thing's labels and no full stop.
    pub title: Sentence,
    /// The same of several things at once; `None` where there is one such thing to a machine.
    pub many: Option<Many>,
    /// That it is over, in the same way.
    pub clear: Sentence,
    /// What the value is, for people: "Used part of the file system". Empty for a yes or no, of
    /// which the title has said all.
    pub what: &'static str,
    /// What it means and what helps, for `check`, the status page and the alert.
    pub hint: &'static str,
    /// The next command that a person would run, with the thing's labels.
    pub next: Sentence,
}

impl Signal {
    /// `None` for a severity that the signal does not have.
    pub const fn default_of(&self, severity: Severity) -> Option<Default> {
        match severity {
            Severity::Info => self.advice,
            Severity::Warning => Some(self.warning),
            Severity::Critical => Some(self.critical),
        }
    }

    /// The severities that it has rules for, the lowest first.
    pub fn severities(&self) -> impl Iterator<Item = Severity> {
        Severity::ALL.into_iter().filter(|severity| self.default_of(*severity).is_some())
    }

    /// The severity that a single configured value is for: the lowest that has a threshold by
    /// default, else the lowest of all.
    pub fn lowest(&self) -> Severity {
        let set = |severity: &Severity| {
            self.default_of(*severity).is_some_and(|default| default.value.is_some())
        };
        self.severities()
            .find(set)
            .unwrap_or_else(|| self.severities().next().unwrap_or(Severity::Warning))
    }

    pub const fn hold_of(&self, severity: Severity) -> Duration {
        match severity {
            Severity::Info | Severity::Warning => self.hold.warning,
            Severity::Critical => self.hold.critical,
        }
    }

    /// How long an alert stays after its condition has gone. That a target is down, which mutes others, is
    /// over when it has answered for two minutes: what began with it is told by then, and a target that
    /// answers now and then is not told again and again.
    pub fn kept(&self) -> Duration {
        let minutes = if self.is_up() {
            if self.critical.value.is_some() { 2 } else { 0 }
        } else {
            let own = KEPT.iter().find(|(alert, _)| *alert == self.alert);
            own.map_or(KEPT_AS_A_RULE, |(_, minutes)| *minutes)
        };
        Duration::from_mins(minutes)
    }

    /// Whether the signal says that the target as a whole is there.
    pub fn is_up(&self) -> bool {
        self.measure.metric == "stack_target_up"
    }

    /// Whether it says that what is watched does not serve.
    pub fn tells_gone(&self) -> bool {
        self.is_up() || self.is_probe()
    }

    /// Whether it says that a probe fails, of which phase and reason are told.
    pub fn is_probe(&self) -> bool {
        self.measure.metric == "probe_success"
    }

    /// Whether it answers yes or no, so that the title says it all.
    pub fn is_fact(&self) -> bool {
        self.unit == Unit::Bool
    }

    /// "should be at most 90%".
    pub fn bound(&self) -> &'static str {
        match self.direction {
            Direction::Above => "at most",
            Direction::Below => "at least",
        }
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
