//! The last state of one target, and the hand-over between its poller and the scrapes.

use std::collections::{BTreeMap, VecDeque};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, watch};

use super::history::{self, Counters};
use super::look::Look;
use super::part::Shown;
use super::target::{Target, TargetId};
use crate::catalogue::Batch;
use crate::failure::{Failure, Reason};

/// A reading older than this is taken again when somebody scrapes.
const FRESH: Duration = Duration::from_secs(1);

/// One good reading. Shared, never changed: what a scrape shows of a target is one of these.
pub struct Reading {
    pub batch: Batch,
    pub at: SystemTime,
    pub clock: Instant,
    /// Number of samples in it.
    pub series: u64,
    /// What it shows of slow parts.
    pub parts: Vec<Shown>,
}

impl Reading {
    #[cfg(test)]
    pub(crate) fn new(batch: Batch) -> Self {
        let series = Look::at(&batch).series;
        Self { batch, at: SystemTime::now(), clock: Instant::now(), series, parts: Vec::new() }
    }

    /// Of what somebody else said, who may lie.
    pub(crate) fn checked(batch: Batch, parts: Vec<Shown>) -> Result<Self, Failure> {
        let look = Look::at(&batch);
        if let Some(failure) = look.failure() {
            return Err(failure);
        }
        let failed = parts.iter().filter_map(|part| Some((part.title, part.failure.clone()?)));
        let failed = failed.map(|(title, failure)| (title.to_owned(), failure));
        let gaps = look.gap().into_iter().chain(failed);
        let batch = gaps.fold(batch, |batch, (what, failure)| batch.gap(what, failure));
        let (at, clock) = (SystemTime::now(), Instant::now());
        Ok(Self { batch, at, clock, series: look.series, parts })
    }
}

/// What is known of a target right now.
#[derive(Clone)]
pub struct State {
    /// The last reading if it was good; withdrawn by the first bad one.
    pub reading: Option<Arc<Reading>>,
    /// Judged counters of earlier readings, oldest first.
    pub history: Arc<VecDeque<Counters>>,
    /// Since when each part has not been visible.
    pub gaps: BTreeMap<String, SystemTime>,
    /// Why there is no reading. `Pending` before the first.
    pub failure: Option<Failure>,
    /// Since when it has been up or down.
    pub since: SystemTime,
    /// How long the last reading took.
    pub took: Option<Duration>,
    /// Finished readings by outcome: `ok` or the reason.
    pub reads: BTreeMap<&'static str, u64>,
    /// Things kept out by caps so far, by cap.
    pub dropped: BTreeMap<&'static str, u64>,
}

impl State {
    fn pending() -> Self {
        Self {
            reading: None,
            history: Arc::default(),
            gaps: BTreeMap::new(),
            failure: Some(Failure::new(Reason::PENDING, "not read yet")),
            since: SystemTime::now(),
            took: None,
            reads: BTreeMap::from([("ok", 0)]),
            dropped: BTreeMap::new(),
        }
    }

    /// Of one reading that has none before it and none after it, so nothing can be counted.
    pub(super) fn alone(
        target: &Target,
        outcome: Result<Reading, Failure>,
        took: Duration,
    ) -> Self {
        let mut state = Self { failure: None, ..Self::pending() };
        // Nothing is logged: each scrape of such a target would be news.
        drop(state.take(target, outcome, took));
        Self { reads: BTreeMap::new(), dropped: BTreeMap::new(), ..state }
    }

    /// Notes the outcome of a reading; what is new of what cannot be seen.
    fn take(&mut self, target: &Target, outcome: Result<Reading, Failure>, took: Duration) -> Gaps {
        self.took = Some(took);
        match outcome {
            Ok(reading) => {
                *self.reads.entry("ok").or_default() += 1;
                for (cap, count) in reading.batch.drops() {
                    *self.dropped.entry(cap).or_default() += count;
                }
                history::note(Arc::make_mut(&mut self.history), target, &reading.batch);
                let gaps = note_gaps(&mut self.gaps, &reading);
                self.reading = Some(Arc::new(reading));
                gaps
            }
            Err(failure) => {
                *self.reads.entry(failure.reason.as_str()).or_default() += 1;
                self.reading = None;
                self.failure = Some(failure);
                Gaps::default()
            }
        }
    }

