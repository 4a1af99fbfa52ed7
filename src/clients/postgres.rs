//! Reading from PostgreSQL: few sessions that all share, read-only transactions with time limits on the
//! server's side, and failures sorted into reasons.
//!
//! Each query is one message of the simple protocol, a transaction of its own, so it works through any pooler:
//! `SET TRANSACTION READ ONLY; SET LOCAL search_path ...; SET LOCAL ...; <query>`. Never a bare `SET`: behind a
//! pooler it would stick to a connection that an application gets next. In the session that is kept, unless a
//! pooler stands between, queries are prepared (in SQL), for planning them costs the server more than running
//! them. A query whose future is dropped is cancelled on the server, and its session is closed.

mod address;
mod connect;
mod encryption;
mod failure;
mod hub;
mod methods;
mod passfile;
pub mod reasons;
mod refusal;
mod rows;
mod server;
mod session;
mod statement;
#[cfg(test)]
mod tests;
mod tls_probe;
mod watch;

use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant};

pub use address::{Address, mistake};
pub use failure::identifier;
pub use hub::{ADVISED, BOUND};
pub use rows::{Row, Rows};
pub use statement::{not_a_query, not_one_statement, quoted, without_texts};

use self::hub::{Hub, Key, Use};
use self::reasons::POOLER;
use self::session::{Answers, Guard, Session, Terms, Trouble};
pub use self::statement::SearchPath;
use crate::config::{SafeUrl, Secret};
use crate::failure::{Failure, Reason};

pub const APPLICATION: &str = "stack-exporter";
/// Of a whole reading, unless another one is set.
const DEADLINE: Duration = Duration::from_secs(5);

/// One database of a server, by the sessions that all who read that server share.
pub struct PostgresClient {
    address: Result<Address, Failure>,
    password: Option<Secret>,
    password_file: Option<PathBuf>,
    /// Of one query, on the server.
    statement: Duration,
    /// Of all that is asked for at once, here.
    patience: Duration,
    path: SearchPath,
    /// What is asked is not ours: it may take its time, and nothing of ours waits for it.
    users: bool,
    hub: OnceLock<Arc<Hub>>,
}

impl PostgresClient {
    /// No I/O: mistakes of the address come as failures of the queries.
    pub fn new(url: &SafeUrl, password_file: Option<PathBuf>) -> Self {
        let client = Self {
            address: Address::parse(url),
            password: None,
            password_file,
            statement: statement::STATEMENT,
            patience: Duration::ZERO,
            path: SearchPath::default(),
            users: false,
            hub: OnceLock::new(),
        };
        client.deadline(DEADLINE)
    }

    /// A password that stands neither in the address nor in a file.
    #[must_use]
    pub fn password(mut self, password: Option<Secret>) -> Self {
        self.password = password;
        self
    }

    /// For queries of users: where names in them are looked for. Those of ours name the catalogue alone.
    #[must_use]
    pub fn search_path(mut self, path: SearchPath) -> Self {
        (self.path, self.users) = (path, true);
        self
    }

    /// The same in another database of the server.
    #[must_use]
    pub fn in_database(&self, name: &str) -> Self {
        Self {
            address: self.address.clone().map(|address| address.of_database(name)),
            password: self.password.clone(),
            password_file: self.password_file.clone(),
            statement: self.statement,
            patience: self.patience,
            path: self.path.clone(),
            users: self.users,
            hub: self.hub.clone(),
        }
    }

