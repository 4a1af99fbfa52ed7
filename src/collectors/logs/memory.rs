//! What a source knows: what it has counted, and how far it has read. Both are saved as one.

mod saved;

use std::collections::BTreeSet;
use std::time::{Duration, Instant, SystemTime};

use self::saved::{AddedRef, SavedRef};
pub use self::saved::{FORM, Saved};
use super::AREA;
use super::follow::report::Report;
use super::follow::{Files, Sink};
use super::input::containers::state::Prepared;
use super::input::{Places, Step, containers};
use super::recent::since;
use super::scan::lines::Piece;
use super::scan::{Scanner, Stream};
use super::source::{Raw, Source};
use super::tally::{Mark, Tally};
use super::watch::Told;
use crate::engine::Storage;
use crate::failure::{Failure, Reason};

/// After a start nothing is shown for this long at most while what was written meanwhile is read.
const BACKLOG: Duration = Duration::from_secs(10);
/// So long what was caught up on is in the window of rules that judge increases.
const WINDOW: Duration = Duration::from_mins(5);
/// What is added to a state before it is written anew, beyond as much as it has.
const MAX_ADDED: usize = 64 << 10;

/// A source's memory.
#[derive(Default)]
pub struct Memory {
    loaded: bool,
    /// The first look, ever.
    since: Option<SystemTime>,
    tally: Tally,
    pub places: Places,
    backlog: Backlog,
    /// Where the lines came from. What another place holds already is a backlog too.
    place: String,
    /// What the last step told, and why it could not be saved.
    last: Option<Report>,
    unsaved: Option<Failure>,
    /// Why what was counted before is lost, until somebody has said so.
    lost: Option<String>,
    /// Bytes that were saved as a whole and that may be added to, and those that were added.
    whole: Option<usize>,
    added: usize,
}

/// Why a reading is made.
#[derive(Clone, Copy)]
pub struct News<'a> {
    /// What the Engine has said.
    pub prepared: Option<&'a Prepared>,
    pub told: &'a Told,
}

impl News<'_> {
    /// Everything is looked at.
    #[cfg(test)]
    pub const ALL: Self = Self { prepared: None, told: &Told::All };
}

/// What was written before the start and is read first.
struct Backlog {
    begun: Instant,
    /// Something of it has been counted.
    counted: bool,
    over: Option<SystemTime>,
}

impl Default for Backlog {
    fn default() -> Self {
        Self { begun: Instant::now(), counted: false, over: None }
    }
}

/// Counts the lines of a source.
struct Counter<'a> {
    scanner: &'a Scanner,
    tally: &'a mut Tally,
    now: SystemTime,
}

impl Sink<Stream> for Counter<'_> {
    fn lines(&mut self, stream: &mut Stream, piece: &Piece) {
        self.scanner.scan(stream, piece, self.now, self.tally);
    }

    fn settle(&mut self, stream: &mut Stream) {
        self.scanner.settle(stream, self.now, self.tally);
    }
}

impl Memory {
    /// Reads what is new, and saves. Fails if another exporter has the state.
    pub fn read(
        &mut self,
        source: &Source,
        storage: &Storage,
        news: &News,
        clock: impl Fn() -> SystemTime,
    ) -> Result<Raw, Failure> {
        let now = clock();
        self.load(source, storage, now)?;
        let place = source.input.place();
        if self.place != place {
            (self.place, self.backlog) = (place, Backlog::default());
        }
        let (begun, mark) = (Instant::now(), self.tally.mark());
        let since = *self.since.get_or_insert(now);
        self.tally.errors.begin(now);
        self.tally.unknown.begin(&source.scanner.reading);
        self.tally.errors.samples = source.samples;
        self.tally.access.clients.named = source.addresses;
        let mut changed = source.scanner.rules.expect(&mut self.tally.rules, now);
        let touch = self.touch(source, news.told, now, begun);
        let mut touched = touch.is_some();
        let mut report = touch.unwrap_or_else(|| self.step(source, news.prepared, now, begun));
        while !report.caught_up && begun.elapsed() < source.time {
            report = self.step(source, None, clock(), begun);
            touched = false;
        }
        // What the Engine said last is nothing to a source that has become one of files.
        if source.input.asks().is_some() {
            self.places.containers.tell(&mut report);
        }
        changed |= self.tally.tick(&source.scanner.rules, now);
        let capped = self.tally.take_capped();
        let failure = self.catch_up(&mark, &report, now);
        changed |= self.tally.mark() != mark || self.last.as_ref() != Some(&report);
        if changed || self.unsaved.is_some() {
            self.unsaved = self.save(source, storage, touched).err();
        }
        self.last = Some(report.clone());
        Ok(Raw {
            tally: self.tally.clone(),
            since,
            nothing: report.open + report.gone == 0,
            catching_up: self.backlog.catching_up(now),
            report,
            failure,
            unsaved: self.unsaved.clone(),
            capped,
            unwatched: None,
            touched,
        })
    }

