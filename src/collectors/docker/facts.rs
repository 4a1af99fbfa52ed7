//! What is kept of the Engine's answers. The models of `bollard` hold all of a container, its
//! environment and the output of its health checks included; they end here, right after decoding.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bollard::models::{
    ContainerInspectResponse, ContainerState, ContainerSummary, HealthcheckResult, HostConfig,
};

use super::time;

/// What names a container: the labels that all its series share.
#[derive(Debug, Default, PartialEq)]
pub struct Names {
    /// `/docker/<64 hex>`, as cAdvisor has it with the cgroupfs driver.
    pub id: String,
    pub name: String,
    pub image: String,
    pub project: String,
    pub service: String,
}

/// A container as the list has it, with what the inspection adds.
#[derive(Debug)]
pub struct Container {
    pub id: String,
    pub names: Arc<Names>,
    pub state: String,
    /// Status of the health check; `none` where there is none.
    pub health: &'static str,
    pub created: Option<i64>,
    /// Made by `docker compose run`.
    pub oneoff: bool,
    /// The Compose files it was made from.
    pub files: Vec<String>,
    /// Services that must end well before this one starts.
    pub awaited: Vec<String>,
    /// The exit code in the list's text, of a container that has ended.
    pub ended_with: Option<i64>,
    pub detail: Option<Detail>,
}

/// What only the inspection says.
#[derive(Debug, Default)]
pub struct Detail {
    pub started: Option<f64>,
    pub finished: Option<f64>,
    pub exit_code: Option<i64>,
    pub oom_killed: Option<bool>,
    pub restarts: Option<i64>,
    /// The restart policy: empty and `no` are the same.
    pub policy: String,
    pub check: Option<Check>,
    pub publishes_ports: bool,
    pub limits: Limits,
    /// Uses the network of another container, and would count its traffic again.
    pub borrows_network: bool,
}

/// The health check of a container.
#[derive(Debug)]
pub struct Check {
    pub failing_streak: Option<i64>,
    /// How long its last run took.
    pub took: Option<f64>,
    pub timeout: f64,
}

/// As set at creation; 0 is no limit.
#[derive(Clone, Copy, Debug, Default)]
pub struct Limits {
    pub memory: u64,
    pub reservation: u64,
    /// Memory and swap together.
    pub swap: u64,
    pub shares: u64,
    pub period: u64,
    /// Microseconds of a period.
    pub quota: Option<u64>,
    pub pids: Option<u64>,
}

impl Container {
    pub fn of(summary: ContainerSummary) -> Option<Self> {
        let id = summary.id?;
        let mut labels = summary.labels.unwrap_or_default();
        let mut label = |key| labels.remove(&format!("com.docker.compose.{key}"));
        let names = Names {
            id: format!("/docker/{id}"),
            name: summary.names.as_deref().and_then(name).unwrap_or_default(),
            image: summary.image.unwrap_or_default(),
            project: label("project").unwrap_or_default(),
            service: label("service").unwrap_or_default(),
        };
        let status = summary.status.unwrap_or_default();
        Some(Self {
            id,
            names: Arc::new(names),
            state: summary.state.map(|state| state.to_string()).unwrap_or_default(),
            health: health_of(&status),
            created: summary.created,
            oneoff: label("oneoff").is_some_and(|text| text.eq_ignore_ascii_case("true")),
            files: split(&label("project.config_files").unwrap_or_default()),
            awaited: awaited(&label("depends_on").unwrap_or_default()),
            ended_with: ended_with(&status),
            detail: None,
        })
    }

    /// Takes over what the inspection says; it is newer than the list.
    pub fn inspected(&mut self, found: ContainerInspectResponse) {
        let state = found.state.unwrap_or_default();
        if let Some(status) = state.status {
            self.state = status.to_string();
        }
        if state.restarting == Some(true) {
            // In a restart loop `Running` is true as well.
            "restarting".clone_into(&mut self.state);
        }
        let (image, check_timeout) = found.config.map_or((None, None), |config| {
            (config.image, config.healthcheck.and_then(|check| check.timeout))
        });
        if let (Some(image), Some(names)) = (image, Arc::get_mut(&mut self.names)) {
            // The list shows a bare id once the tag has moved on.
            names.image = image;
        }
        let host = found.host_config.unwrap_or_default();
        let (health, detail) = Detail::of(state, &host, check_timeout);
        self.health = health;
        self.detail = Some(Detail { restarts: found.restart_count, ..detail });
    }

    /// Whether its processes exist, or the Engine is about to start them again.
    pub fn is_alive(&self) -> bool {
        matches!(self.state.as_str(), "running" | "paused" | "restarting" | "stopping")
    }

    /// Whether there is something to measure.
    pub fn has_usage(&self) -> bool {
        matches!(self.state.as_str(), "running" | "paused")
    }

    pub fn is_of_compose(&self) -> bool {
        !self.names.project.is_empty() && !self.names.service.is_empty() && !self.oneoff
    }
}

impl Detail {
    fn of(
        state: ContainerState,
        host: &HostConfig,
        check_timeout: Option<i64>,
    ) -> (&'static str, Self) {
        let health = state.health;
        let status = health.as_ref().and_then(|health| health.status);
        let status = known_health(&status.map(|status| status.to_string()).unwrap_or_default());
        let check = health.filter(|_| status != "none").map(|health| Check {
            failing_streak: health.failing_streak,
            took: health.log.as_deref().and_then(<[_]>::last).and_then(took),
            timeout: nanos(check_timeout).filter(|timeout| *timeout > 0.0).unwrap_or(30.0),
        });
        let policy = host.restart_policy.as_ref().and_then(|policy| policy.name);
        let ports = host.port_bindings.as_ref();
        let network = host.network_mode.as_deref().unwrap_or_default();
        let detail = Self {
            started: state.started_at.as_deref().and_then(time::seconds),
            finished: state.finished_at.as_deref().and_then(time::seconds),
            exit_code: state.exit_code,
            oom_killed: state.oom_killed,
            restarts: None,
            policy: policy.map(|name| name.to_string()).unwrap_or_default(),
            check,
            publishes_ports: ports.is_some_and(|ports| !ports.is_empty()),
            limits: Limits::of(host),
            borrows_network: network.starts_with("container:"),
        };
        (status, detail)
    }
}