    #[cfg(test)]
    pub(super) fn up_with(target: &Target, reading: Arc<Reading>, previous: &Reading) -> Self {
        let counters = Counters::of(target, &previous.batch, previous.clock);
        let history = Arc::new(VecDeque::from([counters]));
        Self { reading: Some(reading), history, failure: None, ..Self::pending() }
    }

    /// `None` before the first reading: not known is not down.
    pub fn up(&self) -> Option<bool> {
        match &self.failure {
            None => Some(true),
            Some(failure) if failure.reason == Reason::PENDING => None,
            Some(_) => Some(false),
        }
    }
}

/// How far the present reading has come.
#[derive(Clone, Copy, PartialEq)]
enum Flight {
    Idle,
    /// Asked for, not begun.
    Requested,
    Begun(Instant),
}

struct Inner {
    state: State,
    flight: Flight,
    finished: Option<Instant>,
    /// The last reading was not back within the grace; scrapes do not wait for the next one.
    late: bool,
}

/// One target's place on the board.
pub struct Slot {
    pub id: TargetId,
    target: RwLock<Arc<Target>>,
    inner: Mutex<Inner>,
    /// Counts finished readings.
    finished: watch::Sender<u64>,
    wake: Notify,
}

impl Slot {
    pub(super) fn new(target: Arc<Target>) -> Self {
        let inner = Inner {
            state: State::pending(),
            flight: Flight::Requested,
            finished: None,
            late: false,
        };
        Self {
            id: target.id.clone(),
            target: RwLock::new(target),
            inner: Mutex::new(inner),
            finished: watch::Sender::new(0),
            wake: Notify::new(),
        }
    }

    /// The slot of a target whose settings have changed: not read yet, but its counters go on.
    pub(super) fn heir(target: &Arc<Target>, old: &Self) -> Self {
        let slot = Self::new(Arc::clone(target));
        let old = old.state();
        {
            let state = &mut slot.lock().state;
            (state.reads, state.dropped) = (old.reads, old.dropped);
            state.history = old.history;
        }
        slot
    }

    pub fn target(&self) -> Arc<Target> {
        Arc::clone(&self.target.read().unwrap_or_else(PoisonError::into_inner))
    }

    /// After a reload: the same collector, perhaps with other thresholds.
    pub(super) fn replace_target(&self, target: Arc<Target>) {
        *self.target.write().unwrap_or_else(PoisonError::into_inner) = target;
    }

    pub fn state(&self) -> State {
        self.lock().state.clone()
    }

    fn lock(&self) -> MutexGuard<'_, Inner> {
        self.inner.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks for a reading unless one is fresh, asked for or under way. Returns what to wait for,
    /// if waiting is worth it.
    pub(super) fn request(&self) -> Option<Wait> {
        self.ask().and_then(|(wait, late)| (!late).then_some(wait))
    }

    /// The same, and whether the last reading was late: who wants this target alone waits for it
    /// all the same.
    pub(super) fn ask(&self) -> Option<(Wait, bool)> {
        let mut inner = self.lock();
        if inner.flight == Flight::Idle {
            if inner.finished.is_some_and(|at| at.elapsed() < FRESH) {
                return None;
            }
            inner.flight = Flight::Requested;
            self.wake.notify_one();
        }
        // Before the lock is let go, or the end of the reading could be missed.
        let receiver = self.finished.subscribe();
        let late = inner.late;
        drop(inner);
        Some((Wait { receiver }, late))
    }

    /// A scrape gave up waiting after `grace`. A reading that another scrape has begun meanwhile is
    /// not to blame.
    pub(super) fn mark_late(&self, grace: Duration) {
        let mut inner = self.lock();
        inner.late = match inner.flight {
            Flight::Idle => false,
            Flight::Requested => true,
            Flight::Begun(at) => at.elapsed() >= grace,
        };
    }

    /// For the poller: until somebody asks for a reading.
    pub(super) async fn wanted(&self) {
        self.wake.notified().await;
    }

    pub(super) fn begin(&self) {
        self.lock().flight = Flight::Begun(Instant::now());
    }

