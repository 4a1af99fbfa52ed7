//! What rules have counted, as rows.

use std::time::{Duration, SystemTime};

use super::Rules;
use super::compile::{Number, Rule};
use super::tally::{RuleTally, Share, Sum, Tallies};
use super::written::Kind;
use crate::catalogue::{Batch, Histogram};

/// All rows of a source's rules.
#[derive(Default)]
pub struct Rows {
    pub rules: Vec<RuleRow>,
    pub matches: Vec<Matches>,
    pub labels: Vec<Label>,
    pub values: Vec<ValueRow>,
    pub expected: Vec<Expected>,
    pub pairs: Vec<PairRow>,
}

/// A rule.
pub struct RuleRow {
    pub rule: String,
    pub last: Option<SystemTime>,
    pub silence: Duration,
    pub run: Duration,
}

/// Its matches, by the text of its split if it has one.
pub struct Matches {
    pub rule: String,
    pub split: String,
    pub matches: u64,
}

/// A named group of a rule.
pub struct Label {
    pub rule: String,
    pub label: String,
    pub counts: Vec<(String, u64)>,
}

/// A number that a rule reads.
pub struct ValueRow {
    pub rule: String,
    pub split: String,
    pub value: String,
    pub sum: Option<f64>,
    pub last: Option<f64>,
    pub count: Option<u64>,
    pub over: Option<u64>,
    pub histogram: Option<Histogram>,
}

/// A rule whose lines are expected at a time.
pub struct Expected {
    pub rule: String,
    pub overdue: Duration,
}

/// A rule whose lines start something.
pub struct PairRow {
    pub rule: String,
    pub finished: u64,
    pub expired: u64,
    pub dropped: u64,
    pub open: u64,
    pub waiting: Duration,
    pub durations: Histogram,
}

impl Rules {
    /// The rows of what has been counted. `start` is when the source was first looked at, `silence`
    /// the time until now that counts as such.
    pub fn rows(
        &self,
        tallies: &Tallies,
        start: SystemTime,
        now: SystemTime,
        silence: &dyn Fn(SystemTime) -> Duration,
    ) -> Rows {
        let mut rows = Rows::default();
        for rule in &self.all {
            let Some(tally) = tallies.rules.get(&rule.name) else { continue };
            rows.add(rule, tally, now);
            rows.rules.push(RuleRow {
                rule: rule.name.clone(),
                last: tally.last_match(),
                silence: silence(tally.last_match().or(tally.watched).unwrap_or(start)),
                run: tally.run(now),
            });
            if let Some(schedule) = rule.expect {
                let watched = tally.watched.unwrap_or(start);
                let overdue = schedule.overdue(tally.last_match(), watched, now, &self.zone);
                rows.expected.push(Expected { rule: rule.name.clone(), overdue });
            }
        }
        rows
    }
}

impl Rows {
    /// Adds the rows to a reading.
    pub fn fill(self, batch: Batch) -> Batch {
        let batch = batch.with(self.matches).with(self.rules).with(self.values);
        batch.with(self.labels).with(self.expected).with(self.pairs)
    }

    fn add(&mut self, rule: &Rule, tally: &RuleTally, now: SystemTime) {
        let name = &rule.name;
        for share in &tally.shares {
            let matches = match &rule.split {
                None => tally.matches,
                Some(_) => shown(share),
            };
            self.matches.push(Matches { rule: name.clone(), split: share.text.clone(), matches });
            for (number, sum) in rule.values.iter().zip(&share.values) {
                self.values.push(value(rule, number, share, sum));
            }
        }
        for label in &rule.labels {
            let shares = tally.labels.get(&label.name).into_iter().flatten();
            let counts = shares.map(|share| (share.text.clone(), shown(share))).collect();
            self.labels.push(Label { rule: name.clone(), label: label.name.clone(), counts });
        }
        if rule.pair.is_some() {
            let pairs = &tally.pairs;
            self.pairs.push(PairRow {
                rule: name.clone(),
                finished: pairs.finished,
                expired: pairs.expired,
                dropped: pairs.dropped,
                open: pairs.open() as u64,
                waiting: pairs.waiting(now),
                durations: pairs.durations.clone(),
            });
        }
    }
}

fn shown(share: &Share) -> u64 {
    if share.young { 0 } else { share.matches }
}

fn value(rule: &Rule, number: &Number, share: &Share, sum: &Sum) -> ValueRow {
    let young = share.young;
    let grown = |count: u64| if young { 0 } else { count };
    let kind = number.kind;
    let (sums, lasts) = (
        kind.is_none_or(|kind| kind == Kind::Counter),
        kind.is_none_or(|kind| kind == Kind::Gauge),
    );
    let zero = |histogram: &Histogram| Histogram::new(histogram.bounds());
    let histogram = sum.histogram.as_ref();
    ValueRow {
        rule: rule.name.clone(),
        split: share.text.clone(),
        value: number.name.clone(),
        sum: sums.then_some(if young { 0.0 } else { sum.sum }),
        last: sum.last.filter(|_| lasts),
        count: (kind != Some(Kind::Gauge) || number.is_limited()).then_some(grown(sum.count)),
        over: number.is_limited().then_some(grown(sum.over)),
        histogram: if young { histogram.map(zero) } else { histogram.cloned() },
    }
}
