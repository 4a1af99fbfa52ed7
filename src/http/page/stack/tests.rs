//! The stack as HTML: what stands where, what is left out, and names that are none.

use std::time::{Duration, UNIX_EPOCH};

use super::*;
use crate::catalogue::{Batch, Cell, Column, Detail};
use crate::overview::{
    Day, Figure, Group, Health, Image, Item, LastError, Port, Project, Service, Target, Usage,
};

/// Noon of a day in UTC.
const NOW: u64 = 1_704_110_400;
const MIB: f64 = 1_048_576.0;

fn past(bad: Mood, at: usize, long: usize) -> Day {
    let mood = |n| if (at..at + long).contains(&n) { bad } else { Mood::Up };
    Day { last: NOW - 300, steps: (0..288).map(mood).collect(), restarts: vec![] }
}

fn service(project: &str, service: &str) -> Service {
    Service {
        project: project.into(),
        service: service.into(),
        mood: Mood::Up,
        state: "running".into(),
        since: Some(NOW as f64 - 266_400.0),
        replicas_running: 1,
        replicas_wanted: 1,
        cpu_cores: Usage { used: Some(0.12), limit: None },
        memory_bytes: Usage { used: Some(212.0 * MIB), limit: Some(512.0 * MIB) },
        restarts: Some(0),
        image: Some(Image {
            name: format!("registry.example.org/{service}:1.4"),
            age_seconds: Some(1_900_000.0),
            outdated: false,
        }),
        day: past(Mood::Up, 0, 0),
        containers: vec![format!("{project}-{service}-1")],
        ..Service::default()
    }
}

fn figure(signal: &'static str, what: &'static str, shown: &str, verdict: &'static str) -> Figure {
    let wave = |n: u16| (NOW - u64::from(47 - n) * 1800, f32::from(n % 9 + 3) / 14.0);
    Figure {
        signal,
        what,
        shown: shown.into(),
        verdict,
        points: (0..48).map(wave).collect(),
        ..Figure::default()
    }
}

fn target(area: &'static str, target: &str, place: &str, figures: Vec<Figure>) -> Target {
    Target {
        area,
        target: target.into(),
        place: place.into(),
        mood: Mood::Up,
        since: NOW as f64 - 266_400.0,
        figures,
        day: past(Mood::Up, 0, 0),
        ..Target::default()
    }
}

fn projects() -> Vec<Project> {
    let shop = ["api", "cache", "db", "mail", "nats", "proxy", "search", "web", "worker"];
    let blog = ["db", "php", "web"];
    let media = ["bot", "indexer", "library", "transcoder", "tts"];
    let of = |project: &str, names: &[&str]| Project {
        name: project.into(),
        services: names.iter().map(|name| service(project, name)).collect(),
    };
    let mut all = vec![
        of("blog", &blog),
        of("media", &media),
        of("shop", &shop),
        of("", &["portainer", "watchtower"]),
    ];
    let worker = &mut all[2].services[8];
    (worker.mood, worker.state, worker.restarts) = (Mood::Down, "restarting".into(), Some(41));
    worker.since = Some(NOW as f64 - 700.0);
    worker.day = past(Mood::Down, 285, 3);
    worker.last_error = Some(LastError {
        at: NOW as f64 - 12.0,
        text: "sqlalchemy.exc.OperationalError: connection to server at <ip>, port <n> failed: Connection refused".into(),
        count: 41,
        log: "shop/worker".into(),
    });
    let api = &mut all[2].services[0];
    (api.mood, api.state, api.health) = (Mood::Degraded, "running".into(), Some(Health::Unhealthy));
    api.day = past(Mood::Degraded, 230, 20);
    api.cpu_cores.limit = Some(1.0);
    (api.replicas_running, api.replicas_wanted) = (1, 2);
    let db = &mut all[2].services[2];
    db.ports = vec![Port { port: "5432/tcp".into(), address: "public".into(), exposed: true }];
    db.health = Some(Health::Healthy);
    let web = &mut all[0].services[2];
    web.ports = vec![
        Port { port: "80/tcp".into(), address: "public".into(), exposed: false },
        Port { port: "443/tcp".into(), address: "public".into(), exposed: false },
    ];
    all[1].services[3].mood = Mood::Idle;
    all[1].services[3].state = "completed".into();
    all[1].services[3].day = past(Mood::Idle, 0, 288);
    all[1].services[3].memory_bytes.used = None;
    all[1].services[3].cpu_cores.used = None;
    all[1].services[4].image.as_mut().unwrap().outdated = true;
    all
}

