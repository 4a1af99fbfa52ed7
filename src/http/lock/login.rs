//! Users and passwords by HTTP's basic authentication, against bcrypt hashes.
//!
//! A check takes tens of milliseconds of a processor by intent, so a right pair is known again by a
//! keyed hash of it, and a wrong one is checked each time. All checks are made by one thread of low
//! priority, and those who wait for it have a bound, in all and for each address: a flood of wrong
//! passwords costs a part of one processor, and no one who is known waits for it.

use std::collections::{BTreeMap, VecDeque};
use std::net::IpAddr;
use std::sync::mpsc::{Receiver, SyncSender, sync_channel};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use rustls::crypto::ring;
use sha2::{Digest as _, Sha256};
use tokio::sync::oneshot;

use crate::config::Secret;

/// Checks that wait, in all and from one address.
const WAITING: usize = 32;
const WAITING_OF_ONE: usize = 8;
/// How long a client waits for his check.
const PATIENCE: Duration = Duration::from_secs(10);
/// Right pairs that are known again.
const KNOWN: usize = 256;
/// What the checking thread leaves to others: see setpriority(2).
const NICE: i32 = 10;
/// The first bytes of an IPv6 address belong to one network, of which one host may have many.
const NETWORK: usize = 8;

/// Why one is not let in.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Denied {
    /// He has not said who he is.
    Nobody,
    /// No such user, or not his password, or nothing that says so.
    Wrong,
    /// There is no room for one more check.
    Busy,
}

/// A pair of user and password, and against what it is checked, by a key that only we have.
type Print = [u8; 32];

/// One pair to be checked.
struct Check {
    password: Vec<u8>,
    hash: Secret,
    print: Print,
    answer: oneshot::Sender<bool>,
    /// Kept until it is this one's turn, also if nobody waits for the answer any more.
    _place: Place,
}

/// Right pairs, the oldest first. Strangers cannot push anybody out: theirs are wrong.
#[derive(Default)]
struct Known(Mutex<VecDeque<Print>>);

impl Known {
    fn has(&self, print: &Print) -> bool {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).contains(print)
    }

    fn add(&self, print: Print) {
        let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if !known.contains(&print) {
            known.push_back(print);
            if known.len() > KNOWN {
                known.pop_front();
            }
        }
    }
}

/// How many wait, by where they come from; the bytes of an address as `origin` has them.
type Waiting = Arc<Mutex<BTreeMap<Vec<u8>, usize>>>;

pub(super) struct Logins {
    secret: Print,
    known: Arc<Known>,
    checks: SyncSender<Check>,
    waiting: Waiting,
}

impl Logins {
    /// Starts the thread that checks; it ends with this.
    pub fn new() -> Result<Self, String> {
        let mut secret = [0; 32];
        let random = ring::default_provider().secure_random;
        random.fill(&mut secret).map_err(|_| "the system has no random numbers".to_owned())?;
        let (checks, coming) = sync_channel(WAITING);
        let known = Arc::new(Known::default());
        let own = Arc::clone(&known);
        std::thread::Builder::new()
            .name("passwords".to_owned())
            .spawn(move || check_all(&coming, &own))
            .map_err(|error| format!("the thread that checks passwords: {error}"))?;
        Ok(Self { secret, known, checks, waiting: Waiting::default() })
    }

    /// Lets one in who names a user with his password.
    pub async fn admit(
        &self,
        users: &BTreeMap<String, Secret>,
        headers: &HeaderMap,
        from: Option<IpAddr>,
    ) -> Result<(), Denied> {
        let mut said = headers.get_all(header::AUTHORIZATION).iter();
        let (first, second) = (said.next().ok_or(Denied::Nobody)?, said.next());
        let (user, password) = pair(first).filter(|_| second.is_none()).ok_or(Denied::Wrong)?;
        let own = std::str::from_utf8(&user).ok().and_then(|user| users.get(user));
        // An unknown name takes as long as one of the others, and always the same one.
        let somebody = || {
            let at = self
                .print(&[user.as_slice()])
                .iter()
                .fold(0, |sum, byte| (sum * 256 + usize::from(*byte)) % users.len());
            users.values().nth(at)
        };
        let hash = own.or_else(somebody).ok_or(Denied::Wrong)?;
        let print = self.print(&[user.as_slice(), hash.expose().as_bytes(), password.as_slice()]);
        if own.is_some() && self.known.has(&print) {
            return Ok(());
        }
        let right = self.check(password, hash.clone(), (print, own.is_some()), from).await?;
        if right && own.is_some() { Ok(()) } else { Err(Denied::Wrong) }
    }

