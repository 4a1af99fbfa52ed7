//! The queries, the trial log-in, and what is remembered between readings.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::Postgres;
use crate::clients::postgres::{PostgresClient, Rows};
use crate::failure::Failure;

/// Sizes have a clock of their own: listing 11,000 files takes 70 ms.
const SIZES: Duration = Duration::from_mins(5);
/// After a failure they are tried again sooner.
const SIZES_AGAIN: Duration = Duration::from_mins(1);
/// A trial log-in costs the server a process.
const LOGIN: Duration = Duration::from_secs(15);

/// What the server said. The first answer is there or the reading has failed.
pub struct Raw {
    pub server: Rows,
    pub activity: Result<Rows, Failure>,
    pub databases: Result<Rows, Failure>,
    pub locks: Result<Rows, Failure>,
    pub waits: Result<Rows, Failure>,
    pub sizes: Sizes,
    pub login: Result<Duration, Failure>,
}

/// The last sizes, how old they are, and why there are no newer ones.
#[derive(Clone, Default)]
pub struct Sizes {
    pub rows: Option<(Rows, Duration)>,
    pub failure: Option<Failure>,
}

/// Survives a reload.
#[derive(Default)]
pub struct Kept {
    sizes: Note<KeptSizes>,
    login: Note<(Instant, Result<Duration, Failure>)>,
}

/// Something noted of one database. After a change of address nothing is noted of the new one,
/// also when a reading of the old one ends late.
struct Note<T>(Mutex<Option<(Postgres, T)>>);

impl<T> Default for Note<T> {
    fn default() -> Self {
        Self(Mutex::default())
    }
}

impl<T: Clone> Note<T> {
    fn of(&self, database: &Postgres) -> Option<T> {
        let noted = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        noted.as_ref().filter(|(of, _)| of == database).map(|(_, what)| what.clone())
    }

    fn set(&self, database: &Postgres, what: T) {
        *self.0.lock().unwrap_or_else(PoisonError::into_inner) = Some((database.clone(), what));
    }
}

#[derive(Clone, Default)]
struct KeptSizes {
    rows: Option<(Rows, Instant)>,
    failure: Option<Failure>,
    tried: Option<Instant>,
}

pub struct Source {
    pub client: PostgresClient,
    pub kept: Arc<Kept>,
    /// Whose what is kept must be.
    pub database: Postgres,
}

impl Source {
    pub async fn fetch(&self) -> Result<Raw, Failure> {
        // First alone: it makes the session, and without one nothing else is tried.
        let server = self.client.query(include_str!("sql/server.sql")).await?;
        let (queries, login) = tokio::join!(self.queries(), self.login());
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
    async fn login(&self) -> Result<Duration, Failure> {
        if let Some((at, result)) = self.kept.login.of(&self.database)
            && at.elapsed() < LOGIN
        {
            return result;
        }
        let result = self.client.log_in().await;
        self.kept.login.set(&self.database, (Instant::now(), result.clone()));
        result
    }

    async fn sizes(&self) -> Sizes {
        let mut kept = self.kept.sizes.of(&self.database).unwrap_or_default();
        let pause = if kept.failure.is_some() { SIZES_AGAIN } else { SIZES };
        if kept.tried.is_none_or(|at| at.elapsed() >= pause) {
            // Noted first: if the deadline cuts this off, it is not tried again at once.
            kept.tried = Some(Instant::now());
            self.kept.sizes.set(&self.database, kept.clone());
            let sql = include_str!("sql/sizes.sql");
            match self.client.query_within(sql, self.client.limit().mul_f64(0.7)).await {
                Ok(rows) => {
                    (kept.rows, kept.failure) = (Some((rows, Instant::now())), None);
                }
                Err(failure) => kept.failure = Some(failure),
            }
            self.kept.sizes.set(&self.database, kept.clone());
        }
        Sizes { rows: kept.rows.map(|(rows, at)| (rows, at.elapsed())), failure: kept.failure }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_of_one_address_is_not_said_of_another() {
        let at = |port: u16| -> Postgres {
            let json = format!(r#"{{"url": "postgresql://u@127.0.0.1:{port}/app"}}"#);
            serde_json::from_str(&json).expect("a database")
        };
        let note = Note::default();
        note.set(&at(1), "12 GB");
        assert_eq!((note.of(&at(1)), note.of(&at(2))), (Some("12 GB"), None));
        note.set(&at(2), "3 GB");
        assert_eq!((note.of(&at(1)), note.of(&at(2))), (None, Some("3 GB")));
    }
}
