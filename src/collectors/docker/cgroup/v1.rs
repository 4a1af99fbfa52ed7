//! Control groups v1: `Documentation/admin-guide/cgroup-v1`. The same files as the Engine reads for
//! its stats, and its words: totals of the whole group.

use std::path::Path;

use super::buffer::Buffer;
use super::parse::{self, Disks, Unit, nanos, number, pairs, value};
use super::{Dirs, Hierarchy, MOUNT};
use crate::collectors::docker::facts::{Cpu, Memory, Usage};
use crate::failure::{Failure, Reason};

/// Without networks, processes and pressure, which are the same on v1 and v2.
pub(super) fn read(dirs: &Dirs, buffer: &mut Buffer) -> Usage {
    let memory = dirs.get(Hierarchy::Memory);
    let pids = dirs.get(Hierarchy::Pids);
    Usage {
        cpu: cpu(dirs, buffer),
        memory: memory.map(|dir| self::memory(dir, buffer)).unwrap_or_default(),
        threads: pids.and_then(|dir| number(buffer.read_certain(&dir.join("pids.current"))?)),
        disks: dirs.get(Hierarchy::Blkio).map(|dir| disks(dir, buffer)).unwrap_or_default(),
        oom_kills: memory.and_then(|dir| {
            // Since Linux 4.13.
            value(buffer.read_certain(&dir.join("memory.oom_control"))?, b"oom_kill")
        }),
        ..Usage::default()
    }
}

fn cpu(dirs: &Dirs, buffer: &mut Buffer) -> Cpu {
    let mut cpu = Cpu::default();
    if let Some(dir) = dirs.get(Hierarchy::Cpuacct) {
        cpu.total = buffer.read_certain(&dir.join("cpuacct.usage")).and_then(number).map(nanos);
        let ticks = rustix::param::clock_ticks_per_second() as f64;
        for (key, value) in pairs(buffer.read(&dir.join("cpuacct.stat")).unwrap_or_default()) {
            match key {
                b"user" => cpu.user = Some(value as f64 / ticks),
                b"system" => cpu.system = Some(value as f64 / ticks),
                _ => {}
            }
        }
    }
    // Absent in kernels without CFS bandwidth control.
    let stat = dirs.get(Hierarchy::Cpu).and_then(|dir| buffer.read(&dir.join("cpu.stat")));
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
    let mut memory = Memory {
        usage: one("memory.usage_in_bytes"),
        max: one("memory.max_usage_in_bytes"),
        limit_hits: one("memory.failcnt"),
        ..Memory::default()
    };
    // Absent where the kernel does not account for its own memory.
    let kernel = buffer.read(&dir.join("memory.kmem.usage_in_bytes")).and_then(number);
    let (mut inactive, mut shared) = (None, None);
    let stat = buffer.read_certain(&dir.join("memory.stat"));
    for (key, value) in pairs(stat.unwrap_or_default()) {
        let field = match key {
            b"total_rss" => &mut memory.rss,
            b"total_cache" => &mut memory.cache,
            b"total_mapped_file" => &mut memory.mapped,
            b"total_swap" => &mut memory.swap,
            b"total_pgfault" => &mut memory.faults,
            b"total_pgmajfault" => &mut memory.major_faults,
            b"total_inactive_file" => &mut inactive,
            b"total_shmem" => &mut shared,
            _ => continue,
        };
        *field = Some(value);
    }
    memory.working_set = memory.usage.zip(inactive).map(|(all, idle)| all.saturating_sub(idle));
    // Shared memory counts as cache. What of the kernel's own could be given back, v1 does not say.
    let own = shared.unwrap_or(0).saturating_add(kernel.unwrap_or(0));
    memory.unreclaimable = memory.rss.map(|rss| rss.saturating_add(own));
    memory
}

/// Whether the kernel counts block I/O at all; `dir` is the top, which has done some. Newer kernels
/// begin to count once the first rule of that kind is set, and then for all groups.
pub(super) fn counts_block_io(dir: Option<&Path>, buffer: &mut Buffer) -> Result<(), Failure> {
    let Some(dir) = dir else {
        let what = "the control groups of blkio are not mounted";
        return Err(Failure::new(Reason::NOT_FOUND, what).hint(MOUNT));
    };
    if !disks(dir, buffer).is_empty() {
        return Ok(());
    }
    let file = "blkio.throttle.io_service_bytes";
    if buffer.read(&dir.join(file)).is_none() {
        let what = format!("no {file} in {}", dir.display());
        let hint = "this kernel is built without CONFIG_BLK_DEV_THROTTLING: use another one, or \
            control groups v2";
        return Err(Failure::new(Reason::NOT_FOUND, what).hint(hint));
    }
    let what = format!("the kernel does not count it: {file} lists no disk for any group");
    let hint = "it counts, for all, once some limit is set on the disk: start one container \
        with `docker run --rm --device-write-bps /dev/DISK:500mb IMAGE true` (`lsblk` names DISK) \
        after each boot";
    Err(Failure::new(Reason::NOT_FOUND, what).hint(hint))
}

/// Of the whole group; older kernels count only what is not in groups below it.
fn disks(dir: &Path, buffer: &mut Buffer) -> Disks {
    let mut disks = Disks::new();
    for (unit, counted) in [(Unit::Bytes, "io_service_bytes"), (Unit::Operations, "io_serviced")] {
        for totals in ["_recursive", ""] {
            let path = dir.join(format!("blkio.throttle.{counted}{totals}"));
            if let Some(text) = buffer.read(&path) {
                parse::blkio(text, unit, &mut disks);
                break;
            }
        }
    }
    disks
}
