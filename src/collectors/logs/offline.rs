//! Lines counted outside of the running exporter: `logs top` and `logs verify`.

use std::time::{Duration, SystemTime};

use super::errors::Groups;
use super::scan::level::Level;
use super::scan::lines::{Lines, Piece};
use super::scan::{Scanner, Stream};
use super::tally::Tally;

/// Counts lines and groups their errors, with the same scanner as the exporter.
pub struct Offline {
    scanner: Scanner,
    stream: Stream,
    tally: Tally,
    lines: [u64; Level::ALL.len()],
}

impl Default for Offline {
    fn default() -> Self {
        let scanner = Scanner { levels: true, errors: true, ..Scanner::default() };
        Self { scanner, stream: Stream::default(), tally: Tally::default(), lines: [0; _] }
    }
}

impl Offline {
    /// Trends in buckets of this width.
    #[must_use]
    pub fn with_width(mut self, width: Duration) -> Self {
        self.tally.errors.width = Some(width.as_secs().max(1));
        self
    }

    /// Takes whole lines of one time, each with its newline.
    pub fn feed(&mut self, lines: &[u8], now: SystemTime) {
        let piece = Piece { lines, bytes: lines.len() as u64, cut: false, hint: None };
        self.scanner.scan(&mut self.stream, &piece, now, &mut self.tally);
    }

    /// A file ends: what is open is complete.
    pub fn end(&mut self, now: SystemTime) {
        self.scanner.settle(&mut self.stream, now, &mut self.tally);
        for (sum, lines) in self.lines.iter_mut().zip(std::mem::take(&mut self.stream).lines) {
            *sum += lines;
        }
    }

    pub fn groups(&self) -> &Groups {
        &self.tally.errors
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
