//! Reading whole files, one at a time on this machine.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::{Instant, timeout};

use super::fetch::{Places, State};
use super::lock;
use super::seen::Seen;
use crate::engine::{Found, blocking};
use crate::failure::{Failure, Reason};

/// Reading a whole file may take a day.
const LONG: Duration = Duration::from_hours(24);
/// Waiting for a turn, and then reading: as many others as there are may take as long before.
pub const WAIT: Duration = Duration::from_hours(365 * 24);
/// A disk that hands out nothing for so long hangs, and it is another's turn.
const STILL: Duration = Duration::from_mins(1);
/// A file that could not be read is left alone for so long, for the others to be read.
const REST: Duration = Duration::from_hours(1);

/// Whose turn it is, of all backups of this machine, in the order in which they ask.
pub type Turn = tokio::sync::Mutex<()>;

impl State {
    /// The newest file that is still, was not read yet, and has not failed lately; and what has.
    fn next(&mut self, now: Instant) -> (Option<Seen>, Option<Failure>) {
        let look = Arc::clone(&self.look);
        let there = |id| look.newest.iter().any(|seen| seen.id == id);
        self.failed.retain(|(id, at, _)| there(*id) && now.duration_since(*at) < REST);
        let failed = |seen: &&Seen| self.failed.iter().any(|(id, ..)| *id == seen.id);
        let next = self.past.wanting(&look, true).find(|seen| !failed(seen)).cloned();
        (next, self.failed.iter().find_map(|(_, _, failure)| failure.clone()))
    }
}

/// One file, from its first byte to its last.
pub async fn verify(
    places: Arc<Places>,
    state: Arc<Mutex<State>>,
    (busy, turn): (&Arc<AtomicBool>, &Turn),
    speed: u64,
) -> Result<Found<()>, Failure> {
    let _turn = turn.lock().await;
    if busy.load(Ordering::Acquire) {
        let text = "a backup in full: the last read still hangs";
        return Err(Failure::new(Reason::TIMEOUT, text));
    }
    let (next, missing) = lock(&state).next(Instant::now());
    let Some(seen) = next else { return Ok(Found { value: (), missing }) };
    let id = seen.id;
    let (gone, moved) = (Arc::new(AtomicBool::new(false)), Arc::new(AtomicU64::new(0)));
    // Whoever lets go of this future ends the reading.
    let _stop = Stop(Arc::clone(&gone));
    let counted = Arc::clone(&moved);
    let work = move || {
        let stop = || gone.load(Ordering::Acquire);
        let mark = places.read_whole(&seen, speed, &stop, &counted);
        mark.map_err(|error| Failure::io(&seen.name, &error))
    };
    let reading = while_it_moves(blocking("a backup in full", busy, work), &moved, STILL);
    let outcome = timeout(LONG, reading).await.unwrap_or_else(|_| {
        let text = "a backup in full: not read within a day";
        Err(Failure::new(Reason::TIMEOUT, text).hint("raise `speed` under `verify`"))
    });
    let mut state = lock(&state);
    match outcome {
        Ok(Some(mark)) => state.past.note(mark),
        // It has changed, or gone: the next look tells.
        Ok(None) => state.failed.push((id, Instant::now(), None)),
        Err(failure) => {
            state.failed.push((id, Instant::now(), Some(failure.clone())));
            return Err(failure);
        }
    }
    Ok(Found { value: (), missing })
}

/// The outcome, unless nothing moves for this time, or at most twice as long.
async fn while_it_moves<T>(
    work: impl Future<Output = Result<T, Failure>>,
    moved: &AtomicU64,
    still: Duration,
) -> Result<T, Failure> {
    let mut work = std::pin::pin!(work);
    let mut before = moved.load(Ordering::Relaxed);
    loop {
        if let Ok(outcome) = timeout(still, work.as_mut()).await {
            return outcome;
        }
        let now = moved.load(Ordering::Relaxed);
        if now == before {
            let text = format!("a backup in full: nothing was read for {} s", still.as_secs());
            return Err(
                Failure::new(Reason::TIMEOUT, text).hint("the disk or share that it lies on hangs")
            );
        }
        before = now;
    }
}

struct Stop(Arc<AtomicBool>);

impl Drop for Stop {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Release);
    }
}

#[cfg(test)]
mod tests;