impl Limits {
    fn of(host: &HostConfig) -> Self {
        let size = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        let set = |value: Option<i64>| size(value).filter(|value| *value > 0);
        let period = set(host.cpu_period).unwrap_or(100_000);
        // A billionth of a core in a period: `--cpus` is stored as NanoCpus and no quota.
        let cpus = set(host.nano_cpus).map(|nano| nano * period / 1_000_000_000);
        Self {
            memory: size(host.memory).unwrap_or(0),
            reservation: size(host.memory_reservation).unwrap_or(0),
            swap: size(host.memory_swap).unwrap_or(0),
            shares: set(host.cpu_shares).unwrap_or(1024),
            period,
            quota: set(host.cpu_quota).or(cpus),
            pids: set(host.pids_limit),
        }
    }

    /// Cores that the container may use.
    pub fn cores(&self) -> Option<f64> {
        Some(self.quota? as f64 / self.period as f64)
    }
}

/// The container's own name; with old links it has those of others too: `/other/alias`.
fn name(names: &[String]) -> Option<String> {
    let plain = |name: &&String| !name.trim_start_matches('/').contains('/');
    let name = names.iter().find(plain).or(names.first())?;
    Some(name.trim_start_matches('/').to_owned())
}

fn known_health(status: &str) -> &'static str {
    match status {
        "healthy" => "healthy",
        "unhealthy" => "unhealthy",
        "starting" => "starting",
        _ => "none",
    }
}

/// From the text of the list: `Up 3 seconds (health: starting)`.
fn health_of(status: &str) -> &'static str {
    let inner = status.rsplit_once('(').map_or("", |(_, inner)| inner);
    known_health(inner.trim_end_matches(')').trim_start_matches("health: "))
}

/// From the text of the list: `Exited (3) 5 seconds ago`.
fn ended_with(status: &str) -> Option<i64> {
    status.strip_prefix("Exited (")?.split_once(')')?.0.parse().ok()
}

fn split(list: &str) -> Vec<String> {
    list.split(',').filter(|part| !part.is_empty()).map(str::to_owned).collect()
}

/// From `service:condition:restart,...`: the services whose end is waited for, jobs therefore.
fn awaited(depends_on: &str) -> Vec<String> {
    let parts = depends_on.split(',').filter_map(|part| part.split_once(':'));
    parts
        .filter(|(_, condition)| condition.starts_with("service_completed_successfully"))
        .map(|(service, _)| service.to_owned())
        .collect()
}

fn took(run: &HealthcheckResult) -> Option<f64> {
    let (start, end) = (run.start.as_deref()?, run.end.as_deref()?);
    Some(time::seconds(end)? - time::seconds(start)?).filter(|took| *took >= 0.0)
}

fn nanos(value: Option<i64>) -> Option<f64> {
    value.map(|nanos| nanos as f64 / 1e9)
}

/// What a container uses. Counters are of the present run of the container. What a source does not
/// say is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Usage {
    pub cpu: Cpu,
    pub memory: Memory,
    pub threads: Option<u64>,
    pub processes: Option<u64>,
    pub sockets: Option<u64>,
    /// Open files.
    pub descriptors: Option<u64>,
    /// By interface.
    pub networks: BTreeMap<String, Network>,
    /// By major and minor number of the device.
    pub disks: BTreeMap<(u64, u64), Disk>,
    pub pressure: Pressure,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: Option<u64>,
}

/// Seconds and numbers of CFS periods.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Cpu {
    pub total: Option<f64>,
    pub user: Option<f64>,
    pub system: Option<f64>,
    pub periods: Option<u64>,
    pub throttled: Option<u64>,
    pub throttled_seconds: Option<f64>,
}

/// Bytes, and numbers of events.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Memory {
    pub usage: Option<u64>,
    pub working_set: Option<u64>,
    pub max: Option<u64>,
    pub rss: Option<u64>,
    pub cache: Option<u64>,
    pub mapped: Option<u64>,
    pub swap: Option<u64>,
    /// What the kernel cannot take back: anonymous, shared and its own.
    pub unreclaimable: Option<u64>,
    /// Times that the limit was hit.
    pub limit_hits: Option<u64>,
    pub faults: Option<u64>,
    pub major_faults: Option<u64>,
}

/// Seconds in which some (waiting) or all (stalled) processes could not go on for want of it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Pressure {
    pub cpu: Stall,
    pub memory: Stall,
    pub io: Stall,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Stall {
    pub waiting: Option<f64>,
    pub stalled: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Network {
    pub received: Traffic,
    pub sent: Traffic,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Traffic {
    pub bytes: Option<u64>,
    pub packets: Option<u64>,
    pub errors: Option<u64>,
    pub dropped: Option<u64>,
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Disk {
    pub read_bytes: Option<u64>,
    pub written_bytes: Option<u64>,
    pub reads: Option<u64>,
    pub writes: Option<u64>,
}

/// By the id of the container.
pub type Usages = HashMap<String, Arc<Usage>>;
