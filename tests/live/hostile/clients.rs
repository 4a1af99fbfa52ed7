//! Clients that harm, and a standard error that cannot be written.

use std::fs::File;
use std::io::Write as _;
use std::net::Ipv4Addr;
use std::os::unix::fs::OpenOptionsExt as _;
use std::path::Path;
use std::time::{Duration, Instant};

use futures_util::{StreamExt as _, stream};
use rustix::process::Signal;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;
use tokio::task::JoinSet;

use super::group::Group;
use super::report::{self, Outcome, megabytes};
use super::{binary, wanted};
use crate::servers::exporter::Exporter;
use crate::servers::kostatus::{KoStatus, Mode};
use crate::servers::process::command;
use crate::servers::wait::{PATIENT, get_ok, pause, until};
use crate::servers::{text, watchdog};

/// How long an attack goes on.
const ATTACK: Duration = Duration::from_secs(9);
/// By then a scrape is served again though the attackers stay: a head has 5 s.
const DEAF: Duration = Duration::from_secs(7);
/// Docker kills after ten.
const STOP: Duration = Duration::from_secs(8);
const KEPT: u64 = 32 << 20;

const CONFIG: &str = "docker: { enabled: false }\npostgres: {}\nnats: {}\nqueues: {}\nlogs: {}\nhost: { enabled: true }\n";

/// What each of many connections sends, and what it does then.
#[derive(Clone)]
enum Then {
    /// Stays, reads nothing.
    Stays,
    /// Sends this again and again, with a pause.
    Drips(&'static [u8], Duration),
    /// Reads a byte a second.
    Sips,
}

struct Attack {
    name: &'static str,
    connections: usize,
    first: Vec<u8>,
    then: Then,
    /// Whether a stop while it lasts ends in time.
    stop: bool,
}

fn attacks() -> Vec<Attack> {
    let get = |path: &str| format!("GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n").into_bytes();
    let head =
        |length: usize| [b"GET / HTTP/1.1\r\nHost: a\r\nX: ".to_vec(), vec![b'a'; length]].concat();
    let pipeline = get("/").repeat(50);
    let post =
        b"POST /-/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: 1000000000000\r\n\r\n";
    let chunked =
        b"POST /-/reload HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n";
    let attack =
        |name, connections, first, then, stop| Attack { name, connections, first, then, stop };
    let second = Duration::from_secs(1);
    vec![
        attack("700 unfinished heads of 390 kB", 700, head(390_000), Then::Stays, true),
        attack("700 unfinished heads of 15 kB", 700, head(15_000), Then::Stays, true),
        attack("one half of a head", 1, b"GET / HTTP/1.1\r\nHo".to_vec(), Then::Stays, true),
        attack(
            "200 heads a byte a second",
            200,
            b"GET / HTTP/1.1\r\nX: ".to_vec(),
            Then::Drips(b"a", second),
            true,
        ),
        attack(
            "50 heads of ever more headers",
            50,
            b"GET / HTTP/1.1\r\n".to_vec(),
            Then::Drips(
                b"X: aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\r\n",
                Duration::from_millis(1),
            ),
            true,
        ),
        attack("200 answers that are not read", 200, pipeline.clone(), Then::Stays, true),
        attack("200 answers read a byte a second", 200, pipeline, Then::Sips, true),
        attack("4,200 idle connections", 4200, Vec::new(), Then::Stays, true),
        attack("4,200 connections after a request", 4200, get("/-/healthy"), Then::Stays, true),
        attack(
            "20 bodies of 1 TB",
            20,
            post.to_vec(),
            Then::Drips(&[b'a'; 65_536], Duration::from_millis(5)),
            true,
        ),
        attack(
            "20 bodies of pieces without an end",
            20,
            chunked.to_vec(),
            Then::Drips(b"1\r\na\r\n", Duration::from_millis(1)),
            true,
        ),
        attack("300 scrapes that are not read", 300, get("/metrics"), Then::Stays, false),
        attack(
            "100 requests for HTTP/2",
            100,
            b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n".to_vec(),
            Then::Drips(b"\0", second),
            false,
        ),
        attack(
            "100 hands of TLS",
            100,
            vec![0x16, 3, 1, 2, 0, 1, 0, 1, 0xfc],
            Then::Drips(b"\0", second),
            false,
        ),
    ]
}

/// One connection of an attacker, until it is thrown out.
async fn hold(port: u16, first: Vec<u8>, then: Then) -> std::io::Result<()> {
    let mut stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).await?;
    let _ = stream.write_all(&first).await;
    match then {
        Then::Stays => std::future::pending().await,
        Then::Drips(bytes, every) => loop {
            stream.write_all(bytes).await?;
            tokio::time::sleep(every).await;
        },
        Then::Sips => loop {
            let mut byte = [0];
            if stream.read(&mut byte).await? == 0 {
                return Ok(());
            }
            tokio::time::sleep(Duration::from_secs(1)).await;
        },
    }
}

