//! The stack of readings that are made up, and what is remembered from look to look.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::*;
use crate::catalogue::{Area, Batch, Cell, Column, Detail, TableEntry, metrics};
use crate::check::{Finding, Report, Verdict};
use crate::collectors::{CATALOGUE, nats};
use crate::engine::{Board, Service as Home, Snapshot, Storage};
use crate::failure::{Failure, Reason};

/// A container as Docker's area has it, under the same names.
#[derive(Clone, Default)]
struct Fake {
    name: &'static str,
    of: (&'static str, &'static str),
    state: &'static str,
    health: &'static str,
    image: &'static str,
    values: BTreeMap<&'static str, f64>,
}

impl Fake {
    fn new(name: &'static str, of: (&'static str, &'static str), state: &'static str) -> Self {
        Self { name, of, state, ..Self::default() }
    }

    fn with(mut self, key: &'static str, value: f64) -> Self {
        self.values.insert(key, value);
        self
    }

    fn get(&self, key: &str) -> Option<f64> {
        self.values.get(key).copied()
    }
}

metrics! { Fake {
    labels { name = |c| c.name, project = |c| c.of.0, service = |c| c.of.1, id = |c| c.name, image = |c| c.image }
    /// Test.
    gauge stack_container_state {state} = |c| [("running", c.state == "running"), ("exited", c.state == "exited"), ("restarting", c.state == "restarting")];
    /// Test.
    gauge stack_container_health {status} = |c| [("healthy", c.health == "healthy"), ("unhealthy", c.health == "unhealthy"), ("starting", c.health == "starting")];
    /// Test.
    gauge container_start_time_seconds = |c| c.get("started");
    /// Test.
    gauge stack_container_created_timestamp_seconds = |c| c.get("created");
    /// Test.
    gauge stack_container_finished_timestamp_seconds = |c| c.get("finished");
    /// Test.
    gauge stack_container_exit_code = |c| c.get("exit");
    /// Test.
    gauge stack_container_failed = |c| c.get("failed");
    /// Test.
    gauge stack_container_memory_unreclaimable_bytes = |c| c.get("memory");
    /// Test.
    gauge container_spec_memory_limit_bytes = |c| c.get("memory_limit");
    /// Test.
    gauge stack_container_cpu_limit_cores = |c| c.get("cpu_limit");
    /// Test.
    counter container_cpu_usage_seconds_total = |c| c.get("cpu");
    /// Test.
    gauge stack_container_image_info {image_id} = |c| [("0123456789ab", 1)].into_iter().filter(|_| c.get("image_age").is_some());
    /// Test.
    gauge stack_container_image_age_seconds = |c| c.get("image_age");
    /// Test.
    gauge stack_container_image_outdated = |c| c.get("outdated");
} }

struct Compose {
    of: (&'static str, &'static str),
    state: &'static str,
    replicas: (u32, u32),
    declared: Option<f64>,
    restarts: Option<u32>,
    deploying: bool,
    looping: bool,
}

metrics! { Compose {
    labels { project = |s| s.of.0, service = |s| s.of.1 }
    /// Test.
    gauge stack_service_state {state} = |s| [(s.state, 1)].into_iter().filter(|_| !s.state.is_empty());
    /// Test.
    gauge stack_service_replicas {state} = |s| [("wanted", s.replicas.0), ("running", s.replicas.1)];
    /// Test.
    gauge stack_service_deploying = |s| s.deploying;
    /// Test.
    gauge stack_service_restart_loop = |s| s.looping;
    /// Test.
    counter stack_service_restarts_total = |s| s.restarts;
    /// Test.
    gauge stack_service_declared_memory_limit_bytes = |s| s.declared;
} }

