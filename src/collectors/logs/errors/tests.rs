//! From lines to groups: which lines are one event, and what is told of it.

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::groups::{CAP, EXPORTED, Event};
use super::*;
use crate::collectors::logs::errors::fingerprint::Parts;

mod corpus;
mod grouping;
mod loghub;
mod stacks;

fn hour(hours: u64) -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(480_000 + hours)
}

fn now() -> SystemTime {
    hour(0)
}

/// What the tests feed: `E` and `C` begin an event, `I` and `W` are other heads, `|` has no head.
fn grouped(lines: &str) -> Groups {
    let (mut tracker, mut groups) = (Tracker::default(), Groups::default());
    for line in lines.lines() {
        feed(&mut tracker, &mut groups, line);
    }
    tracker.settle(now(), &mut groups);
    groups
}

fn feed(tracker: &mut Tracker, groups: &mut Groups, line: &str) {
    let (kind, rest) = line.split_at_checked(2).unwrap_or((line, ""));
    let rest = rest.as_bytes();
    let head = |level| Head { level, logger: b"app", message: rest, exception: None };
    match kind.trim_end() {
        "E" => tracker.head(&head(Level::Error), now(), groups),
        "C" => tracker.head(&head(Level::Critical), now(), groups),
        "I" => tracker.other(Level::Info, now(), groups),
        "W" => tracker.other(Level::Warning, now(), groups),
        "|" => tracker.more(rest, now(), groups),
        other => panic!("{other}"),
    }
}

/// `count level logger exception frame template` of each group.
fn told(groups: &Groups) -> Vec<String> {
    let tell = |group: &Group| {
        let Group { count, logger, exception, frame, template, .. } = group;
        format!("{count}/{}/{logger}/{exception}/{frame}/{template}", group.level())
    };
    assert_sums(groups);
    groups.all().iter().map(tell).collect()
}

fn assert_sums(groups: &Groups) {
    let own: u64 = groups.all().iter().map(|group| group.count).sum();
    assert_eq!(own + groups.other + groups.retired, groups.total);
    let series: u64 = groups.exported().map(|exported| exported.value).sum();
    assert_eq!(series + groups.rest + groups.ended, groups.total);
    assert!(groups.all().len() <= CAP);
    assert!(groups.exported().count() <= EXPORTED);
}

fn count(groups: &mut Groups, template: &str, now: SystemTime) {
    let parts = Parts { template, ..Parts::default() };
    groups.count(&Event { parts, at: now, raw: b"raw \x1b[0m \xff" }, now);
}

#[test]
fn heads_of_errors_are_events() {
    let groups = grouped("E lost 5\nE lost 6\nI x\n| tail\nC lost 7\nW x\nE lost 8\n");
    assert_eq!(told(&groups), ["3/error/app///lost *", "1/critical/app///lost *"]);
}

#[test]
fn an_open_event_survives_a_restart() {
    let lines = "E lost 5\n| Traceback (most recent call last):\n|   File \"/app/a.py\", line 1, in run\n| ValueError: x\nE lost 6";
    let whole = told(&grouped(lines));
    let lines: Vec<_> = lines.lines().collect();
    for cut in 0..=lines.len() {
        let (mut tracker, mut groups) = (Tracker::default(), Groups::default());
        for (at, line) in lines.iter().enumerate() {
            if at == cut {
                let state = serde_json::to_string(&(&tracker, &groups)).unwrap();
                (tracker, groups) = serde_json::from_str(&state).unwrap();
            }
            feed(&mut tracker, &mut groups, line);
        }
        tracker.settle(now(), &mut groups);
        assert_eq!(told(&groups), whole);
    }
}

#[test]
fn what_is_quiet_is_complete_and_counted_once() {
    let (mut tracker, mut groups) = (Tracker::default(), Groups::default());
    feed(&mut tracker, &mut groups, "E lost 5");
    assert!(tracker.open());
    assert_eq!(groups.total, 0);
    for _ in 0..3 {
        tracker.settle(now(), &mut groups);
        assert!(!tracker.open());
    }
    feed(&mut tracker, &mut groups, "I x");
    assert_eq!(told(&groups), ["1/error/app///lost *"]);
}

#[test]
fn an_event_is_of_the_time_of_its_head() {
    let (mut tracker, mut groups) = (Tracker::default(), Groups::default());
    feed(&mut tracker, &mut groups, "E lost 5");
    tracker.settle(hour(5), &mut groups);
    let group = groups.exported().next().unwrap();
    assert_eq!(
        (group.group.first, group.group.last, group.series.born),
        (hour(0), hour(0), hour(5))
    );
}

#[test]
fn loggers_are_bounded_and_numbers_in_them_do_not_count() {
    let (mut tracker, mut groups) = (Tracker::default(), Groups::default());
    let long = "x".repeat(500);
    let names = ["worker-1", "worker-22", "a\x1b\n\u{202e}b", &long, "", "приложение"];
    for logger in names {
        for _ in 0..2 {
            let logger = logger.as_bytes();
            let head = Head { level: Level::Error, logger, message: b"x", exception: None };
            tracker.head(&head, now(), &mut groups);
        }
        let state = serde_json::to_string(&tracker).unwrap();
        tracker = serde_json::from_str(&state).unwrap();
    }
    tracker.settle(now(), &mut groups);
    let loggers: Vec<_> = groups.all().iter().map(|group| group.logger.clone()).collect();
    assert_eq!(loggers, ["worker-*", "ab", &long[..64], "", "приложение"]);
    assert_eq!(groups.total, 12);
}

