//! Rules for texts that the operations guides document.
//!
//! Each preset is a file of rules as the configuration has them, to be read and copied from. Where
//! a guide shows no line, the texts are those of the library that writes them.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::rules::written::{Labels, Rule, Values};
use crate::config;

/// Rules by name.
pub type Written = BTreeMap<String, Rule>;

/// A set of ready rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Rule `traceback`: the first line of a Python traceback.
    Python,
    /// Rules `error` and `exception`: lines with these words, in capital or small letters, as
    /// `grep -i` finds them. The level of a line is counted anyway and is the better measure.
    Errors,
    /// Rule `rate_limit`: `Rate limit exceeded`, `429 Too Many Requests` and the like; rules
    /// `quota` and `api_key` for what does not cure itself.
    RateLimit,
    /// Rule `tts_failed`: EdgeTTS gives no sound.
    Tts,
    /// Rules `sync_ok`, `sync_locked`, `sync_row_error` and `sync_api_error` of a worker that reads
    /// Google Sheets. Give the period of `sync_ok` with `sync_ok: { expect: { every: 1h } }`.
    SheetsSync,
    /// Rule `requests`: requests that a Telegram bot has taken. With a rule `answers`, such as
    /// `answers: { literal: Ответ отправлен }`, requests wait for an answer.
    TelegramBot,
    /// Tasks of a taskiq worker: `task_started` and `task_finished` by task, with time and limits;
    /// `task_failed`, `task_unknown`, `ingestion_jobs`; and its batches, `batch_started` and
    /// `batch`.
    Taskiq,
    /// Rule `websocket_broadcast` with the label `event` and the value `clients`, and rules
    /// `websocket_disconnect`, `websocket_connections`, `websocket_accepted`, `websocket_refused`.
    Websocket,
    /// The access log of nginx: requests by status and method, their time and their clients; rules
    /// `unauthorized` and `write_refused`.
    NginxAccess,
    /// The error log of nginx: rules `limit_req` by zone, `upstream_timed_out`, `upstream_failed`,
    /// `worker_connections`, `nginx_critical`.
    NginxError,
    /// PostgreSQL: rules `corruption`, `fatal` by severity, `connections_exhausted`, `deadlock`,
    /// and `slow_statement` with its duration.
    Postgres,
    /// After a deployment: rules `migration`, `migration_failed`, `permission_denied`,
    /// `pool_exhausted`, `connection_failed`.
    Deployment,
    /// Rule `response_time`: the number after this word, as seconds.
    ResponseTime,
}

impl Preset {
    pub const ALL: [Self; 13] = [
        Self::Python,
        Self::Errors,
        Self::RateLimit,
        Self::Tts,
        Self::SheetsSync,
        Self::TelegramBot,
        Self::Taskiq,
        Self::Websocket,
        Self::NginxAccess,
        Self::NginxError,
        Self::Postgres,
        Self::Deployment,
        Self::ResponseTime,
    ];

    /// The rules as they are written.
    pub const fn text(self) -> &'static str {
        match self {
            Self::Python => include_str!("python.yml"),
            Self::Errors => include_str!("errors.yml"),
            Self::RateLimit => include_str!("rate_limit.yml"),
            Self::Tts => include_str!("tts.yml"),
            Self::SheetsSync => include_str!("sheets_sync.yml"),
            Self::TelegramBot => include_str!("telegram_bot.yml"),
            Self::Taskiq => include_str!("taskiq.yml"),
            Self::Websocket => include_str!("websocket.yml"),
            Self::NginxAccess => include_str!("nginx_access.yml"),
            Self::NginxError => include_str!("nginx_error.yml"),
            Self::Postgres => include_str!("postgres.yml"),
            Self::Deployment => include_str!("deployment.yml"),
            Self::ResponseTime => include_str!("response_time.yml"),
        }
    }

    fn rules(self) -> Written {
        // That every file is right is tested.
        config::load::<Written>("preset", self.text(), &|_| None).finish().unwrap_or_default()
    }
}

/// Names of the rules of all presets, and of those that a user is asked to add as the end of a pair.
pub fn rule_names() -> Vec<String> {
    let rules = Preset::ALL.iter().flat_map(|preset| preset.rules());
    rules
        .flat_map(|(name, rule)| std::iter::once(name).chain(rule.pair.map(|pair| pair.end)))
        .collect()
}

/// Names of the numbers that rules of presets take.
pub fn value_names() -> Vec<String> {
    let rules = Preset::ALL.iter().flat_map(|preset| preset.rules().into_values());
    let names = rules.flat_map(|rule| match rule.values {
        Values::Names(names) => names,
        Values::Described(described) => described.into_keys().collect(),
    });
    names.collect()
}

/// Whether the facts of an access log are asked for.
pub fn access(presets: &[Preset]) -> bool {
    presets.contains(&Preset::NginxAccess)
}

/// What rules of presets could do with a rule of the file.
pub fn hints(presets: &[Preset], own: &Written) -> Vec<String> {
    let rules = written(presets, own);
    let ready = presets.iter().flat_map(|preset| preset.rules());
    let loose = ready.filter_map(|(name, rule)| rule.pair.map(|pair| (name, pair.end)));
    let loose = loose.filter(|(_, end)| !rules.contains_key(end));
    loose
        .map(|(name, end)| {
            format!(
                "no rule `{end}`, so a line of `{name}` without one is not noticed: write `{end}: {{ literal: ... }}`"
            )
        })
        .collect()
}

/// The rules of the presets and of the file, each name once. A rule of the file takes the place of
/// a preset's; one that says neither `literal` nor `regex` changes it only where it says something.
pub fn written(presets: &[Preset], own: &Written) -> Written {
    let mut ready: Written = presets.iter().flat_map(|preset| preset.rules()).collect();
    // What ends a pair of a preset may be for the file to say.
    let known = |end: &str, ready: &Written| ready.contains_key(end) || own.contains_key(end);
    let loose: Vec<String> = ready
        .iter()
        .filter(|(_, rule)| rule.pair.as_ref().is_some_and(|pair| !known(&pair.end, &ready)))
        .map(|(name, _)| name.clone())
        .collect();
    for name in loose {
        if let Some(rule) = ready.get_mut(&name) {
            rule.pair = None;
        }
    }
    for (name, rule) in own {
        let base = ready.remove(name).filter(|_| rule.literal.is_none() && rule.regex.is_none());
        let rule = base.map_or_else(|| rule.clone(), |base| changed(base, rule));
        ready.insert(name.clone(), rule);
    }
    ready
}

fn changed(base: Rule, by: &Rule) -> Rule {
    let by = by.clone();
    Rule {
        literal: base.literal,
        regex: base.regex,
        ignore_case: base.ignore_case || by.ignore_case,
        not: by.not.or(base.not),
        labels: if by.labels == Labels::default() { base.labels } else { by.labels },
        split: by.split.or(base.split),
        values: if by.values == Values::default() { base.values } else { by.values },
        expect: by.expect.or(base.expect),
        pair: by.pair.or(base.pair),
    }
}
