//! One task per target: waits until a reading is due, takes it, hands it to the slot.

use std::sync::Arc;
use std::time::Duration;

use tokio::task::JoinSet;

use super::collector::Clock;
use super::slot::{Reading, Slot};
use super::target::Target;
use crate::failure::{Failure, Reason};

/// With nobody scraping, a target is still read this often, so that the status page stays true.
const TICK: Duration = Duration::from_secs(30);

/// Reads the target of `slot` for ever. Single flight: the next reading starts after this one is
/// done or given up.
pub(super) async fn run(slot: Arc<Slot>, target: Arc<Target>, grace: Duration) {
    let tick = match target.clock {
        Clock::Scrape => TICK,
        Clock::Every(period) => period,
    };
    loop {
        slot.begin();
        let outcome = read(&target).await;
        slot.finish(outcome, grace);
        // An elapsed timeout is the tick.
        let _ = tokio::time::timeout(tick, async {
            tokio::select! {
                () = slot.wanted() => {}
                () = target.woken() => {}
            }
        })
        .await;
    }
}

/// One reading in a task of its own, so that a panic stays there and the deadline can abort it.
pub(super) async fn read(target: &Target) -> Result<Reading, Failure> {
    let reader = target.reader();
    // Of a reading that was given up nothing is told.
    drop(target.shown());
    // A set of one: dropping it aborts the task, also when this poller itself is aborted.
    let mut task = JoinSet::new();
    task.spawn(async move { reader.read().await });
    match tokio::time::timeout(target.deadline, task.join_next()).await {
        Ok(Some(Ok(result))) => result.and_then(|batch| Reading::checked(batch, target.shown())),
        Ok(Some(Err(error))) if error.is_panic() => {
            Err(Failure::new(Reason::PANIC, "the collector panicked")
                .hint("this is a defect of stack-exporter: please report it with its log"))
        }
        Ok(_) => Err(Failure::new(Reason::OTHER, "the reading was stopped")),
        Err(_) => {
            let seconds = target.deadline.as_secs_f64();
            Err(Failure::new(Reason::TIMEOUT, format!("no complete answer within {seconds} s")))
        }
    }
}
