//! A slow part of a target: read on a clock of its own, within the readings or beside them.
//!
//! What was read last is shown until there is newer, or until it is too old to be shown. It is kept
//! over a reload as long as the settings that it was read with are the same, so nothing of an old
//! address is said of a new one. Its age and its failure are told by the engine, the gap included:
//! a collector only takes what [`Part::get`] or [`Part::latest`] hands out.

use std::panic::AssertUnwindSafe;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures_util::FutureExt as _;
use serde::Serialize;
use serde::de::DeserializeOwned;
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::Instant;

use super::memory::Memory;
use super::storage::{Keeping, Kept};
use crate::failure::{Failure, Reason};

/// A read that knows its end gets this much longer to hand over what it has.
const MARGIN: Duration = Duration::from_millis(200);

/// The clock of a part.
#[derive(Clone, Copy, Debug)]
pub struct Pace {
    /// From the begin of a read to the next one.
    pub every: Duration,
    /// The same after a failure.
    pub again: Duration,
    /// What was read longer ago is no longer handed out.
    pub stale_after: Option<Duration>,
    /// How long one read may take.
    pub limit: Duration,
}

/// What a read has found, and why that is not all.
pub struct Found<T> {
    pub value: T,
    pub missing: Option<Failure>,
}

impl<T> From<T> for Found<T> {
    fn from(value: T) -> Self {
        Self { value, missing: None }
    }
}

/// What is handed out: the last value unless it is too old, and why there is no newer one.
#[derive(Clone, Debug)]
pub struct Latest<T> {
    pub value: Option<Arc<T>>,
    pub failure: Option<Failure>,
}

impl<T> Default for Latest<T> {
    fn default() -> Self {
        Self { value: None, failure: None }
    }
}

/// What a reading has shown of a part, for the engine to tell.
#[derive(Clone, Debug)]
pub struct Shown {
    pub part: &'static str,
    /// In the operator's words.
    pub title: &'static str,
    /// When the value was read.
    pub read: Option<Instant>,
    pub failure: Option<Failure>,
}

/// Where a part notes what it hands out in a reading.
pub(super) struct Showing {
    part: &'static str,
    title: &'static str,
    shown: Mutex<Option<Shown>>,
}

impl Showing {
    /// What was handed out since this was asked last. Nothing is told of a part that nobody took.
    pub(super) fn take(&self) -> Option<Shown> {
        self.shown.lock().unwrap_or_else(PoisonError::into_inner).take()
    }

    pub(super) fn note(&self, read: Option<Instant>, failure: Option<Failure>) {
        let shown = Shown { part: self.part, title: self.title, read, failure };
        *self.shown.lock().unwrap_or_else(PoisonError::into_inner) = Some(shown);
    }
}

/// All parts of one target while it is planned.
pub struct Parts<'a, S> {
    memory: &'a Memory,
    area: &'static str,
    target: &'a str,
    settings: S,
    pub(super) showing: Vec<Arc<Showing>>,
}

impl<'a, S: PartialEq + Clone + Send + Sync + 'static> Parts<'a, S> {
    /// `settings` is what the parts are read with: where and as whom.
    pub fn new(memory: &'a Memory, area: &'static str, target: &'a str, settings: S) -> Self {
        Self { memory, area, target, settings, showing: Vec::new() }
    }

    /// The part of this name; `title` says in the operator's words what cannot be seen without it.
    pub fn add<T: Send + Sync + 'static>(
        &mut self,
        part: &'static str,
        title: &'static str,
        pace: Pace,
    ) -> Part<T> {
        let settings = self.settings.clone();
        let shared = self.memory.kept(self.area, self.target, part, settings);
        Part { pace, shared, showing: self.show(part, title) }
    }

    /// What of this target is remembered over a restart, as a part of its own: that it cannot be
    /// written down, or was lost, is told like any other failure. `of` names the source in the file,
    /// for people as well.
    pub fn keep<T: Serialize + DeserializeOwned + Send + Sync + 'static>(
        &mut self,
        part: &'static str,
        keeping: Keeping,
        of: String,
    ) -> Kept<T> {
        let kept = self.memory.kept(self.area, self.target, part, self.settings.clone());
        let showing = self.show(part, "the memory over a restart");
        let name = format!("{}.{part}", self.target);
        Kept::new(self.memory.storage(), (self.area, name, of), keeping, (kept, showing))
    }

    fn show(&mut self, part: &'static str, title: &'static str) -> Arc<Showing> {
        let showing = Arc::new(Showing { part, title, shown: Mutex::default() });
        self.showing.push(Arc::clone(&showing));
        showing
    }
}

