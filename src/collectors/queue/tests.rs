//! The golden runner, mistakes of the section, and files that are in use.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::de::DeserializeOwned;

use super::config::Queue;
use super::fetch::{Raw, Source};
use super::model::History;
use super::sample::{Rules, sample};
use super::sqlite::Reader;
use super::{AREA, planning, workers};
use crate::catalogue::Batch;
use crate::clients::http::{HttpClient, Json};
use crate::clients::json;
use crate::config::{Access, Dur, SafeUrl, Secret, load};
use crate::engine::{Board, Memory};
use crate::failure::{Failure, Reason};
use crate::golden;
use crate::plan::{Address, Plan};

fn queue(yaml: &str) -> Queue {
    load::<Queue>("queue.yaml", yaml, &|_| None).finish().expect("a valid queue")
}

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_hours(500_000)
}

fn answer<T: DeserializeOwned>(case: &Path, name: &str, status: u16) -> Option<Json<T>> {
    let value = json::from_slice(&golden::file(case, name)?);
    Some(Json { status, value, took: Duration::ZERO })
}

/// `queue.yaml` is the section of one target, `answer.json` what the service said (with another
/// status in `status`), `queue.sql` makes the `SQLite` file. With `before.json` that was the
/// answer an hour ago.
fn golden_case(case: &Path) -> Result<Batch, Failure> {
    let text = |name: &str| golden::file(case, name).map(|t| String::from_utf8(t).expect("UTF-8"));
    let mut queue = queue(&text("queue.yaml").expect("a section"));
    let folder = tempfile::tempdir().expect("a folder");
    if let (Some(sqlite), Some(sql)) = (&mut queue.sqlite, text("queue.sql")) {
        sqlite.file = folder.path().join("queue.db");
        let connection = rusqlite::Connection::open(&sqlite.file).expect("a file");
        connection.execute_batch(&sql).expect("statements");
    }
    let url = SafeUrl::new("http://127.0.0.1:1");
    let client = HttpClient::new(&url, &Access::default(), None);
    let status = text("status").map_or(200, |text| text.trim().parse().expect("a status"));
    let rules = planning::rules("q", &queue);
    let (source, raw, before) = if let Some(sqlite) = queue.sqlite.clone() {
        let reader = Reader::new(sqlite, queue.states.clone());
        let table = reader.read_at(now())?;
        (Source::Sqlite(reader), Raw::Table(table), None)
    } else if let Some(wanted) = queue.jetstream.clone() {
        // Who is connected is another answer, and so is whether there are other servers.
        let connections = || {
            let connz = answer(case, "connz.json", 200)?;
            Some(workers::connections(connz, answer(case, "varz.json", 200)?))
        };
        let jsz = answer(case, "answer.json", status).expect("an answer");
        let raw = Raw::Jsz(jsz, connections());
        let before = answer(case, "before.json", status).map(|jsz| Raw::Jsz(jsz, connections()));
        (Source::JetStream { client, wanted }, raw, before)
    } else {
        let paths = queue.paths.clone().unwrap_or_default().or(queue.preset);
        let raw = Raw::Json(answer(case, "answer.json", status).expect("an answer"));
        let before = answer(case, "before.json", status).map(Raw::Json);
        (Source::Http { client, paths }, raw, before)
    };
    let mut history = History::default();
    if let Some(before) = before {
        sample(&rules, &source, before, &mut history, now() - Duration::from_hours(1))?;
    }
    sample(&rules, &source, raw, &mut history, now())
}

#[test]
fn golden_cases() {
    golden::run("queue", golden_case);
}

static NATS: crate::catalogue::Area = section("nats");
static STORES: crate::catalogue::Area = section("store");

/// An area before ours.
const fn section(name: &'static str) -> crate::catalogue::Area {
    crate::catalogue::Area {
        name,
        title: "",
        single: false,
        in_service: true,
        tables: &[],
        signals: &[],
        glance: &[],
        reasons: &[],
        words: &[],
        runbook: "",
    }
}

