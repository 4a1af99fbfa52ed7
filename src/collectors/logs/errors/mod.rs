//! Errors, grouped: which lines are one event, what it is, and how often it came.
//!
//! ```text
//! lines -> Tracker (events) -> mask (template) -> Fingerprint -> Groups (counts)
//! ```
//!
//! Pure: bytes and times in, counts out. A fingerprint depends on nothing but the event, so it is
//! the same on every host, in any order and after every restart. Templates that are nearly the same
//! are joined in views only ([`merge`]).

use crate::collectors::logs::scan::level::Level;

pub mod fingerprint;
pub mod groups;
mod mask;
pub mod merge;
mod text;
mod trace;
mod tracker;
mod trend;

pub use fingerprint::Fingerprint;
pub use groups::{Group, Groups};
pub use mask::{Masks, mask};
pub use tracker::Tracker;
pub use trend::Trend;

/// The first line of an event of level error or critical, without colours.
#[derive(Clone, Copy, Debug)]
pub struct Head<'a> {
    pub level: Level,
    pub logger: &'a [u8],
    /// As it stands in the log: escapes of JSON are still escaped.
    pub message: &'a [u8],
    /// The text of `exc_info`, `exception` or `stack` of a JSON line, still escaped.
    pub exception: Option<&'a [u8]>,
}

/// Whether an error that nobody announced begins with this line (a bare traceback, a panic). Of lines
/// without a head, only these must reach [`Tracker::more`] while nothing is open.
#[inline]
pub fn begins(line: &[u8]) -> bool {
    // Nearly all lines are told by their first byte.
    matches!(line.first(), Some(b'T' | b' ' | b'E' | b'p' | b'f' | b't'))
        && trace::begins(line).is_some()
}

#[cfg(test)]
mod tests;
