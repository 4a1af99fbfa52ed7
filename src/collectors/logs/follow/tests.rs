//! Sequences of writers, rotators and steps, with exact counts.

use std::cell::Cell;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::path::Path;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::report::Doubt;
use super::*;

mod chance;
mod content;
mod copied;
mod found;
mod many;
mod patterns;
mod restart;
mod rotation;

/// What a user of the lines keeps of each file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Seen {
    lines: u64,
    open: bool,
}

#[derive(Clone, Default)]
pub(super) struct Counts {
    pub(super) lines: u64,
    bytes: u64,
    settled: u64,
    texts: Vec<Vec<u8>>,
    keep: bool,
}

impl Sink<Seen> for Counts {
    fn lines(&mut self, stream: &mut Seen, piece: &Piece) {
        let lines = memchr::memchr_iter(b'\n', piece.lines).count() as u64;
        (stream.lines, stream.open) = (stream.lines + lines, true);
        self.lines += lines;
        self.bytes += piece.bytes;
        if self.keep {
            self.texts.extend(piece.lines.split_inclusive(|b| *b == b'\n').map(<[u8]>::to_vec));
        }
    }

    fn settle(&mut self, stream: &mut Seen) {
        stream.open = false;
        self.settled += 1;
    }
}

/// A state file: what was counted and the positions.
pub(super) struct Snapshot {
    counts: Counts,
    doubt: Doubt,
    positions: String,
}

pub(super) struct Bench {
    pub(super) dir: tempfile::TempDir,
    pub(super) follow: Follow,
    pub(super) files: Files<Seen>,
    pub(super) counts: Counts,
    pub(super) doubt: Doubt,
    pub(super) rotations: u64,
    pub(super) unterminated: u64,
    pub(super) cut: u64,
    pub(super) unknown: u64,
    pub(super) now: SystemTime,
    pub(super) next: Cell<usize>,
}

impl Bench {
    pub(super) fn new(pattern: &str) -> Self {
        Self::with(&[pattern])
    }

    pub(super) fn with(patterns: &[&str]) -> Self {
        Self::within(tempfile::tempdir().unwrap(), patterns)
    }

    pub(super) fn within(dir: tempfile::TempDir, patterns: &[&str]) -> Self {
        let follow = follow(dir.path(), patterns);
        Self {
            dir,
            follow,
            files: Files::default(),
            counts: Counts::default(),
            doubt: Doubt::default(),
            rotations: 0,
            unterminated: 0,
            cut: 0,
            unknown: 0,
            now: SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_557_601),
            next: Cell::default(),
        }
    }

    /// A bench whose first look is over.
    pub(super) fn watching(pattern: &str) -> Self {
        let mut bench = Self::new(pattern);
        bench.step();
        bench
    }

    /// The configuration names these files from now on.
    pub(super) fn names(&mut self, patterns: &[&str]) {
        self.follow = follow(self.dir.path(), patterns);
    }

    pub(super) fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    pub(super) fn append(&self, name: &str) -> File {
        OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap()
    }

    /// Lines of which no two are the same, as with times in them.
    pub(super) fn some(&self, lines: usize) -> String {
        let first = self.next.replace(self.next.get() + lines);
        let lines = (first..first + lines).map(|number| format!("{number:08} ERROR: some error\n"));
        lines.collect::<Vec<_>>().concat()
    }

    pub(super) fn write(&self, name: &str, lines: usize) {
        self.text(name, self.some(lines));
    }

    pub(super) fn put(&self, file: &mut File, lines: usize) {
        file.write_all(self.some(lines).as_bytes()).unwrap();
    }

    pub(super) fn text(&self, name: &str, text: impl AsRef<[u8]>) {
        self.append(name).write_all(text.as_ref()).unwrap();
    }

    pub(super) fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    pub(super) fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// As `logrotate` does it.
    pub(super) fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
    }

    pub(super) fn truncate(&self, name: &str, size: u64) {
        OpenOptions::new().write(true).open(self.path(name)).unwrap().set_len(size).unwrap();
    }

    pub(super) fn size(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).unwrap().len()
    }

    /// A step a second later.
    pub(super) fn step(&mut self) -> Report {
        self.now += Duration::from_secs(1);
        self.step_while(&|| true)
    }

    /// A second later it is told that these files were written to.
    pub(super) fn touch(&mut self, names: &[&str]) -> Option<Report> {
        self.now += Duration::from_secs(1);
        let paths = names.iter().map(|name| self.path(name)).collect();
        let (follow, files) = (&self.follow, &mut self.files);
        follow.touch(files, &paths, self.now, &|| true, &mut self.counts)
    }

    pub(super) fn step_while(&mut self, in_time: &dyn Fn() -> bool) -> Report {
        let report = self.follow.step(&mut self.files, self.now, in_time, &mut self.counts);
        self.doubt.truncated += report.doubt.truncated;
        self.doubt.overrun += report.doubt.overrun;
        self.rotations += report.rotations;
        self.unterminated += report.unterminated;
        self.cut += report.cut;
        self.unknown += report.unknown_bytes;
        report
    }

    /// The lines counted after one more step.
    pub(super) fn lines(&mut self) -> u64 {
        self.step();
        self.counts.lines
    }

    pub(super) fn doubt(&self) -> (u64, u64) {
        (self.doubt.truncated, self.doubt.overrun)
    }

    pub(super) fn quiet(&mut self) {
        for _ in 0..2 {
            self.now += close::QUIET;
            self.step();
        }
    }

    pub(super) fn save(&self) -> Snapshot {
        let positions = serde_json::to_string(&self.files.saved()).unwrap();
        Snapshot { counts: self.counts.clone(), doubt: self.doubt, positions }
    }

    /// The process ends without warning, and another one goes on from what was saved.
    pub(super) fn restore(&mut self, saved: &Snapshot) {
        self.counts = saved.counts.clone();
        self.doubt = saved.doubt;
        self.files = Files::restore(serde_json::from_str(&saved.positions).unwrap());
    }

    pub(super) fn restart(&mut self) {
        let saved = self.save();
        self.restore(&saved);
    }
}

fn follow(dir: &Path, patterns: &[&str]) -> Follow {
    let texts: Vec<_> = patterns.iter().map(|name| dir.join(name).display().to_string()).collect();
    let patterns = texts.iter().map(|text| Pattern::new(text).unwrap()).collect();
    let (start, budget, held) = (Start::End, BUDGET, MAX_HELD);
    Follow { texts, patterns, start, open: file::open, budget, held }
}
