//! NVIDIA GPUs, and what has to be on them.
//!
//! | read | from | rights |
//! |---|---|---|
//! | use, memory, temperature, power, clocks, errors, link, processes | `libnvidia-ml.so.1` (NVML), loaded at run time | to open `/dev/nvidiactl` and `/dev/nvidia*` |
//! | errors as they come (Xid) | events of NVML | the same |
//! | the same but energy and Xids, where the library is not there or older than driver 510 | `nvidia-smi -q -x` | to run it, and the same |
//! | names of programs, their containers, whether a missed one runs | `/proc/PID/{stat,cgroup,cmdline}` of the machine | none |
//! | names of containers | `GET /containers/json`, where an Engine is known | the Engine's |
//!
//! Cost: some forty calls a GPU, see docs/performance.md. The library stays loaded and in session, which keeps
//! a GPU without persistence mode awake. Without it, one run of `nvidia-smi` each 30 s, which is ended after 4 s.
//! A driver that is not there is looked for again once a minute, or when its device files change; in between a
//! reading is four `stat`. All processes of the machine are looked through each 15 s, and only while a declared
//! one is on no GPU.
//!
//! Calls are made by one thread, since one into a sick driver may never come back: then this area is down, and
//! nothing else waits.
//!
//! Absent: what a GPU does not support, never 0; distances to limits where the library has them only in a
//! kind that ours does not read (T.Limit of Ada and later: `nvidia-smi` has them); energy and Xids by
//! `nvidia-smi`; who is on a GPU where only a container's `/proc` can be seen; use of instances (MIG). Counts of Xids begin with the exporter.
//!
//! Not tried on a GPU: the library of the tests is a stand-in that is compiled there, and the documents of
//! `nvidia-smi` are in the shape of NVIDIA's.

mod config;
mod dcgm;
mod fetch;
mod metrics;
mod model;
mod nvml;
mod people;
mod presence;
mod reasons;
mod remembered;
mod sample;
mod signals;
mod smi;
mod tables;
#[cfg(test)]
mod tests;
mod wanted;
mod words;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

pub use config::Gpu;
use remembered::Remembered;
use wanted::Wanted;

use crate::catalogue::{Area, Batch, Glance, TableEntry};
use crate::clients::engine::address::Address;
use crate::clients::host_name;
use crate::engine::{Collector, Form, Keeping, Kept, Parts, Target};
use crate::failure::Failure;
use crate::plan::{Common, Plan, Thresholds};

pub type Section = Gpu;

/// Each has five series.
const PROCESSES: usize = 50;
/// How long what is remembered is waited for at the start.
const FIRST: Duration = Duration::from_secs(1);
const KEEPING: Keeping = Keeping {
    form: Form { kind: "gpus", version: 1 },
    most: 1 << 16,
    pause: Duration::from_secs(5),
};

pub static AREA: Area = Area {
    name: "gpu",
    title: "GPUs",
    single: true,
    in_service: false,
    tables: &[
        TableEntry::of::<sample::Driver>(),
        TableEntry::of::<sample::Fleet>(),
        TableEntry::of::<sample::Presence>(),
        TableEntry::of::<sample::Device>(),
        TableEntry::of::<sample::Errors>(),
        TableEntry::of::<sample::Program>(),
        TableEntry::of::<sample::Up>(),
        TableEntry::of::<sample::Declared>(),
        TableEntry::of::<dcgm::Dcgm>(),
    ],
    signals: signals::SIGNALS,
    glance: &[Glance::Signal("memory"), Glance::Signal("temperature")],
    reasons: &[reasons::REASONS],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/gpu.md"),
};

/// Whether this machine has an NVIDIA GPU, as far as that can be seen without asking the driver.
pub fn is_there() -> bool {
    presence::has_device() || presence::has_driver()
}

/// GPUs as the section says, else those whose device files are in reach.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(gpu) = section else {
        if presence::has_device() {
            if let Some(target) = target(&Gpu::default(), Vec::new(), plan) {
                plan.find(target, "found");
            }
            return;
        }
        let (why, hint) = if presence::has_driver() {
            (
                "the machine has NVIDIA's driver, and no device file of a GPU can be seen",
                "give the container or the unit its GPUs, see docs/how-to/gpu.md",
            )
        } else {
            ("there is no NVIDIA GPU", "declare `gpu: {}` to be told when its driver is not there")
        };
        return plan.missed(why, hint);
    };
    if !gpu.enabled {
        return;
    }
    for (key, path) in [("library", &gpu.library), ("nvidia_smi", &gpu.nvidia_smi)] {
        if path.as_ref().is_some_and(|path| !path.is_absolute()) {
            plan.mistake("", key, "must be an absolute path");
        }
    }
    if !gpu.proc_path.is_absolute() || !gpu.proc_path.join("stat").exists() {
        let why = "must be the absolute path of a proc file system, for example `/proc`";
        plan.mistake("", "proc_path", why);
    }
    let wanted = declared(gpu, plan);
    if let Some(target) = target(gpu, wanted, plan) {
        let common = Common { timeout: gpu.timeout, thresholds: &gpu.thresholds, service: None };
        plan.declare(target, &common);
    }
}

