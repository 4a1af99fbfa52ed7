//! What the Engine said, as rows.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::connection;
use super::facts::{Check, Container, Detail, Disk, Limits, Names, Network, Usage, Usages};
use super::fetch::Raw;
use super::services::{self, Service};
use super::stats::Latest;
use crate::catalogue::Batch;
use crate::engine::{Failure, Reason};

/// Containers beyond this are left out and counted; so are services.
pub const CAP: usize = 500;
/// Stats older than this say nothing of the present.
const STALE: Duration = Duration::from_secs(35);
/// The states that the Engine documents; one that it adds is shown while it lasts.
const STATES: [&str; 7] =
    ["created", "running", "paused", "restarting", "removing", "exited", "dead"];
const HEALTH: [&str; 4] = ["healthy", "unhealthy", "starting", "none"];

/// The Engine, its machine, and how well it can be read.
pub struct Engine {
    pub facts: connection::Engine,
    pub stats_age: Option<Duration>,
    /// Containers left out so far, by call.
    pub skipped: [(&'static str, u64); 2],
}

pub struct Version {
    pub version: String,
    pub api_version: String,
}

/// What a container is and was.
pub struct Life {
    pub container: Container,
    now: f64,
}

/// What a living container may use.
pub struct Spec {
    pub names: Arc<Names>,
    pub limits: Limits,
}

/// What a running container uses.
pub struct Use {
    pub names: Arc<Names>,
    pub usage: Arc<Usage>,
    /// Unknown where the inspection failed.
    pub limits: Option<Limits>,
    pub owns_network: bool,
    devices: Arc<Devices>,
}

/// Names of devices by major and minor number.
type Devices = BTreeMap<(u64, u64), String>;

impl Life {
    pub fn names(&self) -> &Names {
        &self.container.names
    }

    pub fn detail(&self) -> Option<&Detail> {
        self.container.detail.as_ref()
    }

    /// The check of a dead container says nothing.
    pub fn check(&self) -> Option<&Check> {
        self.detail().filter(|_| self.container.is_alive())?.check.as_ref()
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

    /// As cAdvisor has it: 1 healthy, 0 starting or unhealthy, -1 no check.
    pub fn health_state(&self) -> Option<i64> {
        self.health().map(|status| match status {
            "healthy" => 1,
            "none" => -1,
            _ => 0,
        })
    }

    pub fn seen(&self) -> Option<f64> {
        self.container.has_usage().then_some(self.now)
    }

    pub fn started(&self) -> Option<f64> {
        self.detail().filter(|_| self.container.is_alive())?.started
    }

    pub fn finished(&self) -> Option<f64> {
        self.detail().filter(|_| !self.container.is_alive())?.finished
    }

    /// Of the last run that ended. A container that could not even be started has one as well.
    pub fn exit_code(&self) -> Option<i64> {
        let code = match &self.container.detail {
            Some(detail) => detail.exit_code,
            None => self.container.ended_with,
        };
        code.filter(|code| match self.container.state.as_str() {
            "exited" | "dead" | "restarting" => true,
            "created" => *code != 0,
            _ => false,
        })
    }
}

impl Use {
    /// The limit of memory, where there is one.
    pub fn memory_limit_ratio(&self) -> Option<f64> {
        let limit = self.limits.map(|limits| limits.memory).filter(|limit| *limit > 0)?;
        Some(self.usage.memory.working_set? as f64 / limit as f64)
    }

    /// Without a quota there are no periods, and the Engine says 0.
    pub fn throttling<T>(&self, of: Option<T>) -> Option<T> {
        of.filter(|_| self.limits.is_some_and(|limits| limits.quota.is_some()))
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
}

pub fn sample(raw: Raw, now: SystemTime) -> Batch {
    let Raw { engine, mut containers, stats, files, partitions, .. } = raw;
    let mut batch = Batch::new();
    for failure in files.iter().filter_map(|read| read.failure.clone()) {
        batch = batch.gap("services of a Compose file", failure);
    }
    if let Some(failure) = raw.uninspected {
        batch = batch.gap("details of containers", failure);
    }
    let mut services = services::services(&containers, &files);
    let too_many = |count: usize| count.saturating_sub(CAP) as u64;
    let (more_containers, more_services) = (too_many(containers.len()), too_many(services.len()));
    containers.truncate(CAP);
    services.truncate(CAP);
    let stats_age =
        stats.round.as_ref().map(|round| now.duration_since(round.at).unwrap_or_default());
    let (usages, gap) = fresh(stats, stats_age);
    if let Some(failure) = gap {
        batch = batch.gap("CPU, memory, network and block I/O (stats)", failure);
    }
    let uses = uses(&containers, &usages, &Arc::new(devices(&partitions)));
    let specs = containers.iter().filter(|container| container.is_alive()).filter_map(spec);
    let specs: Vec<_> = specs.collect();
    let now = now.duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64());
    let lives = containers.into_iter().map(|container| Life { container, now }).collect();
    let version = Version { version: engine.version.clone(), api_version: engine.api.clone() };
    let skipped = [("inspect", raw.skipped_inspections), ("stats", raw.skipped_stats)];
    batch
        .with(vec![version])
        .with(vec![Engine { facts: engine, stats_age, skipped }])
        .with::<Service>(services)
        .with::<Life>(lives)
        .with(specs)
        .with(uses)
        .dropped("containers", more_containers)
        .dropped("services", more_services)
}

/// The usages unless they are of the past, and what is to be said of them.
fn fresh(stats: Latest, age: Option<Duration>) -> (Usages, Option<Failure>) {
    let old = age.is_some_and(|age| age > STALE);
    let late = || Failure::new(Reason::Timeout, "the Engine has not answered for a while");
    let failure = stats.failure.or_else(|| old.then(late));
    let round = stats.round.filter(|_| !old);
    (round.map(|round| round.usages.clone()).unwrap_or_default(), failure)
}

fn uses(containers: &[Container], usages: &Usages, devices: &Arc<Devices>) -> Vec<Use> {
    // A round may be older than the list: what has stopped since uses nothing.
    let running = containers.iter().filter(|container| container.has_usage());
    let of = |container: &Container| {
        let detail = container.detail.as_ref();
        Some(Use {
            names: Arc::clone(&container.names),
            usage: Arc::clone(usages.get(&container.id)?),
            limits: detail.map(|detail| detail.limits),
            owns_network: detail.is_none_or(|detail| !detail.borrows_network),
            devices: Arc::clone(devices),
        })
    };
    running.filter_map(of).collect()
}

fn spec(container: &Container) -> Option<Spec> {
    let limits = container.detail.as_ref()?.limits;
    Some(Spec { names: Arc::clone(&container.names), limits })
}

/// From `/proc/partitions`: major, minor, blocks, name.
fn devices(partitions: &str) -> Devices {
    let line = |line: &str| {
        let mut words = line.split_whitespace();
        let (major, minor) = (words.next()?.parse().ok()?, words.next()?.parse().ok()?);
        Some(((major, minor), format!("/dev/{}", words.nth(1)?)))
    };
    partitions.lines().filter_map(line).collect()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use bollard::models::{
        ContainerInspectResponse, ContainerStatsResponse, ContainerSummary, SystemInfo,
        SystemVersion,
    };
    use serde::de::DeserializeOwned;

    use super::super::compose;
    use super::super::files::FileRead;
    use super::super::stats::Round;
    use super::*;
    use crate::golden;

    /// Minutes after the captures.
    const NOW: Duration = Duration::from_mins(29_920_515);

    fn json<T: DeserializeOwned>(case: &Path, name: &str) -> Option<T> {
        let text = golden::file(case, &format!("{name}.json"))?;
        Some(serde_json::from_slice(&text).unwrap_or_else(|error| panic!("{name}.json: {error}")))
    }

    /// A container that `inspect.json` lacks did not answer, and so the stats without their file.
    fn raw(case: &Path) -> Raw {
        let list: Vec<ContainerSummary> = json(case, "list").unwrap_or_default();
        let mut containers: Vec<_> = list.into_iter().filter_map(Container::of).collect();
        let inspections: Vec<ContainerInspectResponse> = json(case, "inspect").unwrap_or_default();
        let missing = containers.len() - inspections.len();
        for found in inspections {
            let same = |container: &&mut Container| Some(&container.id) == found.id.as_ref();
            containers.iter_mut().find(same).expect("a listed container").inspected(found);
        }
        let timeout = || Failure::new(Reason::Timeout, "no complete answer in time");
        let version: SystemVersion = json(case, "version").unwrap_or_default();
        let info: SystemInfo = json(case, "info").unwrap_or_default();
        Raw {
            engine: connection::Engine {
                version: version.version.unwrap_or_default(),
                api: version.api_version.unwrap_or_default(),
                cores: info.ncpu,
                memory: info.mem_total,
                has_fast_stats: false,
            },
            containers,
            uninspected: (missing > 0).then(timeout),
            stats: json(case, "stats").map_or_else(
                || Latest { round: None, failure: Some(timeout()) },
                |stats| Latest { round: Some(Arc::new(round(stats))), failure: None },
            ),
            files: golden::file(case, "docker-compose.yml").map(file).into_iter().collect(),
            partitions: golden::file(case, "partitions")
                .map(|text| String::from_utf8(text).expect("text"))
                .unwrap_or_default(),
            skipped_inspections: missing as u64,
            skipped_stats: 0,
        }
    }

    fn round(stats: Vec<ContainerStatsResponse>) -> Round {
        let usage =
            |stats: ContainerStatsResponse| Some((stats.id.clone()?, Arc::new(Usage::of(stats)?)));
        let at = UNIX_EPOCH + NOW - Duration::from_secs(4);
        Round { at, usages: stats.into_iter().filter_map(usage).collect() }
    }

    fn file(text: Vec<u8>) -> FileRead {
        let path = Path::new("/srv/task-tracker/docker-compose.yml");
        let text = String::from_utf8(text).expect("text");
        let (file, failure) = match compose::parse(path, &text) {
            Ok(file) => (Some(Arc::new(file)), None),
            Err(failure) => (None, Some(failure)),
        };
        FileRead { path: path.to_owned(), file, failure }
    }

    #[test]
    fn golden_cases() {
        golden::run("docker", |case| Ok(sample(raw(case), UNIX_EPOCH + NOW)));
    }

    #[test]
    fn old_figures_are_withdrawn() {
        let of = |age| {
            let at = UNIX_EPOCH;
            let round = Round { at, usages: Usages::from([("x".into(), Arc::default())]) };
            fresh(Latest { round: Some(Arc::new(round)), failure: None }, Some(age))
        };
        let (usages, gap) = of(Duration::from_secs(12));
        assert!(usages.len() == 1 && gap.is_none());
        let (usages, gap) = of(Duration::from_mins(1));
        assert!(usages.is_empty() && gap.is_some());
    }

    #[test]
    fn the_cap_counts_what_it_cuts_off() {
        let summary = |n: usize| ContainerSummary { id: Some(n.to_string()), ..Default::default() };
        let containers = (0..CAP + 7).map(summary).filter_map(Container::of).collect();
        let raw = Raw { containers, ..raw(Path::new("/nowhere")) };
        let batch = sample(raw, UNIX_EPOCH + NOW);
        assert_eq!(batch.drops(), [("containers", 7), ("services", 0)]);
    }
}
