//! The end of a step: what is quiet is complete, what is gone and quiet is let go, and what is to
//! be told.

use std::time::{Duration, SystemTime};

use super::file::Content;
use super::record::Record;
use super::report::Report;
use super::saved::Role;
use super::{Sink, Step, since};

/// A file that is gone is held this long after its last line: its writer may not know yet.
pub const QUIET: Duration = Duration::from_secs(30);
/// After this long without a line the last event is complete: a program that says that it failed may
/// take its time to write the traceback.
pub const COMPLETE: Duration = Duration::from_secs(3);
/// Files that are gone and still held. Beyond this, quiet ones are let go at once.
pub const MAX_GONE: usize = 100;

impl<S: Default + Clone> Step<'_, S> {
    /// Closes files that are gone, read to their end and quiet.
    pub(super) fn close(&mut self) {
        let held = |record: &Record<S>| record.position.gone && record.held.is_some();
        let mut gone = self.files.records.values().filter(|record| held(record)).count();
        let now = self.now;
        let mut deleted = Vec::new();
        self.files.unsettled.clear();
        for (id, record) in &mut self.files.records {
            let quiet = since(record.fresh, now);
            let at_end = record.held.as_ref().is_some_and(|held| held.at_end);
            record.complete(now, self.sink);
            if record.position.unsettled {
                self.files.unsettled.insert(*id);
            }
            let ended = at_end || record.refused.is_some();
            if !held(record) || !ended || (quiet < QUIET && gone <= MAX_GONE) {
                continue;
            }
            gone -= 1;
            let Record { position, held: file, .. } = record;
            if let Some(mut held) = file.take() {
                let (sink, stream) = (&mut *self.sink, &mut position.stream);
                let (end, mut cut) = (held.read_to, 0);
                // The last line of a copied file goes on in the file itself, and that of a
                // shortened one may have counted.
                let last = (!position.adopted && position.whole).then(|| {
                    held.finish(&mut |piece| {
                        cut += u64::from(piece.cut);
                        sink.lines(stream, piece);
                    })
                });
                if let Some(before) = last.flatten() {
                    position.print.mark(before);
                    (position.offset, position.ended) = (end, true);
                    self.report.unterminated += 1;
                    self.report.cut += cut;
                    position.unsettled = true;
                }
                if std::mem::take(&mut position.unsettled) {
                    self.sink.settle(&mut position.stream);
                }
            }
            position.closed = true;
            record.done = Some(record.facts);
            if record.facts.links == 0 {
                deleted.push(*id);
            } else if !self.look.files.contains_key(id) {
                record.position.missing = Some(now);
            }
        }
        for id in deleted {
            self.files.records.remove(&id);
        }
    }

    /// What the step leaves behind, and what it tells.
    pub(super) fn finish(mut self) -> Report {
        for (index, text) in self.follow.texts.iter().enumerate() {
            if !self.look.blind.contains(&index) {
                self.files.primed.insert(text.clone());
            }
        }
        self.files.at = Some(self.now);
        self.remember();
        let now = self.now;
        let mut report = self.report;
        report.unsettled = !self.files.unsettled.is_empty();
        self.files.held = 0;
        for record in self.files.records.values_mut() {
            self.files.held += usize::from(record.held.is_some());
            record.position.settled = record.done == Some(record.facts);
            let lag = record.lag();
            record.behind = if lag > 0 { Some(record.behind.unwrap_or(now)) } else { None };
            report.add(record, lag, now);
            // What cannot be read is not waited for.
            report.caught_up &= lag == 0 || record.trouble;
        }
        let look = self.look;
        report.not_listed = look.dropped;
        report.skipped.irregular = look.skipped.irregular;
        report.skipped.link = look.skipped.link;
        report.skipped.pseudo = look.skipped.pseudo;
        report.skipped.compressed += look.skipped.compressed;
        let complete = look.complete();
        report.problem = look.problem.or(report.problem);
        report.dirs = look.dirs;
        self.files.places.clear();
        self.files.told = (complete && report.caught_up).then(|| report.standing());
        report
    }
}

impl<S> Record<S> {
    /// Tells that its last event is complete, if nothing has come for a while.
    pub(super) fn complete(&mut self, now: SystemTime, sink: &mut dyn Sink<S>) {
        let read = self.held.as_ref().map_or(self.done == Some(self.facts), |held| held.at_end);
        if self.position.unsettled && read && since(self.fresh, now) >= COMPLETE {
            self.position.unsettled = false;
            sink.settle(&mut self.position.stream);
        }
    }
}

impl Report {
    fn add<S>(&mut self, record: &Record<S>, lag: u64, now: SystemTime) {
        if record.named {
            self.largest = self.largest.max(record.facts.size);
            self.total += record.facts.size;
        }
        if record.position.role != Role::Read || record.crowded {
            return;
        }
        match record.refused {
            Some(Content::Compressed) => self.skipped.compressed += u64::from(record.named),
            Some(Content::Utf16) => self.skipped.utf16 += u64::from(record.named),
            Some(Content::Binary) => self.skipped.binary += u64::from(record.named),
            None if record.trouble => {}
            None if record.position.gone => self.gone += u64::from(record.held.is_some()),
            None => {
                self.open += 1;
                self.idle += u64::from(lag == 0 && record.fresh != now);
            }
        }
        if record.held.is_some() && record.facts.links == 0 {
            self.held_deleted_bytes += record.facts.size;
        }
        self.lag += lag;
        let behind = record.behind.into_iter().chain(self.oldest_unread);
        self.oldest_unread = behind.min();
    }
}
