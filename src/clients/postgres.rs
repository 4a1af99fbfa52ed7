//! Reading from PostgreSQL: one kept session, read-only transactions with time limits on the
//! server's side, and failures sorted into reasons.
//!
//! Each query is one message of the simple protocol, so it works through a pooler too:
//! `BEGIN READ ONLY; SET LOCAL search_path ...; SET LOCAL ...; <query>; COMMIT`. Never a bare `SET`: behind a pooler it would
//! stick to a connection that an application gets next. A query whose future is dropped is
//! cancelled on the server, and its session is closed.

mod address;
mod connect;
mod failure;
mod methods;
mod rows;
mod server;
mod statement;
#[cfg(test)]
mod tests;
mod watch;

use std::path::PathBuf;
use std::time::{Duration, Instant};

use futures_util::{StreamExt, pin_mut};
use tokio::sync::Mutex;
use tokio::task::JoinHandle;
use tokio_postgres::{Client, SimpleQueryMessage};

pub use address::{Address, mistake};
pub use failure::{NO_SLOT, identifier};
pub use rows::{Row, Rows};
pub use statement::{not_one_statement, without_texts};

use self::connect::Cancel;
use self::failure::Open;
pub use self::statement::SearchPath;
use super::access::read_secret;
use crate::config::{SafeUrl, Secret};
use crate::failure::{Failure, Reason};

/// From the first packet to the end of the log-in.
const CONNECT: Duration = Duration::from_secs(2);
/// How long a query may wait for a lock: a migration must not find us in its queue.
const LOCK: Duration = Duration::from_millis(200);
/// A backend keeps what it has once cached, so ours is replaced now and then.
const SESSION: Duration = Duration::from_hours(1);
/// Wrong passwords fill the server's log and lock accounts.
const AUTH_PAUSE: Duration = Duration::from_secs(15);
/// Answers beyond this are refused: they can only come from a query that forgot its limit.
const MAX_ROWS: usize = 50_000;
const MAX_BYTES: usize = 16 << 20;
pub const APPLICATION: &str = "stack-exporter";

/// One database, by one session that is made on demand and made again after a loss.
pub struct PostgresClient {
    address: Result<Address, Failure>,
    password: Option<Secret>,
    password_file: Option<PathBuf>,
    statement: Duration,
    path: SearchPath,
    session: Mutex<Option<Session>>,
    gate: Mutex<Gate>,
}

/// What is known of the way in.
#[derive(Default)]
struct Gate {
    /// Start-up options are refused: a pooler stands between.
    pooler: bool,
    /// The last refused password, when and how: not tried again at once.
    refused: Option<(Instant, Secret, Failure)>,
}

struct Session {
    client: Client,
    driver: JoinHandle<()>,
    cancel: Cancel,
    since: Instant,
    /// Major version, 0 when it cannot be told.
    major: u32,
}

/// Why a query did not succeed, and whether the session survives it.
enum Trouble {
    Lost(Failure),
    /// Too large an answer: the session is given up with what is left of it, and asking once more
    /// would yield the same.
    Excess(Failure),
    Refused(Failure),
}

impl PostgresClient {
    /// No I/O: mistakes of the address come as failures of the queries.
    pub fn new(url: &SafeUrl, password_file: Option<PathBuf>) -> Self {
        Self {
            address: Address::parse(url),
            password: None,
            password_file,
            statement: statement::STATEMENT,
            path: SearchPath::default(),
            session: Mutex::default(),
            gate: Mutex::default(),
        }
    }

    /// A password that stands neither in the address nor in a file.
    #[must_use]
    pub fn password(mut self, password: Option<Secret>) -> Self {
        self.password = password;
        self
    }

    /// Where names in the queries are looked for; else in the catalogue alone.
    #[must_use]
    pub fn search_path(mut self, path: SearchPath) -> Self {
        self.path = path;
        self
    }

