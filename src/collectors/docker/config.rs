//! The Docker Engine in the configuration file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Dur, SafeUrl};
use crate::plan::Thresholds;

/// The Docker Engine and the services that it should run.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Docker {
    /// Whether the Engine is watched; default `true`. Without the section it is watched if it can
    /// be found.
    pub enabled: bool,
    /// Address of the Engine: `unix:///var/run/docker.sock`, or `tcp://127.0.0.1:2375` for a
    /// filtering proxy; default `DOCKER_HOST`, else the usual socket.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<SafeUrl>,
    /// Deadline of a reading; default `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    /// Compose files whose services must run, also when they never did; none by default: then the
    /// containers that exist, stopped ones too, say which services there are. Files of one project
    /// add up as with `docker compose -f a.yml -f b.yml`. They are read again when they change;
    /// `include` and `extends` are not followed.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub compose_files: Vec<PathBuf>,
    pub thresholds: Thresholds,
}

impl Default for Docker {
    fn default() -> Self {
        Self {
            enabled: true,
            url: None,
            timeout: None,
            compose_files: Vec::new(),
            thresholds: Thresholds::default(),
        }
    }
}
