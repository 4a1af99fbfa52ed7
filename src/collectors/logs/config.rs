//! A source of log lines in the configuration file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::presets::Preset;
use crate::config::Dur;
use crate::plan::Thresholds;

/// Log files that belong together: one program's, in all its days and rotations.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Logs {
    /// Absolute paths, with `*`, `?`, `[a-z]`, `{a,b}` and `**` where names vary, for example
    /// `/srv/bot/logs/ai_library_bot_*.log`. Rotated files are followed by themselves; compressed
    /// ones are never read. Of more than 100 files the newest are read.
    #[schemars(extend("x-show-value" = true))]
    pub files: Vec<String>,
    /// Where the files are read from that are there at the first look; default `end`. Files that
    /// appear later are always read from their beginning.
    #[serde(default)]
    pub start: Start,
    /// Ready rules for documented texts, for example `[python, rate_limit]`; default none.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub presets: Vec<Preset>,
    /// What to look for in each line, by a name that becomes the label `rule`. A rule with the name
    /// of a preset's takes its place.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub rules: BTreeMap<String, Rule>,
    /// Deadline of a look at the files, which happens once a second; default `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
}

/// Where reading starts in files that are there at the first look.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Start {
    /// Only lines that are finished from now on count.
    #[default]
    End,
    /// The lines that are already there count too.
    Beginning,
}

/// What to look for in a line: a `literal` or a `regex`. A line counts once, however often it
/// matches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// A text that stands in the line as it is.
    #[schemars(extend("x-verbatim" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
    /// A regular expression; `^` and `$` are the ends of the line.
    #[schemars(extend("x-verbatim" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// Whether capital and small letters are the same; default `false`.
    pub ignore_case: bool,
    /// Named groups of `regex` by whose text the matches are counted as well; at most 20 different
    /// texts each, the rest counts as `other`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub labels: Vec<String>,
    /// Named groups of `regex` that are numbers: their sum and the last one become metrics.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub values: Vec<String>,
}
