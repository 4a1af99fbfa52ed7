//! CPU, memory, network and block I/O of all containers.
//!
//! Engine 20.10 to 24 answer even a one-shot reading after a second, 25 one-shot readings at once
//! after the same second. There all containers are read every ten seconds beside the readings, which
//! take what was read last, as long as the connection lasts.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use tokio::time::Instant;

use super::api::Summary;
use super::client::Client;
use super::container::{Container, Naming};
use super::exclude::{Aside, Exclude};
use super::facts::{Usage, Usages};
use super::gather::gather;
use super::known::known;
use super::sample::CAP;
use crate::engine::{Found, Pace};
use crate::failure::Failure;

/// A round ends before the next one is due; older figures say nothing of the present.
pub const PACE: Pace = Pace {
    every: Duration::from_secs(10),
    again: Duration::from_secs(10),
    stale_after: Some(Duration::from_secs(35)),
    limit: Duration::from_secs(8),
};
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

/// Reads the stats of these containers, all at once.
pub async fn read(
    client: &Client,
    ids: Vec<String>,
    until: Instant,
    skipped: &Skipped,
) -> Result<Found<Usages>, Failure> {
    let asked = ids.len();
    let calls = ids.into_iter().map(|id| one(client, id, until)).collect();
    let gathered = gather("stats", calls, AT_ONCE, until).await;
    skipped.stats.fetch_add(gathered.skipped, Ordering::Relaxed);
    let usages: Usages = gathered.answers.into_iter().flatten().collect();
    let failure = gathered.failure.map(|failure| {
        let detail = format!("{} ({} of {asked} containers)", failure.detail, gathered.skipped);
        Failure { detail, ..failure }
    });
    match failure {
        // A round that got nothing does not replace one that did.
        Some(failure) if usages.is_empty() => Err(failure),
        missing => Ok(Found { value: usages, missing }),
    }
}

async fn one(
    client: &Client,
    id: String,
    until: Instant,
) -> Result<Option<(String, Arc<Usage>)>, Failure> {
    let stats = client.stats(&id, until).await?;
    Ok(Usage::of(stats).map(|usage| (id, Arc::new(usage))))
}

/// A round beside the readings.
pub async fn round(
    client: &Client,
    skipped: &Skipped,
    (naming, exclude): (&Naming, &Arc<Exclude>),
    until: Instant,
) -> Result<Found<Usages>, Failure> {
    let list = client.get::<Vec<Summary>>("stats", "/containers/json", until).await?;
    let (containers, _) = known(list, naming, &mut Aside::new(exclude, Vec::new()));
    let running = containers.into_iter().filter(Container::has_usage);
    let ids = running.map(|container| container.id).take(CAP).collect();
    read(client, ids, until, skipped).await
}
