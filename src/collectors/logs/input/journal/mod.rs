//! systemd's journal, from its files.
//!
//! | read | from | rights |
//! |---|---|---|
//! | entries | `/var/log/journal/*/*.journal`, `/run/log/journal/*/*.journal`, or a `directory` | the group `systemd-journal`, and the folder mounted |
//!
//! No library and no `journalctl` is needed. Entries of a unit are those that `journalctl -u` shows,
//! those of the manager about it too. The message is the text, its priority the level of a line that
//! names none; what follows a newline in it are lines of the same event, and so are the next entries of
//! a process that read as one traceback with it ([`joined`]).
//!
//! Cost: a listing and the header of each file in a look, then what is new. 1 MiB of memory. At most
//! 16 MiB of messages in one step.
//!
//! A file is known by its id, over rotation. Its position is a number of entries, which only grows.
//! What was thrown away unread is told: a file that is gone and was not read to its end, or that
//! could still grow when it was last seen. Damaged entries are passed over and counted.

mod all;
mod bytes;
mod compressed;
#[cfg(test)]
mod export;
pub mod file;
mod input;
mod joined;
pub mod select;
pub mod state;

use std::collections::BTreeSet;
use std::io;
use std::path::{Path, PathBuf};
use std::time::Instant;

use self::file::{Fault, Journal};
pub use self::input::plan;
use self::select::{Known, Selector, Taken};
use self::state::{MAX_FILES, Position, Positions};
use crate::collectors::logs::follow::{COMPLETE, Sink};
use crate::collectors::logs::scan::lines::Piece;
use crate::failure::{Failure, Reason};

/// Where journald writes: what outlives a boot, and what does not.
pub const USUAL: [&str; 2] = ["/var/log/journal", "/run/log/journal"];
/// Messages of one step.
const BUDGET: usize = 16 << 20;
/// Messages are handed on in blocks of about this size.
const BLOCK: usize = 64 << 10;

/// What is read.
#[derive(Clone, Debug)]
pub struct Source {
    /// Folders with journals, or with folders of machines that have some.
    pub directories: Vec<PathBuf>,
    pub selector: Selector,
    /// Also what was there before the first look.
    pub from_start: bool,
}

/// What came of a step; counters are of this step.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    pub files: u64,
    /// Entries that were looked at, and those that were taken.
    pub entries: u64,
    pub taken: u64,
    /// Files whose last entries are gone unread.
    pub lost: u64,
    /// Entries and files that are damaged.
    pub damaged: u64,
    /// Entries that are compressed in a way that is not read.
    pub unreadable: u64,
    /// Entries that wait for the next step.
    pub waiting: u64,
    /// Files beyond the cap.
    pub crowded_out: u64,
    /// What came may go on: ask again soon, and it is complete.
    pub unsettled: bool,
    /// Folders whose changes tell of new entries.
    pub folders: BTreeSet<PathBuf>,
    pub problem: Option<Failure>,
}

impl Source {
    /// Reads what is new, for as long as there is time.
    pub fn step<S: Default>(
        &self,
        positions: &mut Positions<S>,
        in_time: &dyn Fn() -> bool,
        sink: &mut dyn Sink<S>,
    ) -> Report {
        let mut report = Report::default();
        let mut journals = self.open(&mut report);
        // Rotated ones come before what came after them.
        journals.sort_by_key(|(_, journal)| (journal.header.head_realtime, journal.header.file_id));
        let all: BTreeSet<u128> =
            journals.iter().map(|(_, journal)| journal.header.file_id).collect();
        if report.problem.is_none() {
            self::forget(positions, &all, &mut report);
        }
        let mut step = Step { selector: &self.selector, left: BUDGET, sink, report: &mut report };
        for (path, mut journal) in journals {
            let mut position = positions.position(&journal.header, self.from_start);
            let before = step.report.unreadable;
            let read = step.read(&mut journal, &mut position, positions, in_time);
            if let Err(fault) = read {
                step.fault(&path, fault, &mut position);
            } else if step.report.unreadable > before {
                step.report.problem.get_or_insert_with(|| failure(&path, Fault::Xz));
            }
            let entries = journal.header.entries;
            (position.entries, position.archived) = (entries, journal.header.archived);
            step.report.waiting += entries.saturating_sub(position.read);
            positions.files.insert(journal.header.file_id, position);
        }
        if report.taken > 0 {
            positions.last = Some(Instant::now());
        } else if positions.last.is_none_or(|last| last.elapsed() >= COMPLETE) {
            positions.streams.values_mut().for_each(|stream| sink.settle(stream));
            positions.last = None;
        }
        report.unsettled = positions.last.is_some();
        positions.looked |= report.files > 0 || report.problem.is_none();
        report
    }

