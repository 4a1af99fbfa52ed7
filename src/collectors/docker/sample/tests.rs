use std::path::Path;
use std::sync::Arc;

use serde::de::DeserializeOwned;

use super::super::api::{DiskUsage, Event, Image, Inspection, Summary};
use super::super::client;
use super::super::compose;
use super::super::container::Naming;
use super::super::detail::{Detail, Sockets};
use super::super::disk::Walk;
use super::super::images::Images;
use super::super::kernel::Found;
use super::super::ledger::Ledger;
use super::super::raw::{Source, StreamState};
use super::super::services::Past;
use super::*;
use std::time::Duration;

use bollard::models::{ContainerStatsResponse as Stats, SystemVersion};

use crate::clients::engine::api::Info;
use crate::engine::Latest;
use crate::golden;

/// Minutes after the captures.
const NOW: Duration = Duration::from_mins(29_920_515);

fn json<T: DeserializeOwned>(case: &Path, name: &str) -> Option<T> {
    let text = golden::file(case, &format!("{name}.json"))?;
    Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}.json: {error}")))
}

/// When the answers were given: some time after the last event, where there are any.
fn now(case: &Path) -> Duration {
    let lines = golden::file(case, "events.jsonl").unwrap_or_default();
    let last = lines.split(|byte| *byte == b'\n').rfind(|line| !line.is_empty());
    last.map_or(NOW, |line| {
        let event: Event = serde_json::from_slice(line).expect("an event");
        Duration::from_nanos(u64::try_from(event.nanos).expect("a time")) + Duration::from_mins(5)
    })
}

/// A container that `inspect.json` lacks did not answer, and so the stats without their file.
fn raw(case: &Path) -> Raw {
    let list: Vec<Summary> = json(case, "list").unwrap_or_default();
    let mut containers: Vec<_> =
        list.into_iter().filter_map(|one| Container::of(one, &Naming::default())).collect();
    let inspections: Vec<Inspection> = json(case, "inspect").unwrap_or_default();
    let missing = containers.len().saturating_sub(inspections.len());
    for found in inspections {
        let same = |container: &&mut Container| container.id == found.id;
        if let Some(container) = containers.iter_mut().find(same) {
            container.inspected(Arc::new(Detail::of(found, &Sockets::default())), true);
        }
    }
    let timeout = || Failure::new(Reason::TIMEOUT, "no complete answer in time");
    let version: SystemVersion = json(case, "version").unwrap_or_default();
    let info: Info = json(case, "info").unwrap_or_default();
    let (counted, past, events) = lived(case, &containers);
    let files = golden::file(case, "docker-compose.yml").map(file);
    Raw {
        engine: client::Engine {
            version: version.version.unwrap_or_default(),
            api: version.api_version.unwrap_or_default(),
            ..client::Engine::default()
        },
        about: client::About {
            cores: info.cores,
            memory: info.memory,
            root: info.root,
            ahead: 0.0,
        },
        took: Duration::from_millis(3),
        containers,
        uninspected: (missing > 0).then(timeout),
        source: Source { name: "api", why: "not_found" },
        stats: Some(round(case).map_or_else(
            || Latest { value: None, failure: Some(timeout()) },
            |usages| Latest { value: Some(Arc::new(usages)), failure: None },
        )),
        kernel: Found {
            partitions: golden::file(case, "partitions")
                .map(|text| String::from_utf8(text).expect("text"))
                .unwrap_or_default(),
            ..Found::default()
        },
        commands: Arc::default(),
        images: json::<Vec<Image>>(case, "images").map(|list| Arc::new(Images::of(list))),
        disk: json::<DiskUsage>(case, "df").map(|df| Arc::new(Walk::of(&df, true))),
        counted,
        past,
        stream: StreamState { connected: events > 0, failure: None, events, gaps: 0 },
        files: files.into_iter().collect(),
        skipped: [("inspect", missing as u64), ("stats", 0), ("files", 0)],
        out: LeftOut::default(),
    }
}

