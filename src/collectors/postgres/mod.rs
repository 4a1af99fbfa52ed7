//! PostgreSQL databases, by the statistics views.
//!
//! | read | from | rights |
//! |---|---|---|
//! | version, settings, roles | functions, `pg_settings`, `pg_roles` | none |
//! | sessions, idle times, what holds the clean-up back | `pg_stat_activity` | `pg_monitor`, or nothing of others' sessions but their number |
//! | databases, deadlocks, conflicts | `pg_stat_database`, `pg_database` | none |
//! | locks and waits | `pg_locks` | none |
//! | what is written | `pg_stat_bgwriter`, `pg_stat_checkpointer` and `pg_stat_io` (17), `pg_stat_archiver` | none |
//! | write-ahead log | `pg_ls_waldir` | `pg_monitor` |
//! | slots, standbys, the receiver | `pg_replication_slots`, `pg_stat_replication`, `pg_stat_wal_receiver` | `pg_monitor` |
//! | sizes | `pg_database_size` | `pg_monitor`, or CONNECT; every five minutes |
//! | tables and indexes, the largest by `relpages` | `pg_stat_user_tables`, `pg_statio_user_*` | none |
//! | their sizes | `pg_table_size`, `pg_indexes_size` | none; every five minutes, and not while they are locked |
//! | what our own statements cost, and single statements (`statements`) | `pg_stat_statements` | where it is there; once a minute |
//! | queries of the user (`queries`) | whatever they name | SELECT on it |
//! | searches for vectors (`vector`) | the catalogue, `pg_stat_statements` | `pg_monitor`; where pgvector is there |
//! | migrations | the tables of Alembic, Django, Flyway, sqlx, Prisma and Diesel | SELECT on them |
//! | a vacuum or an index build that runs | `pg_stat_progress_vacuum`, `pg_stat_progress_create_index` | `pg_monitor` |
//! | what is wrong with indexes, tables, sequences and extensions (`schema`) | the catalogue; every five minutes | SELECT on sequences |
//! | whether one gets in | a trial log-in, `login` | none |
//!
//! Cost: twelve queries at once on a kept session in the database `postgres`, and three in the named one
//! after the trial log-in (3-13 ms), on its session. Whoever reads at least every 45 s waits for the twelve
//! alone: the log-in, tables and all that is read seldom are read behind a reading, and shown by the next. All in read-only transactions with `statement_timeout`
//! (60 % of the deadline, at most 3 s) and `lock_timeout` (200 ms) on the server; nothing here waits behind locks
//! on tables. A reading that is given up is cancelled on the server. Of several targets on one server each tells
//! of its own database, and the first of the server as well (`share.rs`).
//!
//! Columns are read by name, for which there are differs by version: `server_version` decides of each
//! session which view is asked.
//!
//! Up means that the server answers and the named database is there, not `pg_isready`, which is content with
//! a database that does not exist. Our session may well outlive the last free slot, hence the
//! trial log-in: `stack_postgres_login_up`.
//!
//! Who counts: `stack_postgres_backends` are all rows of `pg_stat_activity`, server processes and
//! the asking session included, as the guides count; connections are client backends only, for
//! they alone take slots; longest query, longest transaction and active queries leave out our own
//! sessions, replication and parallel workers.
//!
//! Absent: everything about sessions without `pg_monitor` (a count would be 1, not unknown);
//! what a session does whose role has `track_activities` off; times of blocks while `track_io_timing` is off; sizes that may not be read.

mod activity;
mod blockers;
mod config;
mod databases;
mod ddl;
mod established;
mod fetch;
mod idle;
mod inside;
mod metrics;
mod migrations;
mod on_demand;
mod parts;
mod pools;
mod queries;
mod replication;
mod sample;
mod schema;
mod server;
mod share;
mod signals;
mod statements;
mod tables;
mod values;
mod vector;
mod words;

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use percent_encoding::utf8_percent_encode;

pub use config::Postgres;
pub use on_demand::{Module, offer};

use self::share::Share;
use crate::catalogue::{Area, Batch, Glance, TableEntry};
use crate::clients::access;
use crate::clients::postgres::reasons::REASONS;
use crate::clients::postgres::{Address, PostgresClient, mistake};
use crate::config::url::UNRESERVED;
use crate::config::{Access, SafeUrl, Secret};
use crate::engine::{Collector, Memory, Target};
use crate::failure::Failure;
use crate::plan::{Common, Plan, Thresholds};

