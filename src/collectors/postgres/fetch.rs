//! The queries and the trial log-in.

use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::share::Share;
use super::statements::Shown;
use super::{AREA, Postgres, tables};
use crate::clients::postgres::reasons::NO_DATABASE;
use crate::clients::postgres::{PostgresClient, Rows, quoted};
use crate::engine::{Found, Latest, Memory, Pace, Part, Parts};
use crate::failure::{Failure, Reason};

/// Ends with the reading at the latest.
const LIMIT: Duration = Duration::from_mins(1);
/// Listing 11,000 files takes 70 ms. After a failure they are tried again sooner.
const SIZES: Pace = Pace {
    every: Duration::from_mins(5),
    again: Duration::from_mins(1),
    stale_after: None,
    limit: LIMIT,
};
/// A trial log-in costs the server a process.
pub const LOGIN: Duration = Duration::from_secs(15);
/// Tables are read with each reading, unless somebody reads in a hurry.
const TABLES: Pace = Pace {
    every: Duration::from_secs(10),
    again: Duration::from_secs(10),
    stale_after: Some(Duration::from_mins(5)),
    limit: LIMIT,
};
const STATEMENTS: Pace = Pace {
    every: Duration::from_mins(1),
    again: Duration::from_mins(5),
    stale_after: None,
    limit: LIMIT,
};

type Answer = Result<Rows, Failure>;

/// What the server said. The first answer is there or the reading has failed.
pub struct Raw {
    /// Host and port of the server that was reached.
    pub place: String,
    pub share: Share,
    pub server: Rows,
    pub facts: Facts,
    pub parts: Read,
}

/// What is not read each time, as it was read last.
pub struct Read {
    pub sizes: Latest<Rows>,
    pub login: Latest<Duration>,
    pub inside: Latest<Inside>,
    pub table_sizes: Latest<Rows>,
    pub own: Latest<Rows>,
    pub statements: Latest<Rows>,
}

/// Facts of the whole server, each read or not for itself.
pub struct Facts {
    pub activity: Answer,
    pub databases: Answer,
    pub locks: Answer,
    pub waits: Answer,
    pub settings: Answer,
    pub background: Answer,
    pub archiver: Answer,
    pub wal: Answer,
    pub slots: Answer,
    pub senders: Answer,
    pub receiver: Answer,
    pub roles: Answer,
    pub horizon: Answer,
    /// All settings are wanted.
    pub every_setting: bool,
}

/// What one has to be in a database to see.
pub struct Inside {
    pub tables: Answer,
    pub indexes: Answer,
    pub vacuums: Answer,
}

/// What is not read each time. All of it is of one database: after a change of address nothing is
/// known of the new one.
pub struct Slow {
    sizes: Part<Rows>,
    login: Part<Duration>,
    tables: Part<Inside>,
    table_sizes: Part<Rows>,
    own: Part<Rows>,
    statements: Part<Rows>,
    shown: Mutex<Shown>,
}

impl Slow {
    /// And what the engine needs to tell of them.
    pub fn of<'a>(
        memory: &'a Memory,
        name: &'a str,
        database: &Postgres,
    ) -> (Self, Parts<'a, Postgres>) {
        let mut parts = Parts::new(memory, AREA.name, name, database.clone());
        let every = database.login.map_or(LOGIN, crate::config::Dur::get);
        let login = Pace { every, again: every, stale_after: None, limit: LIMIT };
        let slow = Self {
            sizes: parts.add("sizes", "sizes of databases (pg_database_size)", SIZES),
            login: parts.add("login", "a trial log-in", login),
            tables: parts.add("tables", "tables (pg_stat_user_tables)", TABLES),
            table_sizes: parts.add("table_sizes", "sizes of tables (pg_table_size)", SIZES),
            own: parts.add("own", "what the monitoring costs (pg_stat_statements)", STATEMENTS),
            statements: parts.add("statements", "statements (pg_stat_statements)", STATEMENTS),
            shown: Mutex::default(),
        };
        (slow, parts)
    }
}

pub struct Source {
    pub client: PostgresClient,
    pub slow: Slow,
    pub share: Share,
    /// How many tables are told of one by one.
    pub tables: u32,
    /// And how many statements.
    pub statements: u32,
    pub every_setting: bool,
}

