//! A service of Compose, or a container by itself.

use serde::Serialize;

use super::{Day, Mood};

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Service {
    pub project: String,
    pub service: String,
    pub mood: Mood,
    /// The word of `stack_service_state`: running, degraded, restarting, ...
    pub state: String,
    pub health: Option<Health>,
    /// Since when the replica runs that was started last, or since when none does.
    pub since: Option<f64>,
    pub replicas_running: u64,
    pub replicas_wanted: u64,
    /// All replicas together.
    pub cpu_cores: Usage,
    pub memory_bytes: Usage,
    /// By the restart policy in the last 24 hours, as far as it was watched.
    pub restarts: Option<u64>,
    pub image: Option<Image>,
    pub ports: Vec<Port>,
    pub last_error: Option<LastError>,
    pub day: Day,
    /// Names of its containers.
    pub containers: Vec<String>,
}

/// The worst of its replicas.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Health {
    Healthy,
    Starting,
    Unhealthy,
}

/// What is used, and what may be; `None` is not known, or no limit.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize)]
pub struct Usage {
    pub used: Option<f64>,
    pub limit: Option<f64>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct Image {
    pub name: String,
    /// Since it was built.
    pub age_seconds: Option<f64>,
    /// Its tag means another image by now.
    pub outdated: bool,
}

#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Port {
    /// "8080/tcp", as the container has it.
    pub port: String,
    /// The class of the address that it is published on: loopback, private, public, ...
    pub address: String,
    /// Whether it can be reached from further away than it should.
    pub exposed: bool,
}

/// The newest kind of error in its log.
#[derive(Clone, Debug, Default, PartialEq, Serialize)]
pub struct LastError {
    pub at: f64,
    /// What varies is masked.
    pub text: String,
    /// How often, as long as the log is watched.
    pub count: u64,
    /// The target of the area `logs` that has it.
    pub log: String,
}
