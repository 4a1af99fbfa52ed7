//! What has become of the files that were known before: renamed, deleted, vanished, named no more.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::time::Duration;

use super::facts::{Facts, Identity};
use super::find::{Pattern, came_from};
use super::look::Found;
use super::record::Record;
use super::saved::Role;
use super::{Step, since};

/// A file that is gone is surely read if it had been quiet for this long when it was last seen...
const QUIET: Duration = Duration::from_hours(24);
/// ... and that is not longer ago than this.
const UNSEEN: Duration = Duration::from_hours(1);
/// Positions of files that are not there are kept for when these come back, as after a remount.
const KEEP: Duration = Duration::from_hours(24);
const MAX_RECORDS: usize = 50_000;
const MAX_VACANT: usize = 1_000;

impl<S: Default + Clone> Step<'_, S> {
    /// Lets go of the files that the configuration does not name any more: they would be counted
    /// for as long as somebody writes to them, and stand for those that are named and not there.
    /// Their positions go too: should they be named again, `start` decides anew.
    pub(super) fn reload(&mut self) {
        let texts = &self.follow.texts;
        if self.files.texts == *texts {
            return;
        }
        self.files.texts.clone_from(texts);
        self.files.primed.retain(|text| texts.contains(text));
        let patterns = &self.follow.patterns;
        let found = |id: &Identity| self.look.files.get(id).is_some_and(|found| found.named);
        let named = |id: &Identity, record: &Record<S>| {
            found(id) || patterns.iter().any(|pattern| pattern.names(&record.position.path))
        };
        let mut bases: BTreeSet<PathBuf> = patterns.iter().filter_map(Pattern::literal).collect();
        let records = self.files.records.iter();
        bases.extend(
            records.filter(|(id, record)| named(id, record)).map(|(_, r)| r.position.path.clone()),
        );
        // What rotation has made of a file that is named is still read to its end, and so is what
        // nobody but us can read any more.
        self.files.records.retain(|id, record| {
            let deleted = record.held.is_some() && record.facts.links == 0;
            deleted || named(id, record) || came_from(&record.position.path, &bases)
        });
        let vacant = &mut self.files.vacant;
        vacant.retain(|path, _| patterns.iter().any(|pattern| pattern.names(path)));
    }

    /// Follows renames, and sees which paths are vacant.
    pub(super) fn trace(&mut self) {
        let (now, complete) = (self.now, self.look.complete());
        let at = self.files.at.unwrap_or(now);
        let mut left = BTreeSet::new();
        for (id, record) in &mut self.files.records {
            record.trouble = false;
            record.crowded = false;
            let found = self.look.files.get(id);
            // Nearly all files are where they were.
            let same = found.filter(|found| record.is_at(found));
            let was = if same.is_some() { Vec::new() } else { record.place() };
            match found {
                Some(found) => {
                    if let Some(lost) = record.see(found, now) {
                        self.report.doubt.truncated += 1;
                        self.report.unknown_bytes += lost;
                    }
                    let stays = same.is_some() || found.named && was.first() == Some(&found.path);
                    if stays {
                        self.staying.insert(*id);
                        // It may be another link that leads there.
                        left.extend(was.into_iter().skip(1).filter(|real| *real != found.real));
                    } else {
                        left.extend(was);
                    }
                }
                // Where not all could be looked at, it may still be there.
                None if !complete => record.trouble = record.held.is_none(),
                None => {
                    left.extend(was);
                    let doubt = record.miss(at, now);
                    self.report.doubt.overrun += u64::from(doubt.is_some());
                    self.report.unknown_bytes += doubt.unwrap_or(0);
                }
            }
        }
        self.vacate(left);
    }

    /// Which paths may have lost their files to rotation: those that were left, and those that are
    /// expected and at which nothing was read until now.
    fn vacate(&mut self, left: BTreeSet<PathBuf>) {
        let records = &self.files.records;
        let first = self.files.primed.is_empty();
        let mut never: BTreeSet<PathBuf> =
            self.follow.patterns.iter().filter(|_| !first).filter_map(Pattern::literal).collect();
        if !never.is_empty() {
            for record in self.staying.iter().filter_map(|id| records.get(id)) {
                never.remove(&record.position.path);
            }
        }
        self.left = self.files.vacant.keys().cloned().chain(left).collect();
        self.vacant = never.into_iter().chain(self.left.iter().cloned()).collect();
    }

    /// Notes for the next step which paths are vacant now, and forgets what is long gone.
    pub(super) fn remember(&mut self) {
        let now = self.now;
        let files = &mut *self.files;
        for path in std::mem::take(&mut self.left) {
            files.vacant.entry(path).or_insert(now);
        }
        for record in files.records.values().filter(|record| record.named) {
            files.vacant.remove(&record.position.path);
            record.position.link.as_ref().map(|link| files.vacant.remove(link));
        }
        files.vacant.retain(|_, left| since(*left, now) < KEEP);
        while files.vacant.len() > MAX_VACANT {
            files.vacant.pop_first();
        }
        let complete = self.look.complete();
        files.records.retain(|id, record| {
            if record.held.is_some() || !complete {
                return true;
            }
            // What only lay there is nothing to come back to, and a number without a birth time
            // may soon be another's.
            let keep = record.position.role == Role::Read && id.born.is_some();
            record.position.missing.is_none_or(|since_then| keep && since(since_then, now) < KEEP)
        });
        if files.records.len() > MAX_RECORDS {
            files.records.retain(|_, record| record.position.missing.is_none());
        }
    }
}

