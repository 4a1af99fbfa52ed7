//! The step: one look at the files of a source, and the lines that have come since the last one.
//! No clock and no notification is in it, so that any order of events can be tested.
//!
//! | what happens to a file | what is done |
//! |---|---|
//! | renamed, deleted | it is read to its end and until it has been quiet for 30 s |
//! | rotated more than once between two steps | the files between are found beside it and read |
//! | appears after the first look | read from its beginning |
//! | is there at the first look | as `start` says |
//! | copied under a rotated name (`copytruncate`) | the copy is not read |
//! | smaller than what was read | read from its beginning; `doubt` says that lines may be lost |
//! | not named any more after a reload | let go at once |

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use self::file::{From, Open, Tail};
use self::find::{Found, Identity, Look, Pattern, rotated_from};
use super::config::Start;
use super::rules::Rule;
use super::tally::{Tally, since};
use crate::engine::Failure;

pub mod file;
pub mod find;
mod reload;

/// Files of a source; of more, the newest are read.
const MAX_FILES: usize = 100;
/// Files that are gone from the patterns and still held. Beyond this, quiet ones are let go at once.
const MAX_GONE: usize = 100;
/// A file that is gone is held this long after its last line: its writer may not know yet.
const QUIET: Duration = Duration::from_secs(30);
/// Bytes of one read; files take turns after each.
const CHUNK: usize = 256 * 1024;
/// Bytes of one step over all files. What is left is for the next one.
pub const BUDGET: usize = 16 << 20;
/// Time of one step, for slow disks and rules: well below the deadline, which would drop its rows.
pub const TIME: Duration = Duration::from_secs(2);
/// Positions of files that are not open.
const MAX_PARKED: usize = 10_000;

/// What a source remembers, also over a reload.
#[derive(Default)]
pub struct Kept {
    /// Marks a step under way.
    pub busy: Arc<AtomicBool>,
    pub state: Mutex<State>,
}

#[derive(Default)]
pub struct State {
    /// The patterns of the last step.
    texts: Vec<String>,
    tails: Vec<Tail>,
    /// Where reading would begin in files that are not open.
    parked: BTreeMap<Identity, u64>,
    /// Copies of files that are read themselves: `copytruncate`. Their lines have been counted.
    copies: BTreeSet<Identity>,
    /// Patterns whose first look is over: what they name from then on is new.
    primed: BTreeSet<String>,
    tally: Tally,
    since: Option<SystemTime>,
    turn: usize,
    buffer: Vec<u8>,
}

/// The files of a source as a step leaves them.
#[derive(Clone, Default)]
pub struct Files {
    pub open: usize,
    /// Renamed or deleted, but not done with.
    pub gone: usize,
    pub unreadable: usize,
    pub skipped: u64,
    pub lag: u64,
    /// Left out by the caps.
    pub crowded_out: u64,
    pub not_listed: u64,
    /// The first reason why a part cannot be read.
    pub problem: Option<Failure>,
}

/// All that a step yields.
pub struct Raw {
    pub tally: Tally,
    pub files: Files,
    /// The first step of this source.
    pub since: SystemTime,
    /// Matches that the cap of labels has put under `other` in this step.
    pub capped: u64,
}

/// A source, ready to be read.
pub struct Source {
    /// The patterns as written, and compiled.
    pub texts: Vec<String>,
    pub patterns: Vec<Pattern>,
    pub rules: Vec<Rule>,
    pub start: Start,
    pub open: Open,
    pub budget: usize,
}

impl Source {
    /// `in_time` says whether the step may go on reading; one chunk is read in any case.
    pub fn step(&self, state: &mut State, now: SystemTime, in_time: impl Fn() -> bool) -> Raw {
        let first = *state.since.get_or_insert(now);
        state.tally.expect(&self.rules);
        // A file that is named and not there, or not seen yet, may be rotated before it is seen.
        let expected: Vec<_> = self.patterns.iter().filter_map(Pattern::literal).collect();
        let open = state.tails.iter().map(|tail| tail.path.as_path());
        let look = Look::take(&self.patterns, open.chain(expected.iter().map(PathBuf::as_path)));
        let mut files = Files {
            skipped: look.skipped,
            not_listed: look.dropped,
            problem: look.problem.clone(),
            ..Files::default()
        };
        state.reload(self, &look);
        let moved = state.follow(&look);
        let vacant = state.vacant(expected, &moved);
        self.open(state, &look, &moved, &vacant, &mut files);
        self.read(state, &mut files, now, in_time);
        self.close(state, now);
        for (index, text) in self.texts.iter().enumerate() {
            if !look.blind.contains(&index) {
                state.primed.insert(text.clone());
            }
        }
        state.forget(&look);
        for tail in &state.tails {
            match (tail.refused(), tail.gone) {
                (true, _) => files.skipped += 1,
                (false, true) => files.gone += 1,
                (false, false) => files.open += 1,
            }
            files.lag += tail.lag();
        }
        let capped = std::mem::take(&mut state.tally.capped);
        Raw { tally: state.tally.clone(), files, since: first, capped }
    }