fn declared(gpu: &Gpu, plan: &mut Plan) -> Vec<Wanted> {
    if gpu.processes.len() > PROCESSES {
        plan.mistake("", "processes", format!("has more than {PROCESSES} processes"));
    }
    let mut wanted = Vec::new();
    for (name, given) in &gpu.processes {
        let key = format!("processes.{name}");
        if name.is_empty() || name.len() > 64 {
            plan.mistake("", &key, "a process' name has 1 to 64 bytes: it goes into labels");
        }
        match Wanted::new(name, given) {
            Ok(one) => wanted.push(one),
            Err(wrong) => {
                for (inner, message) in wrong {
                    let inner =
                        if inner.is_empty() { key.clone() } else { format!("{key}.{inner}") };
                    plan.mistake("", &inner, message);
                }
            }
        }
    }
    wanted
}

fn target(gpu: &Gpu, wanted: Vec<Wanted>, plan: &mut Plan) -> Option<Target> {
    let address = plan.address::<Address>("docker", "docker").ok();
    let by_name = |one: &&Wanted| matches!(one.container, Some(wanted::Named::Name(_)));
    if let (None, Some(one)) = (&address, wanted.iter().find(by_name)) {
        let key = format!("processes.{}.container", one.name);
        let why = "no Engine is known that could be asked for names: declare `docker`, or give the container's id";
        plan.mistake("", &key, why);
        return None;
    }
    // Without what the look is not made from: other thresholds need no other one.
    let settings = Gpu { timeout: None, thresholds: Thresholds::default(), ..gpu.clone() };
    let settings = (settings, address.clone());
    let mut parts = Parts::new(plan.memory, AREA.name, AREA.name, settings.clone());
    let place = gpu.library.as_ref().map(|path| path.display().to_string());
    let place = place.unwrap_or_else(|| "NVML".to_owned());
    let smi = parts.add("nvidia_smi", "nvidia-smi", fetch::SMI);
    let names =
        |address| (address, parts.add("container_names", "names of containers", fetch::NAMES));
    let engine = address.map(names);
    let kept = parts.keep("remembered_gpus", KEEPING, "GPUs of this machine".to_owned());
    let down = sample::down(&wanted);
    let watched = Watched {
        source: fetch::Source {
            path: gpu.library.clone(),
            library: plan.memory.kept(AREA.name, AREA.name, "library", gpu.library.clone()),
            program: gpu.nvidia_smi.clone(),
            smi,
            lasting: plan.memory.of(AREA.name, AREA.name),
            proc: gpu.proc_path.clone(),
            wanted: Arc::new(wanted),
            engine,
        },
        count: gpu.count,
        host: gpu.dcgm_names.then(|| host_name::of(&[])),
        kept,
        remembered: plan.memory.kept(AREA.name, AREA.name, "gpus", ()),
    };
    let target = Target::new(&AREA, AREA.name, place, settings, watched);
    Some(target.while_down(down).with_parts(parts))
}

/// All GPUs of the machine.
struct Watched {
    source: fetch::Source,
    count: Option<u32>,
    /// Name of the machine, where DCGM's names are told.
    host: Option<String>,
    kept: Kept<Remembered>,
    remembered: Arc<Mutex<Remembered>>,
}

impl Watched {
    fn remembered(&self) -> std::sync::MutexGuard<'_, Remembered> {
        self.remembered.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Collector for Watched {
    type Raw = fetch::Raw;

    async fn fetch(&self) -> Result<fetch::Raw, Failure> {
        if let Some(kept) = self.kept.restored(Instant::now() + FIRST).await {
            *self.remembered() = kept;
        }
        self.source.look().await
    }

    fn sample(&self, raw: fetch::Raw, now: SystemTime) -> Result<Batch, Failure> {
        let mut remembered = self.remembered();
        let batch = sample::sample(&raw, &self.source.wanted, self.count, &mut remembered, now);
        self.kept.keep(&remembered);
        drop(remembered);
        let dcgm = self.host.as_ref().map(|host| dcgm::rows(&raw.machine.gpus, host));
        Ok(batch.with(dcgm.unwrap_or_default()))
    }
}
