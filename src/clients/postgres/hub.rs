//! All sessions of this process on one server as one role, however many targets and SQL queues read
//! there: one that is kept, and a few that come and go.
//!
//! The kept one is in the maintenance database, where the facts of the server are read. It must not be in a
//! database that somebody wants to drop, rename or take as a template: the server refuses that while
//! anybody is connected. So a session in any other database ends soon after it was last used;
//! the server itself waits five seconds for such sessions to end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex as Plain, PoisonError, Weak};
use std::time::{Duration, Instant};

use tokio::sync::{Mutex, OwnedSemaphorePermit, Semaphore};

use super::connect::{self, CONNECT, Hello};
use super::failure::Open;
use super::reasons::{NO_DATABASE, NO_HBA, POOLER, TLS_REQUIRED};
use super::session::Session;
use super::{Address, passfile};
use crate::clients::access::{read_secret, read_secrets};
use crate::config::Secret;
use crate::failure::{Failure, Reason};

/// No role has more sessions of this process on one server: the kept one, and one for each use.
pub const BOUND: usize = 1 + 2;
/// The CONNECTION LIMIT that our role needs: the bound, one that is about to end on the server, and
/// one for whoever looks by hand.
pub const ADVISED: usize = BOUND + 2;
/// How long a session stays that nobody uses any more: all of one reading come in this time, and there is
/// a time without a session before the next one, however fast somebody reads.
const LINGER: Duration = Duration::from_millis(250);
/// Where the facts of a server are read. Not `template1`: that is what new databases are made from.
const MAINTENANCE: &str = "postgres";
/// A maintenance database that cannot be used is not tried again at once.
const AGAIN: Duration = Duration::from_hours(1);
/// Wrong passwords fill the server's log and lock accounts.
const AUTH_PAUSE: Duration = Duration::from_secs(15);

/// What a session is for. Queries of users may take their time, and what we read ourselves does not wait
/// for them.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Use {
    Facts,
    Queries,
}

/// What makes two addresses one server and role.
#[derive(Clone, PartialEq)]
pub(super) struct Key {
    pub address: Address,
    pub password: Option<Secret>,
    pub password_file: Option<PathBuf>,
}

pub(super) type Slot = Mutex<Option<Session>>;

pub(super) struct Hub {
    key: Key,
    gate: Mutex<Gate>,
    known: Plain<Known>,
    slots: Plain<BTreeMap<(Use, String), Arc<Slot>>>,
    /// One session at once for each use.
    facts: Arc<Semaphore>,
    queries: Arc<Semaphore>,
}

/// The last refused password, when and how: not tried again at once.
#[derive(Default)]
struct Gate {
    refused: Option<(Instant, Secret, Failure)>,
}

/// What was found out on the way in.
#[derive(Default)]
struct Known {
    /// Start-up options are refused: a pooler stands between.
    pooler: bool,
    /// The last connection was encrypted.
    encrypted: bool,
    /// When the maintenance database could last not be used.
    no_maintenance: Option<Instant>,
    /// The server that was reached last.
    place: Option<String>,
}

static HUBS: Plain<Vec<Weak<Hub>>> = Plain::new(Vec::new());

