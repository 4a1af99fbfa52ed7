//! The same call for many containers.

use futures_util::StreamExt as _;
use futures_util::stream;
use tokio::time::Instant;

use super::failure::{is_gone, timeout};
use crate::failure::Failure;

/// What came of the calls.
pub struct Gathered<T> {
    pub answers: Vec<T>,
    /// Calls that failed or were still under way at the end.
    pub skipped: u64,
    /// Why the first of them has no answer.
    pub failure: Option<Failure>,
}

/// Makes the calls, `at_once` at a time, until all are done or the time is up: a container that
/// hangs costs its own answer only. One that has gone meanwhile is no failure.
pub async fn gather<T, C>(what: &str, calls: Vec<C>, at_once: usize, until: Instant) -> Gathered<T>
where
    C: Future<Output = Result<T, Failure>>,
{
    let (mut open, mut gone) = (calls.len() as u64, Vec::new());
    let mut gathered = Gathered { answers: Vec::new(), skipped: 0, failure: None };
    let mut results = std::pin::pin!(stream::iter(calls).buffer_unordered(at_once));
    while let Ok(Some(result)) = tokio::time::timeout_at(until, results.next()).await {
        open -= 1;
        match result {
            Ok(answer) => gathered.answers.push(answer),
            Err(failure) if is_gone(&failure) => gone.push(failure),
            Err(failure) => {
                gathered.skipped += 1;
                gathered.failure.get_or_insert(failure);
            }
        }
    }
    // One may go between two calls; if all have, somebody hides them.
    if gathered.answers.is_empty() && gathered.skipped + open == 0 && gone.len() > 1 {
        gathered.skipped = gone.len() as u64;
        gathered.failure = gone.into_iter().next();
    }
    gathered.skipped += open;
    if open > 0 {
        gathered.failure.get_or_insert_with(|| timeout(what));
    }
    gathered
}
