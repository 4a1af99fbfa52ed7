//! `postgres_exporter` 0.19 with all its collectors, beside us on the same server: family by family, label set by
//! label set, value by value. Each difference is a line of `tests/postgres_peer.tsv` with its reason; one that is
//! not there any more has no line. [P01]

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::process::Command;

use crate::servers::exporter::Exporter;
use crate::servers::port::free_port;
use crate::servers::postgres::{DATABASE, MONITOR, MONITOR_PASSWORD, Postgres, Session};
use crate::servers::process::{Server, Spec};
use crate::servers::wait::{PATIENT, get_ok, until};
use crate::servers::{run, text, watchdog};
use crate::stage::binary;

const ROOT: &str = env!("CARGO_MANIFEST_DIR");
const LISTED: &str = include_str!("../postgres_peer.tsv");

type Labels = BTreeMap<String, String>;

/// A page: families with their kinds and series.
#[derive(Default)]
struct Page {
    kinds: BTreeMap<String, String>,
    series: BTreeMap<String, Vec<(Labels, f64)>>,
}

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

fn labels_of(text: &str) -> Labels {
    let (mut labels, mut rest) = (Labels::new(), text);
    while let Some((name, after)) = rest.split_once("=\"") {
        let mut end = 0;
        while let Some(at) = after[end..].find(['"', '\\']) {
            end += at;
            if after[end..].starts_with('"') {
                break;
            }
            end += 2;
        }
        let value = &after[..end];
        // What is empty is not there, and who was read is said by us alone.
        if !value.is_empty() && !["target", "server"].contains(&name) {
            let number = value.parse::<f64>().ok().filter(|_| name == "le");
            let value = number.map_or_else(|| value.to_owned(), |number| number.to_string());
            labels.insert(name.to_owned(), value);
        }
        rest = after[end + 1..].trim_start_matches(',');
    }
    labels
}

impl Page {
    fn of(text: &str) -> Self {
        let mut page = Self::default();
        for line in text.lines() {
            if let Some(kind) = line.strip_prefix("# TYPE ") {
                let (name, kind) = kind.split_once(' ').unwrap();
                page.kinds.insert(name.to_owned(), kind.to_owned());
                continue;
            }
            let (series, value) = line.rsplit_once(' ').unwrap();
            let value: f64 = value.parse().unwrap_or(f64::NAN);
            // Of its own scrapes nobody else can speak, and NaN says nothing.
            let name = series.split('{').next().unwrap();
            let own = ["pg_scrape_", "pg_exporter_"].iter().any(|start| name.starts_with(start));
            if line.starts_with('#') || !name.starts_with("pg_") || own || value.is_nan() {
                continue;
            }
            let labels = series.split_once('{').map(|(_, rest)| rest.trim_end_matches('}'));
            let labels = labels_of(labels.unwrap_or_default());
            // What the two exporters themselves do there is seen by each of the other alone.
            let who = labels.get("usename").or(labels.get("user"));
            if who.is_some_and(|who| [MONITOR, "peer"].contains(&who.as_str())) {
                continue;
            }
            page.series.entry(name.to_owned()).or_default().push((labels, value));
        }
        page
    }

    /// The series of a family by those labels that the other one has as well.
    fn by(&self, family: &str, names: &BTreeSet<&String>) -> BTreeMap<Labels, f64> {
        let series = self.series.get(family).into_iter().flatten();
        let kept = |labels: &Labels| -> Labels {
            let mut kept = labels.clone();
            kept.retain(|name, _| names.contains(name));
            kept
        };
        series.map(|(labels, value)| (kept(labels), *value)).collect()
    }
}

/// What differs, as family and kind of difference, with an example.
fn differences(
    before: &Page,
    ours: &Page,
    after: &Page,
) -> BTreeMap<(String, &'static str), String> {
    let mut found = BTreeMap::new();
    let mut note = |family: &String, what, example: String| {
        found.entry((family.clone(), what)).or_insert(example);
    };
    for (family, theirs) in &before.series {
        if !ours.series.contains_key(family) {
            note(family, "missing", format!("{theirs:?}"));
            continue;
        }
        let (kind, own) = (before.kinds.get(family), ours.kinds.get(family));
        if kind != own {
            note(family, "kind", format!("{kind:?} {own:?}"));
        }
        let names = theirs.iter().flat_map(|(labels, _)| labels.keys()).collect();
        let (low, own, high) =
            (before.by(family, &names), ours.by(family, &names), after.by(family, &names));
        for (labels, value) in &own {
            let (Some(low), Some(high)) = (low.get(labels), high.get(labels)) else {
                note(family, "ours", format!("{labels:?}"));
                continue;
            };
            // What moves was read in between.
            let slack = 1e-9 * value.abs();
            let (low, high) = (low.min(*high) - slack, high.max(*low) + slack);
            if !(low..=high).contains(value) {
                note(family, "value", format!("{labels:?}: {low} {value} {high}"));
            }
        }
        let lost =
            low.keys().find(|labels| high.contains_key(*labels) && !own.contains_key(*labels));
        if let Some(labels) = lost {
            note(family, "theirs", format!("{labels:?}"));
        }
    }
    found
}

/// A line of the list: on which versions, what, and whether it is always so.
struct Line {
    family: &'static str,
    what: &'static str,
    always: bool,
}

fn lines(major: &str) -> Vec<Line> {
    let lines = LISTED.lines().filter(|line| !line.starts_with('#'));
    let parts = lines.map(|line| {
        let fields: Vec<&str> = line.split('\t').collect();
        let [versions, family, what, when, why] = fields.as_slice() else { panic!("{line}") };
        assert!(why.len() > 15 && ["always", "sometimes"].contains(when), "{line}");
        (versions.split(' ').any(|version| version == major), *family, *what, *when == "always")
    });
    parts.filter(|it| it.0).map(|(_, family, what, always)| Line { family, what, always }).collect()
}

impl Line {
    fn is_about(&self, family: &str, what: &str) -> bool {
        let named = match self.family.strip_suffix('*') {
            Some(start) => family.starts_with(start),
            None => self.family == family,
        };
        named && self.what == what
    }
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

/// A page with a reading that was begun after this was called: a look within a second shows the one before.
async fn read_anew(exporter: &Exporter) -> String {
    let reads = "stack_target_reads_total{target=\"main\",area=\"postgres\",outcome=\"ok\"}";
    let before = exporter.scrape().await.value(reads);
    until("a new reading", PATIENT, async || {
        let scrape = exporter.scrape().await;
        if scrape.value(reads) > before { Ok(scrape.body) } else { Err(scrape.body) }
    })
    .await
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
    let listed = lines(major);
    let is_listed = |(family, what): &(String, &'static str)| {
        listed.iter().any(|line| line.is_about(family, what))
    };
    // What a look finds is the same from some look on.
    until("no difference that is not listed, and each that is", 2 * PATIENT, async || {
        let before = Page::of(&get_ok(&url).await?);
        let ours = Page::of(&read_anew(&exporter).await);
        let after = Page::of(&get_ok(&url).await?);
        assert!(before.series.len() > 300, "{}", before.series.len());
        let found = differences(&before, &ours, &after);
        let new: Vec<_> = found.iter().filter(|(key, _)| !is_listed(key)).collect();
        let gone: Vec<_> = listed
            .iter()
            .filter(|line| line.always && !found.keys().any(|(a, b)| line.is_about(a, b)))
            .map(|line| (line.family, line.what))
            .collect();
        if new.is_empty() && gone.is_empty() {
            Ok(())
        } else {
            Err(format!("{new:#?}\ngone: {gone:?}"))
        }
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
