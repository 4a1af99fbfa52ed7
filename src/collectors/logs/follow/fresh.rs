//! What is done with files that were not known before.

use std::collections::BTreeSet;

use super::facts::Identity;
use super::find::{came_from, may_copy};
use super::look::Found;
use super::record::Record;
use super::saved::Role;
use super::{Follow, MAX_FILES, Start, Step};

impl<S: Default + Clone> Step<'_, S> {
    /// Gives each new file its part, and leaves out what the cap puts behind newer files.
    pub(super) fn sort(&mut self) {
        self.crowd();
        let known = &self.files.records;
        let mut fresh: Vec<Found> = self
            .look
            .files
            .values()
            .filter(|f| !known.contains_key(&f.facts.identity))
            .cloned()
            .collect();
        fresh.sort_by_key(|found| found.facts.modified);
        let mut between = BTreeSet::new();
        for found in &fresh {
            if self.remounted(found) {
                continue;
            }
            let mut record = if found.named { self.named(found) } else { self.beside(found) };
            record.named = found.named;
            record.crowded = self.crowded(found);
            if record.position.role == Role::Read {
                between.insert(found.path.clone());
            }
            self.files.records.insert(found.facts.identity, record);
        }
        self.overrun(&between);
    }

    /// A file that a pattern names.
    fn named(&mut self, found: &Found) -> Record<S> {
        let mut record = Record::new(found, Role::Read, self.now);
        if self.is_first(found) {
            record.position.offset = found.facts.size;
            record.position.begin = found.facts.size;
            record.align = true;
            return record;
        }
        if self.left.contains(&found.path)
            && let Some(offset) = self.goes_on(found)
        {
            (record.position.offset, record.position.begin) = (offset, offset);
            self.report.doubt.truncated += 1;
            return record;
        }
        let records = &self.files.records;
        let base = |id: &Identity| {
            records.get(id).is_some_and(|base| {
                base.position.role == Role::Read && may_copy(&found.path, &base.position.path)
            })
        };
        record.doubtful = self.staying.iter().any(base);
        self.report.rotations += u64::from(self.left.contains(&found.path));
        record
    }

    /// A file with a name that rotation gives.
    fn beside(&mut self, found: &Found) -> Record<S> {
        if came_from(&found.path, &self.vacant) {
            self.report.rotations += 1;
            return Record::new(found, Role::Read, self.now);
        }
        if self.is_first(found) || self.files.primed.is_empty() {
            return Record::new(found, Role::Old, self.now);
        }
        // The base stays where it was, so this is at best a copy of what was in it. Of a base of
        // which nothing was known that says that something was there.
        let records = &self.files.records;
        let empty = self.staying.iter().find(|id| {
            records.get(id).is_some_and(|base| {
                let position = &base.position;
                position.print.head() == 0 && may_copy(&found.path, &position.path)
            })
        });
        if let Some(base) = empty.filter(|_| found.facts.size > 0) {
            self.suspects.push((found.facts.identity, *base));
        }
        Record::new(found, Role::Beside, self.now)
    }

    /// Whether `start` decides about this file.
    fn is_first(&self, found: &Found) -> bool {
        let Follow { texts, start, .. } = self.follow;
        let primed = texts.get(found.pattern).is_some_and(|text| self.files.primed.contains(text));
        !primed && (*start == Start::End || self.files.lost)
    }

    /// A file that was deleted while others with its rotated names came: where old ones are
    /// deleted, so may those have been that nobody saw.
    fn overrun(&mut self, between: &BTreeSet<std::path::PathBuf>) {
        if between.is_empty() {
            return;
        }
        for record in self.files.records.values() {
            let deleted = record.held.is_some() && record.facts.links == 0;
            let just = deleted && record.fresh == self.now && record.position.gone;
            let base = BTreeSet::from([record.position.path.clone()]);
            if just && between.iter().any(|path| came_from(path, &base)) {
                self.report.doubt.overrun += 1;
            }
        }
    }

    /// Whether this is a known file on a device that has got another number, or that its file
    /// system has forgotten: NFS after a restart of its server.
    fn remounted(&mut self, found: &Found) -> bool {
        let new = found.facts.identity;
        let records = &self.files.records;
        let old = records.iter().find(|(id, record)| {
            let position = &record.position;
            let moved = (id.inode, id.born) == (new.inode, new.born) && id.device != new.device;
            position.missing.is_some() && position.path == found.path && (moved || record.stale)
        });
        let Some((old, record)) = old.map(|(id, record)| (*id, record)) else { return false };
        if !self.holds(found, &record.position) {
            return false;
        }
        let Some(mut record) = self.files.records.remove(&old) else { return false };
        if record.position.missing == Some(self.now) && self.report.doubt.overrun > 0 {
            // It was missed in this very step, and is here.
            self.report.doubt.overrun -= 1;
        }
        record.position.id = new;
        record.position.missing = None;
        record.position.gone = !found.named;
        (record.facts, record.named, record.stale) = (found.facts, found.named, false);
        (record.held, record.done) = (None, None);
        self.files.records.insert(new, record);
        true
    }

    /// Which named files are too many: those that were written to least recently.
    fn crowd(&mut self) {
        let named = self.look.files.values().filter(|found| found.named);
        let count = named.clone().count();
        if count <= MAX_FILES {
            return;
        }
        self.report.crowded_out = (count - MAX_FILES) as u64;
        let mut order: Vec<_> = named.map(|f| (f.facts.modified, f.facts.identity)).collect();
        order.sort_unstable();
        for (_, id) in order.into_iter().take(count - MAX_FILES) {
            if let Some(found) = self.look.files.get_mut(&id) {
                found.crowded = true;
            }
            if let Some(record) = self.files.records.get_mut(&id) {
                record.crowded = true;
                record.held = None;
            }
        }
    }

    fn crowded(&self, found: &Found) -> bool {
        self.look.files.get(&found.facts.identity).is_some_and(|found| found.crowded)
    }
}