    /// Takes the outcome of a reading. Says by log lines what has changed, once the lock is let go.
    pub(super) fn finish(&self, outcome: Result<Reading, Failure>, grace: Duration) {
        let target = self.target();
        let mut inner = self.lock();
        let now = Instant::now();
        let took = match inner.flight {
            Flight::Begun(at) => now.duration_since(at),
            Flight::Idle | Flight::Requested => Duration::ZERO,
        };
        inner.flight = Flight::Idle;
        inner.finished = Some(now);
        inner.late = took > grace;
        let (was_up, was) = (inner.state.up(), inner.state.failure.take());
        let state = &mut inner.state;
        let gaps = state.take(&target, outcome, took);
        if state.up() != was_up {
            state.since = SystemTime::now();
        }
        let failure = state.failure.clone();
        drop(inner);
        self.finished.send_modify(|count| *count = count.wrapping_add(1));
        gaps.log(&self.id);
        log_change(&self.id, was_up, was.as_ref(), failure.as_ref());
    }
}

/// Waits for the end of a reading.
pub(super) struct Wait {
    receiver: watch::Receiver<u64>,
}

impl Wait {
    pub(super) async fn done(mut self) {
        // An error means that the slot is gone, and then there is nothing to wait for.
        let _ = self.receiver.changed().await;
    }
}

fn log_change(
    id: &TargetId,
    was_up: Option<bool>,
    was: Option<&Failure>,
    failure: Option<&Failure>,
) {
    let (area, target) = (id.area, id.name.as_str());
    match failure {
        None if was_up != Some(true) => tracing::info!(area, target, "target is up"),
        Some(failure) if was.map(|was| was.reason) != Some(failure.reason) => {
            let reason = failure.reason.as_str();
            tracing::warn!(area, target, reason, "cannot read target: {failure}");
        }
        _ => {}
    }
}

/// What has changed in what cannot be seen of a target.
#[derive(Default)]
struct Gaps {
    opened: Vec<(String, Failure)>,
    closed: Vec<String>,
}

impl Gaps {
    fn log(self, id: &TargetId) {
        let (area, target) = (id.area, id.name.as_str());
        for (what, failure) in self.opened {
            let reason = failure.reason.as_str();
            tracing::warn!(area, target, reason, "cannot see {what}: {failure}");
        }
        for what in self.closed {
            tracing::info!(area, target, "can see {what} again");
        }
    }
}

/// Keeps since when parts are missing; what is new of it.
fn note_gaps(gaps: &mut BTreeMap<String, SystemTime>, reading: &Reading) -> Gaps {
    let mut present = BTreeMap::new();
    let mut news = Gaps::default();
    for gap in reading.batch.gaps() {
        let since = gaps.get(&gap.what).copied().unwrap_or_else(|| {
            news.opened.push((gap.what.clone(), gap.failure.clone()));
            reading.at
        });
        present.insert(gap.what.clone(), since);
    }
    news.closed = gaps.keys().filter(|what| !present.contains_key(*what)).cloned().collect();
    *gaps = present;
    news
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicU64, Ordering};

    use super::super::{own, target::nothing};
    use super::*;
    use crate::catalogue::Batch;

    /// Whoever has a log line may have to wait for its reader; nobody may have to wait for him.
    #[test]
    fn nothing_is_logged_while_the_lock_is_held() {
        let target = Arc::new(nothing::target(&own::AREA, "main"));
        let slot = Arc::new(Slot::new(target));
        let (free, held) = (Arc::new(AtomicU64::new(0)), Arc::new(AtomicU64::new(0)));
        let writer = {
            let (slot, free, held) = (Arc::clone(&slot), Arc::clone(&free), Arc::clone(&held));
            move || {
                let count = if slot.inner.try_lock().is_ok() { &free } else { &held };
                count.fetch_add(1, Ordering::Relaxed);
                std::io::sink()
            }
        };
        let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
        tracing::subscriber::with_default(subscriber, || {
            let failure = || Failure::new(Reason::REFUSED, "refused");
            slot.finish(Ok(Reading::new(Batch::new())), Duration::ZERO);
            slot.finish(Ok(Reading::new(Batch::new().gap("a part", failure()))), Duration::ZERO);
            slot.finish(Ok(Reading::new(Batch::new())), Duration::ZERO);
            slot.finish(Err(failure()), Duration::ZERO);
        });
        // Up, a part missing, seen again, down.
        assert_eq!((free.load(Ordering::Relaxed), held.load(Ordering::Relaxed)), (4, 0));
    }
}