impl<S> Record<S> {
    /// Whether it is read where it was found, by the same name, and no link is part of it.
    fn is_at(&self, found: &Found) -> bool {
        let position = &self.position;
        let read = !position.gone && position.role == Role::Read && position.link.is_none();
        // Bytes are compared faster than paths.
        let same = || position.path.as_os_str() == found.path.as_os_str();
        read && found.named && !found.link && same()
    }

    /// The path at which it was read, and what that leads to if it is a link.
    fn place(&self) -> Vec<PathBuf> {
        let position = &self.position;
        let read = !position.gone && position.role == Role::Read;
        let paths = std::iter::once(&position.path).chain(&position.link);
        paths.filter(|_| read).cloned().collect()
    }

    /// It is there. Gives the bytes that nobody will read if it was never read and is shorter now.
    pub(super) fn see(&mut self, found: &Found, now: std::time::SystemTime) -> Option<u64> {
        let position = &mut self.position;
        let waits = position.gone && !position.closed;
        if position.settled && !waits && self.done.is_none() && self.held.is_none() {
            let same =
                (position.size, position.modified) == (found.facts.size, found.facts.modified);
            self.done = same.then_some(found.facts);
        }
        self.facts = found.facts;
        self.named = found.named;
        position.missing = None;
        if position.path.as_os_str() != found.path.as_os_str() {
            position.path.clone_from(&found.path);
        }
        if found.link || position.link.is_some() {
            position.link = found.link.then(|| found.real.clone());
        }
        if found.named {
            position.gone = false;
        } else if !position.gone {
            position.gone = true;
            self.fresh = now;
        }
        let unread = position.role == Role::Read && position.print.head() == 0;
        let before = std::mem::replace(&mut position.size, found.facts.size);
        if !unread {
            position.size = before;
            return None;
        }
        let lost = before.saturating_sub(found.facts.size);
        if lost > 0 {
            (position.begin, position.offset, self.align) = (0, 0, false);
        }
        (lost > 0).then_some(lost)
    }

    /// It is not there. Gives the bytes that are known to be lost, if it is not sure that all of it
    /// was read.
    fn miss(&mut self, at: std::time::SystemTime, now: std::time::SystemTime) -> Option<u64> {
        let position = &mut self.position;
        self.named = false;
        if !position.gone {
            position.gone = true;
            self.fresh = now;
        }
        if let Some(held) = &self.held {
            if let Ok(facts) = held.facts() {
                self.facts = facts;
            }
            return None;
        }
        if position.missing.is_some() {
            return None;
        }
        position.missing = Some(now);
        let quiet = since(position.modified, at) > QUIET && since(at, now) < UNSEEN;
        let sure =
            position.role != Role::Read || position.closed || self.refused.is_some() || quiet;
        (!sure).then(|| position.size.saturating_sub(position.offset))
    }

    pub(super) fn learn(&mut self, facts: Facts) {
        self.facts = facts;
        (self.position.size, self.position.modified) = (facts.size, facts.modified);
    }
}
