//! The rows of a reading: one type for each kind of thing that is observed.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use super::client;
use super::container::{Container, Names};
use super::detail::{Check, Detail, Limits, StartError};
use super::disk::Walk;
use super::facts::{Disk, Network, Usage};
use super::images::ImageFacts;
use super::ledger::{Counts, Known, Ooms};
use super::raw::{Source, StreamState};

/// The states that the Engine documents; one that it adds is shown while it lasts.
const STATES: [&str; 7] =
    ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
/// A start is history after this long, in seconds.
const SETTLED: f64 = 3600.0;
const HEALTH: [&str; 4] = ["healthy", "unhealthy", "starting", "none"];

/// The Engine, its machine, and how well it can be read.
pub struct Engine {
    pub cores: Option<f64>,
    pub memory: Option<f64>,
    /// Whether something of the containers could not be read this time.
    pub incomplete: bool,
    pub took: Duration,
    pub stream: StreamState,
    pub disk: Option<Arc<Walk>>,
    /// Answers about containers left out so far, by call.
    pub skipped: [(&'static str, u64); 3],
    /// Containers that are not wanted.
    pub excluded: u64,
    /// What each pattern of `exclude` speaks of.
    pub excluding: Vec<(String, u64)>,
    /// Limits of what runs, added up: bytes and cores.
    pub promised: (u64, f64),
}

impl Engine {
    /// What containers may take together, in parts of what there is.
    pub fn memory_promised(&self) -> Option<f64> {
        self.memory.filter(|memory| *memory > 0.0).map(|memory| self.promised.0 as f64 / memory)
    }

    pub fn cores_promised(&self) -> Option<f64> {
        self.cores.filter(|cores| *cores > 0.0).map(|cores| self.promised.1 / cores)
    }
}

pub struct Version {
    pub facts: client::Engine,
}

/// Where the figures come from.
pub struct Origin {
    pub source: Source,
}

/// A service, or a container without one, over all its containers.
pub struct Lives {
    pub project: String,
    pub service: String,
    pub counts: Counts,
    pub looping: bool,
    pub restarted_often: bool,
    /// Whether the kernel's count of kills is in reach: the Engine tells of none.
    pub kills_are_counted: bool,
}

/// What a container is and was.
pub struct Life {
    pub container: Container,
    /// Of a container without Compose its name.
    pub service: String,
    pub known: Known,
    pub usage: Option<Arc<Usage>>,
    pub image: ImageFacts,
    /// Ended with an error that no service shows.
    pub failed: bool,
    /// Privileged, or with the Engine's socket, and the configuration does not say that it may.
    pub unexpected_privilege: bool,
    /// Bytes of its log files.
    pub log: Option<u64>,
    pub now: f64,
}

/// A published port of a container.
pub struct Published {
    pub names: Arc<Names>,
    pub service: String,
    pub port: super::ports::Published,
}

/// What a living container may use, and since when.
pub struct Spec {
    pub names: Arc<Names>,
    pub limits: Limits,
    pub started: Option<f64>,
}

/// What a running container uses, or the machine as a whole.
pub struct Use {
    pub names: Arc<Names>,
    pub usage: Arc<Usage>,
    /// Unknown where the inspection failed.
    pub limits: Option<Limits>,
    pub owns_network: bool,
    pub devices: Arc<Devices>,
    /// Seconds since 1970, of a container.
    pub seen: Option<f64>,
    pub health: Option<&'static str>,
    pub storage: Option<Storage>,
}

/// Page faults, by cAdvisor's two scopes.
pub struct Faults {
    pub names: Arc<Names>,
    pub usage: Arc<Usage>,
    pub scope: &'static str,
}

/// Bytes on the file system of containers.
#[derive(Clone, Debug)]
pub struct Storage {
    pub device: String,
    pub used: Option<u64>,
    pub size: Option<u64>,
}

/// Names of devices by major and minor number.
pub type Devices = BTreeMap<(u64, u64), String>;

impl Engine {
    pub fn excluding(&self) -> impl Iterator<Item = (&str, u64)> {
        self.excluding.iter().map(|(pattern, count)| (pattern.as_str(), *count))
    }

    pub fn disk_parts<T>(
        &self,
        read: fn(super::disk::Part) -> T,
    ) -> impl Iterator<Item = (&'static str, Option<T>)> {
        let parts = self.disk.iter().flat_map(|walk| walk.parts);
        parts.map(move |(kind, part)| (kind, part.map(read)))
    }
}

impl Lives {
    pub fn oom_kills(&self) -> [(&'static str, Option<u64>); 2] {
        let Ooms { main, child, .. } = self.counts.ooms;
        [("main", Some(main)), ("child", Some(child).filter(|_| self.kills_are_counted))]
    }
}

impl Life {
    pub fn names(&self) -> &Names {
        &self.container.names
    }

    pub fn detail(&self) -> Option<&Detail> {
        self.container.detail.as_deref()
    }

    fn alive(&self) -> Option<&Detail> {
        self.detail().filter(|_| self.container.is_alive())
    }

    /// The check of a dead container says nothing.
    pub fn check(&self) -> Option<&Check> {
        self.alive()?.check.as_ref()
    }

    pub fn states(&self) -> impl Iterator<Item = (&str, bool)> {
        let present = self.container.state.as_str();
        let unknown = (!present.is_empty() && !STATES.contains(&present)).then_some(present);
        STATES.into_iter().chain(unknown).map(move |state| (state, state == present))
    }

    /// The status outlives the container; a dead one is not unhealthy but dead.
    pub fn health(&self) -> Option<&'static str> {
        self.container.is_alive().then_some(self.container.health)
    }

    pub fn healths(&self) -> impl Iterator<Item = (&'static str, Option<bool>)> {
        let present = self.health();
        HEALTH.into_iter().map(move |status| (status, present.map(|present| present == status)))
    }

    /// How long the health check has not said yes or no yet.
    pub fn starting(&self) -> Option<f64> {
        let since = self.alive()?.started.filter(|_| self.health() == Some("starting"))?;
        Some((self.now - since).max(0.0))
    }

    pub fn healthy_after(&self) -> Option<f64> {
        self.known.healthy_after.filter(|_| self.container.is_alive())
    }

    pub fn settled(&self) -> Option<bool> {
        let started = self.alive()?.started?;
        Some(self.now - started > SETTLED)
    }

    pub fn finished(&self) -> Option<f64> {
        self.detail().filter(|_| !self.container.is_alive())?.finished
    }

    pub fn failed_start(&self) -> Option<&'static str> {
        let error = self.detail().filter(|_| !self.container.is_alive())?.start_error?;
        StartError::ALL.into_iter().find(|(_, one)| *one == error).map(|(name, _)| name)
    }

    pub fn limits(&self) -> Option<&Limits> {
        Some(&self.alive()?.limits)
    }

    /// Memory that cannot be given back, in parts of the limit.
    pub fn memory_ratio(&self) -> Option<f64> {
        let limit = self.limits()?.memory;
        let used = self.usage.as_ref()?.memory.unreclaimable?;
        (limit > 0).then(|| used as f64 / limit as f64)
    }

    pub fn image_age(&self) -> Option<f64> {
        self.image.created.map(|created| self.now - created as f64)
    }

    /// Enough of the digest to know an image by.
    pub fn image_id(&self) -> Option<&str> {
        let id = self.detail()?.image_id.strip_prefix("sha256:")?;
        id.get(..12)
    }
}

impl Use {
    /// Without a quota there are no periods, and the Engine says 0.
    pub fn throttling<T>(&self, of: Option<T>) -> Option<T> {
        of.filter(|_| self.limits.is_some_and(|limits| limits.quota.is_some()))
    }

    /// As cAdvisor has it: 1 healthy, 0 starting or unhealthy, -1 no check.
    pub fn health_state(&self) -> Option<i64> {
        self.health.map(|status| match status {
            "healthy" => 1,
            "none" => -1,
            _ => 0,
        })
    }

    pub fn networks<T>(
        &self,
        read: fn(&Network) -> Option<T>,
    ) -> impl Iterator<Item = (&str, Option<T>)> {
        let own = self.owns_network.then_some(&self.usage.networks);
        own.into_iter().flatten().map(move |(name, network)| (name.as_str(), read(network)))
    }

    pub fn disks<T>(
        &self,
        read: fn(&Disk) -> Option<T>,
    ) -> impl Iterator<Item = (String, Option<T>)> {
        self.usage.disks.iter().map(move |(number, disk)| {
            let name = self.devices.get(number).cloned();
            (name.unwrap_or_else(|| format!("{}:{}", number.0, number.1)), read(disk))
        })
    }

    pub fn storage(
        &self,
        read: fn(&Storage) -> Option<u64>,
    ) -> impl Iterator<Item = (&str, Option<u64>)> {
        self.storage.iter().map(move |storage| (storage.device.as_str(), read(storage)))
    }
}
