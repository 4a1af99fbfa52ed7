//! Control groups v1: `Documentation/admin-guide/cgroup-v1`. The same files as the Engine reads for
//! its stats, and its words: totals of the whole group.

use std::path::{Path, PathBuf};

use super::{Figures, Group, Hierarchy};
use crate::clients::kernel::block::{self, Unit};
use crate::clients::kernel::parse::{nanos, number, pairs, value};
use crate::clients::kernel::{Buffer, Cpu, Disks, Memory, Reclaimable, ticks_per_second};

/// Without pressure, which v1 does not know.
pub(super) fn read(group: &Group, buffer: &mut Buffer) -> Figures {
    let memory = group.get(Hierarchy::Memory);
    let pids = group.get(Hierarchy::Pids);
    Figures {
        cpu: cpu(group, buffer),
        memory: memory.map(|dir| self::memory(dir, buffer)).unwrap_or_default(),
        threads: pids.and_then(|dir| number(buffer.read_certain(&dir.join("pids.current"))?)),
        disks: group.get(Hierarchy::Blkio).map(|dir| disks(dir, buffer)).unwrap_or_default(),
        oom_kills: memory.and_then(|dir| {
            // Since Linux 4.13.
            value(buffer.read_certain(&dir.join("memory.oom_control"))?, b"oom_kill")
        }),
        ..Figures::default()
    }
}

fn cpu(group: &Group, buffer: &mut Buffer) -> Cpu {
    let mut cpu = Cpu::default();
    if let Some(dir) = group.get(Hierarchy::Cpuacct) {
        cpu.total = buffer.read_certain(&dir.join("cpuacct.usage")).and_then(number).map(nanos);
        let ticks = ticks_per_second();
        for (key, value) in pairs(buffer.read(&dir.join("cpuacct.stat")).unwrap_or_default()) {
            match key {
                b"user" => cpu.user = Some(value as f64 / ticks),
                b"system" => cpu.system = Some(value as f64 / ticks),
                _ => {}
            }
        }
    }
    // Absent in kernels without CFS bandwidth control.
    let stat = group.get(Hierarchy::Cpu).and_then(|dir| buffer.read(&dir.join("cpu.stat")));
    for (key, value) in pairs(stat.unwrap_or_default()) {
        match key {
            b"nr_periods" => cpu.periods = Some(value),
            b"nr_throttled" => cpu.throttled = Some(value),
            b"throttled_time" => cpu.throttled_seconds = Some(nanos(value)),
            _ => {}
        }
    }
    cpu
}

fn memory(dir: &Path, buffer: &mut Buffer) -> Memory {
    let mut one = |name| buffer.read_certain(&dir.join(name)).and_then(number);
    let memory = Memory {
        usage: one("memory.usage_in_bytes"),
        max: one("memory.max_usage_in_bytes"),
        limit_hits: one("memory.failcnt"),
        ..Memory::default()
    };
    stat(buffer.read_certain(&dir.join("memory.stat")).unwrap_or_default(), memory)
}

/// `memory.stat`: what it adds to the other files.
pub(super) fn stat(text: &[u8], mut memory: Memory) -> Memory {
    let mut part = Reclaimable::default();
    for (key, value) in pairs(text) {
        let field = match key {
            b"total_rss" => &mut memory.rss,
            b"total_cache" => &mut memory.cache,
            b"total_mapped_file" => &mut memory.mapped,
            b"total_swap" => &mut memory.swap,
            b"total_pgfault" => &mut memory.faults,
            b"total_pgmajfault" => &mut memory.major_faults,
            b"total_inactive_file" => &mut part.inactive_file,
            b"total_active_file" => &mut part.active_file,
            _ => continue,
        };
        *field = Some(value);
    }
    memory.without(part)
}

/// Why the kernel counts no block I/O.
#[derive(Debug, PartialEq)]
pub enum Uncounted {
    NotMounted,
    /// It is built without: there is no such file.
    Absent(PathBuf),
    /// It lists no disk for any group. Newer kernels begin to count once the first rule of that kind
    /// is set, and then for all groups.
    NoRule(&'static str),
}

const SERVICE_BYTES: &str = "blkio.throttle.io_service_bytes";

/// `dir` is the top, which has done some.
pub(super) fn uncounted(dir: Option<&Path>, buffer: &mut Buffer) -> Option<Uncounted> {
    let Some(dir) = dir else { return Some(Uncounted::NotMounted) };
    if !disks(dir, buffer).is_empty() {
        return None;
    }
    let path = dir.join(SERVICE_BYTES);
    let is_there = buffer.read(&path).is_some();
    Some(if is_there { Uncounted::NoRule(SERVICE_BYTES) } else { Uncounted::Absent(path) })
}

/// Of the whole group; older kernels count only what is not in groups below it.
fn disks(dir: &Path, buffer: &mut Buffer) -> Disks {
    let mut disks = Disks::new();
    for (unit, counted) in [(Unit::Bytes, "io_service_bytes"), (Unit::Operations, "io_serviced")] {
        for totals in ["_recursive", ""] {
            let path = dir.join(format!("blkio.throttle.{counted}{totals}"));
            if let Some(text) = buffer.read(&path) {
                block::blkio(text, unit, &mut disks);
                break;
            }
        }
    }
    disks
}