    /// Opens what is new, and lets go of what the cap puts behind newer files.
    fn open(
        &self,
        state: &mut State,
        look: &Look,
        moved: &BTreeSet<PathBuf>,
        vacant: &BTreeSet<PathBuf>,
        files: &mut Files,
    ) {
        let mut named: Vec<_> = look.files.iter().filter(|(_, found)| found.named).collect();
        named.sort_by_key(|(_, found)| std::cmp::Reverse(found.modified));
        files.crowded_out = named.len().saturating_sub(MAX_FILES) as u64;
        let (kept, over) = named.split_at(named.len().min(MAX_FILES));
        for (identity, found) in over {
            if let Some(index) = state.tail(identity) {
                state.tails.get(index).is_some_and(|tail| tail.at_end).then(|| state.park(index));
            } else {
                self.park(state, identity, found);
            }
        }
        let between: Vec<_> = look.files.iter().filter(|(_, found)| !found.named).collect();
        for (identity, found) in kept.iter().chain(&between) {
            if state.tail(identity).is_some() || state.copies.contains(*identity) {
                continue;
            }
            let known = state.parked.get(identity).copied();
            if found.named && known.is_none() && state.is_copy(found, self.open) {
                state.copies.insert(**identity);
                continue;
            }
            if !found.named && (known.is_some() || !came_from(&found.path, vacant)) {
                state.parked.entry(**identity).or_insert(found.size);
                continue;
            }
            let from = match known {
                Some(position) => From::Offset(position),
                None if self.is_first(state, found) => From::End,
                None => From::Offset(0),
            };
            match Tail::new(self.open, &found.path, **identity, from) {
                Ok(Some(mut tail)) => {
                    state.parked.remove(identity);
                    tail.gone = !found.named;
                    let replaces = moved.contains(&found.path) || !found.named;
                    state.tally.rotations += u64::from(known.is_none() && replaces);
                    if from == From::End && found.size > 0 {
                        let last = state.tally.last_line.max(Some(found.modified));
                        state.tally.last_line = last;
                    }
                    state.tails.push(tail);
                }
                // Another file by now: the next look will see both.
                Ok(None) => {}
                Err(error) => {
                    files.fail(&found.path, &error);
                    self.park(state, identity, found);
                }
            }
        }
    }

    /// Whether `start` decides about this file.
    fn is_first(&self, state: &State, found: &Found) -> bool {
        let primed = self.texts.get(found.pattern).is_some_and(|text| state.primed.contains(text));
        self.start == Start::End && !primed
    }

    /// Notes where a file that is not opened now would be read from.
    fn park(&self, state: &mut State, identity: &Identity, found: &Found) {
        let position = if self.is_first(state, found) { found.size } else { 0 };
        state.parked.entry(*identity).or_insert(position);
    }

    /// Reads the files by turns, a chunk each, until all are at their end or bytes or time are
    /// spent.
    fn read(
        &self,
        state: &mut State,
        files: &mut Files,
        now: SystemTime,
        in_time: impl Fn() -> bool,
    ) {
        let State { tails, tally, turn, buffer, .. } = state;
        buffer.resize(CHUNK, 0);
        let mut waiting: Vec<&mut Tail> = Vec::new();
        for tail in tails.iter_mut() {
            match tail.refresh() {
                Ok(truncated) => {
                    tally.doubt.truncated += u64::from(truncated);
                    waiting.push(tail);
                }
                Err(error) => files.fail_open(tail, &error),
            }
        }
        // Another one begins each time, so that a small budget reaches all.
        let first = turn.checked_rem(waiting.len()).unwrap_or(0);
        waiting.rotate_left(first);
        *turn = turn.wrapping_add(1);
        let mut left = self.budget;
        while !waiting.is_empty() && left > 0 {
            waiting.retain_mut(|tail| {
                let room = left.min(CHUNK);
                let Some(buffer) = buffer.get_mut(..room).filter(|_| room > 0) else { return true };
                match tail.read(buffer, |piece| tally.count(&self.rules, piece, now)) {
                    Ok(count) => {
                        // One read at least, or a slow look would leave none for ever.
                        left = if count == 0 || in_time() { left - count } else { 0 };
                        tail.quiet = if count > 0 { None } else { tail.quiet };
                        count > 0
                    }
                    Err(error) => {
                        files.fail_open(tail, &error);
                        false
                    }
                }
            });
        }
    }