/// A stack with something of everything.
pub(crate) fn example() -> Stack {
    let mut db = target(
        "postgres",
        "shop",
        "127.0.0.1:5432/shop",
        vec![
            figure("connections", "Used part of the connections", "94%", "critical"),
            figure("longest_query", "Longest query", "40.2s", "warning"),
            figure("cache_hit_ratio", "Reads that memory answers", "99.2%", "ok"),
        ],
    );
    (db.project, db.service, db.mood) = ("shop".into(), "db".into(), Mood::Degraded);
    let mut nats = target("nats", "main", "http://127.0.0.1:8222", vec![]);
    nats.why = Some("127.0.0.1:8222: connection refused".into());
    (nats.mood, nats.day) = (Mood::Down, past(Mood::Down, 280, 8));
    let mut host = target(
        "host",
        "host",
        "",
        vec![
            figure("memory_available", "Memory that is left", "41%", "ok"),
            figure("load", "Load per processor", "0.6", "ok"),
        ],
    );
    let disk = |name: &str| Item { name: name.into(), verdict: "ok", shown: "61% used".into() };
    host.items = ["/", "/srv", "/var/lib/docker"].map(disk).to_vec();
    (host.items[1].verdict, host.items_total, host.items_bad) = ("warning", 3, 1);
    let log = |name: &str| {
        target(
            "logs",
            name,
            "container shop-worker-1",
            vec![figure("error_ratio", "Part of the lines that are errors", "3%", "ok")],
        )
    };
    let probe = |name: &str| {
        target(
            "probe",
            name,
            "https://shop.example.org/health",
            vec![
                figure("duration", "Time to the answer", "48ms", "ok"),
                figure("certificate", "Certificate is valid for", "61d", "ok"),
            ],
        )
    };
    let group = |area, title, targets| Group { area, title, targets };
    Stack {
        at: NOW as f64,
        machine: "box".into(),
        projects: projects(),
        groups: vec![
            group("postgres", "PostgreSQL", vec![db]),
            group("nats", "NATS", vec![nats]),
            group("probe", "Probes", ["api", "shop", "wiki"].map(probe).to_vec()),
            group("logs", "Logs", ["shop/api", "shop/worker"].map(log).to_vec()),
            group("host", "Host", vec![host]),
            group("files", "Files", vec![]),
        ],
        without_day: 0,
    }
}

/// What the log `shop/worker` has counted.
pub(crate) fn snapshot(template: &str) -> Snapshot {
    let column = |name| Column { name, title: name };
    let at = |ago| Cell::At(UNIX_EPOCH + Duration::from_secs(NOW - ago));
    let row = |count, template: &str, ago| {
        vec![
            Cell::Count(count),
            Cell::Text(template.into()),
            Cell::Text(String::new()),
            at(ago),
            Cell::Trend(vec![0, 1, 4, 8]),
        ]
    };
    let errors = Detail {
        title: "Errors by kind",
        name: "errors",
        columns: ["count", "error", "exception", "last", "trend"].map(column).to_vec(),
        rows: vec![row(3, "timeout after <n> s", 4000), row(41, template, 12)],
    };
    let at = UNIX_EPOCH + Duration::from_secs(NOW);
    let batch = Batch::new().detail(errors);
    Snapshot::looked(at, vec![(&crate::collectors::logs::AREA, "shop/worker", None, Ok(batch))])
}

fn shown(stack: &Stack) -> String {
    markup(stack, &snapshot("cannot connect to <ip>"), &Clock::utc()).into_string()
}

