//! The step: one look at the files of a source, and the lines that have come since the last one.
//! No clock and no notification is in it, so that any order of events can be tested.
//!
//! A file is known by device, inode and birth time, and known again by what it holds: hashes of its
//! beginning and of what stands before the position, which is read again with the new bytes.
//!
//! | what happens to a file | what is done |
//! |---|---|
//! | renamed, deleted | read to its end, held until it has been quiet for 30 s, read on if it grows again |
//! | rotated more than once between two steps | the files between are found beside it and read |
//! | appears after the first look | read from its beginning |
//! | is there at the first look | as `start` says |
//! | the same as one that stays in place, under a name that a copy has | not read |
//! | holds something else than was read (`copytruncate`) | the rest is read in the copy, then from the beginning; doubt |
//! | begins as before, but the end is another (an editor) | read on behind what is there; doubt |
//! | holds something else, or is another file, but ends as before (`sed -i`, a prune) | read on behind that end; doubt |
//! | gone while nobody held it | doubt, unless it had been quiet for a day |
//! | not named any more after a reload | let go at once, unless it is deleted: that is read out |
//! | no regular file, compressed, UTF-16, binary, behind a link of somebody else | not read |
//!
//! A whole step looks at every file. One that is told which files were written to looks at these
//! alone ([`touch`]), and leaves to a whole one all but what simply has grown where it was.
//!
//! Where it cannot be known whether lines count already they do not, and doubt says so. What nobody
//! can see: a file that comes and goes between two looks, and content that is replaced by the same.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::time::SystemTime;

use self::facts::{Facts, Identity, RECENT};
use self::file::Open;
use self::find::Pattern;
use self::look::{Look, Names};
use self::record::Record;
use self::report::Report;
use self::saved::{Position, Positions, Role};
use self::touch::Place;
use super::config::Start;
use super::recent::since;
use super::scan::lines::Piece;

mod close;
mod copies;
mod edited;
pub mod facts;
pub mod file;
pub mod find;
mod fresh;
mod look;
mod print;
mod read;
mod record;
pub mod report;
pub mod saved;
mod touch;
mod trace;

pub use self::close::COMPLETE;

/// Bytes of one step over all files. What is left is for the next one.
pub const BUDGET: usize = 16 << 20;
/// Files of a source; of more, the newest are read.
pub const MAX_FILES: usize = 10_000;
/// Files held open; beyond this the one that was longest quiet is closed until it changes.
pub const MAX_HELD: usize = 500;

/// Who takes the lines. `S` is what it keeps of each file.
pub trait Sink<S> {
    /// Whole lines of one file, in order.
    fn lines(&mut self, stream: &mut S, piece: &Piece);
    /// The file is quiet or ended: what its last lines began is complete.
    fn settle(&mut self, stream: &mut S);
}

/// Files to follow. Patterns may change from step to step.
pub struct Follow {
    /// The patterns as written, and compiled.
    pub texts: Vec<String>,
    pub patterns: Vec<Pattern>,
    pub start: Start,
    pub open: Open,
    /// Bytes of one step over all files. What is left is for the next one.
    pub budget: usize,
    /// Files held open at once.
    pub held: usize,
}

/// What is known of the files of a source between two steps.
pub struct Files<S> {
    /// The patterns of the last step, and those whose first look is over.
    texts: Vec<String>,
    primed: BTreeSet<String>,
    /// Nothing that is there at the first look counts.
    lost: bool,
    at: Option<SystemTime>,
    records: BTreeMap<Identity, Record<S>>,
    /// Paths that were read and at which nothing known is now.
    vacant: BTreeMap<PathBuf, SystemTime>,
    names: Names,
    turn: u64,
    buffer: Vec<u8>,
    /// What the last step has told, if it has read all that was there, and what it has left: files
    /// that are open, and those with an event that may go on.
    told: Option<Report>,
    held: usize,
    unsettled: BTreeSet<Identity>,
    /// What was found out of paths since the last whole step.
    places: BTreeMap<PathBuf, Place>,
    /// Files that are other than they were before the last touch.
    touched: BTreeSet<Identity>,
}

impl<S> Default for Files<S> {
    fn default() -> Self {
        Self {
            texts: Vec::new(),
            primed: BTreeSet::new(),
            lost: false,
            at: None,
            records: BTreeMap::new(),
            vacant: BTreeMap::new(),
            names: Names::default(),
            turn: 0,
            buffer: Vec::new(),
            told: None,
            held: 0,
            unsettled: BTreeSet::new(),
            places: BTreeMap::new(),
            touched: BTreeSet::new(),
        }
    }
}

