use std::sync::Arc;

use super::super::api::Summary;
use super::super::container::Naming;
use super::super::detail::Detail;
use super::*;

mod engine;
mod gone;
mod kills;
mod restarts;

const ID: &str = "a";

fn event(at: f64, action: &str, more: &[(&str, &str)]) -> Event {
    let mut value = serde_json::json!({
        "Type": "container", "Action": action, "timeNano": nanos(at),
        "Actor": { "ID": ID, "Attributes": {
            "name": "p-s-1", "com.docker.compose.project": "p", "com.docker.compose.service": "s"
        } }
    });
    for (key, text) in more {
        value["Actor"]["Attributes"][*key] = (*text).into();
    }
    serde_json::from_value(value).unwrap()
}

fn nanos(at: f64) -> i64 {
    i64::try_from(std::time::Duration::from_secs_f64(at).as_nanos()).unwrap()
}

fn container(state: &str, detail: Detail) -> Container {
    let label = |key: &str, value: &str| (format!("com.docker.compose.{key}"), value.to_owned());
    let summary = Summary {
        id: ID.into(),
        state: state.into(),
        labels: [label("project", "p"), label("service", "s")].into(),
        created: Some(100),
        ..Summary::default()
    };
    let mut container = Container::of(summary, &Naming::default()).unwrap();
    container.inspected(Arc::new(detail), false);
    container
}

fn detail(started: f64, finished: f64) -> Detail {
    Detail {
        started: Some(started),
        finished: Some(finished),
        restarts: Some(0),
        ..Detail::default()
    }
}

/// A ledger that has been counting for a while.
struct Book(Ledger);

impl Book {
    fn new() -> Self {
        Self(Ledger { began: Some(50.0), tells_orders: true, ..Ledger::default() })
    }

    fn event(&mut self, at: f64, action: &str) -> &mut Self {
        self.0.event(&event(at, action, &[]));
        self
    }

    fn die(&mut self, at: f64, code: i64) -> &mut Self {
        self.0.event(&event(at, "die", &[("exitCode", &code.to_string())]));
        self
    }

    fn kill(&mut self, at: f64, signal: &str) -> &mut Self {
        self.0.event(&event(at, "kill", &[("signal", signal)]));
        self
    }

    fn look(&mut self, state: &str, detail: Detail, now: f64, streaming: bool) -> &mut Self {
        self.0.observe(&container(state, detail), now, streaming);
        self
    }

    fn counts(&mut self) -> Counts {
        self.0.counted(f64::INFINITY);
        self.0.counted(f64::INFINITY).remove(0).counts
    }

    fn deaths(&mut self, name: &str) -> u64 {
        self.counts().deaths().find(|(class, _)| *class == name).unwrap().1
    }

    fn known(&self) -> Known {
        self.0.known(ID, 1000.0)
    }
}

#[test]
fn a_stop_by_hand_is_no_crash() {
    let mut book = Book::new();
    book.event(100.0, "create").event(101.0, "start");
    book.kill(110.0, "15").die(111.0, 137).event(111.1, "stop");
    assert_eq!((book.deaths("stopped"), book.deaths("killed")), (1, 0));
    assert_eq!(book.known().death, Some(Death::Stopped));
    book.event(120.0, "start").die(130.0, 137);
    assert_eq!((book.deaths("killed"), book.counts().starts), (1, 2));
    book.event(140.0, "start").kill(141.0, "1").die(150.0, 0);
    assert_eq!((book.deaths("done"), book.counts().kills.other), (1, 1), "SIGHUP is no order");
}

#[test]
fn a_gap_in_the_events_loses_nothing() {
    let mut book = Book::new();
    book.event(101.0, "start");
    // Died and was started again by hand meanwhile, and ended at last.
    book.look("running", detail(200.0, 190.0), 210.0, false);
    assert_eq!((book.counts().starts, book.deaths("unknown")), (2, 1));
    let ended = Detail { exit_code: Some(1), ..detail(200.0, 220.0) };
    book.look("exited", ended, 230.0, false);
    assert_eq!(book.deaths("error"), 1);
    // The events of that are repeated now.
    book.event(200.1, "start").die(220.1, 1);
    assert_eq!((book.counts().starts, book.deaths("error")), (2, 1));
}

#[test]
fn the_engines_own_count_tells_of_restarts_unseen() {
    let mut book = Book::new();
    let looping = |started: f64, restarts| Detail {
        restarts: Some(restarts),
        policy: "always".into(),
        exit_code: Some(3),
        ..detail(started, started + 0.1)
    };
    book.look("restarting", looping(101.0, 1), 101.5, false);
    assert_eq!((book.counts().starts, book.counts().restarts), (1, 0), "the first is to come");
    book.look("restarting", looping(140.0, 6), 141.0, false);
    assert_eq!((book.counts().starts, book.counts().restarts), (6, 5));
    book.look("running", Detail { restarts: Some(6), ..looping(150.0, 6) }, 150.1, false);
    assert_eq!((book.counts().starts, book.counts().restarts), (7, 6));
    // `docker restart` sets it to 0.
    book.look("running", looping(200.0, 0), 210.0, false);
    assert_eq!((book.counts().starts, book.counts().restarts), (8, 6));
}

