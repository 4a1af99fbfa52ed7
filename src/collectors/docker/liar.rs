//! Readings of an Engine that lies: what it says costs no more than it may, and the rest is shown.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::fake::reader_within;
use super::fetch::{Lasting, Reader};
use super::raw::Raw;
use super::sample::{self, CAP, Judging};
use crate::catalogue::Batch;
use crate::clients::engine::fake::{Reply, Server, Then};
use crate::failure::Reason;

/// Answers with this list; inspections are of the container that is asked for.
fn engine(list: String) -> Server {
    Server::start(move |path| match path {
        path if path.contains("/containers/json") => Reply::ok(&list),
        path if path.contains("/events") => Reply::open(Then::Hang),
        path if path.contains("/stats") => Reply::ok(r#"{"read":"2026-01-01T00:00:00Z"}"#),
        path => inspection(path),
    })
}

fn inspection(path: &str) -> Reply {
    let id = path.split('/').nth(3).unwrap_or_default();
    Reply::ok(format!(r#"{{"Id":"{id}","State":{{"Status":"running"}}}}"#))
}

fn of(server: &Server) -> Reader {
    // Large answers take their time without optimization.
    let deadline = Duration::from_secs(40);
    reader_within(deadline, server.address.socket().unwrap().to_owned(), Arc::<Lasting>::default())
}

async fn read(list: String) -> (Raw, Server) {
    let server = engine(list);
    let raw = of(&server).fetch().await.unwrap();
    (raw, server)
}

fn shown(raw: Raw) -> Batch {
    sample::sample(raw, &Judging::default(), SystemTime::now())
}

fn drops(batch: &Batch, cap: &str) -> u64 {
    batch.drops().iter().find(|(name, _)| *name == cap).map_or(0, |(_, count)| *count)
}

fn gap(batch: &Batch, what: &str) -> Option<Reason> {
    batch.gaps().iter().find(|gap| gap.what == what).map(|gap| gap.failure.reason)
}

fn joined(count: usize, one: impl Fn(usize) -> String) -> String {
    let all: Vec<_> = (0..count).map(one).collect();
    format!("[{}]", all.join(","))
}

fn container(n: usize) -> String {
    format!(r#"{{"Id":"{n:064x}","Names":["/c{n}"],"State":"running","Status":"Up"}}"#)
}

#[tokio::test]
async fn a_million_of_nothing() {
    let (raw, _server) = read(joined(1_000_000, |_| "{}".to_owned())).await;
    let (nameless, entries) = (raw.out.nameless, raw.out.entries);
    assert_eq!((raw.containers.len(), nameless + entries), (0, 1_000_000));
    let batch = shown(raw);
    assert_eq!(drops(&batch, "nameless"), nameless);
    assert_eq!(gap(&batch, "entries without an id of a container"), Some(Reason::PARSE));
    assert_eq!(gap(&batch, "parts of very large answers"), Some(Reason::PARSE));
}

#[tokio::test]
async fn more_containers_than_are_kept() {
    let (raw, server) = read(joined(20_000, container)).await;
    assert_eq!(raw.containers.len(), 4 * CAP);
    assert_eq!(raw.out.containers + raw.out.entries, 20_000 - 4 * CAP as u64);
    let inspected = server.heard().iter().filter(|line| line.ends_with("/json HTTP/1.1")).count();
    assert!(inspected <= CAP + 1, "{inspected}, with the images");
    let (before, batch) = (raw.out, shown(raw));
    assert_eq!(drops(&batch, "containers"), before.containers + 3 * CAP as u64);
}

/// With the words of all of them within the budget, as with two addresses each.
#[tokio::test]
async fn all_ports_of_a_container_are_some_rows() {
    let port = |n: usize| {
        let of = |address: &str| {
            let number = n + 1;
            format!(
                r#"{{"IP":"{address}","PrivatePort":{number},"PublicPort":{number},"Type":"tcp"}}"#
            )
        };
        format!("{},{}", of("0.0.0.0"), of("::"))
    };
    let ports = joined(65_000, port);
    let one = format!(r#"{{"Id":"aa","Names":["/a"],"State":"running","Ports":{ports}}}"#);
    let (raw, _server) = read(format!("[{one},{}]", container(1))).await;
    assert_eq!((raw.containers.len(), raw.out.entries), (2, 0));
    let ports: usize = raw.containers.iter().map(|one| one.ports.count()).sum();
    assert_eq!(ports, 130_000);
    let rows = sample::ports_of(&raw.containers);
    assert!(rows < 50, "{rows}");
    assert!(shown(raw).gaps().iter().all(|gap| !gap.what.contains("answers")));
}

#[tokio::test]
async fn an_id_that_is_there_twice_is_kept_once() {
    let (raw, _server) = read(format!("[{0},{1},{0}]", container(1), container(2))).await;
    assert_eq!((raw.containers.len(), raw.out.twice), (2, 1));
    let batch = shown(raw);
    assert_eq!(
        (gap(&batch, "containers that are listed twice"), drops(&batch, "twice")),
        (Some(Reason::PARSE), 1)
    );
}

/// They would be paths of the API, and of files.
#[tokio::test]
async fn ids_that_are_none_are_not_asked_about() {
    let ids = ["../../version?x=", "a/../b", "é", "x y", ""];
    let list = ids.map(|id| serde_json::json!({ "Id": id, "State": "running" }));
    let (raw, server) = read(serde_json::Value::from(list.to_vec()).to_string()).await;
    assert_eq!((raw.containers.len(), raw.out.nameless), (0, ids.len() as u64));
    assert!(
        server
            .heard()
            .iter()
            .all(|line| !line.contains("/containers/") || line.contains("/containers/json"))
    );
}

#[tokio::test]
async fn an_inspection_of_another_container_is_none() {
    let server = Server::start(|path| match path {
        path if path.contains("/containers/json") => Reply::ok(format!("[{}]", container(1))),
        path if path.contains("/events") => Reply::open(Then::Hang),
        _ => Reply::ok(r#"{"Id":"ff","Name":"/forged","State":{"Status":"dead"}}"#),
    });
    let raw = of(&server).fetch().await.unwrap();
    assert!(raw.containers[0].detail.is_none() && raw.containers[0].state == "running");
    assert_eq!(raw.uninspected.unwrap().reason, Reason::PARSE);
}

async fn until(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let end = std::time::Instant::now() + Duration::from_secs(20);
    while !holds().await {
        assert!(std::time::Instant::now() < end, "{what}");
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

#[tokio::test]
async fn an_event_without_an_end_ends_the_stream_with_a_reason() {
    let server = Server::start(|path| match path {
        path if path.contains("/containers/json") => Reply::ok("[]"),
        path if path.contains("/events") => {
            Reply::open(Then::Repeat(vec![b'x'; 1 << 16], Duration::ZERO))
        }
        path => inspection(path),
    });
    let reader = of(&server);
    until("a reason", async || {
        let stream = reader.fetch().await.unwrap().stream;
        let failure = stream.failure.filter(|_| !stream.connected);
        failure.is_some_and(|failure| {
            failure.reason == Reason::PROTOCOL && failure.detail == "events: an event of over 1 MiB"
        })
    })
    .await;
    let asked = server.heard().iter().filter(|line| line.contains("/events")).count();
    assert!(asked < 8, "{asked} times within a second or two: there is a pause");
}

#[tokio::test]
async fn events_of_ever_new_containers_have_a_bound() {
    let lines = (0..20_000).map(|n| {
        let nanos = 1_700_000_000_000_000_000_u64 + n;
        let actor = format!(r#"{{"ID":"{n:064x}","Attributes":{{"name":"n{n}"}}}}"#);
        format!(r#"{{"Type":"container","Action":"start","timeNano":{nanos},"Actor":{actor}}}"#)
            + "\n"
    });
    let lines: String = lines.collect();
    let server = Server::start(move |path| match path {
        path if path.contains("/containers/json") => Reply::ok("[]"),
        path if path.contains("/events") => {
            let Reply { bytes, then } = Reply::open(Then::Hang);
            Reply { bytes: [bytes, lines.clone().into_bytes()].concat(), then }
        }
        path => inspection(path),
    });
    let (reader, mut lost, mut told) = (of(&server), 0, false);
    until("events are lost", async || {
        let raw = reader.fetch().await.unwrap();
        lost += raw.out.events;
        assert!(raw.counted.len() <= 1000, "{}", raw.counted.len());
        let done = raw.stream.events == 20_000;
        told |= gap(&shown(raw), "events").is_some();
        done && lost > 0 && told
    })
    .await;
}
