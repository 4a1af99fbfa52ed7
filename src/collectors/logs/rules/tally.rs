//! What rules have counted. It belongs to the source, not to the configuration: a rule that stays
//! keeps its numbers over a reload and a restart, by its name.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::super::recent::since;
use super::compile::{Group, Number, Rule};
use super::matcher::Slots;
use super::number::number;
use super::pairs::Pairs;
use crate::catalogue::Histogram;
use crate::collectors::logs::recent::BIRTH;

/// Different texts of one group; what comes later counts as `other`.
const TEXTS: usize = 20;
/// Longer texts are cut.
const CHARS: usize = 64;
pub const OTHER: &str = "other";
/// Matches with no longer pauses are one run: what is refused is tried again once a minute, or with
/// the next request of a user.
const PAUSE: Duration = Duration::from_mins(5);

/// All rules of a source.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tallies {
    pub rules: BTreeMap<String, RuleTally>,
    /// Matches that a cap has put under `other`.
    pub capped: u64,
    /// Groups that were to be numbers and were none.
    pub no_number: u64,
    /// The rules that room was made for.
    #[serde(skip)]
    pub(super) fits: Option<Arc<()>>,
}

impl Tallies {
    /// What is still shown as 0 is so for a while from now on: nobody has seen it before the start.
    pub fn begin_again(&mut self, now: SystemTime) {
        for tally in self.rules.values_mut() {
            tally.each(|share| share.born = now);
        }
    }
}

#[cfg(test)]
impl std::ops::Index<&str> for Tallies {
    type Output = RuleTally;

    fn index(&self, rule: &str) -> &RuleTally {
        &self.rules[rule]
    }
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleTally {
    pub matches: u64,
    run: Option<Run>,
    /// Since when the rule is watched.
    pub watched: Option<SystemTime>,
    /// By the text of `split`; one without text if there is none.
    pub shares: Vec<Share>,
    pub labels: BTreeMap<String, Vec<Share>>,
    pub pairs: Pairs,
}

#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
struct Run {
    first: SystemTime,
    last: SystemTime,
}

/// Matches with one text.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct Share {
    pub text: String,
    pub matches: u64,
    pub born: SystemTime,
    /// It is shown as 0, for its first match would else be invisible to `increase()`.
    #[serde(default, skip_serializing_if = "is_false")]
    pub young: bool,
    /// In the order of the rule.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<Sum>,
}

/// The numbers of one group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Sum {
    pub name: String,
    pub sum: f64,
    pub last: Option<f64>,
    pub count: u64,
    /// How many were over the limit.
    pub over: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub histogram: Option<Histogram>,
}

/// The histogram as it was, unless it has other bounds: then its counts are of no use.
pub fn histogram(old: Option<Histogram>, bounds: &[f64]) -> Histogram {
    old.filter(|old| old.bounds() == bounds).unwrap_or_else(|| Histogram::new(bounds))
}

impl RuleTally {
    /// Makes room for all that is expected, so that it is 0 before it ever came.
    pub(super) fn expect(&mut self, rule: &Rule, now: SystemTime) {
        self.watched.get_or_insert(now);
        match &rule.split {
            // Without texts there is the rule as a whole, and the other way about.
            None => self.shares.retain(|share| share.text.is_empty()),
            Some(_) => self.shares.retain(|share| !share.text.is_empty()),
        }
        let whole = [String::new()];
        let texts = rule.split.as_ref().map_or(&whole[..], |split| &split.expected);
        expect(&mut self.shares, texts, now);
        for share in &mut self.shares {
            share.align(&rule.values);
        }
        for label in &rule.labels {
            expect(self.labels.entry(label.name.clone()).or_default(), &label.expected, now);
        }
        if rule.pair.is_some() {
            self.pairs.expect();
        }
    }

    /// Counts a line that the rule matches.
    pub(super) fn hit(&mut self, rule: &Rule, line: &[u8], slots: &Slots, at: &mut Moment) {
        let now = at.now;
        self.matches += 1;
        let first = match self.run {
            Some(run) if since(run.last, now) <= PAUSE => run.first,
            _ => now,
        };
        self.run = Some(Run { first, last: now });
        let share = match &rule.split {
            None => 0,
            Some(split) => place(&mut self.shares, split, text(line, slots, split.group), at),
        };
        if let Some(share) = self.shares.get_mut(share) {
            share.matches += 1;
            if share.values.len() != rule.values.len() {
                share.align(&rule.values);
            }
            share.count(rule, line, slots, at);
        }
        for label in &rule.labels {
            let Some(text) = text(line, slots, label.group) else { continue };
            let Some(shares) = self.labels.get_mut(&label.name) else { continue };
            let share = place(shares, label, Some(text), at);
            if let Some(share) = shares.get_mut(share) {
                share.matches += 1;
            }
        }
    }

