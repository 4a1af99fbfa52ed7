//! Who the processes on a GPU are, by the kernel's files; and whether one that is missed runs elsewhere.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant};

use super::wanted::{Containers, Inside, Wanted, Where};
use crate::clients::engine::named::id_in;
use crate::clients::kernel::process::{self, Process, Stat, Status};
use crate::clients::kernel::{Buffer, parse};

/// Processes of a GPU that are looked at; more are counted and no more.
pub const MOST: usize = 1000;
/// All processes are looked through that often, and only for what is missed on the GPUs.
const AGAIN: Duration = Duration::from_secs(15);
/// The PID namespace that the machine begins with (`PROC_PID_INIT_INO`).
const INITIAL: &str = "pid:[4026531836]";

/// A process as far as it can be seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Person {
    pub name: String,
    /// Id of its container.
    pub container: Option<String>,
    pub cmdline: Option<String>,
}

/// What one look has found.
#[derive(Clone, Debug, Default)]
pub struct People {
    pub known: BTreeMap<u32, Person>,
    /// Where each declared process is, in their order. `None`: nobody can tell.
    pub places: Vec<Option<Where>>,
    /// The numbers of processes mean others here, or nobody: the driver counts as the machine does.
    pub blind: bool,
    /// A GPU does not tell its processes, so who is not found may be there.
    pub untold: bool,
}

/// What lasts from one look to the next.
#[derive(Default)]
pub struct Memory {
    looked: Option<Instant>,
    /// Which of the declared ones ran then.
    ran: Vec<bool>,
}

pub struct Look<'a> {
    pub proc: &'a Path,
    pub wanted: &'a [Wanted],
    pub containers: &'a Containers,
    /// Whether numbers of processes mean those that the driver means.
    pub sees: bool,
    /// Whether every GPU tells its processes.
    pub told: bool,
}

/// Whether the driver's numbers of processes are those of this `/proc`. They are the machine's, in a container
/// as well, and there another process may have the same number. `nvidia-smi` leaves out those that it does not
/// find in its own `/proc`.
pub fn sees(proc: &Path, by_library: bool) -> bool {
    let link = std::fs::read_link("/proc/self/ns/pid");
    if link.map_or(true, |link| link == Path::new(INITIAL)) {
        return true;
    }
    // That of a namespace around ours knows us by more numbers than one.
    let mut buffer = Buffer::new();
    let status = buffer.read(&proc.join("self/status")).map(Status::parse);
    by_library && status.is_some_and(|status| status.numbers > 1)
}

impl Look<'_> {
    pub fn run(&self, pids: impl Iterator<Item = u32>, memory: &mut Memory) -> People {
        let mut buffer = Buffer::new();
        let blind = !self.sees;
        let people: BTreeMap<u32, Person> = pids
            .filter(|_| !blind)
            .take(MOST)
            .filter_map(|pid| Some((pid, self.person(pid, &mut buffer)?)))
            .collect();
        let ids: Vec<_> = self.wanted.iter().map(|one| one.inside(self.containers)).collect();
        let on_gpu: Vec<Option<bool>> = self
            .wanted
            .iter()
            .zip(&ids)
            .map(|(wanted, inside)| {
                let known = *inside != Inside::Unknown;
                known.then(|| people.values().any(|person| wanted.is(person, inside)))
            })
            .collect();
        if !blind && on_gpu.contains(&Some(false)) {
            self.search(&ids, memory);
        }
        let place = |(index, found): (usize, &Option<bool>)| match found {
            Some(true) => Some(Where::OnGpu),
            Some(false) if blind || !self.told => None,
            Some(false) if memory.ran.get(index) == Some(&true) => Some(Where::OnCpu),
            Some(false) => Some(Where::NotRunning),
            None => None,
        };
        let places = on_gpu.iter().enumerate().map(place).collect();
        People { known: people, places, blind, untold: !self.told }
    }

    /// Looks through all processes for those that are declared.
    fn search(&self, ids: &[Inside], memory: &mut Memory) {
        let fresh = memory.looked.is_some_and(|at| at.elapsed() < AGAIN);
        if fresh && memory.ran.len() == ids.len() {
            return;
        }
        memory.looked = Some(Instant::now());
        memory.ran = vec![false; ids.len()];
        let Ok(entries) = std::fs::read_dir(self.proc) else { return };
        let mut buffer = Buffer::new();
        let own = std::process::id();
        let numbers =
            entries.flatten().filter_map(|entry| entry.file_name().to_str()?.parse().ok());
        for pid in numbers.filter(|pid| *pid != own) {
            let Some(person) = self.person(pid, &mut buffer) else { continue };
            for ((wanted, inside), ran) in self.wanted.iter().zip(ids).zip(&mut memory.ran) {
                *ran |= wanted.is(&person, inside);
            }
        }
    }

    fn person(&self, pid: u32, buffer: &mut Buffer) -> Option<Person> {
        let process = Process::open(self.proc, pid)?;
        let stat = Stat::parse(process.read("stat", buffer)?).map(|stat| parse::text(stat.name));
        let groups = process.read("cgroup", buffer).map(parse::text).unwrap_or_default();
        Some(Person {
            name: stat?,
            container: container(&groups),
            cmdline: if self.wanted.is_empty() { None } else { process.command() },
        })
    }
}

/// The container in whose control group it is.
fn container(groups: &str) -> Option<String> {
    let mut parts = process::groups(groups).flat_map(|(_, path)| path.split('/'));
    parts.find_map(|part| id_in(part).filter(|id| id.len() == 64)).map(ToOwned::to_owned)
}
