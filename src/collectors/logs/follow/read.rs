//! Reading: the files take turns, a chunk each, until all are at their end or bytes or time are
//! spent.

use std::collections::VecDeque;
use std::io;
use std::path::Path;

use super::Step;
use super::facts::Identity;
use super::file::Read;
use super::print::Head;
use super::record::{Record, State};
use crate::failure::Failure;

/// `ESTALE`: the server of a network file system knows the file no more.
const STALE: i32 = 116;
/// `ELOOP`: a link where none may be.
const LOOP: i32 = 40;
/// No more descriptors: of ours, of the system.
const NO_MORE: [i32; 2] = [24, 23];
/// Files that are looked into before time counts.
const AT_LEAST: usize = 16;

impl<S: Default + Clone> Step<'_, S> {
    pub(super) fn read(&mut self, in_time: &dyn Fn() -> bool) {
        self.report.caught_up = true;
        let records = self.files.records.iter();
        let mut waiting: Vec<Identity> =
            records.filter(|(_, record)| record.waits()).map(|(id, _)| *id).collect();
        // Another one begins each time, so that a small budget reaches all.
        let turn = usize::try_from(self.files.turn).unwrap_or(0);
        let first = turn.checked_rem(waiting.len()).unwrap_or(0);
        waiting.rotate_left(first);
        let mut waiting: VecDeque<_> = waiting.into_iter().map(|id| (id, false)).collect();
        self.held = self.files.records.values().filter(|record| record.held.is_some()).count();
        self.verify(&mut waiting);
        let (mut left, mut looked, mut chunks) = (self.follow.budget, 0, 0);
        let mut buffer = std::mem::take(&mut self.files.buffer);
        while let Some((id, inspected)) = waiting.pop_front() {
            if left == 0 || ((chunks > 0 || looked > AT_LEAST) && !in_time()) {
                waiting.push_front((id, inspected));
                break;
            }
            looked += 1;
            match self.advance(id, inspected, &mut buffer, left) {
                Ok(Turn::Done) => {}
                Ok(Turn::More(bytes)) => {
                    left = left.saturating_sub(bytes);
                    chunks += 1;
                    waiting.push_back((id, true));
                }
                Ok(Turn::Again(copy)) => {
                    waiting.push_front((id, false));
                    waiting.extend(copy.map(|copy| (copy, false)));
                }
                Err(error) => self.fail(id, &error),
            }
        }
        self.files.buffer = buffer;
        self.report.caught_up &= waiting.is_empty();
    }

    /// Where there are new files, one may be the copy of a known one: before anything is read it
    /// must be clear which of the known hold something else now.
    fn verify(&mut self, waiting: &mut VecDeque<(Identity, bool)>) {
        let fresh = |record: &Record<S>| record.is_unread();
        let some = |id: &Identity| self.files.records.get(id).is_some_and(fresh);
        if !waiting.iter().any(|(id, _)| some(id)) {
            return;
        }
        let ids = || waiting.iter().map(|(id, _)| *id);
        let stays = |id: &Identity| {
            let doubtful = self.files.records.get(id).is_some_and(|record| record.doubtful);
            self.staying.contains(id) && !doubtful
        };
        let known = ids().filter(|id| !some(id)).chain(ids().filter(|id| some(id) && stays(id)));
        let known: Vec<_> = known.collect();
        for id in known {
            self.room(id);
            let turn = self.inspect(id).and_then(|turn| match turn {
                Some(turn) => Ok(turn),
                None if self.is_intact(id)? => Ok(Turn::Done),
                None => self.replaced(id),
            });
            let turn = match turn {
                Ok(Turn::Again(copy)) => {
                    waiting.extend(copy.map(|copy| (copy, false)));
                    // Now what it holds instead must be known.
                    self.inspect(id).map(|_| ())
                }
                turn => turn.map(|_| ()),
            };
            if let Err(error) = turn {
                self.fail(id, &error);
            }
        }
        waiting.retain(|(id, _)| self.files.records.get(id).is_some_and(Record::waits));
    }

    fn is_intact(&self, id: Identity) -> io::Result<bool> {
        let record = self.files.records.get(&id);
        record
            .and_then(|record| record.held.as_ref())
            .map_or(Ok(true), super::file::Held::is_intact)
    }

    /// One chunk of one file.
    fn advance(
        &mut self,
        id: Identity,
        inspected: bool,
        buffer: &mut Vec<u8>,
        room: usize,
    ) -> io::Result<Turn> {
        self.room(id);
        if !inspected && let Some(turn) = self.inspect(id)? {
            return Ok(turn);
        }
        match self.chunk(id, buffer, room)? {
            Read::Some(count) => Ok(Turn::More(count)),
            Read::End => Ok(Turn::Done),
            Read::Replaced => self.replaced(id),
        }
    }

    /// Reads once in an open file.
    pub(super) fn chunk(
        &mut self,
        id: Identity,
        buffer: &mut Vec<u8>,
        room: usize,
    ) -> io::Result<Read> {
        let Some(record) = self.files.records.get_mut(&id) else { return Ok(Read::End) };
        let Record { position, held, .. } = record;
        let Some(held) = held else {
            // Closed for others since its last chunk: if that was all, it is done.
            if position.offset == record.facts.size && record.facts.settled(self.now) {
                record.done = Some(record.facts);
            }
            return Ok(Read::End);
        };
        held.turn = self.files.turn;
        let (sink, report, stream) = (&mut *self.sink, &mut self.report, &mut position.stream);
        let (mut lines, mut bytes) = (false, position.offset);
        let (print, offset) = (&mut position.print, &mut bytes);
        let read = held.read(
            buffer,
            room,
            &mut position.ended,
            &mut |piece| {
                report.cut += u64::from(piece.cut);
                lines = true;
                sink.lines(stream, piece);
            },
            &mut |end, before| {
                *offset = end;
                print.mark(before);
            },
        )?;
        position.offset = bytes;
        position.unsettled |= lines;
        match read {
            Read::Some(_) => {
                record.fresh = self.now;
                record.position.closed = false;
            }
            Read::End => {
                record.done = record.facts.settled(self.now).then_some(record.facts);
                record.behind = None;
            }
            Read::Replaced => {}
        }
        Ok(read)
    }

    /// Opens a file and looks what is in it. Nothing if it is to be read on.
    fn inspect(&mut self, id: Identity) -> io::Result<Option<Turn>> {
        if self.put_off(id)? {
            return Ok(Some(Turn::Done));
        }
        let found = self.look.files.get(&id);
        let Some(record) = self.files.records.get_mut(&id) else { return Ok(Some(Turn::Done)) };
        let state = record.inspect(self.follow.open, found)?;
        let facts = record.facts;
        Ok(match state {
            None => Some(Turn::Done),
            Some(State::Known) => {
                // What was seen and not read is cut off.
                let lost = record.position.size.saturating_sub(facts.size);
                self.report.doubt.truncated += u64::from(lost > 0);
                self.report.unknown_bytes += lost;
                record.learn(facts);
                None
            }
            Some(State::Refused) => {
                record.learn(facts);
                record.held = None;
                record.position.closed = true;
                record.done = facts.settled(self.now).then_some(facts);
                Some(Turn::Done)
            }
            Some(State::Replaced(true)) => {
                record.skip()?;
                self.report.doubt.truncated += 1;
                self.settle(id);
                None
            }
            Some(State::Replaced(false)) => Some(self.rewind(id)?),
        })
    }

    /// What stood before the position is not there any more.
    fn replaced(&mut self, id: Identity) -> io::Result<Turn> {
        let Some(record) = self.files.records.get_mut(&id) else { return Ok(Turn::Done) };
        let Some(held) = &record.held else { return Ok(Turn::Done) };
        if matches!(record.position.print.compare(&held.head()?), Head::Same | Head::Line) {
            record.skip()?;
            self.report.doubt.truncated += 1;
            self.settle(id);
            return Ok(Turn::Again(None));
        }
        self.rewind(id)
    }

    fn rewind(&mut self, id: Identity) -> io::Result<Turn> {
        let copy = self.rescue(id)?;
        let Some(record) = self.files.records.get_mut(&id) else { return Ok(Turn::Done) };
        if let Some(facts) = record.held.as_ref().and_then(|held| held.facts().ok()) {
            record.learn(facts);
        }
        Ok(Turn::Again(copy))
    }

    /// Makes room for one more open file: the one that was needed longest ago, best one that is
    /// read to its end, is closed until it changes.
    pub(super) fn room(&mut self, id: Identity) {
        let records = &mut self.files.records;
        if records.get(&id).is_none_or(|record| record.held.is_some()) {
            return;
        }
        if self.held >= self.follow.held.max(2) {
            self.evict(1 + self.held / 8);
        }
        self.held += 1;
    }

    /// Closes files that others need less than these.
    fn evict(&mut self, count: usize) {
        let records = self.files.records.iter();
        let mut held: Vec<_> = records
            .filter_map(|(id, record)| {
                let held = record.held.as_ref()?;
                let found = self.touches && record.named || self.look.files.contains_key(id);
                found.then_some((!held.at_end, record.position.gone, held.turn, *id))
            })
            .collect();
        held.sort_unstable();
        self.held = held.len().saturating_sub(count);
        for (.., id) in held.into_iter().take(count) {
            if let Some(record) = self.files.records.get_mut(&id) {
                let all = record.held.take().is_some_and(|held| held.read_to >= record.facts.size);
                // Also of a file that ends in half a line there is no more.
                if all && record.facts.settled(self.now) {
                    record.done = Some(record.facts);
                }
            }
        }
    }

    fn fail(&mut self, id: Identity, error: &io::Error) {
        let code = error.raw_os_error().unwrap_or_default();
        if NO_MORE.contains(&code) {
            // Where there is room now it is worth another try at once.
            self.report.caught_up &= self.held == 0;
            self.evict(1 + self.held / 2);
        }
        let Some(record) = self.files.records.get_mut(&id) else { return };
        record.trouble = true;
        record.held = None;
        // Renamed, or made a link, since the look: the next one will see it. What else cannot be
        // read now stays so for a while, and must not keep us busy.
        if error.kind() == io::ErrorKind::NotFound || code == LOOP {
            self.report.caught_up = false;
            return;
        }
        match error.kind() {
            _ if code == STALE => record.stale = true,
            _ => self.report.unreadable += 1,
        }
        let problem = failure(&record.position.path, error);
        self.report.problem.get_or_insert(problem);
    }

    /// Tells that what the last lines of a file began is complete.
    pub(super) fn settle(&mut self, id: Identity) {
        let Some(record) = self.files.records.get_mut(&id) else { return };
        if std::mem::take(&mut record.position.unsettled) {
            self.sink.settle(&mut record.position.stream);
        }
    }
}

/// How one turn of a file ended.
enum Turn {
    Done,
    /// Bytes were read, there may be more.
    More(usize),
    /// It begins anew, and the rest of what it held may be in a copy.
    Again(Option<Identity>),
}

fn failure(path: &Path, error: &io::Error) -> Failure {
    let failure = Failure::io(&path.display().to_string(), error);
    match error.raw_os_error() {
        Some(code) if NO_MORE.contains(&code) => {
            failure.hint("allow the exporter more open files: `LimitNOFILE=` or `ulimits: nofile`")
        }
        _ => failure
            .hint("let the exporter read the file: its group, or an ACL with `setfacl -m u:...:r`"),
    }
}
