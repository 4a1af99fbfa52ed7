//! Who talks to the exporter, and who was turned away: counted by the server, shown as its facts.

use std::sync::atomic::{AtomicU64, Ordering};

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
}

impl Refusal {
    pub const ALL: [Self; 6] = [
        Self::Connections,
        Self::Files,
        Self::HeadTime,
        Self::HeadSize,
        Self::AnswerTime,
        Self::Host,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Connections => "connections",
            Self::Files => "files",
            Self::HeadTime => "head_time",
            Self::HeadSize => "head_size",
            Self::AnswerTime => "answer_time",
            Self::Host => "host",
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
}

impl Clients {
    pub fn opened(&self) {
        self.open.fetch_add(1, Ordering::Relaxed);
    }

    pub fn closed(&self) {
        self.open.fetch_sub(1, Ordering::Relaxed);
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
