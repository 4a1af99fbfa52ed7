//! The Docker Engine in the configuration file.

use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Dur, SafeUrl};
use crate::plan::Thresholds;

/// The Docker Engine and the services that it should run.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Docker {
    /// Address of the Engine: `unix:///var/run/docker.sock`, or `tcp://127.0.0.1:2375` for a
    /// filtering proxy; default `DOCKER_HOST`, else the usual socket.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<SafeUrl>,
    /// Deadline of a reading; default `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    /// Compose files whose services must run, also when they never did; none by default: then the
    /// containers that exist, stopped ones too, say which services there are. Files of one project
    /// add up as with `docker compose -f a.yml -f b.yml`. They are read again when they change;
    /// `include` and `extends` are not followed.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub compose_files: Vec<PathBuf>,
    #[serde(default)]
    pub thresholds: Thresholds,
}