fn lock<T>(of: &Plain<T>) -> std::sync::MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Hub {
    /// The one for this server and role.
    pub fn of(key: Key) -> Arc<Self> {
        let mut hubs = lock(&HUBS);
        hubs.retain(|hub| hub.strong_count() > 0);
        let same = hubs.iter().filter_map(Weak::upgrade).find(|hub| hub.key == key);
        same.unwrap_or_else(|| {
            let hub = Arc::new(Self {
                key,
                gate: Mutex::default(),
                known: Plain::default(),
                slots: Plain::default(),
                facts: Arc::new(Semaphore::new(1)),
                queries: Arc::new(Semaphore::new(1)),
            });
            hubs.push(Arc::downgrade(&hub));
            hub
        })
    }

    pub fn slot(&self, of: Use, database: &str) -> Arc<Slot> {
        Arc::clone(lock(&self.slots).entry((of, database.to_owned())).or_default())
    }

    /// Where the facts of the server can be read, unless it is known that they cannot be read there.
    pub fn maintenance(&self) -> Option<&'static str> {
        let known = lock(&self.known);
        let pause = known.no_maintenance.is_some_and(|at| at.elapsed() < AGAIN);
        (!pause && !known.pooler).then_some(MAINTENANCE)
    }

    /// Whether this failure is of the maintenance database alone, which then is left out.
    pub fn without_maintenance(&self, failure: &Failure) -> bool {
        let of_database =
            [NO_DATABASE, NO_HBA, TLS_REQUIRED, POOLER, Reason::RIGHTS].contains(&failure.reason);
        if of_database {
            lock(&self.known).no_maintenance = Some(Instant::now());
        }
        of_database
    }

    /// Whether a session in this database stays. Behind a pooler it is none of the server's.
    pub fn keeps(&self, of: Use, database: &str) -> bool {
        of == Use::Facts && (database == MAINTENANCE || self.pooler())
    }

    pub fn pooler(&self) -> bool {
        lock(&self.known).pooler
    }

    /// A pooler stands between, one that takes start-up options.
    pub fn found_pooler(&self) {
        lock(&self.known).pooler = true;
    }

    pub fn place(&self) -> Option<String> {
        lock(&self.known).place.clone()
    }

    /// A new session. `passing`: one of those that come and go, for this use.
    pub async fn open(&self, at: &Address, passing: Option<Use>) -> Result<Session, Failure> {
        let permit = match passing {
            Some(of) => Some(self.place_for_one(of, at).await?),
            None => None,
        };
        let mut gate = self.gate.lock().await;
        let password = self.read_password(at).await?;
        if let Some((when, tried, failure)) = &gate.refused
            && when.elapsed() < AUTH_PAUSE
            && *tried == password
        {
            return Err(failure.clone());
        }
        gate.refused = None;
        let hello =
            |pooler: bool| Hello { limits: !pooler, encrypted: lock(&self.known).encrypted };
        let mut result = connect::open(at, &password, hello(self.pooler())).await;
        if let Err(Open::Options) = result {
            lock(&self.known).pooler = true;
            result = connect::open(at, &password, hello(true)).await;
        }
        match result {
            Ok(session) => {
                let mut known = lock(&self.known);
                known.place = Some(session.place.clone());
                known.encrypted = session.cancel.is_encrypted();
                drop(known);
                Ok(Session { permit, ..session })
            }
            Err(error) => {
                let failure = error.into_failure(at, self.pooler());
                if failure.reason == Reason::AUTH {
                    gate.refused = Some((Instant::now(), password, failure.clone()));
                }
                Err(failure)
            }
        }
    }

    fn slots_of(&self, of: Use) -> Vec<Arc<Slot>> {
        let slots = lock(&self.slots);
        let slots = slots.iter().filter(|((other, _), _)| *other == of);
        slots.map(|(_, slot)| Arc::clone(slot)).collect()
    }

    async fn place_for_one(&self, of: Use, at: &Address) -> Result<OwnedSemaphorePermit, Failure> {
        let permits = if of == Use::Facts { &self.facts } else { &self.queries };
        if let Ok(permit) = Arc::clone(permits).try_acquire_owned() {
            return Ok(permit);
        }
        // Another database's that nobody uses at the moment has had its time.
        for slot in self.slots_of(of) {
            let idle = slot
                .try_lock()
                .ok()
                .and_then(|mut slot| slot.take_if(|session| session.permit.is_some()));
            if let Some(session) = idle {
                session.close().await;
                break;
            }
        }
        let wait = Arc::clone(permits).acquire_owned();
        match tokio::time::timeout(2 * CONNECT, wait).await {
            Ok(Ok(permit)) => Ok(permit),
            _ => Err(Failure::new(
                Reason::TIMEOUT,
                format!("{at}: all {BOUND} connections of the exporter itself are in use"),
            )
            .hint("a query takes too long, or too many databases are read on this server")),
        }
    }

    /// That of the file, of the configuration, of the address, or of a file for many servers.
    async fn read_password(&self, at: &Address) -> Result<Secret, Failure> {
        let key = &self.key;
        if let Some(file) = key.password_file.clone() {
            return aside(move || read_secret("password_file", &file)).await;
        }
        let password = key.password.clone().unwrap_or_else(|| key.address.password().clone());
        let Some(file) = key.address.passfile.clone().filter(|_| password.expose().is_empty())
        else {
            return Ok(password);
        };
        let text = aside(move || read_secrets("passfile", &file, passfile::FORM)).await?;
        Ok(passfile::find(text.expose(), at).unwrap_or_default())
    }

    /// Ends the session in this database as soon as nobody has used it for a while.
    pub fn leave(slot: Arc<Slot>) {
        tokio::spawn(async move {
            tokio::time::sleep(LINGER).await;
            let idle = slot.lock().await.take_if(|session| session.used.elapsed() >= LINGER);
            if let Some(session) = idle {
                session.close().await;
            }
        });
    }
}

/// Off the workers: the file may lie on a disk that hangs.
async fn aside(
    read: impl FnOnce() -> Result<Secret, Failure> + Send + 'static,
) -> Result<Secret, Failure> {
    let secret = tokio::task::spawn_blocking(read).await;
    secret.map_err(|_| Failure::new(Reason::OTHER, "the password file: stopped"))?
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::SafeUrl;

    fn key(url: &str, file: Option<PathBuf>) -> Key {
        let address = Address::parse(&SafeUrl::new(url)).unwrap();
        Key { address: address.of_database(""), password: None, password_file: file }
    }

    #[tokio::test]
    async fn the_password_file_is_read_at_each_connection() {
        let folder = tempfile::tempdir().expect("a folder");
        let file = folder.path().join("password");
        let hub = Hub::of(key("postgresql://u@h/d", Some(file.clone())));
        assert!(hub.read_password(&hub.key.address).await.is_err());
        for (text, want) in [("\n", None), ("hunter2\n", Some("hunter2")), ("other", Some("other"))]
        {
            std::fs::write(&file, text).expect("a file");
            let read = hub.read_password(&hub.key.address).await.ok();
            assert_eq!(read.as_ref().map(Secret::expose), want);
        }
    }

    #[test]
    fn databases_of_one_server_and_role_share_their_sessions() {
        let first = Hub::of(key("postgresql://hub@h:1/a", None));
        for (url, same) in [
            ("postgresql://hub@h:1/b", true),
            ("postgresql://hub@h:2/a", false),
            ("postgresql://other@h:1/a", false),
            ("postgresql://hub:x@h:1/a", false),
            ("postgresql://hub@h:1/a?sslmode=require", false),
        ] {
            assert_eq!(Arc::ptr_eq(&first, &Hub::of(key(url, None))), same, "{url}");
        }
    }
}
