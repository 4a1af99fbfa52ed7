//! Lines counted outside of the running exporter: `logs top` and `logs verify`.

mod whole;

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::Logs;
use super::errors::Groups;
use super::scan::forms::Forms;
use super::scan::level::Level;
use super::scan::lines::{Lines, Piece};
use super::scan::{Format, Scanner, Stream};
use super::tally::Tally;

pub use super::input::containers::all::Container;
pub use super::input::journal::Source as Journal;
pub use super::input::journal::select::Taken;
pub use whole::Whole;

/// Counts lines and groups their errors, with the same scanner as the exporter.
pub struct Offline {
    scanner: Scanner,
    stream: Stream,
    tally: Tally,
    lines: [u64; Level::ALL.len()],
    /// The same of warnings, where they are asked for.
    warnings: Option<Box<Warnings>>,
}

/// How the lines of a log are read.
#[derive(Clone, Default)]
pub struct Reading {
    forms: Arc<Forms>,
    format: Option<Format>,
}

impl Reading {
    /// As a source has it.
    pub fn of(logs: &Logs) -> Self {
        let (forms, format, _) = logs.reading();
        Self { forms, format }
    }
}

#[derive(Default)]
struct Warnings {
    scanner: Scanner,
    stream: Stream,
    tally: Tally,
}

impl Default for Offline {
    fn default() -> Self {
        let scanner = Scanner { levels: true, errors: true, ..Scanner::default() };
        let (stream, tally) = (Stream::default(), Tally::default());
        Self { scanner, stream, tally, lines: [0; _], warnings: None }
    }
}

impl Offline {
    /// Trends in buckets of this width.
    #[must_use]
    pub fn with_width(mut self, width: Duration) -> Self {
        let width = Some(width.as_secs().max(1));
        self.tally.errors.width = width;
        if let Some(warnings) = &mut self.warnings {
            warnings.tally.errors.width = width;
        }
        self
    }

    /// Groups warnings as well, beside the errors.
    #[must_use]
    pub fn with_warnings(mut self) -> Self {
        let scanner = Scanner { warnings: true, ..Scanner::default() };
        let mut warnings = Warnings { scanner, ..Warnings::default() };
        warnings.tally.errors.width = self.tally.errors.width;
        self.warnings = Some(Box::new(warnings));
        self
    }

    /// How lines are read from here on, as the source has it.
    pub fn read_as(&mut self, reading: &Reading) {
        let scanners =
            [Some(&mut self.scanner), self.warnings.as_mut().map(|all| &mut all.scanner)];
        for scanner in scanners.into_iter().flatten() {
            scanner.format = reading.format;
            scanner.forms = Arc::clone(&reading.forms);
        }
    }

    /// Takes whole lines of one time, each with its newline. The hint is the level of a line that is
    /// known to begin an event, if it names none.
    pub fn feed(&mut self, lines: &[u8], now: SystemTime, hint: Option<Level>) {
        let piece = Piece { lines, bytes: lines.len() as u64, cut: false, hint };
        self.scanner.scan(&mut self.stream, &piece, now, &mut self.tally);
        if let Some(warnings) = &mut self.warnings {
            warnings.scanner.scan(&mut warnings.stream, &piece, now, &mut warnings.tally);
        }
    }

    /// A file ends: what is open is complete.
    pub fn end(&mut self, now: SystemTime) {
        self.scanner.settle(&mut self.stream, now, &mut self.tally);
        for (sum, lines) in self.lines.iter_mut().zip(std::mem::take(&mut self.stream).lines) {
            *sum += lines;
        }
        if let Some(warnings) = &mut self.warnings {
            warnings.scanner.settle(&mut warnings.stream, now, &mut warnings.tally);
            warnings.stream = Stream::default();
        }
    }

    pub fn groups(&self) -> &Groups {
        &self.tally.errors
    }

    /// Groups of warnings, if they were asked for.
    pub fn warnings(&self) -> Option<&Groups> {
        self.warnings.as_ref().map(|warnings| &warnings.tally.errors)
    }

    /// Lines of which nothing says what they are.
    pub fn unrecognised(&self) -> u64 {
        self.tally.unknown.all()
    }

    /// Lines by level of the files that have ended, in the order of [`level_names`].
    pub fn lines(&self) -> [u64; Level::ALL.len()] {
        self.lines
    }
}

/// The levels by name.
pub fn level_names() -> [&'static str; Level::ALL.len()] {
    Level::ALL.map(Level::as_str)
}

/// Cuts bytes into whole lines, the too long ones shortened as the exporter does.
#[derive(Default)]
pub struct Splitter {
    lines: Lines,
    pub cut: u64,
}

impl Splitter {
    pub fn feed(&mut self, chunk: &[u8], mut give: impl FnMut(&[u8])) {
        let cut = &mut self.cut;
        self.lines.feed(chunk, |piece| {
            *cut += u64::from(piece.cut);
            give(piece.lines);
        });
    }

    /// The last line of a file need not be finished.
    pub fn finish(&mut self, mut give: impl FnMut(&[u8])) {
        let cut = &mut self.cut;
        self.lines.finish(|piece| {
            *cut += u64::from(piece.cut);
            give(piece.lines);
        });
    }
}
