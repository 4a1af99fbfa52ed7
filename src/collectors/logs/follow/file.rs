//! One open file: what is read in one go, and what is known again of it.

use std::fs::File;
use std::io;
use std::os::unix::fs::FileExt as _;
use std::path::Path;

use memchr::{memchr, memrchr};
use rustix::fs::SeekFrom;

use super::super::scan::lines::{Lines, MAX_LINE, Piece};
use super::facts::Facts;
use super::print::{HEAD, Print, TAIL, last};

pub use super::super::scan::bytes::{Content, refused};
pub use crate::clients::folder::open;

/// Bytes of one read; files take turns after each.
pub const CHUNK: usize = 256 * 1024;

/// What opens files: tests put another in its place.
pub type Open = fn(&Path) -> io::Result<File>;

/// An open file and how far it is read: what is not finished yet is kept here.
pub struct Held {
    file: File,
    pub read_to: u64,
    /// The last bytes before `read_to`, to be found again at the next read.
    before: Vec<u8>,
    lines: Lines,
    pub at_end: bool,
    /// When it was last needed, in steps.
    pub turn: u64,
}

/// What one read has found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Read {
    End,
    Some(usize),
    /// What stands before the position is not what stood there.
    Replaced,
}

impl Held {
    /// The file to be read from `offset`, whatever stands before it.
    pub fn new(file: File, offset: u64) -> io::Result<Self> {
        let mut held = Self {
            file,
            read_to: offset,
            before: Vec::new(),
            lines: Lines::default(),
            at_end: false,
            turn: 0,
        };
        held.go(offset)?;
        Ok(held)
    }

    pub fn facts(&self) -> io::Result<Facts> {
        Ok(Facts::of(&self.file.metadata()?))
    }

    /// Goes on from there. Returns what stands before it.
    pub fn go(&mut self, offset: u64) -> io::Result<&[u8]> {
        let length = usize::try_from(offset).unwrap_or(TAIL).min(TAIL);
        self.before = self.part(offset - length as u64, length)?;
        self.read_to = offset;
        self.lines.clear();
        self.at_end = false;
        Ok(&self.before)
    }

    /// The beginning, as far as it is kept in mind and written: what is set aside for later is not.
    pub fn head(&self) -> io::Result<Vec<u8>> {
        self.part(0, HEAD)
    }

    pub(super) fn part(&self, from: u64, length: usize) -> io::Result<Vec<u8>> {
        let mut part = vec![0; length];
        let mut have = 0;
        while let Some(room) = part.get_mut(have..).filter(|room| !room.is_empty()) {
            match self.file.read_at(room, from + have as u64) {
                Ok(0) => break,
                Ok(count) => have += count,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        part.truncate(have);
        Ok(part)
    }

    /// Whether what stood before the position stands there still.
    pub fn is_intact(&self) -> io::Result<bool> {
        let length = self.before.len();
        Ok(self.part(self.read_to - length as u64, length)? == self.before)
    }

    /// Whether this file holds, at the end of what is known, what is known.
    pub fn continues(&self, print: &Print, offset: u64) -> io::Result<bool> {
        let length = print.tail() as u64;
        let Some(from) = offset.checked_sub(length) else { return Ok(false) };
        Ok(print.ends_with(&self.part(from, print.tail())?))
    }

    /// The beginning of the unfinished line at `end`, or `end`.
    pub fn line_before(&self, end: u64) -> io::Result<u64> {
        let from = end.saturating_sub(MAX_LINE as u64);
        let read = self.part(from, usize::try_from(end - from).unwrap_or(MAX_LINE))?;
        // A line that fills the window has only its end to give.
        let start = if from == 0 { 0 } else { end };
        Ok(memrchr(b'\n', &read).map_or(start, |newline| from + newline as u64 + 1))
    }

    /// Reads once, what stands before with it, and hands out the lines that are finished. `mark`
    /// learns of a new end of finished lines, and what stands before that.
    pub fn read(
        &mut self,
        buffer: &mut Vec<u8>,
        room: usize,
        ended: &mut bool,
        give: &mut dyn FnMut(&Piece),
        mark: &mut dyn FnMut(u64, &[u8]),
    ) -> io::Result<Read> {
        let old = self.before.len();
        buffer.resize(TAIL + CHUNK, 0);
        let space = buffer.get_mut(..old + room.min(CHUNK)).unwrap_or_default();
        let count = match self.file.read_at(space, self.read_to - old as u64) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(Read::Some(0)),
            result => result?,
        };
        let all = buffer.get(..count).unwrap_or_default();
        let Some((before, fresh)) = all.split_at_checked(old) else { return Ok(Read::Replaced) };
        if before != self.before {
            return Ok(Read::Replaced);
        }
        if fresh.is_empty() {
            self.at_end = true;
            return Ok(Read::End);
        }
        let Some((start, end)) = self.text(fresh) else { return self.hole(fresh.len()) };
        let mut text = fresh.get(start..end).unwrap_or_default();
        let base = self.read_to;
        if *ended {
            // The beginning of this line counts already.
            let line = memchr(b'\n', text).map_or(text.len(), |at| at + 1);
            let (rest, after) = text.split_at(line);
            *ended = !rest.ends_with(b"\n");
            text = after;
            if *ended {
                mark(base + end as u64, all.get(..old + end).unwrap_or_default());
            }
        }
        self.lines.feed(text, give);
        if let Some(newline) = memrchr(b'\n', fresh.get(..end).unwrap_or_default()) {
            mark(base + newline as u64 + 1, all.get(..=old + newline).unwrap_or_default());
        }
        self.before = last(all.get(..old + end).unwrap_or_default(), TAIL).to_vec();
        (self.read_to, self.at_end) = (base + end as u64, false);
        Ok(Read::Some(end))
    }

    /// The part of the bytes without the zeros of a hole, which are in no line: at the beginning of
    /// a line, or behind the last one.
    fn text(&self, fresh: &[u8]) -> Option<(usize, usize)> {
        let mut start = 0;
        if self.lines.unfinished() == 0 && fresh.first() == Some(&0) {
            start = fresh.iter().position(|byte| *byte != 0)?;
        }
        let mut end = fresh.len();
        if fresh.last() == Some(&0) {
            let text = fresh.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
            if fresh.get(..text).is_some_and(|text| text.ends_with(b"\n")) {
                end = text;
            }
        }
        Some((start, end))
    }

    /// Nothing but zeros: on to what is behind them, or wait for it where nothing is.
    fn hole(&mut self, length: usize) -> io::Result<Read> {
        let behind = self.read_to + length as u64;
        let next = match rustix::fs::seek(&self.file, SeekFrom::Data(self.read_to)) {
            Ok(data) => data.max(behind),
            Err(rustix::io::Errno::NXIO) => self.file.metadata()?.len(),
            // No such question on this file system.
            Err(_) => behind,
        };
        if next >= self.file.metadata()?.len() {
            self.at_end = true;
            return Ok(Read::End);
        }
        self.go(next)?;
        Ok(Read::Some(length))
    }

    /// Hands out a last line without newline: nobody will finish it. Returns what stands before the
    /// end then, if there was one.
    pub fn finish(&mut self, give: &mut dyn FnMut(&Piece)) -> Option<&[u8]> {
        (self.lines.unfinished() > 0).then(|| {
            self.lines.finish(give);
            self.before.as_slice()
        })
    }
}