fn mistakes(yaml: &str) -> Vec<String> {
    let section = load::<super::Section>("c.yaml", yaml, &|_| None).finish().expect("a section");
    let memory = Memory::default();
    let mut plan = Plan::new(&|_| None, &memory);
    plan.section("nats", &NATS);
    plan.publish("tasktracker", Address::from(&SafeUrl::new("http://127.0.0.1:8222")));
    plan.section("stores", &STORES);
    plan.publish("cache", Address::from(&SafeUrl::new("redis://127.0.0.1:6379")));
    plan.section("queues", &AREA);
    super::plan(Some(&section), &mut plan);
    plan.mistakes.iter().map(|m| format!("{}: {}", m.path, m.message)).collect()
}

#[test]
fn good_sections_have_no_mistakes() {
    for yaml in [
        "q: { http: 'http://a:1/x', preset: alaw, limits: { search: { max_concurrent: 3 } } }",
        "q: { http: 'http://a:1/x', paths: { pending: /n } }",
        "q: { jetstream: { nats: tasktracker, stream: s, consumer: c }, job_timeout: 300s }",
        "q: { jetstream: { url: 'http://a:1', stream: s, consumer: c } }",
        "q: { rabbitmq: { url: 'http://h:15672', vhost: shop, queues: [mail, 'x.*'] } }",
        "q: { redis: { store: cache, preset: celery } }",
        "q: { redis: { url: 'redis://h/', database: 2, stream: jobs, group: workers } }",
        "q: { redis: { url: 'unix:///run/redis.sock', keys: { pending: jobs }, take_from: left } }",
        "q: { sql: { url: 'postgres://u@h/d', query: 'select status, count(*) from t group by 1' } }",
        "q: { sqlite: { file: data/queue.db }, states: { ready: pending } }",
    ] {
        assert_eq!(mistakes(yaml), Vec::<String>::new(), "{yaml}");
    }
}

#[test]
fn mistakes_say_what_is_right() {
    for (yaml, wanted) in [
        (
            "q: {}",
            "queues.q: needs exactly one of `http`, `jetstream`, `rabbitmq`, `redis`, `sql` and `sqlite`",
        ),
        ("q: { http: 'http://a' }", "queues.q.http: needs `preset` or `paths` beside it"),
        (
            "q: { http: 'a:1', preset: alaw }",
            "queues.q.http: expected an address such as `http://127.0.0.1:8222`",
        ),
        (
            "q: { http: 'http://a', paths: { queues: stats } }",
            "queues.q.paths.queues: expected a JSON pointer such as `/queue_stats`",
        ),
        (
            "q: { jetstream: { nats: tasktraker, stream: s, consumer: c } }",
            "queues.q.jetstream.nats: there is no such target in the section `nats` (did you mean `tasktracker`?)",
        ),
        (
            "q: { jetstream: { stream: s, consumer: c } }",
            "queues.q.jetstream: needs exactly one of `nats` and `url`",
        ),
        (
            "q: { sql: { postgres: x, query: 'select 1, 2' } }",
            "queues.q.sql.postgres: there is no such target in the section `postgres`",
        ),
        (
            "q: { sql: { url: 'postgres://u@h/d', query: 'select 1; drop table t' } }",
            "queues.q.sql.query: expected one statement, found `;` inside",
        ),
        (
            "q: { sql: { url: 'postgres://u@h/d', password_file: /no/such, query: 'select 1, 2' } }",
            "queues.q.sql.password_file: there is no such file",
        ),
        (
            "q: { sqlite: { file: a, table: t, query: 'select 1, 2' } }",
            "queues.q.sqlite: needs `table` or `query`, not both",
        ),
        ("q: { sqlite: { file: a }, preset: alaw }", "queues.q.preset: is for `http` only"),
        (
            "q: { sqlite: { file: a }, limits: { q: { max_queue_size: 0 } } }",
            "queues.q.limits.q.max_queue_size: must be at least 1",
        ),
        (
            "q: { thresholds: { stuk: 1 } }",
            "queues.q.thresholds.stuk: unknown signal (did you mean `stuck`?)",
        ),
    ] {
        finds(yaml, wanted);
    }
}