/// A slow part.
pub struct Part<T> {
    pace: Pace,
    shared: Arc<Shared<T>>,
    showing: Arc<Showing>,
}

struct Shared<T>(watch::Sender<State<T>>);

struct State<T> {
    last: Option<(Instant, Arc<T>)>,
    failure: Option<Failure>,
    /// The last attempt, and whether it was given up from outside.
    tried: Option<Instant>,
    cut: bool,
    /// When a read that took all anew and did not fail was begun.
    whole: Option<Instant>,
    flying: bool,
}

impl<T> Default for Shared<T> {
    fn default() -> Self {
        let (last, failure, tried, whole) = (None, None, None, None);
        Self(watch::Sender::new(State { last, failure, tried, cut: false, whole, flying: false }))
    }
}

impl<T> State<T> {
    /// When the next read is due; `None` is at once.
    fn due(&self, pace: &Pace) -> Option<Instant> {
        let failed = self.failure.is_some() || self.cut;
        let pause = if failed { pace.again } else { pace.every };
        let since = if failed { self.tried } else { self.whole };
        since.map(|at| at + pause)
    }
}

/// Whose turn it is to read.
enum Turn<'a, T> {
    Mine(Flight<'a, T>),
    Another,
    Later,
}

/// A read under way. There is no second one beside it, whoever would begin that.
struct Flight<'a, T> {
    shared: &'a Shared<T>,
    begun: Instant,
    /// What is still good, where the read is made before its time.
    fresh: Option<Arc<T>>,
}

impl<T> Flight<'_, T> {
    async fn run(
        &self,
        until: Instant,
        read: impl Future<Output = Result<Found<T>, Failure>> + Send,
    ) {
        // A panic stays in the part: the rest of the target goes on.
        let read = AssertUnwindSafe(read).catch_unwind();
        let outcome = match tokio::time::timeout_at(until + MARGIN, read).await {
            Ok(Ok(outcome)) => outcome,
            Ok(Err(_)) => Err(Failure::new(Reason::PANIC, "the collector panicked")
                .hint("this is a defect of stack-exporter: please report it with its log")),
            Err(_) => {
                let seconds = (until - self.begun).as_secs_f64();
                let detail = format!("no complete answer within {seconds:.1} s");
                Err(Failure::new(Reason::TIMEOUT, detail))
            }
        };
        let whole = self.fresh.is_none();
        self.shared.0.send_modify(|state| {
            state.cut = false;
            match outcome {
                Ok(Found { value, missing }) => {
                    state.last = Some((Instant::now(), Arc::new(value)));
                    state.failure = missing;
                    if whole {
                        state.whole = Some(self.begun);
                    }
                }
                Err(failure) => (state.failure, state.whole) = (Some(failure), None),
            }
        });
    }
}

impl<T> Drop for Flight<'_, T> {
    fn drop(&mut self) {
        self.shared.0.send_modify(|state| state.flying = false);
    }
}