    /// Makes queries end on the server within this deadline of a whole reading.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.statement = statement::limit_within(deadline);
        self
    }

    /// Limit of one query on the server.
    pub fn limit(&self) -> Duration {
        self.statement
    }

    /// Where it connects to, unless the address is no address.
    pub fn address(&self) -> Option<&Address> {
        self.address.as_ref().ok()
    }

    /// Runs one read-only query. A lost session is made again once.
    pub async fn query(&self, sql: &str) -> Result<Rows, Failure> {
        self.query_within(sql, self.statement).await
    }

    /// The same with a time limit of its own.
    pub async fn query_within(&self, sql: &str, limit: Duration) -> Result<Rows, Failure> {
        let address = self.address.as_ref().map_err(Clone::clone)?;
        if let Some(message) = not_one_statement(sql) {
            return Err(Failure::new(Reason::PARSE, message));
        }
        let mut kept_session = self.session.lock().await;
        let kept = kept_session.take().filter(Session::usable);
        let mut fresh = kept.is_none();
        let mut session = match kept {
            Some(session) => session,
            None => self.connect(address, &mut *self.gate.lock().await).await?,
        };
        loop {
            // The session is in the guard's hands: a dropped future ends in a cancelled query.
            let guard = Guard(Some(session));
            let outcome = guard.run(address, sql, limit, &self.path).await;
            let trouble = match outcome {
                Ok(rows) => {
                    *kept_session = guard.release();
                    return Ok(rows);
                }
                Err(trouble) => trouble,
            };
            match trouble {
                Trouble::Lost(_) if !fresh => {
                    drop(guard);
                    session = self.connect(address, &mut *self.gate.lock().await).await?;
                    fresh = true;
                }
                Trouble::Lost(failure) | Trouble::Excess(failure) => return Err(failure),
                Trouble::Refused(failure) => {
                    if guard.rolled_back().await {
                        *kept_session = guard.release();
                    }
                    return Err(failure);
                }
            }
        }
    }

    /// Whether somebody who comes now gets in, and how long that takes. Not on the kept session.
    pub async fn log_in(&self) -> Result<Duration, Failure> {
        let address = self.address.as_ref().map_err(Clone::clone)?;
        let started = Instant::now();
        // A lock of its own: queries need not wait for a slow log-in.
        let mut gate = self.gate.lock().await;
        let session = self.connect(address, &mut gate).await?;
        let took = started.elapsed();
        drop(session.client);
        // Until the server has let go of the slot.
        let _ = tokio::time::timeout(Duration::from_millis(200), session.driver).await;
        Ok(took)
    }

    async fn connect(&self, address: &Address, gate: &mut Gate) -> Result<Session, Failure> {
        let password = self.read_password(address).await?;
        if let Some((when, tried, failure)) = &gate.refused
            && when.elapsed() < AUTH_PAUSE
            && *tried == password
        {
            return Err(failure.clone());
        }
        gate.refused = None;
        let mut result = connect::open(address, &password, !gate.pooler).await;
        if let Err(Open::Options) = result {
            gate.pooler = true;
            result = connect::open(address, &password, false).await;
        }
        result.map_err(|error| {
            let failure = error.into_failure(address);
            if failure.reason == Reason::AUTH {
                gate.refused = Some((Instant::now(), password, failure.clone()));
            }
            failure
        })
    }

    async fn read_password(&self, address: &Address) -> Result<Secret, Failure> {
        let Some(file) = self.password_file.clone() else {
            return Ok(self.password.clone().unwrap_or_else(|| address.password().clone()));
        };
        // Off the workers: the file may lie on a disk that hangs.
        let read = move || read_secret("password_file", &file);
        let secret = tokio::task::spawn_blocking(read).await;
        secret.map_err(|_| Failure::new(Reason::OTHER, "the password file: stopped"))?
    }
}

impl Session {
    fn usable(&self) -> bool {
        !self.client.is_closed() && self.since.elapsed() < SESSION
    }
}

/// Holds a session while a query runs on it. Dropped with the session still inside, it cancels
/// the query on the server and closes the session.
struct Guard(Option<Session>);

impl Guard {
    async fn run(
        &self,
        at: &Address,
        sql: &str,
        limit: Duration,
        path: &SearchPath,
    ) -> Result<Rows, Trouble> {
        let Some(session) = &self.0 else {
            return Err(Trouble::Lost(Failure::new(Reason::OTHER, "no session")));
        };
        let batch = statement::read_only(sql, limit, LOCK, session.major, path);
        let sort = |error: &tokio_postgres::Error| {
            let failure = failure::of_query(error, at, limit, path.has_schemas());
            if failure::is_loss(error) { Trouble::Lost(failure) } else { Trouble::Refused(failure) }
        };
        let answer = session.client.simple_query_raw(&batch).await.map_err(|error| sort(&error))?;
        pin_mut!(answer);
        let (mut rows, mut bytes) = (Rows::default(), 0);
        while let Some(message) = answer.next().await {
            match message.map_err(|error| sort(&error))? {
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

    /// After an error the transaction waits for its end.
    async fn rolled_back(&self) -> bool {
        match &self.0 {
            Some(session) => session.client.batch_execute("ROLLBACK").await.is_ok(),
            None => false,
        }
    }

    fn release(mut self) -> Option<Session> {
        self.0.take()
    }
}

impl Drop for Guard {
    fn drop(&mut self) {
        let Some(session) = self.0.take() else { return };
        let Ok(runtime) = tokio::runtime::Handle::try_current() else { return };
        runtime.spawn(async move {
            let Session { client, mut driver, cancel, .. } = session;
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
        });
    }
}
