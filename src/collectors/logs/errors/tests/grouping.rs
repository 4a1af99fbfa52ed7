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

/// Counts of templates, grouped for people; the truth is what made them.
fn measured(made: &[(usize, String)]) -> (f64, f64) {
    let (mut counts, mut found, mut truth) = (BTreeMap::new(), Vec::new(), Vec::new());
    for (kind, message) in made {
        let mut template = String::new();
        mask(message.as_bytes(), &mut template);
        let fingerprint = Fingerprint::of(&Parts { template: &template, ..Parts::default() });
        *counts.entry((fingerprint.0, template)).or_insert(0_u64) += 1;
        found.push(fingerprint.0);
        truth.push(*kind);
    }
    let joined = merge::joined(&counts);
    let merged: Vec<u64> = found.iter().map(|print| joined[print]).collect();
    (accuracy(&truth, &found), accuracy(&truth, &merged))
}

/// Logs like those of Windows and of a fleet of machines: services and components that are named, and
/// their states. Who joins them makes things worse.
#[test]
fn what_people_see_is_no_worse_than_the_fingerprints() {
    let parts =
        ["TrustedInstaller", "CbsCore", "WcpInitialize", "Servicing", "SPP", "WindowsUpdateAgent"];
    let states = [
        "Started",
        "Stopped",
        "Paused",
        "Resumed",
        "Suspended",
        "Crashed",
        "Migrated",
        "Deleted",
        "Created",
    ];
    let (mut made, mut kind) = (Vec::new(), 0);
    let mut add = |messages: Vec<String>, made: &mut Vec<(usize, String)>| {
        made.extend(messages.into_iter().map(|message| (kind, message)));
        kind += 1;
    };
    for part in parts {
        for verb in ["Starting", "Ending", "Loaded", "Unloaded"] {
            add(
                (0..7).map(|n| format!("{verb} the {part} main loop after {n} ms")).collect(),
                &mut made,
            );
        }
        add(
            (0..9).map(|n| format!("Session: {n}_{n}77 initialized by client {part}.")).collect(),
            &mut made,
        );
        add(
            (0..5).map(|n| format!("SQM: {part} reported error 0x80070{n:03}")).collect(),
            &mut made,
        );
    }
    for state in states {
        add(
            (0..8).map(|n| format!("[instance: 5{n}] VM {state} (Lifecycle Event)")).collect(),
            &mut made,
        );
    }
    for status in ["Not Found", "Bad Gateway", "Internal Server Error", "Service Unavailable"] {
        add(
            (0..6).map(|n| format!("upstream answered {status} for request {n}")).collect(),
            &mut made,
        );
    }
    let (pure, merged) = measured(&made);
    assert!(pure > 0.98 && merged >= pure - 0.02, "{pure} {merged}");
}

/// Where one word has many values, people see one line.
#[test]
fn a_word_of_many_values_is_one_line() {
    let names =
        ["alice", "bob", "carol", "dave", "erin", "frank", "grace", "heidi", "ivan", "judy"];
    let of = |count: usize| -> Vec<(usize, String)> {
        let names = names.iter().take(count);
        names.map(|name| (0, format!("queue of {name} cannot be read"))).collect()
    };
    let (pure, merged) = measured(&of(10));
    assert!(pure < 0.01 && merged > 0.99, "{pure} {merged}");
    let (_, merged) = measured(&of(7));
    assert!(merged < 0.01, "seven may be seven things: {merged}");
}

#[test]
fn people_see_nothing_joined_in_the_corpus() {
    let groups = group(&events(1), usize::MAX);
    let merged = groups.merged();
    assert!(merged.iter().all(|one| one.groups == 1));
    assert_eq!(merged.iter().map(|one| one.count).sum::<u64>(), groups.total);
}
