//! The parts of a reading that have a clock of their own, and what outlives the process. They are of
//! one Engine: nothing of them is said of another one, whatever a reload changes.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::address::Address;
use super::client::Client;
use super::container::ById;
use super::disk::{self, Walk};
use super::facts::Usages;
use super::images::{self, Images};
use super::ledger::{Gone, Ledger};
use super::{AREA, lock, stats, top};
use crate::engine::{Beside, Form, Keeping, Kept, Memory, Part, Parts};

/// Services that are gone are few, and they stay so for a day.
const GONE: Keeping = Keeping {
    form: Form { kind: "docker", version: 1 },
    most: 1 << 20,
    pause: Duration::from_secs(10),
};

pub struct Slow {
    pub stats: Part<Usages>,
    disk: Part<Walk>,
    /// Whether the Engine is asked for what it takes of the disk.
    walks: bool,
    images: Part<Images>,
    pub commands: Part<ById<Vec<String>>>,
    /// Services that were seen to go.
    pub gone: Kept<Vec<Gone>>,
}

impl Slow {
    /// And what the engine needs to tell of them.
    pub fn of<'a>(
        memory: &'a Memory,
        address: &Address,
        disk_usage_interval: Duration,
    ) -> (Self, Parts<'a, Address>) {
        let mut parts = Parts::new(memory, AREA.name, AREA.name, address.clone());
        let stats = "CPU, memory, network and block I/O (stats)";
        let slow = Self {
            stats: parts.add("stats", stats, stats::PACE),
            disk: parts.add("disk_usage", "disk usage", disk::pace(disk_usage_interval)),
            walks: !disk_usage_interval.is_zero(),
            images: parts.add("images", "images", images::PACE),
            commands: parts.add("commands", "command lines of containers (top)", top::PACE),
            gone: parts.keep("remembered", GONE, address.to_string()),
        };
        (slow, parts)
    }

    /// Walks through the disk beside the readings, as long as the connection lasts.
    pub fn walk(&self, client: &Client, on_request: bool) -> Option<Beside> {
        let client = client.clone();
        let walk = move |until| {
            let client = client.clone();
            async move { disk::walk(&client, on_request, until).await }
        };
        self.walks.then(|| self.disk.beside(walk))
    }

    /// The last walk. The first one is not waited for.
    pub async fn walked(&self) -> Option<Arc<Walk>> {
        if self.walks { self.disk.latest(Instant::now()).await.value } else { None }
    }

    /// The present images; of a failed call the ones before.
    pub async fn images(
        &self,
        client: &Client,
        changed: bool,
        until: Instant,
    ) -> Option<Arc<Images>> {
        let read = |_, until| images::read(client, until);
        self.images.get(until, |_| changed, read).await.value
    }

    /// Tells the ledger, once, what was gone before the start.
    pub async fn remember(&self, ledger: &Mutex<Ledger>, until: Instant) {
        if let Some(gone) = self.gone.restored(until).await {
            lock(ledger).remember(gone);
        }
    }
}
