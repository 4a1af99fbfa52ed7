//! What has been counted. It belongs to the source, not to the configuration: a rule that stays
//! keeps its numbers over a reload, by its name.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use memchr::memchr_iter;
use regex::bytes::CaptureLocations;
use serde::{Deserialize, Serialize};

use super::rules::Rule;
use super::scan::level::Level;
use super::scan::lines::Piece;

/// Different texts of one group; what comes later counts as `other`.
const LABEL_CAP: usize = 20;
/// Longer texts are cut.
const LABEL_CHARS: usize = 64;
const OTHER: &str = "other";
/// Matches with no longer pauses are one run: rate limits are retried about once a minute.
const PAUSE: Duration = Duration::from_mins(2);

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Tally {
    pub levels: [u64; Level::ALL.len()],
    pub bytes: u64,
    pub rotations: u64,
    pub doubt: Doubt,
    pub last_line: Option<SystemTime>,
    pub rules: BTreeMap<String, RuleTally>,
    /// Matches that the cap put under `other`.
    pub capped: u64,
}

/// What makes the counts less than exact.
#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Doubt {
    pub truncated: u64,
    pub cut: u64,
    pub value: u64,
}

#[derive(Clone, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct RuleTally {
    pub matches: u64,
    run: Option<Run>,
    pub values: BTreeMap<String, Value>,
    pub labels: BTreeMap<String, BTreeMap<String, Count>>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
struct Run {
    first: SystemTime,
    last: SystemTime,
}

#[derive(Clone, Copy, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Value {
    pub sum: f64,
    pub last: Option<f64>,
}

#[derive(Clone, Copy, Serialize, Deserialize)]
pub struct Count {
    pub matches: u64,
    pub born: SystemTime,
}

impl Tally {
    /// Makes room for the rules, so that what never matched is 0.
    pub fn expect(&mut self, rules: &[Rule]) {
        for rule in rules {
            let tally = self.rules.entry(rule.name.clone()).or_default();
            for (value, _) in &rule.values {
                tally.values.entry(value.clone()).or_default();
            }
        }
    }

    /// Counts whole lines.
    pub fn count(&mut self, rules: &[Rule], piece: &Piece, now: SystemTime) {
        let mut start = 0;
        for end in memchr_iter(b'\n', piece.lines) {
            let line = piece.lines.get(start..end).unwrap_or_default();
            let level = Level::of(line);
            if let Some(count) = self.levels.get_mut(level as usize) {
                *count += 1;
            }
            start = end + 1;
        }
        self.bytes += piece.bytes;
        self.doubt.cut += u64::from(piece.cut);
        self.last_line = Some(now);
        for rule in rules {
            let Some(tally) = self.rules.get_mut(&rule.name) else { continue };
            let (doubt, capped) = (&mut self.doubt, &mut self.capped);
            rule.apply(piece.lines, |line, groups| {
                tally.hit(now);
                if let Some(groups) = groups {
                    tally.groups(rule, line, groups, now, doubt, capped);
                }
            });
        }
    }
}

impl RuleTally {
    fn hit(&mut self, now: SystemTime) {
        self.matches += 1;
        let first = match self.run {
            Some(run) if since(run.last, now) <= PAUSE => run.first,
            _ => now,
        };
        self.run = Some(Run { first, last: now });
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

    fn groups(
        &mut self,
        rule: &Rule,
        line: &[u8],
        groups: &CaptureLocations,
        now: SystemTime,
        doubt: &mut Doubt,
        capped: &mut u64,
    ) {
        let text = |index| groups.get(index).and_then(|(start, end)| line.get(start..end));
        for (name, index) in &rule.values {
            let Some(text) = text(*index) else { continue };
            let value = self.values.entry(name.clone()).or_default();
            match number(text) {
                Some(number) => {
                    value.last = Some(number);
                    // A counter cannot go back.
                    value.sum += number.max(0.0);
                }
                None => doubt.value += 1,
            }
        }
        for (name, index) in &rule.labels {
            let Some(text) = text(*index) else { continue };
            let counts = self.labels.entry(name.clone()).or_default();
            let mut value = label(text);
            if counts.len() >= LABEL_CAP && !counts.contains_key(&value) {
                OTHER.clone_into(&mut value);
                *capped += 1;
            }
            let fresh = Count { matches: 0, born: now };
            counts.entry(value).or_insert(fresh).matches += 1;
        }
    }
}

pub fn since(earlier: SystemTime, later: SystemTime) -> Duration {
    later.duration_since(earlier).unwrap_or_default()
}

fn number(text: &[u8]) -> Option<f64> {
    let number: f64 = std::str::from_utf8(text).ok()?.trim().parse().ok()?;
    number.is_finite().then_some(number)
}

/// A text from a log as a label: bounded, and without what would disturb a terminal.
fn label(text: &[u8]) -> String {
    let text = String::from_utf8_lossy(text);
    text.chars().filter(|char| !char.is_control()).take(LABEL_CHARS).collect()
}
