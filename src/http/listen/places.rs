//! Who is connected, what each is waited for, and who makes room when there is none.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use tokio::sync::Notify;
use tokio::time::Instant;

use super::TurnedAway;
use crate::engine::{Clients, Refusal};

/// Always so many, however few files there are: else nobody would learn why.
const FEWEST: usize = 4;
/// So many may be on their way out before others are let in.
const LEAVING: u64 = 8;
/// How long that is waited for.
const LEAVE: Duration = Duration::from_millis(50);
/// Connections at once.
pub(super) const CONNECTIONS: usize = 256;
/// The last places, where a request must come sooner.
const LAST_PLACES: usize = 16;
/// The head of a request, from its first byte or from the connection on.
pub(super) const HEAD: Duration = Duration::from_secs(5);
const HEAD_IN_LAST_PLACES: Duration = Duration::from_secs(1);
/// Between two requests: longer than any scrape interval, or Prometheus would find the connection
/// closed time and again.
pub(super) const IDLE: Duration = Duration::from_mins(3);
/// From the head of a request until its answer is taken, and without any of it being taken.
pub(super) const ANSWER: Duration = Duration::from_mins(1);
pub(super) const STALL: Duration = Duration::from_secs(10);
/// An answer that waits this long makes room for others.
const STALLED: Duration = Duration::from_secs(1);
/// When the end has come: what of a request has not come by then was not sent before.
const LAST_HEAD: Duration = Duration::from_millis(250);

#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// So many files may be open while clients come.
    pub files: u64,
    /// How many are open. Not cheap: asked only while they are scarce.
    pub open_files: fn() -> Option<u64>,
}

/// What a connection is waited for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Phase {
    /// A request: fresh, or begun.
    Head,
    /// The answer, until it is taken.
    Answer,
    /// The next request.
    Idle,
}

/// What a connection is told from outside.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Order {
    MakeRoom,
    Stop,
}

struct State {
    phase: Phase,
    since: Instant,
    /// Since when nothing of the answer is taken.
    stalled: Option<Instant>,
    /// All of the answer has been handed over to be written.
    complete: bool,
    order: Option<(Order, Instant)>,
}

/// What is known of a connection.
pub(super) struct Life {
    state: Mutex<State>,
    head: Duration,
    ordered: Notify,
}

impl Life {
    fn new(head: Duration) -> Self {
        let since = Instant::now();
        let state =
            State { phase: Phase::Head, since, stalled: None, complete: false, order: None };
        Self { state: Mutex::new(state), head, ordered: Notify::new() }
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes have come.
    pub(super) fn heard(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Idle {
            (state.phase, state.since) = (Phase::Head, Instant::now());
        }
    }

    /// A request is complete as far as its head.
    pub(super) fn asked(&self) {
        let mut state = self.lock();
        (state.phase, state.since, state.complete) = (Phase::Answer, Instant::now(), false);
    }

    /// The body of the answer has been handed over.
    pub(super) fn complete(&self) {
        self.lock().complete = true;
    }

    pub(super) fn stalled(&self) {
        self.lock().stalled.get_or_insert_with(Instant::now);
    }

    pub(super) fn moved(&self) {
        self.lock().stalled = None;
    }

    /// All that was handed over has been taken.
    pub(super) fn flushed(&self) {
        let mut state = self.lock();
        if state.phase == Phase::Answer && state.complete {
            (state.phase, state.since, state.stalled) = (Phase::Idle, Instant::now(), None);
        }
    }

    pub(super) fn phase(&self) -> Phase {
        self.lock().phase
    }

    /// Until when it is waited for.
    pub(super) fn deadline(&self) -> Instant {
        let state = self.lock();
        match (state.phase, state.order) {
            (Phase::Head, Some((Order::Stop, at))) => (state.since + self.head).min(at + LAST_HEAD),
            (Phase::Head, _) => state.since + self.head,
            (Phase::Idle, _) => state.since + IDLE,
            (Phase::Answer, _) => {
                let whole = state.since + ANSWER;
                state.stalled.map_or(whole, |since| whole.min(since + STALL))
            }
        }
    }

    fn order(&self, order: Order) {
        self.lock().order = Some((order, Instant::now()));
        self.ordered.notify_one();
    }

    /// The next order.
    pub(super) async fn ordered(&self) -> Order {
        self.ordered.notified().await;
        self.lock().order.map_or(Order::Stop, |(order, _)| order)
    }

    /// How gladly it is let go, and since when: the lowest goes first.
    fn rank(&self, now: Instant) -> Option<(u8, Instant)> {
        let state = self.lock();
        match (state.phase, state.stalled) {
            (Phase::Idle, _) => Some((0, state.since)),
            (Phase::Head, _) => Some((1, state.since)),
            (Phase::Answer, Some(since)) if now.saturating_duration_since(since) >= STALLED => {
                Some((2, since))
            }
            (Phase::Answer, _) => None,
        }
    }
}

#[derive(Default)]
struct Taken {
    next: u64,
    lives: BTreeMap<u64, Arc<Life>>,
}

/// All places.
pub(super) struct Places {
    taken: Mutex<Taken>,
    left: Notify,
    clients: Arc<Clients>,
    turned_away: Arc<TurnedAway>,
    limits: Limits,
    /// Files were scarce when the last client came.
    scarce: AtomicBool,
}

impl Places {
    pub(super) fn new(
        clients: Arc<Clients>,
        turned_away: Arc<TurnedAway>,
        limits: Limits,
    ) -> Arc<Self> {
        let (taken, left) = (Mutex::default(), Notify::new());
        let scarce = AtomicBool::new(false);
        Arc::new(Self { taken, left, clients, turned_away, limits, scarce })
    }

