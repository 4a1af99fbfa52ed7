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
struct Seen {
    lines: u64,
    open: bool,
}

#[derive(Clone, Default)]
struct Counts {
    lines: u64,
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
struct Snapshot {
    counts: Counts,
    doubt: Doubt,
    positions: String,
}

struct Bench {
    dir: tempfile::TempDir,
    follow: Follow,
    files: Files<Seen>,
    counts: Counts,
    doubt: Doubt,
    rotations: u64,
    unterminated: u64,
    cut: u64,
    unknown: u64,
    now: SystemTime,
    next: Cell<usize>,
}

impl Bench {
    fn new(pattern: &str) -> Self {
        Self::with(&[pattern])
    }

    fn with(patterns: &[&str]) -> Self {
        Self::within(tempfile::tempdir().unwrap(), patterns)
    }

    fn within(dir: tempfile::TempDir, patterns: &[&str]) -> Self {
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
    fn watching(pattern: &str) -> Self {
        let mut bench = Self::new(pattern);
        bench.step();
        bench
    }

    /// The configuration names these files from now on.
    fn names(&mut self, patterns: &[&str]) {
        self.follow = follow(self.dir.path(), patterns);
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str) -> File {
        OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap()
    }

    /// Lines of which no two are the same, as with times in them.
    fn some(&self, lines: usize) -> String {
        let first = self.next.replace(self.next.get() + lines);
        let lines = (first..first + lines).map(|number| format!("{number:08} ERROR: some error\n"));
        lines.collect::<Vec<_>>().concat()
    }

    fn write(&self, name: &str, lines: usize) {
        self.text(name, self.some(lines));
    }

    fn put(&self, file: &mut File, lines: usize) {
        file.write_all(self.some(lines).as_bytes()).unwrap();
    }

    fn text(&self, name: &str, text: impl AsRef<[u8]>) {
        self.append(name).write_all(text.as_ref()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    fn remove(&self, name: &str) {
        fs::remove_file(self.path(name)).unwrap();
    }

    /// As `logrotate` does it.
    fn copy(&self, from: &str, to: &str) {
        fs::copy(self.path(from), self.path(to)).unwrap();
    }

    fn truncate(&self, name: &str, size: u64) {
        OpenOptions::new().write(true).open(self.path(name)).unwrap().set_len(size).unwrap();
    }

    fn size(&self, name: &str) -> u64 {
        fs::metadata(self.path(name)).unwrap().len()
    }

    /// A step a second later.
    fn step(&mut self) -> Report {
        self.now += Duration::from_secs(1);
        self.step_while(&|| true)
    }

    fn step_while(&mut self, in_time: &dyn Fn() -> bool) -> Report {
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
    fn lines(&mut self) -> u64 {
        self.step();
        self.counts.lines
    }

    fn doubt(&self) -> (u64, u64) {
        (self.doubt.truncated, self.doubt.overrun)
    }

    fn quiet(&mut self) {
        for _ in 0..2 {
            self.now += close::QUIET;
            self.step();
        }
    }

    fn save(&self) -> Snapshot {
        let positions = serde_json::to_string(&self.files.saved()).unwrap();
        Snapshot { counts: self.counts.clone(), doubt: self.doubt, positions }
    }

    /// The process ends without warning, and another one goes on from what was saved.
    fn restore(&mut self, saved: &Snapshot) {
        self.counts = saved.counts.clone();
        self.doubt = saved.doubt;
        self.files = Files::restore(serde_json::from_str(&saved.positions).unwrap());
    }

    fn restart(&mut self) {
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