#[test]
fn an_engine_that_died_told_no_end() {
    let restarted = || Detail { policy: "always".into(), ..detail(199.9, 199.0) };
    for events_first in [true, false] {
        let mut book = Book::new();
        book.event(101.0, "start").look("running", detail(100.9, 0.0), 104.0, true);
        if events_first {
            book.event(200.0, "start").look("running", restarted(), 200.5, true);
        }
        book.look("running", restarted(), 203.0, events_first);
        book.event(200.0, "start").look("running", restarted(), 210.0, true);
        let counts = book.counts();
        assert_eq!((counts.starts, book.deaths("unknown")), (2, 1), "{events_first}");
        assert_eq!(counts.restarts, 0, "nothing crashed");
    }
}

#[test]
fn the_first_event_of_one_that_was_there_before() {
    let mut book = Book(Ledger { tells_orders: true, ..Ledger::default() });
    book.event(1000.0, "health_status: healthy");
    book.look("running", detail(90.0, 0.0), 1001.0, true);
    book.look("running", detail(90.0, 0.0), 1010.0, true);
    assert_eq!((book.counts().starts, book.deaths("unknown")), (0, 0));
    book.die(1020.0, 1);
    assert_eq!(book.deaths("error"), 1);
}

#[test]
fn what_was_there_before_is_not_counted() {
    let mut book = Book(Ledger { tells_orders: true, ..Ledger::default() });
    let old = Detail { restarts: Some(40), ..detail(90.0, 80.0) };
    book.look("running", old, 1000.0, true);
    assert_eq!(book.counts(), Counts::default());
    book.die(1010.0, 1).event(1011.0, "start");
    assert_eq!((book.counts().starts, book.deaths("error")), (1, 1));
}

#[test]
fn a_service_outlives_its_containers() {
    let mut book = Book::new();
    book.event(101.0, "start").kill(110.0, "15").die(111.0, 0).event(112.0, "destroy");
    book.0.keep(&[], 200.0);
    assert_eq!(book.0.runs.len(), 0);
    assert_eq!(book.0.counted(210.0).len(), 1, "it is remembered");
    book.0.keep(&[], 200.0 + MEMORY);
    assert_eq!(book.0.counted(210.0).len(), 0, "and not for ever");
}

#[test]
fn one_removed_by_force_has_ended() {
    let mut book = Book::new();
    book.event(101.0, "start");
    book.0.keep(&[], 110.0);
    assert_eq!(book.deaths("unknown"), 1);
}

#[test]
fn zeros_come_first() {
    let mut ledger = Book::new().0;
    ledger.event(&event(101.0, "start", &[]));
    assert_eq!(ledger.counted(110.0).remove(0).counts, Counts::default());
    assert_eq!(ledger.counted(110.0).remove(0).counts.starts, 1);
}

#[test]
fn a_loop_and_its_end() {
    let mut book = Book::new();
    let always = || Detail { policy: "always".into(), ..detail(900.0, 0.0) };
    book.event(900.0, "start").look("running", always(), 905.0, true);
    for (restarts, at) in [(1, 910.0), (2, 920.0), (3, 930.0)] {
        book.die(at, 3).event(at + 1.0, "start");
        let told = Detail { restarts: Some(restarts), started: Some(at + 0.9), ..always() };
        book.look("running", told, at + 5.0, true);
    }
    assert!(book.known().looping && book.counts().restarts == 3);
    assert!(!book.0.known(ID, 930.0 + 300.0).looping, "it has settled");
}

#[test]
fn health_and_the_time_to_it() {
    let mut book = Book::new();
    book.event(101.0, "start").event(107.0, "health_status: healthy");
    book.event(120.0, "health_status: unhealthy").event(130.0, "health_status: healthy");
    let health = book.counts().health;
    assert_eq!((health.healthy, health.unhealthy), (2, 1));
    assert_eq!(book.known().healthy_after, Some(6.0), "the first time");
    book.die(140.0, 0).event(141.0, "start");
    assert_eq!(book.known().healthy_after, None);
}