    async fn check(
        &self,
        password: Vec<u8>,
        hash: Secret,
        (print, counts): (Print, bool),
        from: Option<IpAddr>,
    ) -> Result<bool, Denied> {
        let place = Place::take(&self.waiting, origin(from)).ok_or(Denied::Busy)?;
        let (answer, answered) = oneshot::channel();
        let check = Check { password, hash, print, answer, _place: place };
        self.checks.try_send(check).map_err(|_| Denied::Busy)?;
        let right = tokio::time::timeout(PATIENCE, answered).await;
        let right = right.ok().and_then(Result::ok).ok_or(Denied::Busy)?;
        if right && counts {
            self.known.add(print);
        }
        Ok(right)
    }

    /// A keyed hash of texts, each with its length.
    fn print(&self, texts: &[&[u8]]) -> Print {
        let mut inner = Sha256::new_with_prefix(self.secret);
        for text in texts {
            inner.update(text.len().to_le_bytes());
            inner.update(text);
        }
        // Twice, so that nothing can be added to what was hashed.
        Sha256::new_with_prefix(self.secret).chain_update(inner.finalize()).finalize().into()
    }
}

/// What comes as base64 after `Basic`: a user, a colon, a password of any bytes.
fn pair(said: &HeaderValue) -> Option<(Vec<u8>, Vec<u8>)> {
    let (scheme, rest) = said.as_bytes().split_at_checked("Basic ".len())?;
    let text = scheme.eq_ignore_ascii_case(b"Basic ").then(|| STANDARD.decode(rest).ok())??;
    let colon = text.iter().position(|byte| *byte == b':')?;
    let (user, password) = text.split_at_checked(colon)?;
    Some((user.to_vec(), password.get(1..)?.to_vec()))
}

fn origin(from: Option<IpAddr>) -> Vec<u8> {
    match from.map(|from| from.to_canonical()) {
        None => Vec::new(),
        Some(IpAddr::V4(address)) => address.octets().to_vec(),
        Some(IpAddr::V6(address)) => address.octets().into_iter().take(NETWORK).collect(),
    }
}

/// One who waits, until he is dropped.
struct Place {
    waiting: Waiting,
    origin: Vec<u8>,
}

impl Place {
    fn take(waiting: &Waiting, origin: Vec<u8>) -> Option<Self> {
        let mut places = waiting.lock().unwrap_or_else(PoisonError::into_inner);
        let count = places.entry(origin.clone()).or_default();
        if *count >= WAITING_OF_ONE {
            return None;
        }
        *count += 1;
        Some(Self { waiting: Arc::clone(waiting), origin })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut places = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = places.get_mut(&self.origin) {
            *count -= 1;
            if *count == 0 {
                places.remove(&self.origin);
            }
        }
    }
}

/// The thread: one check after the other, of those who still wait for it.
fn check_all(coming: &Receiver<Check>, known: &Known) {
    // Without it the checks are made all the same.
    let _ = rustix::process::setpriority_process(Some(rustix::thread::gettid()), NICE);
    while let Ok(check) = coming.recv() {
        if check.answer.is_closed() {
            continue;
        }
        // A page asks for its parts at once: the first check serves them all.
        let right = known.has(&check.print)
            || bcrypt::verify(&check.password, check.hash.expose()).unwrap_or(false);
        let _ = check.answer.send(right);
    }
}
