//! When a file system will be full, if it goes on filling as it does.
//!
//! A burst is no trend: what counts is the slower one of two speeds, that of the last six hours and that of the
//! last one. So a download that has ended says nothing, and one that has just begun little. Nothing is said
//! of less than three hours.

use std::collections::{HashMap, VecDeque};
use std::time::Duration;

/// Of readings closer together the first one counts.
const STEP: Duration = Duration::from_mins(5);
/// The long range and the short one.
const LONG: Duration = Duration::from_hours(6);
const SHORT: Duration = Duration::from_hours(1);
/// What must have been seen.
const LEAST: Duration = Duration::from_hours(3);
/// What is further away is not told apart, in seconds: no trend of hours holds for a month.
pub const FAR: f64 = 30.0 * 86_400.0;

/// All file systems by device and mount point.
#[derive(Default)]
pub struct Trends(HashMap<(String, String), Trend>);

#[derive(Default)]
struct Trend {
    /// When, and the bytes that were left, the oldest first.
    points: VecDeque<(Duration, u64)>,
}

impl Trends {
    /// Takes in what is left of each, by device and mount point, and says in how many seconds each is full.
    /// Of a file system that is not among them nothing is kept.
    pub fn note<'a>(
        &mut self,
        now: Duration,
        left: impl Iterator<Item = (&'a str, &'a str, u64)>,
    ) -> Vec<Option<f64>> {
        let mut known = std::mem::take(&mut self.0);
        let full_in = |(device, mountpoint, left): (&str, &str, u64)| {
            let key = (device.to_owned(), mountpoint.to_owned());
            let mut trend = known.remove(&key).unwrap_or_default();
            trend.note(now, left);
            let full_in = trend.full_in(now, left);
            self.0.insert(key, trend);
            full_in
        };
        left.map(full_in).collect()
    }
}

impl Trend {
    fn note(&mut self, now: Duration, left: u64) {
        // A clock that was set back makes what came before useless.
        self.points.retain(|(at, _)| now.checked_sub(*at).is_some_and(|ago| ago <= LONG + STEP));
        if self.points.back().is_none_or(|(at, _)| now.saturating_sub(*at) >= STEP) {
            self.points.push_back((now, left));
        }
    }

    fn full_in(&self, now: Duration, left: u64) -> Option<f64> {
        let (first, _) = self.points.front()?;
        if now.checked_sub(*first)? < LEAST {
            return None;
        }
        let speed = self.speed(now, LONG + STEP)?.min(self.speed(now, SHORT + STEP)?);
        if speed <= 0.0 {
            return Some(FAR);
        }
        Some((left as f64 / speed).min(FAR))
    }

    /// Bytes a second that went in the last time, by least squares.
    fn speed(&self, now: Duration, range: Duration) -> Option<f64> {
        let near = self.points.iter().filter(|(at, _)| now.saturating_sub(*at) <= range);
        let near: Vec<(f64, f64)> =
            near.map(|(at, left)| (-now.saturating_sub(*at).as_secs_f64(), *left as f64)).collect();
        if near.len() < 3 {
            return None;
        }
        let count = near.len() as f64;
        let mean_at = near.iter().map(|(at, _)| at).sum::<f64>() / count;
        let mean_left = near.iter().map(|(_, left)| left).sum::<f64>() / count;
        let together: f64 = near.iter().map(|(at, left)| (at - mean_at) * (left - mean_left)).sum();
        let alone: f64 = near.iter().map(|(at, _)| (at - mean_at).powi(2)).sum();
        (alone > 0.0).then(|| -together / alone)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const GIB: u64 = 1 << 30;
    const DAY: f64 = 86_400.0;

    /// A reading a minute; what is left, by the minute, and what is said of it at the end.
    fn after(minutes: u32, left: impl Fn(u32) -> u64) -> Option<f64> {
        let mut trends = Trends::default();
        let mut said = None;
        for minute in 0..=minutes {
            let now = Duration::from_hours(400_000) + Duration::from_mins(u64::from(minute));
            let file_systems = [("/dev/a", "/", left(minute)), ("/dev/b", "/b", GIB)];
            let all = trends.note(now, file_systems.into_iter());
            assert!(all[1].is_none_or(|far| far >= FAR));
            said = all[0];
        }
        said
    }

    #[test]
    fn a_steady_course_is_told_after_three_hours() {
        // 1 MiB a minute of what was 1 GiB: 1024 minutes in all.
        let left = |minute: u32| GIB - u64::from(minute) * (1 << 20);
        assert_eq!(after(179, left), None);
        for minutes in [180, 360, 600] {
            let said = after(minutes, left).unwrap();
            let expected = f64::from(1024 - minutes) * 60.0;
            assert!((said - expected).abs() < 0.01 * expected, "{minutes}: {said} {expected}");
        }
    }

    /// 50 GiB come within half an hour, of a disk with 60 GiB left.
    #[test]
    fn a_burst_is_no_trend() {
        let burst = |from: u32| {
            move |minute: u32| {
                60 * GIB - u64::from(minute.saturating_sub(from).min(30)) * (5 * GIB / 3)
            }
        };
        // Three hours and more after it began.
        for minutes in [480, 600, 700] {
            assert!(after(minutes, burst(300)).unwrap() >= 10.0 * DAY, "{minutes}");
        }
        // While it lasts nobody can know; it takes long before the long range believes it.
        let soon = after(310, burst(300)).unwrap();
        assert!(soon > 3.0 * 3600.0, "{soon}");
    }

    /// A job that writes at night and clears up again.
    #[test]
    fn what_comes_and_goes_is_no_trend() {
        let left = |minute: u32| 20 * GIB - u64::from(minute % 60) * (GIB / 60);
        for minutes in [200, 359, 361, 719] {
            let said = after(minutes, left).unwrap();
            assert!(said > DAY, "{minutes}: {said}");
        }
        assert!(after(400, |minute| GIB + u64::from(minute)).unwrap() >= FAR);
    }

    #[test]
    fn a_clock_that_is_set_back_begins_anew() {
        let mut trend = Trend::default();
        for minute in 0..300 {
            trend.note(Duration::from_mins(10_000 + minute), GIB - minute);
        }
        trend.note(Duration::from_mins(10), GIB);
        assert_eq!(trend.points.len(), 1);
        assert!(trend.full_in(Duration::from_mins(10), GIB).is_none());
    }
}