struct Exposed(&'static str, &'static str, &'static str, bool);

metrics! { Exposed {
    labels { project = |_p| "shop", service = |p| p.0, port = |p| p.1, address = |p| p.2 }
    /// Test.
    gauge stack_container_port_exposed = |p| p.3;
} }

static DOCKER: Area = Area {
    name: "docker",
    title: "Docker",
    single: true,
    in_service: false,
    tables: &[TableEntry::of::<Fake>(), TableEntry::of::<Compose>(), TableEntry::of::<Exposed>()],
    signals: &[],
    glance: &[],
    reasons: &[],
    words: &[],
    runbook: "",
};

static LOGS: Area = Area { name: "logs", title: "Logs", single: false, tables: &[], ..DOCKER_LIKE };

const DOCKER_LIKE: Area = Area {
    name: "",
    title: "",
    single: false,
    in_service: true,
    tables: &[],
    signals: &[],
    glance: &[],
    reasons: &[],
    words: &[],
    runbook: "",
};

const NOW: f64 = 1_800_000_000.0;

fn at(seconds: f64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs_f64(NOW + seconds)
}

fn service(of: (&'static str, &'static str), state: &'static str, replicas: (u32, u32)) -> Compose {
    Compose {
        of,
        state,
        replicas,
        declared: None,
        restarts: Some(0),
        deploying: false,
        looping: false,
    }
}

fn report(findings: Vec<Finding>) -> Report {
    Report { at: at(0.0), findings, blind: Vec::new(), idle: Vec::new() }
}

fn overview() -> Overview {
    Overview::new(Arc::new(Board::default()))
}

fn docker(seconds: f64, services: Vec<Compose>, containers: Vec<Fake>) -> Snapshot {
    let batch = Batch::new().with(services).with(containers);
    Snapshot::looked(at(seconds), vec![(&DOCKER, "docker", None, Ok(batch))])
}

fn down(seconds: f64) -> Snapshot {
    let failure = Failure::new(Reason::REFUSED, "nobody listens");
    Snapshot::looked(at(seconds), vec![(&DOCKER, "docker", None, Err(failure))])
}

#[test]
fn a_service_is_put_together_from_its_containers() {
    let running = |name, started, memory| {
        Fake {
            health: "healthy",
            image: "shop/web:3",
            ..Fake::new(name, ("shop", "web"), "running")
        }
        .with("created", started)
        .with("started", started)
        .with("memory", memory)
        .with("memory_limit", 100.0)
        .with("image_age", 86_400.0)
        .with("outdated", 1.0)
    };
    let mut sick = running("shop-web-2", NOW - 50.0, 30.0);
    sick.health = "unhealthy";
    let services = vec![
        Compose { declared: Some(500.0), ..service(("shop", "web"), "running", (2, 2)) },
        Compose { declared: Some(700.0), ..service(("shop", "db"), "missing", (1, 0)) },
    ];
    let containers = vec![
        running("shop-web-1", NOW - 100.0, 20.0),
        sick,
        Fake::new("alone", ("", "alone"), "exited").with("exit", 0.0).with("finished", NOW - 7.0),
        Fake::new("broken", ("", "broken"), "exited").with("exit", 3.0).with("failed", 1.0),
    ];
    let ports = vec![
        Exposed("web", "80/tcp", "any", false),
        Exposed("web", "5432/tcp", "any", true),
        Exposed("web", "80/tcp", "any", false),
    ];
    let batch = Batch::new().with(services).with(containers).with(ports);
    let snapshot = Snapshot::looked(at(0.0), vec![(&DOCKER, "docker", None, Ok(batch))]);
    let stack = overview().stack(&snapshot, &report(Vec::new()));
    let names: Vec<&str> = stack.projects.iter().map(|project| project.name.as_str()).collect();
    assert_eq!(names, ["shop", ""], "those without a project are last");
    let [db, web] = stack.projects[0].services.as_slice() else { panic!("{stack:#?}") };
    assert_eq!((db.service.as_str(), db.mood, db.since), ("db", Mood::Down, None));
    assert_eq!(db.memory_bytes, Usage { used: None, limit: Some(700.0) });
    assert_eq!((db.replicas_running, db.replicas_wanted), (0, 1));
    assert_eq!((web.state.as_str(), web.mood), ("running", Mood::Degraded));
    assert_eq!((web.health, web.since), (Some(Health::Unhealthy), Some(NOW - 50.0)));
    assert_eq!(web.memory_bytes, Usage { used: Some(50.0), limit: Some(200.0) });
    assert_eq!(web.containers, ["shop-web-1", "shop-web-2"]);
    let image = web.image.clone().unwrap();
    assert_eq!((image.name.as_str(), image.age_seconds), ("shop/web:3", Some(86_400.0)));
    assert!(image.outdated);
    let port = |port: &str, exposed| Port { port: port.into(), address: "any".into(), exposed };
    assert_eq!(web.ports, [port("80/tcp", false), port("5432/tcp", true)]);
    let [alone, broken] = stack.projects[1].services.as_slice() else { panic!("{stack:#?}") };
    assert_eq!(
        (alone.state.as_str(), alone.mood, alone.since),
        ("done", Mood::Idle, Some(NOW - 7.0))
    );
    assert_eq!((broken.state.as_str(), broken.mood), ("crashed", Mood::Down));
}

#[test]
fn each_state_has_its_mood() {
    for (state, deploying, looping, mood) in [
        ("running", false, false, Mood::Up),
        ("running", false, true, Mood::Degraded),
        ("degraded", false, false, Mood::Degraded),
        ("deploying", true, false, Mood::Deploying),
        ("restarting", false, true, Mood::Down),
        ("failed_start", false, false, Mood::Down),
        ("crashed", false, false, Mood::Down),
        ("down", false, false, Mood::Down),
        ("created", false, false, Mood::Down),
        ("missing", false, false, Mood::Down),
        ("job_failed", false, false, Mood::Down),
        ("stopped", false, false, Mood::Idle),
        ("paused", false, false, Mood::Idle),
        ("done", false, false, Mood::Idle),
        ("off", false, false, Mood::Idle),
    ] {
        let one = Compose { deploying, looping, ..service(("p", "s"), state, (1, 1)) };
        let stack = overview().stack(&docker(0.0, vec![one], Vec::new()), &report(Vec::new()));
        assert_eq!(stack.projects[0].services[0].mood, mood, "{state}");
    }
}

#[test]
fn processor_time_is_the_change_between_two_readings() {
    let overview = overview();
    let one = |cpu| Fake::new("a", ("", "a"), "running").with("started", NOW).with("cpu", cpu);
    let used = |snapshot: &Snapshot| {
        overview.note(snapshot, &report(Vec::new()));
        overview.services(snapshot)[0].cpu_cores.used
    };
    assert_eq!(used(&docker(0.0, Vec::new(), vec![one(10.0)])), None);
    assert_eq!(used(&docker(5.0, Vec::new(), vec![one(12.5)])), Some(0.5));
    assert_eq!(
        used(&docker(5.1, Vec::new(), vec![one(99.0)])),
        Some(0.5),
        "nearly the same reading"
    );
    assert_eq!(used(&docker(10.0, Vec::new(), vec![one(0.1)])), None, "another run");
}

#[test]
fn restarts_are_counted_by_what_was_watched() {
    let overview = overview();
    let look = |seconds, restarts| {
        let one = Compose { restarts, ..service(("shop", "web"), "running", (1, 1)) };
        let snapshot = docker(seconds, vec![one], Vec::new());
        overview.note(&snapshot, &report(Vec::new()));
        overview.services(&snapshot).remove(0)
    };
    assert_eq!(look(0.0, Some(70)).restarts, Some(0), "what was before is not known");
    assert_eq!(look(5.0, Some(72)).restarts, Some(2));
    let now = look(900.0, Some(3));
    assert_eq!(
        (now.restarts, now.day.restarts),
        (Some(5), vec![(1_800_000_000, 2), (1_800_000_900, 3)])
    );
    assert_eq!(look(900.0 + 86_400.0, None).restarts, None, "nothing counts them");
}

#[test]
fn a_container_named_as_a_service_is_not_that_service() {
    let overview = overview();
    let redis = || service(("shop", "redis"), "running", (1, 1));
    let alone = |restarts| Compose {
        restarts: Some(restarts),
        looping: true,
        state: "",
        ..service(("", "redis"), "running", (0, 0))
    };
    let containers = || {
        vec![
            Fake::new("shop-redis-1", ("shop", "redis"), "running"),
            Fake::new("redis", ("", "redis"), "running"),
            Fake::new("run", ("shop", "run"), "running"),
        ]
    };
    for (seconds, restarts) in [(0.0, 0), (5.0, 4)] {
        let counts = vec![
            Compose { restarts: None, ..redis() },
            alone(restarts),
            Compose { of: ("", "run"), looping: false, ..alone(restarts) },
        ];
        overview.note(&docker(seconds, counts, containers()), &report(Vec::new()));
    }
    let counts = vec![
        Compose { restarts: None, ..redis() },
        alone(4),
        Compose { of: ("", "run"), looping: false, ..alone(4) },
    ];
    let services = overview.services(&docker(5.0, counts, containers()));
    let told: Vec<_> = services
        .iter()
        .map(|one| (one.project.as_str(), one.service.as_str(), one.restarts, one.mood))
        .collect();
    assert_eq!(
        told,
        [
            ("shop", "redis", None, Mood::Up),
            ("shop", "run", Some(4), Mood::Up),
            ("", "redis", Some(4), Mood::Degraded),
        ],
        "and one of `docker compose run` is counted by its name"
    );
}

#[test]
fn services_stay_while_docker_cannot_be_read_for_a_day() {
    let overview = overview();
    let one = |service_name| service(("shop", service_name), "running", (1, 1));
    overview.note(&docker(0.0, vec![one("web"), one("old")], Vec::new()), &report(Vec::new()));
    overview.note(&docker(300.0, vec![one("web")], Vec::new()), &report(Vec::new()));
    overview.note(&down(600.0), &report(Vec::new()));
    let services = overview.services(&down(900.0));
    assert_eq!(services.len(), 1, "one that had gone before does not come back");
    assert_eq!((services[0].service.as_str(), services[0].mood), ("web", Mood::Unknown));
    assert_eq!(services[0].day.steps, [Mood::Up, Mood::Up, Mood::Unknown, Mood::Unknown]);
    assert_eq!(overview.services(&down(300.0 + 86_400.0)), [], "after a day it is forgotten");
}

#[test]
fn the_last_error_is_that_of_the_log_that_lives_in_the_service() {
    let error = |last: f64, text: &str| {
        let columns = ["count", "error", "last"].map(|name| Column { name, title: name });
        let row =
            |last, text: &str| vec![Cell::Count(3), Cell::Text(text.into()), Cell::At(at(last))];
        let rows = vec![row(last - 1000.0, "older"), row(last, text)];
        Batch::new().detail(Detail { title: "", name: "errors", columns: columns.to_vec(), rows })
    };
    let home = |project: &str, service: &str| {
        Some(Home { project: project.into(), service: service.into() })
    };
    let services = [("shop", "web"), ("shop", "db"), ("shop", "api"), ("blog", "api")]
        .map(|of| service(of, "running", (1, 1)));
    let snapshot = Snapshot::looked(
        at(0.0),
        vec![
            (&DOCKER, "docker", None, Ok(Batch::new().with(services.into_iter().collect()))),
            (&LOGS, "one", home("shop", "web"), Ok(error(-60.0, "lost \u{202e}connection"))),
            (&LOGS, "two", home("", "web"), Ok(error(-90.0, "before"))),
            (&LOGS, "three", home("blog", "web"), Ok(error(-1.0, "of another project"))),
            (&LOGS, "db", None, Ok(error(-5.0, "by its name"))),
            (&LOGS, "api", None, Ok(error(-5.0, "of one of two"))),
        ],
    );
    let services = overview().services(&snapshot);
    let last = |name: &str| {
        let one = services.iter().find(|one| one.service == name).unwrap();
        one.last_error.clone().map(|error| (error.text, error.log, error.count, error.at - NOW))
    };
    let (text, log, count, at) = last("web").unwrap();
    assert_eq!((log.as_str(), count, at), ("one", 3, -60.0));
    assert!(text.starts_with("lost ") && !text.contains('\u{202e}'), "{text:?}");
    assert_eq!(last("db").unwrap().0, "by its name");
    assert_eq!(last("api"), None, "two services have that name");
}

fn pending(stream: &str, consumer: &str, value: f64, verdict: Verdict) -> Finding {
    let labels = [("stream_name", stream), ("consumer_name", consumer)];
    Finding {
        area: "nats",
        target: "main".into(),
        signal: nats::AREA.signal("consumer_pending").unwrap(),
        labels: labels.map(|(name, value)| (name, value.to_owned())).to_vec(),
        value: Some(value),
        threshold: Some(1000.0),
        verdict,
    }
}

#[test]
fn a_target_has_its_worst_numbers_and_its_things() {
    let board = Arc::new(Board::default());
    let overview = Overview::new(Arc::clone(&board));
    let findings = vec![
        pending("A", "one", 10.0, Verdict::Ok),
        pending("B", "two", 5000.0, Verdict::Warning),
        pending("C", "three", 900.0, Verdict::Ok),
    ];
    for minute in 0..60 * 24 {
        let moment = at(60.0 * f64::from(minute) - 86_400.0);
        board.chart.note(findings[1].number(), moment, f64::from(minute));
    }
    let home = Some(Home { project: "shop".into(), service: "nats".into() });
    let failure = Failure::new(Reason::REFUSED, "nobody \u{7}listens");
    let snapshot = Snapshot::looked(
        at(0.0),
        vec![
            (&nats::AREA, "main", home, Ok(Batch::new())),
            (&nats::AREA, "gone", None, Err(failure)),
        ],
    );
    overview.note(&snapshot, &report(Vec::new()));
    let stack = overview.stack(&snapshot, &report(findings));
    let [group] = stack.groups.as_slice() else { panic!("{stack:#?}") };
    assert_eq!((group.area, group.title), ("nats", "NATS"));
    let [main, gone] = group.targets.as_slice() else { panic!("{group:#?}") };
    assert_eq!(
        (main.mood, main.project.as_str(), main.service.as_str()),
        (Mood::Degraded, "shop", "nats")
    );
    assert_eq!(main.day.steps, [Mood::Up], "at the look there was no trouble");
    let [figure] = main.figures.as_slice() else { panic!("{main:#?}") };
    assert_eq!(
        (figure.signal, figure.shown.as_str(), figure.verdict),
        ("consumer_pending", "5000", "warning")
    );
    assert_eq!(figure.labels[1].1, "two");
    assert!((90..=96).contains(&figure.points.len()), "{}", figure.points.len());
    assert_eq!(figure.points.last().map(|(_, value)| *value), Some(1439.0_f32));
    let items: Vec<(&str, &str)> =
        main.items.iter().map(|item| (item.name.as_str(), item.verdict)).collect();
    assert_eq!(items, [("B two", "warning"), ("A one", "ok"), ("C three", "ok")]);
    assert_eq!(main.items[0].shown, "Undelivered messages: 5000");
    assert_eq!((main.items_total, main.items_bad), (3, 1));
    assert_eq!(gone.mood, Mood::Down);
    assert!(gone.why.as_ref().unwrap().starts_with("nobody "), "{:?}", gone.why);
    assert!(!gone.why.as_ref().unwrap().contains('\u{7}'));
}

#[test]
fn things_are_counted_before_the_list_is_cut() {
    let names: Vec<String> = (0..70).map(|n| format!("c{n:02}")).collect();
    let finding = |(n, name): (usize, &String)| {
        let verdict = if n < 60 { Verdict::Warning } else { Verdict::Ok };
        pending("A", name, 5.0, verdict)
    };
    let report = report(names.iter().enumerate().map(finding).collect());
    let stack = overview().stack(&well(0.0), &report);
    let target = &stack.groups[0].targets[0];
    assert_eq!((target.items.len(), target.items_total, target.items_bad), (50, 70, 60));
}

#[test]
fn each_area_says_what_one_looks_at() {
    for area in CATALOGUE.areas() {
        let is_shown = !matches!(area.name, "docker" | "exporter");
        let count = area.glance.len();
        assert!(if is_shown { (1..=3).contains(&count) } else { count == 0 }, "{}", area.name);
        for glance in area.glance {
            match glance {
                crate::catalogue::Glance::Signal(name) => {
                    let signal = area.signal(name).unwrap_or_else(|| panic!("{name}"));
                    assert!(!signal.what.is_empty(), "{name} is a number");
                }
                crate::catalogue::Glance::Fact { metric, what, .. } => {
                    assert!(area.facts(metric).is_some() && !what.is_empty(), "{metric}");
                }
            }
        }
    }
}

fn warned(value: f64, verdict: Verdict) -> Report {
    report(vec![pending("A", "one", value, verdict)])
}

fn well(seconds: f64) -> Snapshot {
    Snapshot::looked(at(seconds), vec![(&nats::AREA, "main", None, Ok(Batch::new()))])
}

fn later(seconds: f64, report: Report) -> (Snapshot, Report) {
    (well(seconds), Report { at: at(seconds), ..report })
}

fn texts(overview: &Overview) -> Vec<(EventKind, String)> {
    overview.events(&|_| true).into_iter().map(|event| (event.kind, event.text)).collect()
}

#[test]
fn a_trouble_begins_gets_worse_and_is_over() {
    let overview = overview();
    let since = |verdict| overview.since(&pending("A", "one", 0.0, verdict));
    for (seconds, verdict) in [
        (0.0, Verdict::Warning),
        (5.0, Verdict::Warning),
        (10.0, Verdict::Critical),
        (15.0, Verdict::Critical),
    ] {
        let (snapshot, report) = later(seconds, warned(5.0, verdict));
        overview.note(&snapshot, &report);
    }
    assert_eq!(since(Verdict::Critical), Some(at(0.0)), "it is the same trouble");
    let (snapshot, report) = later(20.0, warned(5.0, Verdict::Ok));
    overview.note(&snapshot, &report);
    assert_eq!(since(Verdict::Ok), None);
    let told = texts(&overview);
    let kinds: Vec<EventKind> = told.iter().map(|(kind, _)| *kind).collect();
    assert_eq!(kinds, [EventKind::Clear, EventKind::Trouble, EventKind::Trouble]);
    assert!(told[1].1.ends_with(": critical now"), "{}", told[1].1);
    assert_eq!(told[2].1, pending("A", "one", 5.0, Verdict::Warning).title());
    assert_eq!(told[0].1, pending("A", "one", 5.0, Verdict::Warning).clear());
    let (snapshot, report) = later(600.0, warned(5.0, Verdict::Warning));
    overview.note(&snapshot, &report);
    assert_eq!(since(Verdict::Warning), Some(at(0.0)), "it was not over");
    let all = overview.events(&|_| true);
    let told: Vec<_> = all.iter().map(|one| (one.verdict.as_str(), one.times, one.at)).collect();
    assert_eq!(told, [("warning", 2, 1_800_000_600), ("critical", 1, 1_800_000_010)]);
    let (snapshot, report) = later(605.0, warned(5.0, Verdict::Ok));
    overview.note(&snapshot, &report);
    let (snapshot, report) = later(1300.0, warned(5.0, Verdict::Warning));
    overview.note(&snapshot, &report);
    assert_eq!(since(Verdict::Warning), Some(at(1300.0)), "another one");
}

#[test]
fn not_visible_is_not_cured_and_what_went_is_over() {
    let overview = overview();
    let since = || overview.since(&pending("A", "one", 0.0, Verdict::Warning));
    let note = |seconds, report: Report, snapshot: Option<Snapshot>| {
        let (well, report) = later(seconds, report);
        overview.note(snapshot.as_ref().unwrap_or(&well), &report);
    };
    note(0.0, warned(5.0, Verdict::Warning), None);
    let failure = Failure::new(Reason::REFUSED, "refused");
    let down = Snapshot::looked(at(5.0), vec![(&nats::AREA, "main", None, Err(failure.clone()))]);
    let blind = crate::check::judge(&down);
    note(5.0, blind, Some(down));
    note(10.0, warned(5.0, Verdict::Warning), None);
    assert_eq!(since(), Some(at(0.0)), "it went on all the time");
    // A counter of which there is one reading only.
    let waits = Finding { labels: Vec::new(), ..pending("A", "one", 0.0, Verdict::NeedsHistory) };
    note(15.0, report(vec![waits]), None);
    assert_eq!(since(), Some(at(0.0)));
    note(20.0, report(Vec::new()), None);
    assert_eq!(since(), None, "the consumer was removed, and its alert resolves");
    note(1025.0, warned(5.0, Verdict::Warning), None);
    note(1030.0, report(Vec::new()), Some(Snapshot::looked(at(1030.0), Vec::new())));
    assert_eq!(since(), None, "nobody watches it any more");
    let kinds: Vec<EventKind> = texts(&overview).into_iter().map(|(kind, _)| kind).collect();
    let [trouble, clear] = [EventKind::Trouble, EventKind::Clear];
    assert_eq!(kinds, [trouble, clear, clear, trouble, trouble], "also of the target");
}

/// A restart by the policy is not told beside the loop that it is of; nobody said that it was over.
#[test]
fn what_another_trouble_silences_is_not_over() {
    let overview = overview();
    let labels = [("project", "shop"), ("service", "worker")];
    let finding = Finding {
        area: "docker",
        target: "docker".into(),
        signal: crate::collectors::docker::AREA.signal("restarts").unwrap(),
        labels: labels.map(|(name, value)| (name, value.to_owned())).to_vec(),
        ..pending("A", "one", 1.0, Verdict::Warning)
    };
    let look = |seconds| {
        let area = &crate::collectors::docker::AREA;
        Snapshot::looked(at(seconds), vec![(area, "docker", None, Ok(Batch::new()))])
    };
    overview.note(&look(0.0), &report(vec![finding]));
    overview.note(&look(5.0), &report(Vec::new()));
    let kinds: Vec<EventKind> = texts(&overview).into_iter().map(|(kind, _)| kind).collect();
    assert_eq!(kinds, [EventKind::Trouble]);
}

#[test]
fn a_trouble_of_a_container_without_compose_is_that_containers() {
    let overview = overview();
    let labels = [("project", ""), ("service", ""), ("name", "tool")];
    let finding = Finding {
        area: "docker",
        target: "docker".into(),
        signal: crate::collectors::docker::AREA.signal("restart_loop").unwrap(),
        labels: labels.map(|(name, value)| (name, value.to_owned())).to_vec(),
        ..pending("A", "one", 1.0, Verdict::Critical)
    };
    overview.note(&docker(0.0, Vec::new(), Vec::new()), &report(vec![finding]));
    let events = overview.events(&|event| event.project.is_empty() && event.service == "tool");
    let told: Vec<_> = events.iter().map(|one| (one.kind, one.verdict.as_str())).collect();
    assert_eq!(told, [(EventKind::Trouble, "critical")]);
}

#[test]
fn a_target_that_is_down_has_the_verdict_on_that() {
    let overview = overview();
    let failure = Failure::new(Reason::REFUSED, "refused");
    let down = Snapshot::looked(at(0.0), vec![(&nats::AREA, "main", None, Err(failure.clone()))]);
    let blind = |verdict| crate::check::Blind {
        area: "nats",
        target: "main".into(),
        place: String::new(),
        what: None,
        failure: failure.clone(),
        since: at(0.0),
        verdict,
        up: None,
        told: false,
    };
    let report = Report { blind: vec![blind(Verdict::Critical)], ..report(Vec::new()) };
    overview.note(&down, &report);
    for second in 1..40 {
        let seconds = 10.0 * f64::from(second);
        let report = Report {
            at: at(seconds),
            blind: vec![blind(Verdict::Critical)],
            ..self::report(Vec::new())
        };
        overview.note(&well(seconds), &self::report(Vec::new()));
        overview.note(&down, &report);
    }
    let events = overview.events(&|_| true);
    let told: Vec<_> =
        events.iter().map(|one| (one.kind, one.verdict.as_str(), one.times)).collect();
    assert_eq!(told, [(EventKind::Trouble, "critical", 40)], "it comes and goes: one event");
}

/// Whoever has a log line may have to wait for its reader; nobody may have to wait for him.
#[test]
fn nothing_is_logged_while_the_lock_is_held() {
    let overview = Arc::new(overview());
    let seen = Arc::new(std::sync::Mutex::new(Vec::new()));
    let writer = {
        let (overview, seen) = (Arc::clone(&overview), Arc::clone(&seen));
        move || {
            seen.lock().unwrap().push(overview.is_free());
            std::io::sink()
        }
    };
    let subscriber = tracing_subscriber::fmt().with_writer(writer).finish();
    tracing::subscriber::with_default(subscriber, || {
        overview.note(&well(0.0), &warned(5.0, Verdict::Warning));
        overview.note(&well(5.0), &warned(5.0, Verdict::Ok));
    });
    assert_eq!(*seen.lock().unwrap(), [true, true], "begun, and over");
}

#[test]
fn a_restart_forgets_nothing_and_tells_nothing_twice() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Storage::open(dir.path()).unwrap();
    let stack = |seconds, restarts, up: bool| {
        let one =
            Compose { restarts: Some(restarts), ..service(("shop", "web"), "running", (1, 1)) };
        let web = Fake::new("web-1", ("shop", "web"), "running").with("started", NOW);
        let batch = Batch::new().with(vec![one]).with(vec![web]);
        let nats = if up { Ok(Batch::new()) } else { Err(Failure::new(Reason::REFUSED, "no")) };
        Snapshot::looked(
            at(seconds),
            vec![(&DOCKER, "docker", None, Ok(batch)), (&nats::AREA, "main", None, nats)],
        )
    };
    let first = overview();
    let warned = |seconds| Report { at: at(seconds), ..warned(5.0, Verdict::Warning) };
    first.note(&stack(0.0, 1, true), &warned(0.0));
    first.note(&stack(300.0, 3, false), &warned(300.0));
    let before = texts(&first);
    assert_eq!(before.len(), 3, "{before:?}");
    saved::save(&storage, &first.encoded().unwrap()).unwrap();

    let next = overview();
    next.load(&storage, at(900.0)).unwrap();
    assert_eq!(next.waiting(), 1);
    assert_eq!(texts(&next), before);
    // Nothing is read yet, so nothing is known to have changed.
    let not_read = || Err(Failure::new(Reason::PENDING, "not read yet"));
    let starting: Vec<crate::engine::Looked> =
        vec![(&DOCKER, "docker", None, not_read()), (&nats::AREA, "main", None, not_read())];
    next.note(&Snapshot::looked(at(900.0), starting), &report(Vec::new()));
    assert_eq!(next.waiting(), 1, "nothing could be judged");
    next.note(&stack(905.0, 3, false), &warned(905.0));
    assert_eq!(next.waiting(), 0);
    assert_eq!(texts(&next), before);
    let since = next.since(&pending("A", "one", 5.0, Verdict::Warning));
    assert_eq!(since, Some(at(0.0)));
    let day = next.services(&stack(905.0, 3, false)).remove(0).day;
    let [up, unknown] = [Mood::Up, Mood::Unknown];
    assert_eq!(day.steps, [up, up, unknown, up]);
    assert_eq!(day.restarts, [(1_800_000_300, 2)]);

    storage.save(crate::engine::OWN_AREA.name, "overview", b"rubbish").unwrap();
    let failure = overview().load(&storage, at(900.0)).unwrap_err();
    assert!(failure.detail.contains("state lost"), "{failure}");
}
