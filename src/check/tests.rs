//! `check` and the rules agree: the values with which promtool tests the rules are judged here.

pub(super) mod samples;

use std::any::TypeId;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Verdict, judge};
use crate::catalogue::{Area, Batch, Fold, Match, RowSet, Severity, Signal, Sink, examples};
use crate::collectors::CATALOGUE;
use crate::engine::{OWN_AREA, Reading, Snapshot, Threshold};
use crate::generate::{Example, example_labels};

/// One sample of any metric, whatever its row type.
struct Fake {
    row_type: TypeId,
    index: usize,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

impl Fake {
    fn of(area: &Area, metric: &str, selections: &[&[Match]], value: f64) -> Self {
        let place = area.locate(metric).or_else(|| OWN_AREA.locate(metric));
        let (row_type, index) = place.expect("a metric of the area");
        let labels = example_labels(area, metric, selections).into_iter().collect();
        Self { row_type, index, labels, value }
    }
}

impl RowSet for Fake {
    fn row_type(&self) -> TypeId {
        self.row_type
    }

    fn len(&self) -> usize {
        1
    }

    fn metrics(&self) -> usize {
        self.index + 1
    }

    fn emit(&self, metric: usize, sink: &mut dyn Sink) {
        if metric == self.index {
            let labels: Vec<_> = self.labels.iter().map(|(k, v)| (*k, v.as_str())).collect();
            sink.sample(&labels, &[], self.value);
        }
    }
}

/// Whether the series that is to keep the signal quiet is 1; 0 else.
#[derive(Clone, Copy, PartialEq)]
enum Muted {
    Yes,
    No,
}

/// A reading in which the counters or levels of the measure and of its divisor have these values, so
/// many seconds after the first.
fn reading(
    area: &Area,
    signal: &Signal,
    (value, divisor): (f64, f64),
    muted: Muted,
    at: f64,
) -> Reading {
    let measure = &signal.measure;
    let mut batch = Batch::new();
    batch.push(Box::new(Fake::of(area, measure.metric, &[measure.select], value)));
    if let Some((metric, _)) = measure.per {
        batch.push(Box::new(Fake::of(area, metric, &[measure.select], divisor)));
    }
    if let Some(other) = measure.unless {
        let selections = [other.select, measure.select];
        let value = f64::from(u8::from(muted == Muted::Yes));
        batch.push(Box::new(Fake::of(area, other.metric, &selections, value)));
    }
    for and in measure.others() {
        let beyond = and.direction.beyond(and.bound);
        let counted = if and.rate_per.is_some() { at * beyond * DIVISOR } else { beyond };
        batch.push(Box::new(Fake::of(area, and.metric, &[measure.select], counted)));
        if let Some(per) = and.rate_per {
            batch.push(Box::new(Fake::of(area, per, &[measure.select], DIVISOR)));
        }
    }
    Reading::new(batch)
}

/// The usual divisor.
const DIVISOR: f64 = 8.0;
/// Where counters start.
const START: f64 = 100.0;

/// What a counter has reached ten seconds after its start, or what a level is, so that it comes out
/// as `value` once it is folded.
fn reached(fold: Fold, value: f64) -> f64 {
    match fold {
        Fold::Level | Fold::Predict => value,
        Fold::Rate => START + value * 10.0,
        Fold::Increase => START + value,
    }
}

/// The verdict of `check` on a signal whose measure comes out as `value`, or, where it is
/// divided, as eight times `value` over `divisor`.
fn verdict_per(
    area: &'static Area,
    signal: &'static Signal,
    limit: Option<(Severity, f64)>,
    (value, divisor): (f64, f64),
    muted: Muted,
) -> Option<Verdict> {
    let limit = limit.map(|(severity, value)| Threshold {
        signal: signal.name,
        severity,
        value,
        configured: true,
    });
    let measure = &signal.measure;
    let value = if measure.per.is_some() { value * DIVISOR } else { value };
    let changes = measure.changes_divisor(area);
    let divisor = if changes { reached(measure.fold, divisor) } else { divisor };
    let mut previous = reading(area, signal, (START, START), muted, 0.0);
    previous.clock = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
    let now = (reached(measure.fold, value), divisor);
    let present = Arc::new(reading(area, signal, now, muted, 10.0));
    let snapshot = Snapshot::judged(area, limit.into_iter().collect(), present, &previous);
    judge(&snapshot).findings.first().map(|finding| finding.verdict)
}

fn verdict(
    area: &'static Area,
    signal: &'static Signal,
    limit: Option<(Severity, f64)>,
    value: f64,
    muted: Muted,
) -> Option<Verdict> {
    verdict_per(area, signal, limit, (value, DIVISOR), muted)
}

#[test]
fn check_and_rule_agree_on_both_sides_of_every_threshold() {
    let all = CATALOGUE.signals().chain(examples::CATALOGUE.signals());
    for (area, signal) in all.filter(|(_, signal)| !signal.is_up()) {
        for severity in signal.severities() {
            let Example { threshold, bad, good } = Example::of(signal, severity);
            // A rate is computed from clocks; a hair keeps it on its side.
            let limit = Some((severity, threshold));
            let at = |value| verdict(area, signal, limit, value, Muted::No);
            let told = |verdict| match signal.measure.fold {
                Fold::Predict => Some(Verdict::NeedsHistory),
                _ => Some(verdict),
            };
            assert_eq!(at(bad), told(severity.into()), "{} {} at {bad}", area.name, signal.name);
            assert_eq!(at(good), told(Verdict::Ok), "{} {} at {good}", area.name, signal.name);
            if signal.measure.unless.is_some() {
                let muted = verdict(area, signal, limit, bad, Muted::Yes);
                assert_eq!(muted, None, "{} {} is muted and judged", area.name, signal.name);
            }
            if signal.measure.per.is_some() {
                for value in [bad, 0.0] {
                    let idle = verdict_per(area, signal, limit, (value, 0.0), Muted::No);
                    assert_eq!(idle, None, "{} {}: {value} over 0", area.name, signal.name);
                }
            }
            let off = verdict(area, signal, None, bad, Muted::No);
            assert_eq!(off, None, "{} {} is off and still judged", area.name, signal.name);
        }
    }
}
