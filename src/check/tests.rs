//! `check` and the rules agree: the values with which promtool tests the rules are judged here.

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
            sink.sample(&labels, self.value);
        }
    }
}

/// Whether the series that is to keep the signal quiet is 1; 0 else.
#[derive(Clone, Copy, PartialEq)]
enum Muted {
    Yes,
    No,
}

fn reading(area: &Area, signal: &Signal, value: f64, muted: Muted) -> Reading {
    let measure = &signal.measure;
    let mut batch = Batch::new();
    let scale = if measure.per.is_some() { 8.0 } else { 1.0 };
    batch.push(Box::new(Fake::of(area, measure.metric, &[measure.select], value * scale)));
    if let Some((divisor, _)) = measure.per {
        batch.push(Box::new(Fake::of(area, divisor, &[measure.select], 8.0)));
    }
    if let Some(other) = measure.unless {
        let selections = [other.select, measure.select];
        let value = f64::from(u8::from(muted == Muted::Yes));
        batch.push(Box::new(Fake::of(area, other.metric, &selections, value)));
    }
    Reading::new(batch)
}

/// The verdict of `check` on a signal whose measure comes out as `value`.
fn verdict(
    area: &'static Area,
    signal: &'static Signal,
    limit: Option<(Severity, f64)>,
    value: f64,
    muted: Muted,
) -> Option<Verdict> {
    let limit = limit.map(|(severity, value)| Threshold {
        signal: signal.name,
        severity,
        value,
        configured: true,
    });
    let now = match signal.measure.fold {
        Fold::Level => value,
        Fold::Rate => value * 10.0 + 100.0,
        Fold::Increase => value + 100.0,
    };
    let mut previous = reading(area, signal, 100.0, muted);
    previous.clock = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
    let present = Arc::new(reading(area, signal, now, muted));
    let snapshot = Snapshot::judged(area, limit.into_iter().collect(), present, &previous);
    judge(&snapshot).findings.first().map(|finding| finding.verdict)
}

#[test]
fn check_and_rule_agree_on_both_sides_of_every_threshold() {
    let all = CATALOGUE.signals().chain(examples::CATALOGUE.signals());
    for (area, signal) in all.filter(|(_, signal)| !signal.is_up()) {
        for severity in Severity::ALL {
            let Example { threshold, bad, good } = Example::of(signal, severity);
            // A rate is computed from clocks; a hair keeps it on its side.
            let limit = Some((severity, threshold));
            let at = |value| verdict(area, signal, limit, value, Muted::No);
            assert_eq!(at(bad), Some(severity.into()), "{} {} at {bad}", area.name, signal.name);
            assert_eq!(at(good), Some(Verdict::Ok), "{} {} at {good}", area.name, signal.name);
            if signal.measure.unless.is_some() {
                let muted = verdict(area, signal, limit, bad, Muted::Yes);
                assert_eq!(muted, None, "{} {} is muted and judged", area.name, signal.name);
            }
            let off = verdict(area, signal, None, bad, Muted::No);
            assert_eq!(off, None, "{} {} is off and still judged", area.name, signal.name);
        }
    }
}
