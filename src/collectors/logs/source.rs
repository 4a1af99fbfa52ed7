//! One reading of a source: what is new is counted, positions and counts are saved as one, and only
//! then is anything shown.

use std::collections::BTreeSet;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use jiff::tz::TimeZone;

use super::follow::report::Report;
use super::hours::Hours;
use super::input::Input;
use super::input::containers::look::Link;
use super::input::containers::state::Prepared;
use super::memory::{Memory, News};
use super::recent;
use super::sample;
use super::scan::Scanner;
use super::tally::Tally;
use super::watch::{Told, Wake, Watcher};
use crate::catalogue::Batch;
use crate::engine::{Collector, Storage, blocking};
use crate::failure::Failure;

/// What the kernel tells nothing of (file systems over the network) is looked at this often.
const SAFETY: Duration = Duration::from_secs(5);
/// What nobody tells of, and what is not complete yet, is looked at again after this.
const SOON: Duration = Duration::from_secs(1);
/// Where a look takes long it is made less often, so that it takes this part of a core at most...
const SHARE: u32 = 2000;
/// ... but at least as often as this.
const SELDOM: Duration = Duration::from_secs(20);

/// A source, ready to be read.
pub struct Source {
    pub name: String,
    pub input: Box<dyn Input>,
    pub scanner: Scanner,
    pub hours: Option<Hours>,
    pub zone: TimeZone,
    /// How long one reading may read. What is left is for the next one, at once.
    pub time: Duration,
    /// Keep a whole line of each kind of error.
    pub samples: bool,
    /// Keep the addresses of the busiest clients.
    pub addresses: bool,
}

impl Source {
    /// Whether the kernel tells of all that can happen after this reading.
    fn is_told_of(&self, raw: &Raw) -> bool {
        self.input.is_watched() && raw.unwatched.is_none()
    }

    /// The time between two moments that counts as silence.
    pub fn silence(&self, since: SystemTime, now: SystemTime) -> Duration {
        match &self.hours {
            Some(hours) => hours.within(since, now, &self.zone),
            None => recent::since(since, now),
        }
    }
}

/// What a source remembers over a reload.
#[derive(Default)]
pub struct Kept {
    /// Marks a reading under way.
    busy: Arc<AtomicBool>,
    pub wake: Arc<Wake>,
    state: Mutex<Memory>,
    link: tokio::sync::Mutex<Link>,
    last: Mutex<Option<Last>>,
}

/// The last reading, which stands while nothing has changed, and on which the next may build.
struct Last {
    raw: Arc<Raw>,
    /// When everything was last looked at, and how long that took.
    at: Instant,
    took: Duration,
    /// The source that made it.
    of: Arc<Source>,
}

/// All that a reading yields.
#[derive(Clone)]
pub struct Raw {
    pub tally: Tally,
    pub report: Report,
    /// The first look at this source, ever.
    pub since: SystemTime,
    /// Nothing is there that could be read.
    pub nothing: bool,
    pub catching_up: bool,
    /// Things that caps of rules have put under `other` in this reading.
    pub capped: u64,
    /// Why nothing is to be shown yet.
    pub failure: Option<Failure>,
    /// Why the state could not be saved.
    pub unsaved: Option<Failure>,
    /// Why changes are not told by the kernel.
    pub unwatched: Option<Failure>,
    /// Only the files of which something was told were looked at.
    pub touched: bool,
}

/// Reads one source.
pub struct Reader {
    pub source: Arc<Source>,
    pub kept: Arc<Kept>,
    pub watcher: Arc<Watcher>,
    pub storage: Arc<Storage>,
}

impl Collector for Reader {
    type Raw = Arc<Raw>;

    async fn fetch(&self) -> Result<Arc<Raw>, Failure> {
        let told = self.kept.wake.take();
        let last = self.kept.last(&self.source);
        let told = match &last {
            Some(raw) if told == Told::Nothing && raw.may_stand() => return Ok(Arc::clone(raw)),
            Some(_) => told,
            None => Told::All,
        };
        let read = self.read(told).await;
        match &read {
            Ok(raw) if !self.source.is_told_of(raw) || raw.asks_for_all() => {
                self.kept.wake.tell_in(SOON, Told::All);
            }
            Ok(raw) if raw.may_stand() => {}
            Ok(_) => self.kept.wake.tell_in(SOON, Told::Files(BTreeSet::new())),
            Err(_) => self.kept.wake.tell_in(SOON, Told::All),
        }
        read
    }

