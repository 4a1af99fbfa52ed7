//! Readings on demand, of targets that nobody declared: one for all who ask the same at once, so
//! many at a time, and nothing of them stays.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use futures_util::FutureExt as _;
use futures_util::future::{BoxFuture, Shared, WeakShared};
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::poller;
use super::slot::State;
use super::target::Target;
use crate::failure::{Failure, Reason};

/// Readings on demand at one time: each may be a connection that hangs until its deadline.
const MOST: usize = 16;

/// More readings at once than there is room for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Busy;

/// What came of a request for a reading on demand.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Asked {
    Served,
    Busy,
    NotAllowed,
    Invalid,
}

impl Asked {
    pub const ALL: [Self; 4] = [Self::Served, Self::Busy, Self::NotAllowed, Self::Invalid];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Served => "served",
            Self::Busy => "busy",
            Self::NotAllowed => "not_allowed",
            Self::Invalid => "invalid",
        }
    }
}

type Reading = BoxFuture<'static, State>;

/// A reading under way. Those who wait for it hold it: with the last of them it ends.
struct Flight {
    target: Arc<Target>,
    reading: WeakShared<Reading>,
}

pub(super) struct OnDemand {
    room: Arc<Semaphore>,
    flights: Mutex<Vec<Flight>>,
    asked: [AtomicU64; Asked::ALL.len()],
}

impl Default for OnDemand {
    fn default() -> Self {
        Self {
            room: Arc::new(Semaphore::new(MOST)),
            flights: Mutex::default(),
            asked: Default::default(),
        }
    }
}

impl OnDemand {
    /// One reading, waited for no longer than `patience`; a wait that ends before the reading does
    /// is a failure of it.
    pub async fn read(
        &self,
        target: Target,
        patience: Duration,
    ) -> Result<(Arc<Target>, State), Busy> {
        let target = Arc::new(target);
        let reading = self.join(&target)?;
        let state = tokio::time::timeout(patience, reading).await.unwrap_or_else(|_| {
            let seconds = patience.as_secs_f64();
            let text = format!("no complete answer within the {seconds} s of this scrape");
            State::alone(&target, Err(Failure::new(Reason::TIMEOUT, text)), patience)
        });
        Ok((target, state))
    }

    /// The reading of an equal target that is under way, or a new one.
    fn join(&self, target: &Arc<Target>) -> Result<Shared<Reading>, Busy> {
        let mut flights = self.flights.lock().unwrap_or_else(PoisonError::into_inner);
        flights.retain(|flight| flight.reading.upgrade().is_some());
        let mut same = flights.iter().filter(|flight| flight.target.same_collector(target));
        if let Some(reading) = same.find_map(|flight| flight.reading.upgrade()) {
            return Ok(reading);
        }
        let place = Arc::clone(&self.room).try_acquire_owned().map_err(|_| Busy)?;
        let reading = take(Arc::clone(target), place).boxed().shared();
        if let Some(weak) = reading.downgrade() {
            flights.push(Flight { target: Arc::clone(target), reading: weak });
        }
        Ok(reading)
    }

    pub fn note(&self, asked: Asked) {
        if let Some(count) = self.asked.get(asked as usize) {
            count.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub fn counts(&self) -> [(&'static str, u64); Asked::ALL.len()] {
        Asked::ALL.map(|asked| {
            let count = self.asked.get(asked as usize);
            (asked.as_str(), count.map_or(0, |count| count.load(Ordering::Relaxed)))
        })
    }
}

async fn take(target: Arc<Target>, _place: OwnedSemaphorePermit) -> State {
    let begun = Instant::now();
    let outcome = poller::read(&target).await;
    State::alone(&target, outcome, begun.elapsed())
}
