//! Against an Engine of our own, which can have any trouble.

use std::sync::{Arc, Mutex};

use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::{UnixListener, UnixStream};

use super::*;
use crate::collectors::logs::config::Logs;
use crate::collectors::logs::follow::Sink;
use crate::collectors::logs::input::Around;
use crate::collectors::logs::plan;
use crate::collectors::logs::scan::lines::Piece;
use crate::collectors::logs::source::Reader;
use crate::config;
use crate::engine::{Collector as _, Storage};

/// What the Engine has, and how it behaves.
#[derive(Default)]
struct Mood {
    /// Seconds and texts of container a's log.
    log: Vec<(u32, &'static str)>,
    driver: &'static str,
    log_path: String,
    /// The status of logs, if not 200.
    logs: u16,
    /// Container b's log never comes.
    hangs: bool,
    /// The list has an error.
    broken: bool,
    running: bool,
}

type Shared = Arc<Mutex<Mood>>;

struct Fake {
    folder: tempfile::TempDir,
    mood: Shared,
    asked: Arc<Mutex<Vec<String>>>,
    source: Source,
    link: Link,
    memory: Containers<u64>,
    count: Count,
}

#[derive(Default)]
struct Count(Vec<String>);

impl Sink<u64> for Count {
    fn lines(&mut self, _: &mut u64, piece: &Piece) {
        let text = String::from_utf8(piece.lines.to_vec()).unwrap();
        self.0.extend(text.lines().map(ToOwned::to_owned));
    }

    fn settle(&mut self, _: &mut u64) {}
}

impl Fake {
    fn start() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("docker.sock");
        let mood = Mood { driver: "local", running: true, ..Mood::default() };
        let (mood, asked) = (Arc::new(Mutex::new(mood)), Arc::<Mutex<Vec<String>>>::default());
        let listener = UnixListener::bind(&path).unwrap();
        let (of_server, log) = (Arc::clone(&mood), Arc::clone(&asked));
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                tokio::spawn(answer(stream, Arc::clone(&of_server), Arc::clone(&log)));
            }
        });
        let source = Source {
            address: Address::Unix(path),
            selector: Selector::container("bot-*").unwrap(),
            streams: Streams::Both,
            from_start: true,
            root: folder.path().to_owned(),
        };
        let (link, memory, count) = <(Link, Containers<u64>, Count)>::default();
        Self { folder, mood, asked, source, link, memory, count }
    }

    fn mood(&self, change: impl FnOnce(&mut Mood)) {
        change(&mut self.mood.lock().unwrap());
    }

    /// A look at which everything is due.
    async fn look(&mut self, time: Duration) -> Prepared {
        self.link.listed = None;
        self.link.due.values_mut().for_each(|at| *at = Instant::now());
        let until = Instant::now() + time;
        let look = self.source.look(&mut self.link, &self.memory, SystemTime::now(), until);
        let prepared = sent(look).await;
        self.memory.absorb(&prepared, SystemTime::now(), &mut self.count);
        prepared
    }

    fn asked(&self, part: &str) -> usize {
        self.asked.lock().unwrap().iter().filter(|path| path.contains(part)).count()
    }
}

/// A look is made on any thread.
fn sent<T>(look: impl Future<Output = T> + Send) -> impl Future<Output = T> + Send {
    look
}

async fn answer(mut stream: UnixStream, mood: Shared, log: Arc<Mutex<Vec<String>>>) {
    let (mut request, mut chunk) = (Vec::new(), [0; 4096]);
    loop {
        let count = stream.read(&mut chunk).await.unwrap_or(0);
        if count == 0 {
            return;
        }
        request.extend_from_slice(&chunk[..count]);
        if !request.ends_with(b"\r\n\r\n") {
            continue;
        }
        let text = String::from_utf8(std::mem::take(&mut request)).unwrap();
        let line = text.lines().next().unwrap().to_owned();
        assert!(line.starts_with("GET "), "{line}");
        log.lock().unwrap().push(line.clone());
        let Some((status, body)) = body(&line, &mood.lock().unwrap()) else {
            std::future::pending::<()>().await;
            return;
        };
        let head = format!("HTTP/1.1 {status} x\r\nContent-Length: {}\r\n\r\n", body.len());
        let _ = stream.write_all(&[head.as_bytes(), &body].concat()).await;
    }
}

