//! What is not read each time: within the first readings, and behind those of whoever reads often.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::Instant;

use super::fetch::{Answer, Source, none};
use super::migrations::Said;
use super::queries::{Answers, Seen};
use super::schema::{self, Schema};
use super::statements::{Shown, Statements};
use super::{AREA, Postgres, tables, vector};
use crate::clients::postgres::reasons::NO_DATABASE;
use crate::clients::postgres::{Address, Rows, quoted};
use crate::engine::{Found, Latest, Memory, Pace, Part, Parts};
use crate::failure::Failure;

/// Ends with the reading at the latest.
const LIMIT: Duration = Duration::from_mins(1);
/// Listing 11,000 files takes 70 ms. After a failure they are tried again sooner.
const SIZES: Pace = Pace {
    every: Duration::from_mins(5),
    again: Duration::from_mins(1),
    stale_after: None,
    limit: LIMIT,
};
/// A trial log-in costs the server a process, and the first questions of a session a look at its catalogue:
/// as much as all other facts together.
pub const LOGIN: Duration = Duration::from_secs(30);
/// Whoever scrapes as often as this comes a little early now and then, and is not to wait for the next time.
const EARLY: f64 = 0.95;
/// After a failure it is tried again sooner.
const AGAIN: Duration = Duration::from_secs(10);
/// Tables are read in the session of the trial, so as often.
const TABLES: Pace = Pace {
    every: Duration::from_secs(28),
    again: AGAIN,
    stale_after: Some(Duration::from_mins(5)),
    limit: LIMIT,
};
const STATEMENTS: Pace = Pace {
    every: Duration::from_mins(1),
    again: Duration::from_mins(5),
    stale_after: None,
    limit: LIMIT,
};
/// They seldom change, and the server makes 350 rows of all settings for whoever asks for one.
const SET: Pace =
    Pace { every: Duration::from_secs(28), again: AGAIN, stale_after: None, limit: LIMIT };
/// They change with deployments.
const MIGRATIONS: Pace = Pace {
    every: Duration::from_secs(28),
    again: AGAIN,
    stale_after: Some(Duration::from_mins(5)),
    limit: LIMIT,
};
/// Dear where there are many tables, and nothing of it changes in a minute.
const SCHEMA: Pace = Pace {
    every: Duration::from_mins(5),
    again: Duration::from_mins(1),
    stale_after: Some(Duration::from_mins(15)),
    limit: LIMIT,
};
/// As often as tables. The texts of statements have a slower clock of their own.
const VECTOR: Pace = MIGRATIONS;
/// Each query has a clock of its own.
const QUERIES: Pace =
    Pace { every: Duration::ZERO, again: Duration::ZERO, stale_after: None, limit: LIMIT };
/// Whoever reads at least this often is shown the parts as they were read after the last reading, and
/// does not wait for a log-in and a session that knows nothing yet.
const BEHIND: Duration = Duration::from_secs(45);

/// What is not read each time, as it was read last.
pub struct Read {
    pub sizes: Latest<Rows>,
    pub login: Latest<Duration>,
    pub set: Latest<Set>,
    pub inside: Latest<Inside>,
    pub table_sizes: Latest<Rows>,
    pub own: Latest<Rows>,
    pub statements: Latest<Statements>,
    pub migrations: Latest<Said>,
    pub schema: Latest<Schema>,
    pub vector: Latest<vector::Said>,
    pub queries: Vec<Seen>,
    /// Databases in which queries do not run because they are too many.
    pub queries_dropped: u64,
}

/// What somebody has set on the server.
pub struct Set {
    pub settings: Answer,
    /// All settings are wanted.
    pub every_setting: bool,
    pub roles: Answer,
}

/// What one has to be in a database to see.
pub struct Inside {
    pub tables: Answer,
    pub indexes: Answer,
    pub vacuums: Answer,
    pub builds: Answer,
}

/// What is not read each time. All of it is of one database: after a change of address nothing is
/// known of the new one.
pub struct Slow {
    sizes: Part<Rows>,
    login: Part<Duration>,
    set: Part<Set>,
    tables: Part<Inside>,
    table_sizes: Part<Rows>,
    own: Part<Rows>,
    statements: Part<Statements>,
    migrations: Part<Said>,
    schema: Part<Schema>,
    reader: schema::Reader,
    vectors: Part<vector::Said>,
    queries: Part<Answers>,
    pub(super) shown: Mutex<Shown>,
    pub(super) vector: Mutex<vector::Known>,
    /// When all of it was last begun, and what reads it behind a reading.
    begun: Mutex<Option<Instant>>,
    behind: Mutex<Option<JoinHandle<()>>>,
    /// What runs the declared queries.
    runs: Mutex<Option<JoinHandle<()>>>,
}

