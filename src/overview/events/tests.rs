//! What becomes of services and targets, and how much of it is kept.

use std::collections::BTreeMap;

use super::super::look::TargetLook;
use super::*;

fn running() -> ServiceLook {
    ServiceLook {
        state: "running".into(),
        running: 1,
        started: Some(100.0),
        created: Some(90.0),
        image: "aaa".into(),
        exit_code: None,
        restarts: Some(3.0),
        read: Some(120.0),
        told: Some(95.0),
    }
}

fn ended(state: &str, code: Option<f64>) -> ServiceLook {
    ServiceLook { state: state.into(), running: 0, exit_code: code, ..running() }
}

fn look(service: Option<ServiceLook>) -> Look {
    let key = ("shop".to_owned(), "web".to_owned());
    let services = service.map(|one| (key, one)).into_iter().collect();
    Look { services: Some(services), ..Look::default() }
}

fn told(before: Option<ServiceLook>, now: Option<ServiceLook>) -> Vec<String> {
    let events = compare(&look(before), &mut look(now), 7);
    let all = events.into_iter().map(|event| (event.kind, event.text));
    all.map(|(kind, text)| format!("{kind:?}: {text}")).collect()
}

#[test]
fn what_becomes_of_a_service() {
    let again = ServiceLook { started: Some(200.0), ..running() };
    let policy = ServiceLook { restarts: Some(5.0), ..again.clone() };
    let deployed = ServiceLook { created: Some(199.0), ..again.clone() };
    let unknown = ServiceLook { image: String::new(), ..deployed.clone() };
    let scaled = ServiceLook { running: 3, ..deployed.clone() };
    let other = ServiceLook { image: "bbb".into(), ..deployed.clone() };
    for (before, now, expected) in [
        (Some(running()), Some(running()), ""),
        (Some(running()), Some(again.clone()), "Started: web (shop) was started again"),
        (
            Some(running()),
            Some(policy.clone()),
            "Restarted: web (shop) was restarted by its policy 2 times",
        ),
        (Some(running()), Some(deployed.clone()), "Deployed: web (shop) was deployed"),
        (Some(running()), Some(other), "Deployed: web (shop) was deployed with another image"),
        (Some(running()), Some(unknown), "Deployed: web (shop) was deployed"),
        (Some(running()), Some(scaled), "Started: web (shop) was scaled to 3"),
        (Some(running()), Some(ended("stopped", Some(137.0))), "Ended: web (shop) was stopped"),
        (Some(running()), Some(ended("paused", None)), "Ended: web (shop) was paused"),
        (
            Some(running()),
            Some(ended("crashed", Some(3.0))),
            "Ended: web (shop) ended with exit code 3",
        ),
        (Some(running()), Some(ended("down", None)), "Ended: web (shop) ended"),
        (
            Some(running()),
            Some(ended("missing", None)),
            "Ended: web (shop) has no container any more",
        ),
        (Some(running()), Some(ended("restarting", Some(1.0))), ""),
        (
            Some(ended("restarting", Some(1.0))),
            Some(policy),
            "Restarted: web (shop) was restarted by its policy 2 times",
        ),
        (Some(ended("restarting", Some(1.0))), Some(again.clone()), ""),
        (Some(ended("stopped", None)), Some(again), "Started: web (shop) was started"),
        (Some(ended("paused", None)), Some(running()), "Started: web (shop) goes on"),
        (Some(ended("missing", None)), Some(deployed), "Deployed: web (shop) was deployed"),
        (Some(running()), None, "Ended: web (shop) was removed"),
        (None, Some(running()), "Deployed: web (shop) was deployed"),
        (None, Some(ended("job_failed", Some(4.0))), "Ended: web (shop) ended with exit code 4"),
        (None, Some(ended("done", Some(0.0))), ""),
    ] {
        assert_eq!(told(before.clone(), now.clone()).join("; "), expected, "{before:?} {now:?}");
    }
    let first = compare(&Look::default(), &mut look(Some(running())), 7);
    assert_eq!(first, [], "what was there at the first look is no news");
}

/// A reading may show that it runs, and only the next one since when.
#[test]
fn a_start_is_told_once_though_its_time_is_seen_later() {
    let stale = |read| ServiceLook { read: Some(read), ..running() };
    let known = |started, read| ServiceLook { started: Some(started), ..stale(read) };
    let stopped = ServiceLook { read: Some(130.0), ..ended("stopped", None) };
    let another = ServiceLook { created: Some(199.0), ..known(100.0, 205.0) };
    let deployed = |started, read| ServiceLook { created: Some(199.0), ..known(started, read) };
    let mut before = Look::default();
    for (now, expected) in [
        // The first look, with the time of an earlier run; what it is of is no news.
        (stale(120.0), ""),
        (known(110.0, 125.0), ""),
        (stopped, "web (shop) was stopped"),
        (known(110.0, 150.0), "web (shop) was started"),
        (known(148.0, 155.0), ""),
        // Seen in two readings, after what was told.
        (known(148.0, 170.0), ""),
        (known(168.0, 175.0), "web (shop) was started again"),
        (another, "web (shop) was deployed"),
        (deployed(200.0, 210.0), ""),
        (deployed(212.0, 215.0), "web (shop) was started again"),
    ] {
        let mut look = look(Some(now.clone()));
        let events = compare(&before, &mut look, 7);
        let texts: Vec<String> = events.into_iter().map(|event| event.text).collect();
        assert_eq!(texts.join("; "), expected, "{now:?}");
        before = look;
    }
}