    /// Closes files that are gone, read to their end and quiet, and those that cannot be read.
    fn close(&self, state: &mut State, now: SystemTime) {
        let mut too_many = state.tails.iter().filter(|tail| tail.gone).count();
        let mut index = 0;
        while let Some(tail) = state.tails.get_mut(index) {
            if tail.broken {
                state.park(index);
                continue;
            }
            let done = tail.at_end || tail.refused();
            if !tail.gone || !done {
                tail.quiet = None;
                index += 1;
                continue;
            }
            let quiet = *tail.quiet.get_or_insert(now);
            if since(quiet, now) < QUIET && too_many <= MAX_GONE {
                index += 1;
                continue;
            }
            too_many -= 1;
            tail.finish(|piece| state.tally.count(&self.rules, piece, now));
            state.park(index);
        }
    }
}

impl State {
    fn tail(&self, identity: &Identity) -> Option<usize> {
        self.tails.iter().position(|tail| tail.identity == *identity)
    }

    /// Whether a file is a copy of one that is still in its place: its name is that one's with a
    /// number or a date behind it, and it begins the same.
    fn is_copy(&self, found: &Found, open: Open) -> bool {
        let Some(name) = found.path.file_name().map(OsStr::as_bytes) else { return false };
        self.tails.iter().any(|tail| {
            let base = tail.path.file_name().map(OsStr::as_bytes).unwrap_or_default();
            let behind = name.strip_prefix(base).unwrap_or_default();
            !tail.gone
                && matches!(behind, [b'.' | b'-' | b'_', b'0'..=b'9', ..])
                && tail.path.parent() == found.path.parent()
                && tail.begins_like(open, &found.path)
        })
    }

    fn park(&mut self, index: usize) {
        let tail = self.tails.remove(index);
        self.parked.insert(tail.identity, tail.position());
    }

    /// Follows renames. Returns the paths at which another file or none is now.
    fn follow(&mut self, look: &Look) -> BTreeSet<PathBuf> {
        let mut moved = BTreeSet::new();
        for tail in &mut self.tails {
            match look.files.get(&tail.identity) {
                Some(found) if found.named => {
                    if found.path != tail.path {
                        moved.insert(std::mem::replace(&mut tail.path, found.path.clone()));
                    }
                    tail.gone = false;
                }
                // Where not all could be looked at, it may still be there.
                None if look.problem.is_some() => {}
                _ => {
                    tail.gone = true;
                    moved.insert(tail.path.clone());
                }
            }
        }
        moved
    }

    /// The paths whose files may have been rotated away: those that moved, and those that are
    /// expected and at which nothing was read until now.
    fn vacant(&self, expected: Vec<PathBuf>, moved: &BTreeSet<PathBuf>) -> BTreeSet<PathBuf> {
        let read = |path: &PathBuf| self.tails.iter().any(|tail| !tail.gone && tail.path == *path);
        let never = expected.into_iter().filter(|path| !read(path));
        // At the first look all that is there is old.
        never.filter(|_| !self.primed.is_empty()).chain(moved.iter().cloned()).collect()
    }

    /// Forgets positions of files that are not there any more. With a birth time they are kept for
    /// when the file comes back; without one, another file could get the number.
    fn forget(&mut self, look: &Look) {
        if look.problem.is_none() {
            let there = |identity: &Identity| look.files.contains_key(identity);
            self.copies.retain(there);
            self.parked.retain(|identity, _| identity.born.is_some() || there(identity));
            if self.parked.len() > MAX_PARKED {
                self.parked.retain(|identity, _| there(identity));
            }
        }
    }
}

impl Files {
    fn fail_open(&mut self, tail: &mut Tail, error: &std::io::Error) {
        tail.broken = true;
        self.fail(&tail.path, error);
    }

    fn fail(&mut self, path: &Path, error: &std::io::Error) {
        self.unreadable += 1;
        let hint = "let the exporter read the file: its group, or an ACL with `setfacl -m u:...:r`";
        self.problem
            .get_or_insert_with(|| Failure::io(&path.display().to_string(), error).hint(hint));
    }
}

/// Whether rotation of one of these paths gives this one.
fn came_from(path: &Path, moved: &BTreeSet<PathBuf>) -> bool {
    let beside = moved.iter().filter(|base| base.parent() == path.parent());
    let names: BTreeSet<_> = beside.filter_map(|base| base.file_name()).map(Into::into).collect();
    path.file_name().is_some_and(|name| rotated_from(name, &names).is_some())
}

#[cfg(test)]
mod tests;
