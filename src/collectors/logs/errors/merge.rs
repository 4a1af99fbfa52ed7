//! Groups that are nearly the same, joined for people: in the API, on the page and in `logs top`,
//! never in metrics.

use std::time::SystemTime;

use super::fingerprint::Fingerprint;
use super::groups::{Group, Groups};
use super::trend::Trend;

/// Words that must be equal, of ten.
const SIMILAR: usize = 8;

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
        let mut merged: Vec<Merged> = Vec::new();
        for group in sorted {
            match merged.iter_mut().find_map(|into| Some((common(into, group)?, into))) {
                Some((template, into)) => into.join(group, template),
                None => merged.push(Merged::of(group)),
            }
        }
        merged.sort_by_key(|one| (std::cmp::Reverse(one.count), one.fingerprint));
        merged
    }
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

/// The template of both, if they are nearly the same.
fn common(one: &Merged, other: &Group) -> Option<String> {
    let same = one.critical == other.critical
        && one.logger == other.logger
        && one.exception == other.exception
        && one.frame == other.frame;
    if !same {
        return None;
    }
    let (left, right) = (one.template.split(' '), other.template.split(' '));
    let words = left.clone().count();
    if words != right.clone().count() {
        return None;
    }
    let equal = left.clone().zip(right.clone()).filter(|(left, right)| left == right).count();
    // A first word says what kind of message it is.
    if equal * 10 < words * SIMILAR || left.clone().next() != right.clone().next() {
        return None;
    }
    let word = |(left, right)| if left == right { left } else { "*" };
    Some(left.zip(right).map(word).collect::<Vec<_>>().join(" "))
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
    let (mut merged, mut into): (Vec<Merged>, _) = (Vec::new(), std::collections::BTreeMap::new());
    for group in &sorted {
        let found = merged.iter_mut().find_map(|one| Some((common(one, group)?, one)));
        let to = if let Some((template, one)) = found {
            one.join(group, template);
            one.fingerprint
        } else {
            merged.push(Merged::of(group));
            group.fingerprint
        };
        into.insert(group.fingerprint.0, to.0);
    }
    into
}
