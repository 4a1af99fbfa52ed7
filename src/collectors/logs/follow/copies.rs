//! Copies of files that are read themselves: `copytruncate` makes them, and cuts off the file then.

use std::io;

use super::Step;
use super::facts::Identity;
use super::file::Held;
use super::find::{may_copy, related};
use super::look::Found;
use super::print::Head;
use super::record::Record;
use super::saved::{Position, Role};

impl<S: Default + Clone> Step<'_, S> {
    /// Whether a file begins with all that was counted of another one.
    pub(super) fn holds(&self, found: &Found, position: &Position<S>) -> bool {
        let Some(held) = self.peek(found) else { return false };
        let same = held.head().is_ok_and(|head| position.print.compare(&head) == Head::Same);
        let far = found.facts.size >= position.offset;
        same && far && held.continues(&position.print, position.offset).unwrap_or(false)
    }

    /// Whether a file surely begins otherwise.
    fn differs(&self, found: &Found, position: &Position<S>) -> bool {
        let head = self.peek(found).and_then(|held| held.head().ok());
        head.is_some_and(|head| {
            matches!(position.print.compare(&head), Head::Other | Head::Unknown)
        })
    }

    pub(super) fn peek(&self, found: &Found) -> Option<Held> {
        let held = Held::new((self.follow.open)(&found.real).ok()?, 0).ok()?;
        let same = held.facts().is_ok_and(|facts| facts.identity == found.facts.identity);
        same.then_some(held)
    }

    /// Whether a file is, as far as it goes, the same as another that stays in its place.
    pub(super) fn is_copy(&self, id: &Identity) -> bool {
        let Some(found) = self.look.files.get(id) else { return false };
        self.staying.iter().filter(|base| *base != id).any(|base| {
            let Some(base) = self.files.records.get(base) else { return false };
            let position = &base.position;
            if position.role != Role::Read || !may_copy(&found.path, &position.path) {
                return false;
            }
            // While it is being made it is shorter.
            let begun = found.facts.size < position.offset
                && self
                    .peek(found)
                    .and_then(|held| held.head().ok())
                    .is_some_and(|head| position.print.compare(&head) == Head::Same);
            begun || self.holds(found, position)
        })
    }

    /// What is at the position of `id` is not what was there: what nobody has read yet may be in a
    /// copy; the file is read from its beginning.
    pub(super) fn rescue(&mut self, id: Identity) -> io::Result<Option<Identity>> {
        let Some(record) = self.files.records.get_mut(&id) else { return Ok(None) };
        let unread = record.position.size.saturating_sub(record.position.offset);
        let unsettled = record.position.unsettled;
        if record.edited()? {
            self.report.doubt.truncated += 1;
            return Ok(None);
        }
        let mut old = record.rewind()?;
        self.report.doubt.truncated += 1;
        if let Some(copy) = self.copy_of(&old) {
            let mut record = Record::new(&copy, Role::Read, self.now);
            old.id = copy.facts.identity;
            old.path.clone_from(&copy.path);
            old.gone = !copy.named;
            (old.adopted, old.closed, old.settled) = (true, false, false);
            record.position = old;
            record.named = copy.named;
            self.files.records.insert(copy.facts.identity, record);
            return Ok(Some(copy.facts.identity));
        }
        self.report.unknown_bytes += unread;
        if unsettled {
            self.sink.settle(&mut old.stream);
        }
        Ok(None)
    }

    /// Whether a file is not read, at least now, because it is the copy of another.
    pub(super) fn put_off(&mut self, id: Identity) -> io::Result<bool> {
        let doubtful = self.files.records.get(&id).is_some_and(|record| record.doubtful);
        let Some(found) = self.look.files.get(&id).filter(|_| doubtful) else { return Ok(false) };
        (self.follow.open)(&found.real)?;
        let copy = self.is_copy(&id);
        let Some(record) = self.files.records.get_mut(&id) else { return Ok(true) };
        // What is empty may yet become a copy.
        let empty = record.facts.size == 0;
        record.doubtful = empty;
        if copy {
            record.position.role = Role::Copy;
            record.learn(record.facts);
        }
        Ok(copy || empty)
    }

    /// Copies that have changed: they may still be made, or be files in their own right. Of such
    /// only what is beyond the common beginning is read.
    pub(super) fn copies(&mut self) {
        let changed = |(_, record): &(&Identity, &Record<S>)| {
            record.position.role == Role::Copy
                && record.position.missing.is_none()
                && record.facts.size != record.position.size
        };
        let changed: Vec<_> =
            self.files.records.iter().filter(changed).map(|(id, _)| *id).collect();
        for id in changed {
            let copy = self.is_copy(&id);
            let Some(record) = self.files.records.get_mut(&id) else { continue };
            if !copy && record.facts.size > record.position.size {
                let position = &mut record.position;
                (position.role, position.offset) = (Role::Read, position.size);
                (position.begin, record.align, record.done) = (position.size, true, None);
                self.report.doubt.truncated += 1;
                self.report.caught_up = false;
            } else {
                record.learn(record.facts);
            }
        }
    }

    /// The newest file that begins with all that was counted of this one, and that counts nowhere.
    fn copy_of(&mut self, old: &Position<S>) -> Option<Found> {
        let mut copies: Vec<&Found> = self
            .look
            .files
            .values()
            .filter(|found| found.facts.identity != old.id && related(&found.path, &old.path))
            .filter(|found| {
                let record = self.files.records.get(&found.facts.identity);
                record.is_none_or(|record| match record.position.role {
                    Role::Beside | Role::Copy => true,
                    Role::Read => record.is_unread(),
                    Role::Old => false,
                })
            })
            .collect();
        copies.sort_by_key(|found| std::cmp::Reverse(found.facts.modified));
        let copy = copies.iter().find(|found| self.holds(found, old)).map(|found| (*found).clone());
        // The others may hold the same lines, or cannot be read now: none of them counts. Those that
        // do not hold the same may be copies of what came between, and end in half a line.
        let counts = |found: &&Found| copy.as_ref().is_some_and(|copy| copy.path == found.path);
        let others = copies.into_iter().filter(|found| !counts(found));
        let others: Vec<(Identity, bool)> =
            others.map(|found| (found.facts.identity, self.differs(found, old))).collect();
        for (id, differs) in others {
            let Some(record) = self.files.records.get_mut(&id) else { continue };
            record.position.adopted = true;
            if !differs {
                record.position.role = Role::Beside;
            }
        }
        copy
    }

    /// Files that came beside one of which nothing was known: if they do not hold the same, then
    /// something was in that one which is not there any more.
    pub(super) fn suspect(&mut self) {
        for (copy, base) in std::mem::take(&mut self.suspects) {
            let Some(found) = self.look.files.get(&copy) else { continue };
            let Some(base) = self.files.records.get(&base) else { continue };
            let head = self.peek(found).and_then(|held| held.head().ok()).unwrap_or_default();
            if base.position.print.compare(&head) != Head::Same {
                self.report.doubt.truncated += 1;
                self.report.unknown_bytes += found.facts.size;
            }
        }
    }
}
