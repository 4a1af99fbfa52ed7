//! What lasts: the Engine restarts, containers come and go by the hundred. Each test has an Engine
//! of its own, so that it disturbs no other. [C01 C05 C17]

use std::ops::Range;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Instant;

use serde_json::json;

use crate::scene::{Scene, value};
use crate::servers::docker::{Container, ContainerSpec, Docker};
use crate::servers::engine::{Engine, Extra};
use crate::servers::exporter::Exporter;
use crate::servers::run;
use crate::servers::wait::{PATIENT, until};
use crate::stage::binary;

#[test]
fn the_engine_restarts_and_nothing_is_counted_twice() {
    run(async {
        let Some(docker) = Docker::own("restarted").await else { return };
        let scene = Scene::start(&docker, "").await;
        let _stays = docker.run(ContainerSpec::calm("reborn", "app").restart("always", 0));
        let project = [("project", "reborn")];
        let (starts, deaths) = ("stack_service_starts_total", "stack_service_deaths_total");
        let gaps = "stack_docker_event_gaps_total";
        scene.sees(starts, &project, 1.0).await;
        scene.sees(gaps, &[], 0.0).await;
        docker.restart().await;
        // As after a reboot: the Engine was killed with all containers, and starts them again.
        scene.sees_that(gaps, &[], |gaps| gaps >= Some(1.0)).await;
        scene.sees("stack_docker_events_connected", &[], 1.0).await;
        scene.sees(starts, &project, 2.0).await;
        scene.only(&[("reborn", &[])]).await;
        assert_eq!(scene.value(starts, &project).await, Some(2.0));
        let restarts = scene.value("stack_service_restarts_total", &project).await;
        assert_eq!(restarts, Some(0.0), "nothing crashed");
        let scrape = scene.stage.exporter.scrape().await;
        let lines = scrape.body.lines().filter(|line| line.starts_with(deaths));
        let died: f64 = lines
            .filter(|line| line.contains("project=\"reborn\""))
            .filter_map(|line| line.rsplit(' ').next()?.parse::<f64>().ok())
            .sum();
        assert!((died - 1.0).abs() < 0.1, "{died} deaths: {}", scrape.body);
        scene
            .sees_that(
                "container_cpu_usage_seconds_total",
                &[("container_label_com_docker_compose_project", "reborn")],
                |value| value.is_some(),
            )
            .await;
    });
}

/// One that is alive while the Engine is, by each policy, and two that somebody stopped.
fn households(docker: &Docker) -> Vec<Container> {
    let quick =
        |project: &str| ContainerSpec::calm(project, "app").merge("", json!({ "StopTimeout": 1 }));
    // It ends well when it is asked to, as many servers do.
    let polite = "trap 'exit 0' TERM; while :; do sleep 0.1; done";
    // Some time before the others even exist.
    let mut made = vec![
        docker.run(quick("by-hand")),
        docker.run(quick("by-hand-unless").restart("unless-stopped", 0)),
    ];
    for stopped in &made {
        stopped.stop().unwrap();
    }
    made.extend([
        docker.run(quick("polite").shell(polite)),
        docker.run(quick("on-failure").shell(polite).restart("on-failure", 0)),
        docker.run(quick("always").restart("always", 0)),
        docker.run(quick("unless").restart("unless-stopped", 0)),
        docker.run(quick("none")),
    ]);
    made
}

const STATES: [(&str, &str); 6] = [
    ("none", "down"),
    ("polite", "down"),
    ("always", "running"),
    ("unless", "running"),
    ("by-hand", "stopped"),
    ("by-hand-unless", "stopped"),
];

/// One that ended well because it was asked to is no failure; one that was killed is.
async fn each_has_its_state(exporter: &Exporter, killed: bool) {
    let on_failure = ("on-failure", if killed { "running" } else { "down" });
    let labels =
        |(project, state)| (project, [("project", project), ("service", "app"), ("state", state)]);
    let wanted: Vec<_> = STATES.into_iter().chain([on_failure]).map(labels).collect();
    until("the state of each service", PATIENT, async || {
        let scrape = exporter.scrape().await;
        let lacks = |(project, labels): &(&str, [(&str, &str); 3])| {
            let found = value(&scrape, "stack_service_state", labels);
            let seen = scrape.body.lines().filter(|line| {
                line.starts_with("stack_service_state") && line.contains(&format!("\"{project}\""))
            });
            found.is_none().then(|| seen.map(str::to_owned).collect::<Vec<_>>())
        };
        let lacking: Vec<_> = wanted.iter().filter_map(lacks).collect();
        if lacking.is_empty() { Ok(()) } else { Err(lacking) }
    })
    .await;
}

