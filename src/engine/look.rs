//! A look at what a reading would show, before it is shown: how many samples, and what no honest
//! source says.

use std::collections::{BTreeSet, HashSet};

use crate::catalogue::{Batch, Histogram, Known, Sink};
use crate::failure::{Failure, Reason};
use crate::text::short;

/// Metrics that are named in a gap; more would be a list that nobody reads.
const NAMED: usize = 3;

/// What was seen.
#[derive(Default)]
pub(super) struct Look {
    /// Number of samples.
    pub series: u64,
    /// The first series that is there twice: a scraper would keep one of them, whichever.
    twice: Option<String>,
    /// Counters below zero, which are left out.
    below_zero: BTreeSet<&'static str>,
}

impl Look {
    pub(super) fn at(batch: &Batch) -> Self {
        let mut seen = Seen::default();
        for set in batch.sets() {
            // Two sets may have rows of one type, and then they share its series.
            let kind = batch.sets().position(|one| one.row_type() == set.row_type());
            let kind = hashed(START, &kind.unwrap_or_default().to_le_bytes());
            for metric in 0..set.metrics() {
                seen.begin = hashed(kind, &metric.to_le_bytes());
                set.emit(metric, &mut seen);
            }
        }
        seen.look
    }

    /// What makes the whole reading worthless.
    pub(super) fn failure(&self) -> Option<Failure> {
        let series = self.twice.as_ref()?;
        let text = format!("the answer has the same thing twice: {{{}}}", short(series, 200));
        Some(Failure::new(Reason::PARSE, text).hint(
            "what answers there is not what it should be, or a proxy mixes the answers of several",
        ))
    }

    /// What is left out of the reading.
    pub(super) fn gap(&self) -> Option<(String, Failure)> {
        let first = self.below_zero.first()?;
        let names: Vec<_> = self.below_zero.iter().take(NAMED).copied().collect();
        let what = format!("counts below zero ({first})");
        let text = format!("the source says less than nothing for {}", names.join(", "));
        Some((what, Failure::new(Reason::PARSE, text)))
    }
}

/// Series by the hash of their labels: the texts themselves would be as much as the page.
#[derive(Default)]
struct Seen {
    look: Look,
    begin: u64,
    hashes: HashSet<u64>,
}

impl Seen {
    fn note(&mut self, labels: Known, more: &[(&str, &str)], samples: u64) {
        self.look.series += samples;
        let mut hash = self.begin;
        let all = || labels.iter().copied().chain(more.iter().copied());
        for (name, value) in all() {
            hash = hashed(hash, name.as_bytes());
            // Bytes that no text has keep names and values apart.
            hash = hashed(hash, &[0xff]);
            hash = hashed(hash, value.as_bytes());
            hash = hashed(hash, &[0xfe]);
        }
        if !self.hashes.insert(hash) && self.look.twice.is_none() {
            let text: Vec<_> = all().map(|(name, value)| format!("{name}={value:?}")).collect();
            self.look.twice = Some(text.join(", "));
        }
    }
}

impl Sink for Seen {
    fn sample(&mut self, labels: Known, more: &[(&str, &str)], _: f64) {
        self.note(labels, more, 1);
    }

    fn histogram(&mut self, labels: Known, more: &[(&str, &str)], seen: &Histogram) {
        // The buckets, their sum and their count.
        self.note(labels, more, seen.buckets().len() as u64 + 2);
    }

    fn named(&mut self, name: &str, labels: Known, more: &[(&str, &str)], _: f64) {
        let all: Vec<_> = labels.iter().copied().chain([("__name__", name)]).collect();
        self.note(&all, more, 1);
    }

    fn refused(&mut self, metric: &'static str) {
        self.look.below_zero.insert(metric);
    }
}

const START: u64 = 0xcbf2_9ce4_8422_2325;

/// FNV-1a: a source that makes two series alike spoils its own reading alone.
fn hashed(hash: u64, bytes: &[u8]) -> u64 {
    bytes.iter().fold(hash, |hash, byte| (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::examples::{Tagged, Timed};
    use crate::catalogue::{Row, metrics};

    struct Counted(f64);

    metrics! { Counted {
        labels {}
        /// A count.
        counter example_counted_total = |row| row.0;
        /// A level.
        gauge example_level = |row| row.0;
    } }

    fn tagged(ids: &[&str]) -> Vec<Tagged> {
        ids.iter().map(|id| Tagged { id: (*id).into(), more: Vec::new() }).collect()
    }

    #[test]
    fn a_thing_that_is_there_twice_is_named() {
        let look = |batch: Batch| Look::at(&batch);
        assert!(look(Batch::new().with(tagged(&["a", "b"]))).failure().is_none());
        let twice = look(Batch::new().with(tagged(&["a", "b", "a"])));
        let failure = twice.failure().unwrap();
        assert_eq!(failure.reason, Reason::PARSE);
        assert!(failure.detail.contains("id=\"a\""), "{failure}");
        // In a set of its own as well.
        let apart = look(Batch::new().with(tagged(&["a"])).with(tagged(&["a"])));
        assert!(apart.failure().is_some());
        let other =
            look(Batch::new().with(tagged(&["a"])).with(vec![Timed { path: "a", seen: None }]));
        assert!(other.failure().is_none());
    }

    #[test]
    fn a_count_below_zero_is_left_out_and_told() {
        assert_eq!(Counted::TABLE.metrics.len(), 2);
        let look = Look::at(&Batch::new().with(vec![Counted(-3.0)]));
        assert_eq!(look.series, 1, "a level may be below zero");
        let (what, failure) = look.gap().unwrap();
        assert!(what.contains("example_counted_total"), "{what}");
        assert_eq!(failure.reason, Reason::PARSE);
        let look = Look::at(&Batch::new().with(vec![Counted(3.0)]));
        assert!(look.series == 2 && look.gap().is_none());
    }
}
