//! Starts and ends, and lines that are expected at a time.

use jiff::tz::TimeZone;

use super::super::expect::Schedule;
use super::super::pairs::{Pairs, hash};
use super::super::rows::PairRow;
use super::*;

fn pair(rules: &Rules, tallies: &Tallies, seconds: u64) -> (u64, u64, u64, u64, u64) {
    let rows = rows(rules, tallies, seconds);
    let PairRow { finished, expired, dropped, open, waiting, .. } = rows.pairs[0];
    (finished, expired, dropped, open, waiting.as_secs())
}

/// Tasks by their identifier [Q07].
#[test]
fn starts_and_ends_find_each_other_by_id() {
    let rules = rules(
        r#"{"start": {"regex": "start (?<id>\\w+)", "pair": {"end": "end", "id": "id", "timeout": "60s"}},
            "end": {"regex": "\\bend (?<id>\\w+)"}}"#,
    );
    let mut tallies = Tallies::default();
    rules.expect(&mut tallies, at(0));
    assert_eq!(pair(&rules, &tallies, 0), (0, 0, 0, 0, 0));
    // An end before its start, in one block, does not end it; `end` runs apart from `start`.
    rules.apply(b"end a\nstart a\nstart b\nend x\nstart b\n", at(0), &mut tallies);
    assert_eq!(pair(&rules, &tallies, 7), (0, 0, 0, 2, 7));
    let mut tallies: Tallies =
        serde_json::from_str(&serde_json::to_string(&tallies).unwrap()).unwrap();
    rules.apply(b"end b\nstart c\nend c\n", at(10), &mut tallies);
    assert_eq!(pair(&rules, &tallies, 60), (2, 0, 0, 1, 60));
    assert!(!rules.tick(at(60), &mut tallies));
    assert_eq!(pair(&rules, &tallies, 60), (2, 0, 0, 1, 60));
    assert!(rules.tick(at(61), &mut tallies), "what is given up is to be saved");
    assert_eq!(pair(&rules, &tallies, 61), (2, 1, 0, 0, 0));
    // The end that comes after all is no pair any more.
    rules.apply(b"end a\n", at(70), &mut tallies);
    assert_eq!(pair(&rules, &tallies, 70), (2, 1, 0, 0, 0));
    let durations = &tallies.rules["start"].pairs.durations;
    assert_eq!((durations.sum(), durations.count()), (10.0, 2));
    assert_eq!((tallies.rules["start"].matches, tallies.rules["end"].matches), (4, 5));
}

/// A bot that does not answer: each request has an answer of its own [L08].
#[test]
fn a_request_waits_for_an_answer() {
    let rules = rules(
        r#"{"requests": {"literal": "request", "pair": {"end": "answers"}}, "answers": {"literal": "answer"}}"#,
    );
    let mut tallies = Tallies::default();
    rules.apply(b"answer\nrequest\n", at(0), &mut tallies);
    rules.apply(b"request\n", at(100), &mut tallies);
    assert_eq!(pair(&rules, &tallies, 301), (0, 0, 0, 2, 301));
    let text = serde_json::to_string(&tallies).unwrap();
    let mut tallies: Tallies = serde_json::from_str(&text).unwrap();
    rules.apply(b"answer\n", at(302), &mut tallies);
    assert_eq!(pair(&rules, &tallies, 303), (1, 0, 0, 1, 203), "the other one still waits");
    rules.apply(b"answer\nanswer\n", at(303), &mut tallies);
    assert_eq!(pair(&rules, &tallies, 303), (2, 0, 0, 0, 0), "one that nobody asked for");
    rules.apply(b"request\nanswer\nrequest\n", at(310), &mut tallies);
    assert_eq!(pair(&rules, &tallies, 312), (3, 0, 0, 1, 2));
    rules.tick(at(310 + 3601), &mut tallies);
    assert_eq!(pair(&rules, &tallies, 4000), (3, 1, 0, 0, 0));
    let durations = &tallies.rules["requests"].pairs.durations;
    assert_eq!((durations.sum(), durations.count()), (505.0, 3));
}

#[test]
fn what_an_older_version_has_left_waits() {
    let old =
        r#"{"waiting": {"secs_since_epoch": 1714557600, "nanos_since_epoch": 0}, "finished": 7}"#;
    let mut pairs: Pairs = serde_json::from_str(old).unwrap();
    pairs.expect();
    assert_eq!((pairs.open(), pairs.waiting(at(5)).as_secs(), pairs.finished), (1, 5, 7));
    for _ in 0..10_050 {
        pairs.start(None, at(1));
    }
    assert_eq!((pairs.open(), pairs.dropped), (10_000, 51));
}

#[test]
fn what_is_open_is_bounded() {
    let mut pairs = Pairs::default();
    pairs.expect();
    for id in 0..10_050 {
        pairs.start(Some(id), at(0));
    }
    assert_eq!((pairs.open(), pairs.dropped), (10_000, 50));
    pairs.end(Some(10), at(1));
    pairs.start(Some(99_999), at(1));
    assert_eq!((pairs.open(), pairs.dropped, pairs.finished), (10_000, 50, 1));
    let text = serde_json::to_string(&pairs).unwrap();
    let kept: Pairs = serde_json::from_str(&text).unwrap();
    assert_eq!((kept.open(), kept.waiting(at(5)).as_secs()), (10_000, 5));
    assert_eq!(hash(b"a"), 0xaf63_dc4c_8601_ec8c);
}

