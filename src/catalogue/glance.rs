//! What one looks at first: a judged number, or a fact that nobody judges.

use super::signal::Unit;

/// A number that says at a glance how a target is.
#[derive(Clone, Copy, Debug)]
pub enum Glance {
    /// A signal, by its name.
    Signal(&'static str),
    /// A metric of the area as it is; of several samples the highest.
    Fact {
        metric: &'static str,
        unit: Unit,
        /// What it is, for people.
        what: &'static str,
    },
}

impl Glance {
    /// Under which its history is kept.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Signal(name) => name,
            Self::Fact { metric, .. } => metric,
        }
    }
}
