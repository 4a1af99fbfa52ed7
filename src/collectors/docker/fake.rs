//! An Engine of our own for tests: three containers, and any trouble that one can have.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::address::Address;
use super::cgroup::Roots;
use super::compose::Files;
use super::container::Naming;
use super::detail::Sockets;
use super::fetch::{Lasting, Reader, Setting};
use super::kernel::Kernel;
use super::processes::Patterns;
use super::raw::Raw;
use super::slow::Slow;
use crate::engine::Memory;
use crate::failure::{Failure, Reason};

/// How the Engine behaves.
#[derive(Clone, Copy)]
struct Mood {
    api: &'static str,
    /// The stats of a container take this long.
    stats: Duration,
    /// The inspection of container c does not end.
    hangs: bool,
    /// Container b is gone when it is asked for.
    gone: bool,
    /// Status of the list.
    list: u16,
}

const OLD: Mood =
    Mood { api: "1.41", stats: Duration::from_millis(300), hangs: false, gone: false, list: 200 };

struct Fake {
    _folder: tempfile::TempDir,
    reader: Reader,
    lasting: Arc<Lasting>,
    asked: Arc<Mutex<Vec<String>>>,
    server: tokio::task::JoinHandle<()>,
}

impl Fake {
    fn start(mood: Mood) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let listener = UnixListener::bind(&path).unwrap();
        let asked = Arc::<Mutex<Vec<String>>>::default();
        let log = Arc::clone(&asked);
        let server = tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, mood, Arc::clone(&log)));
            }
        });
        let lasting = Arc::<Lasting>::default();
        let reader = reader(path, Arc::clone(&lasting));
        Self { _folder: folder, reader, lasting, asked, server }
    }

    fn asked(&self, part: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|line| line.contains(part)).count()
    }
}

/// Without files of the kernel: an Engine elsewhere.
pub(super) fn reader(socket: std::path::PathBuf, lasting: Arc<Lasting>) -> Reader {
    reader_within(Duration::from_secs(2), socket, lasting)
}

pub(super) fn reader_within(
    deadline: Duration,
    socket: std::path::PathBuf,
    lasting: Arc<Lasting>,
) -> Reader {
    let setting = Setting {
        address: Address::Unix(socket),
        deadline,
        naming: Naming::default(),
        exclude: Arc::default(),
        patterns: Patterns::default(),
        sockets: Sockets::default(),
        disk_usage_interval: Duration::from_mins(1),
    };
    let roots = Roots { proc: "/nowhere".into(), cgroup: "/nowhere".into() };
    let kernel = Kernel::new(roots, "/nowhere".into());
    let memory = Memory::default();
    let (slow, _) = Slow::of(&memory, &setting.address, setting.disk_usage_interval);
    Reader::new(setting, Files::new(Vec::new(), Vec::new()), kernel, (lasting, slow))
}