    fn sample(&self, raw: Arc<Raw>, now: SystemTime) -> Result<Batch, Failure> {
        sample::sample(&self.source, &raw, now)
    }
}

impl Reader {
    async fn read(&self, told: Told) -> Result<Arc<Raw>, Failure> {
        // If this fails the next one must look, whatever is told.
        let before = self.kept.lock_last().take();
        let prepared = self.ask().await?;
        let begun = Instant::now();
        let (source, kept) = (Arc::clone(&self.source), Arc::clone(&self.kept));
        let storage = Arc::clone(&self.storage);
        let read = blocking("the log", &self.kept.busy, move || {
            // A reading that panicked has counted what it has counted.
            let mut state = kept.state();
            let news = News { prepared: prepared.as_ref(), told: &told };
            let read = state.read(&source, &storage, &news, SystemTime::now);
            let lost = state.take_lost();
            drop(state);
            say_lost(&source, lost);
            read
        });
        let mut raw = read.await?;
        if !raw.touched {
            raw.unwatched = self.watch(&raw.report);
        }
        if !raw.report.caught_up {
            self.kept.wake.tell(Told::All);
        }
        let raw = Arc::new(raw);
        let whole = before.filter(|_| raw.touched).map(|last| (last.at, last.took));
        let (at, took) = whole.unwrap_or_else(|| (Instant::now(), begun.elapsed()));
        let of = Arc::clone(&self.source);
        *self.kept.lock_last() = Some(Last { raw: Arc::clone(&raw), at, took, of });
        Ok(raw)
    }

    /// Asks the Engine, if the source is of containers.
    async fn ask(&self) -> Result<Option<Prepared>, Failure> {
        let Some(containers) = self.source.input.asks() else { return Ok(None) };
        let mut link = self.kept.link.lock().await;
        let (source, kept) = (Arc::clone(&self.source), Arc::clone(&self.kept));
        let storage = Arc::clone(&self.storage);
        // What was counted before the start must be known, or it would be asked for again.
        let known = blocking("the log", &self.kept.busy, move || {
            let mut state = kept.state();
            let loaded = state.load(&source, &storage, SystemTime::now());
            let (lost, asked) = (state.take_lost(), state.places.containers.asked.clone());
            drop(state);
            say_lost(&source, lost);
            loaded.map(|()| asked)
        });
        let known = known.await?;
        let until = tokio::time::Instant::now() + containers.patience;
        Ok(Some(containers.source.look(&mut link, &known, SystemTime::now(), until).await))
    }

    /// Has the kernel tell of what happens in the directories of the source.
    fn watch(&self, report: &Report) -> Option<Failure> {
        let watched = self.watcher.watch(&self.source.name, &self.kept.wake, &report.dirs);
        let error = watched.err()?;
        let hint =
            "the files are looked at once a second instead; sysctl fs.inotify shows the limits";
        Some(Failure::io("inotify", &error).hint(hint))
    }
}

fn say_lost(source: &Source, lost: Option<String>) {
    if let Some(why) = lost {
        tracing::warn!(target = source.name, "what was counted before is lost: {why}");
    }
}

impl Kept {
    /// A reading that panicked has counted what it has counted.
    fn state(&self) -> MutexGuard<'_, Memory> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock_last(&self) -> MutexGuard<'_, Option<Last>> {
        self.last.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next reading looks for containers.
    #[cfg(test)]
    pub async fn list_again(&self) {
        self.link.lock().await.list_again();
    }

    /// The last reading, if all that can have changed since is told.
    fn last(&self, source: &Arc<Source>) -> Option<Arc<Raw>> {
        let last = self.lock_last();
        let last = last.as_ref().filter(|last| Arc::ptr_eq(&last.of, source))?;
        let safety = if last.raw.asks_for_all() {
            SOON
        } else {
            last.took.saturating_mul(SHARE).clamp(SAFETY, SELDOM)
        };
        let told = source.is_told_of(&last.raw) && last.at.elapsed() < safety;
        told.then(|| Arc::clone(&last.raw))
    }
}

impl Raw {
    /// Whether it is as good as a new one while nobody tells of a change: all is read and saved, and
    /// nothing waits for time to pass.
    fn may_stand(&self) -> bool {
        let waits = self.report.unsettled || self.catching_up || self.unsaved.is_some();
        !waits && !self.asks_for_all()
    }

    /// Whether something is to be done of which nobody tells: there is more to read, or a file is held
    /// for a while.
    fn asks_for_all(&self) -> bool {
        !self.report.caught_up || self.report.gone > 0 || self.failure.is_some()
    }
}
