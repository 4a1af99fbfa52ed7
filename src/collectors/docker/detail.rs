//! What only the inspection of a container says.

use std::path::{Path, PathBuf};

use super::api::{Config, Health, HostConfig, Inspection, LogConfig, Probe, State};
use super::container::{cut, known_health, known_state};
use super::time;

/// No path is longer.
const PATH: usize = 4096;

/// Without an inspection none of it is known.
#[derive(Debug, Default)]
pub struct Detail {
    pub name: String,
    pub state: String,
    pub health: &'static str,
    pub started: Option<f64>,
    pub finished: Option<f64>,
    pub exit_code: Option<i64>,
    pub oom_killed: Option<bool>,
    pub restarts: Option<i64>,
    /// Why it could not be started, if that is so.
    pub start_error: Option<StartError>,
    /// The restart policy: empty and `no` are the same.
    pub policy: String,
    pub check: Option<Check>,
    pub publishes_ports: bool,
    pub limits: Limits,
    pub network: NetworkKind,
    /// Of its first process, as the Engine sees it.
    pub pid: Option<u32>,
    /// As it was named when the container was made: with a tag, usually.
    pub image: Option<String>,
    /// The image that runs.
    pub image_id: String,
    pub privileged: bool,
    /// The socket of the Engine is mounted, or a folder with it: whoever breaks in owns the machine.
    pub mounts_engine: bool,
    pub log: Log,
    /// Mounts and runs of the health check beyond those that were looked at.
    pub more: u64,
    /// Counts that no honest Engine says, left out: which one is first.
    pub odd: Option<&'static str>,
}

/// Where the Engine's socket is, on its machine.
#[derive(Clone, Debug)]
pub struct Sockets(Vec<PathBuf>);

impl Default for Sockets {
    fn default() -> Self {
        Self(["/run/docker.sock", "/run/podman/podman.sock"].map(PathBuf::from).to_vec())
    }
}

impl Sockets {
    /// With the one that we use; `root` is where the root of the Engine's machine is for us.
    pub fn with(used: Option<&Path>, root: &Path) -> Self {
        let mut all = Self::default();
        all.0.extend(used.map(|used| {
            let outside = used.strip_prefix(root).map(|path| Path::new("/").join(path));
            of_today(&outside.unwrap_or_else(|_| used.to_owned()))
        }));
        all
    }

    /// Whether this is the socket, or a folder with it in it.
    fn are_in(&self, source: &str) -> bool {
        if source.ends_with("/docker.sock") || source.ends_with("/podman.sock") {
            return true;
        }
        let source = of_today(Path::new(source));
        source.is_absolute() && self.0.iter().any(|socket| socket.starts_with(&source))
    }
}

/// `/var/run` is a link to `/run`, and so nothing of it is in `/var`.
fn of_today(path: &Path) -> PathBuf {
    path.strip_prefix("/var/run").map_or_else(
        |_| path.to_owned(),
        |rest| {
            // Without a slash at the end.
            Path::new("/run").components().chain(rest.components()).collect()
        },
    )
}

/// Whose network a container uses.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum NetworkKind {
    #[default]
    Own,
    /// The machine's, or another container's: its traffic would be counted again.
    Borrowed,
}

/// Where the output of a container goes.
#[derive(Debug, Default)]
pub struct Log {
    pub driver: String,
    /// Whether it can only grow so far; `None` where the driver takes it elsewhere.
    pub bounded: Option<bool>,
    /// The file, as the Engine sees it.
    pub path: Option<String>,
}

/// Why a container could not be started: the Engine's text, sorted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StartError {
    PortInUse,
    BinaryMissing,
    Mount,
    Permission,
    Image,
    Other,
}

