//! Rules for texts that the operations guides document.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::Rule;

/// A set of ready rules.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Rule `traceback`: the first line of a Python traceback.
    Python,
    /// Rules `error` and `exception`: lines with these words, in capital or small letters, as
    /// `grep -i` finds them. The level of a line is counted anyway and is the better measure.
    Errors,
    /// Rule `rate_limit`: `Rate limit exceeded` and `429 Too Many Requests`.
    RateLimit,
    /// Rules `batch_started` with the value `messages`, and `batch` with the values `success`,
    /// `failed` and `skipped`: embedding batches of a taskiq worker.
    Taskiq,
    /// Rule `websocket_broadcast` with the label `event` and the value `clients`, and rule
    /// `websocket_disconnect`.
    Websocket,
    /// Rule `requests`: requests that a Telegram bot has taken.
    TelegramBot,
}

impl Preset {
    pub fn rules(self) -> Vec<(&'static str, Rule)> {
        match self {
            Self::Python => {
                vec![("traceback", literal("Traceback (most recent call last)", false))]
            }
            Self::Errors => {
                vec![("error", literal("error", true)), ("exception", literal("exception", true))]
            }
            // The bare `429` would hit ports, sizes and identifiers.
            Self::RateLimit => {
                vec![("rate_limit", regex("Rate limit exceeded|429 Too Many Requests", &[], &[]))]
            }
            Self::Taskiq => vec![
                (
                    "batch_started",
                    regex(
                        r"Starting batch embedding task: (?<messages>\d+) messages",
                        &[],
                        &["messages"],
                    ),
                ),
                (
                    "batch",
                    regex(
                        r"Batch embedding task completed: (?<success>\d+) success, (?<failed>\d+) failed, (?<skipped>\d+) skipped",
                        &[],
                        &["success", "failed", "skipped"],
                    ),
                ),
            ],
            Self::Websocket => vec![
                (
                    "websocket_broadcast",
                    regex(
                        r"Broadcasting (?<event>[\w.:-]+) to (?<clients>\d+) WebSocket clients",
                        &["event"],
                        &["clients"],
                    ),
                ),
                ("websocket_disconnect", regex("WebSocket.*[Dd]isconnect", &[], &[])),
            ],
            Self::TelegramBot => vec![("requests", literal("Запрос от пользователя", false))],
        }
    }
}

fn literal(text: &str, ignore_case: bool) -> Rule {
    Rule { literal: Some(text.to_owned()), ignore_case, ..Rule::default() }
}

fn regex(pattern: &str, labels: &[&str], values: &[&str]) -> Rule {
    let owned = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
    Rule {
        regex: Some(pattern.to_owned()),
        labels: owned(labels),
        values: owned(values),
        ..Rule::default()
    }
}
