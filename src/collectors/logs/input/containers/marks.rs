//! What was counted of a container's log, as far as the Engine may tell of it again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use super::reading::Answer;
use super::record::Origin;

/// How far an answer reaches back before what was counted, in nanoseconds.
const OVERLAP: i64 = 2_000_000_000;
/// Times that are known of a stream. Beyond, answers overlap less.
const MAX_SEEN: usize = 20_000;
/// A line that goes on for longer counts with what is there, in seconds.
const PATIENCE: i64 = 10;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Marks {
    /// Nothing before it is asked for, nor counted.
    pub floor: i64,
    /// The newest line that was counted, of either stream.
    pub newest: i64,
    stdout: Seen,
    stderr: Seen,
    /// The first line that goes on, and since when it is waited for.
    waiting: Option<(bool, i64, i64)>,
    /// The newest line before an answer that did not reach back to it.
    gap: Option<i64>,
}

/// Times from the floor on that were counted.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(into = "Vec<i64>", from = "Vec<i64>")]
struct Seen(BTreeSet<i64>);

/// Differences: they are a third as long.
impl From<Seen> for Vec<i64> {
    fn from(seen: Seen) -> Self {
        let mut last = 0;
        seen.0.into_iter().map(|at| at - std::mem::replace(&mut last, at)).collect()
    }
}

impl From<Vec<i64>> for Seen {
    fn from(steps: Vec<i64>) -> Self {
        let mut last = 0_i64;
        let sum = |step| {
            last = last.saturating_add(step);
            last
        };
        Self(steps.into_iter().map(sum).collect())
    }
}

impl Marks {
    /// Nothing up to `newest` counts: the log is followed from now on.
    pub fn begin(&mut self, newest: i64) {
        (self.floor, self.newest) = (newest, newest);
        self.stdout.0.insert(newest);
        self.stderr.0.insert(newest);
    }

    /// Whether a line has been counted.
    pub fn has(&self, origin: Origin, at: i64) -> bool {
        let seen = match origin {
            Origin::Stdout => &self.stdout,
            Origin::Stderr => &self.stderr,
        };
        at < self.floor || seen.0.contains(&at)
    }

    /// Whether a line that goes on has done so for too long.
    pub fn waited(&self, origin: Origin, at: i64, now: i64) -> bool {
        let this = (origin == Origin::Stderr, at);
        self.waiting
            .is_some_and(|(stderr, of, since)| (stderr, of) == this && now - since >= PATIENCE)
    }

    /// Takes what an answer held as counted. Returns whether lines before it are gone for certain:
    /// it does not reach back to the newest one that was known, nor does the answer after it.
    pub fn absorb(&mut self, answer: &Answer, now: i64) -> bool {
        let lost = self.lost(answer);
        self.stdout.0.extend(&answer.stdout.times);
        self.stderr.0.extend(&answer.stderr.times);
        let counted = [self.stdout.0.last(), self.stderr.0.last()];
        self.newest = counted.into_iter().flatten().copied().fold(self.newest, i64::max);
        let first_open = answer.open.iter().min_by_key(|(_, at)| *at);
        self.waiting = first_open.map(|(origin, at)| {
            let this = (*origin == Origin::Stderr, *at);
            let before = self.waiting.filter(|(stderr, of, _)| (*stderr, *of) == this);
            (this.0, this.1, before.map_or(now, |(.., since)| since))
        });
        // A whole answer with nothing new has no hole: what is before it need not come again.
        let quiet = answer.whole && answer.met && answer.lines() == 0;
        let mut floor = if quiet { self.newest } else { self.newest - OVERLAP };
        for seen in [&self.stdout, &self.stderr] {
            let beyond = seen.0.iter().rev().nth(MAX_SEEN);
            floor = floor.max(beyond.map_or(floor, |beyond| beyond + 1));
        }
        // What was passed stays so; what is not settled is asked for again.
        let unsettled =
            first_open.map(|(_, at)| *at).into_iter().chain(self.gap.map(|gap| gap - OVERLAP));
        floor = unsettled.fold(floor, i64::min);
        self.floor = floor.max(self.floor);
        self.stdout.0 = self.stdout.0.split_off(&self.floor);
        self.stderr.0 = self.stderr.0.split_off(&self.floor);
        lost
    }

    fn lost(&mut self, answer: &Answer) -> bool {
        let Some(oldest) = answer.oldest.filter(|_| answer.whole || answer.full) else {
            return false;
        };
        if let Some(gap) = self.gap.take() {
            return oldest > gap;
        }
        if self.newest > 0 && !answer.met && oldest > self.newest {
            self.gap = Some(self.newest);
        }
        false
    }
}
