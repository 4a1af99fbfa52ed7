//! How a queue moves, by what it was at earlier readings, pure: time until it is empty, and jobs that went
//! without anybody having had them.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use super::model::{Observed, State};

/// Over this long it is seen whether fewer wait: long enough for some readings, short enough to see a change.
const WINDOW: Duration = Duration::from_mins(1);
/// Readings that are kept; more often than each second nobody needs to know.
const MOST: usize = 64;

/// What is remembered of one queue.
#[derive(Default)]
pub struct Flow {
    /// Jobs that waited, the latest last; the first is at least [`WINDOW`] old, once there is one.
    waited: VecDeque<(SystemTime, u64)>,
    passed: Option<Passed>,
    lost: u64,
}

/// Jobs that are in a queue, and all that have left it as they should; of one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Passed {
    pub held: u64,
    /// Since the source began to count, so it may begin anew.
    pub out: u64,
}

/// What a reading says together with earlier ones.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Moved {
    /// Seconds until none waits if it goes on like this, infinite while not fewer wait than before; absent until
    /// that is known.
    pub drain: Option<f64>,
    /// Jobs that are gone and were neither given out nor ended, where the source tells what was.
    pub lost: Option<u64>,
}

impl Flow {
    pub fn note(&mut self, seen: &Observed, now: SystemTime) -> Moved {
        let drain = seen.jobs.get(&State::Pending).and_then(|waits| self.drain(*waits, now));
        let lost = seen.passed.map(|passed| self.lost(passed));
        Moved { drain, lost }
    }

    fn drain(&mut self, waits: u64, now: SystemTime) -> Option<f64> {
        let age = |at: &SystemTime| now.duration_since(*at).ok();
        // A clock that was set back begins anew.
        if self.waited.back().is_some_and(|(at, _)| age(at).is_none()) {
            self.waited.clear();
        }
        let old = |entry: &(SystemTime, u64)| age(&entry.0).is_some_and(|age| age >= WINDOW);
        while self.waited.get(1).is_some_and(old) || self.waited.len() >= MOST {
            self.waited.pop_front();
        }
        self.waited.push_back((now, waits));
        let (at, before) = *self.waited.front()?;
        let took = age(&at).filter(|took| *took >= WINDOW)?;
        if waits == 0 {
            return Some(0.0);
        }
        let fewer = before.checked_sub(waits).filter(|fewer| *fewer > 0);
        Some(fewer.map_or(f64::INFINITY, |fewer| waits as f64 * took.as_secs_f64() / fewer as f64))
    }

    fn lost(&mut self, now: Passed) -> u64 {
        if let Some(before) = self.passed.replace(now) {
            // Whoever has begun to count anew has counted these since.
            let out = now.out.checked_sub(before.out).unwrap_or(now.out);
            let gone = before.held.saturating_sub(now.held).saturating_sub(out);
            self.lost = self.lost.saturating_add(gone);
        }
        self.lost
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn the_time_to_empty_follows_the_last_minute() {
        let mut flow = Flow::default();
        let mut drain = |seconds: u64, waits: u64| {
            let jobs = [(State::Pending, waits)].into();
            flow.note(&Observed { jobs, ..Observed::named("q") }, at(seconds)).drain
        };
        assert_eq!(drain(0, 100), None);
        assert_eq!(drain(30, 130), None, "less than a minute is no trend");
        assert_eq!(drain(60, 160), Some(f64::INFINITY));
        // 30 fewer than a minute ago.
        assert_eq!(drain(90, 100), Some(200.0));
        assert_eq!(drain(120, 40), Some(20.0));
        assert_eq!(drain(150, 0), Some(0.0));
        assert_eq!(drain(100, 50), None, "the clock was set back");
        assert_eq!(drain(160, 50), Some(f64::INFINITY), "as many as before");
    }

    #[test]
    fn many_readings_take_a_bounded_room() {
        let mut flow = Flow::default();
        for milliseconds in 0..10_000 {
            let now = SystemTime::UNIX_EPOCH + Duration::from_millis(milliseconds);
            assert_eq!(flow.drain(5, now), None);
        }
        assert!(flow.waited.len() <= MOST);
    }

    #[test]
    fn jobs_that_nobody_had_are_lost() {
        let mut flow = Flow::default();
        let mut lost = |held, out| flow.lost(Passed { held, out });
        assert_eq!(lost(10, 100), 0);
        assert_eq!(lost(7, 103), 0, "three were done");
        assert_eq!(lost(12, 104), 0, "new ones came");
        assert_eq!(lost(0, 106), 10, "two were done, ten are gone");
        assert_eq!(lost(4, 106), 10);
        // Started anew with an empty queue: what it has done since is counted.
        assert_eq!(lost(0, 1), 13);
    }
}