pub type Section = BTreeMap<String, Postgres>;

pub static AREA: Area = Area {
    name: "postgres",
    title: "PostgreSQL",
    single: false,
    in_service: true,
    tables: &[
        TableEntry::of::<sample::Up>(),
        TableEntry::of::<sample::Server>(),
        TableEntry::of::<sample::Version>(),
        TableEntry::of::<sample::Capacity>(),
        TableEntry::of::<activity::Sessions>(),
        TableEntry::of::<activity::Transactions>(),
        TableEntry::of::<activity::InDatabase>(),
        TableEntry::of::<activity::Group>(),
        TableEntry::of::<activity::Application>(),
        TableEntry::of::<sample::Waits>(),
        TableEntry::of::<blockers::Blocker>(),
        TableEntry::of::<ddl::Waiting>(),
        TableEntry::of::<ddl::Ddl>(),
        TableEntry::of::<pools::Use>(),
        TableEntry::of::<databases::Statistics>(),
        TableEntry::of::<databases::Losses>(),
        TableEntry::of::<databases::Database>(),
        TableEntry::of::<sample::Size>(),
        TableEntry::of::<idle::Idle>(),
        TableEntry::of::<server::Background>(),
        TableEntry::of::<server::Checkpointer>(),
        TableEntry::of::<server::Archiver>(),
        TableEntry::of::<server::Archiving>(),
        TableEntry::of::<server::Wal>(),
        TableEntry::of::<server::Slot>(),
        TableEntry::of::<server::Sender>(),
        TableEntry::of::<server::Receiver>(),
        TableEntry::of::<server::Role>(),
        TableEntry::of::<server::Horizon>(),
        TableEntry::of::<server::Condition>(),
        TableEntry::of::<server::Settings>(),
        TableEntry::of::<server::OtherSettings>(),
        TableEntry::of::<tables::Table>(),
        TableEntry::of::<tables::Scanned>(),
        TableEntry::of::<tables::TableSize>(),
        TableEntry::of::<tables::Rest>(),
        TableEntry::of::<tables::Index>(),
        TableEntry::of::<tables::Vacuum>(),
        TableEntry::of::<statements::Statement>(),
        TableEntry::of::<tables::OwnShare>(),
        TableEntry::of::<queries::Number>(),
        TableEntry::of::<queries::Seen>(),
        TableEntry::of::<queries::Info>(),
        TableEntry::of::<migrations::Migration>(),
        TableEntry::of::<replication::Streaming>(),
        TableEntry::of::<replication::SlotStatus>(),
        TableEntry::of::<replication::Written>(),
        TableEntry::of::<replication::IndexBuild>(),
        TableEntry::of::<schema::Indexes>(),
        TableEntry::of::<schema::Index>(),
        TableEntry::of::<schema::Autovacuum>(),
        TableEntry::of::<schema::Over>(),
        TableEntry::of::<schema::Off>(),
        TableEntry::of::<schema::Sequence>(),
        TableEntry::of::<schema::Sequences>(),
        TableEntry::of::<schema::Extension>(),
        TableEntry::of::<schema::Extensions>(),
        TableEntry::of::<schema::Machine>(),
        TableEntry::of::<vector::Column>(),
        TableEntry::of::<vector::Index>(),
        TableEntry::of::<vector::Search>(),
    ],
    signals: signals::SIGNALS,
    glance: &[
        Glance::Signal("connections_ratio"),
        Glance::Signal("longest_query"),
        Glance::Signal("longest_transaction"),
    ],
    reasons: &[REASONS],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/postgres.md"),
};

/// Declared databases, else the one that the environment names.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(section) = section else { return discover(plan) };
    let mut shares = share::shares(section.iter().map(|(name, it)| (name.as_str(), &it.url)));
    for (name, postgres) in section {
        check(name, postgres, plan);
        let common = Common {
            timeout: postgres.timeout,
            thresholds: &postgres.thresholds,
            service: postgres.service.as_deref(),
        };
        plan.publish(
            name,
            crate::plan::Address {
                url: postgres.url.clone(),
                access: Access {
                    password: postgres.password.clone(),
                    password_file: postgres.password_file.clone(),
                    ..Access::default()
                },
            },
        );
        let share = shares.remove(name).unwrap_or_default();
        let target = target(name, postgres, share, plan.memory);
        plan.declare(target, &common);
    }
}

