//! Queues of jobs, whatever keeps them.
//!
//! | kind | read | from | rights |
//! |---|---|---|---|
//! | `http` | the state that a service tells | `GET` of the address, JSON | none |
//! | `jetstream` | one consumer | `GET /jsz?consumers=true&config=true` of the monitoring port | none |
//! | `rabbitmq` | all durable queues of a virtual host, or those named | `GET /api/queues/{vhost}` of the management plugin | a user with the tag `monitoring` |
//! | `redis` | keys by state, or a stream and its group | Redis, on a new connection | the password, or a user for these keys |
//! | | who is connected | `GET /connz?subs=1`, and of `/varz` whether there are other servers | none |
//! | `sql` | the rows of a query | PostgreSQL, read-only, at most 3 s | SELECT on the table |
//! | `sqlite` | a table or the rows of a query | the file, without writing beside it | to read the file, and `-wal` and `-shm` where they are |
//!
//! Columns of a query, by name: `state` (or `status`), `count`, and if wanted `queue` and
//! `oldest_age_seconds`. A query with two columns of other names has state and count, in this
//! order. `pending` and `processing` without a row are 0: a `GROUP BY` has no row for what is
//! empty. The words of the state are those that everybody uses, or stand under `states`.
//!
//! Cost: one request or statement of 1 to 2 ms, for a table three. A million rows of 300 bytes cost
//! SQLite 0.8 s, with an index on (status, created_at) 0.3 s, measured. `/jsz` has all consumers
//! of the server, 1 kB each.
//!
//! The condition needs numbers that move: `stalled` is said when jobs wait or are worked on and
//! nothing has been taken or ended for twice `job_timeout`, at least a minute (`10m` without one);
//! `no_workers` at the second reading with waiting jobs and nobody who asks for them (with
//! `worker_interval` so much later). Both begin
//! anew with the exporter.
//!
//! A worker that was killed leaves its jobs in work for ever, and looks like a busy one in `/jsz`. `/connz` tells: with no
//! connection that may be a worker, there is none. One that was stopped stays connected until the server's pings are
//! not answered (`ping_interval`, 2 to 6 minutes), and does until then what one with a long job does: nothing. So it is `saturated` or
//! `busy` first, then `no_workers`, or `stalled` if that comes sooner. Where clients could be connected to other
//! servers nothing is said of them.
//!
//! Absent: what a source does not say. A stream with other retention than `workqueue` keeps what
//! is done, so there is neither capacity nor age nor a count of the dead. A consumer, table or
//! file that is not there is a failed reading, never an empty queue.

mod config;
mod fetch;
mod flow;
mod json;
mod jsz;
mod metrics;
mod model;
mod planning;
mod rabbitmq;
mod redis;
mod sample;
mod signals;
mod sqlite;
mod table;
/// See `src/fuzzing.rs`.
#[cfg(test)]
mod tests;
mod unknown;
mod words;
mod workers;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::SystemTime;

pub use config::Queue;
pub use planning::plan;

use crate::catalogue::{Area, Batch, Glance, TableEntry};
use crate::clients::redis::reasons::REASONS;
use crate::engine::Collector;
use crate::failure::Failure;

pub type Section = BTreeMap<String, Queue>;

pub static AREA: Area = Area {
    name: "queue",
    title: "Queues",
    single: false,
    in_service: true,
    tables: &[TableEntry::of::<json::Service>(), TableEntry::of::<model::QueueRow>()],
    signals: signals::SIGNALS,
    glance: &[Glance::Signal("oldest_age"), Glance::Signal("stuck"), Glance::Signal("saturation")],
    reasons: &[sqlite::REASONS, REASONS],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/queue.md"),
};

/// The queues of one source.
struct Watched {
    source: fetch::Source,
    rules: sample::Rules,
    history: Arc<Mutex<model::History>>,
    unknown: unknown::Unknown,
}

impl Collector for Watched {
    type Raw = fetch::Raw;

    async fn fetch(&self) -> Result<fetch::Raw, Failure> {
        self.source.fetch().await
    }

    fn sample(&self, raw: fetch::Raw, now: SystemTime) -> Result<Batch, Failure> {
        if let fetch::Raw::Table(table) = &raw {
            self.unknown.tell(&self.rules.target, table::unknown(table, &self.rules.states));
        }
        let mut history = self.history.lock().unwrap_or_else(PoisonError::into_inner);
        sample::sample(&self.rules, &self.source, raw, &mut history, now)
    }
}

#[cfg(fuzzing)]
pub mod fuzzing {
    use std::collections::BTreeMap;

    /// A status page of one form or another, a consumer, or a table in lines and tabs.
    pub fn queue(data: &[u8]) {
        use crate::fuzzing::answer;
        let text = |text: &str| Some(text.to_owned());
        let paths = super::config::Paths {
            queues: text("/q"),
            pending: text("/p"),
            status: text("/s"),
            oldest_age_seconds: text("/o"),
            ..super::config::Paths::default()
        };
        let _ = super::json::parse("a", answer(data), &paths);
        let whole = super::config::Paths { queues: None, ..paths };
        let _ = super::json::parse("a", answer(data), &whole);
        let want = super::config::JetStream {
            nats: None,
            url: None,
            account: None,
            stream: "s".to_owned(),
            consumer: "c".to_owned(),
            workers: None,
        };
        let _ = super::jsz::parse("a", answer(data), &want, None);
        let body = String::from_utf8_lossy(data);
        let mut rows = body.lines().map(|line| line.split('\t').map(|w| Some(w.to_owned())));
        let columns = rows.next().into_iter().flatten().flatten().collect();
        let rows = rows.map(Iterator::collect).collect();
        let table = super::table::Table { columns, rows, ..super::table::Table::default() };
        let _ = super::table::observe("a", &table, &BTreeMap::new());
    }
}