fn body(line: &str, mood: &Mood) -> Option<(u16, Vec<u8>)> {
    let path = line.split(' ').nth(1).unwrap();
    let text = if path.ends_with("/version") {
        r#"{"Version": "20.10", "ApiVersion": "1.41"}"#.to_owned()
    } else if path.contains("/containers/json") {
        if mood.broken {
            return Some((500, Vec::new()));
        }
        let state = if mood.running { "running" } else { "exited" };
        format!(
            r#"[{{"Id": "a", "Names": ["/bot-a"], "State": "{state}"}},
                {{"Id": "b", "Names": ["/bot-b"], "State": "running"}},
                {{"Id": "c", "Names": ["/other"], "State": "running"}},
                {{"Id": "d", "Names": ["/bot-d"], "State": "created"}}]"#
        )
    } else if path.ends_with("/json") {
        let id = path.split('/').nth(3).unwrap();
        format!(
            r#"{{"Id": "{id}", "LogPath": "{}", "HostConfig": {{"LogConfig": {{"Type": "{}"}}}}, "Config": {{}}}}"#,
            mood.log_path, mood.driver
        )
    } else if mood.logs != 0 {
        return Some((mood.logs, Vec::new()));
    } else {
        return if path.contains("/b/") {
            (!mood.hangs).then(|| (200, Vec::new()))
        } else {
            Some((200, frames(path, mood)))
        };
    };
    Some((200, text.into_bytes()))
}

/// The log since the second that is asked for, or its last line.
fn frames(path: &str, mood: &Mood) -> Vec<u8> {
    let since = path.split_once("since=").map(|(_, since)| since.split_once('.').unwrap().0);
    let since = since.map_or(0, |since| since.parse::<i64>().unwrap() - 1_767_225_600);
    let last = if path.contains("tail=1") { mood.log.len().saturating_sub(1) } else { 0 };
    let mut answer = Vec::new();
    for (at, text) in mood.log.iter().skip(last).filter(|(at, _)| i64::from(*at) >= since) {
        let text = format!("2026-01-01T00:00:{at:02}.000000000Z {text}");
        answer.extend([1, 0, 0, 0]);
        answer.extend(u32::try_from(text.len()).unwrap().to_be_bytes());
        answer.extend(text.as_bytes());
    }
    answer
}

const LONG: Duration = Duration::from_secs(20);

#[tokio::test]
async fn lines_come_once_however_often_they_are_asked_for() {
    let mut fake = Fake::start();
    fake.mood(|mood| mood.log = vec![(10, "one\n"), (11, "two\n")]);
    let prepared = fake.look(LONG).await;
    assert_eq!((prepared.problem, prepared.found.unwrap().len()), (None, 2));
    fake.mood(|mood| mood.log.push((12, "three\n")));
    fake.look(LONG).await;
    fake.look(LONG).await;
    assert_eq!(fake.count.0, ["one", "two", "three"]);
    assert_eq!((fake.asked("/containers/a/json"), fake.asked("/version")), (1, 1));
    assert_eq!((fake.asked("since=1767225609.000000000"), fake.asked("/c/")), (1, 0));
    // What is not due is not asked.
    let before = fake.asked("GET");
    let until = Instant::now() + LONG;
    fake.source.look(&mut fake.link, &fake.memory, SystemTime::now(), until).await;
    assert_eq!(fake.asked("GET"), before);
}

