//! One connection, and a batch of queries on it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

use futures_util::{StreamExt, pin_mut};
use tokio::sync::OwnedSemaphorePermit;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, SimpleQueryMessage, SimpleQueryStream};

use super::connect::Cancel;
use super::{Address, Rows, SearchPath, failure, statement};
use crate::failure::{Failure, Reason};

/// A backend keeps what it has once cached, so ours is replaced now and then.
const SESSION: Duration = Duration::from_hours(1);
/// How long a query may wait for a lock: a migration must not find us in its queue.
const LOCK: Duration = Duration::from_millis(200);
/// How long a server may take to let go of a session.
const GOODBYE: Duration = Duration::from_secs(3);
/// Answers beyond this are refused: they can only come from a query that forgot its limit.
pub(super) const MAX_ROWS: usize = 50_000;
const MAX_BYTES: usize = 16 << 20;

pub(super) struct Session {
    pub client: Client,
    pub driver: JoinHandle<()>,
    pub cancel: Cancel,
    pub since: Instant,
    /// When a query was last sent.
    pub used: Instant,
    /// Major version, 0 when it cannot be told.
    pub major: u32,
    /// Which of the servers of the address it is.
    pub place: String,
    /// Its place among our own connections.
    pub permit: Option<OwnedSemaphorePermit>,
    /// What is asked again and again, which the server need not plan again.
    pub plans: Plans,
}

/// Queries that the server has prepared, by their names.
#[derive(Default)]
pub(super) struct Plans {
    known: BTreeMap<String, String>,
    named: u32,
}

/// A query that fails is named again with each attempt, and the server keeps all of them.
const PLANS: u32 = 100;

impl Plans {
    /// What is sent in place of the query, and the name that it then has.
    fn statement(&mut self, sql: &str) -> (String, Option<String>) {
        // Behind a pooler that hides well, two sessions of ours would be one of the server's.
        static NAMES: AtomicU64 = AtomicU64::new(0);
        if let Some(name) = self.known.get(sql) {
            return (format!("EXECUTE {name}"), None);
        }
        // Several statements have no plan together.
        if self.named >= PLANS || statement::not_one_statement(sql).is_some() {
            return (sql.to_owned(), None);
        }
        self.named += 1;
        let name =
            format!("stack_{}_{}", std::process::id(), NAMES.fetch_add(1, Ordering::Relaxed));
        (format!("PREPARE {name} AS {sql}; EXECUTE {name}"), Some(name))
    }
}

/// Why a query did not succeed, and whether the session survives it.
pub(super) enum Trouble {
    Lost(Failure),
    /// Too large an answer: the session is given up with what is left of it, and asking once more
    /// would yield the same.
    Excess(Failure),
    Refused(Failure),
    /// What was prepared is not there: a pooler gives each transaction another session.
    Swapped(Failure),
}

/// What a query may do and where it is.
pub(super) struct Terms<'a> {
    pub at: &'a Address,
    pub limit: Duration,
    pub path: &'a SearchPath,
    /// The query is a user's.
    pub users: bool,
    pub pooler: bool,
    /// The same is asked again in this session.
    pub again: bool,
}

pub(super) type Answers = Vec<Result<Rows, Failure>>;

impl Session {
    pub fn usable(&self) -> bool {
        !self.client.is_closed() && self.since.elapsed() < SESSION
    }

    /// Says goodbye and keeps its place until the server has let go of the connection.
    pub async fn close(self) {
        let Self { client, driver, permit, .. } = self;
        drop(client);
        let _ = tokio::time::timeout(GOODBYE, driver).await;
        drop(permit);
    }
}

/// Holds a session while queries run on it. Dropped with the session still inside, it cancels
/// what runs on the server and closes the session.
pub(super) struct Guard(pub Option<Session>);

impl Guard {
    /// Sends all queries at once and takes their answers in turn. Each is a transaction of its own: one
    /// that fails leaves the others alone.
    pub async fn run(&mut self, queries: &[String], terms: &Terms<'_>) -> Result<Answers, Trouble> {
        let Some(session) = &mut self.0 else {
            return Err(Trouble::Lost(Failure::new(Reason::OTHER, "no session")));
        };
        let mut streams = Vec::with_capacity(queries.len());
        for sql in queries {
            let (text, name) =
                if terms.again { session.plans.statement(sql) } else { (sql.clone(), None) };
            let batch = statement::read_only(&text, terms.limit, LOCK, session.major, terms.path);
            let sent = session.client.simple_query_raw(&batch).await;
            streams.push((sql, name, sent.map_err(|error| sort(&error, sql, terms))?));
        }
        let mut answers = Answers::with_capacity(streams.len());
        for (sql, name, stream) in streams {
            match answer(stream, sql, terms).await {
                Ok(rows) => {
                    session.plans.known.extend(name.map(|name| (sql.clone(), name)));
                    answers.push(Ok(rows));
                }
                Err(Trouble::Refused(failure)) => answers.push(Err(failure)),
                Err(trouble) => return Err(trouble),
            }
        }
        Ok(answers)
    }

    pub fn release(mut self) -> Option<Session> {
        self.0.take().map(|session| Session { used: Instant::now(), ..session })
    }
}

fn sort(error: &tokio_postgres::Error, sql: &str, terms: &Terms) -> Trouble {
    let failure = failure::of_query(error, sql, terms);
    let code = error.as_db_error().map(|db| db.code().code());
    if terms.again && matches!(code, Some("26000" | "42P05")) {
        return Trouble::Swapped(failure);
    }
    if failure::is_loss(error) { Trouble::Lost(failure) } else { Trouble::Refused(failure) }
}

async fn answer(stream: SimpleQueryStream, sql: &str, terms: &Terms<'_>) -> Result<Rows, Trouble> {
    pin_mut!(stream);
    let (mut rows, mut bytes) = (Rows::default(), 0);
    while let Some(message) = stream.next().await {
        match message.map_err(|error| sort(&error, sql, terms))? {
            SimpleQueryMessage::RowDescription(columns) => {
                rows = Rows::new(columns.iter().map(|column| column.name().to_owned()));
            }
            SimpleQueryMessage::Row(row) => {
                bytes += rows.push((0..row.len()).map(|at| row.try_get(at).ok().flatten()));
            }
            _ => {}
        }
        if rows.len() > MAX_ROWS || bytes > MAX_BYTES {
            let text = format!("the answer has over {MAX_ROWS} rows or 16 MiB");
            let hint = "count or limit in the query";
            return Err(Trouble::Excess(Failure::new(Reason::PROTOCOL, text).hint(hint)));
        }
    }
    Ok(rows)
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(session) = self.0.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let Session { client, mut driver, cancel, permit, .. } = session;
            let closed = client.is_closed();
            // Without a client the driver ends by itself once the query has.
            drop(client);
            // A cancel that arrives before its query is lost, hence more than one.
            for _ in 0..3 {
                if closed {
                    break;
                }
                let _ = tokio::time::timeout(Duration::from_secs(1), cancel.send()).await;
                let wait = Duration::from_millis(300);
                if tokio::time::timeout(wait, &mut driver).await.is_ok() {
                    return;
                }
            }
            driver.abort();
            drop(permit);
        });
    }
}