    /// Makes queries end on the server within this deadline of a whole reading, and here as well.
    #[must_use]
    pub fn deadline(mut self, deadline: Duration) -> Self {
        self.statement = statement::limit_within(deadline);
        self.patience = deadline.mul_f64(0.85);
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

    /// Host and port of the server that was reached last.
    pub fn place(&self) -> Option<String> {
        self.hub().ok()?.place()
    }

    /// Whether a pooler stands between, as far as is known.
    pub fn is_pooled(&self) -> bool {
        self.hub().is_ok_and(|hub| hub.pooler())
    }

    /// Runs one read-only query in the database. A lost session is made again once.
    pub async fn query(&self, sql: &str) -> Result<Rows, Failure> {
        self.query_within(sql, self.statement).await
    }

    /// The same with a time limit of its own.
    pub async fn query_within(&self, sql: &str, limit: Duration) -> Result<Rows, Failure> {
        if let Some(message) = not_one_statement(sql) {
            return Err(Failure::new(Reason::PARSE, message));
        }
        let mut answers = self.query_all(|_| vec![sql.to_owned()], limit).await?;
        answers.pop().unwrap_or_else(|| Err(Failure::new(Reason::OTHER, "no answer")))
    }

    /// Several queries in the database at once, made for the server's major version.
    pub async fn query_all(
        &self,
        queries: impl Fn(u32) -> Vec<String> + Send,
        limit: Duration,
    ) -> Result<Answers, Failure> {
        let address = self.address.as_ref().map_err(Clone::clone)?;
        self.run(address, &queries, limit).await
    }

    /// The same for facts of the server: on the session that is kept, where there can be one. Else in the
    /// database, by a session that comes and goes.
    pub async fn query_server(
        &self,
        queries: impl Fn(u32) -> Vec<String> + Send,
        limit: Duration,
    ) -> Result<Answers, Failure> {
        let address = self.address.as_ref().map_err(Clone::clone)?;
        let hub = self.hub()?;
        if let Some(maintenance) = hub.maintenance() {
            let at = address.of_database(maintenance);
            match Box::pin(self.run(&at, &queries, limit)).await {
                Err(failure) if hub.without_maintenance(&failure) => {}
                answers => return answers,
            }
        }
        Box::pin(self.run(address, &queries, limit)).await
    }

    /// Whether somebody who comes now gets into the database, and how long that takes. The new session is
    /// the one that is used there next.
    pub async fn log_in(&self) -> Result<Duration, Failure> {
        let address = self.address.as_ref().map_err(Clone::clone)?;
        let hub = self.hub()?;
        let slot = hub.slot(Use::Facts, &address.database);
        let mut held = slot.lock().await;
        let keeps = hub.keeps(Use::Facts, &address.database);
        if !keeps && let Some(session) = held.take() {
            session.close().await;
        }
        let started = Instant::now();
        let session = hub.open(address, Some(Use::Facts)).await?;
        let took = started.elapsed();
        if keeps {
            session.close().await;
        } else {
            *held = Some(session);
            drop(held);
            Hub::leave(slot);
        }
        Ok(took)
    }

    fn hub(&self) -> Result<&Arc<Hub>, Failure> {
        let address = self.address.as_ref().map_err(Clone::clone)?;
        Ok(self.hub.get_or_init(|| {
            Hub::of(Key {
                address: address.of_database(""),
                password: self.password.clone(),
                password_file: self.password_file.clone(),
            })
        }))
    }

    async fn run(
        &self,
        at: &Address,
        queries: &(impl Fn(u32) -> Vec<String> + Send),
        limit: Duration,
    ) -> Result<Answers, Failure> {
        let hub = self.hub()?;
        let patience = self.patience.max(limit);
        let work = self.on_session(hub, at, queries, limit);
        // What is dropped here is cancelled on the server.
        tokio::time::timeout(patience, work).await.unwrap_or_else(|_| {
            let seconds = patience.as_secs_f64();
            Err(if hub.pooler() {
                let text = format!("{at}: no answer through the pooler within {seconds:.1} s");
                Failure::new(POOLER, text).hint(
                    "its pool is used up, or the server hangs: look at SHOW POOLS in its console",
                )
            } else {
                let text = format!("{at}: no complete answer within {seconds:.1} s");
                Failure::new(Reason::TIMEOUT, text)
                    .hint("the server is overloaded or stuck, or the network is")
            })
        })
    }

    async fn on_session(
        &self,
        hub: &Hub,
        at: &Address,
        queries: &(impl Fn(u32) -> Vec<String> + Send),
        limit: Duration,
    ) -> Result<Answers, Failure> {
        let of = if self.users { Use::Queries } else { Use::Facts };
        let slot = hub.slot(of, &at.database);
        let mut held = slot.lock().await;
        let passing = (!hub.keeps(of, &at.database)).then_some(of);
        let kept = usable(&mut held).await;
        let mut fresh = kept.is_none();
        let mut session = match kept {
            Some(session) => session,
            None => hub.open(at, passing).await?,
        };
        loop {
            let all = queries(session.major);
            let again = hub.keeps(of, &at.database) && !hub.pooler();
            let (path, users, pooler) = (&self.path, self.users, hub.pooler());
            let terms = Terms { at, limit, path, users, pooler, again };
            // The session is in the guard's hands: a dropped future ends in a cancelled query.
            let mut guard = Guard(Some(session));
            match guard.run(&all, &terms).await {
                Ok(answers) => {
                    *held = guard.release();
                    drop(held);
                    if !hub.keeps(of, &at.database) {
                        Hub::leave(slot);
                    }
                    return Ok(answers);
                }
                Err(Trouble::Lost(_)) if !fresh => {
                    drop(guard);
                    session = hub.open(at, passing).await?;
                    fresh = true;
                }
                // From now on nothing is prepared.
                Err(Trouble::Swapped(_)) if again => {
                    hub.found_pooler();
                    drop(guard);
                    session = hub.open(at, passing).await?;
                    fresh = true;
                }
                Err(
                    Trouble::Swapped(failure)
                    | Trouble::Lost(failure)
                    | Trouble::Excess(failure)
                    | Trouble::Refused(failure),
                ) => {
                    return Err(failure);
                }
            }
        }
    }
}

/// The session that is there, unless it has had its time.
async fn usable(held: &mut Option<Session>) -> Option<Session> {
    match held.take() {
        Some(session) if session.usable() => Some(session),
        Some(session) => {
            session.close().await;
            None
        }
        None => None,
    }
}