fn check(name: &str, postgres: &Postgres, plan: &mut Plan) {
    if let Some(message) = mistake(&postgres.url) {
        plan.mistake(name, "url", message);
    } else if Address::has_password(&postgres.url)
        && (postgres.password.is_some() || postgres.password_file.is_some())
    {
        plan.mistake(name, "url", "has a password although another one is set, keep one of them");
    }
    if postgres.tables.is_some_and(|tables| tables > MOST_TABLES) {
        plan.mistake(name, "tables", format!("must be at most {MOST_TABLES}"));
    }
    if postgres.statements.is_some_and(|statements| statements > MOST_STATEMENTS) {
        plan.mistake(name, "statements", format!("must be at most {MOST_STATEMENTS}"));
    }
    if postgres.login.is_some_and(|every| !TRIALS.contains(&every.get())) {
        plan.mistake(name, "login", "must be from `1s` to `1d`");
    }
    for (key, message) in queries::mistakes(&postgres.queries, signals::SIGNALS) {
        let key = if key.is_empty() { "queries".to_owned() } else { format!("queries.{key}") };
        plan.mistake(name, &key, message);
    }
    for (key, message) in pools::mistakes(&postgres.pools) {
        let key = if key.is_empty() { "pools".to_owned() } else { format!("pools.{key}") };
        plan.mistake(name, &key, message);
    }
    for (key, message) in postgres.migrations.iter().flat_map(migrations::mistakes) {
        plan.mistake(name, key, message);
    }
    check_password(name, postgres.password.as_ref(), postgres.password_file.as_deref(), plan);
}

fn check_password(name: &str, password: Option<&Secret>, file: Option<&Path>, plan: &mut Plan) {
    let Some(file) = file else { return };
    if password.is_some() {
        plan.mistake(name, "password", "must not be set together with `password_file`");
    }
    if let Some(message) = access::secret_mistake(file) {
        plan.mistake(name, "password_file", message);
    }
}

fn discover(plan: &mut Plan) {
    let found = plan.env("DATABASE_URL").or_else(|| {
        let host = plan.env("PGHOST")?;
        let port = plan.env("PGPORT").unwrap_or_else(|| "5432".to_owned());
        let user = plan.env("PGUSER").unwrap_or_else(|| "postgres".to_owned());
        let database = plan.env("PGDATABASE").unwrap_or_else(|| user.clone());
        let mode = plan.env("PGSSLMODE").unwrap_or_else(|| "prefer".to_owned());
        let mut url = Address::url(&host, &port, &user, &database, &mode);
        for (variable, name) in FILES {
            if let Some(file) = plan.env(variable) {
                url += &format!("&{name}={}", utf8_percent_encode(&file, UNRESERVED));
            }
        }
        Some(url)
    });
    let Some(url) = found.map(SafeUrl::new) else {
        return plan.missed(
            "no PostgreSQL database is named",
            "set DATABASE_URL, for example postgresql://monitor@127.0.0.1:5432/app",
        );
    };
    let from_url = plan.env("DATABASE_URL").is_some();
    if let Some(message) = mistake(&url) {
        let variable = if from_url { "DATABASE_URL" } else { "PGHOST and its like" };
        return plan.missed(
            format!("{variable}: {message}"),
            "name the database in the section postgres of the configuration",
        );
    }
    let password = if from_url { None } else { plan.env("PGPASSWORD").map(Secret::new) };
    let postgres = Postgres {
        service: None,
        url,
        password,
        password_file: None,
        login: None,
        tables: None,
        statements: None,
        settings: None,
        queries: BTreeMap::new(),
        pools: BTreeMap::new(),
        migrations: None,
        timeout: None,
        thresholds: Thresholds::default(),
    };
    let name = Address::database_of(&postgres.url);
    let target = target(&name, &postgres, Share::all_of(&name), plan.memory);
    plan.find(target, "environment");
}

