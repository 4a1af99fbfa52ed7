//! Lines of files with the times that they name.

use std::path::PathBuf;
use std::time::Duration;

use super::progress::Progress;
use super::source::Source;
use super::time;
use super::zone::{self, Zone};
use crate::collectors::logs::offline::{Offline, Splitter, Taken};
use crate::failure::Failure;

/// Times that are further ahead are no times of lines.
const AHEAD: i64 = 86_400;

/// Counts the lines of several files, the oldest file first.
pub struct Counter {
    pub offline: Offline,
    /// Lines that were too old.
    pub old: u64,
    /// Lines that were too long and cut.
    pub cut: u64,
    /// Files in which no line has a time.
    pub timeless: Vec<PathBuf>,
    /// What was not read to its end for it is too large.
    pub bounded: Vec<String>,
    since: Option<i64>,
    zone: Zone,
    now: i64,
}

/// The time of the lines that are read now.
struct Clock {
    seconds: i64,
    found: bool,
}

impl Counter {
    pub fn new(since: Option<i64>, now: i64, width: Duration) -> Self {
        Self {
            offline: Offline::default().with_width(width),
            old: 0,
            cut: 0,
            timeless: Vec::new(),
            bounded: Vec::new(),
            since,
            zone: Zone::default(),
            now,
        }
    }

    /// Takes a file whose first time is this one, if it is known.
    pub fn file(
        &mut self,
        source: &Source,
        first: Option<i64>,
        progress: &mut Progress,
    ) -> Result<(), Failure> {
        let seconds = first.unwrap_or_else(|| zone::seconds(source.modified));
        let mut clock = Clock { seconds, found: first.is_some() };
        let mut splitter = Splitter::default();
        let read = source.read(
            |bytes| progress.add(bytes),
            |chunk| {
                splitter.feed(chunk, |lines| self.lines(lines, &mut clock));
                true
            },
        );
        splitter.finish(|lines| self.lines(lines, &mut clock));
        self.offline.end(zone::time(clock.seconds));
        self.cut += splitter.cut;
        if !clock.found {
            self.timeless.push(source.path.clone());
        }
        read
    }

    /// Whole lines, handed on in runs of the same second.
    fn lines(&mut self, lines: &[u8], clock: &mut Clock) {
        let (mut run, mut begin) = (0, 0);
        for newline in memchr::memchr_iter(b'\n', lines) {
            let line = lines.get(begin..newline).unwrap_or_default();
            if let Some(seconds) = self.time_of(line) {
                clock.found = true;
                if seconds != clock.seconds {
                    self.give(lines.get(run..begin).unwrap_or_default(), clock.seconds);
                    (clock.seconds, run) = (seconds, begin);
                }
            }
            begin = newline + 1;
        }
        self.give(lines.get(run..).unwrap_or_default(), clock.seconds);
    }

    fn time_of(&mut self, line: &[u8]) -> Option<i64> {
        // Indented lines belong to the one before.
        if line.first().is_none_or(u8::is_ascii_whitespace) {
            return None;
        }
        let stamp = time::find(line, self.now)?;
        Some(self.zone.seconds(stamp)).filter(|seconds| *seconds <= self.now + AHEAD)
    }

    /// Takes whole lines of a time that is known.
    pub fn give(&mut self, lines: &[u8], seconds: i64) {
        if lines.is_empty() {
            return;
        }
        if self.since.is_some_and(|since| seconds < since) {
            self.old += memchr::memchr_iter(b'\n', lines).count() as u64;
        } else {
            self.offline.feed(lines, zone::time(seconds), None);
        }
    }

    /// Takes an entry of the journal: what follows a newline in it is of the same event.
    pub fn entry(&mut self, taken: &Taken, seconds: i64) {
        let message = taken.message.strip_suffix(b"\n").unwrap_or(&taken.message);
        let at = memchr::memchr(b'\n', message).map_or(message.len(), |newline| newline + 1);
        let (first, rest) = message.split_at(at);
        let time = zone::time(seconds);
        let whole = |lines: &[u8]| [lines.trim_ascii_end(), b"\n"].concat();
        self.cut += u64::from(taken.cut);
        self.offline.feed(&whole(first), time, taken.hint);
        if !rest.is_empty() {
            self.offline.feed(&whole(rest), time, None);
        }
    }

    /// The first time that a file names.
    pub fn first(&mut self, source: &Source) -> Option<i64> {
        let mut first = None;
        let _ = source.read(
            |_| (),
            |chunk| {
                let mut lines = chunk.split(|byte| *byte == b'\n');
                first = lines.find_map(|line| self.time_of(line));
                false
            },
        );
        first
    }
}