#[test]
fn what_is_down_says_so_and_counts_stand_at_the_head() {
    let html = shown(&example());
    for text in [
        "Services <span class=\"count\">19, <span class=\"critical\">1 down</span>, <span class=\"warning\">1 not well</span>, <span class=\"calm\">1 stopped</span>",
        "<h3>blog <span class=\"count\">3 services, all up</span></h3>",
        "<h3>Without a project <span class=\"count\">2 containers, all up</span></h3>",
        "<tr class=\"thing down\" id=\"service-shop_2fworker\" data-row data-project=\"shop\" data-words=\"shop-worker-1 down shop\">",
        "<a href=\"/service/shop/worker\">worker</a>",
        "<a href=\"/service/-/portainer\">portainer</a>",
        "<span class=\"state down\">restarting</span>",
        "<span class=\"critical\">unhealthy</span>",
        "<span class=\"replicas warning\">1 of 2</span>",
        "212 <span class=\"dim\">of 512 MiB</span>",
        "5432 <b class=\"warning\"",
        "NATS <span class=\"count\">1, <span class=\"critical\">1 down</span>",
        "<p class=\"why\">127.0.0.1:8222: connection refused</p>",
        "in db (shop)",
        "<span class=\"value critical\">94%</span>",
        "3 parts, 1 not well",
        "id=\"area-probe\"",
        "Most frequent errors",
    ] {
        assert!(html.contains(text), "{text}\n{html}");
    }
    let worse = (html.find("cannot connect").unwrap(), html.find("timeout after").unwrap());
    assert!(worse.0 < worse.1, "the most frequent error first");
    assert!(!html.contains("Files"), "an area without targets");
}

#[test]
fn things_that_are_not_listed_are_counted() {
    let mut stack = example();
    let host = &mut stack.groups[4].targets[0];
    (host.items_total, host.items_bad) = (120, 60);
    let html = shown(&stack);
    assert!(html.contains("120 parts, 60 not well"), "{html}");
    assert!(html.contains("<li class=\"dim\">117 more</li>"), "{html}");
}

#[test]
fn what_nobody_has_has_no_column() {
    let mut stack = example();
    let html = shown(&stack);
    for head in ["Last error in its log</th>", "Ports</th>", "Restarts, 24h</th>"] {
        assert!(html.contains(head), "{head}");
    }
    for service in stack.projects.iter_mut().flat_map(|project| &mut project.services) {
        (service.last_error, service.restarts) = (None, None);
        service.ports.clear();
    }
    let html = shown(&stack);
    for head in ["Last error in its log", "Ports", "Restarts, 24h"] {
        assert!(!html.contains(head), "{head}");
    }
    assert_eq!(html.matches("<th scope=\"col\"").count(), 7 + 3, "of services, and of errors");
    stack.projects.clear();
    assert!(!shown(&stack).contains("Services"), "no Docker, no table");
}

#[test]
fn names_from_outside_break_nothing() {
    for evil in [
        "<script>alert(1)</script>",
        "\" onload=\"x",
        "' x",
        "\u{202e}gpj\u{1b}[2J\n",
        &"x".repeat(300),
        "../..",
        "a&b",
    ] {
        let mut stack = example();
        for project in &mut stack.projects {
            project.name = evil.into();
            for service in &mut project.services {
                service.project = evil.into();
                service.service = evil.into();
                service.state = evil.into();
                service.containers = vec![evil.into()];
                service.image = Some(Image { name: evil.into(), ..Image::default() });
                service.ports =
                    vec![Port { port: evil.into(), address: evil.into(), exposed: true }];
                service.last_error =
                    Some(LastError { text: evil.into(), log: evil.into(), ..LastError::default() });
            }
        }
        for target in stack.groups.iter_mut().flat_map(|group| &mut group.targets) {
            for text in [&mut target.place, &mut target.project, &mut target.service] {
                *text = evil.into();
            }
            if target.area != "logs" {
                target.target = evil.into();
            }
            target.why = Some(evil.into());
            target.items =
                vec![Item { name: evil.into(), verdict: "critical", shown: evil.into() }];
            for figure in &mut target.figures {
                figure.shown = evil.into();
                figure.labels = vec![("name", evil.into())];
            }
        }
        let html = markup(&stack, &snapshot(evil), &Clock::utc()).into_string();
        assert!(!html.contains("<script") && !html.contains("onload=\"x\""), "{evil:?}");
        assert!(!html.contains(['\u{202e}', '\u{1b}', '\n']), "{evil:?}");
        assert!(!html.contains(" style="), "the content security policy has none");
        let longest = html.split(['<', '>']).filter(|part| !part.contains('=')).map(str::len).max();
        assert!(longest.unwrap() <= 310, "{evil:?}: {longest:?}");
    }
}
