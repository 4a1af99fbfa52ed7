//! `postgres_exporter` 0.19 with all its collectors, beside us on the same server: family by family, label set by
//! label set, value by value. Each difference is a line of `tests/postgres_peer.tsv` with its reason; one that is
//! not there any more has no line. [P01]

use std::path::PathBuf;
use std::process::Command;

use crate::peer::{Labels, Listed, Page, read_anew};
use crate::servers::exporter::Exporter;
use crate::servers::port::free_port;
use crate::servers::postgres::{DATABASE, MONITOR, MONITOR_PASSWORD, Postgres, Session};
use crate::servers::process::{Server, Spec};
use crate::servers::wait::{PATIENT, get_ok, until};
use crate::servers::{run, text, watchdog};
use crate::stage::binary;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LISTED: &str = include_str!("../postgres_peer.tsv");

/// What is fetched by a script and not installed.
fn fetched(what: &str) -> PathBuf {
    let script = format!("{ROOT}/.ci/fetch-postgres");
    let done = Command::new("sh").args([&script, what]).output().unwrap();
    assert!(done.status.success(), "{}", String::from_utf8_lossy(&done.stderr));
    PathBuf::from(String::from_utf8(done.stdout).unwrap().trim())
}

/// A PostgreSQL of this version where its own user can read it.
pub fn programs(major: &str) -> Option<PathBuf> {
    if major == "15" {
        return None;
    }
    let bin = fetched(major);
    let copy = watchdog::dir("programs");
    let done = Command::new("cp").args(["-a", text(bin.parent().unwrap())]).arg(&copy).status();
    assert!(done.unwrap().success(), "a copy of {}", bin.display());
    Some(copy.join(bin.parent().unwrap().file_name().unwrap()).join("bin"))
}

/// Of its own scrapes nobody else can speak, and what the two exporters themselves do there is seen by each of
/// the other alone.
fn keeps(name: &str, labels: &Labels) -> bool {
    let own = ["pg_scrape_", "pg_exporter_"].iter().any(|start| name.starts_with(start));
    let who = labels.get("usename").or(labels.get("user"));
    let exporters = who.is_some_and(|who| [MONITOR, "peer"].contains(&who.as_str()));
    name.starts_with("pg_") && !own && !exporters
}

/// Something of everything: names that are hard to write, rows that died, sessions in several states, a slot.
const SEED: [&str; 9] = [
    "create extension pg_stat_statements",
    "create extension pg_buffercache",
    "create table jobs (id int primary key, status text, pad text)",
    "insert into jobs select g, 'pending', repeat('x', 300) from generate_series(1, 2000) g",
    "create table \"Odd, \"\"база\"\" %\n\\\" (n int); create index on jobs (status); \
     create schema \"Ä b\"; create table \"Ä b\".jobs (n int)",
    "update jobs set status = 'done' where id % 3 = 0; delete from jobs where id % 7 = 0",
    "vacuum analyze jobs",
    "select count(*) from jobs where id = 5; select count(*) from jobs",
    "checkpoint",
];

async fn seeded(major: &str) -> (Postgres, Vec<Session>) {
    let settings = [
        ("track_io_timing", "on"),
        ("autovacuum", "off"),
        ("archive_mode", "on"),
        ("archive_command", "true"),
        ("wal_level", "logical"),
    ];
    let postgres = Postgres::start_with(programs(major).as_deref(), &settings).await;
    let admin = postgres.client().await;
    for sql in SEED {
        admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    for sql in [
        "create role peer login; grant pg_monitor to peer; create role app login connection limit 30",
        "create database \"Б %\"",
        "alter database \"Б %\" connection limit 7",
        "select pg_create_physical_replication_slot('spare', true)",
        "select pg_create_logical_replication_slot('changes', 'test_decoding') where false",
        "select pg_switch_wal()",
    ] {
        admin.batch_execute(sql).await.unwrap_or_else(|error| panic!("{sql}: {error:?}"));
    }
    until("an archived file", PATIENT, async || {
        let sql = "select archived_count from pg_stat_archiver";
        let count: i64 = admin.query_one(sql, &[]).await.unwrap().get(0);
        count > 0
    })
    .await;
    let sessions =
        vec![postgres.idle_in_transaction().await, postgres.background("select 1").await];
    (postgres, sessions)
}

async fn peer(postgres: &Postgres) -> (Server, String) {
    let program = fetched("exporter");
    let help = Command::new(&program).arg("--help").output().unwrap();
    let help = String::from_utf8_lossy(&[help.stdout, help.stderr].concat()).into_owned();
    let words = help.split_whitespace().filter(|word| word.starts_with("--collector."));
    let switches =
        words.filter(|word| !word.contains(['=', '"']) && word.matches('.').count() == 1);
    let port = free_port();
    let listen = format!("--web.listen-address=127.0.0.1:{port}");
    let mut args = vec![listen.as_str(), "--config.file=/dev/null"];
    args.extend(switches);
    assert!(args.len() > 20, "all collectors: {args:?}");
    let mut spec = Spec::new(&program, "prometheus-postgres-exporter", &args);
    let source =
        format!("postgresql://peer@127.0.0.1:{}/{DATABASE}?sslmode=disable", postgres.port);
    spec.env = vec![("DATA_SOURCE_NAME".to_owned(), source)];
    let server = Server::start(spec, &watchdog::dir("peer"));
    let url = format!("http://127.0.0.1:{port}/metrics");
    until("postgres_exporter", PATIENT, async || {
        server.assert_alive();
        get_ok(&url).await
    })
    .await;
    (server, url)
}

async fn compare(major: &str) {
    let (postgres, _sessions) = seeded(major).await;
    let (_peer, url) = peer(&postgres).await;
    let file = watchdog::dir("secret").join("password");
    std::fs::write(&file, MONITOR_PASSWORD).unwrap();
    let config = format!(
        "docker: {{ enabled: false }}\nhost: {{ enabled: false }}\npostgres:\n  main: {{ url: \"{}\", \
         password_file: {}, statements: 500, settings: all }}\n",
        postgres.url(),
        file.display(),
    );
    let exporter = Exporter::start(binary(), &config).await;
    let listed = Listed::of(LISTED, major);
    // What a look finds is the same from some look on.
    until("no difference that is not listed, and each that is", 2 * PATIENT, async || {
        let before = Page::of(&get_ok(&url).await?, &keeps);
        let ours = Page::of(&read_anew(&exporter, "main", "postgres").await, &keeps);
        let after = Page::of(&get_ok(&url).await?, &keeps);
        assert!(before.series.len() > 300, "{}", before.series.len());
        listed.holds(&before, &ours, &after)
    })
    .await;
}

#[test]
fn on_15_we_say_what_postgres_exporter_says() {
    run(compare("15"));
}

#[test]
fn on_17_we_say_what_postgres_exporter_says() {
    run(compare("17"));
}

#[test]
fn on_18_we_say_what_postgres_exporter_says() {
    run(compare("18"));
}
