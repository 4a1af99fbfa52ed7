//! The Docker Engine: its containers, what they use, and the Compose services that should run.
//!
//! | read | from | rights |
//! |---|---|---|
//! | containers, their state | `GET /containers/json?all=true` | the socket, or a proxy with `CONTAINERS=1` |
//! | health, exit code, OOM, restarts, limits | `GET /containers/<id>/json` of each | the same |
//! | CPU, memory, network, block I/O, threads | `GET /containers/<id>/stats?stream=false&one-shot=true` of each that runs | the same |
//! | versions | `GET /version`, once a connection | open in usual proxies |
//! | size of the machine | `GET /info`, once a connection | `INFO=1`; without it the two series are absent |
//! | expected services | the declared Compose files, when they change | read |
//! | names of devices | `/proc/partitions`, of an Engine on this machine | none |
//!
//! GET only. A socket mounted read-only still grants all of the API: prefer a filtering proxy. The
//! environments and health outputs that inspections hold are dropped right after decoding.
//!
//! Cost with 25 containers on Engine 20.10: 4 ms of the Engine a reading; stats another 60 ms every
//! 10 seconds, beside the readings, because there each answer takes a second. From Engine 25 on
//! (API 1.44) stats are part of the reading.
//!
//! Absent: what a container's cgroup version does not say (peak memory, swap and numbers of block
//! I/O on v2), limits that are not set, network figures of containers without a network of their
//! own, block I/O before the first. A container that hangs in the Engine costs its own details
//! (`stack_docker_skipped_total`), a failed round of stats the figures after 35 seconds; the target
//! is down only when the list fails. Which exit codes follow a stop by hand cannot be told from
//! crashes, nor an out-of-memory kill of a child process from none before Engine 24.

mod address;
mod api;
mod api_stats;
mod cadvisor;
mod cgroup;
mod client;
mod compose;
mod config;
mod container;
mod detail;
mod disk;
mod events;
mod facts;
mod failure;
#[cfg(test)]
mod fake;
mod fetch;
mod gather;
mod images;
mod inspections;
mod kernel;
mod ledger;
mod metrics;
mod plan;
mod ports;
mod processes;
mod rows;
mod sample;
mod services;
mod signals;
mod stats;
mod time;
mod top;
mod usage;

use std::time::SystemTime;

pub use config::Docker;
pub use plan::plan;

use crate::catalogue::{Area, Batch, TableEntry};
use crate::engine::{Collector, Failure};

pub type Section = Docker;

pub static AREA: Area = Area {
    name: "docker",
    title: "Docker",
    tables: &[
        TableEntry::of::<rows::Version>(),
        TableEntry::of::<rows::Origin>(),
        TableEntry::of::<rows::Engine>(),
        TableEntry::of::<services::Service>(),
        TableEntry::of::<rows::Lives>(),
        TableEntry::of::<rows::Life>(),
        TableEntry::of::<rows::Published>(),
        TableEntry::of::<processes::Process>(),
        TableEntry::of::<rows::Spec>(),
        TableEntry::of::<rows::Use>(),
    ],
    signals: signals::SIGNALS,
    runbook: include_str!("../../../docs/runbooks/docker.md"),
};

struct Engine {
    reader: fetch::Reader,
    judging: sample::Judging,
}

impl Collector for Engine {
    type Raw = fetch::Raw;

    async fn fetch(&self) -> Result<fetch::Raw, Failure> {
        self.reader.fetch().await
    }

    fn sample(&self, raw: fetch::Raw, now: SystemTime) -> Result<Batch, Failure> {
        Ok(sample::sample(raw, &self.judging, now))
    }
}
