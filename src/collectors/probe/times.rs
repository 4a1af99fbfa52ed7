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
/// Of fewer answers no share is told: a twentieth of them is less than one.
const ENOUGH: u32 = 20;

/// Answers of one step of time.
#[derive(Clone, Copy, Debug)]
struct Slot {
    step: u64,
    all: u32,
    slow: u32,
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
}

impl Default for Times {
    fn default() -> Self {
        let limit = Duration::ZERO;
        Self { durations: Histogram::new(&BOUNDS), slots: VecDeque::new(), limit, told: None }
    }
}

impl Times {
    /// Takes the time of an answer.
    pub fn note(&mut self, took: Duration, limit: Duration, now: SystemTime) {
        self.durations.observe(took.as_secs_f64());
        if self.limit != limit {
            self.slots.clear();
            self.limit = limit;
        }
        let step = step(now);
        if self.slots.back().is_none_or(|last| last.step != step) {
            self.slots.push_back(Slot { step, all: 0, slow: 0 });
        }
        if let Some(last) = self.slots.back_mut() {
            last.all = last.all.saturating_add(1);
            last.slow = last.slow.saturating_add(u32::from(took > limit));
        }
    }

    pub fn durations(&self) -> &Histogram {
        &self.durations
    }

    /// The share of slow answers, if there were enough to speak of one.
    pub fn slow_ratio(&mut self, now: SystemTime) -> Option<f64> {
        let (now, steps) = (step(now), WINDOW.as_secs() / STEP.as_secs());
        // A clock that was set back makes steps of the future.
        self.slots.retain(|slot| slot.step <= now && slot.step + steps > now);
        let sum = |of: fn(&Slot) -> u32| self.slots.iter().map(of).fold(0, u32::saturating_add);
        let (all, slow) = (sum(|slot| slot.all), sum(|slot| slot.slow));
        (all >= ENOUGH).then(|| f64::from(slow) / f64::from(all))
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
        for n in 0..19 {
            times.note(FAST, LIMIT, at(n * 15));
            assert_eq!(times.slow_ratio(at(n * 15)), None);
        }
        times.note(SLOW, LIMIT, at(19 * 15));
        assert_eq!(times.slow_ratio(at(19 * 15)), Some(0.05));
        times.note(LIMIT, LIMIT, at(20 * 15));
        assert!(times.slow_ratio(at(20 * 15)) < Some(0.05), "the limit itself is not slow");
        // All of it is over.
        assert_eq!(times.slow_ratio(at(3600)), None);
        assert_eq!(times.durations().count(), 21);
        assert_eq!(times.durations().buckets().len(), 10);
        // Another limit counts anew, and the clock may step.
        times.note(SLOW, SLOW, at(10));
        assert_eq!((times.slow_ratio(at(10)), times.durations().count()), (None, 22));
        assert!(times.slots.len() <= 1);
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