impl Slow {
    /// And what the engine needs to tell of them.
    pub fn of<'a>(
        memory: &'a Memory,
        name: &'a str,
        database: &Postgres,
    ) -> (Self, Parts<'a, Postgres>) {
        let mut parts = Parts::new(memory, AREA.name, name, database.clone());
        let every = database.login.map_or(LOGIN, crate::config::Dur::get).mul_f64(EARLY);
        let login = Pace { every, again: every.min(AGAIN), stale_after: None, limit: LIMIT };
        let of = Address::of(&database.url).map(|address| address.server()).unwrap_or_default();
        let slow = Self {
            sizes: parts.add("sizes", "sizes of databases (pg_database_size)", SIZES),
            login: parts.add("login", "a trial log-in", login),
            set: parts.add("settings", "settings and roles (pg_settings, pg_roles)", SET),
            tables: parts.add("tables", "tables (pg_stat_user_tables)", TABLES),
            table_sizes: parts.add("table_sizes", "sizes of tables (pg_table_size)", SIZES),
            own: parts.add("own", "what the monitoring costs (pg_stat_statements)", STATEMENTS),
            statements: parts.add("statements", "statements (pg_stat_statements)", STATEMENTS),
            migrations: parts.add(
                "migrations",
                "migrations (alembic_version and others)",
                MIGRATIONS,
            ),
            schema: parts.add("schema", "indexes, vacuum, sequences and extensions", SCHEMA),
            reader: schema::Reader::new(parts.keep("identity", schema::KEPT, of)),
            vectors: parts.add("vector", "vectors (pgvector, pg_stat_statements)", VECTOR),
            queries: parts.add("queries", "declared queries", QUERIES),
            shown: Mutex::default(),
            vector: Mutex::default(),
            begun: Mutex::default(),
            behind: Mutex::default(),
            runs: Mutex::default(),
        };
        (slow, parts)
    }

    fn begin(&self) {
        *self.begun.lock().unwrap_or_else(PoisonError::into_inner) = Some(Instant::now());
    }

    pub(super) fn is_recent(&self) -> bool {
        let begun = *self.begun.lock().unwrap_or_else(PoisonError::into_inner);
        begun.is_some_and(|at| at.elapsed() < BEHIND)
    }

    /// One read behind the readings at a time.
    pub(super) fn behind(&self, spawn: impl FnOnce() -> JoinHandle<()>) {
        let mut behind = self.behind.lock().unwrap_or_else(PoisonError::into_inner);
        if behind.as_ref().is_none_or(JoinHandle::is_finished) {
            *behind = Some(spawn());
        }
    }
}

impl Source {
    /// Runs the declared queries that are due, behind the readings: they may take their time. The first time a
    /// reading waits for them, until this moment at most.
    pub(super) async fn run_queries(self: &Arc<Self>, until: Option<Instant>) {
        if self.queries.is_empty() {
            return;
        }
        let ended = {
            let mut runs = self.slow.runs.lock().unwrap_or_else(PoisonError::into_inner);
            if runs.as_ref().is_some_and(|run| !run.is_finished()) {
                return;
            }
            let (source, (end, ended)) = (Arc::clone(self), tokio::sync::oneshot::channel());
            *runs = Some(tokio::spawn(async move {
                source.queries.refresh(&source.client, &source.slow.queries).await;
                // Nobody may be waiting.
                let _ = end.send(());
            }));
            ended
        };
        if let Some(until) = until {
            let _ = tokio::time::timeout_at(until, ended).await;
        }
    }

    /// Reads anew which of the parts are due.
    pub(super) async fn refresh(&self) {
        self.slow.begin();
        let until = || Instant::now() + LIMIT;
        let login = |_, _| async { self.client.log_in().await.map(Found::from) };
        let refused = self.slow.login.refresh(until(), login).await;
        // The server is there and the database is not.
        if refused.as_ref().is_some_and(|failure| failure.reason == NO_DATABASE) {
            return;
        }
        if self.share.leads {
            self.slow.set.refresh(until(), |_, _| self.read_set()).await;
            self.slow.sizes.refresh(until(), |_, _| self.read_sizes()).await;
        }
        // The trial has just failed, and a second one would find the same.
        if refused.is_some() {
            return;
        }
        if self.tells_tables() {
            self.slow.tables.refresh(until(), |_, _| self.read_inside()).await;
            self.slow.table_sizes.refresh(until(), |_, _| self.read_table_sizes()).await;
        }
        if self.share.tells(&self.share.database) {
            let read = |_, _| self.migrations.read(&self.client);
            self.slow.migrations.refresh(until(), read).await;
            self.slow.vectors.refresh(until(), |_, _| Box::pin(self.read_vector())).await;
            let read = |_, until| self.slow.reader.read(&self.client, self.share.leads, until);
            self.slow.schema.refresh(until(), read).await;
            self.slow.reader.keep();
        }
        if self.share.leads {
            self.slow.own.refresh(until(), |_, _| self.read_own()).await;
        }
        if self.tells_statements() {
            self.slow.statements.refresh(until(), |_, _| Box::pin(self.read_statements())).await;
        }
    }