#[tokio::test]
async fn from_now_on() {
    let mut fake = Fake::start();
    fake.source.from_start = false;
    fake.mood(|mood| mood.log = vec![(10, "one\n"), (11, "two\n")]);
    fake.look(LONG).await;
    assert_eq!(fake.asked("tail=1"), 2);
    fake.mood(|mood| mood.log.push((11, "other\n")));
    fake.mood(|mood| mood.log.push((12, "three\n")));
    fake.look(LONG).await;
    assert_eq!(fake.count.0, ["three"]);
}

#[tokio::test]
async fn one_that_hangs_costs_itself_only() {
    let mut fake = Fake::start();
    fake.mood(|mood| (mood.log, mood.hangs) = (vec![(10, "one\n")], true));
    let prepared = fake.look(Duration::from_secs(2)).await;
    assert_eq!((fake.count.0.len(), prepared.unreadable), (1, 1));
    assert_eq!(prepared.problem.unwrap().reason, Reason::TIMEOUT);
    fake.mood(|mood| mood.hangs = false);
    assert_eq!(fake.look(LONG).await.problem, None);
}

#[tokio::test]
async fn an_engine_that_fails_takes_nothing_with_it() {
    let mut fake = Fake::start();
    fake.mood(|mood| mood.log = vec![(10, "one\n")]);
    fake.look(LONG).await;
    fake.mood(|mood| mood.broken = true);
    let prepared = fake.look(LONG).await;
    assert_eq!((prepared.found, prepared.problem.is_some()), (None, true));
    fake.mood(|mood| (mood.broken, mood.log) = (false, vec![(10, "one\n"), (20, "two\n")]));
    assert_eq!(fake.look(LONG).await.problem, None);
    assert_eq!(fake.count.0, ["one", "two"]);
    // It is asked for its version again: it may be another one.
    assert_eq!(fake.asked("/version"), 2);
    let gone = fake.folder.path().join("no.sock");
    let (mut link, memory) = (Link::default(), Containers::<u64>::default());
    let source = Source { address: Address::Unix(gone), ..fake.source.clone() };
    let until = Instant::now() + LONG;
    let prepared = source.look(&mut link, &memory, SystemTime::now(), until).await;
    assert_eq!(prepared.problem.unwrap().reason, Reason::NOT_FOUND);
}

#[tokio::test]
async fn a_driver_that_keeps_nothing_is_a_reason() {
    for (driver, logs, why) in [("none", 0, "`none`"), ("syslog", 501, "501")] {
        let mut fake = Fake::start();
        fake.mood(|mood| (mood.driver, mood.logs) = (driver, logs));
        let prepared = fake.look(LONG).await;
        assert_eq!(prepared.unreadable, 2);
        let problem = prepared.problem.unwrap();
        assert!(problem.detail.contains(why), "{problem}");
    }
}

#[tokio::test]
async fn a_json_file_in_reach_is_read_as_a_file_for_its_life() {
    let mut fake = Fake::start();
    let file = fake.folder.path().join("x-json.log");
    std::fs::write(&file, "").unwrap();
    fake.mood(|mood| (mood.driver, mood.log_path) = ("json-file", "/x-json.log".into()));
    let files = |prepared: &Prepared| {
        let found = prepared.found.iter().flatten();
        found.filter_map(Found::file).map(ToOwned::to_owned).collect::<Vec<_>>()
    };
    let prepared = fake.look(LONG).await;
    assert_eq!((files(&prepared), fake.asked("/logs")), (vec![file.clone(); 2], 0));
    // Another way would count all of it again.
    std::fs::remove_file(&file).unwrap();
    let prepared = fake.look(LONG).await;
    assert_eq!((files(&prepared).len(), fake.asked("/logs")), (2, 0));
    // One that is found out of reach stays with the Engine.
    let mut fake = Fake::start();
    fake.mood(|mood| (mood.driver, mood.log_path) = ("json-file", "/x-json.log".into()));
    fake.look(LONG).await;
    std::fs::write(fake.folder.path().join("x-json.log"), "").unwrap();
    let prepared = fake.look(LONG).await;
    assert_eq!((files(&prepared).len(), fake.asked("/logs")), (0, 4));
}

