//! The Engine's answers, as far as they are of use. What is not named here is skipped while the
//! text is decoded: the environment of a container and the output of its health checks never
//! become values of this process. All fields may be missing: versions of the API differ.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer};

use crate::clients::engine::api::or_default;

/// The keys of a map that may also be `null`.
fn keys<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<String>, D::Error> {
    let map: BTreeMap<String, serde_json::Value> = or_default(deserializer)?;
    Ok(map.into_keys().collect())
}

/// An entry of `GET /containers/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Summary {
    pub id: String,
    #[serde(deserialize_with = "or_default")]
    pub names: Vec<String>,
    pub image: String,
    #[serde(deserialize_with = "or_default")]
    pub created: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub state: String,
    #[serde(deserialize_with = "or_default")]
    pub status: String,
    #[serde(deserialize_with = "or_default")]
    pub labels: BTreeMap<String, String>,
    #[serde(deserialize_with = "or_default")]
    pub ports: Vec<Port>,
    /// From API 1.52 on.
    pub health: Option<SummaryHealth>,
    /// With `size=1` only; left out where it is 0.
    #[serde(deserialize_with = "or_default")]
    pub size_rw: Option<i64>,
    /// The same, and never 0.
    #[serde(deserialize_with = "or_default")]
    pub size_root_fs: Option<i64>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct SummaryHealth {
    pub status: String,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Deserialize)]
#[serde(default)]
pub struct Port {
    #[serde(rename = "IP", deserialize_with = "or_default")]
    pub address: String,
    #[serde(rename = "PrivatePort")]
    pub container: u16,
    #[serde(rename = "PublicPort")]
    pub host: Option<u16>,
    #[serde(rename = "Type", deserialize_with = "or_default")]
    pub protocol: String,
}

/// `GET /containers/<id>/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Inspection {
    pub id: String,
    pub name: String,
    /// The image that runs, by its digest.
    pub image: String,
    pub restart_count: Option<i64>,
    pub log_path: String,
    pub state: State,
    pub host_config: HostConfig,
    pub config: Config,
    #[serde(deserialize_with = "or_default")]
    pub mounts: Vec<Mount>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct State {
    pub status: String,
    pub restarting: bool,
    #[serde(rename = "OOMKilled")]
    pub oom_killed: Option<bool>,
    pub pid: Option<i64>,
    pub exit_code: Option<i64>,
    pub error: String,
    pub started_at: String,
    pub finished_at: String,
    pub health: Option<Health>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Health {
    pub status: String,
    pub failing_streak: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub log: Vec<Probe>,
}

/// A run of a health check.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Probe {
    pub start: String,
    pub end: String,
    pub exit_code: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct HostConfig {
    pub memory: Option<i64>,
    pub memory_reservation: Option<i64>,
    pub memory_swap: Option<i64>,
    pub cpu_shares: Option<i64>,
    pub cpu_period: Option<i64>,
    pub cpu_quota: Option<i64>,
    pub nano_cpus: Option<i64>,
    pub pids_limit: Option<i64>,
    pub restart_policy: RestartPolicy,
    pub network_mode: String,
    pub privileged: bool,
    pub log_config: LogConfig,
    /// The ports that are published, with what is not of use here.
    #[serde(deserialize_with = "keys")]
    pub port_bindings: Vec<String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct RestartPolicy {
    pub name: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct LogConfig {
    #[serde(rename = "Type")]
    pub driver: String,
    #[serde(rename = "Config", deserialize_with = "or_default")]
    pub options: BTreeMap<String, String>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Config {
    pub image: Option<String>,
    pub healthcheck: Option<Healthcheck>,
}

/// Nanoseconds; 0 is the default.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Healthcheck {
    pub timeout: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Mount {
    pub source: String,
}

/// `GET /containers/<id>/top`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct TopAnswer {
    /// A row for each process, the command line last.
    #[serde(deserialize_with = "or_default")]
    pub processes: Vec<Vec<String>>,
}

/// A line of `GET /events`.
#[derive(Debug, Default, Deserialize)]
#[serde(default)]
pub struct Event {
    #[serde(rename = "Type")]
    pub kind: String,
    #[serde(rename = "Action")]
    pub action: String,
    #[serde(rename = "Actor")]
    pub actor: Actor,
    #[serde(rename = "timeNano")]
    pub nanos: i64,
    /// Podman's; the Engine has it in the action.
    #[serde(rename = "HealthStatus")]
    pub health: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Actor {
    #[serde(rename = "ID")]
    pub id: String,
    /// Labels of the container among them.
    #[serde(deserialize_with = "or_default")]
    pub attributes: BTreeMap<String, String>,
}

/// An entry of `GET /images/json`.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct Image {
    pub id: String,
    #[serde(deserialize_with = "or_default")]
    pub repo_tags: Vec<String>,
    pub created: i64,
}

/// `GET /system/df`. Up to API 1.51 lists, from 1.52 on sums as well.
#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DiskUsage {
    pub layers_size: Option<i64>,
    #[serde(deserialize_with = "or_default")]
    pub images: Vec<DfImage>,
    #[serde(deserialize_with = "or_default")]
    pub containers: Vec<DfContainer>,
    #[serde(deserialize_with = "or_default")]
    pub volumes: Vec<DfVolume>,
    #[serde(deserialize_with = "or_default")]
    pub build_cache: Vec<DfCache>,
    pub image_usage: Option<DfSum>,
    pub container_usage: Option<DfContainers>,
    pub volume_usage: Option<DfSum>,
    pub build_cache_usage: Option<DfSum>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DfImage {
    pub containers: i64,
    pub size: i64,
    pub shared_size: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DfContainer {
    pub id: String,
    /// Left out where it is 0.
    pub size_rw: i64,
    #[serde(deserialize_with = "or_default")]
    pub state: String,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DfVolume {
    pub usage_data: Option<DfVolumeUse>,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DfVolumeUse {
    pub size: i64,
    pub ref_count: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DfCache {
    pub size: i64,
    pub in_use: bool,
    pub shared: bool,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DfSum {
    pub total_size: i64,
    pub reclaimable: i64,
}

#[derive(Debug, Default, Deserialize)]
#[serde(default, rename_all = "PascalCase")]
pub struct DfContainers {
    #[serde(flatten)]
    pub sum: DfSum,
    /// With `verbose=1` only.
    #[serde(deserialize_with = "or_default")]
    pub items: Vec<DfContainer>,
}
