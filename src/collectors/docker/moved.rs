//! A reload that names another Engine, one that names the same, and a restart.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

use super::{AREA, Docker, plan};
use crate::clients::engine::fake::{Reply, Server, Then};
use crate::config::SafeUrl;
use crate::engine::{Board, Entry, Sample, Snapshot, Storage, samples};
use crate::plan::Plan;

/// Nothing but disk usage, if it tells that.
fn engine(used: Option<u64>) -> Server {
    Server::start(move |path| match (path, used) {
        (path, _) if path.contains("/containers/json") => Reply::ok("[]"),
        (path, _) if path.contains("/events") => Reply::open(Then::Hang),
        (path, Some(used)) if path.contains("/system/df") => {
            Reply::ok(format!(r#"{{"ImageUsage":{{"TotalSize":{used},"Reclaimable":1}}}}"#))
        }
        (path, None) if path.contains("/system/df") => Reply::new(403, b"{}"),
        (path, _) if path.contains("/images") => Reply::ok("[]"),
        _ => Reply::ok("{}"),
    })
}

fn apply(board: &Board, server: &Server, more: impl FnOnce(&mut Docker)) {
    let mut docker =
        Docker { url: Some(SafeUrl::new(server.address.to_string())), ..Docker::default() };
    // Not this machine's files.
    (docker.proc_path, docker.cgroup_path) = ("/nowhere".into(), "/nowhere".into());
    more(&mut docker);
    let environment = |_: &str| None;
    let mut planned = Plan::new(&environment, &board.memory);
    planned.section("docker", &AREA);
    plan(Some(&docker), &mut planned);
    assert_eq!(planned.mistakes, []);
    let targets = planned.targets;
    board.apply(targets);
}

fn of(snapshot: &Snapshot, metric: &str) -> Vec<Sample> {
    snapshot.entries.iter().flat_map(|entry| samples(&AREA, entry.sets(), metric)).collect()
}

/// Of the part `disk_usage`.
fn failures(snapshot: &Snapshot) -> Vec<Sample> {
    let mut failures = of(snapshot, "stack_target_part_failure");
    failures.retain(|sample| sample.label("part") == "disk_usage");
    failures
}

async fn scrape(board: &Board, what: &str, until: impl Fn(&Snapshot) -> bool) -> Snapshot {
    let end = Instant::now() + Duration::from_secs(20);
    loop {
        let snapshot = board.scrape(&[], None).await;
        if until(&snapshot) {
            return snapshot;
        }
        assert!(Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

const USAGE: &str = "stack_docker_disk_usage_bytes";

#[tokio::test]
async fn nothing_of_an_old_engine_is_said_of_a_new_one() {
    let (old, new) = (engine(Some(4711)), engine(None));
    let board = Board::default();
    apply(&board, &old, |_| {});
    let has = |snapshot: &Snapshot| of(snapshot, USAGE).iter().any(|one| one.value > 4710.0);
    let first = scrape(&board, "the old one's disk usage", has).await;
    assert_eq!(failures(&first), []);
    // A reload that changes something else keeps what is dear, and does not ask for it anew.
    apply(&board, &old, |docker| docker.privileged = vec!["x".to_owned()]);
    let up = |snapshot: &Snapshot| of(snapshot, "stack_target_up").iter().any(|up| up.value > 0.0);
    assert!(has(&scrape(&board, "the same Engine is up", up).await), "kept");
    let walks = old.heard().iter().filter(|line| line.contains("/system/df")).count();
    assert_eq!(walks, 1);
    apply(&board, &new, |_| {});
    let told = |snapshot: &Snapshot| !failures(snapshot).is_empty();
    let moved = scrape(&board, "the new one's failure", told).await;
    assert_eq!(of(&moved, USAGE), []);
    assert_eq!(failures(&moved)[0].label("reason"), "rights");
    let ages = of(&moved, "stack_target_part_age_seconds");
    assert!(ages.iter().all(|age| age.label("part") != "disk_usage"), "{ages:?}");
    let gaps = moved.entries.iter().filter_map(|entry| entry.state.as_ref());
    assert!(gaps.flat_map(|state| state.gaps.keys()).any(|what| what == "disk usage"));
}

fn replica(service: &str, id: &str) -> String {
    let label = |key: &str, value: &str| format!(r#""com.docker.compose.{key}":"{value}""#);
    let labels = [label("project", "p"), label("service", service)].join(",");
    format!(
        r#"{{"Id":"{id}","Names":["/p-{service}"],"State":"running","Status":"Up","Labels":{{{labels}}}}}"#
    )
}

/// Two services, of which one may go.
fn project(gone: Arc<AtomicBool>) -> Server {
    Server::start(move |path| match path {
        path if path.contains("/containers/json") => {
            let (api, worker) = (replica("api", "aa"), replica("worker", "bb"));
            let both = if gone.load(Ordering::SeqCst) { api } else { format!("{api},{worker}") };
            Reply::ok(format!("[{both}]"))
        }
        path if path.contains("/events") => Reply::open(Then::Hang),
        path if path.ends_with("/json") && path.contains("/containers/") => {
            let id = path.split('/').nth(3).unwrap_or_default();
            Reply::ok(format!(r#"{{"Id":"{id}","State":{{"Status":"running"}}}}"#))
        }
        _ => Reply::ok("{}"),
    })
}

fn state_of_worker(snapshot: &Snapshot) -> Option<String> {
    let states = of(snapshot, "stack_service_state");
    let mut states = states.iter().filter(|state| state.label("service") == "worker");
    states.next().map(|state| state.label("state").to_owned())
}

#[tokio::test]
async fn a_service_that_was_seen_to_go_is_missing_after_a_restart() {
    let (dir, gone) = (tempfile::tempdir().unwrap(), Arc::<AtomicBool>::default());
    let server = project(Arc::clone(&gone));
    let board = Board::default();
    board.memory.keep_in(Storage::open(dir.path()).unwrap());
    apply(&board, &server, |_| {});
    let is = |state: &'static str| {
        move |snapshot: &Snapshot| state_of_worker(snapshot).as_deref() == Some(state)
    };
    scrape(&board, "the service runs", is("running")).await;
    gone.store(true, Ordering::SeqCst);
    let file = dir.path().join("docker-docker.remembered.state");
    scrape(&board, "it is missing", is("missing")).await;
    scrape(&board, "that is written down", |_| file.exists()).await;
    // The end of this process, and the next one.
    board.apply(Vec::new());
    drop(board);
    let end = Instant::now() + Duration::from_secs(20);
    let storage = loop {
        match Storage::open(dir.path()) {
            Ok(storage) => break storage,
            Err(failure) => assert!(Instant::now() < end, "{failure}"),
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    };
    let board = Board::default();
    board.memory.keep_in(storage);
    apply(&board, &server, |_| {});
    scrape(&board, "it is still missing", is("missing")).await;
}

/// Of the service `worker` nothing is asked and nothing said.
fn is_quiet(snapshot: &Snapshot) -> bool {
    let of_worker =
        |metric| of(snapshot, metric).iter().any(|one| one.label("service") == "worker");
    !["stack_service_state", "stack_service_starts_total", "stack_container_state"]
        .into_iter()
        .any(of_worker)
}

#[tokio::test]
async fn what_is_left_out_is_not_asked_about_and_not_missed() {
    let gone = Arc::<AtomicBool>::default();
    let server = project(Arc::clone(&gone));
    let asked = || server.heard().iter().filter(|line| line.contains("/containers/bb/")).count();
    let board = Board::default();
    apply(&board, &server, |_| {});
    let runs = |snapshot: &Snapshot| state_of_worker(snapshot).as_deref() == Some("running");
    scrape(&board, "it is watched", runs).await;
    assert!(asked() > 0);
    let before = asked();
    // By the name of the container: nothing but the reading knows that it is the service's.
    let exclude = |docker: &mut Docker| docker.exclude = vec!["p-worker".into(), "wroker".into()];
    apply(&board, &server, exclude);
    let counts = |snapshot: &Snapshot| of(snapshot, "stack_docker_containers_excluded");
    let left_out = |snapshot: &Snapshot| counts(snapshot).iter().any(|one| one.value > 0.0);
    let snapshot = scrape(&board, "it is left out", left_out).await;
    assert!(is_quiet(&snapshot));
    assert_eq!(asked(), before, "no inspection, no stats");
    let matches: Vec<_> = of(&snapshot, "stack_docker_exclude_matches")
        .iter()
        .map(|one| (one.label("pattern").to_owned(), one.value))
        .collect();
    assert_eq!(matches, [("p-worker".to_owned(), 1.0), ("wroker".to_owned(), 0.0)]);
    let mut tables = snapshot.entries.iter().flat_map(Entry::details);
    let text = format!("{:?}", tables.find(|one| one.name == "exclude").unwrap().rows);
    assert!(text.contains("matches nothing"), "{text}");
    // The other replica's project lives on: what was seen of the service would be missed.
    gone.store(true, Ordering::SeqCst);
    let nobody = |snapshot: &Snapshot| counts(snapshot).iter().any(|one| one.value == 0.0);
    assert!(is_quiet(&scrape(&board, "its container is gone", nobody).await));
    gone.store(false, Ordering::SeqCst);
    apply(&board, &server, |_| {});
    scrape(&board, "it is watched again", runs).await;
}
