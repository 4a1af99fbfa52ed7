//! Who talks to the exporter, and who was turned away: counted by the server, shown as its facts.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError};

/// Why a client was turned away: the values of the label `reason`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refusal {
    /// More connections at once than are served.
    Connections,
    /// The process may hardly open another file.
    Files,
    /// The head of a request did not come in time.
    HeadTime,
    /// The head of a request is too large.
    HeadSize,
    /// The answer was not taken in time.
    AnswerTime,
    /// The request is for a name that is not ours.
    Host,
    /// No TLS where it is spoken, or a handshake that failed or did not end in time.
    Tls,
    /// A user or a password that is wrong.
    Login,
    /// More passwords to be checked at once than there is room for.
    Logins,
}

impl Refusal {
    pub const ALL: [Self; 9] = [
        Self::Connections,
        Self::Files,
        Self::HeadTime,
        Self::HeadSize,
        Self::AnswerTime,
        Self::Host,
        Self::Tls,
        Self::Login,
        Self::Logins,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Files => "files",
            Self::HeadTime => "head_time",
            Self::HeadSize => "head_size",
            Self::AnswerTime => "answer_time",
            Self::Host => "host",
            Self::Tls => "tls",
            Self::Login => "login",
            Self::Logins => "logins",
        }
    }

    const fn index(self) -> usize {
        self as usize
    }
}

/// The counts, which the server keeps while scrapes read them.
#[derive(Default)]
pub struct Clients {
    open: AtomicU64,
    refused: [AtomicU64; Refusal::ALL.len()],
    /// Whether the file of --web.config.file could be used when it was last read, if there is one.
    lock: Mutex<Option<bool>>,
}

impl Clients {
    pub fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
    }

    /// Notes how the last reading of --web.config.file went.
    pub fn note_lock(&self, successful: bool) {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner) = Some(successful);
    }

    /// How it went; none without a file.
    pub fn lock(&self) -> Option<bool> {
        *self.lock.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Counts one that was turned away; how many that makes.
    pub fn refused(&self, why: Refusal) -> u64 {
        self.refused.get(why.index()).map_or(0, |count| count.fetch_add(1, Ordering::Relaxed) + 1)
    }

    pub fn open(&self) -> u64 {
        self.open.load(Ordering::Relaxed)
    }

    pub fn refusals(&self) -> [(&'static str, u64); Refusal::ALL.len()] {
        Refusal::ALL.map(|why| {
            let count = self.refused.get(why.index());
            (why.as_str(), count.map_or(0, |count| count.load(Ordering::Relaxed)))
        })
    }
}
