//! The Docker Engine in the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Dur, SafeUrl, Tls};
use crate::plan::Thresholds;

/// The Docker Engine and the services that it should run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Docker {
    /// Whether the Engine is watched; default `true`. Without the section it is watched if it can
    /// be found.
    pub enabled: bool,
    /// Address of the Engine: `unix:///var/run/docker.sock`, `tcp://127.0.0.1:2375` for a filtering
    /// proxy, or `https://host:2376`; default `DOCKER_HOST`, else the usual sockets of Docker and
    /// Podman.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<SafeUrl>,
    /// As for `docker --tlsverify`; with `DOCKER_HOST` and `DOCKER_TLS_VERIFY` the files in
    /// `DOCKER_CERT_PATH` are taken.
    #[serde(flatten)]
    pub tls: Tls,
    /// Deadline of a reading; default `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    /// Compose files whose services must run, also when they never did; none by default: then the
    /// containers that exist, stopped ones too, say which services there are. Files of one project
    /// add up as with `docker compose -f a.yml -f b.yml`. They are read again when they change,
    /// as are the files that they include or extend, and `.env` beside them.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compose_files: Vec<PathBuf>,
    /// Profiles that are in use, as with `docker compose --profile`; default those that
    /// `COMPOSE_PROFILES` names in the `.env` beside a file.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub profiles: Vec<String>,
    /// Other names of services: `{ mongodb: mongo }` shows what a document calls `mongodb` as `mongo`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub aliases: BTreeMap<String, String>,
    /// How long after a container was made its service may be incomplete without an alert; default
    /// `2m`.
    pub deploy_window: Dur,
    /// From where a published port may be reached, by the container's port: `loopback`, `private`,
    /// `any`, or ranges of addresses with commas between, such as a VPN's `10.8.0.0/24`. By default
    /// the usual ports of databases and brokers are `loopback`, and all others are not judged.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub ports: BTreeMap<String, String>,
    /// Processes that must run inside, by the name of the service or container: regular expressions
    /// that are searched in command lines, as `pgrep -f` does.
    #[schemars(extend("x-verbatim" = true))]
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub processes: BTreeMap<String, Vec<String>>,
    /// Services and containers that may be privileged or have the Engine's socket.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub privileged: Vec<String>,
    /// Containers that are left out altogether, without series, state, judgement or inspection; a
    /// service of theirs is not missing. A pattern names a container, a service or
    /// `project/service`: `ci-*`, `shop/worker`, `sandbox/*` for a whole project; with `image:` before
    /// it an image: `image:*/runner`, whatever the tag. The same is asked for by a label of the
    /// container or of the service in a Compose file, `stack-exporter.ignore=true`.
    /// `stack_docker_exclude_matches` is 0 for a pattern that matches nothing.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
    /// Labels of containers that become labels `container_label_...` of cAdvisor's series; none but
    /// Compose's project, service and number by default. Each value is new series.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub container_labels: Vec<String>,
    /// How often the Engine walks through layers, volumes and build cache to add up their sizes;
    /// default `15m`, `0s` is never.
    pub disk_usage_interval: Dur,
    /// Where the host's proc file system is; default `/proc`. In a container that has the host's
    /// mounted: `/host/proc`.
    pub proc_path: PathBuf,
    /// Where the host's control groups are; default `/sys/fs/cgroup`. In a container that has them
    /// mounted: `/host/sys/fs/cgroup`. Without them CPU, memory and so on are asked of the Engine.
    pub cgroup_path: PathBuf,
    /// Where the host's root is, for the sizes of log files; default `/`. In a container that has
    /// `/var/lib/docker/containers` mounted at `/host/var/lib/docker/containers`: `/host`.
    pub root_path: PathBuf,
    pub thresholds: Thresholds,
}

impl Default for Docker {
    fn default() -> Self {
        Self {
            enabled: true,
            url: None,
            timeout: None,
            tls: Tls::default(),
            compose_files: Vec::new(),
            profiles: Vec::new(),
            aliases: BTreeMap::new(),
            deploy_window: Dur(Duration::from_mins(2)),
            ports: BTreeMap::new(),
            processes: BTreeMap::new(),
            privileged: Vec::new(),
            exclude: Vec::new(),
            container_labels: Vec::new(),
            disk_usage_interval: Dur(Duration::from_mins(15)),
            proc_path: "/proc".into(),
            cgroup_path: "/sys/fs/cgroup".into(),
            root_path: "/".into(),
            thresholds: Thresholds::default(),
        }
    }
}
