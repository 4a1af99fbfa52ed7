//! Starts and ends: what is open, and how long it took.

use std::collections::{BTreeMap, HashMap, VecDeque};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::super::recent::since;
use super::tally::histogram;
use crate::catalogue::Histogram;

/// Starts that wait for their end.
const OPEN: usize = 10_000;
/// Upper bounds of the durations in seconds.
pub const BOUNDS: [f64; 13] =
    [0.1, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0, 300.0, 600.0, 1800.0, 3600.0];

/// What one rule has started.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(from = "Saved", into = "Saved")]
pub struct Pairs {
    /// By the order of their starts: a hash of the identifier, and when.
    open: BTreeMap<u64, (u64, SystemTime)>,
    order: HashMap<u64, u64>,
    next: u64,
    /// Without identifier: starts in their order. An end is that of the oldest.
    queue: VecDeque<SystemTime>,
    pub finished: u64,
    pub expired: u64,
    pub dropped: u64,
    pub durations: Histogram,
}

/// The same as it is kept, with times in milliseconds.
#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
struct Saved {
    open: Vec<(u64, u64)>,
    queue: Vec<u64>,
    /// Of a version that knew one of them only.
    #[serde(skip_serializing)]
    waiting: Option<SystemTime>,
    finished: u64,
    expired: u64,
    dropped: u64,
    durations: Histogram,
}

/// What a line says.
#[derive(Clone, Copy, Debug)]
pub struct Event {
    /// Where in the block.
    pub at: usize,
    /// The pair, by its place.
    pub pair: usize,
    pub start: bool,
    /// Hash of the identifier.
    pub id: Option<u64>,
}

impl Pairs {
    pub fn expect(&mut self) {
        let old = std::mem::take(&mut self.durations);
        self.durations = histogram(Some(old), &BOUNDS);
    }

    pub fn start(&mut self, id: Option<u64>, now: SystemTime) {
        // The same identifier again is another try of the same.
        if id.is_some_and(|id| self.order.contains_key(&id)) {
            return;
        }
        if self.open() >= OPEN {
            self.dropped += 1;
            return;
        }
        match id {
            Some(id) => self.insert(id, now),
            None => self.queue.push_back(now),
        }
    }

    fn insert(&mut self, id: u64, at: SystemTime) {
        self.open.insert(self.next, (id, at));
        self.order.insert(id, self.next);
        self.next += 1;
    }

    /// An end without a start is of something that began before it was watched.
    pub fn end(&mut self, id: Option<u64>, now: SystemTime) {
        let started = match id {
            None => self.queue.pop_front(),
            Some(id) => {
                self.order.remove(&id).and_then(|order| self.open.remove(&order)).map(|(_, at)| at)
            }
        };
        if let Some(started) = started {
            self.finished += 1;
            self.durations.observe(since(started, now).as_secs_f64());
        }
    }

    /// Gives up what is open for too long. Returns whether anything was.
    pub fn tick(&mut self, timeout: Duration, now: SystemTime) -> bool {
        let before = self.expired;
        while let Some((_, (id, at))) = self.open.first_key_value()
            && since(*at, now) > timeout
        {
            self.order.remove(id);
            self.open.pop_first();
            self.expired += 1;
        }
        while self.queue.front().is_some_and(|at| since(*at, now) > timeout) {
            self.queue.pop_front();
            self.expired += 1;
        }
        self.expired > before
    }

    pub fn open(&self) -> usize {
        self.open.len() + self.queue.len()
    }

    /// How long the oldest one is open.
    pub fn waiting(&self, now: SystemTime) -> Duration {
        let oldest = self.open.first_key_value().map(|(_, (_, at))| *at);
        let oldest = oldest.into_iter().chain(self.queue.front().copied()).min();
        oldest.map_or(Duration::ZERO, |at| since(at, now))
    }
}

impl From<Saved> for Pairs {
    fn from(saved: Saved) -> Self {
        let Saved { open, queue, waiting, finished, expired, dropped, durations } = saved;
        let mut pairs = Self { finished, expired, dropped, durations, ..Self::default() };
        let time = |millis| UNIX_EPOCH.checked_add(Duration::from_millis(millis));
        pairs.queue = waiting.into_iter().chain(queue.into_iter().filter_map(time)).collect();
        pairs.queue.truncate(OPEN);
        for (id, millis) in open.into_iter().take(OPEN) {
            if let Some(at) = time(millis).filter(|_| !pairs.order.contains_key(&id)) {
                pairs.insert(id, at);
            }
        }
        pairs
    }
}

impl From<Pairs> for Saved {
    fn from(pairs: Pairs) -> Self {
        let millis =
            |at: SystemTime| u64::try_from(since(UNIX_EPOCH, at).as_millis()).unwrap_or(u64::MAX);
        Self {
            open: pairs.open.values().map(|(id, at)| (*id, millis(*at))).collect(),
            queue: pairs.queue.into_iter().map(millis).collect(),
            waiting: None,
            finished: pairs.finished,
            expired: pairs.expired,
            dropped: pairs.dropped,
            durations: pairs.durations,
        }
    }
}

/// A stable hash (FNV-1a): it is kept over restarts, and the text need not be.
pub fn hash(text: &[u8]) -> u64 {
    text.iter().fold(0xcbf2_9ce4_8422_2325, |hash, byte| {
        (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3)
    })
}
