//! What stores of several kinds have in common, as rows.

use crate::text::{printable, short};

/// Which program it is.
pub struct Identity {
    pub kind: &'static str,
    pub version: String,
}

/// Whether it does its work for clients, and how many more it takes.
#[derive(Default)]
pub struct Served {
    /// It answers us, but does it serve? None where it would not have answered otherwise.
    pub serves: Option<bool>,
    /// Used part of the connections that it takes.
    pub connections: Option<f64>,
}

/// Memory in parts of its own limit.
pub struct Memory {
    /// What happens when it is full.
    pub when_full: &'static str,
    pub used: f64,
}

impl Identity {
    #[allow(clippy::unused_self, reason = "each value of a row is asked of the row")]
    pub const fn always(&self) -> bool {
        true
    }
}

/// A word of a source as a label: printable, and not long.
pub fn label(text: &str) -> String {
    short(&printable(text), 64).into_owned()
}

/// A word of a closed list; what is not on it is `other`.
pub fn listed(text: &str, words: &[&'static str]) -> &'static str {
    words.iter().find(|word| **word == text).copied().unwrap_or("other")
}

/// A part of a whole that there is.
pub fn share(part: Option<f64>, whole: Option<f64>) -> Option<f64> {
    Some(part? / whole.filter(|whole| *whole > 0.0)?)
}
