//! The I/O of a reading: the probe itself, and what is held open beside the readings.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use tokio::time::Instant;

use super::prober::Prober;
use super::trace::Trace;
use super::websocket::{Held, hold};
use crate::engine::{Beside, Pace, Part};
use crate::failure::Failure;

/// What came of it.
pub struct Raw {
    pub trace: Trace,
    pub failure: Option<Failure>,
    /// The last WebSocket that was held, if any was.
    pub held: Option<Held>,
}

/// A WebSocket that is held open from time to time.
pub struct Holding {
    part: Part<Option<Held>>,
    time: Duration,
    beside: Mutex<Option<Beside>>,
}

/// The clock of that: what was seen is told until the next but one should be over.
pub fn pace(every: Duration, time: Duration, limit: Duration) -> Pace {
    let limit = time + limit + Duration::from_secs(1);
    Pace {
        every: every.max(limit),
        again: Duration::from_mins(1),
        stale_after: Some(every * 2 + limit),
        limit,
    }
}

impl Holding {
    pub fn new(part: Part<Option<Held>>, time: Duration) -> Self {
        Self { part, time, beside: Mutex::default() }
    }

    /// Begins with it, if that is not done yet, and what was seen last. Nothing is waited for.
    async fn latest(&self, prober: &Arc<Prober>) -> Option<Held> {
        {
            let mut beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
            if beside.is_none() {
                let (prober, time) = (Arc::clone(prober), self.time);
                *beside = Some(self.part.beside(move |_| {
                    let prober = Arc::clone(&prober);
                    // That none can be opened is told by the reading itself.
                    async move { Ok(hold(&prober, time).await.ok().into()) }
                }));
            }
        }
        self.part.latest(Instant::now()).await.value.and_then(|held| (*held).clone())
    }
}

pub async fn fetch(prober: &Arc<Prober>, holding: Option<&Holding>) -> Raw {
    let (trace, failure) = prober.run().await;
    let held = match holding {
        Some(holding) => holding.latest(prober).await,
        None => None,
    };
    Raw { trace, failure, held }
}
