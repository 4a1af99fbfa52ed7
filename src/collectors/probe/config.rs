//! A probe in the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::{Access, Dur, SafeUrl};
use crate::plan::Thresholds;

/// Something that has to answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Probe {
    /// What is asked, and how: `https://app.example.com/health`, `tcp://127.0.0.1:6379`,
    /// `tls://mail.example.com:465`, `wss://app.example.com/ws?topics=tasks`, `icmp://10.0.0.1`.
    pub url: SafeUrl,
    #[serde(flatten)]
    pub ask: Ask,
    /// A WebSocket that is held open this long, beside the readings: proxies with a wrong time limit cut
    /// it after 60 s. Default `65s`; `0s` holds none. For `ws` and `wss`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold: Option<Dur>,
    /// From the begin of one such hold to the next; default `15m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hold_every: Option<Dur>,
    /// An answer that takes longer is slow, which is told as a share of fifteen minutes and is not down.
    /// Default `1s`, or half of the time that the probe has, if that is shorter. It must be shorter than
    /// nine tenths of `timeout`, when the probe gives up.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub slow: Option<Dur>,
    /// The Compose service that answers there, as `api` or `shop/api`: while that service is down, the
    /// alert that the probe fails is muted. Default: found by its address among the services of the
    /// section `docker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// All that one probe may take; default `5s`. A little of it is kept for telling what hung.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// What is sent, and what has to come back.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct Ask {
    #[serde(flatten)]
    pub access: Access,
    /// Status codes of HTTP that are well; default all from 200 to 299.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<u16>,
    /// Headers of the request, for example `{ Host: app.example.com }`. Secrets belong into
    /// `header_files`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub headers: BTreeMap<String, String>,
    /// Regular expression that the body must match, within its first megabyte.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub body: Option<String>,
    /// What stands in a body of JSON, by dotted path: `{ status: ok, "checks.0.up": "true" }`. A path
    /// that begins with `/` is a JSON pointer. Numbers and truth values are compared as they are written.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub json: BTreeMap<String, String>,
    /// Headers that the answer must have, each `Name` or `Name: value`. One that is missing is told by an
    /// alert of its own and is not down. At most 16.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub required_headers: Vec<String>,
    /// `follow` (the default; ten at most), `refuse`, or the address at which it must end: its host in
    /// full, and the beginning of the path: `https://app.example.com/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub redirects: Option<String>,
    /// Text that is sent once the connection is there, for `tcp` and `tls`: `"PING\r\n"`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub send: Option<String>,
    /// Regular expression that what comes back must match, for `tcp` and `tls`, within its first 64 kB.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<String>,
    /// PEM file whose first certificate the server should present: one that was renewed and not loaded
    /// is told before it has run out.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub certificate_file: Option<PathBuf>,
    /// `environment` asks by way of the proxy that `http_proxy`, `https_proxy` and `no_proxy` name.
    /// A proxy that wants a login, or TLS, cannot be used: the probe fails in the phase `prepare` for the
    /// reason `proxy`. Default: no proxy, whatever the environment says. For `http` and `https`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub proxy: Option<Proxy>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "lowercase")]
pub enum Proxy {
    /// As the environment says.
    Environment,
}

impl Probe {
    /// What tells one probe from another: thresholds and deadlines are no reason to begin anew.
    pub(super) fn identity(&self) -> Self {
        Self { service: None, thresholds: Thresholds::default(), ..self.clone() }
    }
}
