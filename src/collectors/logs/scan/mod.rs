//! Lines into counts: what a line is, and which rules it matches. Pure: bytes and a time in, counts
//! out.
//!
//! Each line is one of three: an event that names its level, a request of an access log, or a part of
//! the event before it. [`level::find`] and [`access::nginx`] say which; [`shape::Shapes`] says it
//! faster for lines that begin like one before.

pub mod access;
pub mod clients;
pub mod format;
pub mod head;
mod json;
pub mod level;
pub mod lines;
mod pass;
pub mod request;
mod shape;

use std::time::SystemTime;

use memchr::memchr_iter;
use serde::{Deserialize, Serialize};

pub use self::format::Format;
use self::level::Level;
use self::lines::Piece;
use self::pass::Pass;
use super::errors::Tracker;
use super::rules::Rules;
use super::tally::Tally;

/// What is counted in the lines of a source.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a thing of its own that is counted")]
pub struct Scanner {
    pub rules: Rules,
    /// The only form in which events begin; none: any.
    pub format: Option<Format>,
    /// Count lines by level.
    pub levels: bool,
    /// Count requests of access logs.
    pub access: bool,
    /// Group errors.
    pub errors: bool,
    /// Group warnings, and no errors.
    pub warnings: bool,
}

/// What is known of one run of lines (a file, one stream of a container, the journal) from the lines
/// before: it goes on over pieces, reloads and restarts.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Stream {
    /// Lines by level, for a recount from disk.
    pub lines: [u64; Level::ALL.len()],
    #[serde(skip_serializing_if = "Tracker::is_new")]
    pub tracker: Tracker,
    /// Events by their form, of late.
    forms: [u32; Format::ALL.len()],
    /// How surely its events begin with their level: each that does adds one, each that names one
    /// within a text takes one.
    firm: u8,
    #[serde(skip)]
    shapes: shape::Shapes,
    /// For what the shapes were learned.
    #[serde(skip)]
    format: Option<Format>,
}

/// Events of a source.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Events {
    /// Lines that begin one: those with a level, requests, tracebacks on their own.
    pub all: u64,
    /// Of these the errors.
    pub errors: u64,
}

impl Stream {
    /// The form that most events have had of late.
    pub fn format(&self) -> Option<Format> {
        let forms = Format::ALL.into_iter().zip(self.forms);
        forms.filter(|(_, count)| *count > 0).max_by_key(|(_, count)| *count).map(|(form, _)| form)
    }
}

impl Scanner {
    /// Counts whole lines of one run.
    pub fn scan(&self, stream: &mut Stream, piece: &Piece, now: SystemTime, tally: &mut Tally) {
        tally.bytes += piece.bytes;
        tally.doubt.cut += u64::from(piece.cut);
        tally.last_line = Some(now);
        if self.levels || self.access || self.errors || self.warnings {
            Pass::new(self, stream, now, tally).run(piece);
        } else {
            let lines = memchr_iter(b'\n', piece.lines).count() as u64;
            for [.., none] in [&mut stream.lines, &mut tally.levels] {
                *none += lines;
            }
        }
        self.rules.apply(piece.lines, now, &mut tally.rules);
    }

    /// The run is quiet or has ended: an event that is open is complete.
    pub fn settle(&self, stream: &mut Stream, now: SystemTime, tally: &mut Tally) {
        stream.tracker.settle(now, &mut tally.errors);
        // Thousands of quiet files need not remember how their lines begin.
        stream.shapes.clear();
    }
}

#[cfg(test)]
mod tests;
