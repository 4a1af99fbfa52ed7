//! The contract of a collector.

use std::future::Future;
use std::time::{Duration, SystemTime};

use super::failure::{Failure, Reason};
use crate::catalogue::Batch;

/// How to read one target. `fetch` does the I/O and nothing else, `sample` is pure: what came over
/// the wire in, rows out. Both may fail; the engine gives both a deadline and survives a panic.
pub trait Collector: Send + Sync + 'static {
    type Raw: Send + 'static;

    /// Reads the source. Dropped at the deadline, so it must leave nothing running behind it.
    fn fetch(&self) -> impl Future<Output = Result<Self::Raw, Failure>> + Send;

    /// Turns what was read into rows.
    fn sample(&self, raw: Self::Raw, now: SystemTime) -> Result<Batch, Failure>;
}

/// When a target is read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Clock {
    /// When somebody scrapes, and on a slow tick so that the status page stays true.
    Scrape,
    /// By itself, for streams: what happens between two scrapes must not be missed.
    Every(Duration),
}

/// Runs blocking work (files, statvfs, `SQLite`) off the workers.
///
/// Such work cannot be cancelled. Single flight keeps it from piling up: the poller does not start
/// the next reading before this one is given up, and `busy` tells whether one still hangs.
pub async fn blocking<T: Send + 'static>(
    what: &'static str,
    busy: &std::sync::Arc<std::sync::atomic::AtomicBool>,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    use std::sync::atomic::Ordering;
    if busy.swap(true, Ordering::AcqRel) {
        return Err(Failure::new(Reason::Timeout, format!("{what}: the last read still hangs")));
    }
    let done = Unmark(std::sync::Arc::clone(busy));
    let task = tokio::task::spawn_blocking(move || {
        // Dropped when the work ends, also by panic, however long after the deadline that is.
        let _done = done;
        work()
    });
    match task.await {
        Ok(result) => result,
        Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
        Err(_) => Err(Failure::new(Reason::Other, format!("{what}: stopped"))),
    }
}

struct Unmark(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Drop for Unmark {
    fn drop(&mut self) {
        self.0.store(false, std::sync::atomic::Ordering::Release);
    }
}
