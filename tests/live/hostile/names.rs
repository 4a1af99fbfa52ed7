//! Names from outside, with everything in them that a terminal or a reader takes for more than a
//! letter: none comes through raw, neither in `check` and `logs top`, nor in the log, nor on the
//! page.

use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::Connection;
use serde_json::json;

use super::liar::{Liar, Manner, Say};
use super::report::{self, Outcome};
use super::{binary, engine, logs, nats};
use crate::servers::exporter::Exporter;
use crate::servers::postgres::{DATABASE, Postgres};
use crate::servers::wait::{pause, until};
use crate::servers::{text, watchdog};

/// ESC, BEL, CR, a line that is forged, C1, and marks that turn the direction of writing.
const EVIL: &str = "a\u{1b}[31mred\u{7}\rb\nFORGED all is well\n\u{9b}31mc\u{85}d\u{202e}e\u{2066}f\u{200f}g\u{2028}h\u{7f}i";
/// What a file may be called.
const FILE: &str = "a\u{1b}[31mred\u{7}\rb\nFORGED all is well\n\u{9b}31mc\u{202e}e.log";
const FORGED: &str = "FORGED";

fn is_raw(c: char) -> bool {
    (c.is_control() && c != '\n')
        || matches!(c, '\u{200e}' | '\u{200f}' | '\u{61c}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// What comes through raw.
fn raw(said: &str) -> Vec<String> {
    let forged = said.lines().filter(|line| line.trim_start().starts_with(FORGED)).count();
    let mut found = Vec::new();
    if forged > 0 {
        found.push(format!("{forged} forged lines"));
    }
    let raw: Vec<&str> = said.lines().filter(|line| line.contains(is_raw)).collect();
    if let Some(first) = raw.first() {
        let first: String = first.escape_debug().take(120).collect();
        found.push(format!("{} lines have something raw, such as {first}", raw.len()));
    }
    found
}

struct World {
    config: String,
    _liars: Vec<Liar>,
    postgres: Postgres,
    logs: std::path::PathBuf,
}

async fn world() -> World {
    let list = json!([{ "Id": engine::ID, "Names": [format!("/{EVIL}")], "Image": EVIL, "Created": 1_700_000_000,
        "State": "running", "Status": "Up 9 minutes (unhealthy)",
        "Labels": { "com.docker.compose.project": EVIL, "com.docker.compose.service": EVIL },
        "Ports": [{ "IP": EVIL, "PrivatePort": 5432, "PublicPort": 5432, "Type": EVIL }] }]);
    let inspection = json!({ "Id": engine::ID, "Image": EVIL, "RestartCount": 9, "LogPath": EVIL,
        "State": { "Status": "running", "Error": EVIL, "OOMKilled": true, "StartedAt": "2026-01-01T00:00:00Z",
            "Health": { "Status": "unhealthy", "FailingStreak": 9, "Log": [] } },
        "HostConfig": { "Privileged": true, "LogConfig": { "Type": EVIL, "Config": {} }, "RestartPolicy": { "Name": EVIL }, "NetworkMode": EVIL },
        "Config": { "Image": EVIL }, "Mounts": [{ "Source": "/var/run/docker.sock" }] });
    let (list, inspection) = (list.to_string(), inspection.to_string());
    let engine = Liar::start(Manner::Http(Arc::new(move |path| {
        if path.contains("/version") {
            Say::json(json!({ "Version": EVIL, "ApiVersion": "1.45" }).to_string())
        } else if path.contains("/containers/json") {
            Say::json(&list)
        } else if path.contains("aaaa/json") {
            Say::json(&inspection)
        } else {
            engine::honest(path)
        }
    })))
    .await;
    let nats = Liar::start(Manner::Http(Arc::new(|path| {
        let path = path.split('?').next().unwrap_or_default();
        let quoted = json!(EVIL).to_string();
        let body = nats::well(path).replace("\"main\"", &quoted).replace("\"worker\"", &quoted);
        let body = body.replace("\"well\"", &quoted).replace("\"$G\"", &quoted);
        Say::json(body.replace("\"num_pending\":0", "\"num_pending\":1000000000"))
    })))
    .await;
    let queue = Liar::start(Manner::Http(Arc::new(|_| {
        let queues = json!({ EVIL: { "pending": 1_000_000, "processing": 0, "completed": 0 } });
        Say::json(json!({ "status": EVIL, "is_running": false, "queue_stats": queues }).to_string())
    })))
    .await;
    let file = watchdog::dir("named-db").join("a.db");
    let connection = Connection::open(&file).unwrap();
    connection
        .execute_batch("create table tasks(status text, created_at text, queue text)")
        .unwrap();
    connection
        .execute("insert into tasks values ('processing', '2024-01-01', ?1)", [EVIL])
        .unwrap();
    let postgres = Postgres::start(None).await;
    let client = postgres.client().await;
    client.batch_execute(&format!("create database \"{EVIL}\"")).await.unwrap();
    let logs = logs::folder_of(&[FILE]);
    let config = format!(
        "docker: {{ url: \"tcp://127.0.0.1:{}\", timeout: 3s }}\n\
         nats: {{ n: {{ url: \"{}\" }} }}\n\
         queues:\n  h: {{ http: \"{}/q\", preset: alaw }}\n  s: {{ sqlite: {{ file: {}, queue: queue }}, job_timeout: 1s }}\n\
         logs: {{ l: {{ files: [\"{}/*.log\"], start: beginning }} }}\n\
         postgres: {{ p: {{ url: \"postgresql://postgres@127.0.0.1:{}/{DATABASE}\" }} }}\n\
         host: {{ enabled: true }}\n",
        engine.port,
        nats.url(),
        queue.url(),
        text(&file),
        text(&logs),
        postgres.port,
    );
    World { config, _liars: vec![engine, nats, queue], postgres, logs }
}

pub async fn play() {
    let world = world().await;
    let exporter = Exporter::start(binary(), &world.config).await;
    let mut outcomes = Vec::new();
    let mut outcome = |name: &str, said: &str, must: &[&str]| {
        let mut failures = raw(said);
        // What is not there at all has not been shown to be escaped.
        for part in must.iter().filter(|part| !said.contains(**part)) {
            failures.push(format!("nothing of the names is in it: {part}"));
        }
        let (name, said) = (name.to_owned(), format!("{} bytes", said.len()));
        let one =
            Outcome { kind: "names", name, said, peak: None, slowest: Duration::ZERO, failures };
        eprintln!("{one}");
        outcomes.push(one);
    };
    exporter
        .wait_line("jetstream_consumer_num_pending{target=\"n\"", Duration::from_secs(20))
        .await;
    let folder = exporter.server.dir().to_owned();
    let config = folder.join("check.yaml");
    fs::write(&config, &world.config).unwrap();
    for (name, more) in [("check", &["check"][..]), ("config check", &["config", "check"])] {
        outcome(name, &said(&config, more), if name == "check" { &["red"] } else { &[] });
    }
    let file = world.logs.join(FILE);
    outcome("logs top", &said(&config, &["logs", "top", text(&file)]), &[]);
    let missing = world.logs.join(format!("no-{FILE}"));
    outcome(
        "logs top of a file that is not there",
        &said(&config, &["logs", "top", text(&missing)]),
        &["red"],
    );
    for path in ["/", "/runbooks"] {
        let page = exporter.get(path, &[]).await.body;
        outcome(&format!("the page {path}"), &page, if path == "/" { &["red"] } else { &[] });
    }
    // Troubles are judged every five seconds, and each is a line.
    until("troubles in the log", Duration::from_secs(20), async || {
        let log = exporter.log();
        if log.contains("red") { Ok(()) } else { Err(log) }
    })
    .await;
    pause(Duration::from_secs(6)).await;
    outcome("the text log", &exporter.log(), &["red"]);
    exporter.stop().await;
    drop(world.postgres);
    report::finish("names", &outcomes);
}

/// Output and errors of a command beside the running exporter.
fn said(config: &Path, arguments: &[&str]) -> String {
    let mut command = Command::new(binary());
    command.arg("--config.file").arg(config).args(arguments);
    let done = command.arg("--storage.path").arg(config.with_extension("state")).output().unwrap();
    String::from_utf8_lossy(&[done.stdout, done.stderr].concat()).into_owned()
}