    /// All journals that can be opened. Two names of one file are one.
    fn open(&self, report: &mut Report) -> Vec<(PathBuf, Journal)> {
        let (mut journals, mut seen) = (Vec::new(), BTreeSet::new());
        for path in self.find(report) {
            if journals.len() >= MAX_FILES {
                report.crowded_out += 1;
                continue;
            }
            match Journal::open(&path) {
                Ok(journal) if !seen.insert(journal.header.file_id) => {}
                Ok(journal) => journals.push((path, journal)),
                // It was renamed or removed since it was listed.
                Err(Fault::Io(io::ErrorKind::NotFound)) => {}
                Err(fault) => drop(report.problem.get_or_insert_with(|| failure(&path, fault))),
            }
        }
        report.files = journals.len() as u64;
        journals
    }

    fn find(&self, report: &mut Report) -> Vec<PathBuf> {
        let (mut found, mut any) = (Vec::new(), false);
        for top in &self.directories {
            // Also one that is not there: it may come.
            report.folders.insert(top.clone());
            let Some(names) = list(top, report) else { continue };
            any = true;
            for path in names {
                if is_journal(&path) {
                    found.push(path);
                } else if is_machine(&path) && path.is_dir() {
                    found.extend(
                        list(&path, report).into_iter().flatten().filter(|path| is_journal(path)),
                    );
                    report.folders.insert(path);
                }
            }
        }
        if !any && report.problem.is_none() {
            let tops: Vec<_> =
                self.directories.iter().map(|top| top.display().to_string()).collect();
            let detail = format!("no journal at {}", tops.join(", "));
            let failure = Failure::new(Reason::NOT_FOUND, detail);
            let hint = "in a container mount the host's /var/log/journal, and /run/log/journal";
            report.problem = Some(failure.hint(hint));
        }
        found
    }
}

/// A step under way.
struct Step<'a, S> {
    selector: &'a Selector,
    left: usize,
    sink: &'a mut dyn Sink<S>,
    report: &'a mut Report,
}

impl<S: Default> Step<'_, S> {
    fn read(
        &mut self,
        journal: &mut Journal,
        position: &mut Position,
        positions: &mut Positions<S>,
        in_time: &dyn Fn() -> bool,
    ) -> Result<(), Fault> {
        // An earlier state of the file than the one that was read: nothing of it counts twice.
        if position.read > journal.header.entries {
            return Ok(());
        }
        let (mut known, mut block) = (Known::default(), Block::default());
        let result = loop {
            // The clock costs more than an entry.
            if self.left == 0 || position.read.is_multiple_of(64) && !in_time() {
                break Ok(());
            }
            let mut place = position.place;
            let offset = match journal.entry_at(position.read, &mut place) {
                Ok(Some(offset)) => offset,
                Ok(None) => break Ok(()),
                Err(fault) => break Err(fault),
            };
            (position.place, position.stuck) = (place, false);
            let entry = journal.entry(offset);
            let at = entry.as_ref().map_or(0, |entry| entry.realtime);
            let taken = entry.and_then(|entry| {
                let new = positions.is_new(position, &entry, journal.header.tail_realtime);
                if new { self.selector.take(journal, &entry, &mut known) } else { Ok(None) }
            });
            self.report.entries += 1;
            match taken {
                Ok(Some(mut taken)) => {
                    taken.hint = positions.joined.hint(&taken, at);
                    self.report.taken += 1;
                    self.report.damaged += u64::from(taken.damaged);
                    self.left = self.left.saturating_sub(taken.message.len() + 1);
                    block.add(&taken, positions, self.sink);
                }
                Ok(None) => {}
                Err(Fault::Damaged) => self.report.damaged += 1,
                Err(Fault::Xz) => self.report.unreadable += 1,
                Err(fault) => break Err(fault),
            }
            position.read += 1;
        };
        block.hand_on(positions, self.sink);
        result
    }

    /// A file that cannot be read any further is told once, and left alone if it stays so.
    fn fault(&mut self, path: &Path, fault: Fault, position: &mut Position) {
        self.report.damaged += u64::from(fault == Fault::Damaged && !position.stuck);
        position.stuck = true;
        self.report.problem.get_or_insert_with(|| failure(path, fault));
    }
}

