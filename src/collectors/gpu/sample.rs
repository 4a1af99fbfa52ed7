//! What was read, as rows.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::fetch::Raw;
use super::model::{CLOCKS, Facts, Gpu, KINDS, Machine, OnGpu, REASONS, STATES, State, Xids};
use super::people::Person;
use super::remembered::{Remembered, Seen};
use super::tables;
use super::wanted::{PLACES, Wanted, Where};
use crate::catalogue::Batch;
use crate::failure::{Failure, Reason};
use crate::text::{printable, short};

/// Programs on GPUs that have series of their own, those with the most memory.
const PROGRAMS: usize = 50;
/// A name of a program in a label.
const NAME: usize = 64;

/// The driver.
pub struct Driver {
    pub source: &'static str,
    pub driver: String,
    pub cuda: String,
}

/// How many GPUs there are.
pub struct Fleet {
    pub devices: u64,
    pub wanted: Option<u32>,
    pub missing: u64,
}

/// How one GPU answers, or that it is gone.
pub struct Presence {
    pub uuid: String,
    pub gpu: String,
    pub name: String,
    pub bus: String,
    pub state: State,
}

/// The numbers of one that answers.
pub struct Device {
    pub uuid: String,
    pub gpu: String,
    pub facts: Facts,
    /// `None`: nobody can tell.
    pub processes: Option<u64>,
}

/// What the driver told of its errors.
pub struct Errors {
    pub uuid: String,
    pub gpu: String,
    pub xids: Option<Xids>,
}

/// A program on a GPU: all its processes there, of one container.
pub struct Program {
    pub uuid: String,
    pub gpu: String,
    pub name: String,
    pub container: String,
    pub processes: u64,
    pub memory: Option<u64>,
}

/// A process that has to be on a GPU.
pub struct Declared {
    pub process: String,
    /// `None`: nobody can tell.
    pub place: Option<Where>,
    pub memory: Option<u64>,
}

/// That it is declared, and 0 where no GPU can be read.
pub struct Up {
    pub process: String,
    pub up: Option<bool>,
}

impl Presence {
    pub fn place(&self) -> impl Iterator<Item = (&str, bool)> {
        (!self.bus.is_empty()).then_some((self.bus.as_str(), true)).into_iter()
    }

    pub fn states(&self) -> impl Iterator<Item = (&'static str, bool)> {
        STATES.iter().map(|(word, state)| (*word, *state == self.state))
    }
}

impl Declared {
    pub fn states(&self) -> impl Iterator<Item = (&'static str, bool)> {
        let place = self.place;
        let all = place.map(|place| PLACES.iter().map(move |(word, one)| (*word, *one == place)));
        all.into_iter().flatten()
    }
}

impl Driver {
    #[allow(clippy::unused_self, reason = "each value of a row is asked of the row")]
    pub const fn always(&self) -> bool {
        true
    }
}

impl Device {
    pub fn clocks(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        CLOCKS.into_iter().zip(self.facts.clocks)
    }

    pub fn clocks_most(&self) -> impl Iterator<Item = (&'static str, Option<f64>)> {
        CLOCKS.into_iter().zip(self.facts.clocks_most)
    }

    pub fn reasons(&self) -> impl Iterator<Item = (&'static str, Option<bool>)> {
        REASONS.into_iter().zip(self.facts.reasons)
    }

    pub fn limits(&self) -> [(&'static str, Option<f64>); 3] {
        let at = &self.facts.temperature;
        [("slowdown", at.slowdown), ("shutdown", at.shutdown), ("operating", at.operating)]
    }

    /// Whether it waits for a reset: for pages or rows that are to be taken out of use, or for another reason.
    pub fn reset_needed(&self) -> Option<bool> {
        let repair = &self.facts.repair;
        let told = [repair.pages_pending, repair.rows_pending, repair.asked];
        told.iter().any(Option::is_some).then(|| told.contains(&Some(true)))
    }
}

impl Errors {
    pub fn counts(&self) -> impl Iterator<Item = (&'static str, Option<u64>)> {
        let counts = self.xids.map(|xids| xids.counts.map(Some)).unwrap_or_default();
        KINDS.into_iter().zip(counts)
    }

