//! How fast errors come: the last five minutes, and the day before them to compare with.
//!
//! Times are those of reading. What is read from a backlog is not told here: it came at other times.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Resolution of the last five minutes.
const SLOT: u64 = 30;
/// Slots of a window, the running one among them.
const SLOTS: usize = 10;
const WINDOW: u64 = SLOT * SLOTS as u64;
/// Windows that are compared with: a day.
const PAST: usize = 288;
/// Fewer events than this have no ratio: one error in three lines is no trouble.
const ENOUGH: u64 = 20;
/// What is usual is taken to be at least this many errors in a window, so that twenty are a burst
/// where none are usual.
const LEAST: f64 = 5.0;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    /// Number of the newest slot since 1970.
    slot: u64,
    /// Slots, the newest last.
    recent: VecDeque<Seen>,
    /// Number of the running window since 1970, its errors, and those of the windows before it.
    window: u64,
    errors: u64,
    past: VecDeque<u64>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Seen {
    events: u64,
    errors: u64,
}

impl Pace {
    /// Takes what has come since the last call.
    pub fn add(&mut self, now: SystemTime, events: u64, errors: u64) {
        self.advance(now);
        if let Some(newest) = self.recent.back_mut() {
            newest.events += events;
            newest.errors += errors;
        }
        self.errors += errors;
    }

    /// Share of error events in the events of the last five minutes; nothing while they are few.
    pub fn error_ratio(&self, now: SystemTime) -> Option<f64> {
        let seen = self.last(now);
        (seen.events >= ENOUGH).then(|| seen.errors as f64 / seen.events as f64)
    }

    /// Error events of the last five minutes by what is usual in five minutes of the last day.
    pub fn error_burst(&self, now: SystemTime) -> f64 {
        self.last(now).errors as f64 / self.usual().max(LEAST)
    }

    /// Median of the windows of the last day; 0 in the first.
    fn usual(&self) -> f64 {
        let mut past: Vec<u64> = self.past.iter().copied().collect();
        past.sort_unstable();
        past.get(past.len() / 2).map_or(0.0, |median| *median as f64)
    }

    fn last(&self, now: SystemTime) -> Seen {
        let slot = seconds(now) / SLOT;
        let mut sum = Seen::default();
        for (age, seen) in self.recent.iter().rev().enumerate() {
            // What stands still has grown older all the same.
            if slot.saturating_sub(self.slot) + (age as u64) < SLOTS as u64 {
                sum.events += seen.events;
                sum.errors += seen.errors;
            }
        }
        sum
    }

    /// Makes the slot and the window of `now` the newest ones. A clock that was put back goes on
    /// in the newest slot.
    fn advance(&mut self, now: SystemTime) {
        let (slot, window) = (seconds(now) / SLOT, seconds(now) / WINDOW);
        if self.recent.is_empty() {
            (self.slot, self.window) = (slot, window);
            self.recent.push_back(Seen::default());
        }
        // The gap may be years; the past is not.
        for _ in 0..slot.saturating_sub(self.slot).min(SLOTS as u64) {
            self.recent.push_back(Seen::default());
        }
        self.slot = self.slot.max(slot);
        while self.recent.len() > SLOTS {
            self.recent.pop_front();
        }
        for _ in 0..window.saturating_sub(self.window).min(PAST as u64) {
            self.past.push_back(std::mem::take(&mut self.errors));
        }
        self.window = self.window.max(window);
        while self.past.len() > PAST {
            self.past.pop_front();
        }
    }
}

fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_714_557_600 + seconds)
    }

    #[test]
    fn a_ratio_needs_events_and_forgets_after_five_minutes() {
        let mut pace = Pace::default();
        assert_eq!(pace.error_ratio(at(0)), None);
        pace.add(at(0), 3, 1);
        assert_eq!(pace.error_ratio(at(0)), None, "one of three");
        pace.add(at(40), 97, 1);
        assert_eq!(pace.error_ratio(at(50)), Some(0.02));
        assert_eq!(pace.error_ratio(at(331)), None, "what is left is too little");
        assert_eq!(pace.error_ratio(at(10_000)), None);
        pace.add(at(10_000), 40, 4);
        assert_eq!(pace.error_ratio(at(10_000)), Some(0.1));
    }

    #[test]
    fn a_burst_is_judged_by_the_usual() {
        let mut calm = Pace::default();
        calm.add(at(0), 30, 21);
        assert!((calm.error_burst(at(1)) - 4.2).abs() < 1e-9, "21 where none are usual");
        let mut busy = Pace::default();
        for window in 0..300 {
            busy.add(at(window * WINDOW), 100, 50);
        }
        assert!((busy.error_burst(at(299 * WINDOW)) - 1.0).abs() < 1e-9, "50 where 50 are usual");
        busy.add(at(299 * WINDOW + 1), 100, 250);
        assert!((busy.error_burst(at(299 * WINDOW + 1)) - 6.0).abs() < 1e-9);
        assert_eq!(busy.past.len(), PAST);
    }

    #[test]
    fn the_clock_may_jump() {
        let mut pace = Pace::default();
        pace.add(at(100_000), 50, 5);
        pace.add(at(96_400), 50, 5);
        assert_eq!(pace.error_ratio(at(96_400)), Some(0.1), "an hour back: nothing is lost");
        pace.add(UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX) * 4), 20, 1);
        assert!(pace.recent.len() <= SLOTS && pace.past.len() <= PAST);
        pace.add(UNIX_EPOCH, 20, 1);
    }
}
