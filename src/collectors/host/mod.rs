//! The machine that the exporter runs on.
//!
//! | read | from | rights |
//! |---|---|---|
//! | CPU, start | `/proc/stat` | none |
//! | memory | `/proc/meminfo` | none |
//! | load | `/proc/loadavg` | none |
//! | kernel, names | `uname` | none |
//! | file systems | `/proc/1/mounts`, else `/proc/self/mounts`; `statvfs` on each mount | to enter the mount's parent |
//! | network | `/proc/1/net/dev`, else `/proc/net/dev` | none |
//! | disks | `/proc/diskstats` | none |
//!
//! Cost, measured: 0.2 ms of CPU from end to end on two cores and three mounts, in 230 allocations (a
//! debug build).
//!
//! Each mount is asked by a call of its own, with a second to answer. One that hangs is left alone
//! until its call comes back, and `node_filesystem_device_error` is 1 all the while; the others do
//! not wait for it.
//!
//! Each mount has its series, as `node_exporter` has it, but the ratios that are judged are told
//! once for each device, at its shortest mount point.
//!
//! In a container `/proc` is the host's but for mounts, network and host name (which is read from
//! `etc/hostname` below `root_path`). Mount the host's
//! root at `/host`, read-only, with `rslave`, and set `root_path: /host`, `proc_path: /host/proc`.
//!
//! Absent: space of a file system that cannot be asked; inodes where there is no fixed number;
//! ratios of an empty file system; facts that the kernel does not tell.

mod config;
mod fetch;
mod metrics;
mod mounts;
mod sample;
mod signals;
/// See `src/fuzzing.rs`.
#[cfg(fuzzing)]
pub mod fuzzing {
    /// A file of `/proc`, read as each of those that there are.
    pub fn proc(data: &[u8]) {
        let all = || Ok(data.to_vec());
        let (Ok(mounts), Ok(fstypes)) = (regex::Regex::new("^/p"), regex::Regex::new("^x")) else {
            return;
        };
        let filter = super::mounts::Filter { mounts, fstypes, root: "/host".into() };
        let _ = filter.apply(data);
        let raw = super::fetch::Raw {
            stat: all(),
            meminfo: all(),
            net: all(),
            disks: all(),
            load: None,
            uname: super::fetch::Uname::default(),
            mounts: Ok(Vec::new()),
            more_mounts: 0,
            ticks_per_second: 100.0,
        };
        let _ = super::sample::sample(raw, std::time::SystemTime::UNIX_EPOCH);
    }
}

#[cfg(test)]
mod tests;
mod words;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use regex::Regex;

pub use config::Host;

use crate::catalogue::{Area, Batch, Glance, TableEntry};
use crate::clients::host_name;
use crate::engine::{Collector, Target};
use crate::failure::Failure;
use crate::plan::{Common, Plan, Thresholds};

pub type Section = Host;

pub static AREA: Area = Area {
    name: "host",
    title: "Host",
    single: true,
    in_service: false,
    tables: &[
        TableEntry::of::<sample::Machine>(),
        TableEntry::of::<fetch::Uname>(),
        TableEntry::of::<sample::Cpu>(),
        TableEntry::of::<sample::Filesystem>(),
        TableEntry::of::<sample::Interface>(),
        TableEntry::of::<sample::Disk>(),
    ],
    signals: signals::SIGNALS,
    glance: &[Glance::Signal("cpu"), Glance::Signal("memory"), Glance::Signal("disk")],
    reasons: &[],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/host.md"),
};

/// The host as the section says, else as it is found; nothing where it is switched off.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(host) = section else {
        let host = Host::default();
        if host.path_mistakes().is_empty() {
            if let Some(target) = target(&host, plan) {
                plan.find(target, "found");
            }
        } else {
            plan.missed("there is no /proc/stat", "the host can be watched on Linux only");
        }
        return;
    };
    if !host.enabled {
        return;
    }
    for (key, message) in host.path_mistakes() {
        plan.mistake("", key, message);
    }
    if let Some(target) = target(host, plan) {
        let common = Common { timeout: host.timeout, thresholds: &host.thresholds, service: None };
        plan.declare(target, &common);
    }
}

fn target(host: &Host, plan: &mut Plan) -> Option<Target> {
    let mounts = pattern("ignore_mounts", &host.ignore_mounts, plan);
    let fstypes = pattern("ignore_fstypes", &host.ignore_fstypes, plan);
    let machine = Machine {
        proc: host.proc_path.clone(),
        filter: mounts::Filter { mounts: mounts?, fstypes: fstypes?, root: host.root_path.clone() },
        hanging: plan.memory.of(AREA.name, AREA.name),
        name: host_name::below(std::slice::from_ref(&host.root_path)),
    };
    let place = machine.name.clone().or_else(|| sysinfo::System::host_name().ok());
    let place = place.unwrap_or_else(|| "this machine".to_owned());
    // Without what the machine is not made from: other thresholds need no other one.
    let settings = Host { timeout: None, thresholds: Thresholds::default(), ..host.clone() };
    Some(Target::new(&AREA, AREA.name, place, settings, machine))
}

fn pattern(key: &str, text: &str, plan: &mut Plan) -> Option<Regex> {
    // An empty pattern would match, and so leave out, everything.
    let pattern = if text.is_empty() { "$^" } else { text };
    Regex::new(pattern)
        .map_err(|error| {
            let text = error.to_string();
            let why = text.rsplit("error: ").next().unwrap_or_default().trim().to_owned();
            plan.mistake("", key, format!("not a regular expression: {why}"));
        })
        .ok()
}

/// One machine.
struct Machine {
    proc: PathBuf,
    filter: mounts::Filter,
    hanging: Arc<fetch::Hanging>,
    /// Of the machine below `root_path`, where that is not our own.
    name: Option<String>,
}

impl Collector for Machine {
    type Raw = fetch::Raw;

    async fn fetch(&self) -> Result<fetch::Raw, Failure> {
        let mut raw = fetch::fetch(&self.proc, &self.filter, &self.hanging).await?;
        if let Some(name) = &self.name {
            raw.uname.nodename.clone_from(name);
        }
        Ok(raw)
    }

    fn sample(&self, raw: fetch::Raw, now: SystemTime) -> Result<Batch, Failure> {
        sample::sample(raw, now)
    }
}
