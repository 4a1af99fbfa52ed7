//! A source of log lines in the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::input::containers::Streams;
use super::presets::Preset;
use super::rules::written::Rule;
use super::scan::forms::Form;
use crate::config::{Dur, SafeUrl};
use crate::plan::Thresholds;

/// The log of one program: `files`, or the output of a `container` or a `compose_service`, or the
/// `journal`, or `stdin`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Logs {
    /// Absolute paths, with `*`, `?`, `[a-z]`, `{a,b}` and `**` where names vary, for example
    /// `/srv/bot/logs/ai_library_bot_*.log`. Rotated files are followed by themselves; compressed
    /// ones are never read.
    #[schemars(extend("x-show-value" = true))]
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub files: Vec<String>,
    /// Name of a container whose output is read, with `*` and `?` where it varies. Its file is read
    /// where that is in reach, else the Engine is asked.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub container: Option<String>,
    /// A service of a Compose project, as `service` or `project/service`: the output of all its
    /// containers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub compose_service: Option<String>,
    /// Which output of containers is read; default `both`.
    pub streams: Streams,
    /// Address of the Engine of `container` and `compose_service`; default that of the section
    /// `docker`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine: Option<SafeUrl>,
    /// Where the Engine's `/` is seen from here, for example `/host`; default `/`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub engine_root: Option<PathBuf>,
    /// Entries of the journal of systemd.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub journal: Option<Journal>,
    /// Whether the lines come from the standard input of the exporter; default `false`.
    pub stdin: bool,
    /// How the program writes its lines: `python`, `json`, `loguru`, `logfmt`, `uvicorn`, `nginx_combined`, `access`,
    /// `nginx_error`, `postgresql`, `plain`, a form of docs/logs.md, or one of `forms`; default: found by itself, line by
    /// line. With it lines of any other form belong to the event before them.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub format: Option<String>,
    /// Forms of lines that are not known yet, by a name of yours: how a line begins, which words are its levels, which
    /// fields hold what. `config check --sample` shows what they find.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub forms: BTreeMap<String, Form>,
    /// Where reading begins in what is there at the very first look; default `end`. From then on
    /// reading goes on where it stopped, also over restarts.
    pub start: Start,
    /// Ready rules for documented texts, for example `[python, rate_limit]`; default none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<Preset>,
    /// What to look for in each line, by a name that becomes the label `rule`. A rule with the name
    /// of a preset's takes its place.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Rule>,
    /// Hours of the day in which the program is expected to write, for example `08:00-22:00` in the
    /// time zone of the host: silence counts only within them. Default: always.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub hours: Option<String>,
    /// Whether the page and the API show one whole line of each kind of error; default `false`:
    /// lines may hold what is secret.
    pub error_samples: bool,
    /// Whether the 20 busiest client addresses of an access log become a label; default `false`:
    /// addresses are personal data.
    pub client_addresses: bool,
    /// The Compose service that writes it, as `api` or `shop/api`: while that service is down, the alert
    /// that the log cannot be read is muted. Default: `compose_service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Deadline of a look at the source; default `5s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    pub thresholds: Thresholds,
}

/// Entries of the journal; of several settings all must hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Journal {
    /// A unit, as `journalctl -u` takes it: `ai-library-bot` or `ai-library-bot.service`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// The program's name in the journal, as `journalctl -t` takes it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub identifier: Option<String>,
    /// Where the journal files are; default `/var/log/journal` and `/run/log/journal`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub directory: Option<PathBuf>,
}

/// Where reading starts in what is there at the first look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Only lines that are finished from now on count.
    #[default]
    End,
    /// The lines that are already there count too.
    Beginning,
}
