//! Starts and ends: what is open, and how long it took.

use std::collections::{BTreeMap, HashMap};
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
    /// Without identifier: the first start after the last end.
    waiting: Option<SystemTime>,
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
        let Some(id) = id else {
            self.waiting.get_or_insert(now);
            return;
        };
        // The same identifier again is another try of the same.
        if self.order.contains_key(&id) {
            return;
        }
        if self.open.len() >= OPEN {
            self.dropped += 1;
            return;
        }
        self.insert(id, now);
    }

    fn insert(&mut self, id: u64, at: SystemTime) {
        self.open.insert(self.next, (id, at));
        self.order.insert(id, self.next);
        self.next += 1;
    }

    /// An end without a start is of something that began before it was watched.
    pub fn end(&mut self, id: Option<u64>, now: SystemTime) {
        let started = match id {
            None => self.waiting.take(),
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
        if self.waiting.is_some_and(|at| since(at, now) > timeout) {
            self.waiting = None;
            self.expired += 1;
        }
        self.expired > before
    }

    pub fn open(&self) -> usize {
        self.open.len() + usize::from(self.waiting.is_some())
    }

    /// How long the oldest one is open.
    pub fn waiting(&self, now: SystemTime) -> Duration {
        let oldest = self.open.first_key_value().map(|(_, (_, at))| *at);
        let oldest = [oldest, self.waiting].into_iter().flatten().min();
        oldest.map_or(Duration::ZERO, |at| since(at, now))
    }
}

impl From<Saved> for Pairs {
    fn from(saved: Saved) -> Self {
        let Saved { open, waiting, finished, expired, dropped, durations } = saved;
        let mut pairs = Self { waiting, finished, expired, dropped, durations, ..Self::default() };
        for (id, millis) in open.into_iter().take(OPEN) {
            let at = UNIX_EPOCH.checked_add(Duration::from_millis(millis));
            if let Some(at) = at.filter(|_| !pairs.order.contains_key(&id)) {
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
            waiting: pairs.waiting,
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