/// Lines of one writer that are not handed on yet.
#[derive(Default)]
struct Block {
    writer: String,
    hint: Option<crate::collectors::logs::scan::level::Level>,
    lines: Vec<u8>,
}

impl Block {
    fn add<S: Default>(
        &mut self,
        taken: &Taken,
        positions: &mut Positions<S>,
        sink: &mut dyn Sink<S>,
    ) {
        let message = taken.message.strip_suffix(b"\n").unwrap_or(&taken.message);
        if self.writer != taken.writer || self.hint != taken.hint || self.lines.len() > BLOCK {
            self.hand_on(positions, sink);
        }
        self.writer.clone_from(&taken.writer);
        self.hint = taken.hint;
        let first = memchr::memchr(b'\n', message).unwrap_or(message.len());
        let (first, rest) = message.split_at(first);
        if taken.cut && rest.is_empty() {
            self.hand_on(positions, sink);
            let lines = [first, b"\n"].concat();
            let piece =
                Piece { lines: &lines, bytes: lines.len() as u64, cut: true, hint: self.hint };
            let stream = positions.stream(&self.writer, sink);
            return sink.lines(stream, &piece);
        }
        self.lines.extend_from_slice(first);
        self.lines.push(b'\n');
        if let Some(rest) = rest.get(1..) {
            // The hint is that of the event, which its first line begins.
            self.hand_on(positions, sink);
            self.hint = None;
            self.lines.extend_from_slice(rest);
            self.lines.push(b'\n');
            self.hand_on(positions, sink);
        }
    }

    fn hand_on<S: Default>(&mut self, positions: &mut Positions<S>, sink: &mut dyn Sink<S>) {
        if self.lines.is_empty() {
            return;
        }
        let bytes = self.lines.len() as u64;
        let piece = Piece { lines: &self.lines, bytes, cut: false, hint: self.hint };
        let stream = positions.stream(&self.writer, sink);
        sink.lines(stream, &piece);
        self.lines.clear();
    }
}

/// Files that are gone. Those that are not read to their end, or could still grow, took something
/// with them.
fn forget<S>(positions: &mut Positions<S>, there: &BTreeSet<u128>, report: &mut Report) {
    positions.files.retain(|id, position| {
        let stays = there.contains(id);
        let whole = position.archived && position.read >= position.entries;
        report.lost += u64::from(!stays && !whole);
        stays
    });
}

fn list(folder: &Path, report: &mut Report) -> Option<Vec<PathBuf>> {
    match std::fs::read_dir(folder) {
        Ok(entries) => Some(entries.flatten().map(|entry| entry.path()).collect()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => None,
        Err(error) => {
            let failure = Failure::io(&folder.display().to_string(), &error);
            report.problem.get_or_insert_with(|| failure.hint(GROUP));
            None
        }
    }
}

const GROUP: &str = "run the exporter in the group `systemd-journal`: usermod -aG, or --group-add";

/// Also those that journald found damaged and put aside: `system@...journal~`.
fn is_journal(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.trim_end_matches('~').ends_with(".journal")
}

/// A folder of a machine, with or without a namespace: `<id>`, `<id>.name`.
fn is_machine(path: &Path) -> bool {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    name.get(..32).is_some_and(|id| id.bytes().all(|byte| byte.is_ascii_hexdigit()))
}

fn failure(path: &Path, fault: Fault) -> Failure {
    let name = path.file_name().map(|name| name.to_string_lossy()).unwrap_or_default();
    let reason = match fault {
        Fault::Io(io::ErrorKind::PermissionDenied) => Reason::RIGHTS,
        Fault::Io(_) => Reason::OTHER,
        _ => Reason::PARSE,
    };
    let failure = Failure::new(reason, format!("journal {name}: {}", fault.as_str()));
    if reason == Reason::RIGHTS { failure.hint(GROUP) } else { failure }
}

#[cfg(test)]
mod tests;
