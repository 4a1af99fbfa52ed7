//! A sample of lines, tried: what each of them is to the exporter, for people.

use std::time::SystemTime;

use super::lines::Lines;
use super::{Scanner, Stream};
use crate::collectors::logs::tally::Tally;

/// What was found in a line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Tried {
    /// Counted from one.
    pub number: usize,
    pub line: Vec<u8>,
    pub level: &'static str,
    /// The name of its form, if it has one of its own.
    pub form: Option<String>,
    /// Method and status of the request in it.
    pub request: Option<(&'static str, u16)>,
    /// What it is to the counts.
    pub part: Part,
}

/// What a line is to the counts.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Part {
    /// It begins an event.
    Event,
    /// It belongs to the event before it.
    More,
    /// Nothing says what it is.
    Unknown,
}

impl Part {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Event => "event",
            Self::More => "goes on",
            Self::Unknown => "not recognised",
        }
    }
}

impl Scanner {
    /// Tries each line of a sample, one after the other, as the exporter would count them.
    pub fn tries(&self, sample: &[u8], now: SystemTime) -> Vec<Tried> {
        let (mut stream, mut tally, mut lines) =
            (Stream::default(), Tally::default(), Lines::default());
        let mut tried: Vec<Tried> = Vec::new();
        for whole in sample.split_inclusive(|byte| *byte == b'\n') {
            let mut give = |piece: &super::lines::Piece| {
                let before = (tally.events.all, tally.unknown.all());
                self.scan(&mut stream, piece, now, &mut tally);
                let part = match (tally.events.all > before.0, tally.unknown.all() > before.1) {
                    (true, _) => Part::Event,
                    (_, true) => Part::Unknown,
                    _ => Part::More,
                };
                let line = piece.lines.trim_ascii_end();
                tried.push(self.tried(tried.len() + 1, line, part));
            };
            lines.feed(whole, &mut give);
        }
        tried
    }

    fn tried(&self, number: usize, line: &[u8], part: Part) -> Tried {
        let found = super::judge::whole(&self.forms, line, self.format);
        let name = |format| self.forms.name(format).to_owned();
        Tried {
            number,
            line: line.to_vec(),
            level: found.level.map_or("none", super::level::Level::as_str),
            form: found.format.map(name),
            request: found.request,
            part,
        }
    }
}

#[cfg(test)]
mod tests;
