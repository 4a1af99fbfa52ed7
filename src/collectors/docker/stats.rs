//! CPU, memory, network and block I/O of all containers.
//!
//! Engine 20.10 to 24 answer even a one-shot reading after a second, 25 one-shot readings at once
//! after the same second. There, a task reads all containers every ten seconds beside the readings,
//! which take what it read last. It ends with the connection.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use tokio::sync::watch;
use tokio::task::JoinHandle;
use tokio::time::{Instant, MissedTickBehavior};

use super::api::Summary;
use super::client::Client;
use super::container::{Container, Naming};
use super::facts::{Usage, Usages};
use super::gather::gather;
use super::known::known;
use super::sample::CAP;
use crate::failure::Failure;

/// The clock of the task.
const PERIOD: Duration = Duration::from_secs(10);
/// A round ends before the next one is due.
const LIMIT: Duration = Duration::from_secs(8);
/// One connection each: more would run into the limit of open files.
const AT_ONCE: usize = 128;

/// What is counted over the exporter's life.
#[derive(Default)]
pub struct Skipped {
    pub inspections: AtomicU64,
    pub stats: AtomicU64,
    /// Containers whose files of the kernel were not found.
    pub files: AtomicU64,
}

/// One reading of the stats of all containers.
#[derive(Debug)]
pub struct Round {
    pub at: SystemTime,
    pub usages: Usages,
}

/// The last round that was read, and why the last one that was tried is incomplete.
#[derive(Clone, Debug, Default)]
pub struct Latest {
    pub round: Option<Arc<Round>>,
    pub failure: Option<Failure>,
}

impl Latest {
    /// How old the figures are.
    pub fn age(&self, now: SystemTime) -> Option<Duration> {
        let round = self.round.as_ref()?;
        Some(now.duration_since(round.at).unwrap_or_default())
    }
}

/// Reads the stats of these containers, all at once.
pub async fn read(client: &Client, ids: Vec<String>, until: Instant, skipped: &Skipped) -> Latest {
    let asked = ids.len();
    let calls = ids.into_iter().map(|id| one(client, id, until)).collect();
    let gathered = gather("stats", calls, AT_ONCE, until).await;
    skipped.stats.fetch_add(gathered.skipped, Ordering::Relaxed);
    let usages: Usages = gathered.answers.into_iter().flatten().collect();
    let failure = gathered.failure.map(|failure| {
        let detail = format!("{} ({} of {asked} containers)", failure.detail, gathered.skipped);
        Failure { detail, ..failure }
    });
    // A round that got nothing does not replace one that did.
    let nothing = usages.is_empty() && failure.is_some();
    let round = (!nothing).then(|| Arc::new(Round { at: SystemTime::now(), usages }));
    Latest { round, failure }
}

async fn one(
    client: &Client,
    id: String,
    until: Instant,
) -> Result<Option<(String, Arc<Usage>)>, Failure> {
    let stats = client.stats(&id, until).await?;
    Ok(Usage::of(stats).map(|usage| (id, Arc::new(usage))))
}

/// The task beside the readings.
pub struct Background {
    latest: watch::Receiver<Latest>,
    task: JoinHandle<()>,
}

impl Background {
    pub fn start(client: Client, skipped: Arc<Skipped>) -> Self {
        let (sender, latest) = watch::channel(Latest::default());
        let task = tokio::spawn(async move {
            let mut clock = tokio::time::interval(PERIOD);
            // After a slow round the next one waits a whole period again.
            clock.set_missed_tick_behavior(MissedTickBehavior::Delay);
            loop {
                clock.tick().await;
                let new = round(&client, &skipped).await;
                sender.send_modify(|latest| {
                    latest.round = new.round.or(latest.round.take());
                    latest.failure = new.failure;
                });
            }
        });
        Self { latest, task }
    }

    /// What was read last. Only the first reading after a connection waits, for the first round.
    pub async fn latest(&self, until: Instant) -> Latest {
        let mut latest = self.latest.clone();
        let tried = |latest: &Latest| latest.round.is_some() || latest.failure.is_some();
        // Time is up: nothing is read yet, which is no failure.
        let _ = tokio::time::timeout_at(until, latest.wait_for(tried)).await;
        latest.borrow().clone()
    }

    /// Whether it goes on; only a defect of ours ends it.
    pub fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for Background {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn round(client: &Client, skipped: &Skipped) -> Latest {
    let until = Instant::now() + LIMIT;
    match client.get::<Vec<Summary>>("stats", "/containers/json", until).await {
        Ok(list) => {
            let (containers, _) = known(list, &Naming::default());
            let running = containers.into_iter().filter(Container::has_usage);
            let ids = running.map(|container| container.id).take(CAP).collect();
            read(client, ids, until, skipped).await
        }
        Err(failure) => Latest { round: None, failure: Some(failure) },
    }
}