#[test]
fn what_goes_with_the_engine_is_down() {
    run(async {
        // Stopped in order, as for an upgrade or a reboot, and killed, as when the power fails.
        for killed in [false, true] {
            let extra = Extra { kept_up: true, ..Extra::default() };
            let docker = Docker::on(Engine::own(&extra).await);
            let before = Exporter::start(binary(), &docker.section("")).await;
            let _made = households(&docker);
            let running = [("project", "none"), ("state", "running")];
            until("a running service", PATIENT, async || {
                value(&before.scrape().await, "stack_service_state", &running)
            })
            .await;
            if killed {
                docker.restart().await;
            } else {
                docker.engine.renew().await;
            }
            each_has_its_state(&before, killed).await;
            // One that knows nothing of it.
            let after = Exporter::start(binary(), &docker.section("")).await;
            each_has_its_state(&after, killed).await;
        }
    });
}

/// So many at a time, and in all: the Engine takes a third of a second of two busy cores for each.
const THREADS: u32 = 4;
const FIRST: u32 = 60;
const MANY: u32 = 120;

/// Each is made, runs its program to the end, and is removed.
fn come_and_go(docker: &Docker, numbers: Range<u32>) {
    let next = AtomicU32::new(numbers.start);
    let work = || {
        loop {
            let number = next.fetch_add(1, Ordering::Relaxed);
            if number >= numbers.end {
                return;
            }
            let name = format!("short-{number}");
            docker.run(ContainerSpec::lone(&name).command(&["true"])).remove();
        }
    };
    std::thread::scope(|scope| {
        for _ in 0..THREADS {
            scope.spawn(work);
        }
    });
}

/// Lets them come and go while it is scraped, as in earnest; the size of the largest page.
async fn busy(docker: &Docker, exporter: &Exporter, numbers: Range<u32>) -> usize {
    let work = docker.clone();
    let work = tokio::task::spawn_blocking(move || come_and_go(&work, numbers));
    let mut largest = 0;
    until("containers to come and go", PATIENT * 5, async || {
        largest = largest.max(exporter.scrape().await.body.len());
        work.is_finished()
    })
    .await;
    work.await.unwrap();
    largest
}

#[test]
fn many_containers_leave_nothing_behind() {
    run(async {
        let what = "alone: what else an Engine runs would be counted";
        let Some(docker) = Docker::own(what).await else { return };
        let exporter = Exporter::start(binary(), &docker.section("")).await;
        let _stays = docker.run(ContainerSpec::calm("stays", "app"));
        let stays = [("container_label_com_docker_compose_project", "stays")];
        let page = until("the figures of what stays", PATIENT, async || {
            let scrape = exporter.scrape().await;
            let cpu = value(&scrape, "container_cpu_usage_seconds_total", &stays);
            cpu.and(scrape.line("stack_docker_disk_usage_bytes{")).map(|_| scrape.body.len())
        })
        .await;
        // What the first ones take is room for the largest page and the like, whatever comes after.
        let mut largest = busy(&docker, &exporter, 0..FIRST).await;
        let before = exporter.resident_bytes().unwrap();
        let start = Instant::now();
        largest = largest.max(busy(&docker, &exporter, FIRST..FIRST + MANY).await);
        let took = start.elapsed();
        let scrape = until("the series of those gone to vanish", PATIENT, async || {
            let scrape = exporter.scrape().await;
            let left = scrape.body.lines().find(|line| line.contains("short-"));
            left.map_or_else(|| Ok(scrape.clone()), |line| Err(line.to_owned()))
        })
        .await;
        let after = exporter.resident_bytes().unwrap();
        eprintln!(
            "{MANY} containers in {took:.1?}: {before} bytes resident before, {after} after; \
             a page of {page} bytes before, {largest} at most"
        );
        let now = scrape.body.len();
        assert!(now < page + page / 10, "a page of {page} bytes before, {now} after");
        assert!(after < before + (4 << 20), "{before} bytes resident before, {after} after");
        assert_eq!(value(&scrape, "stack_service_up", &[("project", "stays")]), Some(1.0));
        let seen = value(&scrape, "stack_docker_events_total", &[]);
        assert!(
            seen >= Some(f64::from(FIRST + MANY) * 3.0),
            "create, start, die, destroy: {seen:?}"
        );
    });
}
