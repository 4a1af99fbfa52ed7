//! An endpoint with a time limit and a clock of its own: one that hangs or is dear is left alone for a while.
//!
//! `/jsz` locks the store of each stream that it counts, so asking for it again at once would slow down who
//! publishes.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use serde::de::DeserializeOwned;
use tokio::time::{Instant, timeout};

use crate::clients::http::{HttpClient, Json, is_success};
use crate::clients::json::Decoded;
use crate::failure::{Failure, Reason};

/// So many times as long as an answer took nobody asks again.
const REST: u32 = 20;
/// Readings are no closer than this, so a shorter rest needs no memory.
const SHORT: Duration = Duration::from_secs(1);

pub struct Paced<T> {
    what: &'static str,
    kept: Mutex<Option<Kept<T>>>,
}

/// What is said until then.
struct Kept<T> {
    until: Instant,
    said: Result<(Arc<T>, u64, Duration), Failure>,
}

/// An answer that may be said again, of which there is one in memory.
pub type Shared<T> = Json<Arc<T>>;

pub fn shared<T>(answer: Json<T>) -> Shared<T> {
    let Json { status, value, took } = answer;
    let share = |Decoded { value, dropped }| Decoded { value: Arc::new(value), dropped };
    Json { status, value: value.map(share), took }
}

impl<T: DeserializeOwned + Send + 'static> Paced<T> {
    pub const fn new(what: &'static str) -> Self {
        Self { what, kept: Mutex::new(None) }
    }

    pub async fn ask(
        &self,
        http: &HttpClient,
        path: &str,
        limit: Duration,
    ) -> Result<Shared<T>, Failure> {
        if let Some(said) = self.resting(Instant::now()) {
            return said;
        }
        let begun = Instant::now();
        let answer = timeout(limit, http.json(self.what, path)).await.unwrap_or_else(|_| {
            let text = format!("{}: no complete answer within {limit:.1?}", self.what);
            Err(Failure::new(Reason::TIMEOUT, text))
        });
        let answer = answer.map(shared);
        self.note(&answer, begun, Instant::now());
        answer
    }

    /// Whoever has been away as a whole is asked at once.
    pub fn forget(&self) {
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) = None;
    }

    fn resting(&self, now: Instant) -> Option<Result<Shared<T>, Failure>> {
        let kept = self.kept.lock().unwrap_or_else(PoisonError::into_inner);
        let kept = kept.as_ref().filter(|kept| now < kept.until)?;
        Some(kept.said.clone().map(|(value, dropped, took)| {
            let value = Ok(Decoded { value, dropped });
            Json { status: 200, value, took }
        }))
    }

    fn note(&self, answer: &Result<Shared<T>, Failure>, begun: Instant, now: Instant) {
        let took = now.saturating_duration_since(begun);
        let rest = took.saturating_mul(REST);
        let said = match answer {
            _ if rest <= SHORT => None,
            Err(failure) => Some(Err(failure.clone())),
            Ok(Json { status, value: Ok(decoded), took }) if is_success(*status) => {
                Some(Ok((Arc::clone(&decoded.value), decoded.dropped, *took)))
            }
            Ok(_) => None,
        };
        let until = now + rest;
        *self.kept.lock().unwrap_or_else(PoisonError::into_inner) =
            said.map(|said| Kept { until, said });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(value: u64) -> Shared<u64> {
        let value = Ok(Decoded { value, dropped: 3 });
        shared(Json { status: 200, value, took: Duration::from_millis(70) })
    }

    #[test]
    fn what_was_dear_is_said_again_for_twenty_times_as_long() {
        let paced = Paced::<u64>::new("/jsz");
        let begun = Instant::now();
        let at = |millis| begun + Duration::from_millis(millis);
        paced.note(&Ok(answer(1)), begun, at(50));
        assert!(paced.resting(at(51)).is_none(), "a second is no rest");
        paced.note(&Ok(answer(2)), begun, at(70));
        let again = paced.resting(at(1469)).unwrap().unwrap();
        let decoded = again.value.ok().unwrap();
        assert_eq!((*decoded.value, decoded.dropped), (2, 3));
        assert!(paced.resting(at(1470)).is_none());
        paced.note(&Err(Failure::new(Reason::TIMEOUT, "late")), begun, at(2000));
        assert!(paced.resting(at(41_999)).unwrap().is_err());
        paced.forget();
        assert!(paced.resting(at(2001)).is_none());
    }
}
