//! Applies signals and thresholds to a snapshot.

use std::collections::BTreeMap;

use super::report::{Blind, Finding, Idle, Report, Verdict};
use crate::catalogue::{And, Area, Fold, Match, Measure, Severity, Signal, Unless};
use crate::engine::{Entry, Sample, Snapshot, Target, idle_keys, samples};

/// A change needs two readings that lie apart, in seconds.
const LEAST_HISTORY: f64 = 0.5;

/// Judges every signal of every target that has a threshold for it.
pub fn judge(snapshot: &Snapshot) -> Report {
    let mut report =
        Report { at: snapshot.at, findings: Vec::new(), blind: Vec::new(), idle: Vec::new() };
    for entry in &snapshot.entries {
        let Some(target) = &entry.target else { continue };
        let found: Vec<Finding> =
            target.area.signals.iter().flat_map(|one| findings(entry, target, one)).collect();
        let mut unseen = blind(entry, target);
        for blind in &mut unseen {
            blind.told = found.iter().any(|finding| tells(finding, blind));
        }
        report.findings.extend(found);
        report.blind.extend(unseen);
        report.idle.extend(idle(entry, target));
    }
    report.findings.sort_by_key(|finding| std::cmp::Reverse(finding.verdict));
    report.blind.sort_by_key(|blind| std::cmp::Reverse(blind.verdict));
    report
}

/// Signals on a part that cannot be read, by area, with what the part is called: such a part is
/// found out of bounds and is not visible, and is one trouble.
const PARTS: [(&str, &str, &str); 5] = [
    ("nats", "endpoint_up", "(/"),
    ("postgres", "login", "a trial log-in"),
    ("host", "disk_unreadable", "the file system "),
    ("logs", "unreadable_files", "a part of the log"),
    ("logs", "state_saved", "the memory over a restart"),
];

/// Whether a finding says what a blind spot says.
pub(super) fn tells(finding: &Finding, blind: &Blind) -> bool {
    let Some(what) = &blind.what else { return false };
    let part = |(area, signal, part): &(&str, &str, &str)| {
        *area == finding.area
            && *area == blind.area
            && *signal == finding.signal.name
            && what.contains(part)
    };
    finding.verdict >= Verdict::Warning
        && finding.target == blind.target
        && PARTS.iter().any(part)
        && finding.labels.iter().all(|(label, value)| {
            !matches!(*label, "endpoint" | "mountpoint") || what.contains(value.as_str())
        })
}

/// The thresholds of one signal for one thing, the highest severity first.
struct Limits(Vec<(Severity, f64)>);

impl Limits {
    fn of(entry: &Entry, target: &Target, signal: &Signal, sample: &Sample) -> Self {
        let mut all = target.thresholds.of(entry.exceptions(), signal, sample);
        all.reverse();
        Self(all)
    }

    /// The threshold that is met first.
    fn nearest(&self) -> Option<f64> {
        self.0.last().map(|(_, limit)| *limit)
    }

    /// The verdict on a value, and the threshold that decided. Of two severities that only time
    /// tells apart it is the lower one: how long it has lasted is not known here.
    fn judge(&self, signal: &Signal, value: f64) -> (Verdict, Option<f64>) {
        let breached = |(_, limit): &&(Severity, f64)| signal.direction.breached(value, *limit);
        let Some((highest, limit)) = self.0.iter().find(breached) else {
            return (Verdict::Ok, self.nearest());
        };
        let sooner = |(severity, of): &&(Severity, f64)| {
            of.total_cmp(limit).is_eq() && signal.hold_of(*severity) < signal.hold_of(*highest)
        };
        let severity = self.0.iter().rfind(sooner).map_or(*highest, |(severity, _)| *severity);
        (Verdict::from(severity), Some(*limit))
    }
}

