//! A reading: the list, an inspection of each, the stats, and the Compose files beside them.
//! GET requests only.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use bollard::Docker;
use bollard::query_parameters::{InspectContainerOptions, ListContainersOptionsBuilder};
use tokio::time::Instant;

use super::address::Address;
use super::connection::{Engine, connect, within};
use super::facts::Container;
use super::files::{FileRead, Files};
use super::gather::gather;
use super::sample::CAP;
use super::stats::{self, Background, Latest, Skipped};
use crate::engine::Failure;

/// Inspections under way at a time: each has a connection of its own and takes 0.1 ms.
const AT_ONCE: usize = 16;

/// What a reading yields.
pub struct Raw {
    pub engine: Engine,
    /// All containers, those beyond the cap without an inspection.
    pub containers: Vec<Container>,
    /// Why some have no inspection.
    pub uninspected: Option<Failure>,
    pub stats: Latest,
    pub files: Vec<FileRead>,
    /// `/proc/partitions`, which names the devices of an Engine on this machine.
    pub partitions: String,
    pub skipped_inspections: u64,
    pub skipped_stats: u64,
}

struct Connection {
    docker: Docker,
    engine: Engine,
    /// Where stats are too slow for a reading.
    background: Option<Background>,
}

pub struct Reader {
    address: Address,
    deadline: Duration,
    files: Files,
    skipped: Arc<Skipped>,
    connection: Mutex<Option<Arc<Connection>>>,
}

impl Reader {
    pub fn new(address: Address, deadline: Duration, files: Files, skipped: Arc<Skipped>) -> Self {
        Self { address, deadline, files, skipped, connection: Mutex::default() }
    }

    pub async fn fetch(&self) -> Result<Raw, Failure> {
        let (raw, files) = tokio::join!(self.engine(), self.files.read());
        if raw.is_err() {
            // The Engine may come back as another version. With the connection its task ends.
            self.keep(None);
        }
        let mut raw = raw?;
        raw.files = files;
        if self.address.is_local() {
            // The kernel makes this text up from memory: it cannot hang.
            raw.partitions = std::fs::read_to_string("/proc/partitions").unwrap_or_default();
        }
        Ok(raw)
    }

    async fn engine(&self) -> Result<Raw, Failure> {
        // The inner limits leave the deadline time to say what happened.
        let started = Instant::now();
        let (half, end) = (started + self.deadline / 2, started + self.deadline.mul_f64(0.85));
        let connection = self.connection(half).await?;
        let docker = &connection.docker;
        let all = ListContainersOptionsBuilder::new().all(true).build();
        let list = within("list of containers", half, docker.list_containers(Some(all))).await?;
        let mut containers: Vec<_> = list.into_iter().filter_map(Container::of).collect();
        // Should the cap cut some off, then those that do not run, and old ones.
        containers.sort_by_key(|c| (!c.is_alive(), c.created.map(std::cmp::Reverse)));
        let usage = containers.iter().take(CAP).filter(|container| container.has_usage());
        let ids = usage.map(|container| container.id.clone()).collect();
        let (uninspected, stats) =
            tokio::join!(self.inspect(docker, &mut containers, end), async {
                match &connection.background {
                    Some(background) => background.latest(half).await,
                    None => stats::read(docker, ids, end, &self.skipped).await,
                }
            });
        Ok(Raw {
            engine: connection.engine.clone(),
            containers,
            uninspected,
            stats,
            files: Vec::new(),
            partitions: String::new(),
            skipped_inspections: self.skipped.inspections.load(Ordering::Relaxed),
            skipped_stats: self.skipped.stats.load(Ordering::Relaxed),
        })
    }

    async fn connection(&self, until: Instant) -> Result<Arc<Connection>, Failure> {
        let kept = self.lock().clone();
        let alive =
            |kept: &Arc<Connection>| kept.background.as_ref().is_none_or(Background::is_alive);
        if let Some(kept) = kept.filter(alive) {
            return Ok(kept);
        }
        let (docker, engine) = connect(&self.address, until).await?;
        let background = (!engine.has_fast_stats)
            .then(|| Background::start(docker.clone(), Arc::clone(&self.skipped)));
        let connection = Arc::new(Connection { docker, engine, background });
        self.keep(Some(Arc::clone(&connection)));
        Ok(connection)
    }

    fn keep(&self, connection: Option<Arc<Connection>>) {
        *self.lock() = connection;
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Option<Arc<Connection>>> {
        self.connection.lock().unwrap_or_else(PoisonError::into_inner)
    }

    async fn inspect(
        &self,
        docker: &Docker,
        containers: &mut [Container],
        until: Instant,
    ) -> Option<Failure> {
        let within_cap = containers.iter_mut().take(CAP);
        let calls: Vec<_> = within_cap
            .map(|container| async move {
                let nothing = None::<InspectContainerOptions>;
                let found = docker.inspect_container(&container.id, nothing).await?;
                container.inspected(found);
                Ok(())
            })
            .collect();
        let asked = calls.len();
        let gathered = gather("inspection", calls, AT_ONCE, until).await;
        self.skipped.inspections.fetch_add(gathered.skipped, Ordering::Relaxed);
        gathered.failure.map(|failure| {
            let detail = format!("{} ({} of {asked})", failure.detail, gathered.skipped);
            Failure { detail, ..failure }
        })
    }
}
