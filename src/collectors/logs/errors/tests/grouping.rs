//! The groups are those of the truth, in any order and over restarts.

use std::collections::BTreeMap;

use super::corpus::{KINDS, Made, events};
use super::*;

/// Grouping accuracy: the share of events whose group holds exactly the events of their kind.
pub fn accuracy(truth: &[usize], found: &[u64]) -> f64 {
    let mut kinds: BTreeMap<usize, Vec<usize>> = BTreeMap::new();
    let mut groups: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    for (at, (kind, group)) in truth.iter().zip(found).enumerate() {
        kinds.entry(*kind).or_default().push(at);
        groups.entry(*group).or_default().push(at);
    }
    let right = groups.values().filter(|events| kinds.values().any(|kind| kind == *events));
    right.map(Vec::len).sum::<usize>() as f64 / truth.len() as f64
}

/// Feeds events; now and then through a restart.
fn group(events: &[Made], restart: usize) -> Groups {
    let (mut tracker, mut groups) = (Tracker::default(), Groups::default());
    for (at, made) in events.iter().enumerate() {
        let kind = &KINDS[made.kind];
        let level = if kind.critical { Level::Critical } else { Level::Error };
        let message = made.message.as_bytes();
        let logger = kind.logger.as_bytes();
        tracker.head(&Head { level, logger, message, exception: None }, now(), &mut groups);
        for line in &made.more {
            tracker.more(line.as_bytes(), now(), &mut groups);
        }
        if at % 3 == 0 {
            tracker.other(Level::Info, now(), &mut groups);
        }
        if at % restart == restart - 1 {
            let state = serde_json::to_string(&(&tracker, &groups)).unwrap();
            (tracker, groups) = serde_json::from_str(&state).unwrap();
        }
    }
    tracker.settle(now(), &mut groups);
    assert_sums(&groups);
    groups
}

#[test]
fn the_corpus_is_grouped_as_it_was_made() {
    assert!(KINDS.len() >= 60);
    let made = events(1);
    let found: Vec<u64> =
        made.iter().map(|one| group(std::slice::from_ref(one), 2).all()[0].fingerprint.0).collect();
    let truth: Vec<usize> = made.iter().map(|one| one.kind).collect();
    for (kind, of) in KINDS.iter().enumerate() {
        let mut prints: Vec<_> = truth
            .iter()
            .zip(&found)
            .filter(|(truth, _)| **truth == kind)
            .map(|(_, print)| print)
            .collect();
        prints.sort_unstable();
        prints.dedup();
        assert_eq!(prints.len(), 1, "{}", of.message);
    }
    assert!((accuracy(&truth, &found) - 1.0).abs() < f64::EPSILON);
}

#[test]
fn any_order_and_any_restart_give_the_same_groups_and_the_same_top_ten() {
    let counts = |groups: &Groups| -> BTreeMap<String, u64> {
        groups.all().iter().map(|group| (group.fingerprint.to_string(), group.count)).collect()
    };
    let first = group(&events(1), usize::MAX);
    assert_eq!(first.all().len(), KINDS.len());
    let mut wanted: Vec<u64> = (0..KINDS.len() as u64).map(|kind| 5 + 3 * kind).rev().collect();
    wanted.truncate(10);
    for seed in 2..12_u16 {
        let again = group(&events(seed.into()), 100 * usize::from(seed));
        assert_eq!(counts(&again), counts(&first));
        let top: Vec<u64> = again.merged().iter().take(10).map(|one| one.count).collect();
        assert_eq!(top, wanted);
    }
}

#[test]
fn people_see_joined_only_what_differs_in_one_word_of_many() {
    let groups = group(&events(1), usize::MAX);
    let merged = groups.merged();
    let joined: Vec<_> =
        merged.iter().filter(|one| one.groups > 1).map(|one| &*one.template).collect();
    assert_eq!(joined, ["all providers failed for request *: * gemini=RateLimitError"]);
    assert_eq!(merged.iter().map(|one| one.count).sum::<u64>(), groups.total);
}