#[test]
fn mistakes_of_brokers_say_what_is_right() {
    for (yaml, wanted) in [
        (
            "q: { rabbitmq: { url: 'amqp://h' } }",
            "queues.q.rabbitmq.url: expected an address such as `http://127.0.0.1:8222`",
        ),
        (
            "q: { rabbitmq: { url: 'http://h', queues: ['a[', b] } }",
            "queues.q.rabbitmq.queues: expected a name or a pattern such as `mail.*`, found `a[`",
        ),
        (
            "q: { redis: { store: cache } }",
            "queues.q.redis: needs exactly one of `preset`, `keys` and `stream`",
        ),
        (
            "q: { redis: { store: cash, preset: celery } }",
            "queues.q.redis.store: there is no such target in the section `stores` (did you mean `cache`?)",
        ),
        (
            "q: { redis: { url: 'http://h', stream: s, group: g } }",
            "queues.q.redis.url: expected an address such as `redis://127.0.0.1:6379`",
        ),
        (
            "q: { redis: { url: 'redis://h', stream: s } }",
            "queues.q.redis.stream: needs `group`: redis-cli XINFO GROUPS KEY names them",
        ),
    ] {
        finds(yaml, wanted);
    }
}

fn finds(yaml: &str, wanted: &str) {
    let found = mistakes(yaml);
    assert!(found.iter().any(|found| found == wanted), "{yaml}: {found:?}");
}

#[test]
fn a_statement_ends_before_its_reading() {
    let address = Address::from(&SafeUrl::new("postgres://u@h/d"));
    let limit = |seconds: Option<u64>| {
        let timeout = seconds.map(|seconds| Dur(Duration::from_secs(seconds)));
        planning::sql_client(&address, timeout).limit().as_millis()
    };
    assert_eq!((limit(None), limit(Some(1)), limit(Some(30))), (3000, 600, 3000));
}

#[test]
fn an_address_of_another_section_keeps_its_secrets() {
    let address = Address {
        access: Access { password: Some(Secret::new("hunter2")), ..Access::default() },
        ..Address::from(&SafeUrl::new("postgres://u:hunter2@h/d"))
    };
    assert!(!format!("{address:?}").contains("hunter2"));
}

#[tokio::test]
async fn other_thresholds_keep_the_collector_and_other_limits_do_not() {
    let board = Board::default();
    let slot = |more: &str| {
        let yaml = format!("q: {{ http: 'http://127.0.0.1:1/x', preset: alaw{more} }}");
        let section = load::<super::Section>("c.yaml", &yaml, &|_| None).finish().expect("valid");
        let mut plan = Plan::new(&|_| None, &board.memory);
        plan.section("queues", &AREA);
        super::plan(Some(&section), &mut plan);
        board.apply(plan.targets);
        board.slots().remove(0)
    };
    let first = slot("");
    assert!(Arc::ptr_eq(&first, &slot(", thresholds: { stuck: 1 }")));
    assert!(!Arc::ptr_eq(&first, &slot(", job_timeout: 9s")));
}

fn reader(file: &Path) -> Reader {
    Reader::new(
        queue(&format!("sqlite: {{ file: {} }}", file.display())).sqlite.unwrap(),
        [].into(),
    )
}

/// A file that is locked, gone, no database, or written with a log beside it.
#[tokio::test]
async fn sqlite_files_in_use() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.db");
    let gone = reader(&file).read().await.unwrap_err();
    assert_eq!((gone.reason, gone.detail.contains("SQLite")), (Reason::NOT_FOUND, true));

    let writer = rusqlite::Connection::open(&file).unwrap();
    writer.execute_batch("PRAGMA journal_mode = wal; CREATE TABLE other (a); ").unwrap();
    let reader = reader(&file);
    let missing = reader.read().await.unwrap_err();
    assert_eq!(missing.detail, "the file has no table `tasks`");
    writer.execute_batch("CREATE TABLE tasks (status, created_at)").unwrap();
    writer
        .execute_batch("BEGIN; INSERT INTO tasks VALUES ('pending', '2027-01-15 08:00:00')")
        .unwrap();
    // With a log beside the file a writer keeps nobody from reading.
    assert!(reader.read().await.unwrap().rows.is_empty());
    writer.execute_batch("COMMIT").unwrap();
    let table = reader.read_at(now()).unwrap();
    assert_eq!(table.rows, [[None, Some("pending".into()), Some("1".into()), Some("0".into())]]);

    drop(writer);
    std::fs::write(&file, "no database at all, but long enough to look like one. ".repeat(40))
        .unwrap();
    assert_eq!(reader.read().await.unwrap_err().reason, Reason::PROTOCOL);
}