async fn start(script: &str) -> (Exporter, Group) {
    let group = Group::new();
    let script = group.script().replace("\"$@\"", script);
    let exporter = Exporter::scripted(binary(), CONFIG, &script, &[]);
    let healthy = format!("{}/-/healthy", exporter.url());
    until("the exporter", PATIENT, async || get_ok(&healthy).await).await;
    (exporter, group)
}

async fn scrape(exporter: &Exporter) -> Option<Duration> {
    let begun = Instant::now();
    let asked = tokio::time::timeout(Duration::from_secs(2), exporter.try_scrape()).await;
    let (scrape, _) = asked.ok()?.ok()?;
    (scrape.status == 200).then(|| begun.elapsed())
}

async fn play_one(attack: Attack) -> Outcome {
    let (exporter, group) = start("\"$@\"").await;
    let _ = scrape(&exporter).await;
    let baseline = exporter.resident_bytes().unwrap_or_default();
    let mut failures = Vec::new();
    let mut attackers = JoinSet::new();
    for _ in 0..attack.connections {
        attackers.spawn(hold(exporter.port, attack.first.clone(), attack.then.clone()));
    }
    let (begun, mut slowest, mut peak) = (Instant::now(), Duration::ZERO, 0);
    let (mut served, mut refused) = (0_u32, 0_u32);
    let mut last_deaf = Duration::ZERO;
    while begun.elapsed() < ATTACK && exporter.server.is_running() {
        if let Some(took) = scrape(&exporter).await {
            served += 1;
            slowest = slowest.max(took);
        } else {
            refused += 1;
            last_deaf = begun.elapsed();
        }
        peak = peak.max(exporter.resident_bytes().unwrap_or_default());
        pause(Duration::from_millis(200)).await;
    }
    let said = format!(
        "{served} scrapes served, {refused} not, the last of these after {:.1} s",
        last_deaf.as_secs_f64()
    );
    if !exporter.server.is_running() {
        let why =
            if group.kills() > 0 { "killed: over 256 MB".to_owned() } else { last_line(&exporter) };
        failures.push(format!("the process has ended: {why}"));
    } else if served == 0 || last_deaf > DEAF {
        failures.push(format!("deaf for as long as they stay: {said}"));
    }
    if exporter.server.is_running() {
        if attack.stop {
            stops(&exporter, &mut failures).await;
            attackers.shutdown().await;
        } else {
            attackers.shutdown().await;
            comes_back(&exporter, baseline, &mut failures).await;
        }
    }
    let (kind, name) = ("clients", attack.name.to_owned());
    let outcome = Outcome { kind, name, said, peak: Some(peak), slowest, failures };
    eprintln!("{outcome}");
    outcome
}

/// Whether it listens within 10 s.
async fn starts(exporter: &Exporter) -> bool {
    let healthy = format!("{}/-/healthy", exporter.url());
    let begun = Instant::now();
    while begun.elapsed() < Duration::from_secs(10) && exporter.server.is_running() {
        if get_ok(&healthy).await.is_ok() {
            return true;
        }
        pause(Duration::from_millis(100)).await;
    }
    false
}

/// SIGTERM with all of them still there.
async fn stops(exporter: &Exporter, failures: &mut Vec<String>) {
    let begun = Instant::now();
    exporter.server.signal(Signal::TERM);
    while exporter.server.is_running() && begun.elapsed() < STOP {
        pause(Duration::from_millis(50)).await;
    }
    if exporter.server.is_running() {
        failures.push(format!("still there {STOP:?} after SIGTERM"));
    }
}

async fn comes_back(exporter: &Exporter, baseline: u64, failures: &mut Vec<String>) {
    let begun = Instant::now();
    loop {
        let well = scrape(exporter).await.is_some();
        let resident = exporter.resident_bytes().unwrap_or_default();
        if well && resident <= baseline + KEPT {
            return;
        }
        if begun.elapsed() > Duration::from_secs(10) {
            let (now, then) = (megabytes(resident), megabytes(baseline));
            failures.push(format!(
                "10 s later: a scrape is served: {well}; {now} MB, before it {then} MB"
            ));
            return;
        }
        pause(Duration::from_millis(200)).await;
    }
}