/// A step under way.
struct Step<'a, S> {
    follow: &'a Follow,
    files: &'a mut Files<S>,
    look: Look,
    report: Report,
    now: SystemTime,
    /// Files that are held open.
    held: usize,
    /// It looks at a few files only.
    touches: bool,
    sink: &'a mut dyn Sink<S>,
    /// Paths from which files may have been rotated away.
    vacant: BTreeSet<PathBuf>,
    /// Those of them that were read.
    left: BTreeSet<PathBuf>,
    /// Files that were in place before and after, by identity: only these are copied.
    staying: BTreeSet<Identity>,
    /// Files that came beside one of which nothing was known but its name.
    suspects: Vec<(Identity, Identity)>,
}

impl Follow {
    /// `in_time` says whether the step may go on reading; one chunk is read in any case.
    pub fn step<S: Default + Clone>(
        &self,
        files: &mut Files<S>,
        now: SystemTime,
        in_time: &dyn Fn() -> bool,
        sink: &mut dyn Sink<S>,
    ) -> Report {
        files.turn += 1;
        if files.texts != self.texts {
            files.names.clear();
        }
        let bases = files.bases(self);
        let look = files.names.look(&self.patterns, bases, now);
        let mut step = Step::new(self, files, look, now, sink);
        step.reload();
        step.trace();
        step.sort();
        step.read(in_time);
        step.copies();
        step.suspect();
        step.close();
        step.finish()
    }
}

impl<'a, S> Step<'a, S> {
    fn new(
        follow: &'a Follow,
        files: &'a mut Files<S>,
        look: Look,
        now: SystemTime,
        sink: &'a mut dyn Sink<S>,
    ) -> Self {
        Self {
            follow,
            files,
            look,
            report: Report::default(),
            now,
            held: 0,
            touches: false,
            sink,
            vacant: BTreeSet::new(),
            left: BTreeSet::new(),
            staying: BTreeSet::new(),
            suspects: Vec::new(),
        }
    }
}

impl<S: Default + Clone> Files<S> {
    /// Files whose state is lost: what is there already does not count again.
    pub fn lost() -> Self {
        Self { lost: true, ..Self::default() }
    }

    /// All positions with what belongs to them, to be written down.
    pub fn saved(&self) -> Positions<S> {
        Positions {
            texts: self.texts.clone(),
            primed: self.primed.clone(),
            at: self.at,
            lost: self.lost,
            vacant: self.vacant.clone(),
            files: self.records.values().map(|record| record.position.clone()).collect(),
        }
    }

    /// When the last step was, and the positions that have changed in it, if it was a touch.
    pub fn touched(&self) -> (Option<SystemTime>, Vec<&Position<S>>) {
        let touched = self.touched.iter().filter_map(|id| self.records.get(id));
        (self.at, touched.map(|record| &record.position).collect())
    }

    /// Goes on from what was written down.
    pub fn restore(saved: Positions<S>) -> Self {
        let now = saved.at.unwrap_or(SystemTime::UNIX_EPOCH);
        let records = saved.files.into_iter().map(|position| {
            let (id, facts) = (position.id, Facts::saved(&position));
            let nothing_known = position.offset == 0 && position.print.head() == 0;
            let doubtful = nothing_known && position.role == Role::Read && !position.gone;
            (id, Record { doubtful, ..Record::of(position, facts, now) })
        });
        Self {
            records: records.collect(),
            texts: saved.texts,
            primed: saved.primed,
            lost: saved.lost,
            at: saved.at,
            vacant: saved.vacant,
            ..Self::default()
        }
    }

    /// The files that count, with what was counted in them.
    #[cfg(test)]
    pub fn positions(&self) -> impl Iterator<Item = &Position<S>> {
        let positions = self.records.values().map(|record| &record.position);
        positions.filter(|position| position.role == Role::Read)
    }

    /// A file that is named and not there, or not seen yet, may be rotated before it is seen.
    fn bases(&self, follow: &Follow) -> BTreeSet<PathBuf> {
        let literal = follow.patterns.iter().filter_map(Pattern::literal);
        literal.chain(self.vacant.keys().cloned()).collect()
    }
}

#[cfg(test)]
mod tests;
