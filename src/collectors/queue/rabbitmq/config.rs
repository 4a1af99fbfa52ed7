//! Queues of RabbitMQ, in the configuration file.

use globset::{Glob, GlobSetBuilder};
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::Wanted;
use crate::config::{Access, SafeUrl};

/// Queues of a virtual host of RabbitMQ, read from its management plugin.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct RabbitMq {
    /// Address of the management plugin, for example `http://127.0.0.1:15672`.
    pub url: SafeUrl,
    /// For `url`: a user with the tag `monitoring`, or one that may use the virtual host and has the tag `management`.
    #[serde(flatten)]
    pub access: Access,
    /// The virtual host; default `/`.
    #[serde(default = "root", skip_serializing_if = "is_root")]
    #[schemars(extend("x-show-value" = true))]
    pub vhost: String,
    /// Names of queues, also with `*` and `?`: `[celery, "mail.*"]`. Default all that are neither exclusive nor
    /// deleted with their last consumer.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    #[schemars(extend("x-show-value" = true))]
    pub queues: Vec<String>,
}

fn root() -> String {
    "/".to_owned()
}

fn is_root(vhost: &str) -> bool {
    vhost == "/"
}

impl RabbitMq {
    /// Which queues are wanted, or the first pattern that is none.
    pub fn wanted(&self) -> Result<Wanted, String> {
        let mut set = GlobSetBuilder::new();
        for pattern in &self.queues {
            let glob = Glob::new(pattern).map_err(|_| {
                format!("expected a name or a pattern such as `mail.*`, found `{pattern}`")
            })?;
            set.add(glob);
        }
        let set = set.build().map_err(|_| "the patterns are too many".to_owned())?;
        Ok(Wanted { patterns: self.queues.clone(), set })
    }
}