/// The queries for facts of the server, in the order of [`Facts`] after the first.
fn facts(major: u32, database: &str, every_setting: bool) -> Vec<String> {
    let own = quoted(database);
    let every = every_setting.to_string();
    let background = if major >= 17 {
        include_str!("sql/background_17.sql")
    } else {
        include_str!("sql/background.sql")
    };
    [
        include_str!("sql/server.sql"),
        include_str!("sql/activity.sql"),
        include_str!("sql/databases.sql"),
        include_str!("sql/locks.sql"),
        include_str!("sql/waits.sql"),
        include_str!("sql/settings.sql"),
        background,
        include_str!("sql/archiver.sql"),
        include_str!("sql/wal.sql"),
        include_str!("sql/slots.sql"),
        include_str!("sql/senders.sql"),
        include_str!("sql/receiver.sql"),
        include_str!("sql/roles.sql"),
        include_str!("sql/horizon.sql"),
    ]
    .iter()
    .map(|sql| sql.replace("{own}", &own).replace("{every}", &every))
    .collect()
}

impl Source {
    pub async fn fetch(&self) -> Result<Raw, Failure> {
        // Without a session the facts come first: they make one, and if they cannot, nothing else is tried.
        let ((server, facts), parts) = if self.client.is_open() {
            let (facts, parts) = tokio::join!(self.facts(), self.parts());
            (facts?, parts?)
        } else {
            (self.facts().await?, self.parts().await?)
        };
        let place = self.client.place().unwrap_or_default();
        Ok(Raw { place, share: self.share.clone(), server, facts, parts })
    }

    /// The first answer, and the others.
    async fn facts(&self) -> Result<(Rows, Facts), Failure> {
        let (database, every) = (&self.share.database, self.every_setting);
        let all = |major| facts(major, database, every);
        let answers = self.client.query_server(all, self.client.limit()).await?;
        let mut answers = answers.into_iter();
        let mut next = || answers.next().unwrap_or_else(|| Err(none()));
        let server = next()?;
        let facts = Facts {
            activity: next(),
            databases: next(),
            locks: next(),
            waits: next(),
            settings: next(),
            background: next(),
            archiver: next(),
            wal: next(),
            slots: next(),
            senders: next(),
            receiver: next(),
            roles: next(),
            horizon: next(),
            every_setting: every,
        };
        Ok((server, facts))
    }

    async fn parts(&self) -> Result<Read, Failure> {
        let login = self.login().await;
        // The server is there and the database is not.
        if let Some(failure) = login.failure.clone().filter(|it| it.reason == NO_DATABASE) {
            return Err(failure);
        }
        let locked_out = login.failure.is_some();
        Ok(Read {
            login,
            inside: self.inside(locked_out).await,
            table_sizes: self.table_sizes(locked_out).await,
            sizes: self.sizes().await,
            own: self.own(locked_out).await,
            statements: self.statements(locked_out).await,
        })
    }

    /// Whether an application would get in now: our own session says nothing of that.
    async fn login(&self) -> Latest<Duration> {
        let read = |_, _| async { self.client.log_in().await.map(Found::from) };
        self.slow.login.get(Instant::now() + LIMIT, |_| false, read).await
    }

    async fn sizes(&self) -> Latest<Rows> {
        if !self.share.leads {
            return Latest::default();
        }
        let sql = include_str!("sql/sizes.sql").replace("{own}", &quoted(&self.share.database));
        let read = |_, _| async {
            let limit = self.client.limit().mul_f64(0.7);
            let mut answers = self.client.query_server(|_| vec![sql.clone()], limit).await?;
            answers.pop().unwrap_or_else(|| Err(none())).map(Found::from)
        };
        self.slow.sizes.get(Instant::now() + LIMIT, |_| false, read).await
    }

    /// `locked_out`: the trial has just failed, and a second one would find the same.
    async fn inside(&self, locked_out: bool) -> Latest<Inside> {
        if locked_out || self.tables == 0 || !self.share.tells(&self.share.database) {
            return Latest::default();
        }
        let (top, most) = (self.tables.to_string(), (self.tables * tables::INDEXES).to_string());
        let sql = |text: &str| text.replace("{top}", &top).replace("{most}", &most);
        let all = || {
            [
                sql(include_str!("sql/tables.sql")),
                sql(include_str!("sql/indexes.sql")),
                include_str!("sql/vacuums.sql").to_owned(),
            ]
            .to_vec()
        };
        let read = |_, _| async {
            let answers = self.client.query_all(|_| all(), self.client.limit()).await?;
            let mut answers = answers.into_iter();
            let mut next = || answers.next().unwrap_or_else(|| Err(none()));
            Ok(Found::from(Inside { tables: next(), indexes: next(), vacuums: next() }))
        };
        self.slow.tables.get(Instant::now() + LIMIT, |_| false, read).await
    }

