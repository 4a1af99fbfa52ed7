//! Control groups v2: `Documentation/admin-guide/cgroup-v2.rst`.

use std::path::Path;

use super::{Figures, Group, Hierarchy};
use crate::clients::kernel::parse::{micros, number, pairs, value};
use crate::clients::kernel::{Buffer, Cpu, Memory, Reclaimable, block};

/// Without pressure, which is the same beside v1. A controller that is not handed down to the group
/// has no files; `cgroup.procs` alone is always there.
pub(super) fn read(group: &Group, buffer: &mut Buffer) -> Figures {
    let Some(dir) = group.get(Hierarchy::Unified) else { return Figures::default() };
    let cpu = buffer.read(&dir.join("cpu.stat")).map(cpu).unwrap_or_default();
    let (memory, oom_kills) = memory(dir, buffer);
    Figures {
        cpu,
        memory,
        oom_kills,
        threads: buffer.read(&dir.join("pids.current")).and_then(number),
        disks: buffer.read(&dir.join("io.stat")).map(block::io_stat).unwrap_or_default(),
        ..Figures::default()
    }
}

pub(super) fn cpu(stat: &[u8]) -> Cpu {
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
    let memory = Memory {
        usage: one("memory.current"),
        // Since Linux 5.19.
        max: one("memory.peak"),
        // Absent without accounting of swap.
        swap: one("memory.swap.current"),
        ..Memory::default()
    };
    let mut memory = stat(buffer.read(&dir.join("memory.stat")).unwrap_or_default(), memory);
    let events = buffer.read(&dir.join("memory.events")).unwrap_or_default();
    memory.limit_hits = value(events, b"max");
    (memory, value(events, b"oom_kill"))
}

/// `memory.stat`: what it adds to the other files.
pub(super) fn stat(text: &[u8], mut memory: Memory) -> Memory {
    let mut part = Reclaimable::default();
    for (key, value) in pairs(text) {
        let field = match key {
            b"anon" => &mut memory.rss,
            b"file" => &mut memory.cache,
            b"file_mapped" => &mut memory.mapped,
            b"pgfault" => &mut memory.faults,
            b"pgmajfault" => &mut memory.major_faults,
            b"inactive_file" => &mut part.inactive_file,
            b"active_file" => &mut part.active_file,
            b"slab_reclaimable" => &mut part.slab,
            _ => continue,
        };
        *field = Some(value);
    }
    memory.without(part)
}