/// A container in a loop as the Engine tells of it: events in order, and looks at any moment that
/// arrive a little late.
#[test]
fn events_and_looks_in_any_order_count_the_same() {
    for seed in 0..2000_u64 {
        let mut random = fastrand(seed);
        let (mut book, mut now, mut runs) = (Book::new(), 101.0, Vec::new());
        for _ in 0..12 {
            let start = now + f64::from(random() % 30) / 10.0 + 0.1;
            let end = start + f64::from(random() % 40) / 10.0 + 0.02;
            runs.push((start, end));
            now = end;
        }
        // What there is to deliver: (when, what).
        let mut deliveries: Vec<(f64, usize, u8)> = Vec::new();
        for (index, (start, end)) in runs.iter().enumerate() {
            let late = |random: &mut dyn FnMut() -> u32| f64::from(random() % 20) / 1000.0;
            deliveries.push((start + 0.005 + late(&mut random), index, 0));
            deliveries.push((end + 0.03 + late(&mut random), index, 1));
            if random().is_multiple_of(2) {
                let span = end - start;
                deliveries.push((start + span * f64::from(random() % 100) / 100.0, index, 2));
            }
            if random().is_multiple_of(2) {
                deliveries.push((end + 0.001, index, 3));
            }
        }
        deliveries.sort_by(|a, b| a.0.total_cmp(&b.0));
        for (at, index, what) in deliveries {
            let (start, end) = runs[index];
            let looked = |restarts: usize, finished: f64| Detail {
                restarts: i64::try_from(restarts).ok(),
                policy: "always".into(),
                exit_code: Some(3),
                ..detail(start, finished)
            };
            let before = if index == 0 { 0.0 } else { runs[index - 1].1 };
            match what {
                0 => drop(book.event(start + 0.002, "start")),
                1 => drop(book.die(end + 0.002, 3)),
                2 => drop(book.look("running", looked(index, before), at + 0.2, true)),
                _ => drop(book.look("restarting", looked(index + 1, end), at + 0.2, true)),
            }
        }
        // The next reading finds the Engine's count.
        let (start, end) = runs[11];
        let last = Detail { restarts: Some(12), policy: "always".into(), ..detail(start, end) };
        book.look("restarting", last, end + 10.0, true);
        let counts = book.counts();
        let deaths: u64 = counts.deaths().map(|(_, count)| count).sum();
        assert_eq!((counts.starts, deaths, counts.restarts), (12, 12, 11), "seed {seed}");
    }
}

/// Numbers that look random and are the same each time.
fn fastrand(seed: u64) -> impl FnMut() -> u32 {
    let mut state = seed.wrapping_mul(0x9E37_79B9_7F4A_7C15) | 1;
    move || {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        (state >> 33) as u32
    }
}

#[test]
fn restarts_before_us_are_not_told_by_an_early_event() {
    let mut book = Book(Ledger { began: Some(500.0), tells_orders: true, ..Ledger::default() });
    let looping = |restarts| Detail {
        restarts: Some(restarts),
        policy: "always".into(),
        ..detail(990.0, 980.0)
    };
    book.die(995.0, 1).event(996.0, "start");
    let seen = Detail { started: Some(995.9), finished: Some(995.0), ..looping(40) };
    book.look("running", seen, 1000.0, true);
    let counts = book.counts();
    assert_eq!((counts.starts, counts.restarts, book.deaths("unknown")), (1, 1, 0));
}

#[test]
fn an_end_that_nobody_saw_may_have_been_a_stop() {
    let mut book = Book::new();
    book.event(101.0, "start");
    let ended = Detail { exit_code: Some(143), ..detail(100.9, 150.0) };
    book.look("exited", ended, 200.0, false);
    assert_eq!((book.deaths("unknown"), book.deaths("terminated")), (1, 0));
}

#[test]
fn a_service_that_somebody_removed_is_soon_forgotten() {
    let mut book = Book::new();
    book.event(101.0, "start").kill(110.0, "15").die(111.0, 0);
    book.0.keep(&[], 120.0);
    assert!(book.0.services().all(|(_, seen)| seen.dismissed));
    book.0.keep(&[], 120.0 + DISMISSED);
    assert_eq!(book.0.services().count(), 0);
}

#[test]
fn services_stay_when_there_are_too_many_containers() {
    let mut ledger = Ledger { tells_orders: true, ..Ledger::default() };
    ledger.event(&event(100.0, "start", &[]));
    for n in 0..CAP {
        let name = format!("job{n}");
        let alone = [("name", name.as_str()), ("com.docker.compose.project", "")];
        let mut one = event(100.0, "start", &alone);
        one.actor.id = name.clone();
        ledger.event(&one);
    }
    ledger.keep(&[], 100.0);
    assert_eq!((ledger.over(), ledger.services().count()), (1, 1));
}

#[test]
fn beyond_the_cap_the_ones_gone_longest_are_forgotten() {
    let mut book = Book::new();
    book.event(101.0, "start");
    for number in 0..=CAP {
        let mut other = event(50.0, "start", &[("com.docker.compose.service", "a")]);
        let attributes = &mut other.actor.attributes;
        attributes.insert("com.docker.compose.project".into(), format!("a{number}"));
        other.actor.id = number.to_string();
        book.0.event(&other);
    }
    book.0.keep(&[container("running", detail(101.0, 0.0))], 102.0);
    assert_eq!(book.0.services.len(), CAP);
    assert!(book.0.services.contains_key(&("p".to_owned(), "s".to_owned())));
}