async fn answer(mut stream: UnixStream, mood: Mood, log: Arc<Mutex<Vec<String>>>) {
    let mut buffer = vec![0; 4096];
    let read = stream.read(&mut buffer).await.unwrap_or(0);
    let text = String::from_utf8_lossy(&buffer[..read]).into_owned();
    let request = text.lines().next().unwrap_or_default().to_owned();
    log.lock().unwrap().push(request.clone());
    let container = |id: &str| format!(r#"{{"Id":"{id}","Names":["/{id}"],"State":"running"}}"#);
    let (status, body) = if request.contains("/version ") {
        (200, format!(r#"{{"Version":"x","ApiVersion":"{}"}}"#, mood.api))
    } else if request.contains("/info ") {
        (403, "{}".to_owned())
    } else if request.contains("/containers/json") {
        (mood.list, format!("[{},{},{}]", container("a"), container("b"), container("c")))
    } else if request.contains("/stats") {
        tokio::time::sleep(mood.stats).await;
        (200, r#"{"read":"2026-01-01T00:00:00Z","pids_stats":{"current":1}}"#.to_owned())
    } else if request.contains("/containers/c/json") && mood.hangs {
        std::future::pending().await
    } else if request.contains("/containers/b/json") && mood.gone {
        (404, "{}".to_owned())
    } else {
        let id = request.split('/').nth(3).unwrap_or_default();
        let rest = r#""State":{"Status":"running"},"Config":{"Env":["A=hunter2"]}"#;
        (200, format!(r#"{{"Id":"{id}",{rest}}}"#))
    };
    let length = body.len();
    let head = format!("HTTP/1.1 {status} x\r\ncontent-length: {length}\r\nconnection: close\r\n");
    let head = head + "content-type: application/json\r\n\r\n";
    let _ = stream.write_all((head + &body).as_bytes()).await;
}

fn usages(raw: &Raw) -> usize {
    raw.stats.as_ref().and_then(|stats| stats.value.as_ref()).map_or(0, |usages| usages.len())
}

#[tokio::test]
async fn an_old_engine_is_asked_for_stats_beside_the_readings() {
    let fake = Fake::start(OLD);
    let first = fake.reader.fetch().await.unwrap();
    assert_eq!((first.containers.len(), usages(&first)), (3, 3), "the first reading waits");
    let before = std::time::Instant::now();
    let second = fake.reader.fetch().await.unwrap();
    assert_eq!(usages(&second), 3);
    assert!(before.elapsed() < Duration::from_millis(250), "and no other does");
    assert_eq!(fake.asked("/stats"), 3);
    assert_eq!(fake.asked("/version "), 2, "once a connection, and after its stream has ended");
    assert_eq!(fake.asked("GET /v1.41/containers/a/json"), 2, "as negotiated");
    assert_eq!(fake.asked("GET "), fake.asked(""), "nothing but GET");
}

#[tokio::test]
async fn the_task_ends_with_the_collector() {
    let fake = Fake::start(Mood { stats: Duration::from_mins(1), ..OLD });
    let raw = fake.reader.fetch().await.unwrap();
    assert_eq!(usages(&raw), 0);
    assert!(raw.stats.unwrap().failure.is_none(), "not read yet is no failure");
    let metrics = tokio::runtime::Handle::current().metrics();
    let Fake { reader, server, .. } = fake;
    let before = metrics.num_alive_tasks();
    drop(reader);
    tokio::time::sleep(Duration::from_millis(50)).await;
    assert!(metrics.num_alive_tasks() < before);
    server.abort();
}

#[tokio::test]
async fn a_new_engine_gives_stats_within_the_reading() {
    let fake = Fake::start(Mood { api: "1.44", stats: Duration::ZERO, ..OLD });
    for times in 1..=2 {
        assert_eq!(usages(&fake.reader.fetch().await.unwrap()), 3);
        assert_eq!(fake.asked("/stats"), 3 * times);
    }
}

#[tokio::test]
async fn a_container_that_hangs_costs_its_own_details_only() {
    let fake = Fake::start(Mood { hangs: true, gone: true, ..OLD });
    let raw = fake.reader.fetch().await.unwrap();
    let detailed: Vec<bool> = raw.containers.iter().map(|c| c.detail.is_some()).collect();
    assert_eq!(detailed, [true, false, false]);
    let failure = raw.uninspected.unwrap();
    assert_eq!(failure.reason, Reason::TIMEOUT);
    assert!(failure.detail.ends_with("(1 of 3)"), "{failure}: gone is not skipped");
    let skipped = fake.lasting.skipped.inspections.load(std::sync::atomic::Ordering::Relaxed);
    assert_eq!((skipped, raw.skipped[0].1), (1, 1));
}

#[tokio::test]
async fn slow_stats_of_a_new_engine_are_a_gap() {
    let fake = Fake::start(Mood { api: "1.51", stats: Duration::from_mins(1), ..OLD });
    let raw = fake.reader.fetch().await.unwrap();
    assert_eq!((usages(&raw), raw.skipped[1].1), (0, 3));
    assert_eq!(raw.stats.unwrap().failure.unwrap().reason, Reason::TIMEOUT);
}

async fn failure_of(mood: Mood) -> Failure {
    let fake = Fake::start(mood);
    let failure = fake.reader.fetch().await.err().unwrap();
    let _ = fake.reader.fetch().await;
    assert_eq!(fake.asked("/version "), 2, "a failed reading asks for the version again");
    failure
}

#[tokio::test]
async fn a_refused_list_is_the_failure_of_the_target() {
    assert_eq!(failure_of(Mood { list: 403, ..OLD }).await.reason, Reason::RIGHTS);
    assert_eq!(failure_of(Mood { list: 500, ..OLD }).await.reason, Reason::PROTOCOL);
    let nobody = reader("/nowhere/docker.sock".into(), Arc::default());
    assert_eq!(nobody.fetch().await.err().unwrap().reason, Reason::NOT_FOUND);
}