    fn lock(&self) -> MutexGuard<'_, Taken> {
        self.taken.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A place for the socket with this number, or none if nobody can be let go for it.
    pub(super) fn take(self: &Arc<Self>, file: u64) -> Option<Place> {
        let count = self.lock().lives.len();
        let lack = if count >= CONNECTIONS {
            Some(Refusal::Connections)
        } else {
            (count >= FEWEST && self.lacks_files(file)).then_some(Refusal::Files)
        };
        if lack.is_some_and(|lack| !self.make_room(lack)) {
            return None;
        }
        let mut taken = self.lock();
        let last = taken.lives.len() >= CONNECTIONS - LAST_PLACES;
        let life = Arc::new(Life::new(if last { HEAD_IN_LAST_PLACES } else { HEAD }));
        let id = taken.next;
        taken.next += 1;
        taken.lives.insert(id, Arc::clone(&life));
        drop(taken);
        self.clients.opened();
        Some(Place { id, life, places: Arc::clone(self) })
    }

    /// Whether more files are open than may be, now that the socket with this number is.
    fn lacks_files(&self, file: u64) -> bool {
        // The lowest free number is given, so all below a high one are taken. A low one may be free
        // only because somebody was just let go: then they are counted.
        let lacks = file >= self.limits.files
            || (self.scarce.load(Ordering::Relaxed)
                && (self.limits.open_files)().is_some_and(|open| open > self.limits.files));
        self.scarce.store(lacks, Ordering::Relaxed);
        lacks
    }

    /// Lets one go, if there is one that is only waited for. Either way somebody is turned away.
    pub(super) fn make_room(&self, why: Refusal) -> bool {
        let now = Instant::now();
        let mut taken = self.lock();
        let ranks = taken.lives.iter().filter_map(|(id, life)| Some((life.rank(now)?, *id)));
        let victim = ranks.min().and_then(|(_, id)| taken.lives.remove(&id));
        drop(taken);
        if let Some(life) = &victim {
            life.order(Order::MakeRoom);
        }
        self.turned_away.note(why);
        victim.is_some()
    }

    /// Until those that were let go have gone but for a few: their files are theirs so long.
    pub(super) async fn settle(&self) {
        let leaving = || {
            let there = u64::try_from(self.lock().lives.len()).unwrap_or(u64::MAX);
            self.clients.open().saturating_sub(there)
        };
        while leaving() > LEAVING && tokio::time::timeout(LEAVE, self.left.notified()).await.is_ok()
        {
        }
    }

    /// The end has come: idle ones go at once, the others when they are done.
    pub(super) fn stop(&self) {
        let lives: Vec<Arc<Life>> = self.lock().lives.values().cloned().collect();
        for life in lives {
            life.order(Order::Stop);
        }
    }

    /// Until nobody is left.
    pub(super) async fn empty(&self) {
        while !self.lock().lives.is_empty() {
            self.left.notified().await;
        }
    }
}

/// One place, given back when it is dropped.
pub(super) struct Place {
    id: u64,
    pub life: Arc<Life>,
    places: Arc<Places>,
}

impl Place {
    pub(super) fn turned_away(&self, why: Refusal) {
        self.places.turned_away.note(why);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        self.places.lock().lives.remove(&self.id);
        self.places.clients.closed();
        self.places.left.notify_one();
    }
}
