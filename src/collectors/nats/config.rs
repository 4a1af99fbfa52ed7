//! A NATS server in the configuration file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Access, Dur, SafeUrl};
use crate::plan::Thresholds;

/// A NATS server's monitoring port.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Nats {
    /// Address of the monitoring port, for example `http://127.0.0.1:8222`.
    pub url: SafeUrl,
    #[serde(flatten)]
    pub access: Access,
    /// Deadline of a reading; default `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
}