#[test]
fn samples_only_when_asked_for_and_bounded() {
    let mut groups = Groups::default();
    count(&mut groups, "a", now());
    groups.samples = true;
    count(&mut groups, "b", now());
    let samples: Vec<_> = groups.all().iter().map(|group| group.sample.as_deref()).collect();
    assert_eq!(samples, [None, Some("raw [0m \u{fffd}")]);
    let mut tracker = Tracker::default();
    let message = "я".repeat(5000);
    feed(&mut tracker, &mut groups, &format!("E {message}"));
    tracker.settle(now(), &mut groups);
    let sample = groups.all().last().unwrap().sample.clone().unwrap();
    assert_eq!(sample, "я".repeat(512));
}

#[test]
fn a_storm_of_new_groups_is_bounded_and_counted() {
    let mut groups = Groups::default();
    for number in 0..10_000 {
        let name: String = format!("{number}").bytes().map(|byte| char::from(byte + 50)).collect();
        count(&mut groups, &name, now());
    }
    assert_sums(&groups);
    assert_eq!((groups.all().len(), groups.exported().count()), (CAP, EXPORTED));
    assert_eq!((groups.other, groups.rest), (9_800, 9_950));
    let state = serde_json::to_string(&groups).unwrap();
    assert!(state.len() < 150_000, "{}", state.len());
}

#[test]
fn who_was_not_seen_for_a_week_makes_room_and_nothing_counts_back() {
    let mut groups = Groups::default();
    let mut last = (0, 0, 0, 0);
    for day in 0..60 {
        for number in 0..CAP + 20 {
            // One group stays, the others change every ten days.
            let name = if number == 0 { "stays".into() } else { format!("{number} {}", day / 10) };
            count(&mut groups, &name, hour(24 * day));
            let next = (groups.total, groups.other, groups.retired, groups.rest + groups.ended);
            assert!(next.0 > last.0 && next.1 >= last.1 && next.2 >= last.2 && next.3 >= last.3);
            last = next;
        }
        assert_sums(&groups);
    }
    assert!(groups.retired > 0 && groups.ended > 0);
    let stays = groups.exported().find(|exported| exported.group.template == "stays").unwrap();
    assert_eq!(stays.value, 60);
    let newest = groups.exported().map(|exported| exported.series.born).max().unwrap();
    assert!(newest >= hour(24 * 50), "the series go to those that are there now");
}

#[test]
fn a_series_is_young_for_a_minute_that_somebody_may_have_seen() {
    let mut groups = Groups::default();
    count(&mut groups, "x", now());
    let young = |groups: &Groups| groups.exported().all(|exported| exported.series.young);
    assert!(!groups.tick(now() + Duration::from_secs(59)) && young(&groups));
    groups.begin_again(now() + Duration::from_hours(1));
    assert!(!groups.tick(now() + Duration::from_hours(1)) && young(&groups));
    assert!(groups.tick(now() + Duration::from_mins(61)) && !young(&groups));
    groups.begin_again(now() + Duration::from_hours(2));
    assert!(!young(&groups));
}

#[test]
fn a_series_begins_at_zero_also_for_an_old_group() {
    let mut groups = Groups::default();
    for number in 0..EXPORTED {
        count(&mut groups, &format!("x{number}"), now());
    }
    for _ in 0..5 {
        count(&mut groups, "late", now());
    }
    assert_eq!(groups.rest, 5);
    count(&mut groups, "late", hour(24 * 8));
    let late = groups.exported().find(|exported| exported.group.template == "late").unwrap();
    assert_eq!((late.value, late.group.count, late.series.born), (1, 6, hour(24 * 8)));
    assert_sums(&groups);
}

#[test]
fn new_is_what_comes_after_the_learning() {
    let mut groups = Groups::default();
    groups.begin(hour(0));
    count(&mut groups, "learned", hour(0));
    assert_eq!(groups.fresh(hour(0)), 0);
    count(&mut groups, "new", hour(2));
    count(&mut groups, "learned", hour(2));
    assert_eq!(groups.fresh(hour(2)), 1);
    assert_eq!(groups.fresh(hour(2) + Duration::from_mins(9)), 1);
    assert_eq!(groups.fresh(hour(2) + Duration::from_mins(10)), 0);
    count(&mut groups, "new", hour(3));
    assert_eq!(groups.fresh(hour(3)), 0);
}

#[test]
fn a_state_of_another_hand_does_no_harm() {
    let mut groups = Groups::default();
    count(&mut groups, "a", now());
    let mut state: serde_json::Value = serde_json::to_value(&groups).unwrap();
    let group = state["groups"][0].clone();
    state["groups"].as_array_mut().unwrap().push(group);
    state["total"] = 2.into();
    let mut groups: Groups = serde_json::from_value(state).unwrap();
    count(&mut groups, "a", now());
    assert_sums(&groups);
    assert_eq!(groups.all().len(), 1);
    let older: Groups = serde_json::from_str("{\"total\": 5, \"other\": 5, \"rest\": 5}").unwrap();
    assert_sums(&older);
}

#[test]
fn nearly_equal_templates_are_one_for_people() {
    let mut groups = Groups::default();
    let names = ["alice", "bob", "bob", "carol", "dave", "erin", "frank", "grace", "heidi"];
    for name in names {
        count(&mut groups, &format!("the user named {name} could not be found in time"), now());
    }
    count(&mut groups, "the user named alice could not be stored in place", now());
    count(&mut groups, "no such thing", now());
    let merged = groups.merged();
    let told: Vec<_> = merged.iter().map(|one| (one.count, one.groups, &*one.template)).collect();
    assert_eq!(
        told,
        [
            (9, 8, "the user named * could not be found in time"),
            (1, 1, "no such thing"),
            (1, 1, "the user named alice could not be stored in place"),
        ]
    );
    assert_eq!(merged[0].trend.until(now(), None)[23], 9);
}