/// The severities whose threshold a value of a thing with these labels breaches, the lowest first:
/// what the rules of each would say, but for how long it must last.
pub fn breached(
    entry: &Entry,
    signal: &'static Signal,
    labels: &[(&'static str, String)],
    value: f64,
) -> Vec<Severity> {
    let Some(target) = &entry.target else { return Vec::new() };
    let sample = Sample { labels: labels.to_vec(), value };
    let Limits(all) = Limits::of(entry, target, signal, &sample);
    let beyond = |(severity, limit): &(Severity, f64)| {
        signal.direction.breached(value, *limit).then_some(*severity)
    };
    all.iter().rev().filter_map(beyond).collect()
}

fn findings(entry: &Entry, target: &Target, signal: &'static Signal) -> Vec<Finding> {
    if !target.thresholds.any(signal) && entry.exceptions().is_empty() {
        return Vec::new();
    }
    // That the target is down is told once, with the reason, among what cannot be seen.
    if signal.is_up() && entry.state.as_ref().and_then(crate::engine::State::up) != Some(true) {
        return Vec::new();
    }
    let finding = |sample: Sample, known: bool| {
        let limits = Limits::of(entry, target, signal, &sample);
        let nearest = limits.nearest()?;
        let (verdict, threshold) = if known {
            limits.judge(signal, sample.value)
        } else {
            (Verdict::NeedsHistory, Some(nearest))
        };
        Some(Finding {
            area: target.id.area,
            target: target.id.name.clone(),
            signal,
            labels: sample.labels,
            value: known.then_some(sample.value),
            threshold,
            verdict,
        })
    };
    match measured(entry, target.area, &signal.measure) {
        Measured::Values(values) => {
            values.into_iter().filter_map(|sample| finding(sample, true)).collect()
        }
        Measured::NeedsHistory => {
            finding(Sample { labels: Vec::new(), value: 0.0 }, false).into_iter().collect()
        }
    }
}

/// Keys of thresholds that speak of nothing that is there.
fn idle(entry: &Entry, target: &Target) -> Vec<Idle> {
    let Some(reading) = entry.state.as_ref().and_then(|state| state.reading.as_ref()) else {
        return Vec::new();
    };
    let keys = idle_keys(target, reading).into_iter();
    keys.map(|(signal, key)| Idle {
        area: target.id.area,
        target: target.id.name.clone(),
        signal,
        key,
    })
    .collect()
}

fn blind(entry: &Entry, target: &Target) -> Vec<Blind> {
    let Some(state) = &entry.state else { return Vec::new() };
    let up = target.area.signals.iter().find(|signal| signal.is_up());
    let whole = state.failure.iter().map(|failure| Blind {
        area: target.id.area,
        target: target.id.name.clone(),
        place: target.place.clone(),
        what: None,
        failure: failure.clone(),
        since: state.since,
        verdict: match (up, state.up()) {
            (Some(up), Some(false)) => {
                let down = Sample { labels: Vec::new(), value: 0.0 };
                Limits::of(entry, target, up, &down).judge(up, 0.0).0
            }
            _ => Verdict::Ok,
        },
        up,
        told: false,
    });
    let gaps = state.reading.iter().flat_map(|reading| reading.batch.gaps());
    let gaps = gaps.map(|gap| Blind {
        area: target.id.area,
        target: target.id.name.clone(),
        place: target.place.clone(),
        what: Some(gap.what.clone()),
        failure: gap.failure.clone(),
        since: state.gaps.get(&gap.what).copied().unwrap_or(state.since),
        verdict: Verdict::Ok,
        up: None,
        told: false,
    });
    whole.chain(gaps).collect()
}

enum Measured {
    Values(Vec<Sample>),
    /// Needs an earlier reading that is not there, or more of them than are kept.
    NeedsHistory,
}

/// The numbers that a signal judges: the same arithmetic as the rule's expression.
fn measured(entry: &Entry, area: &Area, measure: &Measure) -> Measured {
    let mut now = samples(area, entry.sets(), measure.metric);
    now.retain(|sample| holds(measure.select, sample));
    // Without history the present samples stand in, to tell whether there is something to judge.
    let (mut values, known) = match measure.fold {
        Fold::Level => (now, true),
        Fold::Rate | Fold::Increase => match changes(entry, measure.fold, measure.metric, &now) {
            Some(changes) => (changes, true),
            None => (now, false),
        },
        // Nobody waits for `check` until there is a trend.
        Fold::Predict => (now, false),
    };
    if let Some(by) = measure.sum_by {
        values = sum_by(values, by);
    }
    if let Some((metric, on)) = measure.per {
        let mut divisors = samples(area, entry.sets(), metric);
        if known && measure.changes_divisor(area) {
            divisors = changes(entry, measure.fold, metric, &divisors).unwrap_or_default();
        }
        values = values.into_iter().filter_map(|value| divide(value, &divisors, on)).collect();
    }
    if let Some(Unless { metric, select, on }) = measure.unless {
        let mut muting = samples(area, entry.sets(), metric);
        muting.retain(|sample| holds(select, sample) && (sample.value - 1.0).abs() < f64::EPSILON);
        values.retain(|value| !muting.iter().any(|other| matches(value, other, on)));
    }
    for And { metric, rate_per, direction, bound, on } in measure.and.into_iter().flatten() {
        let mut others = samples(area, entry.sets(), metric);
        if let Some(per) = rate_per {
            let divisors = samples(area, entry.sets(), per);
            let Some(rates) = changes(entry, Fold::Rate, metric, &others) else { continue };
            others = rates.into_iter().filter_map(|rate| divide(rate, &divisors, on)).collect();
        }
        let beyond = |other: &&Sample| direction.breached(other.value, bound);
        values.retain(|value| others.iter().filter(beyond).any(|other| matches(value, other, on)));
    }
    if !known && !values.is_empty() {
        return Measured::NeedsHistory;
    }
    Measured::Values(values)
}

fn holds(select: &[Match], sample: &Sample) -> bool {
    select.iter().all(|matcher| matcher.holds(sample.label(matcher.label)))
}

/// A label that is absent is empty, as it is to Prometheus.
fn matches(one: &Sample, other: &Sample, on: &[&str]) -> bool {
    on.iter().all(|name| one.label(name) == other.label(name))
}

/// Change from the oldest reading in the window of the rules to this one, a second or as it is; a
/// counter that has fallen was reset and started from 0, as `rate` has it.
fn changes(entry: &Entry, fold: Fold, metric: &str, now: &[Sample]) -> Option<Vec<Sample>> {
    let state = entry.state.as_ref()?;
    let (last, first) = (state.reading.as_ref()?, state.history.front()?);
    let seconds = last.clock.saturating_duration_since(first.clock).as_secs_f64();
    if seconds < LEAST_HISTORY {
        return None;
    }
    let divisor = if fold == Fold::Rate { seconds } else { 1.0 };
    let before = first.samples(metric);
    let changes = now.iter().filter_map(|sample| {
        let earlier = before.iter().find(|earlier| earlier.labels == sample.labels)?.value;
        let grown = if sample.value >= earlier { sample.value - earlier } else { sample.value };
        Some(Sample { labels: sample.labels.clone(), value: grown / divisor })
    });
    Some(changes.collect())
}

fn sum_by(values: Vec<Sample>, by: &[&'static str]) -> Vec<Sample> {
    let mut sums: BTreeMap<Vec<(&'static str, String)>, f64> = BTreeMap::new();
    for sample in values {
        let key = by.iter().map(|name| (*name, sample.label(name).to_owned()));
        *sums.entry(key.filter(|(_, value)| !value.is_empty()).collect()).or_default() +=
            sample.value;
    }
    sums.into_iter().map(|(labels, value)| Sample { labels, value }).collect()
}

fn divide(sample: Sample, divisors: &[Sample], on: &[&str]) -> Option<Sample> {
    let divisor = divisors.iter().find(|other| matches(&sample, other, on))?.value;
    (divisor != 0.0).then(|| Sample { value: sample.value / divisor, ..sample })
}
