//! The Engine's answers, as far as they are of use. What is not named here is skipped while the
//! text is decoded: the environment of a container and the output of its health checks never
//! become values of this process. All fields may be missing: versions of the API differ.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

use super::ports::Ports;
use crate::clients::engine::api::or_default;

/// Whether there is anything in a map, which may also be `null`. What is in it is skipped.
fn is_filled<'de, D: Deserializer<'de>>(deserializer: D) -> Result<bool, D::Error> {
    struct Filled;
    impl<'de> Visitor<'de> for Filled {
        type Value = bool;

        fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.write_str("a map")
        }

        fn visit_unit<E>(self) -> Result<bool, E> {
            Ok(false)
        }

        fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<bool, A::Error> {
            let mut filled = false;
            while map.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {
                filled = true;
            }
            Ok(filled)
        }
    }
    deserializer.deserialize_any(Filled)
}

/// As many elements of a list as anybody needs, and how many more there are.
#[derive(Debug)]
pub struct Capped<T, const MOST: usize> {
    pub kept: Vec<T>,
    pub more: u64,
}

impl<T, const MOST: usize> Default for Capped<T, MOST> {
    fn default() -> Self {
        Self { kept: Vec::new(), more: 0 }
    }
}

impl<'de, T: Deserialize<'de>, const MOST: usize> Deserialize<'de> for Capped<T, MOST> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct List<T, const MOST: usize>(PhantomData<T>);
        impl<'de, T: Deserialize<'de>, const MOST: usize> Visitor<'de> for List<T, MOST> {
            type Value = Capped<T, MOST>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
                let mut capped = Capped::default();
                while capped.kept.len() < MOST {
                    match list.next_element()? {
                        Some(one) => capped.kept.push(one),
                        None => return Ok(capped),
                    }
                }
                while list.next_element::<IgnoredAny>()?.is_some() {
                    capped.more += 1;
                }
                Ok(capped)
            }
        }
        deserializer.deserialize_seq(List(PhantomData))
    }
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
    pub ports: Ports,
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
    pub mounts: Capped<Mount, 256>,
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
    /// The last five.
    #[serde(deserialize_with = "or_default")]
    pub log: Capped<Probe, 16>,
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
    /// Whether it publishes ports.
    #[serde(rename = "PortBindings", deserialize_with = "is_filled")]
    pub publishes_ports: bool,
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

/// A line of `GET /events`. Own, as the library's type has closed words (of what kind a thing is, and
/// the scope): one that it does not know ends the stream; and it lacks Podman's state of health.
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
