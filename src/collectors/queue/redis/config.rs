//! A queue in Redis, in the configuration file.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::collectors::queue::model::State;
use crate::config::{Access, SafeUrl};

/// A queue that lies in Redis, Valkey or KeyDB: exactly one of `preset`, `keys` and `stream`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
#[schemars(extend("additionalProperties" = false))]
pub struct Redis {
    /// Name of a target of the section `stores`. Either this or `url`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub store: Option<String>,
    /// Address of the server, for example `redis://127.0.0.1:6379`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub url: Option<SafeUrl>,
    /// For `url`: `username`, `password_file`, and TLS for `rediss://`.
    #[serde(flatten)]
    pub access: Access,
    /// Number of the database on it; default `0`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub database: Option<u32>,
    /// What keeps its jobs there; its keys are known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// For `preset`: the name of the queue; default the one that it has unless it is told otherwise.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Keys by the state of the jobs in them, for example `{ pending: jobs, processing: "jobs:active", failed:
    /// "jobs:failed" }`. Of a list, set, sorted set, hash or stream the entries count, and a text that is a
    /// number counts as this number. A key that is not there is empty.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    #[schemars(extend("x-show-value" = true))]
    pub keys: BTreeMap<State, String>,
    /// For `keys`: the end of the list `pending` from which jobs are taken; default `right`, as by BRPOP.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub take_from: Option<End>,
    /// Key of a stream; needs `group`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub stream: Option<String>,
    /// Consumer group of `stream`, whose members are the workers.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub group: Option<String>,
}

/// Libraries whose keys are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// Celery with Redis as broker: the list of the queue (default `celery`) with those of its priorities, and
    /// what its workers hold (`unacked`), which is of all queues of the database together.
    Celery,
}

/// An end of a list.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum End {
    #[default]
    Right,
    /// As by BLPOP.
    Left,
}

/// Priorities of Celery's queues, each with a list of its own, and what stands before their number.
const STEPS: [&str; 3] = ["3", "6", "9"];
const STEP: &str = "\u{6}\u{16}";

/// What is read.
#[derive(Clone, Debug, PartialEq)]
pub enum Wanted {
    Keys(Keys),
    Stream { key: String, group: String },
}

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Keys {
    /// A state may have several.
    pub of: Vec<(State, String)>,
    pub take_from: End,
    /// Sorted by the time at which work on each began, in seconds since 1970.
    pub begun: Option<String>,
}

impl std::fmt::Display for Wanted {
    fn fmt(&self, to: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Keys(keys) => match keys.of.first() {
                Some((_, key)) => to.write_str(key),
                None => Ok(()),
            },
            Self::Stream { key, group } => write!(to, "{key}/{group}"),
        }
    }
}

impl Redis {
    /// What is to be read, or what is wrong: key and message.
    pub fn wanted(&self) -> Result<Wanted, (&'static str, &'static str)> {
        let given = (self.preset, self.keys.is_empty(), &self.stream);
        if self.queue.is_some() && self.preset.is_none() {
            return Err(("queue", "is for `preset` only"));
        }
        if self.take_from.is_some() && self.keys.is_empty() {
            return Err(("take_from", "is for `keys` only"));
        }
        match (given, &self.group) {
            ((None, true, Some(key)), Some(group)) => {
                Ok(Wanted::Stream { key: key.clone(), group: group.clone() })
            }
            ((None, true, Some(_)), None) => {
                Err(("stream", "needs `group`: redis-cli XINFO GROUPS KEY names them"))
            }
            (_, Some(_)) => Err(("group", "is for `stream` only")),
            ((None, false, None), None) if !self.keys.contains_key(&State::Pending) => {
                Err(("keys", "needs the key of the jobs that wait: `{ pending: jobs }`"))
            }
            ((None, false, None), None) => Ok(Wanted::Keys(Keys {
                of: self.keys.iter().map(|(state, key)| (*state, key.clone())).collect(),
                take_from: self.take_from.unwrap_or_default(),
                begun: None,
            })),
            ((Some(Preset::Celery), true, None), None) => {
                Ok(Wanted::Keys(celery(self.queue.as_deref().unwrap_or("celery"))))
            }
            _ => Err(("", "needs exactly one of `preset`, `keys` and `stream`")),
        }
    }
}

fn celery(queue: &str) -> Keys {
    let steps = STEPS.map(|step| format!("{queue}{STEP}{step}"));
    let lists = [queue.to_owned()].into_iter().chain(steps);
    let mut of: Vec<_> = lists.map(|key| (State::Pending, key)).collect();
    of.push((State::Processing, "unacked".to_owned()));
    Keys { of, take_from: End::Right, begun: Some("unacked_index".to_owned()) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::load;

    fn wanted(yaml: &str) -> Result<Wanted, (&'static str, &'static str)> {
        load::<Redis>("redis.yaml", yaml, &|_| None).finish().expect("valid").wanted()
    }

    #[test]
    fn one_way_of_three_is_given() {
        let stream = wanted("{ stream: jobs, group: workers }").unwrap();
        assert_eq!(stream, Wanted::Stream { key: "jobs".into(), group: "workers".into() });
        let Wanted::Keys(keys) = wanted("{ preset: celery, queue: mail }").unwrap() else {
            panic!("keys")
        };
        let pending = |key: &str| (State::Pending, key.to_owned());
        assert_eq!(keys.of[..2], [pending("mail"), pending("mail\u{6}\u{16}3")]);
        assert_eq!(keys.of.last(), Some(&(State::Processing, "unacked".into())));
        for (yaml, key) in [
            ("{}", ""),
            ("{ preset: celery, keys: { pending: a } }", ""),
            ("{ preset: celery, stream: a, group: b }", "group"),
            ("{ stream: a }", "stream"),
            ("{ keys: { pending: a }, group: b }", "group"),
            ("{ keys: { failed: a } }", "keys"),
            ("{ keys: { pending: a }, queue: b }", "queue"),
            ("{ stream: a, group: b, take_from: left }", "take_from"),
        ] {
            assert_eq!(wanted(yaml).map_err(|(key, _)| key), Err(key), "{yaml}");
        }
    }
}
