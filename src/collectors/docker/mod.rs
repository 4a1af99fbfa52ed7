//! The Docker Engine: its containers, what they use, how they live, and the Compose services that
//! should run. Podman speaks the same API.
//!
//! | read | from | rights |
//! |---|---|---|
//! | containers, their state, published ports | `GET /containers/json?all=true` | the socket, or a proxy with `CONTAINERS=1` |
//! | health, exit code, limits and so on, of what has changed | `GET /containers/<id>/json` | the same |
//! | CPU, memory, network, block I/O, pressure, open files | control groups and `/proc` of this machine | read |
//! | the same where those are out of reach | `GET /containers/<id>/stats?stream=false&one-shot=true` | `CONTAINERS=1` |
//! | starts, ends, kills, health changes | `GET /events`, a stream | `EVENTS=1` |
//! | images and their tags, when they change | `GET /images/json` | `IMAGES=1` |
//! | sizes on disk, every 15 minutes | `GET /system/df` | `SYSTEM=1` |
//! | versions, size of the machine, once a connection | `GET /version`, `GET /info` | `INFO=1` for the second |
//! | command lines, where `processes` asks for them | `/proc`, else `GET /containers/<id>/top` | `CONTAINERS=1` |
//! | sizes of log files | the files | read |
//! | expected services | the declared Compose files, and what they include, when they change | read |
//!
//! There is no function here that sends anything but GET. A socket mounted read-only still grants
//! all of the API: prefer a filtering proxy. What a proxy refuses is a gap with its reason, and the
//! rest goes on; only without the list the target is down. Environments and health outputs are
//! skipped while inspections are decoded.
//!
//! Cost: docs/performance.md. Control groups take 0.07 ms a container and the Engine nothing; an
//! inspection 0.12 ms of the Engine, when an event says so or after a minute. Engine 20.10 to 24
//! answer for stats after a second, so there they are read beside the readings every 10 seconds.
//!
//! The life of a service (`ledger`) is counted from events and inspections that correct each other,
//! so that neither a gap nor a restart of the Engine loses or doubles anything. It begins at 0 with
//! the exporter.
//!
//! Absent: what the source of the figures does not say (see each metric), limits that are not set,
//! network figures of containers without a network of their own, block I/O before the first, and where a
//! kernel with control groups v1 does not count it (a gap that says how to make it). A
//! container that hangs in the Engine costs its own details (`stack_docker_skipped_total`). Who
//! ended a container before the exporter came is guessed from its policy and exit code, and from when
//! the Engine was started: what went with it is down, not stopped by hand. Podman
//! tells of no kill for want of memory and of no signals, so there a stop by hand is a kill.

mod api;
mod cadvisor;
mod cgroup;
mod compose;
mod config;
mod container;
mod detail;
mod disk;
mod events;
mod exclude;
mod facts;
#[cfg(test)]
mod fake;
mod fetch;
mod figures;
#[cfg(fuzzing)]
pub mod fuzzing;
mod gather;
mod images;
mod inspections;
mod kernel;
mod known;
mod labels;
mod ledger;
#[cfg(test)]
mod liar;
mod logfiles;
mod metrics;
#[cfg(test)]
mod moved;
mod plan;
mod ports;
mod processes;
mod raw;
mod rows;
mod sample;
mod services;
mod signals;
mod since;
mod slow;
mod stats;
mod top;
mod usage;
mod words;

use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

pub use config::Docker;
pub use plan::plan;

use crate::catalogue::{Area, Batch, TableEntry};
use crate::clients::engine::{address, client, failure, time};
use crate::engine::Collector;
use crate::failure::Failure;

pub type Section = Docker;

pub static AREA: Area = Area {
    name: "docker",
    title: "Docker",
    single: true,
    in_service: false,
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
        TableEntry::of::<rows::Faults>(),
    ],
    signals: signals::SIGNALS,
    glance: &[],
    reasons: &[],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/docker.md"),
};

/// What a panic elsewhere left behind is still the best that is known.
fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

struct Engine {
    reader: fetch::Reader,
    judging: sample::Judging,
}

impl Collector for Engine {
    type Raw = raw::Raw;

    async fn fetch(&self) -> Result<raw::Raw, Failure> {
        self.reader.fetch().await
    }

    fn sample(&self, raw: raw::Raw, now: SystemTime) -> Result<Batch, Failure> {
        Ok(sample::sample(raw, &self.judging, now))
    }
}