#[test]
fn targets_go_and_come_and_the_configuration_is_loaded() {
    let target = |up| TargetLook {
        up,
        down_text: "NATS main is down: refused".into(),
        up_text: "NATS main is up again".into(),
    };
    let look = |up: Option<bool>, loaded| Look {
        targets: up
            .map(|up| (("nats".to_owned(), "main".to_owned()), target(up)))
            .into_iter()
            .collect::<BTreeMap<_, _>>(),
        loaded,
        ..Look::default()
    };
    let told = |before: Look, mut now: Look| {
        let events = compare(&before, &mut now, 7).into_iter();
        events.map(|event| (event.kind, event.target, event.text)).collect::<Vec<_>>()
    };
    let down = (EventKind::Trouble, "main".to_owned(), "NATS main is down: refused".to_owned());
    let up = (EventKind::Clear, "main".to_owned(), "NATS main is up again".to_owned());
    assert_eq!(told(look(Some(true), None), look(Some(false), None)), std::slice::from_ref(&down));
    assert_eq!(told(look(None, None), look(Some(false), None)), [down]);
    assert_eq!(told(look(Some(false), None), look(Some(true), None)), [up]);
    assert_eq!(told(look(None, None), look(Some(true), None)), []);
    assert_eq!(told(look(None, None), look(None, Some(5.0))), [], "the process has started");
    let loaded = told(look(None, Some(5.0)), look(None, Some(6.0)));
    assert_eq!(loaded[0].0, EventKind::Reloaded);
}

fn at(at: u64, kind: EventKind, service: &str) -> Event {
    let thing = Thing { service: service.into(), ..Thing::default() };
    event(at, thing, kind, &restarted(service, 1))
}

fn told_all(events: &Events) -> Vec<(EventKind, u64, u64, u32)> {
    events.all().into_iter().map(|one| (one.kind, one.at, one.since, one.times)).collect()
}

#[test]
fn the_same_within_ten_minutes_is_one_event() {
    let mut events = Events::default();
    for second in 0..100 {
        events.note(at(second * 5, EventKind::Restarted, "web"), "");
        events.note(Event { times: 2, ..at(second * 5, EventKind::Restarted, "db") }, "");
        events.note(at(second * 5, EventKind::Ended, "web"), "");
    }
    let all = told_all(&events);
    assert_eq!(
        all,
        [
            (EventKind::Ended, 495, 0, 100),
            (EventKind::Restarted, 495, 0, 200),
            (EventKind::Restarted, 495, 0, 100),
        ],
        "they stand where the last of them is"
    );
    assert_eq!(events.all()[1].text, "db was restarted by its policy 200 times");
    events.note(at(495 + TOGETHER, EventKind::Ended, "web"), "");
    assert_eq!(told_all(&events)[0], (EventKind::Ended, 495 + TOGETHER, 0, 101));
    events.note(at(495 + 2 * TOGETHER + 1, EventKind::Ended, "web"), "");
    assert_eq!(events.all().len(), 4, "a long time");
}

#[test]
fn a_trouble_that_swings_is_one_event_of_each_verdict() {
    let trouble =
        |second, verdict: &str, kind| Event { verdict: verdict.into(), ..at(second, kind, "web") };
    let mut events = Events::default();
    for second in 0..50 {
        events.note(trouble(second * 10, "warning", EventKind::Trouble), "memory");
        events.note(trouble(second * 10 + 5, "critical", EventKind::Trouble), "memory");
        events.note(trouble(second * 10 + 7, "warning", EventKind::Trouble), "cpu");
        events.note(trouble(second * 10 + 8, "ok", EventKind::Clear), "cpu");
    }
    let [trouble_kind, clear] = [EventKind::Trouble, EventKind::Clear];
    assert_eq!(
        told_all(&events),
        [
            (clear, 498, 498, 1),
            (trouble_kind, 497, 7, 50),
            (trouble_kind, 495, 5, 50),
            (trouble_kind, 490, 0, 50),
        ]
    );
    // It lasts for long, is over for a moment, and goes on.
    events.note(trouble(9000, "ok", EventKind::Clear), "memory");
    events.note(trouble(9005, "critical", EventKind::Trouble), "memory");
    assert_eq!(told_all(&events)[0], (trouble_kind, 9005, 5, 51));
    assert_eq!(events.all().len(), 4);
}

#[test]
fn there_is_a_bound_for_all_and_one_for_each_thing() {
    let mut events = Events::default();
    events.note(at(1, EventKind::Started, "db"), "");
    for step in 0..1000 {
        events.note(at(1000 * (step + 1), EventKind::Started, "web"), "");
    }
    assert_eq!(events.all().len(), MOST_OF_ONE + 1, "the other one is still there");
    assert_eq!(events.all()[0].at, 1_000_000, "the newest first");
    for step in 0..1000 {
        events.note(at(2_000_000 + step, EventKind::Started, &format!("s{step}")), "");
    }
    assert_eq!(events.all().len(), MOST);
    let mut more = events.clone();
    more.0.push_back(events.0[0].clone());
    let last = &mut more.0.back_mut().unwrap().event;
    (last.at, last.since, last.times) = (3_000_000, 0, 0);
    let kept = more.bounded();
    assert_eq!(told_all(&kept)[0], (EventKind::Started, 3_000_000, 3_000_000, 1));
    assert_eq!((kept.all().len(), kept.all()[0].at), (MOST, 3_000_000), "the oldest goes");
}

#[test]
fn nothing_from_outside_breaks_out_or_grows() {
    let odd = event(1, Thing::default(), EventKind::Ended, &"\u{1b}[31m".repeat(1000));
    assert!(odd.text.len() <= LONGEST && !odd.text.contains('\u{1b}'), "{}", odd.text);
}
