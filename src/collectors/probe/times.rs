//! How long a probe has taken so far: kept over a reload, as long as it asks the same address.

use std::collections::VecDeque;
use std::time::{Duration, SystemTime};

use crate::catalogue::Histogram;
use crate::failure::Reason;

/// Ten buckets with the one above: the guides' limits are among them.
const BOUNDS: [f64; 9] = [0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0];
/// The time over which the share of slow answers is taken, and its steps.
const WINDOW: Duration = Duration::from_mins(15);
const STEP: Duration = Duration::from_secs(15);
/// Of fewer readings no share is told: one a minute makes fifteen of them.
const ENOUGH: u32 = 10;
/// A single slow one is none, however few there are beside it.
const SOME: u32 = 2;
/// What fails for two minutes is down, and told as that: so many steps in a row.
const DOWN: u64 = 8;

/// Readings of one step of time: those that got their answer, those of them that were slow, and those
/// that failed.
#[derive(Clone, Copy, Debug)]
struct Slot {
    step: u64,
    all: u32,
    slow: u32,
    failed: u32,
}

impl Slot {
    const fn is_down(&self) -> bool {
        self.all == 0
    }
}

/// In which phase it failed and why; nothing if it is well.
#[derive(Clone, Copy, Debug)]
struct Told(Option<(&'static str, Reason)>);

#[derive(Debug)]
pub struct Times {
    durations: Histogram,
    slots: VecDeque<Slot>,
    /// The limit by which the slots were counted.
    limit: Duration,
    /// What was told last, for the log: the phase and the reason, or that it is well.
    told: Option<Told>,
    /// When what the server presented last begins to fail.
    fails_at: Option<i64>,
}

impl Default for Times {
    fn default() -> Self {
        let limit = Duration::ZERO;
        Self {
            durations: Histogram::new(&BOUNDS),
            slots: VecDeque::new(),
            limit,
            told: None,
            fails_at: None,
        }
    }
}

impl Times {
    /// Takes a reading: the time of an answer, or nothing where it failed.
    pub fn note(&mut self, took: Option<Duration>, limit: Duration, now: SystemTime) {
        if let Some(took) = took {
            self.durations.observe(took.as_secs_f64());
        }
        if self.limit != limit {
            self.slots.clear();
            self.limit = limit;
        }
        let step = step(now);
        if self.slots.back().is_none_or(|last| last.step != step) {
            self.slots.push_back(Slot { step, all: 0, slow: 0, failed: 0 });
        }
        if let Some(last) = self.slots.back_mut() {
            let count = |of: &mut u32, is: bool| *of = of.saturating_add(u32::from(is));
            count(&mut last.all, took.is_some());
            count(&mut last.slow, took.is_some_and(|took| took > limit));
            count(&mut last.failed, took.is_none());
        }
    }

    pub fn durations(&self) -> &Histogram {
        &self.durations
    }

    /// The share of slow answers, if there were enough to speak of one.
    pub fn slow_ratio(&mut self, now: SystemTime) -> Option<f64> {
        let (all, slow, _) = self.sums(now);
        let slow = if slow < SOME { 0 } else { slow };
        (all >= ENOUGH).then(|| f64::from(slow) / f64::from(all))
    }

    /// The share of those that failed, if there were enough to speak of one. Those of an outage are left
    /// out: they would be told a second time, when it is over.
    pub fn failed_ratio(&mut self, now: SystemTime) -> Option<f64> {
        let (well, _, failed) = self.sums(now);
        let all = well.saturating_add(failed);
        let by_turns = failed.saturating_sub(self.of_outages());
        (all >= ENOUGH).then(|| f64::from(by_turns) / f64::from(all))
    }

    /// Failures of the times in which nothing else came for long.
    fn of_outages(&self) -> u32 {
        let slots: Vec<&Slot> = self.slots.iter().collect();
        let runs = slots.chunk_by(|one, next| one.is_down() && next.is_down());
        let long = runs.filter(|run| match run {
            [first, .., last] => last.step - first.step >= DOWN,
            _ => false,
        });
        long.flatten().map(|slot| slot.failed).fold(0, u32::saturating_add)
    }

    fn sums(&mut self, now: SystemTime) -> (u32, u32, u32) {
        let (now, steps) = (step(now), WINDOW.as_secs() / STEP.as_secs());
        // A clock that was set back makes steps of the future.
        self.slots.retain(|slot| slot.step <= now && slot.step + steps > now);
        let sum = |of: fn(&Slot) -> u32| self.slots.iter().map(of).fold(0, u32::saturating_add);
        (sum(|slot| slot.all), sum(|slot| slot.slow), sum(|slot| slot.failed))
    }

    /// When what is presented begins to fail: as seen now, else as it was seen last.
    pub fn fails_at(&mut self, seen: Option<i64>) -> Option<i64> {
        self.fails_at = seen.or(self.fails_at);
        self.fails_at
    }

    /// Whether what is told has changed, and is to be logged.
    pub fn is_news(&mut self, failed: Option<(&'static str, Reason)>) -> bool {
        let was = self.told.replace(Told(failed));
        was.is_none_or(|was| was.0 != failed)
    }
}

fn step(at: SystemTime) -> u64 {
    at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs() / STEP.as_secs()
}

#[cfg(test)]
mod tests {
    use super::*;

    const LIMIT: Duration = Duration::from_millis(50);
    const FAST: Duration = Duration::from_millis(10);
    const SLOW: Duration = Duration::from_millis(60);

    /// Single slow samples wake nobody: a twentieth is what `p95` means. [B03]
    #[test]
    fn a_share_is_of_fifteen_minutes_and_of_enough() {
        let mut times = Times::default();
        let start = SystemTime::UNIX_EPOCH + Duration::from_hours(400_000);
        let at = |seconds: u64| start + Duration::from_secs(seconds);
        for n in 0..9 {
            times.note(Some(FAST), LIMIT, at(n * 60));
            assert_eq!(times.slow_ratio(at(n * 60)), None);
        }
        times.note(Some(SLOW), LIMIT, at(9 * 60));
        assert_eq!(times.slow_ratio(at(9 * 60)), Some(0.0), "a single one is none");
        times.note(Some(SLOW), LIMIT, at(10 * 60));
        assert_eq!(times.slow_ratio(at(10 * 60)), Some(2.0 / 11.0), "one reading a minute");
        times.note(Some(LIMIT), LIMIT, at(11 * 60));
        assert_eq!(times.slow_ratio(at(11 * 60)), Some(2.0 / 12.0), "the limit itself is not slow");
        // All of it is over.
        assert_eq!(times.slow_ratio(at(3600)), None);
        assert_eq!(times.durations().count(), 12);
        assert_eq!(times.durations().buckets().len(), 10);
        // Another limit counts anew, and the clock may step.
        times.note(Some(SLOW), SLOW, at(10));
        assert_eq!((times.slow_ratio(at(10)), times.durations().count()), (None, 13));
        assert!(times.slots.len() <= 1);
    }

    /// One server of two behind a proxy is gone: every second probe fails, and none fails for long. [B01]
    #[test]
    fn half_dead_is_half_failed() {
        let mut times = Times::default();
        let start = SystemTime::UNIX_EPOCH + Duration::from_hours(400_000);
        let at = |n: u64| start + Duration::from_secs(n * 15);
        for n in 0..18 {
            times.note((n % 2 == 1).then_some(FAST), LIMIT, at(n));
            let told = times.failed_ratio(at(n));
            assert_eq!(told.is_some(), n >= 9, "{n}");
        }
        assert_eq!(times.failed_ratio(at(17)), Some(0.5));
        assert_eq!((times.slow_ratio(at(17)), times.durations().count()), (None, 9));
        // It is down for nearly, and for more than, as long as it takes to be told as that.
        for (failed, share) in [(8, 17.0 / 26.0), (9, 9.0 / 27.0)] {
            let mut times = Times { slots: times.slots.clone(), limit: LIMIT, ..Times::default() };
            (18..18 + failed).for_each(|n| times.note(None, LIMIT, at(n)));
            assert_eq!(times.failed_ratio(at(17 + failed)), Some(share));
        }
        assert_eq!(times.failed_ratio(at(100)), None, "it is over");
    }

    #[test]
    fn only_changes_are_news() {
        let mut times = Times::default();
        let refused = Some(("connect", Reason::REFUSED));
        assert!(times.is_news(None) && !times.is_news(None));
        assert!(times.is_news(refused) && !times.is_news(refused));
        assert!(times.is_news(Some(("resolve", Reason::DNS))) && times.is_news(None));
    }
}
