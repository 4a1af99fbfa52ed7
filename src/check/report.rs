//! The outcome of all checks: findings and blind spots, worst first.

use std::time::SystemTime;

use super::group::troubles;
use crate::catalogue::{Severity, Signal};
use crate::failure::Failure;

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    Ok,
    /// Judged over time only; says nothing yet and does not count.
    NeedsHistory,
    /// Worth doing one day; it does not count.
    Advice,
    Warning,
    Critical,
}

impl Verdict {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::NeedsHistory => "needs_history",
            Self::Advice => "advice",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }
}

impl From<Severity> for Verdict {
    fn from(severity: Severity) -> Self {
        match severity {
            Severity::Info => Self::Advice,
            Severity::Warning => Self::Warning,
            Severity::Critical => Self::Critical,
        }
    }
}

/// One expectation with its value, threshold and verdict.
#[derive(Clone)]
pub struct Finding {
    pub area: &'static str,
    pub target: String,
    pub signal: &'static Signal,
    /// The labels that tell this value from others of the signal.
    pub labels: Vec<(&'static str, String)>,
    pub value: Option<f64>,
    /// The threshold that was breached, else the nearest one that was not.
    pub threshold: Option<f64>,
    pub verdict: Verdict,
}

/// Something that cannot be seen.
#[derive(Clone)]
pub struct Blind {
    pub area: &'static str,
    pub target: String,
    /// Where the target is: an address without credentials, or files.
    pub place: String,
    /// `None`: the whole target.
    pub what: Option<String>,
    pub failure: Failure,
    pub since: SystemTime,
    /// The verdict on the target being down, when it is.
    pub verdict: Verdict,
    /// The signal that says that the target is up.
    pub up: Option<&'static Signal>,
    /// A finding says the same: this is its reason, not a second trouble.
    pub told: bool,
}

/// A threshold of the configuration for things of which there is none.
pub struct Idle {
    pub area: &'static str,
    pub target: String,
    pub signal: &'static str,
    pub key: String,
}

impl Idle {
    /// "memory: `shop/wroker` matches nothing".
    pub fn sentence(&self) -> String {
        format!("thresholds of {}: `{}` matches nothing", self.signal, self.key)
    }
}

/// All of it.
pub struct Report {
    pub at: SystemTime,
    pub findings: Vec<Finding>,
    pub blind: Vec<Blind>,
    pub idle: Vec<Idle>,
}

impl Report {
    pub fn worst(&self) -> Verdict {
        let findings = self.findings.iter().map(|finding| finding.verdict);
        let blind = self.blind.iter().map(|blind| blind.verdict);
        findings.chain(blind).max().unwrap_or(Verdict::Ok)
    }

    /// 0 ok, 1 warning, 2 critical, 3 something unknown while nothing is critical: what cannot be
    /// seen never passes.
    pub fn exit_code(&self) -> u8 {
        match self.worst() {
            Verdict::Critical => 2,
            _ if !self.blind.is_empty() => 3,
            Verdict::Warning => 1,
            Verdict::Ok | Verdict::NeedsHistory | Verdict::Advice => 0,
        }
    }

    /// Troubles and pieces of advice with this verdict, as [`troubles`] tells them; else things that
    /// were judged so. What is merely not visible is [`Report::not_visible`].
    pub fn count(&self, verdict: Verdict) -> usize {
        if verdict < Verdict::Advice {
            return self.findings.iter().filter(|finding| finding.verdict == verdict).count();
        }
        troubles(self).iter().filter(|trouble| trouble.verdict == verdict).count()
    }

    /// What cannot be seen without a verdict on that.
    pub fn not_visible(&self) -> usize {
        troubles(self).iter().filter(|trouble| trouble.verdict < Verdict::Advice).count()
    }
}
