//! How often something was seen in each of the last 24 hours.

use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

const BUCKETS: usize = 24;
const HOUR: u64 = 3600;

/// Counts by hour (or another width), the last one being the hour of the last count.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trend {
    /// Number of the last bucket since 1970.
    last: u64,
    /// Oldest first; missing ones are 0.
    counts: Vec<u32>,
}

impl Trend {
    /// `width` is that of a bucket in seconds and the same in all calls.
    pub fn count(&mut self, now: SystemTime, width: Option<u64>) {
        self.add(bucket(now, width), 1);
    }

    fn add(&mut self, bucket: u64, count: u32) {
        if self.counts.is_empty() {
            self.last = bucket;
        }
        let ahead = bucket.saturating_sub(self.last);
        for _ in 0..ahead.min(BUCKETS as u64) {
            self.counts.push(0);
        }
        self.last = self.last.max(bucket);
        // The clock went back, or a line is older than the one before.
        let behind = usize::try_from(self.last - bucket).unwrap_or(usize::MAX);
        if behind >= BUCKETS {
            return;
        }
        while self.counts.len() <= behind {
            self.counts.insert(0, 0);
        }
        let surplus = self.counts.len().saturating_sub(BUCKETS);
        self.counts.drain(..surplus);
        let place = self.counts.len().checked_sub(behind + 1);
        if let Some(slot) = place.and_then(|place| self.counts.get_mut(place)) {
            *slot = slot.saturating_add(count);
        }
    }

    /// The 24 buckets that end with this time, oldest first.
    pub fn until(&self, end: SystemTime, width: Option<u64>) -> [u32; BUCKETS] {
        let mut out = [0; BUCKETS];
        let end = bucket(end, width);
        for (back, count) in self.counts.iter().rev().enumerate() {
            let Some(bucket) = self.last.checked_sub(back as u64) else { break };
            let Some(place) = end.checked_sub(bucket) else { continue };
            let place =
                usize::try_from(place).ok().and_then(|place| (BUCKETS - 1).checked_sub(place));
            if let Some(slot) = place.and_then(|place| out.get_mut(place)) {
                *slot = *count;
            }
        }
        out
    }

    /// Adds what another one has counted.
    pub fn join(&mut self, other: &Self) {
        for (back, count) in other.counts.iter().rev().enumerate() {
            if let Some(bucket) = other.last.checked_sub(back as u64) {
                self.add(bucket, *count);
            }
        }
    }
}

fn bucket(now: SystemTime, width: Option<u64>) -> u64 {
    let seconds = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs();
    seconds / width.unwrap_or(HOUR).max(1)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(hour: u64) -> SystemTime {
        UNIX_EPOCH + Duration::from_hours(hour)
    }

    #[test]
    fn hours_in_any_order() {
        let mut trend = Trend::default();
        for hour in [100, 100, 102, 101, 99, 50] {
            trend.count(at(hour), None);
        }
        let mut wanted = [0; BUCKETS];
        wanted[20..].copy_from_slice(&[1, 2, 1, 1]);
        assert_eq!(trend.until(at(102), None), wanted);
        wanted.rotate_left(2);
        assert_eq!(trend.until(at(104), None), wanted);
        assert_eq!(trend.until(at(101), None)[21..], [1, 2, 1]);
        assert_eq!(trend.until(at(200), None), [0; BUCKETS]);
        trend.count(at(200), None);
        assert_eq!(trend.counts.len(), BUCKETS);
        assert_eq!(trend.until(at(200), None)[23], 1);
        trend.count(at(u64::from(u32::MAX)), None);
        assert_eq!(trend.until(at(u64::from(u32::MAX)), None)[23], 1);
    }

    #[test]
    fn two_join() {
        let (mut one, mut two) = (Trend::default(), Trend::default());
        one.count(at(10), None);
        two.count(at(12), None);
        two.count(at(10), None);
        one.join(&two);
        assert_eq!(one.until(at(12), None)[21..], [2, 0, 1]);
    }
}
