//! How many points collections had within the last day: what is gone, or has lost its points, is told by
//! that. Known over restarts, bounded in names and hours.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

/// Names that are remembered.
pub const MOST: usize = 100;
const HOUR: u64 = 3600;
/// Hours, the present one included.
const HOURS: u64 = 25;
/// Below this, points that come and go are no share of anything.
const FEW: u64 = 20;

/// The most points of each hour, by collection.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Peaks(BTreeMap<String, BTreeMap<u64, u64>>);

impl Peaks {
    /// Takes in what there is now.
    pub fn take<'a>(&mut self, now: SystemTime, points: impl Iterator<Item = (&'a str, u64)>) {
        let hour = hour(now);
        for (name, points) in points {
            if !self.0.contains_key(name) && self.0.len() >= MOST {
                continue;
            }
            let of = self.0.entry(name.to_owned()).or_default();
            let most = of.entry(hour).or_default();
            *most = points.max(*most);
        }
        for hours in self.0.values_mut() {
            // Also what a clock that was wrong has left in the future.
            hours.retain(|at, _| *at <= hour && at + HOURS > hour);
        }
        self.0.retain(|_, hours| !hours.is_empty());
    }

    /// Each collection of the last day that had points, with the part of the most that it has now.
    pub fn left<'a>(
        &'a self,
        now: impl Fn(&str) -> Option<u64> + 'a,
    ) -> impl Iterator<Item = (&'a str, f64)> {
        self.0.iter().filter_map(move |(name, hours)| {
            let most = hours.values().max().copied().filter(|most| *most > 0)?;
            let left = match now(name).unwrap_or(0) {
                0 => 0.0,
                _ if most < FEW => 1.0,
                points => points as f64 / most as f64,
            };
            Some((name.as_str(), left))
        })
    }
}

fn hour(now: SystemTime) -> u64 {
    now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |since| since.as_secs() / HOUR)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(hours: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(hours * HOUR + 7)
    }

    fn left(peaks: &Peaks, now: &[(&str, u64)]) -> Vec<(String, f64)> {
        let points = |name: &str| now.iter().find(|(one, _)| *one == name).map(|(_, n)| *n);
        peaks.left(points).map(|(name, left)| (name.to_owned(), left)).collect()
    }

    #[test]
    fn what_is_gone_is_told_for_a_day_and_then_no_more() {
        let mut peaks = Peaks::default();
        peaks.take(at(100), [("a", 1000), ("few", 3), ("none", 0)].into_iter());
        peaks.take(at(101), [("a", 900), ("few", 2), ("none", 0)].into_iter());
        let now = [("a", 900), ("few", 2)];
        assert_eq!(left(&peaks, &now), [("a".into(), 0.9), ("few".into(), 1.0)]);
        // One is gone, and one is empty.
        assert_eq!(left(&peaks, &[("few", 0)]), [("a".into(), 0.0), ("few".into(), 0.0)]);
        peaks.take(at(125), [].into_iter());
        assert_eq!(left(&peaks, &[]).len(), 2, "within a day of the last look");
        peaks.take(at(126), [].into_iter());
        assert_eq!(left(&peaks, &[]), []);
    }

    #[test]
    fn a_clock_that_was_wrong_leaves_nothing_and_names_have_a_bound() {
        let mut peaks = Peaks::default();
        peaks.take(at(900), [("a", 5000)].into_iter());
        peaks.take(at(100), [("a", 50)].into_iter());
        assert_eq!(left(&peaks, &[("a", 50)]), [("a".into(), 1.0)]);
        let names: Vec<String> = (0..1000).map(|n| format!("c{n}")).collect();
        peaks.take(at(100), names.iter().map(|name| (name.as_str(), 1)));
        assert_eq!(peaks.0.len(), MOST);
        let text = serde_json::to_string(&peaks).unwrap();
        assert_eq!(serde_json::from_str::<Peaks>(&text).unwrap(), peaks);
    }
}