fn target(name: &str, postgres: &Postgres, share: Share, memory: &Memory) -> Target {
    let deadline = postgres.timeout.map_or(Duration::from_secs(5), crate::config::Dur::get);
    let session = || {
        PostgresClient::new(&postgres.url, postgres.password_file.clone())
            .password(postgres.password.clone())
    };
    let client = session().deadline(deadline);
    let place = client.address().map(ToString::to_string).unwrap_or_default();
    let server = client.address().map(Address::server).unwrap_or_default();
    let down = Batch::new().with(vec![sample::Up { server, up: false }]);
    let identity = postgres.identity();
    let (slow, parts) = parts::Slow::of(memory, name, &identity);
    let tables = postgres.tables.unwrap_or(TABLES);
    let source = fetch::Source {
        client,
        slow,
        patience: deadline.mul_f64(PATIENCE),
        queries: queries::Queries::new(&postgres.queries, &share.database, session),
        declared: postgres.queries.clone(),
        pools: postgres.pools.clone(),
        migrations: migrations::Reader { wanted: postgres.migrations.clone() },
        share: share.clone(),
        tables,
        statements: postgres.statements.unwrap_or(0),
        every_setting: postgres.settings == Some(config::Settings::All),
    };
    let database = Database(Arc::new(source));
    let mut target = Target::new(&AREA, name, place, (identity.clone(), share), database);
    target.thresholds.exceptions = queries::exceptions(&postgres.queries, signals::SIGNALS);
    let hosts = postgres.url.hosts(5432);
    target.while_down(down).with_parts(parts).at(hosts).read_from(AREA.name, name)
}

/// Files that the environment of `libpq` names, and the parameters of an address that name them.
const FILES: [(&str, &str); 4] = [
    ("PGPASSFILE", "passfile"),
    ("PGSSLCERT", "sslcert"),
    ("PGSSLKEY", "sslkey"),
    ("PGSSLROOTCERT", "sslrootcert"),
];
/// So much of the deadline a reading waits for queries that have not run yet.
const PATIENCE: f64 = 0.7;
/// Tables that are told of one by one, and the most of them.
const TABLES: u32 = 100;
const MOST_TABLES: u32 = 1000;
const MOST_STATEMENTS: u32 = 500;
/// More often than this a trial log-in is a burden, and less often it says nothing.
const TRIALS: RangeInclusive<Duration> = Duration::from_secs(1)..=Duration::from_hours(24);

/// One database.
struct Database(Arc<fetch::Source>);

impl Collector for Database {
    type Raw = fetch::Raw;

    async fn fetch(&self) -> Result<fetch::Raw, Failure> {
        Box::pin(self.0.fetch()).await
    }