    /// The parts as they were read last.
    pub(super) fn parts(&self) -> Result<Read, Failure> {
        let slow = &self.slow;
        let login = slow.login.shown();
        if let Some(failure) = login.failure.clone().filter(|it| it.reason == NO_DATABASE) {
            return Err(failure);
        }
        let inside = login.failure.is_none();
        let tables = inside && self.tells_tables();
        let migrations = inside && self.share.tells(&self.share.database);
        let queries = slow.queries.shown_if(inside && !self.queries.is_empty()).value;
        let seen = if inside { self.queries.seen(queries.as_deref()) } else { Vec::new() };
        Ok(Read {
            login,
            set: slow.set.shown_if(self.share.leads),
            inside: slow.tables.shown_if(tables),
            table_sizes: slow.table_sizes.shown_if(tables),
            sizes: slow.sizes.shown_if(self.share.leads),
            own: slow.own.shown_if(inside && self.share.leads),
            statements: slow.statements.shown_if(inside && self.tells_statements()),
            migrations: slow.migrations.shown_if(migrations),
            schema: slow.schema.shown_if(migrations),
            vector: slow.vectors.shown_if(migrations),
            queries: seen,
            queries_dropped: queries.map(|all| all.dropped()).unwrap_or_default(),
        })
    }

    fn tells_tables(&self) -> bool {
        self.tables > 0 && self.share.tells(&self.share.database)
    }

    fn tells_statements(&self) -> bool {
        self.statements > 0 && self.share.leads
    }

    async fn read_set(&self) -> Result<Found<Set>, Failure> {
        let every = self.every_setting.to_string();
        let settings = include_str!("sql/settings.sql").replace("{every}", &every);
        let roles = include_str!("sql/roles.sql").to_owned();
        let both = |_| vec![settings.clone(), roles.clone()];
        let answers = self.client.query_server(both, self.client.limit()).await?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(none()));
        let every_setting = self.every_setting;
        Ok(Found::from(Set { settings: next(), every_setting, roles: next() }))
    }

    async fn read_sizes(&self) -> Result<Found<Rows>, Failure> {
        let sql = include_str!("sql/sizes.sql").replace("{own}", &quoted(&self.share.database));
        let limit = self.client.limit().mul_f64(0.7);
        let mut answers = self.client.query_server(|_| vec![sql.clone()], limit).await?;
        answers.pop().unwrap_or_else(|| Err(none())).map(Found::from)
    }

    async fn read_inside(&self) -> Result<Found<Inside>, Failure> {
        let (top, most) = (self.tables.to_string(), (self.tables * tables::INDEXES).to_string());
        let sql = |text: &str| text.replace("{top}", &top).replace("{most}", &most);
        let all = |_| {
            let (tables, indexes) =
                (include_str!("sql/tables.sql"), include_str!("sql/indexes.sql"));
            let running = [include_str!("sql/vacuums.sql"), include_str!("sql/builds.sql")];
            let running = running.map(ToOwned::to_owned);
            [sql(tables), sql(indexes)].into_iter().chain(running).collect()
        };
        let answers = self.client.query_all(all, self.client.limit()).await?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(none()));
        Ok(Found::from(Inside { tables: next(), indexes: next(), vacuums: next(), builds: next() }))
    }

    async fn read_table_sizes(&self) -> Result<Found<Rows>, Failure> {
        let sql = include_str!("sql/table_sizes.sql").replace("{top}", &self.tables.to_string());
        self.client.query(&sql).await.map(Found::from)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Reason;

    #[tokio::test]
    async fn what_is_kept_of_one_address_is_not_said_of_another() {
        let at = |port: u16| -> Postgres {
            let json = format!(r#"{{"url": "postgresql://u@127.0.0.1:{port}/app"}}"#);
            serde_json::from_str(&json).expect("a database")
        };
        let memory = Memory::default();
        let slow = |port| Slow::of(&memory, "main", &at(port)).0;
        let login = async |slow: &Slow, took: Option<u64>| {
            let read = |_, _| async move {
                let took = took.map(Duration::from_secs);
                took.map(Found::from).ok_or_else(|| Failure::new(Reason::OTHER, ""))
            };
            slow.login.refresh(Instant::now() + LIMIT, read).await;
            slow.login.shown().value.map(|took| *took)
        };
        let old = slow(1);
        assert_eq!(login(&old, Some(12)).await, Some(Duration::from_secs(12)));
        assert_eq!(login(&slow(1), None).await, Some(Duration::from_secs(12)), "after a reload");
        assert_eq!(login(&slow(2), None).await, None, "after a change of address");
    }
}
