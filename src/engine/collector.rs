//! The contract of a collector.

use std::future::Future;
use std::time::{Duration, SystemTime};

use crate::catalogue::Batch;
use crate::failure::{Failure, Reason};

/// How to read one target. `fetch` does the I/O and nothing else, `sample` is pure: what came over
/// the wire in, rows out. Both may fail; the engine gives both a deadline and survives a panic.
pub trait Collector: Send + Sync + 'static {
    type Raw: Send + 'static;

    /// Reads the source. Dropped at the deadline, so it must leave nothing running behind it.
    fn fetch(&self) -> impl Future<Output = Result<Self::Raw, Failure>> + Send;

    /// Turns what was read into rows. An `Err`, here or above, says that the target cannot be read:
    /// all its rows go but those of `Target::while_down`. Where a failure is itself what is asked
    /// for (a probe's phase, its status, a certificate that has run out), it is `Ok` with rows that
    /// say so: the target is up, for it was looked at. Read on demand, either is an answer.
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

/// Work of a reading that was given up is waited for this long: less than the deadline that most
/// targets have, so that it is told what hangs.
const PATIENCE: Duration = Duration::from_secs(4);
const PAUSE: Duration = Duration::from_millis(10);

/// Runs blocking work (files, statvfs, `SQLite`) off the workers.
///
/// Such work cannot be cancelled, so it may outlive its reading: cut off by a reload it ends soon,
/// and the next reading waits for that; hung it never does, and the next reading fails. Either way
/// there is no second one beside it: `busy` tells whether one still runs.
pub async fn blocking<T: Send + 'static>(
    what: &'static str,
    busy: &std::sync::Arc<std::sync::atomic::AtomicBool>,
    work: impl FnOnce() -> Result<T, Failure> + Send + 'static,
) -> Result<T, Failure> {
    if !claim(busy, PATIENCE).await {
        return Err(Failure::new(Reason::TIMEOUT, format!("{what}: the last read still hangs")));
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
        Err(_) => Err(Failure::new(Reason::OTHER, format!("{what}: stopped"))),
    }
}

/// Sets the mark as soon as it is free. Whether that was so in time.
async fn claim(busy: &std::sync::atomic::AtomicBool, patience: Duration) -> bool {
    let begun = tokio::time::Instant::now();
    while busy.swap(true, std::sync::atomic::Ordering::AcqRel) {
        if begun.elapsed() >= patience {
            return false;
        }
        tokio::time::sleep(PAUSE).await;
    }
    true
}

struct Unmark(std::sync::Arc<std::sync::atomic::AtomicBool>);

impl Drop for Unmark {
    fn drop(&mut self) {
        self.0.store(false, std::sync::atomic::Ordering::Release);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn work_that_was_given_up_is_waited_for_and_not_for_ever() {
        let busy = std::sync::Arc::default();
        let (end, ended) = std::sync::mpsc::channel();
        let first = blocking("it", &busy, move || Ok(ended.recv()));
        assert!(tokio::time::timeout(PAUSE, first).await.is_err(), "a reload drops it");
        assert!(!claim(&busy, 3 * PAUSE).await, "nothing starts beside it");
        let (second, ()) = tokio::join!(blocking("it", &busy, || Ok(2)), async {
            tokio::time::sleep(3 * PAUSE).await;
            end.send(()).unwrap();
        });
        assert_eq!(second.unwrap(), 2);
        assert!(claim(&busy, Duration::ZERO).await, "the mark is free again");
    }
}
