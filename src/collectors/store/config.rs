//! A store in the configuration file.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Access, Dur, SafeUrl};
use crate::plan::Thresholds;

/// A store of one kind: `redis`, `qdrant` or `mongo`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Store {
    /// Address of Redis, Valkey or KeyDB: `redis://127.0.0.1:6379`, `rediss://cache.example.com` with TLS,
    /// `unix:///run/redis/redis.sock`. The password goes into `password_file`, with `username` for a user of
    /// its access list.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redis: Option<SafeUrl>,
    /// Address of Qdrant's HTTP port: `http://127.0.0.1:6333`. Its key goes into `header_files`:
    /// `{ api-key: /run/secrets/qdrant }`, and the read-only key will do.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub qdrant: Option<SafeUrl>,
    /// Address of MongoDB: `mongodb://127.0.0.1:27017`, with `?tls=true` for TLS. It is asked without a login:
    /// where the server wants one, only whether it answers and its role are told.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mongo: Option<SafeUrl>,
    /// Collections of Qdrant that must be there. Others are told of as well, up to 100; one that was
    /// seen and is gone is told of for a day.
    #[schemars(extend("x-show-value" = true))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub collections: Vec<String>,
    #[serde(flatten)]
    pub access: Access,
    /// The Compose service in which it runs, as `redis` or `shop/redis`: while that service is down, the alert
    /// that the store does not answer is muted. Default: found by its address among the services of the section
    /// `docker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Deadline of a reading; default `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    pub thresholds: Thresholds,
}

impl Store {
    /// What tells one store from another: thresholds and deadlines are no reason to begin anew.
    pub(super) fn identity(&self) -> Self {
        Self { service: None, thresholds: Thresholds::default(), ..self.clone() }
    }
}