/// The recorded events, and then a look.
fn lived(case: &Path, containers: &[Container]) -> (Vec<super::super::ledger::Counted>, Past, u64) {
    let podman = case.ends_with("podman_4.3.1");
    let (mut ledger, mut events) = (Ledger::default(), 0);
    ledger.set(!podman, &std::collections::BTreeMap::new());
    let lines = golden::file(case, "events.jsonl").unwrap_or_default();
    for line in lines.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()) {
        let event: Event = serde_json::from_slice(line).expect("an event");
        ledger.event(&event);
        events += 1;
    }
    let now = now(case).as_secs_f64();
    for container in containers {
        ledger.observe(container, now, false);
    }
    ledger.keep(containers, now - 1.0);
    let known = containers.iter().map(|one| (one.id.clone(), ledger.known(&one.id, now))).collect();
    let seen = ledger.services().map(|(key, seen)| (key.clone(), seen)).collect();
    ledger.counted(now);
    (ledger.counted(now), Past { known, seen, ..Past::default() }, events)
}

/// A list in the order of time, or by id: newer Engines do not say whose they are.
fn round(case: &Path) -> Option<Usages> {
    #[derive(serde::Deserialize)]
    struct Named {
        id: String,
        #[serde(flatten)]
        stats: Stats,
    }
    let text = golden::file(case, "stats.json")?;
    let usage = |id: String, stats| Some((id, Arc::new(Usage::of(stats)?)));
    Some(if let Ok(list) = serde_json::from_slice::<Vec<Named>>(&text) {
        list.into_iter().filter_map(|one| usage(one.id, one.stats)).collect()
    } else {
        let by_id: std::collections::BTreeMap<String, Stats> =
            serde_json::from_slice(&text).unwrap_or_else(|error| panic!("stats.json: {error}"));
        by_id.into_iter().filter_map(|(id, stats)| usage(id, stats)).collect()
    })
}

fn file(text: Vec<u8>) -> compose::FileRead {
    let path = Path::new("/srv/task-tracker/docker-compose.yml");
    let text = String::from_utf8(text).expect("text");
    let (file, failure) = match compose::parse(path, &text) {
        Ok(file) => (Some(Arc::new(file)), None),
        Err(failure) => (None, Some(failure)),
    };
    compose::FileRead { path: path.to_owned(), file, failure }
}

fn judging() -> Judging {
    Judging::default()
}

#[test]
fn golden_cases() {
    golden::run("docker", |case| Ok(sample(raw(case), &judging(), UNIX_EPOCH + now(case))));
}

#[test]
fn what_other_engines_say() {
    golden::run("engines", |case| Ok(sample(raw(case), &judging(), UNIX_EPOCH + now(case))));
}

#[test]
fn the_cap_counts_what_it_cuts_off() {
    let summary = |n: usize| Summary { id: n.to_string(), ..Default::default() };
    let containers = (0..CAP + 7)
        .map(summary)
        .filter_map(|one| Container::of(one, &Naming::default()))
        .collect();
    let out = LeftOut { containers: 3, entries: 5, ..LeftOut::default() };
    let raw = Raw { containers, out, ..raw(Path::new("/nowhere")) };
    let batch = sample(raw, &judging(), UNIX_EPOCH + NOW);
    for (cap, count) in [("containers", 7 + 3), ("entries", 5), ("services", 0), ("lives", 0)] {
        assert!(batch.drops().contains(&(cap, count)), "{cap}: {:?}", batch.drops());
    }
}

#[test]
fn counts_that_cannot_be_are_a_gap() {
    let found = serde_json::json!({ "Id": "a", "RestartCount": i64::MIN, "State": { "Status": "running" } });
    let detail = Detail::of(serde_json::from_value(found).unwrap(), &Sockets::default());
    let summary = Summary { id: "a".into(), state: "running".into(), ..Summary::default() };
    let mut container = Container::of(summary, &Naming::default()).unwrap();
    container.inspected(Arc::new(detail), true);
    let mut ledger = Ledger::default();
    ledger.observe(&container, 1e9, true);
    let raw = Raw { containers: vec![container], ..raw(Path::new("/nowhere")) };
    let batch = sample(raw, &judging(), UNIX_EPOCH + NOW);
    let gap = batch.gaps().iter().find(|gap| gap.what == "counts of containers").unwrap();
    assert!(gap.failure.detail.contains("RestartCount of a (1 containers)"), "{:?}", gap.failure);
}