/// Berlin: the clocks went forward on 2024-03-31 at 02:00 and back on 2024-10-27 at 03:00.
fn berlin() -> TimeZone {
    TimeZone::posix("CET-1CEST,M3.5.0,M10.5.0/3").unwrap()
}

fn time(text: &str) -> SystemTime {
    text.parse::<jiff::Timestamp>().unwrap().into()
}

fn daily(json: &str) -> Schedule {
    Schedule::new(&serde_json::from_str(json).unwrap()).unwrap()
}

/// "Backup finished" daily by 03:00, in winter, in summer and on the days between [F05].
#[test]
fn a_daily_line_is_missed_from_its_time_on() {
    let schedule = daily(r#"{"daily": "03:00", "from": "02:00"}"#);
    let (zone, long_ago) = (berlin(), time("2024-01-01T00:00:00Z"));
    let overdue = |last: Option<&str>, now: &str| {
        schedule.overdue(last.map(time), long_ago, time(now), &zone).as_secs()
    };
    // Winter: 03:00 is 02:00 UTC.
    assert_eq!(overdue(None, "2024-02-01T01:59:59Z"), 24 * 3600 - 1);
    assert_eq!(overdue(Some("2024-01-31T01:30:00Z"), "2024-02-01T01:59:59Z"), 0);
    assert_eq!(overdue(Some("2024-01-31T01:30:00Z"), "2024-02-01T02:00:10Z"), 10);
    assert_eq!(overdue(Some("2024-02-01T00:30:00Z"), "2024-02-01T02:00:10Z"), 10);
    assert_eq!(overdue(Some("2024-02-01T01:00:00Z"), "2024-02-01T02:00:10Z"), 0);
    // Late, but there.
    assert_eq!(overdue(Some("2024-02-01T07:00:00Z"), "2024-02-01T08:00:00Z"), 0);
    // Summer: 03:00 is 01:00 UTC. On the day of the change 02:00 does not exist: from 03:00 on.
    assert_eq!(overdue(Some("2024-06-01T00:30:00Z"), "2024-06-02T01:00:05Z"), 5);
    assert_eq!(overdue(Some("2024-03-30T01:30:00Z"), "2024-03-31T00:59:59Z"), 0);
    assert_eq!(overdue(Some("2024-03-30T01:30:00Z"), "2024-03-31T01:00:07Z"), 7);
    // Clocks back: 02:00 comes twice, the first one counts.
    assert_eq!(overdue(Some("2024-10-27T00:00:00Z"), "2024-10-27T02:00:09Z"), 0);
    assert_eq!(overdue(Some("2024-10-26T23:59:00Z"), "2024-10-27T02:00:09Z"), 9);
}

#[test]
fn windows_over_midnight_and_what_was_not_watched() {
    let (zone, long_ago) = (berlin(), time("2024-01-01T00:00:00Z"));
    let night = daily(r#"{"daily": "01:00", "from": "22:00"}"#);
    let overdue = |last, now| night.overdue(Some(time(last)), long_ago, time(now), &zone).as_secs();
    assert_eq!(overdue("2024-02-01T22:30:00Z", "2024-02-02T00:30:00Z"), 0);
    assert_eq!(overdue("2024-02-01T20:30:00Z", "2024-02-02T00:30:00Z"), 1800);
    let whole_day = daily(r#"{"daily": "03:00"}"#);
    let last =
        |last, now| whole_day.overdue(Some(time(last)), long_ago, time(now), &zone).as_secs();
    assert_eq!(last("2024-02-01T02:30:00Z", "2024-02-02T02:00:01Z"), 0);
    assert_eq!(last("2024-02-01T01:30:00Z", "2024-02-02T02:00:01Z"), 1);
    // Watched since after the window began: it may have been there before.
    let watched = time("2024-02-01T01:10:00Z");
    let since = |now: &str| {
        daily(r#"{"daily": "03:00", "from": "02:00"}"#)
            .overdue(None, watched, time(now), &zone)
            .as_secs()
    };
    assert_eq!((since("2024-02-01T12:00:00Z"), since("2024-02-02T02:00:03Z")), (0, 3));
    let every = daily(r#"{"every": "1h"}"#);
    let since =
        |last: Option<SystemTime>, now| every.overdue(last, at(0), at(now), &zone).as_secs();
    assert_eq!((since(None, 3600), since(None, 3601), since(Some(at(3000)), 6601)), (0, 1, 1));
}

#[test]
fn a_missing_line_has_a_row_before_it_was_ever_seen() {
    let rules = rules(r#"{"backup": {"literal": "backup finished", "expect": {"every": "60s"}}}"#);
    let mut tallies = Tallies::default();
    rules.expect(&mut tallies, at(0));
    let overdue = |tallies: &Tallies, now| rows(&rules, tallies, now).expected[0].overdue.as_secs();
    assert_eq!((overdue(&tallies, 60), overdue(&tallies, 90)), (0, 30));
    rules.apply(b"backup finished\n", at(90), &mut tallies);
    assert_eq!(overdue(&tallies, 91), 0);
}
