//! A queue, or a service with many, in the configuration file.

use std::collections::BTreeMap;
use std::path::PathBuf;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize, Serializer};

use super::model::State;
use super::rabbitmq::config::RabbitMq;
use super::redis::config::Redis;
use crate::clients::postgres;
use crate::config::{Access, Dur, SafeUrl};
use crate::plan::Thresholds;

/// Queues of one source: exactly one of `http`, `jetstream`, `rabbitmq`, `redis`, `sql` and `sqlite`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct Queue {
    /// Address that answers with the state of its queues as JSON, for example
    /// `http://127.0.0.1:8997/api/queue/status/json`. Needs `preset` or `paths`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub http: Option<SafeUrl>,
    /// For `http`.
    #[serde(flatten)]
    pub access: Access,
    /// Shape of the JSON behind `http`, with the limits of that application.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub preset: Option<Preset>,
    /// Where the facts stand in the JSON behind `http`; replaces single ones of `preset`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub paths: Option<Paths>,
    /// A consumer of a NATS `JetStream` stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub jetstream: Option<JetStream>,
    /// Queues of RabbitMQ.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rabbitmq: Option<RabbitMq>,
    /// A queue that lies in Redis.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub redis: Option<Redis>,
    /// A query of a PostgreSQL database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sql: Option<Sql>,
    /// A table or a query of an SQLite file.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sqlite: Option<Sqlite>,
    /// For `sql` and `sqlite`: what the words of the status column mean, for example
    /// `{ ready: pending, aborted: failed }`. The usual words are known; others are `other`.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub states: BTreeMap<String, State>,
    /// How long a job may take; then it is stuck. Twice as long without any progress is a stall;
    /// default for that `10m`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub job_timeout: Option<Dur>,
    /// How often workers come that ask for jobs at intervals only. As long as that after the last job, nobody who asks is
    /// no missing worker; default `0s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub worker_interval: Option<Dur>,
    /// Limits by queue, for example `{ search: { max_concurrent: 2, max_queue_size: 10 } }`. A
    /// source with one queue has it under the name of the target. A queue named here has series
    /// also while the source does not know it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Limits>,
    /// The Compose service in which it runs, as `db` or `shop/db`: while that service is down, the alert
    /// that it cannot be read is muted. Default: found by its address among the services of the section `docker`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<String>,
    /// Deadline of a reading; default `5s`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
    #[serde(default)]
    pub thresholds: Thresholds,
}

impl Queue {
    /// What tells one source from another. The engine compares deadlines itself, and thresholds
    /// are no reason to begin anew.
    pub(super) fn identity(&self) -> Self {
        Self { service: None, timeout: None, thresholds: Thresholds::default(), ..self.clone() }
    }
}

/// Applications whose JSON is known.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Preset {
    /// `ALaw` AI-Backend: `/api/queue/status/json`.
    Alaw,
}

/// What one queue can take.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Jobs that are processed at the same time.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_concurrent: Option<u64>,
    /// Jobs that may wait.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_queue_size: Option<u64>,
    /// How long a job of this queue may take; default that of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub job_timeout: Option<Dur>,
    /// How often workers of this queue come; default that of the target.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub worker_interval: Option<Dur>,
}

/// Places in a JSON answer, as JSON pointers (RFC 6901): `/stats/waiting`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Paths {
    /// Map of the queues by name. Without it the whole answer is one queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub queues: Option<String>,
    /// Jobs that wait, within a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pending: Option<String>,
    /// Jobs that are worked on, within a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub processing: Option<String>,
    /// Jobs that are done, within a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub completed: Option<String>,
    /// Jobs that failed, within a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub failed: Option<String>,
    /// Age of the oldest job that waits, in seconds, within a queue.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub oldest_age_seconds: Option<String>,
    /// Health in a word (`healthy`, `ok`, `up`, `pass`) or as a boolean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub status: Option<String>,
    /// Whether the queues are being worked on, as a boolean.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub running: Option<String>,
    /// Memory in use in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub memory_percent: Option<String>,
    /// CPU in use in percent.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cpu_percent: Option<String>,
}

/// A consumer, read from the monitoring port.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[schemars(extend("additionalProperties" = false))]
pub struct JetStream {
    /// Name of a target of the section `nats`. Either this or `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub nats: Option<String>,
    /// Address of the monitoring port, for example `http://127.0.0.1:8222`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<SafeUrl>,
    /// For `url`.
    #[serde(flatten)]
    pub access: Access,
    /// Account of the stream, where several have one of this name with such a consumer.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account: Option<String>,
    /// Name of the stream.
    pub stream: String,
    /// Name of the consumer.
    pub consumer: String,
    /// Which names the workers give themselves when they connect (`nats.connect(name=...)`), for example
    /// `analysis-worker*`. So it is known at once that none is left. Default: every connection that can receive jobs may be one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub workers: Option<String>,
}

