//! What is known of one file, whether it is open or not.

use std::io;
use std::time::SystemTime;

use super::facts::Facts;
use super::file::{Content, Held, Open, refused};
use super::look::Found;
use super::print::{Head, Print};
use super::saved::{Position, Role};

#[allow(clippy::struct_excessive_bools, reason = "each may come with any of the others")]
pub struct Record<S> {
    pub position: Position<S>,
    pub held: Option<Held>,
    pub facts: Facts,
    /// Facts with which there was nothing more to read.
    pub done: Option<Facts>,
    pub refused: Option<Content>,
    pub named: bool,
    /// Left out by the cap.
    pub crowded: bool,
    /// The position is where the file ended at the first look, maybe in the middle of a line.
    pub align: bool,
    /// It may be the copy of another file: nothing of it has been read.
    pub doubtful: bool,
    /// When it last had something new, or lost its name.
    pub fresh: SystemTime,
    /// Since when bytes wait.
    pub behind: Option<SystemTime>,
    /// It could not be read in this step.
    pub trouble: bool,
    /// The file system has forgotten what we held.
    pub stale: bool,
}

/// What is in a file that has changed.
pub enum State {
    Known,
    /// Not what was there before: shortened, or written anew. Whether it begins as before.
    Replaced(bool),
    Refused,
}

impl<S: Default> Record<S> {
    pub fn new(found: &Found, role: Role, now: SystemTime) -> Self {
        let Facts { identity, size, modified, .. } = found.facts;
        let position = Position {
            path: found.path.clone(),
            link: found.link.then(|| found.real.clone()),
            id: identity,
            role,
            begin: 0,
            offset: 0,
            whole: true,
            print: Print::default(),
            size,
            modified,
            settled: false,
            gone: !found.named,
            missing: None,
            closed: false,
            ended: false,
            adopted: false,
            unsettled: false,
            stream: S::default(),
        };
        Self::of(position, found.facts, now)
    }

    pub fn of(position: Position<S>, facts: Facts, now: SystemTime) -> Self {
        Self {
            position,
            held: None,
            facts,
            done: None,
            refused: None,
            named: false,
            crowded: false,
            align: false,
            doubtful: false,
            fresh: now,
            behind: None,
            trouble: false,
            stale: false,
        }
    }

    /// Whether there may be something to do with its content.
    pub fn waits(&self) -> bool {
        let read = self.position.role == Role::Read && !self.crowded;
        read && !self.trouble && self.done != Some(self.facts) && !self.is_missing()
    }

    /// Nothing of it is known yet.
    pub fn is_unread(&self) -> bool {
        let position = &self.position;
        position.role == Role::Read && position.offset == 0 && position.print.head() == 0
    }

    /// It is not where it was, and nothing of it is open.
    pub fn is_missing(&self) -> bool {
        self.position.missing.is_some() && self.held.is_none()
    }

    /// Bytes not read yet.
    pub fn lag(&self) -> u64 {
        let counts = self.position.role == Role::Read && self.refused.is_none();
        if !counts || self.done == Some(self.facts) || self.is_missing() || self.crowded {
            return 0;
        }
        match &self.held {
            Some(held) if held.at_end => 0,
            Some(held) => self.facts.size.saturating_sub(held.read_to),
            None => self.facts.size.saturating_sub(self.position.offset),
        }
    }

    /// Opens the file if it is not, and compares what is in it with what is known. Nothing if
    /// another file is there by now: the next look will see both.
    pub fn inspect(&mut self, open: Open, found: Option<&Found>) -> io::Result<Option<State>> {
        let opened = self.held.is_none();
        if opened {
            let Some(found) = found else { return Ok(None) };
            let file = open(&found.real)?;
            let facts = Facts::of(&file.metadata()?);
            if facts.identity != self.position.id {
                return Ok(None);
            }
            self.held = Some(Held::new(file, self.position.offset)?);
            self.facts = facts;
        }
        let Some(held) = &mut self.held else { return Ok(None) };
        let position = &mut self.position;
        let known = held.read_to.max(position.print.head() as u64);
        // What was written since the look may be known already.
        let size = if self.facts.size < known { held.facts()?.size } else { self.facts.size };
        // A file that grows behind a known head shows at the next read whether it is the same.
        if opened || size <= known || position.print.grows() {
            let begin = held.head()?;
            match position.print.compare(&begin) {
                Head::Other => return Ok(Some(State::Replaced(false))),
                Head::Line => return Ok(Some(State::Replaced(true))),
                Head::Same if size < known => return Ok(Some(State::Replaced(true))),
                _ if size < known => return Ok(Some(State::Replaced(false))),
                _ => {}
            }
            if begin.len() > position.print.head() {
                position.print.learn(&begin);
            }
            self.refused = refused(&begin);
            if self.refused.is_some() {
                return Ok(Some(State::Refused));
            }
        }
        if opened {
            if std::mem::take(&mut self.align) {
                position.offset = held.line_before(position.offset)?;
                position.begin = position.offset;
                position.print.mark(held.go(position.offset)?);
            } else if !held.continues(&position.print, position.offset)? {
                return Ok(Some(State::Replaced(true)));
            }
        }
        Ok(Some(State::Known))
    }

    /// Goes on behind the last whole line that is there: what it holds has been counted, or cannot
    /// be told from what has.
    pub fn skip(&mut self) -> io::Result<()> {
        let Some(held) = &mut self.held else { return Ok(()) };
        let size = held.facts()?.size;
        let position = &mut self.position;
        position.offset = held.line_before(size)?;
        (position.whole, position.ended) = (false, false);
        position.print.learn(&held.head()?);
        position.print.mark(held.go(position.offset)?);
        let facts = held.facts()?;
        self.learn(facts);
        Ok(())
    }

    /// Begins anew with the content that is there now. Gives the position and stream of the old.
    pub fn rewind(&mut self) -> io::Result<Position<S>>
    where
        S: Clone,
    {
        let old = self.position.clone();
        let position = &mut self.position;
        (position.begin, position.offset, position.whole) = (0, 0, true);
        (position.ended, position.adopted, position.unsettled) = (false, false, false);
        position.print = Print::default();
        position.stream = S::default();
        (self.refused, self.done) = (None, None);
        if let Some(held) = &mut self.held {
            held.go(0)?;
        }
        Ok(old)
    }
}

#[cfg(test)]
mod tests {
    use super::super::file::open;
    use super::*;

    #[test]
    fn what_grows_between_two_looks_was_not_cut_off() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().canonicalize().unwrap().join("app.log");
        std::fs::write(&path, "one\n").unwrap();
        let facts = Facts::of(&std::fs::metadata(&path).unwrap());
        let real = path.clone();
        let found =
            Found { path, real, link: false, facts, named: true, pattern: 0, crowded: false };
        let mut record = Record::<()>::new(&found, Role::Read, SystemTime::UNIX_EPOCH);
        assert!(matches!(record.inspect(open, Some(&found)), Ok(Some(State::Known))));
        std::fs::write(&found.real, "one\ntwo\n").unwrap();
        for _ in 0..2 {
            assert!(matches!(record.inspect(open, Some(&found)), Ok(Some(State::Known))));
        }
        std::fs::write(&found.real, "one\n").unwrap();
        assert!(matches!(record.inspect(open, Some(&found)), Ok(Some(State::Replaced(true)))));
    }
}
