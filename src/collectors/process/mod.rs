//! Processes that must run, by groups.
//!
//! | read | from | rights |
//! |---|---|---|
//! | which there are, state, CPU, memory, faults, threads, age | `/proc/PID/stat` | none |
//! | memory of its own, swap, switches, user | `/proc/PID/status` | none |
//! | command line, control group, limits | `/proc/PID/{cmdline,cgroup,limits}` | none |
//! | program, open files, I/O of other users' processes | `/proc/PID/{exe,fd,io}` | root or `CAP_SYS_PTRACE` |
//! | who listens | `/proc/PID/net/{tcp,tcp6}`, `/proc/PID/fd` | the same |
//! | names of containers | `GET /containers/json`, where a group is named by one | the Engine's |
//!
//! Cost: one `stat` for each process of the machine; command lines and the like once, in the first half
//! minute of a process, when it becomes another program, and once a minute; of members five files more.
//! Never read: `smaps`, which stops the process meanwhile; memory that is read from a command line.
//!
//! A process is told from a later one of its number by its start. It belongs to each group whose
//! conditions it meets, and stays what it was when it has ended. The exporter itself is passed over, and so
//! are programs that look for a text, where only the command line is asked for. What lives and ends between
//! two readings is not seen: a counter of starts is no audit.
//!
//! Absent: what may not be seen, told as a gap, never 0; all of a group that cannot be found where `/proc`
//! hides other users' processes (`hidepid`), whose program (`exe`) or pid file may not be read, whose user has
//! no number, or whose container has no name while the Engine is silent.

mod config;
mod fetch;
mod listen;
mod matcher;
mod metrics;
mod pid_file;
mod sample;
mod scan;
mod signals;
mod sums;
mod table;
mod tally;
#[cfg(test)]
mod tests;
mod users;
mod words;

use std::sync::Arc;
use std::time::SystemTime;

use matcher::{Named, Wanted};

pub use config::Processes;

use crate::catalogue::{Area, Batch, Glance, TableEntry, Unit};
use crate::clients::engine::address::Address;
use crate::engine::{Collector, Parts, Target};
use crate::failure::Failure;
use crate::plan::{Common, Plan, Thresholds};

pub type Section = Processes;

/// Each has 35 series.
const GROUPS: usize = 100;

pub static AREA: Area = Area {
    name: "process",
    title: "Processes",
    single: true,
    in_service: false,
    tables: &[
        TableEntry::of::<sample::Declared>(),
        TableEntry::of::<sample::Presence>(),
        TableEntry::of::<sample::Group>(),
        TableEntry::of::<sample::Port>(),
        TableEntry::of::<sample::Machine>(),
    ],
    signals: signals::SIGNALS,
    glance: &[
        Glance::Fact {
            metric: "stack_process_unreclaimable_bytes",
            unit: Unit::Bytes,
            what: "Most memory of a group",
        },
        Glance::Signal("files"),
        Glance::Signal("restarts"),
    ],
    reasons: &[],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/process.md"),
};

/// Declared groups; nobody else knows what must run.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(section) = section else {
        let hint = "name what must run under `processes:`, for example `groups: { bot: { cmdline: bot.py } }`";
        return plan.missed("no process is named", hint);
    };
    if section.groups.is_empty() {
        plan.mistake("", "groups", "needs at least one group");
    }
    if section.groups.len() > GROUPS {
        plan.mistake("", "groups", format!("has more than {GROUPS} groups"));
    }
    if !section.proc_path.is_absolute() || !section.proc_path.join("stat").exists() {
        let why = "must be the absolute path of a proc file system, for example `/proc`";
        plan.mistake("", "proc_path", why);
    }
    let mut wanted = Vec::new();
    for (name, group) in &section.groups {
        let key = format!("groups.{name}");
        if name.is_empty() || name.len() > 64 {
            plan.mistake("", &key, "a group's name has 1 to 64 bytes: it goes into labels");
        }
        match Wanted::new(name, group) {
            Ok(one) => wanted.push(one),
            Err(wrong) => {
                for (inner, message) in wrong {
                    let key = if inner.is_empty() { key.clone() } else { format!("{key}.{inner}") };
                    plan.mistake("", &key, message);
                }
            }
        }
    }
    let target = target(section, wanted, plan);
    let common =
        Common { timeout: section.timeout, thresholds: &section.thresholds, service: None };
    plan.declare(target, &common);
}

fn target(section: &Processes, wanted: Vec<Wanted>, plan: &mut Plan) -> Target {
    let by_name = |one: &Wanted| matches!(one.conditions.container, Some(Named::Name(_)));
    let address = wanted.iter().find(|one| by_name(one)).and_then(|one| {
        let found = plan.address::<Address>("docker", "docker");
        if found.is_err() {
            let why = "no Engine is known that could be asked for names: declare `docker`, or give the container's id";
            plan.mistake("", &format!("groups.{}.container", one.name), why);
        }
        found.ok()
    });
    // Without what the look is not made from: other thresholds need no other one.
    let settings =
        Processes { timeout: None, thresholds: Thresholds::default(), ..section.clone() };
    let settings = (settings, address.clone());
    let mut parts = Parts::new(plan.memory, AREA.name, AREA.name, settings.clone());
    let of = section.proc_path.display().to_string();
    let kept = parts.keep("remembered", fetch::KEPT, of.clone());
    let title = "names of containers";
    let engine = address.map(|address| (address, parts.add("containers", title, fetch::NAMES)));
    let source = fetch::Source {
        scan: Arc::new(scan::Scan { proc: section.proc_path.clone(), wanted }),
        memory: plan.memory.kept(AREA.name, AREA.name, "table", settings.clone()),
        busy: plan.memory.of(AREA.name, AREA.name),
        kept,
        engine,
    };
    Target::new(&AREA, AREA.name, of, settings, Watched(source)).with_parts(parts)
}

/// All groups.
struct Watched(fetch::Source);

impl Collector for Watched {
    type Raw = scan::Raw;

    async fn fetch(&self) -> Result<scan::Raw, Failure> {
        self.0.look().await
    }

    fn sample(&self, raw: scan::Raw, _now: SystemTime) -> Result<Batch, Failure> {
        Ok(sample::sample(&self.0.scan.wanted, &raw))
    }
}