    async fn table_sizes(&self, locked_out: bool) -> Latest<Rows> {
        if locked_out || self.tables == 0 || !self.share.tells(&self.share.database) {
            return Latest::default();
        }
        let sql = include_str!("sql/table_sizes.sql").replace("{top}", &self.tables.to_string());
        let read = |_, _| async { self.client.query(&sql).await.map(Found::from) };
        self.slow.table_sizes.get(Instant::now() + LIMIT, |_| false, read).await
    }

    /// What our own statements cost. The view is where somebody has put it, or nowhere.
    async fn own(&self, locked_out: bool) -> Latest<Rows> {
        if locked_out || !self.share.leads {
            return Latest::default();
        }
        let read = |_, _| async {
            let Some(view) = self.view().await? else { return Ok(Found::from(Rows::default())) };
            self.client.query(&view.fill(include_str!("sql/own_share.sql"))).await.map(Found::from)
        };
        self.slow.own.get(Instant::now() + LIMIT, |_| false, read).await
    }

    /// Single statements, where somebody wants them.
    async fn statements(&self, locked_out: bool) -> Latest<Rows> {
        if locked_out || !self.share.leads || self.statements == 0 {
            return Latest::default();
        }
        let shown = || self.slow.shown.lock().unwrap_or_else(PoisonError::into_inner);
        let read = |_, _| async {
            let view = self.view().await?.ok_or_else(no_view)?;
            let sql = view.fill(include_str!("sql/statements.sql"));
            let sql = sql.replace("{top}", &self.statements.to_string());
            let sql = sql.replace("{shown}", &shown().list());
            let rows = self.client.query(&sql).await?;
            shown().note(&rows, self.statements, Instant::now());
            Ok(Found::from(rows))
        };
        self.slow.statements.get(Instant::now() + LIMIT, |_| false, read).await
    }

    async fn view(&self) -> Result<Option<View>, Failure> {
        let found = self.client.query(include_str!("sql/statements_schema.sql")).await?;
        Ok(found.first().map(|row| View {
            schema: row.text("schema").unwrap_or_default().replace('"', "\"\""),
            plans: row.flag("plans") == Some(true),
            shared: row.flag("shared") == Some(true),
        }))
    }
}

/// Where `pg_stat_statements` is, and what its columns are called there.
struct View {
    schema: String,
    /// From 1.8 on planning is told apart from execution.
    plans: bool,
    /// From 1.11 on shared blocks are told apart from local ones.
    shared: bool,
}

impl View {
    fn fill(&self, sql: &str) -> String {
        let prefix = if self.shared { "shared_" } else { "" };
        sql.replace("{schema}", &format!("\"{}\"", self.schema))
            .replace("{time}", if self.plans { "total_exec_time" } else { "total_time" })
            .replace("{read}", &format!("{prefix}blk_read_time"))
            .replace("{write}", &format!("{prefix}blk_write_time"))
    }
}

fn no_view() -> Failure {
    let text = "pg_stat_statements is not in this database, or in a schema that is no superuser's";
    Failure::new(Reason::NOT_FOUND, text).hint(
        "as a superuser in this database: CREATE SCHEMA monitoring; GRANT USAGE ON SCHEMA monitoring TO PUBLIC; CREATE EXTENSION pg_stat_statements SCHEMA monitoring",
    )
}

fn none() -> Failure {
    Failure::new(Reason::PARSE, "the server gave fewer answers than there were questions")
}

#[cfg(test)]
mod tests {
    use super::*;

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
            slow.login.get(Instant::now() + LIMIT, |_| false, read).await.value.map(|took| *took)
        };
        let old = slow(1);
        assert_eq!(login(&old, Some(12)).await, Some(Duration::from_secs(12)));
        assert_eq!(login(&slow(1), None).await, Some(Duration::from_secs(12)), "after a reload");
        assert_eq!(login(&slow(2), None).await, None, "after a change of address");
    }
}