    fn sample(&self, raw: fetch::Raw, now: SystemTime) -> Result<Batch, Failure> {
        sample::sample(raw, now)
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::collectors::CATALOGUE;
    use crate::engine::Board;
    use crate::exposition::{Format, encode};

    fn planned(section: Option<&str>, env: &[(&str, &str)]) -> (Vec<String>, Vec<Target>) {
        let section: Option<Section> =
            section.map(|json| serde_json::from_str(json).expect("a section"));
        let value = |name: &str| {
            env.iter().find(|(key, _)| *key == name).map(|(_, value)| (*value).to_owned())
        };
        let memory = Memory::default();
        let mut plan = Plan::new(&value, &memory);
        plan.section("postgres", &AREA);
        super::plan(section.as_ref(), &mut plan);
        let mistakes = plan.mistakes.iter().map(|it| format!("{}: {}", it.path, it.message));
        let missed = plan.missed.iter().map(|it| it.why.clone());
        (mistakes.chain(missed).collect(), plan.targets)
    }

    #[test]
    fn mistakes() {
        let folder = tempfile::tempdir().unwrap();
        let (empty, good) = (folder.path().join("empty"), folder.path().join("good"));
        std::fs::write(&empty, "\n").unwrap();
        std::fs::write(&good, "hunter2\n").unwrap();
        let url = r#""url": "postgresql://u@db/app""#;
        let example = "expected an address such as `postgresql://monitor@127.0.0.1:5432/app`";
        for (settings, want) in [
            (r#""url": "mysql://u:hunter2@db/app""#.to_owned(), vec![format!("a.url: {example}")]),
            (r#""url": "host=db password=hunter2""#.to_owned(), vec![]),
            (
                r#""url": "postgresql://monitor:hun@ter2/hunter2@127.0.0.1:25432/app""#.to_owned(),
                vec![format!("a.url: {}", crate::config::url::AMBIGUOUS)],
            ),
            (
                r#""url": "postgres://db/app?sslmode=hunter2""#.to_owned(),
                vec!["a.url: `sslmode` must be `disable`, `allow`, `prefer`, `require`, `verify-ca` or `verify-full`".to_owned()],
            ),
            (
                format!(r#"{url}, "password_file": "{}""#, empty.display()),
                vec!["a.password_file: the file is empty".to_owned()],
            ),
            (
                format!(r#"{url}, "password_file": "/nowhere""#),
                vec!["a.password_file: there is no such file".to_owned()],
            ),
            (
                format!(r#"{url}, "password": "x", "password_file": "{}""#, good.display()),
                vec!["a.password: must not be set together with `password_file`".to_owned()],
            ),
            (
                r#""url": "postgres://u:hunter2@db/app", "password": "x""#.to_owned(),
                vec![
                    "a.url: has a password although another one is set, keep one of them"
                        .to_owned(),
                ],
            ),
            (format!(r#"{url}, "password_file": "{}""#, good.display()), vec![]),
        ] {
            let (mistakes, _) = planned(Some(&format!(r#"{{"a": {{{settings}}}}}"#)), &[]);
            let want: Vec<_> = want.iter().map(|text| format!("postgres.{text}")).collect();
            assert_eq!(mistakes, want, "{settings}");
        }
    }

    #[test]
    fn the_environment_is_enough() {
        let url = "postgresql+asyncpg://u:hunter2@db:5555/app?ssl=prefer";
        let host = [("PGHOST", "db"), ("PGUSER", "u"), ("PGPASSWORD", "hunter2")];
        for (env, want) in [
            (&[("DATABASE_URL", url)][..], Ok("app db:5555/app")),
            (&host[..], Ok("u db:5432/u")),
            (&[][..], Err("no PostgreSQL database is named")),
            (&[("DATABASE_URL", "sqlite:///x.db")][..], Err("DATABASE_URL: expected")),
            (
                &[("DATABASE_URL", "postgresql://u:Sup3r@Secret/Pw@127.0.0.1:25432/app")][..],
                Err("DATABASE_URL: it can be read in more than one way: percent-encode"),
            ),
            (&[("PGHOST", "u:hunter2@db")][..], Err("PGHOST and its like: `host` is neither")),
        ] {
            let (missed, targets) = planned(None, env);
            match want {
                Ok(want) => {
                    let target = targets.first().expect("a target");
                    assert_eq!(format!("{} {}", target.id.name, target.place), want);
                }
                Err(want) => assert!(missed.iter().any(|why| why.starts_with(want)), "{missed:?}"),
            }
        }
    }

    #[tokio::test]
    async fn other_thresholds_keep_the_collector_and_another_address_does_not() {
        let board = Board::default();
        let slot = |settings: &str| {
            let section = format!(r#"{{"app": {{{settings}}}}}"#);
            board.apply(planned(Some(&section), &[]).1);
            board.slots().first().map(Arc::clone).expect("a slot")
        };
        let first = slot(r#""url": "postgresql://u@127.0.0.1:1/app""#);
        let url = r#""url": "postgresql://u@127.0.0.1:1/app", "thresholds": {"longest_query": 7}"#;
        assert!(Arc::ptr_eq(&first, &slot(url)));
        assert!(!Arc::ptr_eq(&first, &slot(r#""url": "postgresql://u@127.0.0.1:2/app""#)));
    }

    #[tokio::test]
    async fn a_database_that_is_down_has_pg_up_0() {
        let section = r#"{"app": {"url": "postgresql://u@127.0.0.1:1/app"}}"#;
        let board = Board::default();
        board.apply(planned(Some(section), &[]).1);
        let text = encode(&CATALOGUE, Arc::new(board.scrape(&[], None).await), Format::Classic);
        assert!(text.contains("pg_up{target=\"app\",server=\"127.0.0.1:1\"} 0\n"), "{text}");
        let failure = "stack_target_failure{target=\"app\",area=\"postgres\",reason=\"refused\"} 1";
        assert!(text.contains(failure), "{text}");
        assert!(!text.contains("pg_stat"), "{text}");
    }
}