fn asked(file: &Path, query: &str) -> Reader {
    let sqlite = queue(&format!("sqlite: {{ file: {} }}", file.display())).sqlite.unwrap();
    Reader::new(super::config::Sqlite { query: Some(query.to_owned()), ..sqlite }, [].into())
}

/// What the owner of a file puts into it makes us neither big nor slow, and is told.
#[test]
fn a_file_of_somebody_who_means_harm_costs_little() {
    let folder = tempfile::tempdir().unwrap();
    for (case, view, says) in [
        ("word", "hex(zeroblob(400000000))", "larger than 1 MiB"),
        ("blob", "zeroblob(900000000)", "larger than 1 MiB"),
        ("print", "printf('%.*c', 300000000, 'x')", "larger than 1 MiB"),
        (
            "grouped",
            "(select group_concat(hex(randomblob(400000))) from (select 1 union all select 2 union all select 3))",
            "larger than 1 MiB",
        ),
    ] {
        let file = folder.path().join(format!("{case}.db"));
        let owner = rusqlite::Connection::open(&file).unwrap();
        owner
            .execute_batch(&format!(
                "CREATE VIEW tasks AS SELECT {view} AS status, 1 AS created_at"
            ))
            .unwrap();
        drop(owner);
        let failure = reader(&file).read_at(now()).unwrap_err();
        assert!(failure.detail.contains(says), "{case}: {failure}");
        assert_eq!((failure.reason, failure.hint.is_some()), (Reason::PROTOCOL, true), "{case}");
    }
}

#[test]
fn rows_without_end_cost_little() {
    let folder = tempfile::tempdir().unwrap();
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n)";
    let file = folder.path().join("rows.db");
    let owner = rusqlite::Connection::open(&file).unwrap();
    let views = format!(
        "CREATE VIEW many AS {endless} SELECT i AS status, 1 AS created_at FROM n;
         CREATE VIEW large AS {endless} SELECT hex(randomblob(300000)) AS status, 1 AS created_at FROM n;
         CREATE VIEW none AS {endless} SELECT 'pending' AS status, 1 AS created_at FROM n WHERE i < 0;"
    );
    owner.execute_batch(&views).unwrap();
    drop(owner);
    let begun = std::time::Instant::now();
    for (table, query, says) in [
        ("many", None, "over 10000 different states"),
        ("none", None, "steps and was stopped"),
        (
            "large",
            Some("SELECT status, count(*) FROM large GROUP BY 1"),
            "more memory than SQLite is given",
        ),
        ("large", Some("SELECT status, 1 FROM (SELECT * FROM large LIMIT 9000)"), ""),
        ("many", Some("SELECT status, 1 FROM many"), "over 10000 rows"),
    ] {
        let reader = if let Some(query) = query {
            asked(&file, query)
        } else {
            let yaml = format!("sqlite: {{ file: {}, table: {table} }}", file.display());
            Reader::new(queue(&yaml).sqlite.unwrap(), [].into())
        };
        match reader.read_at(now()) {
            Ok(read) => {
                assert!(says.is_empty(), "{table} {query:?}");
                let words = read.rows.iter().flatten().flatten();
                assert!(words.map(String::len).max().unwrap() <= 1024);
            }
            Err(failure) => assert!(
                !says.is_empty() && failure.detail.contains(says),
                "{table} {query:?}: {failure}"
            ),
        }
    }
    assert!(begun.elapsed() < Duration::from_mins(4), "{:?}", begun.elapsed());
    // That it fits into 256 MB is shown by the suite of hostile sources (tests/live/hostile).
}