/// A query whose rows are the states of the queues.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sql {
    /// Name of a target of the section `postgres`. Either this or `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub postgres: Option<String>,
    /// Address of the database, for example `postgresql://monitor@127.0.0.1:5432/app`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<SafeUrl>,
    /// File with the password for `url`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password_file: Option<PathBuf>,
    /// Schemas in which the query's names are looked for, after PostgreSQL's own; default
    /// `[public]`. What the database or the role has as its `search_path` is never in force:
    /// whoever may change it could have the role run functions and operators of theirs. That holds
    /// for whoever may create things in these schemas too, so name none but those that you trust,
    /// or name the schema in the query and write `[]`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("x-show-value" = true))]
    pub search_path: Option<Vec<String>>,
    /// One SELECT with the columns `state` and `count` and, if wanted, `queue` and
    /// `oldest_age_seconds` (for jobs that are worked on: since that began), for example `select
    /// status as state, count(*) as count from jobs group by 1`. A query with two columns of other
    /// names has them in this order. `pending` and `processing` without a row count as 0.
    #[schemars(extend("x-verbatim" = true))]
    #[serde(serialize_with = "without_texts")]
    pub query: String,
}

/// An SQLite file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Sqlite {
    /// The file. Nothing is written into it or beside it; with a write-ahead log (`-wal`) its folder
    /// must be there, not the file alone, and `-wal` and `-shm` be readable.
    pub file: PathBuf,
    /// Table with one row for each job; default `tasks`. Either this or `query`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
    /// Instead of a table: a SELECT as in `sql`.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        serialize_with = "optional_without_texts"
    )]
    #[schemars(extend("x-verbatim" = true))]
    pub query: Option<String>,
    /// Column with the state; default `status`.
    #[serde(default = "status", skip_serializing_if = "is_status")]
    pub status: String,
    /// Column with the time at which the job was made, as text (ISO 8601) or as a number of
    /// seconds, milliseconds or microseconds since 1970; default `created_at`.
    #[serde(default = "created_at", skip_serializing_if = "is_created_at")]
    pub created_at: String,
    /// Column with the time at which the work on it began; default the one of `created_at`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<String>,
    /// Column with the name of the queue; default none: the table is one queue.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub queue: Option<String>,
    /// Zone of times as text that name none; default `utc`, as SQLite's `CURRENT_TIMESTAMP` has
    /// it. Python's `datetime.now()` is `local`.
    #[serde(default)]
    pub times: Zone,
}

/// `config show` repeats no texts of a query.
fn without_texts<S: Serializer>(query: &str, to: S) -> Result<S::Ok, S::Error> {
    to.serialize_str(&postgres::without_texts(query))
}

#[expect(clippy::ref_option, reason = "as serde calls it")]
fn optional_without_texts<S: Serializer>(query: &Option<String>, to: S) -> Result<S::Ok, S::Error> {
    query.as_deref().map(postgres::without_texts).serialize(to)
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Zone {
    #[default]
    Utc,
    /// The zone of the exporter (`TZ`).
    Local,
}

fn status() -> String {
    "status".to_owned()
}

fn is_status(name: &str) -> bool {
    name == "status"
}

fn created_at() -> String {
    "created_at".to_owned()
}

fn is_created_at(name: &str) -> bool {
    name == "created_at"
}

impl Paths {
    /// These, and where one is missing, that of the preset.
    pub fn or(self, preset: Option<Preset>) -> Self {
        let Some(Preset::Alaw) = preset else { return self };
        let text = |own: Option<String>, usual: &str| own.or_else(|| Some(usual.to_owned()));
        Self {
            queues: text(self.queues, "/queue_stats"),
            pending: text(self.pending, "/pending"),
            processing: text(self.processing, "/processing"),
            completed: text(self.completed, "/completed"),
            failed: text(self.failed, "/failed"),
            oldest_age_seconds: self.oldest_age_seconds,
            status: text(self.status, "/status"),
            running: text(self.running, "/is_running"),
            memory_percent: text(self.memory_percent, "/resource_usage/memory_percent"),
            cpu_percent: text(self.cpu_percent, "/resource_usage/cpu_percent"),
        }
    }

    /// Keys with a text that is no pointer.
    pub fn mistakes(&self) -> impl Iterator<Item = &'static str> {
        let all = [
            ("queues", &self.queues),
            ("pending", &self.pending),
            ("processing", &self.processing),
            ("completed", &self.completed),
            ("failed", &self.failed),
            ("oldest_age_seconds", &self.oldest_age_seconds),
            ("status", &self.status),
            ("running", &self.running),
            ("memory_percent", &self.memory_percent),
            ("cpu_percent", &self.cpu_percent),
        ];
        let wrong = |path: &Option<String>| path.as_ref().is_some_and(|p| !p.starts_with('/'));
        all.into_iter().filter(move |(_, path)| wrong(path)).map(|(key, _)| key)
    }
}

impl Preset {
    /// The limits that the application has unless it is told otherwise [Q03]. Its JSON calls the
    /// queue `analysis` that its settings call `case_analysis`.
    pub fn limits(self, queue: &str) -> Limits {
        let (concurrent, size, seconds) = match (self, queue) {
            (Self::Alaw, "search") => (2, 10, 30),
            (Self::Alaw, "case_analysis" | "analysis") => (1, 5, 60),
            (Self::Alaw, _) => return Limits::default(),
        };
        Limits {
            max_concurrent: Some(concurrent),
            max_queue_size: Some(size),
            job_timeout: Some(Dur(std::time::Duration::from_secs(seconds))),
            worker_interval: None,
        }
    }
}

impl Limits {
    /// These, and where one is missing, the others.
    #[must_use]
    pub fn or(self, other: Self) -> Self {
        Self {
            max_concurrent: self.max_concurrent.or(other.max_concurrent),
            max_queue_size: self.max_queue_size.or(other.max_queue_size),
            job_timeout: self.job_timeout.or(other.job_timeout),
            worker_interval: self.worker_interval.or(other.worker_interval),
        }
    }
}