fn last_line(exporter: &Exporter) -> String {
    exporter.log().trim_end().lines().next_back().unwrap_or("no word").chars().take(160).collect()
}

/// Standard errors that cannot be written, as shell redirections.
fn outlets() -> Vec<(&'static str, String)> {
    let folder = watchdog::dir("stderr");
    let pipe = |name: &str| {
        let pipe = folder.join(name);
        assert!(command(Path::new("mkfifo"), None).arg(&pipe).status().unwrap().success());
        format!("\"$@\" 2>{}", text(&pipe))
    };
    vec![
        ("standard error is full", "\"$@\" 2>/dev/full".to_owned()),
        ("standard error is closed", "\"$@\" 2>&-".to_owned()),
        ("all three are closed", "\"$@\" 0<&- 1>&- 2>&-".to_owned()),
        ("standard error is a pipe whose reader is gone", pipe("gone")),
        ("standard error is a pipe that nobody reads", pipe("full")),
    ]
}

async fn play_outlet(name: &'static str, script: String) -> Outcome {
    let app = KoStatus::start().await;
    let mut held = script.split_once("2>/").filter(|_| name.contains("pipe")).map(|(_, pipe)| {
        // Both ends, so that neither side waits.
        let nonblock = i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap();
        let mut file = File::options();
        file.read(true).write(true).custom_flags(nonblock).open(format!("/{pipe}")).unwrap()
    });
    if let Some(file) = held.as_mut().filter(|_| name.contains("nobody reads")) {
        // So full that the next line does not fit.
        while file.write(&[b'x'; 4096]).is_ok() {}
        while file.write(b"x").is_ok() {}
    }
    let group = Group::new();
    let script = group.script().replace("\"$@\"", &script);
    let config = CONFIG.replace(
        "queues: {}",
        &format!("queues: {{ app: {{ http: \"{}\", preset: alaw, timeout: 1s }} }}", app.url()),
    );
    let exporter = Exporter::scripted(binary(), &config, &script, &[]);
    let mut failures = Vec::new();
    if !starts(&exporter).await {
        failures.push("it does not start, or not within 10 s".to_owned());
    }
    if name.contains("gone") {
        held = None;
    }
    let (begun, mut slowest, mut served) = (Instant::now(), Duration::ZERO, 0);
    let mut round = 0_u32;
    // Each change of a target's state and each reload writes lines.
    while begun.elapsed() < Duration::from_secs(6) {
        round += 1;
        app.set_mode(if round.is_multiple_of(2) { Mode::Closed } else { Mode::Normal }).await;
        exporter.hangup();
        if let Some(took) = scrape(&exporter).await {
            served += 1;
            slowest = slowest.max(took);
        }
        pause(Duration::from_millis(300)).await;
    }
    if !exporter.server.is_running() {
        failures.push("the process has ended".to_owned());
    } else if scrape(&exporter).await.is_none() {
        failures.push(format!("hangs: of {round} scrapes {served} were answered"));
    }
    let peak = exporter.resident_bytes();
    if exporter.server.is_running() {
        stops(&exporter, &mut failures).await;
    }
    drop(held);
    let said = format!("{served} of {round} scrapes");
    let outcome = Outcome { kind: "clients", name: name.to_owned(), said, peak, slowest, failures };
    eprintln!("{outcome}");
    outcome
}

pub async fn play() {
    raise_limit();
    let attacks = attacks().into_iter().filter(|attack| wanted(attack.name)).map(play_one);
    let mut outcomes: Vec<Outcome> = stream::iter(attacks).buffered(2).collect().await;
    let outlets = outlets().into_iter().filter(|(name, _)| wanted(name));
    let outlets = outlets.map(|(name, script)| play_outlet(name, script));
    outcomes.extend(stream::iter(outlets).buffered(4).collect::<Vec<_>>().await);
    report::finish("clients", &outcomes);
}

/// Thousands of connections need as many files here.
fn raise_limit() {
    use rustix::process::{Resource, getrlimit, setrlimit};
    let mut limit = getrlimit(Resource::Nofile);
    limit.current = limit.maximum;
    setrlimit(Resource::Nofile, limit).expect("more open files");
    let most = limit.maximum.unwrap_or(u64::MAX);
    assert!(most >= 10_000, "the tests need 10,000 open files: ulimit -Hn says {most}");
}