    /// Reads on in the files of which is told that they were written to, if that is all there is to do.
    fn touch(
        &mut self,
        source: &Source,
        told: &Told,
        now: SystemTime,
        begun: Instant,
    ) -> Option<Report> {
        let none = BTreeSet::new();
        let paths = match told {
            Told::All => return None,
            Told::Files(paths) => paths,
            Told::Nothing => &none,
        };
        let Self { tally, places, .. } = self;
        let in_time = || begun.elapsed() < source.time;
        let mut counter = Counter { scanner: &source.scanner, tally, now };
        let step = Step { prepared: None, now, in_time: &in_time, sink: &mut counter };
        let report = source.input.touch(places, paths, step)?;
        tally.note(&report);
        Some(report)
    }

    /// Keeps what comes from a backlog out of the windows that say how fast things come. Returns why
    /// nothing is shown while there is one.
    fn catch_up(&mut self, mark: &Mark, report: &Report, now: SystemTime) -> Option<Failure> {
        if self.backlog.over.is_some() {
            self.tally.keep_pace(mark, now);
            return None;
        }
        self.backlog.counted |= self.tally.mark() != *mark;
        if report.caught_up {
            self.backlog.over = Some(now);
            return None;
        }
        (self.backlog.begun.elapsed() < BACKLOG).then(|| {
            let detail = format!("{} bytes from before the start are still to be read", report.lag);
            Failure::new(Reason::PENDING, detail)
        })
    }

    fn step(
        &mut self,
        source: &Source,
        prepared: Option<&Prepared>,
        now: SystemTime,
        begun: Instant,
    ) -> Report {
        let Self { tally, places, .. } = self;
        let mut counter = Counter { scanner: &source.scanner, tally, now };
        let in_time = || begun.elapsed() < source.time;
        let step = Step { prepared, now, in_time: &in_time, sink: &mut counter };
        let report = source.input.step(places, step);
        self.tally.note(&report);
        report
    }

    /// Why what was counted before is lost; once, and to be said without a lock.
    pub fn take_lost(&mut self) -> Option<String> {
        self.lost.take()
    }

    /// Takes what was saved, if it has not yet been.
    pub fn load(
        &mut self,
        source: &Source,
        storage: &Storage,
        now: SystemTime,
    ) -> Result<(), Failure> {
        if self.loaded {
            return Ok(());
        }
        let bytes = storage.load(AREA.name, &source.name)?;
        self.loaded = true;
        let Some(bytes) = bytes else { return Ok(()) };
        match Saved::decode(&bytes) {
            Ok(saved) => {
                self.since = saved.since;
                self.tally = saved.tally;
                self.tally.begin_again(now);
                self.places = Places {
                    files: Files::restore(saved.files),
                    containers: containers::Known::restore(saved.containers),
                    journal: saved.journal,
                    ..Places::default()
                };
            }
            Err(why) => {
                self.lost = Some(why.to_string());
                self.tally.doubt.state_lost += 1;
                self.places.files = Files::lost();
            }
        }
        Ok(())
    }

    /// Saves what has changed if only a few files were touched, else all.
    fn save(&mut self, source: &Source, storage: &Storage, touched: bool) -> Result<(), Failure> {
        let odd = |error| {
            Failure::new(Reason::OTHER, format!("the state cannot be written down: {error}"))
        };
        // Who fails has left we know not what.
        let whole = self.whole.take().filter(|whole| touched && self.added < *whole + MAX_ADDED);
        if let Some(whole) = whole {
            let (at, files) = self.places.files.touched();
            let bytes = FORM.encode(&AddedRef { tally: &self.tally, at, files }).map_err(odd)?;
            storage.append(AREA.name, &source.name, &bytes)?;
            (self.whole, self.added) = (Some(whole), self.added + bytes.len());
            return Ok(());
        }
        let saved = SavedRef {
            since: self.since,
            tally: &self.tally,
            files: self.places.files.saved(),
            containers: self.places.containers.saved(),
            journal: &self.places.journal,
        };
        let bytes = FORM.encode(&saved).map_err(odd)?;
        storage.save(AREA.name, &source.name, &bytes)?;
        (self.whole, self.added) = (Some(bytes.len()), 0);
        Ok(())
    }
}

impl Backlog {
    fn catching_up(&self, now: SystemTime) -> bool {
        let lately = |over| since(over, now) < WINDOW;
        self.over.is_none_or(|over| self.counted && lately(over))
    }
}

#[cfg(test)]
mod tests;
