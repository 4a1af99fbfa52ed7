//! Groups that differ in one word of many values, joined for people: in the API, on the page and in
//! `logs top`, never in metrics.
//!
//! Two messages that differ in a word may be two things (`Started`, `Stopped`). A word that takes
//! many values in the same place is data, whatever it looks like.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::fingerprint::Fingerprint;
use super::groups::{Group, Groups};
use super::trend::Trend;

/// So many values make a word one of data.
const MANY: usize = 8;

/// Groups that were joined.
#[derive(Clone, Debug, PartialEq)]
pub struct Merged {
    /// Of the most frequent one.
    pub fingerprint: Fingerprint,
    pub critical: bool,
    pub logger: String,
    pub exception: String,
    pub frame: String,
    /// With `*` where they differ.
    pub template: String,
    pub count: u64,
    pub first: SystemTime,
    pub last: SystemTime,
    pub novel: bool,
    pub trend: Trend,
    pub sample: Option<String>,
    /// How many groups it is made of.
    pub groups: usize,
}

impl Groups {
    /// The groups, the most frequent first, those that are nearly the same as one.
    pub fn merged(&self) -> Vec<Merged> {
        let mut sorted: Vec<&Group> = self.all().iter().collect();
        // The fingerprint makes the order, and so the view, a function of the counts alone.
        sorted.sort_by_key(|group| (std::cmp::Reverse(group.count), group.fingerprint));
        let mut merged = merge(&sorted);
        merged.sort_by_key(|one| (std::cmp::Reverse(one.count), one.fingerprint));
        merged
    }
}

/// All but one word of a template, and what must be the same besides.
type Frame<'a> = (bool, [&'a str; 3], usize, String);

fn merge(sorted: &[&Group]) -> Vec<Merged> {
    let mut frames: BTreeMap<Frame, Vec<usize>> = BTreeMap::new();
    for (place, group) in sorted.iter().enumerate() {
        let of = [group.logger.as_str(), &group.exception, &group.frame];
        let words: Vec<&str> = group.template.split(' ').collect();
        // Of a text of two words, or by its first, nothing would be left that says what it is.
        for (at, word) in words.iter().enumerate().skip(1).filter(|_| words.len() > 2) {
            if says_what(word) {
                continue;
            }
            let around = [words.get(..at), words.get(at + 1..)];
            let around = around.map(|part| part.unwrap_or_default().join(" ")).join(" * ");
            frames.entry((group.critical, of, at, around)).or_default().push(place);
        }
    }
    let mut frames: Vec<_> = frames.into_iter().filter(|(_, all)| all.len() >= MANY).collect();
    frames.sort_by_key(|(_, all)| std::cmp::Reverse(all.len()));
    let mut merged: Vec<Option<Merged>> = sorted.iter().map(|one| Some(Merged::of(one))).collect();
    for ((.., around), all) in frames {
        let free = |place: &usize| {
            merged.get(*place).is_some_and(|one| one.as_ref().is_some_and(|one| one.groups == 1))
        };
        let all: Vec<usize> = all.into_iter().filter(free).collect();
        let Some((first, others)) = all.split_first().filter(|_| all.len() >= MANY) else {
            continue;
        };
        for place in others {
            let other = sorted.get(*place);
            drop(merged.get_mut(*place).and_then(Option::take));
            let first = merged.get_mut(*first).and_then(Option::as_mut);
            if let (Some(first), Some(other)) = (first, other) {
                first.join(other, around.trim().to_owned());
            }
        }
    }
    merged.into_iter().flatten().collect()
}

/// Whether a word says what has happened, in however many ways that can be said.
fn says_what(word: &str) -> bool {
    let plain = word.trim_matches(|char: char| !char.is_alphanumeric());
    word == "*" || plain.ends_with("ed") || plain.ends_with("ing")
}

impl Merged {
    fn of(group: &Group) -> Self {
        Self {
            fingerprint: group.fingerprint,
            critical: group.critical,
            logger: group.logger.clone(),
            exception: group.exception.clone(),
            frame: group.frame.clone(),
            template: group.template.clone(),
            count: group.count,
            first: group.first,
            last: group.last,
            novel: group.novel,
            trend: group.trend.clone(),
            sample: group.sample.clone(),
            groups: 1,
        }
    }

    fn join(&mut self, group: &Group, template: String) {
        self.template = template;
        self.count += group.count;
        self.first = self.first.min(group.first);
        self.last = self.last.max(group.last);
        self.novel &= group.novel;
        self.trend.join(&group.trend);
        self.groups += 1;
    }

    /// The value of the label `level`.
    pub fn level(&self) -> &'static str {
        if self.critical { "critical" } else { "error" }
    }
}

/// For each fingerprint the one that it is joined with, as [`Groups::merged`] would do.
#[cfg(test)]
pub fn joined(
    counts: &std::collections::BTreeMap<(u64, String), u64>,
) -> std::collections::BTreeMap<u64, u64> {
    let group = |fingerprint: u64, template: &str, count: u64| Group {
        fingerprint: Fingerprint(fingerprint),
        critical: false,
        logger: String::new(),
        exception: String::new(),
        frame: String::new(),
        template: template.to_owned(),
        count,
        first: SystemTime::UNIX_EPOCH,
        last: SystemTime::UNIX_EPOCH,
        series: None,
        novel: false,
        trend: Trend::default(),
        sample: None,
    };
    let mut sorted: Vec<_> =
        counts.iter().map(|((print, text), count)| group(*print, text, *count)).collect();
    sorted.sort_by_key(|group| (std::cmp::Reverse(group.count), group.fingerprint));
    let sorted: Vec<&Group> = sorted.iter().collect();
    let merged = merge(&sorted);
    // A group is in what has its words, with `*` in one place.
    let is_in = |one: &Merged, group: &Group| {
        let (of, words) = (one.template.split(' '), group.template.split(' '));
        let differ = of.clone().zip(words.clone()).filter(|(of, word)| of != word);
        let fits = differ.clone().count() <= usize::from(one.groups > 1);
        of.count() == words.count() && fits && differ.into_iter().all(|(of, _)| of == "*")
    };
    let home = |group: &&Group| {
        let exact = merged.iter().find(|one| one.fingerprint == group.fingerprint);
        let joined = || merged.iter().find(|one| is_in(one, group));
        exact.or_else(joined).map(|one| (group.fingerprint.0, one.fingerprint.0))
    };
    sorted.iter().filter_map(home).collect()
}
