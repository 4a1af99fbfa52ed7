//! Lines into counts: what a line is, and which rules it matches. Pure: bytes and a time in, counts
//! out.
//!
//! Each line is one of three: an event that names its level, a request of an access log, or a part of
//! the event before it. [`judge::judge`] says which, by the table of [`forms`]; [`shape::Shapes`] says it
//! faster for lines that begin like one before. A line of which nothing says what it is counts as unrecognised.

pub mod access;
pub mod bytes;
pub mod clients;
pub mod format;
pub mod forms;
pub mod head;
mod json;
pub mod judge;
pub mod level;
pub mod lines;
mod pass;
pub mod request;
mod shape;
pub mod tried;

use std::sync::Arc;
use std::time::SystemTime;

use memchr::memchr_iter;
use serde::{Deserialize, Serialize};

pub use self::format::Format;
use self::forms::Forms;
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
    /// The forms of the source itself.
    pub forms: Arc<Forms>,
    /// Both as they are written: with others, what was not recognised may be now.
    pub reading: String,
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
    /// It has had an event, so that lines of other forms belong to one where the form is set.
    #[serde(skip_serializing_if = "std::ops::Not::not")]
    begun: bool,
    /// Its last event has said in its first line what it is, and not yet what has happened.
    #[serde(skip)]
    titled: bool,
    #[serde(skip)]
    shapes: shape::Shapes,
    /// For what the shapes were learned.
    #[serde(skip)]
    format: Option<Format>,
}

/// Lines of which nothing says what they are.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Unknown {
    /// Text without a level that belongs to no event.
    pub text: u64,
    /// Objects of JSON without a known field.
    pub objects: u64,
    /// Of late: events, and lines that were not recognised.
    lately: [u64; 2],
    /// How they were read then.
    reading: String,
}

/// Lines that are looked back on: of more, all count half.
const LATELY: u64 = 4096;
/// Fewer lines have no share.
const ENOUGH: u64 = 20;

impl Unknown {
    /// With other settings what was not recognised says nothing any more.
    pub fn begin(&mut self, reading: &str) {
        if self.reading != reading {
            reading.clone_into(&mut self.reading);
            self.lately = [0; 2];
        }
    }

    fn add(&mut self, events: u64, text: u64, objects: u64) {
        self.text += text;
        self.objects += objects;
        let [known, unknown] = &mut self.lately;
        *known += events;
        *unknown += text + objects;
        while *known + *unknown > LATELY {
            *known /= 2;
            *unknown /= 2;
        }
    }

    /// Share of the lines of late that were not recognised, without those that belong to an event; nothing while
    /// they are few.
    pub fn share(&self) -> Option<f64> {
        let [known, unknown] = self.lately;
        (known + unknown >= ENOUGH).then(|| unknown as f64 / (known + unknown) as f64)
    }

    pub fn all(&self) -> u64 {
        self.text + self.objects
    }
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
