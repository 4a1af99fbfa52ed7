//! How fast errors come: the last five minutes, and the day before them to compare with. What is
//! read from a backlog is not told here: it came at other times.

use std::collections::VecDeque;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::recent::{Recent, WINDOW, seconds};

/// Windows that are compared with: a day.
const PAST: usize = 288;
/// Fewer events than this have no ratio: one error in three lines is no trouble.
const ENOUGH: u64 = 20;
/// What is usual is taken to be at least this many errors in a window, so that twenty are a burst
/// where none are usual.
const LEAST: f64 = 5.0;
/// Windows without which nothing is usual yet: three hours.
const LEARNED: usize = 36;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Pace {
    /// Events, and the errors among them.
    recent: Recent,
    /// Number of the running window since 1970, its errors, and those of the windows before it.
    window: u64,
    errors: u64,
    past: VecDeque<u64>,
}

impl Pace {
    /// Takes what has come since the last call.
    pub fn add(&mut self, now: SystemTime, events: u64, errors: u64) {
        self.recent.add(now, &[events, errors]);
        let window = seconds(now) / WINDOW;
        if self.window == 0 {
            self.window = window;
        }
        for _ in 0..window.saturating_sub(self.window).min(PAST as u64) {
            self.past.push_back(std::mem::take(&mut self.errors));
        }
        // A clock that was put back is believed.
        self.window = window;
        while self.past.len() > PAST {
            self.past.pop_front();
        }
        self.errors += errors;
    }

    /// Share of errors in the events of the last five minutes; nothing while these are few.
    pub fn error_ratio(&self, now: SystemTime) -> Option<f64> {
        let [events, errors] = self.last(now);
        (events >= ENOUGH).then(|| errors as f64 / events as f64)
    }

    /// Errors of the last five minutes.
    pub fn recent_errors(&self, now: SystemTime) -> u64 {
        let [_, errors] = self.last(now);
        errors
    }

    /// Errors of the last five minutes by what is usual in five minutes of the last day; nothing
    /// before there is enough to call anything usual.
    pub fn error_burst(&self, now: SystemTime) -> Option<f64> {
        let usual = self.usual()?.max(LEAST);
        Some(self.recent_errors(now) as f64 / usual)
    }

    /// Median of the windows of the last day.
    fn usual(&self) -> Option<f64> {
        if self.past.len() < LEARNED {
            return None;
        }
        let mut past: Vec<u64> = self.past.iter().copied().collect();
        past.sort_unstable();
        past.get(past.len() / 2).map(|median| *median as f64)
    }

    fn last(&self, now: SystemTime) -> [u64; 2] {
        let sum = self.recent.sum(now);
        [0, 1].map(|kind| sum.get(kind).copied().unwrap_or(0))
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

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
        pace.add(at(10_000), 40, 4);
        assert_eq!(pace.error_ratio(at(10_000)), Some(0.1));
    }

    #[test]
    fn a_burst_is_judged_by_the_usual() {
        let burst = |pace: &Pace, now| pace.error_burst(at(now)).unwrap_or(f64::NAN);
        let mut calm = Pace::default();
        calm.add(at(0), 30, 30);
        assert_eq!(calm.error_burst(at(1)), None, "nothing is usual at first");
        calm.add(at(36 * WINDOW - 100), 30, 21);
        assert_eq!(calm.error_burst(at(36 * WINDOW - 100)), None, "nor some hours later");
        calm.add(at(36 * WINDOW), 0, 0);
        assert!((burst(&calm, 36 * WINDOW) - 4.2).abs() < 1e-9, "21 where none are usual");
        let mut busy = Pace::default();
        for window in 0..300 {
            busy.add(at(window * WINDOW), 100, 50);
        }
        assert!((burst(&busy, 299 * WINDOW) - 1.0).abs() < 1e-9, "50 where 50 are usual");
        busy.add(at(299 * WINDOW + 1), 100, 250);
        assert!((burst(&busy, 299 * WINDOW + 1) - 6.0).abs() < 1e-9);
        assert_eq!(busy.past.len(), PAST);
        busy.add(UNIX_EPOCH, 20, 1);
        assert_eq!(busy.past.len(), PAST, "a clock put back");
        busy.add(at(302 * WINDOW), 20, 1);
        assert!(burst(&busy, 302 * WINDOW) < 1.0, "and time goes on");
    }
}
