//! One answer of the Engine into the lines that were not counted before.
//!
//! Answers overlap: near a rotation the Engine leaves lines out that it gives the next time. What
//! was counted is known by its stream and time, which no two lines of a stream share.

use super::frames::{Broken, Form, Frames, Message};
use super::marks::Marks;
use super::partial::{ENGINE_PIECE, Partial};
use super::record::Origin;
use crate::collectors::logs::scan::lines::Piece;

/// The lines of one stream that are new.
#[derive(Debug, Default)]
pub struct Fresh {
    /// Whole lines, each with its newline.
    pub block: Vec<u8>,
    /// Of those that are only the beginning of a line: where they stand, and the length of the line.
    pub cuts: Vec<(usize, usize, u64)>,
    /// The times of all.
    pub times: Vec<i64>,
}

impl Fresh {
    fn add(&mut self, at: i64, line: &Piece) {
        let start = self.block.len();
        self.block.extend_from_slice(line.lines);
        if line.cut {
            self.cuts.push((start, self.block.len(), line.bytes));
        }
        self.times.push(at);
    }

    /// In as few pieces as long lines allow.
    pub fn hand_out(&self, mut give: impl FnMut(&Piece)) {
        let mut from = 0;
        let plain = |from: usize, to: usize, give: &mut dyn FnMut(&Piece)| {
            let lines = self.block.get(from..to).unwrap_or_default();
            if !lines.is_empty() {
                give(&Piece { lines, bytes: lines.len() as u64, cut: false, hint: None });
            }
        };
        for (start, end, bytes) in &self.cuts {
            plain(from, *start, &mut give);
            let lines = self.block.get(*start..*end).unwrap_or_default();
            give(&Piece { lines, bytes: *bytes, cut: true, hint: None });
            from = *end;
        }
        plain(from, self.block.len(), &mut give);
    }
}

/// What an answer held.
#[derive(Debug, Default)]
pub struct Answer {
    pub stdout: Fresh,
    pub stderr: Fresh,
    /// The oldest and the newest time in it, counted before or not.
    pub oldest: Option<i64>,
    pub newest: Option<i64>,
    /// The newest line that had been counted is in it: nothing between it and the rest is missing.
    pub met: bool,
    /// It was read to its end; else there is more, or something failed.
    pub whole: bool,
    /// There was too much for one time.
    pub full: bool,
    /// The first line of either stream that goes on.
    pub open: Vec<(Origin, i64)>,
}

impl Answer {
    pub fn lines(&self) -> usize {
        self.stdout.times.len() + self.stderr.times.len()
    }
}

struct Open {
    at: i64,
    line: Partial,
}

pub struct Reading<'a> {
    frames: Frames,
    lines: Lines<'a>,
}

/// What the messages become.
struct Lines<'a> {
    marks: &'a Marks,
    limit: usize,
    answer: Answer,
    stdout: Option<Open>,
    stderr: Option<Open>,
}

impl<'a> Reading<'a> {
    /// `limit` is the size of the new lines that are taken at one time, and a line more.
    pub fn new(form: Form, marks: &'a Marks, limit: usize) -> Self {
        let answer = Answer::default();
        let lines = Lines { marks, limit, answer, stdout: None, stderr: None };
        Self { frames: Frames::new(form), lines }
    }

    /// Takes the next bytes. Returns whether more is wanted.
    pub fn feed(&mut self, bytes: &[u8]) -> Result<bool, Broken> {
        let lines = &mut self.lines;
        self.frames.feed(bytes, |message| lines.message(&message))
    }

    /// The answer is complete. `ended`: so is the run, and with it each line.
    pub fn end(mut self, ended: bool, now: i64) -> Result<Answer, Broken> {
        let lines = &mut self.lines;
        if !lines.answer.full {
            self.frames.end(|message| lines.message(&message))?;
            lines.answer.whole = !lines.answer.full;
        }
        for origin in [Origin::Stdout, Origin::Stderr] {
            let at = self.lines.open(origin).as_ref().map(|open| open.at);
            let Some(at) = at else { continue };
            let whole = self.lines.answer.whole;
            if whole && (ended || self.lines.marks.waited(origin, at, now)) {
                self.lines.finish(origin);
            } else {
                self.lines.answer.open.push((origin, at));
            }
        }
        Ok(self.lines.answer)
    }

    /// What came before something failed.
    pub fn so_far(mut self) -> Answer {
        for origin in [Origin::Stdout, Origin::Stderr] {
            if let Some(open) = self.lines.open(origin) {
                let at = open.at;
                self.lines.answer.open.push((origin, at));
            }
        }
        self.lines.answer
    }
}

impl Lines<'_> {
    fn open(&mut self, origin: Origin) -> &mut Option<Open> {
        match origin {
            Origin::Stdout => &mut self.stdout,
            Origin::Stderr => &mut self.stderr,
        }
    }

    /// Returns whether there is room for more.
    fn message(&mut self, message: &Message) -> bool {
        let Message { origin, at, text } = *message;
        let answer = &mut self.answer;
        answer.oldest = Some(answer.oldest.map_or(at, |oldest| oldest.min(at)));
        answer.newest = Some(answer.newest.map_or(at, |newest| newest.max(at)));
        answer.met |= at == self.marks.newest;
        if self.open(origin).as_ref().is_some_and(|open| open.at != at) {
            // The run ended within that line: its newline never came.
            self.finish(origin);
        }
        if self.marks.has(origin, at) {
            return !self.answer.full;
        }
        let ends = text.ends_with(b"\n") || text.len() < ENGINE_PIECE;
        let text = text.strip_suffix(b"\n").unwrap_or(text);
        let open = self.open(origin).get_or_insert_with(|| Open { at, line: Partial::default() });
        open.line.push(text);
        if ends {
            self.finish(origin);
        }
        !self.answer.full
    }

    fn finish(&mut self, origin: Origin) {
        let Some(mut open) = self.open(origin).take() else { return };
        let answer = &mut self.answer;
        let fresh = match origin {
            Origin::Stdout => &mut answer.stdout,
            Origin::Stderr => &mut answer.stderr,
        };
        // Twice in one answer is as often as twice in two.
        if fresh.times.last() != Some(&open.at) {
            open.line.end(|piece| fresh.add(open.at, piece));
        }
        let taken = answer.stdout.block.len() + answer.stderr.block.len();
        answer.full = taken > self.limit;
    }
}
