//! The lock of `--web.config.file`: TLS, certificates of clients, users with passwords, headers.
//!
//! The file and the certificates that it names are looked at twice a second, and taken up once they
//! have lain still for a second. What cannot be used leaves what was in force before. Everything is
//! behind the lock, health and readiness too, as with every exporter that uses the toolkit.

mod client;
mod keys;
mod login;
mod tls;

use std::net::IpAddr;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use rustls::ServerConfig;

use crate::clients::fresh::Looks;
use crate::engine::{Clients, Refusal};
use keys::Keys;
use login::{Denied, Logins};

/// How often the files are looked at.
const LOOK: Duration = Duration::from_millis(500);

const NO_LOGIN: &str =
    "a user and a password are needed, one of those in the file of --web.config.file\n";
const BUSY: &str = "too many passwords are being checked at once; try again in a second\n";

/// Where a request comes from; none through a socket.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Peer(pub Option<IpAddr>);

/// What was read last.
struct Seen {
    files: Vec<PathBuf>,
    looks: Looks,
}

/// Who may talk to us, by the file as it is now.
pub struct Lock {
    file: Option<PathBuf>,
    keys: RwLock<Arc<Keys>>,
    /// None where nobody can be a user.
    logins: Option<Logins>,
    seen: Mutex<Seen>,
    clients: Arc<Clients>,
}

impl Lock {
    /// Without a file everybody is let in. Reads the files; an error is one line per mistake.
    pub fn new(file: Option<&Path>, clients: Arc<Clients>) -> Result<Self, Vec<String>> {
        let (keys, seen) = match file {
            None => (Keys::default(), Seen { files: Vec::new(), looks: Looks::at(&[]) }),
            Some(file) => {
                let (outcome, seen) = read(file);
                (outcome?, seen)
            }
        };
        let logins = file.map(|_| Logins::new()).transpose().map_err(|why| vec![why])?;
        if file.is_some() {
            clients.note_lock(true);
        }
        let (keys, seen) = (RwLock::new(Arc::new(keys)), Mutex::new(seen));
        Ok(Self { file: file.map(Path::to_owned), keys, logins, seen, clients })
    }

    /// Lets everybody in.
    #[cfg(test)]
    pub(super) fn open() -> Self {
        Self::new(None, Arc::default()).expect("without a file nothing can be wrong")
    }

    /// What is wrong with a file, without using it; what it asks for, in words.
    pub fn check(file: &Path) -> Result<String, Vec<String>> {
        read(file).0.map(|keys| keys.in_words())
    }

    fn keys(&self) -> Arc<Keys> {
        Arc::clone(&self.keys.read().unwrap_or_else(PoisonError::into_inner))
    }

    fn seen(&self) -> MutexGuard<'_, Seen> {
        self.seen.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// How TLS is spoken with who comes now, if it is.
    pub(super) fn tls(&self) -> Option<Arc<ServerConfig>> {
        self.keys().tls.clone()
    }

    pub fn is_https(&self) -> bool {
        self.keys().tls.is_some()
    }

    /// Whether strangers are kept out, by a password or a certificate.
    pub fn keeps_out(&self) -> bool {
        let keys = self.keys();
        !keys.users.is_empty() || keys.wants_certificate
    }

    /// Reads the files again, be they changed or not, and takes what they say. This blocks.
    pub fn read_again(&self) -> Result<(), Vec<String>> {
        let Some(file) = &self.file else { return Ok(()) };
        let mut seen = self.seen();
        let outcome;
        (outcome, *seen) = read(file);
        self.clients.note_lock(outcome.is_ok());
        let keys = Arc::new(outcome?);
        *self.keys.write().unwrap_or_else(PoisonError::into_inner) = keys;
        Ok(())
    }

    /// The same if one of the files has changed, with a word in the log. Whether it has.
    fn refresh(&self) -> bool {
        let seen = self.seen();
        let looks = Looks::at(&seen.files);
        if looks.are_as(&seen.looks) || !looks.lie_still() {
            return false;
        }
        drop(seen);
        match self.read_again() {
            Ok(()) => tracing::info!(
                "the file of --web.config.file, or one that it names, has changed and is in force"
            ),
            Err(mistakes) => {
                for mistake in mistakes {
                    tracing::error!("the old --web.config.file stays in force: {mistake}");
                }
            }
        }
        true
    }

    /// Lets a request in, or answers it.
    pub(super) async fn admit(&self, headers: &HeaderMap, peer: Peer) -> Result<(), Turned> {
        let keys = self.keys();
        if keys.users.is_empty() {
            return Ok(());
        }
        match &self.logins {
            Some(logins) => logins.admit(&keys.users, headers, peer.0).await.map_err(Turned),
            None => Err(Turned(Denied::Nobody)),
        }
    }

    /// The headers that the file sets, in place of ours.
    pub(super) fn dress(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.keys().headers {
            headers.insert(name, value.clone());
        }
    }
}

/// One who is not let in.
pub(super) struct Turned(Denied);

impl Turned {
    /// For the count; who has not even tried, as a browser does first, is none.
    pub(super) fn refusal(&self) -> Option<Refusal> {
        match self.0 {
            Denied::Nobody => None,
            Denied::Wrong => Some(Refusal::Login),
            Denied::Busy => Some(Refusal::Logins),
        }
    }

    pub(super) fn answer(&self) -> Response {
        let (status, name, value, text) = match self.0 {
            Denied::Nobody | Denied::Wrong => {
                let asks = "Basic realm=\"stack-exporter\", charset=\"UTF-8\"";
                (StatusCode::UNAUTHORIZED, header::WWW_AUTHENTICATE, asks, NO_LOGIN)
            }
            Denied::Busy => (StatusCode::SERVICE_UNAVAILABLE, header::RETRY_AFTER, "1", BUSY),
        };
        ([(name, HeaderValue::from_static(value))], (status, text)).into_response()
    }
}

/// What the files say, and how they looked before they were read: a change meanwhile is seen the
/// next time.
fn read(file: &Path) -> (Result<Keys, Vec<String>>, Seen) {
    let mut files = vec![file.to_owned()];
    let mut looks = Looks::at(&files);
    let outcome = keys::open(file).and_then(|opened| {
        let named = opened.files();
        looks.extend(Looks::at(&named));
        files.extend(named);
        opened.keys()
    });
    (outcome, Seen { files, looks })
}

/// Looks after the files for as long as it is polled; `changed` is called after each change.
pub async fn watch(lock: Arc<Lock>, changed: impl Fn()) {
    if lock.file.is_none() {
        return;
    }
    loop {
        tokio::time::sleep(LOOK).await;
        // Off the workers: files on a disk that hangs keep one thread, and what is in force stays.
        let own = Arc::clone(&lock);
        if tokio::task::spawn_blocking(move || own.refresh()).await.unwrap_or(false) {
            changed();
        }
    }
}

#[cfg(test)]
mod tests;