    pub fn last(&self) -> Option<(u64, f64)> {
        self.xids.and_then(|xids| xids.last)
    }
}

/// Two kinds of a thing by their words.
pub fn two<T: Copy>(
    words: [&'static str; 2],
    values: [Option<T>; 2],
) -> impl Iterator<Item = (&'static str, Option<T>)> {
    words.into_iter().zip(values)
}

pub fn number(index: Option<u32>) -> String {
    index.map(|index| index.to_string()).unwrap_or_default()
}

/// What declared processes show while no GPU can be read.
pub fn down(wanted: &[Wanted]) -> Batch {
    let up = |one: &Wanted| Up { process: one.name.clone(), up: Some(false) };
    Batch::new().with(wanted.iter().map(up).collect())
}

pub fn sample(
    raw: &Raw,
    wanted: &[Wanted],
    count: Option<u32>,
    remembered: &mut Remembered,
    now: SystemTime,
) -> Batch {
    let machine = &raw.machine;
    remembered.take(now, &machine.gpus);
    let seen: Vec<Seen> = remembered.all(&machine.gpus).collect();
    let numbered: BTreeMap<&str, String> =
        seen.iter().map(|seen| (seen.uuid.as_str(), number(seen.index))).collect();
    let gpu_of =
        |gpu: &Gpu| numbered.get(gpu.uuid.as_str()).cloned().unwrap_or_else(|| number(gpu.index));
    let answering = || machine.gpus.iter().filter(|gpu| gpu.state == State::Ok);
    let devices = answering().map(|gpu| Device {
        uuid: gpu.uuid.clone(),
        gpu: gpu_of(gpu),
        facts: gpu.facts.clone(),
        processes: processes(gpu, raw),
    });
    let errors = machine.gpus.iter().map(|gpu| Errors {
        uuid: gpu.uuid.clone(),
        gpu: gpu_of(gpu),
        xids: gpu.xids,
    });
    let mut programs: Vec<Program> =
        answering().flat_map(|gpu| programs(gpu, &gpu_of(gpu), raw)).collect();
    programs.sort_by(|a, b| b.memory.cmp(&a.memory).then_with(|| a.name.cmp(&b.name)));
    let dropped = programs.len().saturating_sub(PROGRAMS) as u64;
    programs.truncate(PROGRAMS);
    let batch = Batch::new()
        .detail(tables::devices(machine))
        .detail(tables::programs(&programs))
        .with(vec![Driver {
            source: machine.source,
            driver: machine.driver.clone(),
            cuda: machine.cuda.clone(),
        }])
        .with(vec![fleet(machine, &seen, count)])
        .with(seen.iter().map(presence).collect())
        .with(devices.collect())
        .with(errors.collect())
        .with(programs)
        .dropped("programs", dropped);
    declared(batch, wanted, raw)
}

/// What has to be on a GPU, or why nobody can tell.
fn declared(mut batch: Batch, wanted: &[Wanted], raw: &Raw) -> Batch {
    let declared: Vec<_> = wanted
        .iter()
        .zip(raw.people.places.iter().copied())
        .map(|(one, place)| Declared {
            process: one.name.clone(),
            place,
            memory: memory_of(one, raw).filter(|_| place == Some(Where::OnGpu)),
        })
        .collect();
    let unknown = declared.iter().any(|one| one.place.is_none());
    if let Some(failure) = unsure(raw).filter(|_| unknown) {
        batch = batch.gap("declared processes on GPUs", failure);
    }
    let up = |one: &Declared| Up {
        process: one.process.clone(),
        up: one.place.map(|place| place == Where::OnGpu),
    };
    batch.with(declared.iter().map(up).collect()).with(declared)
}

/// Why nobody can tell whether a process is on a GPU.
fn unsure(raw: &Raw) -> Option<Failure> {
    let (text, hint) = if raw.people.blind {
        (
            "the driver counts processes as the machine does, and /proc shows those of a container",
            "mount the machine's /proc and name it in `proc_path`, or `pid: host`, see docs/how-to/gpu.md",
        )
    } else if raw.people.untold {
        (
            "the driver does not tell the processes of a GPU",
            "with MIG it tells them to root only; some virtual GPUs never do",
        )
    } else {
        return None;
    };
    Some(Failure::new(Reason::RIGHTS, text).hint(hint))
}

fn presence(seen: &Seen) -> Presence {
    Presence {
        uuid: seen.uuid.clone(),
        gpu: number(seen.index),
        name: seen.name.clone(),
        bus: seen.bus.clone(),
        state: seen.state,
    }
}

fn fleet(machine: &Machine, seen: &[Seen], count: Option<u32>) -> Fleet {
    let devices = machine.gpus.iter().filter(|gpu| gpu.state == State::Ok).count() as u64;
    let should = machine.counted.max(count.map_or(0, u64::from));
    // Those that have a series of their own are told by that.
    let missing = should.saturating_sub(seen.len() as u64);
    Fleet { devices, wanted: count, missing }
}

/// Processes of a GPU. In a PID namespace of its own the exporter may get an empty list of a full GPU.
fn processes(gpu: &Gpu, raw: &Raw) -> Option<u64> {
    let count = gpu.processes.as_ref()?.len() as u64;
    (count > 0 || !raw.people.blind).then_some(count)
}

/// A container as people call it, else the beginning of its id.
fn container(person: Option<&Person>, raw: &Raw) -> String {
    let Some(id) = person.and_then(|person| person.container.as_ref()) else {
        return String::new();
    };
    let named = raw.containers.as_ref().ok().and_then(|all| {
        all.iter().find_map(|(name, own)| (own == id && !name.contains('/')).then_some(name))
    });
    named.cloned().unwrap_or_else(|| id.chars().take(12).collect())
}

/// The name of a program: the kernel's, else the last part of what the driver says.
fn program(process: &OnGpu, person: Option<&Person>) -> String {
    let told = || {
        let first = process.name.as_deref()?.split_whitespace().next()?;
        first.rsplit(['/', '\\']).next()
    };
    let name = person.map(|person| person.name.as_str()).or_else(told).unwrap_or_default();
    let name = if name.is_empty() { "unknown" } else { name };
    short(&printable(name), NAME).into_owned()
}

fn programs(gpu: &Gpu, number: &str, raw: &Raw) -> Vec<Program> {
    let mut all: BTreeMap<(String, String), Program> = BTreeMap::new();
    for process in gpu.processes.iter().flatten() {
        let person = raw.people.known.get(&process.pid);
        let (name, container) = (program(process, person), container(person, raw));
        let one = all.entry((name.clone(), container.clone())).or_insert_with(|| Program {
            uuid: gpu.uuid.clone(),
            gpu: number.to_owned(),
            name,
            container,
            processes: 0,
            memory: None,
        });
        one.processes += 1;
        one.memory = match (one.memory, process.memory) {
            (Some(before), Some(more)) => Some(before.saturating_add(more)),
            (before, more) => before.or(more),
        };
    }
    all.into_values().collect()
}

/// Memory of a declared process on all GPUs.
fn memory_of(wanted: &Wanted, raw: &Raw) -> Option<u64> {
    let inside = wanted.inside(&raw.containers);
    let all = raw.machine.gpus.iter().filter_map(|gpu| gpu.processes.as_ref()).flatten();
    let ours = all.filter(|process| {
        raw.people.known.get(&process.pid).is_some_and(|person| wanted.is(person, &inside))
    });
    ours.filter_map(|process| process.memory).reduce(u64::saturating_add)
}
