//! The queries and the trial log-in.

use std::time::Duration;

use tokio::time::Instant;

use super::{AREA, Postgres, sample};
use crate::clients::postgres::{PostgresClient, Rows};
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
/// A trial log-in costs the server a process.
const LOGIN: Pace = Pace {
    every: Duration::from_secs(15),
    again: Duration::from_secs(15),
    stale_after: None,
    limit: LIMIT,
};

/// What the server said. The first answer is there or the reading has failed.
pub struct Raw {
    pub server: Rows,
    pub activity: Result<Rows, Failure>,
    pub databases: Result<Rows, Failure>,
    pub locks: Result<Rows, Failure>,
    pub waits: Result<Rows, Failure>,
    pub sizes: Latest<Rows>,
    pub login: Latest<Duration>,
}

/// What is not read each time. All of it is of one database: after a change of address nothing is
/// known of the new one.
pub struct Slow {
    sizes: Part<Rows>,
    login: Part<Duration>,
}

impl Slow {
    /// And what the engine needs to tell of them.
    pub fn of<'a>(
        memory: &'a Memory,
        name: &'a str,
        database: &Postgres,
    ) -> (Self, Parts<'a, Postgres>) {
        let mut parts = Parts::new(memory, AREA.name, name, database.clone());
        let slow = Self {
            sizes: parts.add("sizes", "sizes of databases (pg_database_size)", SIZES),
            login: parts.add("login", "a trial log-in", LOGIN),
        };
        (slow, parts)
    }
}

pub struct Source {
    pub client: PostgresClient,
    pub slow: Slow,
}

impl Source {
    pub async fn fetch(&self) -> Result<Raw, Failure> {
        // First alone: it makes the session, and without one nothing else is tried.
        let server = self.client.query(include_str!("sql/server.sql")).await?;
        let (queries, login) = tokio::join!(self.queries(), self.login(&server));
        let [activity, databases, locks, waits] = queries;
        let sizes = self.sizes().await;
        Ok(Raw { server, activity, databases, locks, waits, sizes, login })
    }

    async fn queries(&self) -> [Result<Rows, Failure>; 4] {
        [
            self.client.query(include_str!("sql/activity.sql")).await,
            self.client.query(include_str!("sql/databases.sql")).await,
            self.client.query(include_str!("sql/locks.sql")).await,
            self.client.query(include_str!("sql/waits.sql")).await,
        ]
    }

    /// Whether an application would get in now: our own session says nothing of that.
    async fn login(&self, server: &Rows) -> Latest<Duration> {
        let read = |_, _| async {
            let took = self.client.log_in().await;
            took.map(Found::from).map_err(|failure| sample::log_in_failure(server, failure))
        };
        self.slow.login.get(Instant::now() + LIMIT, |_| false, read).await
    }

    async fn sizes(&self) -> Latest<Rows> {
        let read = |_, _| async {
            let limit = self.client.limit().mul_f64(0.7);
            self.client.query_within(include_str!("sql/sizes.sql"), limit).await.map(Found::from)
        };
        self.slow.sizes.get(Instant::now() + LIMIT, |_| false, read).await
    }
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
                took.map(Found::from).ok_or_else(|| Failure::new(crate::failure::Reason::OTHER, ""))
            };
            slow.login.get(Instant::now() + LIMIT, |_| false, read).await.value.map(|took| *took)
        };
        let old = slow(1);
        assert_eq!(login(&old, Some(12)).await, Some(Duration::from_secs(12)));
        assert_eq!(login(&slow(1), None).await, Some(Duration::from_secs(12)), "after a reload");
        assert_eq!(login(&slow(2), None).await, None, "after a change of address");
    }
}
