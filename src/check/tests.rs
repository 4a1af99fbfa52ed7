//! `check` and the rules agree: the values with which promtool tests the rules are judged here.

use std::any::TypeId;
use std::sync::Arc;
use std::time::{Duration, Instant};

use super::{Verdict, judge};
use crate::catalogue::{Area, Batch, Fold, Match, RowSet, Severity, Signal, Sink};
use crate::collectors::CATALOGUE;
use crate::engine::{Reading, Snapshot, Threshold};
use crate::generate::Example;

/// One sample of any metric, whatever its row type.
struct Fake {
    row_type: TypeId,
    index: usize,
    labels: Vec<(&'static str, String)>,
    value: f64,
}

impl Fake {
    /// Labels that satisfy the selection.
    fn of(metric: &str, select: &[Match], value: f64) -> Self {
        let (row_type, index) = CATALOGUE.locate(metric).expect("a metric of the catalogue");
        let (_, facts) = CATALOGUE.metrics().find(|(_, facts)| facts.name == metric).unwrap();
        let chosen = |name| {
            let matcher = select.iter().find(|m| m.label == name && !m.not);
            matcher.map_or("x", |m| m.values[0]).to_owned()
        };
        let labels = facts.labels.into_iter().map(|name| (name, chosen(name))).collect();
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

fn reading(signal: &Signal, value: f64) -> Reading {
    let measure = &signal.measure;
    let mut batch = Batch::new();
    let scale = if measure.per.is_some() { 8.0 } else { 1.0 };
    batch.push(Box::new(Fake::of(measure.metric, measure.select, value * scale)));
    if let Some((divisor, _)) = measure.per {
        batch.push(Box::new(Fake::of(divisor, &[], 8.0)));
    }
    Reading::new(batch)
}

/// The verdict of `check` on a signal whose measure comes out as `value`.
fn verdict(
    area: &'static Area,
    signal: &'static Signal,
    limit: Option<(Severity, f64)>,
    value: f64,
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
    let mut previous = reading(signal, 100.0);
    previous.clock = Instant::now().checked_sub(Duration::from_secs(10)).unwrap();
    let present = Arc::new(reading(signal, now));
    let snapshot = Snapshot::judged(area, limit.into_iter().collect(), present, &previous);
    judge(&snapshot).findings.first().map(|finding| finding.verdict)
}

#[test]
fn check_and_rule_agree_on_both_sides_of_every_threshold() {
    for (area, signal) in CATALOGUE.signals().filter(|(_, signal)| !signal.is_up()) {
        for severity in Severity::ALL {
            let Example { threshold, bad, good } = Example::of(signal, severity);
            // A rate is computed from clocks; a hair keeps it on its side.
            let limit = Some((severity, threshold));
            let at = |value| verdict(area, signal, limit, value);
            assert_eq!(at(bad), Some(severity.into()), "{} {} at {bad}", area.name, signal.name);
            assert_eq!(at(good), Some(Verdict::Ok), "{} {} at {good}", area.name, signal.name);
            let off = verdict(area, signal, None, bad);
            assert_eq!(off, None, "{} {} is off and still judged", area.name, signal.name);
        }
    }
}