    /// Shows texts that were shown as 0 for long enough. Returns whether there were any.
    pub(super) fn grow(&mut self, now: SystemTime) -> bool {
        if let Some(run) = &mut self.run {
            // A clock that was put back must not make a silence invisible.
            (run.first, run.last) = (run.first.min(now), run.last.min(now));
        }
        let mut grown = false;
        self.each(|share| {
            share.born = share.born.min(now);
            share.young = since(share.born, now) < BIRTH;
            grown |= !share.young;
        });
        grown
    }

    /// All texts that are shown as 0.
    fn each(&mut self, change: impl FnMut(&mut Share)) {
        let shares = self.shares.iter_mut().chain(self.labels.values_mut().flatten());
        shares.filter(|share| share.young).for_each(change);
    }

    pub fn last_match(&self) -> Option<SystemTime> {
        self.run.map(|run| run.last)
    }

    /// How long the present run of matches lasts: from its first to its last match, and 0 when it
    /// is over.
    pub fn run(&self, now: SystemTime) -> Duration {
        match self.run {
            Some(run) if since(run.last, now) <= PAUSE => since(run.first, run.last),
            _ => Duration::ZERO,
        }
    }
}

/// When lines are counted, and what goes wrong with them.
pub(super) struct Moment<'a> {
    pub now: SystemTime,
    pub capped: &'a mut u64,
    pub no_number: &'a mut u64,
}

impl Share {
    fn new(text: String, young: bool, born: SystemTime) -> Self {
        Self { text, matches: 0, born, young, values: Vec::new() }
    }

    /// The values in the order of the rule, each with the numbers it had.
    fn align(&mut self, values: &[Number]) {
        let mut old = std::mem::take(&mut self.values);
        self.values = values
            .iter()
            .map(|value| {
                let at = old.iter().position(|sum| sum.name == value.name);
                let kept = at.map(|at| old.swap_remove(at)).unwrap_or_default();
                let histogram =
                    value.bounds.as_ref().map(|bounds| histogram(kept.histogram.clone(), bounds));
                Sum { name: value.name.clone(), histogram, ..kept }
            })
            .collect();
    }

    fn count(&mut self, rule: &Rule, line: &[u8], slots: &Slots, at: &mut Moment) {
        for (value, sum) in rule.values.iter().zip(&mut self.values) {
            let Some(text) = text(line, slots, value.group) else { continue };
            match number(text, value.unit) {
                Some(number) => sum.observe(number, value.limit(&self.text)),
                None => *at.no_number += 1,
            }
        }
    }
}

impl Sum {
    fn observe(&mut self, number: f64, limit: Option<f64>) {
        self.last = Some(number);
        // A counter cannot go back.
        self.sum += number.max(0.0);
        self.count += 1;
        self.over += u64::from(limit.is_some_and(|limit| number > limit));
        if let Some(histogram) = &mut self.histogram {
            histogram.observe(number.max(0.0));
        }
    }
}

fn expect(shares: &mut Vec<Share>, texts: &[String], now: SystemTime) {
    let other = (texts.len() > 1).then_some(OTHER);
    for text in texts.iter().map(String::as_str).chain(other) {
        match shares.iter_mut().find(|share| share.text == text) {
            Some(share) => share.young = false,
            None => shares.push(Share::new(text.to_owned(), false, now)),
        }
    }
}

/// The place of a text among the texts of a group.
fn place(shares: &mut Vec<Share>, group: &Group, text: Option<&[u8]>, at: &mut Moment) -> usize {
    let text = text.unwrap_or_default();
    if let Some(found) = shares.iter().position(|share| share.text.as_bytes() == text) {
        return found;
    }
    let mut label = label(text);
    let known = |shares: &[Share], label: &str| shares.iter().position(|share| share.text == label);
    if let Some(found) = known(shares, &label) {
        return found;
    }
    let full = if group.expected.is_empty() { shares.len() >= TEXTS } else { true };
    if full {
        OTHER.clone_into(&mut label);
        // With expected texts the others are meant to be together.
        *at.capped += u64::from(group.expected.is_empty());
        if let Some(found) = known(shares, &label) {
            return found;
        }
    }
    shares.push(Share::new(label, true, at.now));
    shares.len() - 1
}

/// The text of a group that took part.
pub(super) fn text<'a>(line: &'a [u8], slots: &Slots, group: usize) -> Option<&'a [u8]> {
    let (start, end) = slots.get(group)?;
    line.get(*start..*end)
}

#[allow(clippy::trivially_copy_pass_by_ref, reason = "serde gives a field as it is")]
fn is_false(value: &bool) -> bool {
    !*value
}

/// A text from a log as a label: bounded, and without what would disturb a terminal.
fn label(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text.get(..CHARS * 8).unwrap_or(text));
    let label: String = text.chars().filter(|char| !char.is_control()).take(CHARS).collect();
    if label.is_empty() { OTHER.to_owned() } else { label }
}