#[tokio::test]
async fn what_has_ended_is_asked_once_more() {
    let mut fake = Fake::start();
    fake.mood(|mood| mood.log = vec![(10, "one\n")]);
    fake.look(LONG).await;
    fake.mood(|mood| (mood.running, mood.log) = (false, vec![(10, "one\n"), (11, "last")]));
    // Only because of its end.
    fake.link.due.clear();
    fake.look(LONG).await;
    assert_eq!(fake.count.0, ["one", "last"]);
}

/// A source as the configuration has it, and a reader of it as after a start.
fn reader(fake: &Fake, storage: &Arc<Storage>) -> Reader {
    let socket = fake.folder.path().join("docker.sock");
    let yaml =
        format!("{{ container: bot-*, engine: 'unix://{}', start: beginning }}", socket.display());
    let logs = config::load::<Logs>("x.yaml", &yaml, &|_| None).finish().unwrap();
    let (source, mistakes) = plan::source("x", &logs, &Around::default());
    assert_eq!(mistakes, []);
    let (kept, watcher) = Default::default();
    Reader { source: Arc::new(source), kept, watcher, storage: Arc::clone(storage) }
}

#[tokio::test]
async fn a_restart_counts_nothing_again() {
    let fake = Fake::start();
    fake.mood(|mood| mood.log = vec![(10, "one\n"), (11, "two\n")]);
    let storage = Arc::new(Storage::memory());
    for lines in [2, 3, 3] {
        let raw = reader(&fake, &storage).fetch().await.unwrap();
        assert_eq!(raw.tally.levels.iter().sum::<u64>(), lines);
        fake.mood(|mood| mood.log.push((12, "three\n")));
    }
}

#[tokio::test]
async fn an_engine_that_is_away_is_told_of_and_nothing_steps_back() {
    let fake = Fake::start();
    fake.mood(|mood| mood.log = vec![(10, "one\n"), (11, "two\n")]);
    let storage = Arc::new(Storage::memory());
    let reader = reader(&fake, &storage);
    reader.fetch().await.unwrap();
    fake.mood(|mood| mood.broken = true);
    reader.kept.list_again().await;
    let raw = reader.fetch().await.unwrap();
    assert_eq!((raw.tally.levels.iter().sum::<u64>(), raw.report.unreadable), (2, 2));
    assert!(raw.report.problem.is_some());
    // Nor over a restart.
    let raw = self::reader(&fake, &storage).fetch().await.unwrap();
    assert_eq!((raw.tally.levels.iter().sum::<u64>(), raw.report.unreadable), (2, 2));
}

#[tokio::test]
async fn what_does_not_fit_into_one_look_is_a_backlog() {
    let fake = Fake::start();
    let long: &'static str = Box::leak(("x".repeat(60_000) + "\n").into_boxed_str());
    fake.mood(|mood| mood.log = (0..60).map(|second| (second, long)).collect());
    let reader = reader(&fake, &Arc::new(Storage::memory()));
    let raw = reader.fetch().await.unwrap();
    assert!(!raw.report.caught_up && raw.failure.is_some());
}

#[tokio::test]
async fn a_file_that_went_with_its_container_while_we_were_away_is_a_doubt() {
    let mut fake = Fake::start();
    let file = fake.folder.path().join("x-json.log");
    std::fs::write(&file, "").unwrap();
    fake.mood(|mood| (mood.driver, mood.log_path) = ("json-file", "/x-json.log".into()));
    fake.look(LONG).await;
    let gone = Prepared { found: Some(Vec::new()), ..Prepared::default() };
    let mut held = fake.memory.clone();
    assert_eq!(held.absorb(&gone, SystemTime::now(), &mut fake.count).removed, 0);
    let mut away = Containers { restarted: true, ..fake.memory.clone() };
    assert_eq!(away.absorb(&gone, SystemTime::now(), &mut fake.count).removed, 2);
}
