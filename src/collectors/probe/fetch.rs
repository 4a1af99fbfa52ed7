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
    /// What came of the last one that could be opened; a reload keeps it.
    last: Arc<Mutex<Option<Held>>>,
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
    pub fn new(part: Part<Option<Held>>, time: Duration, last: Arc<Mutex<Option<Held>>>) -> Self {
        Self { part, time, last, beside: Mutex::default() }
    }

    /// Begins with it, if that is not done yet, and what was seen last. Nothing is waited for.
    async fn latest(&self, prober: &Arc<Prober>) -> Option<Held> {
        {
            let mut beside = self.beside.lock().unwrap_or_else(PoisonError::into_inner);
            if beside.is_none() {
                let (prober, time) = (Arc::clone(prober), self.time);
                let last = Arc::clone(&self.last);
                *beside = Some(self.part.beside(move |_| {
                    let (prober, last) = (Arc::clone(&prober), Arc::clone(&last));
                    async move {
                        let held = hold(&prober, time).await.ok();
                        Ok(told(&last, held).into())
                    }
                }));
            }
        }
        self.part.latest(Instant::now()).await.value.and_then(|held| (*held).clone())
    }
}

/// What is told after one more. That none could be opened is told by the reading itself, and says
/// nothing of how long one stays open.
fn told(last: &Mutex<Option<Held>>, held: Option<Held>) -> Option<Held> {
    let mut last = last.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(held) = held {
        *last = Some(held.after(last.as_ref()));
    }
    last.clone()
}

pub async fn fetch(prober: &Arc<Prober>, holding: Option<&Holding>) -> Raw {
    let (trace, failure) = prober.run().await;
    let held = match holding {
        Some(holding) => holding.latest(prober).await,
        None => None,
    };
    Raw { trace, failure, held }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::failure::Reason;

    /// A restart cuts one and no more; what cannot be opened says nothing of it. [B04]
    #[test]
    fn cuts_are_counted_in_a_row() {
        let last = Mutex::default();
        let cut = || {
            let cut = Some(Failure::new(Reason::OTHER, "cut"));
            Some(Held { lasted: Duration::from_mins(1), cut, cuts: 1 })
        };
        let whole = || Some(Held { lasted: Duration::from_secs(65), cut: None, cuts: 0 });
        let cuts = |held| told(&last, held).map(|held| held.cuts);
        assert_eq!(cuts(None), None, "never open");
        assert_eq!([cuts(cut()), cuts(None), cuts(cut())], [Some(1), Some(1), Some(2)]);
        assert_eq!([cuts(whole()), cuts(None), cuts(cut())], [Some(0), Some(0), Some(1)]);
    }
}
