//! The counters that are judged by their change, over the window of the rules.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use super::snapshot::{Sample, samples};
use super::target::Target;
use crate::catalogue::Batch;

/// As far back as the rules look; `WINDOW` of the signals.
const WINDOW: Duration = Duration::from_mins(5);
/// Readings of streams come every second; this many of them are enough.
const SPACING: Duration = Duration::from_secs(10);

/// The judged counters of one reading, by metric.
#[derive(Clone, Debug)]
pub struct Counters {
    pub clock: Instant,
    values: Vec<(&'static str, Vec<Sample>)>,
}

impl Counters {
    pub(super) fn of(target: &Target, batch: &Batch, clock: Instant) -> Self {
        let area = target.area;
        let measures = area.signals.iter().map(|signal| &signal.measure);
        let changing = measures.filter(|measure| measure.fold.is_change()).flat_map(|measure| {
            let divisor = measure.per.filter(|_| measure.changes_divisor(area));
            std::iter::once(measure.metric).chain(divisor.map(|(metric, _)| metric))
        });
        let mut values: Vec<(&'static str, Vec<Sample>)> = Vec::new();
        for metric in changing {
            if values.iter().all(|(known, _)| *known != metric) {
                values.push((metric, samples(area, batch.sets(), metric)));
            }
        }
        Self { clock, values }
    }

    pub fn samples(&self, metric: &str) -> &[Sample] {
        self.values.iter().find(|(name, _)| *name == metric).map_or(&[], |(_, samples)| samples)
    }
}

/// Notes the counters of a reading and forgets what lies before the window.
pub(super) fn note(history: &mut VecDeque<Counters>, target: &Target, batch: &Batch) {
    let now = Instant::now();
    while history.get(1).is_some_and(|second| now.duration_since(second.clock) > WINDOW) {
        history.pop_front();
    }
    let due = history.back().is_none_or(|last| now.duration_since(last.clock) >= SPACING);
    if due {
        history.push_back(Counters::of(target, batch, now));
    }
}
