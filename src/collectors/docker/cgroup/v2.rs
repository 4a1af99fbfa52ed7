//! Control groups v2: `Documentation/admin-guide/cgroup-v2.rst`.

use std::path::Path;

use super::buffer::Buffer;
use super::parse::{self, micros, number, pairs, value};
use super::{Dirs, Hierarchy};
use crate::collectors::docker::facts::{Cpu, Memory, Usage};

/// Without networks, processes and pressure, which are the same on v1 and v2. A controller that is
/// not handed down to the container has no files; `cgroup.procs` alone is always there.
pub(super) fn read(dirs: &Dirs, buffer: &mut Buffer) -> Usage {
    let Some(dir) = dirs.get(Hierarchy::Unified) else { return Usage::default() };
    let cpu = buffer.read(&dir.join("cpu.stat")).map(cpu).unwrap_or_default();
    let (memory, oom_kills) = memory(dir, buffer);
    Usage {
        cpu,
        memory,
        oom_kills,
        threads: buffer.read(&dir.join("pids.current")).and_then(number),
        disks: buffer.read(&dir.join("io.stat")).map(parse::io_stat).unwrap_or_default(),
        ..Usage::default()
    }
}

fn cpu(stat: &[u8]) -> Cpu {
    let mut cpu = Cpu::default();
    for (key, value) in pairs(stat) {
        match key {
            b"usage_usec" => cpu.total = Some(micros(value)),
            b"user_usec" => cpu.user = Some(micros(value)),
            b"system_usec" => cpu.system = Some(micros(value)),
            b"nr_periods" => cpu.periods = Some(value),
            b"nr_throttled" => cpu.throttled = Some(value),
            b"throttled_usec" => cpu.throttled_seconds = Some(micros(value)),
            _ => {}
        }
    }
    cpu
}

fn memory(dir: &Path, buffer: &mut Buffer) -> (Memory, Option<u64>) {
    let mut one = |name| buffer.read(&dir.join(name)).and_then(number);
    let mut memory = Memory {
        usage: one("memory.current"),
        // Since Linux 5.19.
        max: one("memory.peak"),
        // Absent without accounting of swap.
        swap: one("memory.swap.current"),
        ..Memory::default()
    };
    if let Some(stat) = buffer.read(&dir.join("memory.stat")) {
        Stat::parse(stat, &mut memory);
    }
    let events = buffer.read(&dir.join("memory.events")).unwrap_or_default();
    memory.limit_hits = value(events, b"max");
    (memory, value(events, b"oom_kill"))
}

/// What of `memory.stat` is only needed for sums.
#[derive(Default)]
struct Stat {
    inactive: Option<u64>,
    shared: Option<u64>,
    sockets: Option<u64>,
    /// All of the kernel's own, since Linux 5.18.
    kernel: Option<u64>,
    slab_reclaimable: Option<u64>,
    /// The parts of it that stay, for older kernels.
    parts: u64,
}

impl Stat {
    fn parse(text: &[u8], memory: &mut Memory) {
        let mut stat = Self::default();
        for (key, value) in pairs(text) {
            let field = match key {
                b"anon" => &mut memory.rss,
                b"file" => &mut memory.cache,
                b"file_mapped" => &mut memory.mapped,
                b"pgfault" => &mut memory.faults,
                b"pgmajfault" => &mut memory.major_faults,
                b"inactive_file" => &mut stat.inactive,
                b"shmem" => &mut stat.shared,
                b"sock" => &mut stat.sockets,
                b"kernel" => &mut stat.kernel,
                b"slab_reclaimable" => &mut stat.slab_reclaimable,
                b"kernel_stack" | b"pagetables" | b"percpu" | b"slab_unreclaimable" => {
                    stat.parts = stat.parts.saturating_add(value);
                    continue;
                }
                _ => continue,
            };
            *field = Some(value);
        }
        memory.working_set =
            memory.usage.zip(stat.inactive).map(|(all, idle)| all.saturating_sub(idle));
        memory.unreclaimable = memory.rss.map(|anonymous| {
            let kernel = stat.kernel.zip(stat.slab_reclaimable);
            let kernel = kernel.map_or(stat.parts, |(all, some)| all.saturating_sub(some));
            let shared = stat.shared.unwrap_or(0).saturating_add(stat.sockets.unwrap_or(0));
            anonymous.saturating_add(kernel).saturating_add(shared)
        });
    }
}
