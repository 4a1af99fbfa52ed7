//! How it fares with the exporter's own messages: counted by who sends them, shown as its facts.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use crate::catalogue::metrics;
use crate::failure::{Failure, reasons};

reasons! {
    /// The receiver of messages takes no more of them for now.
    LIMITED = "limited";
    /// The receiver of messages refuses this one, and would again.
    REFUSES = "refuses";
}

/// Why a message was given up: the values of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Dropped {
    /// More wait than there is room for: the oldest went.
    QueueFull,
    /// It could not be delivered in two hours.
    Expired,
    /// The receiver refused it for good.
    Refused,
}

impl Dropped {
    pub const ALL: [Self; 3] = [Self::QueueFull, Self::Expired, Self::Refused];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::QueueFull => "queue_full",
            Self::Expired => "expired",
            Self::Refused => "refused",
        }
    }
}

/// One way: what became of its messages.
#[derive(Clone, Default)]
struct Way {
    sent: u64,
    failures: BTreeMap<&'static str, u64>,
    dropped: BTreeMap<Dropped, u64>,
    pending: u64,
    /// Since when each attempt has failed, and how the last one did.
    failing: Option<(SystemTime, Failure)>,
}

/// The counts; empty while the configuration asks for no messages.
#[derive(Default)]
pub struct Messages {
    ways: Mutex<BTreeMap<&'static str, Way>>,
    held_back: Mutex<Option<u64>>,
}

impl Messages {
    fn ways(&self) -> MutexGuard<'_, BTreeMap<&'static str, Way>> {
        self.ways.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Which ways there are now; the counts of those that stay stay. With none, nothing is exported.
    pub fn keep(&self, names: &[&'static str]) {
        let mut ways = self.ways();
        ways.retain(|name, _| names.contains(name));
        for name in names {
            ways.entry(name).or_default();
        }
        *self.held_back.lock().unwrap_or_else(PoisonError::into_inner) =
            (!names.is_empty()).then_some(0);
    }

    /// Whether somebody is told of troubles by the exporter itself.
    pub fn tell(&self) -> bool {
        self.ways().keys().any(|name| *name != "heartbeat")
    }

    fn change(&self, name: &str, change: impl FnOnce(&mut Way)) {
        if let Some(way) = self.ways().get_mut(name) {
            change(way);
        }
    }

    /// Counts a delivery; since when it had failed before, if it had.
    pub fn sent(&self, name: &str) -> Option<SystemTime> {
        let mut before = None;
        self.change(name, |way| {
            way.sent += 1;
            before = way.failing.take().map(|(since, _)| since);
        });
        before
    }

    /// Counts an attempt that failed; whether it is the first of several.
    pub fn failed(&self, name: &str, failure: &Failure, now: SystemTime) -> bool {
        let mut first = false;
        self.change(name, |way| {
            *way.failures.entry(failure.reason.as_str()).or_default() += 1;
            let since = way.failing.as_ref().map_or(now, |(since, _)| *since);
            first = way.failing.is_none();
            way.failing = Some((since, failure.clone()));
        });
        first
    }

    pub fn dropped(&self, name: &str, why: Dropped) {
        self.change(name, |way| *way.dropped.entry(why).or_default() += 1);
    }

    pub fn pending(&self, name: &str, count: usize) {
        self.change(name, |way| way.pending = count as u64);
    }

    /// Troubles and ends that wait as the hour's messages are used up.
    pub fn held_back(&self, count: usize) {
        *self.held_back.lock().unwrap_or_else(PoisonError::into_inner) = Some(count as u64);
    }

    /// The ways that do not work now: the name, since when, and why.
    pub fn failing(&self) -> Vec<(&'static str, SystemTime, Failure)> {
        let ways = self.ways();
        let failing = ways.iter().filter_map(|(name, way)| Some((*name, way.failing.clone()?)));
        failing.map(|(name, (since, failure))| (name, since, failure)).collect()
    }

    pub(super) fn rows(&self) -> (Vec<WayRow>, Vec<HeldBack>) {
        let rows =
            self.ways().iter().map(|(name, way)| WayRow { name, way: way.clone() }).collect();
        let held = *self.held_back.lock().unwrap_or_else(PoisonError::into_inner);
        (rows, held.into_iter().map(HeldBack).collect())
    }
}

/// What became of the messages of one way.
pub struct WayRow {
    name: &'static str,
    way: Way,
}

impl WayRow {
    /// Each reason for giving up, also those that never came.
    fn dropped(&self) -> [(&'static str, u64); Dropped::ALL.len()] {
        Dropped::ALL.map(|why| (why.as_str(), self.way.dropped.get(&why).copied().unwrap_or(0)))
    }
}

metrics! { WayRow {
    labels { way = |row| row.name }
    /// Messages of the exporter itself (section notify) that a way took, or signs of life. Source: the exporter's own count.
    counter stack_notify_sent_total = |row| row.way.sent;
    /// Attempts to deliver such a message that failed, by reason; most are tried again. Source: the exporter's own count.
    counter stack_notify_failures_total {reason} = |row| row.way.failures.iter().map(|(reason, count)| (*reason, *count));
    /// Such messages that were given up: queue_full (more than 100 waited), expired (not delivered within two hours), refused (the receiver would refuse it again). Source: the exporter's own count.
    counter stack_notify_dropped_total {reason} = |row| row.dropped();
    /// Such messages that wait to be delivered. Source: the exporter's own count.
    gauge stack_notify_pending = |row| row.way.pending;
    /// Whether the last attempt to deliver such a message succeeded; 1 before the first one. Source: the exporter's own count.
    gauge stack_notify_up = |row| row.way.failing.is_none();
} }

/// What the hour's bound holds back.
pub struct HeldBack(u64);

metrics! { HeldBack {
    labels {}
    /// Troubles and ends of troubles that are not told yet, as notify.per_hour messages were sent within the hour. Source: the exporter's own count.
    gauge stack_notify_held_back = |held| held.0;
} }