impl<T: Send + Sync + 'static> Part<T> {
    /// Within the reading: what there is, read anew first if it is due or `now` wants more than what
    /// there is, until this moment at most. `read` gets what is still good while it is not the time for all of it.
    pub async fn get<F>(
        &self,
        until: Instant,
        now: impl FnOnce(Option<&T>) -> bool + Send,
        read: impl FnOnce(Option<Arc<T>>, Instant) -> F + Send,
    ) -> Latest<T>
    where
        F: Future<Output = Result<Found<T>, Failure>> + Send,
    {
        self.read(until, now, read).await;
        self.hand_out()
    }

    /// Reads anew if it is due, until this moment at most, and hands out nothing but why that was in vain.
    pub async fn refresh<F>(
        &self,
        until: Instant,
        read: impl FnOnce(Option<Arc<T>>, Instant) -> F + Send,
    ) -> Option<Failure>
    where
        F: Future<Output = Result<Found<T>, Failure>> + Send,
    {
        self.read(until, |_| false, read).await;
        self.shared.0.borrow().failure.clone()
    }

    async fn read<F>(
        &self,
        until: Instant,
        now: impl FnOnce(Option<&T>) -> bool + Send,
        read: impl FnOnce(Option<Arc<T>>, Instant) -> F + Send,
    ) where
        F: Future<Output = Result<Found<T>, Failure>> + Send,
    {
        let until = until.min(Instant::now() + self.pace.limit);
        match self.turn(now) {
            Turn::Mine(flight) => flight.run(until, read(flight.fresh.clone(), until)).await,
            // Of a collector that a reload has just replaced: it ends soon.
            Turn::Another => self.wait(until, |state| !state.flying).await,
            Turn::Later => {}
        }
    }

    /// Reads beside the readings, until what is returned is dropped.
    pub fn beside<F>(&self, read: impl Fn(Instant) -> F + Send + Sync + 'static) -> Beside
    where
        F: Future<Output = Result<Found<T>, Failure>> + Send + 'static,
    {
        let (pace, shared) = (self.pace, Arc::clone(&self.shared));
        let showing = Arc::clone(&self.showing);
        let part = Self { pace, shared, showing };
        let task = tokio::spawn(async move {
            loop {
                match part.turn(|_| false) {
                    Turn::Mine(flight) => {
                        let until = flight.begun + pace.limit;
                        flight.run(until, read(until)).await;
                        // At most one a moment, however the clock is set.
                        tokio::time::sleep(MARGIN).await;
                    }
                    Turn::Another => {
                        let free = |state: &State<T>| !state.flying;
                        part.wait(Instant::now() + pace.limit, free).await;
                    }
                    Turn::Later => {
                        let due = part.shared.0.borrow().due(&pace);
                        tokio::time::sleep_until(due.unwrap_or_else(Instant::now)).await;
                    }
                }
            }
        });
        Beside(task.abort_handle())
    }

    /// What was read last, for whoever adds to it.
    pub fn last(&self) -> Option<Arc<T>> {
        self.shared.0.borrow().last.as_ref().map(|(_, value)| Arc::clone(value))
    }

    /// What there is, without a read.
    pub fn shown(&self) -> Latest<T> {
        self.hand_out()
    }

    /// The same, or nothing of a part that is not told of.
    pub fn shown_if(&self, told: bool) -> Latest<T> {
        if told { self.hand_out() } else { Latest::default() }
    }

    /// What was read beside; until this moment the first read is waited for.
    pub async fn latest(&self, until: Instant) -> Latest<T> {
        self.wait(until, |state| state.last.is_some() || state.failure.is_some()).await;
        self.hand_out()
    }

    /// Whatever was read is of another source than what comes: nothing of it is shown.
    pub fn forget(&self) {
        self.shared.0.send_modify(|state| {
            let flying = state.flying;
            let (last, failure, tried, whole) = (None, None, None, None);
            *state = State { last, failure, tried, cut: false, whole, flying };
        });
    }

    fn turn(&self, now: impl FnOnce(Option<&T>) -> bool) -> Turn<'_, T> {
        let (begun, pace) = (Instant::now(), &self.pace);
        let mut turn = Turn::Later;
        self.shared.0.send_if_modified(|state| {
            if state.flying {
                turn = Turn::Another;
                return false;
            }
            let later = state.due(pace).is_some_and(|due| due > begun);
            if later && !now(state.last.as_ref().map(|(_, value)| value.as_ref())) {
                return false;
            }
            let good = state.whole.is_some_and(|at| begun.duration_since(at) < pace.every);
            let fresh = state.last.as_ref().filter(|_| good).map(|(_, value)| Arc::clone(value));
            // Noted first: a read that is given up from outside is not made again at once.
            (state.tried, state.cut, state.flying) = (Some(begun), true, true);
            turn = Turn::Mine(Flight { shared: &self.shared, begun, fresh });
            true
        });
        turn
    }

    async fn wait(&self, until: Instant, done: impl FnMut(&State<T>) -> bool) {
        let mut state = self.shared.0.subscribe();
        // Time is up: there is what there is.
        let _ = tokio::time::timeout_at(until, state.wait_for(done)).await;
    }

    fn hand_out(&self) -> Latest<T> {
        let (read, value, mut failure) = {
            let state = self.shared.0.borrow();
            let (read, value) = state.last.clone().unzip();
            (read, value, state.failure.clone())
        };
        let most = self.pace.stale_after;
        let stale = read.zip(most).is_some_and(|(read, most)| read.elapsed() > most);
        if let Some(most) = most.filter(|_| stale && failure.is_none()) {
            let detail = format!("no answer for more than {} s", most.as_secs_f64());
            failure = Some(Failure::new(Reason::TIMEOUT, detail));
        }
        self.showing.note(read, failure.clone());
        Latest { value: value.filter(|_| !stale), failure }
    }
}

/// The task of a part that is read beside the readings. Ends when it is dropped.
pub struct Beside(AbortHandle);

impl Drop for Beside {
    fn drop(&mut self) {
        self.0.abort();
    }
}

#[cfg(test)]
mod tests;