impl StartError {
    pub const ALL: [(&'static str, Self); 6] = [
        ("port_in_use", Self::PortInUse),
        ("binary_missing", Self::BinaryMissing),
        ("mount", Self::Mount),
        ("permission", Self::Permission),
        ("image", Self::Image),
        ("other", Self::Other),
    ];

    /// From `State.Error`.
    fn of(text: &str) -> Self {
        let text = text.to_lowercase();
        let says = |words: &[&str]| words.iter().any(|word| text.contains(word));
        if says(&["port is already allocated", "address already in use", "ports are not available"])
        {
            Self::PortInUse
        } else if says(&["mount"]) {
            Self::Mount
        } else if says(&["executable file not found", "no such file or directory"]) {
            Self::BinaryMissing
        } else if says(&["permission denied", "operation not permitted"]) {
            Self::Permission
        } else if says(&["image"]) {
            Self::Image
        } else {
            Self::Other
        }
    }
}

/// The health check of a container.
#[derive(Debug, Default)]
pub struct Check {
    pub failing_streak: Option<i64>,
    /// How long its last run took.
    pub took: Option<f64>,
    pub timeout: f64,
    /// When the first of the runs that are still known succeeded, with all before it known.
    pub first_success: Option<f64>,
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

impl Detail {
    pub fn of(found: Inspection, sockets: &Sockets) -> Self {
        let Inspection { state, host_config: host, config, .. } = found;
        let (health, check) = checked(state.health.as_ref(), &config);
        let network = host.network_mode.as_str();
        let borrows = network == "host" || network.starts_with("container:");
        let more = found.mounts.more + state.health.as_ref().map_or(0, |health| health.log.more);
        let restarts =
            found.restart_count.map(|count| u32::try_from(count).map_err(|_| "RestartCount"));
        let mounted = found.mounts.kept.iter().any(|mount| sockets.are_in(&mount.source));
        Self {
            name: cut(found.name.trim_start_matches('/')),
            // In a restart loop `Running` is true as well.
            state: known_state(if state.restarting {
                "restarting".to_owned()
            } else {
                cut(&state.status)
            }),
            health,
            started: time::seconds(&state.started_at),
            finished: time::seconds(&state.finished_at),
            exit_code: state.exit_code,
            oom_killed: state.oom_killed,
            restarts: restarts.and_then(Result::ok).map(i64::from),
            start_error: start_error(&state),
            policy: cut(&host.restart_policy.name),
            check,
            publishes_ports: host.publishes_ports,
            limits: Limits::of(&host),
            network: if borrows { NetworkKind::Borrowed } else { NetworkKind::Own },
            pid: state.pid.and_then(|pid| u32::try_from(pid).ok()).filter(|pid| *pid > 0),
            image: config.image.filter(|image| !image.is_empty()).map(|image| cut(&image)),
            image_id: cut(&found.image),
            privileged: host.privileged,
            mounts_engine: mounted,
            log: Log::of(&host.log_config, found.log_path),
            more,
            odd: restarts.and_then(Result::err),
        }
    }

    /// Whether the Engine starts it again whatever its exit code, unless somebody stopped it.
    pub fn always_restarts(&self) -> bool {
        matches!(self.policy.as_str(), "always" | "unless-stopped")
    }
}

/// A container that runs, or ended by itself, was started well. The text stays until the next
/// start.
fn start_error(state: &State) -> Option<StartError> {
    let status = known_state(state.status.clone());
    let failed = matches!(status.as_str(), "created" | "exited" | "dead");
    (failed && !state.error.is_empty()).then(|| StartError::of(&state.error))
}

fn checked(health: Option<&Health>, config: &Config) -> (&'static str, Option<Check>) {
    let Some(health) = health else { return ("none", None) };
    let status = known_health(&health.status);
    if status == "none" {
        return (status, None);
    }
    let timeout = config.healthcheck.as_ref().map_or(0, |check| check.timeout);
    let check = Check {
        failing_streak: health.failing_streak.filter(|streak| *streak >= 0),
        took: health.log.kept.last().and_then(took),
        timeout: if timeout > 0 { timeout as f64 / 1e9 } else { 30.0 },
        first_success: first_success(&health.log.kept),
    };
    (status, Some(check))
}

fn took(run: &Probe) -> Option<f64> {
    Some(time::seconds(&run.end)? - time::seconds(&run.start)?).filter(|took| *took >= 0.0)
}

/// The Engine keeps the last five runs: with fewer the first is among them.
fn first_success(log: &[Probe]) -> Option<f64> {
    let first = log.iter().find(|run| run.exit_code == 0)?;
    if log.len() < 5 { time::seconds(&first.end) } else { None }
}

impl Limits {
    fn of(host: &HostConfig) -> Self {
        let size = |value: Option<i64>| value.and_then(|value| u64::try_from(value).ok());
        let set = |value: Option<i64>| size(value).filter(|value| *value > 0);
        let period = set(host.cpu_period).unwrap_or(100_000);
        // A billionth of a core in a period: `--cpus` is stored as NanoCpus and no quota.
        let cpus = set(host.nano_cpus).map(|nano| nano.saturating_mul(period) / 1_000_000_000);
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

impl Log {
    fn of(config: &LogConfig, path: String) -> Self {
        let sized = |key: &str| {
            config.options.get(key).is_some_and(|size| !matches!(size.as_str(), "" | "-1" | "0"))
        };
        let bounded = match config.driver.as_str() {
            "json-file" => Some(sized("max-size")),
            // It rotates by default.
            "local" | "none" => Some(true),
            _ => None,
        };
        let path = Some(path).filter(|path| !path.is_empty() && path.len() <= PATH);
        Self { driver: cut(&config.driver), bounded, path }
    }
}

#[cfg(test)]
mod tests;