/// The operator's own query reads, and can do nothing else.
#[test]
fn a_query_that_does_more_than_read_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.db");
    let owner = rusqlite::Connection::open(&file).unwrap();
    owner.execute_batch("CREATE TABLE t (a); INSERT INTO t VALUES (1)").unwrap();
    drop(owner);
    let other = folder.path().join("other.db");
    for query in [
        format!("ATTACH '{}' AS o", other.display()),
        format!("VACUUM INTO '{}'", other.display()),
        "INSERT INTO t VALUES (2) RETURNING a, a".to_owned(),
        "CREATE TEMP TABLE x AS SELECT 1, 2".to_owned(),
        "PRAGMA journal_mode = wal".to_owned(),
        "PRAGMA hard_heap_limit = 0".to_owned(),
        "PRAGMA wal_checkpoint".to_owned(),
        "SELECT load_extension('/tmp/x'), 1".to_owned(),
        "ROLLBACK".to_owned(),
    ] {
        let failure = asked(&file, &query).read_at(now()).unwrap_err();
        assert_eq!(failure.reason, Reason::RIGHTS, "{query}: {failure}");
        assert!(failure.hint.unwrap().starts_with("expected one SELECT"), "{query}");
    }
    let names: Vec<_> =
        std::fs::read_dir(folder.path()).unwrap().map(|e| e.unwrap().path()).collect();
    assert_eq!(names, std::slice::from_ref(&file));
    let failure = asked(&file, "SELECT 1, 2; SELECT 3, 4").read_at(now()).unwrap_err();
    assert_eq!(failure.detail, "the query is more than one statement");
    let wide = format!("SELECT {}", vec!["1"; 65].join(", "));
    let failure = asked(&file, &wide).read_at(now()).unwrap_err();
    assert_eq!(failure.detail, "the query has over 64 columns");
}

/// Wide rows beside what is asked for are no reason to fail, and neither is a large table.
#[test]
fn payloads_and_many_jobs_are_read() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.db");
    let owner = rusqlite::Connection::open(&file).unwrap();
    owner
        .execute_batch(
            "CREATE TABLE tasks (payload BLOB, status TEXT, created_at TEXT);
             INSERT INTO tasks VALUES (zeroblob(5000000), 'pending', '2027-01-15 08:00:00');
             WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n LIMIT 300000)
             INSERT INTO tasks SELECT NULL, 'completed', '2027-01-15 08:00:00' FROM n;",
        )
        .unwrap();
    drop(owner);
    let read = reader(&file).read_at(now()).unwrap();
    let count = |state: &str| {
        let row = read.rows.iter().find(|row| row[1].as_deref() == Some(state)).unwrap();
        row[2].clone().unwrap()
    };
    assert_eq!((count("pending"), count("completed")), ("1".to_owned(), "300000".to_owned()));
}

/// A statement that would run for ever ends when its reading is given up.
#[tokio::test(flavor = "multi_thread")]
async fn a_reading_that_is_given_up_leaves_nothing_running() {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("queue.db");
    rusqlite::Connection::open(&file).unwrap().execute_batch("CREATE TABLE t (a)").unwrap();
    let endless = "with recursive n(i) as (select 1 union all select i + 1 from n) \
                   select 'pending', count(*) from n";
    let yaml = format!("sqlite: {{ file: {}, query: {endless} }}", file.display());
    let yaml = yaml.replace("query: ", "query: \"").replace(" }", "\" }");
    let reader = Reader::new(queue(&yaml).sqlite.unwrap(), [].into());
    let limit = Duration::from_millis(200);
    assert!(tokio::time::timeout(limit, reader.read()).await.is_err());
    tokio::time::sleep(limit).await;
    // The next one is not turned away by the last.
    let next = tokio::time::timeout(limit, reader.read()).await;
    assert!(next.is_err(), "{next:?}");
}

#[test]
fn limits_come_from_the_queue_then_the_target_then_the_preset() {
    let yaml = "{ http: 'http://a', preset: alaw, limits: { search: { max_queue_size: 20 } } }";
    let rules: Rules = planning::rules("q", &queue(yaml));
    let search = rules.limits_of("search");
    assert_eq!((search.max_concurrent, search.max_queue_size), (Some(2), Some(20)));
    assert_eq!(rules.limits_of("analysis").max_queue_size, Some(5));
    assert_eq!(rules.limits_of("other").max_queue_size, None);
}
