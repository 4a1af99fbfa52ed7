//! Counts of the last five minutes.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

/// Resolution, in seconds.
const SLOT: u64 = 30;
/// The running slot is one of them.
const SLOTS: usize = 10;
/// What is looked back on, in seconds.
pub const WINDOW: u64 = SLOT * SLOTS as u64;

/// What is new (a text of a rule, a kind of error) is shown as 0 for this long, or `increase()` would
/// not see its first events. At least one scrape falls into it.
pub const BIRTH: Duration = Duration::from_mins(1);

/// Counts of several kinds, in slots of which the newest is last. Times are those of reading.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Recent {
    /// Number of the newest slot since 1970.
    newest: u64,
    slots: VecDeque<Vec<u64>>,
}

impl Recent {
    /// Takes what has come since the last call, by kind. A clock that was put back is believed: the
    /// newest slot is that of now.
    pub fn add(&mut self, now: SystemTime, counts: &[u64]) {
        let slot = seconds(now) / SLOT;
        if self.slots.is_empty() {
            self.newest = slot;
            self.slots.push_back(Vec::new());
        }
        // The gap may be years; what is kept is not.
        for _ in 0..slot.saturating_sub(self.newest).min(SLOTS as u64) {
            self.slots.push_back(Vec::new());
        }
        self.newest = slot;
        while self.slots.len() > SLOTS {
            self.slots.pop_front();
        }
        if let Some(newest) = self.slots.back_mut() {
            add(newest, counts);
        }
    }

    /// The counts of the last five minutes, by kind.
    pub fn sum(&self, now: SystemTime) -> Vec<u64> {
        let mut sum = Vec::new();
        // What stands still has grown older all the same.
        let older = (seconds(now) / SLOT).saturating_sub(self.newest);
        for (age, counts) in self.slots.iter().rev().enumerate() {
            if older + (age as u64) < SLOTS as u64 {
                add(&mut sum, counts);
            }
        }
        sum
    }
}

fn add(sum: &mut Vec<u64>, counts: &[u64]) {
    if sum.len() < counts.len() {
        sum.resize(counts.len(), 0);
    }
    for (sum, count) in sum.iter_mut().zip(counts) {
        *sum += count;
    }
}

/// The time between two moments; none where the clock was put back.
pub fn since(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

pub fn seconds(at: SystemTime) -> u64 {
    at.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs()
}

/// The value below which this share of the numbers lies, by the counts of their buckets: like
/// Prometheus' `histogram_quantile`, even within a bucket, and at most the last bound.
pub fn quantile(share: f64, bounds: &[f64], counts: &[u64]) -> Option<f64> {
    let all: u64 = counts.iter().sum();
    if all == 0 {
        return None;
    }
    let rank = share * all as f64;
    let (mut below, mut lower) = (0.0, 0.0);
    for (bound, count) in bounds.iter().zip(counts) {
        let count = *count as f64;
        if count > 0.0 && below + count >= rank {
            return Some(lower + (bound - lower) * (rank - below) / count);
        }
        (below, lower) = (below + count, *bound);
    }
    Some(lower)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_secs(1_714_557_600 + seconds)
    }

    #[test]
    fn five_minutes_and_no_more() {
        let mut recent = Recent::default();
        assert_eq!(recent.sum(at(0)), Vec::<u64>::new());
        recent.add(at(0), &[3, 1]);
        recent.add(at(40), &[97]);
        assert_eq!(recent.sum(at(50)), [100, 1]);
        assert_eq!(recent.sum(at(299)), [100, 1]);
        assert_eq!(recent.sum(at(300)), [97]);
        recent.add(at(10_000), &[0, 4]);
        assert_eq!(recent.sum(at(10_000)), [0, 4]);
        recent.add(at(6400), &[1]);
        assert_eq!(recent.sum(at(6400)), [1, 4], "an hour back: nothing is lost");
        recent.add(UNIX_EPOCH + Duration::from_secs(u64::from(u32::MAX) * 4), &[1]);
        recent.add(at(0), &[1]);
        assert!(recent.slots.len() <= SLOTS);
        recent.add(at(301), &[2]);
        assert_eq!(recent.sum(at(301)), [2], "time goes on after a clock that was years ahead");
    }

    #[test]
    fn quantiles_as_prometheus_has_them() {
        let bounds = [0.1, 0.5, 1.0];
        let p95 = |counts: &[u64]| quantile(0.95, &bounds, counts);
        assert_eq!(p95(&[0, 0, 0, 0]), None);
        assert_eq!(p95(&[]), None);
        assert_eq!(p95(&[100, 0, 0, 0]), Some(0.095));
        assert!((p95(&[90, 0, 10, 0]).unwrap() - 0.75).abs() < 1e-9);
        assert_eq!(p95(&[0, 0, 0, 5]), Some(1.0), "beyond all bounds");
    }
}
