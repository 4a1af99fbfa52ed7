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
mod start;
mod text;
mod trace;
mod tracker;
mod trend;

pub use fingerprint::Fingerprint;
pub use groups::{Group, Groups};
pub use mask::mask;
pub use start::{Start, begins as start_of, goes_on, is_frame, may_name};
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

/// Whether an error that nobody announced begins with this line (a bare traceback, a panic), or may
/// begin with it, or the first frame of a stack. Of lines without a head, only these must reach
/// [`Tracker::more`] while nothing is open.
#[inline]
pub fn begins(line: &[u8]) -> bool {
    match line.first() {
        Some(b' ' | b'\t') if start::is_frame(line) => true,
        // Ruby begins with a path, and ends like this.
        Some(b'/' | b'-' | b'.' | b' ' | b'[' | b'0'..=b'9' | b'a'..=b'z' | b'A'..=b'Z') => {
            start::begins(line).is_some()
        }
        _ => false,
    }
}

#[cfg(test)]
mod tests;
