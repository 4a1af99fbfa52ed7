//! What the files say, as rows. A line that is not understood is left out; a file without any
//! line that is, is a gap.

use std::sync::LazyLock;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use regex::Regex;

use super::devices;
use super::fetch::{Raw, Seen, Space, Uname};
use super::memory::Memory;
use crate::catalogue::Batch;
use crate::clients::kernel::stat::{Stat, Times};
use crate::clients::kernel::{block, network, parse};
use crate::failure::{Failure, Reason};

/// Interfaces and disks beyond this are left out and counted.
const DEVICES: usize = 100;

/// Ends of container networks: they come and go, one for each container.
static VETH: LazyLock<Option<Regex>> = LazyLock::new(|| Regex::new("^(veth|cali|lxc)").ok());
/// Partitions, and disks in memory or in files.
static NO_DISK: LazyLock<Option<Regex>> = LazyLock::new(|| {
    Regex::new(r"^((z?ram|loop|fd|(h|s|v|xv)d[a-z]+)\d+|(nvme\d+n|mmcblk)\d+p\d+)$").ok()
});

pub struct Machine {
    pub now: Duration,
    pub boot: Option<f64>,
    pub load: Option<[f64; 3]>,
    pub cores: Option<usize>,
}

pub struct Cpu {
    pub cpu: String,
    /// Seconds by mode. Old kernels know fewer modes.
    pub modes: Vec<(&'static str, f64)>,
}

pub struct Filesystem {
    pub device: String,
    pub fstype: String,
    pub mountpoint: String,
    pub read_only: bool,
    /// Now, though it is meant to be writable.
    pub turned: Option<bool>,
    pub full_in: Option<f64>,
    pub space: Option<Space>,
    /// Whether the ratios are told here, and not at another mount of the same device.
    pub judged: bool,
}

/// Numbers of a network interface or of a disk, in the order of the file.
#[derive(Clone)]
pub struct Interface {
    pub device: String,
    pub numbers: [u64; 16],
}

pub struct Disk {
    pub device: String,
    pub numbers: [u64; 11],
}

pub fn sample(raw: Raw, now: SystemTime) -> Result<Batch, Failure> {
    let texts = raw.texts;
    let stat = texts.stat.and_then(|text| cpus(&text, raw.ticks_per_second));
    let memory = texts.meminfo.and_then(|text| Memory::parse(&text));
    if let (Err(failure), Err(_)) = (&stat, &memory) {
        return Err(failure.clone().hint("`host.proc_path` must be a proc file system"));
    }
    let mut batch = Batch::new().with(vec![raw.uname]);
    let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
    let mut machine = Machine { now: since, boot: None, load: texts.load, cores: None };
    let mut activity = texts.activity;
    match stat {
        Ok((cpus, stat)) => {
            (machine.boot, machine.cores) = (stat.boot.map(|boot| boot as f64), Some(cpus.len()));
            activity.counts = stat.counts;
            batch = batch.with(cpus);
        }
        Err(failure) => batch = batch.gap("the CPU", failure),
    }
    match memory {
        Ok(memory) => batch = batch.with(vec![memory]),
        Err(failure) => batch = batch.gap("the memory", failure),
    }
    let boot = machine.boot.and_then(|boot| Duration::try_from_secs_f64(boot).ok());
    let kept = texts.upkeep.at(now, boot.and_then(|boot| UNIX_EPOCH.checked_add(boot)));
    batch = batch.with(vec![machine]).with(vec![activity]).with(vec![kept]);
    batch = batch.with(texts.links).with(devices::arrays(&texts.arrays));
    if let Some(extended) = texts.extended {
        batch = extended.add(batch);
    }
    batch = filesystems(batch, raw.mounts).dropped("mounts", raw.more_mounts);
    batch = match texts.net {
        Ok(text) => {
            let (rows, more) = interfaces(&text);
            batch.with(rows).dropped("interfaces", more)
        }
        Err(failure) => batch.gap("the network", failure),
    };
    Ok(match texts.disks {
        Ok(text) => {
            let (rows, more) = disks(&text);
            batch.with(rows).dropped("disks", more)
        }
        Err(failure) => batch.gap("disk activity", failure),
    })
}

/// In the order of the kernel.
const MODES: [&str; 8] = ["user", "nice", "system", "idle", "iowait", "irq", "softirq", "steal"];

fn cpus(text: &[u8], ticks_per_second: f64) -> Result<(Vec<Cpu>, Stat), Failure> {
    let mut stat = Stat::parse(text);
    if stat.cores.is_empty() {
        return Err(Failure::new(Reason::PARSE, "/proc/stat: no line of a CPU can be read"));
    }
    let cpu = |(cpu, times): (u64, Times)| {
        let modes = MODES.into_iter().zip(times.0);
        let seconds =
            modes.filter_map(|(mode, ticks)| Some((mode, ticks? as f64 / ticks_per_second)));
        Cpu { cpu: cpu.to_string(), modes: seconds.collect() }
    };
    let cores = std::mem::take(&mut stat.cores);
    Ok((cores.into_iter().map(cpu).collect(), stat))
}

impl Machine {
    /// A clock that was set back since the start makes it nothing.
    pub fn uptime(&self) -> Option<f64> {
        self.boot.map(|boot| (self.now.as_secs_f64() - boot).max(0.0))
    }
}

impl Filesystem {
    /// As `df` has it: what root alone may use counts as neither used nor available.
    pub fn used_ratio(&self) -> Option<f64> {
        let space = self.space.filter(|_| self.judged)?;
        let used = space.size.saturating_sub(space.free);
        let whole = used + space.avail;
        (whole > 0).then(|| used as f64 / whole as f64)
    }

    /// At the mount that speaks for its device.
    pub fn full_in(&self) -> Option<f64> {
        self.full_in.filter(|_| self.judged)
    }

    pub fn inodes_used_ratio(&self) -> Option<f64> {
        let space = self.space.filter(|space| self.judged && space.files > 0)?;
        Some(1.0 - space.files_free as f64 / space.files as f64)
    }

    /// btrfs, vfat and others make inodes as they need them, and say 0.
    pub fn inodes(&self) -> Option<Space> {
        self.space.filter(|space| space.files > 0)
    }
}

fn filesystems(batch: Batch, mounts: Result<Vec<Seen>, Failure>) -> Batch {
    let mounts = match mounts {
        Ok(mounts) => mounts,
        Err(failure) => return batch.gap("file systems", failure),
    };
    let mut batch = batch;
    let mut rows = Vec::new();
    for Seen { mount, space, turned, full_in, .. } in mounts {
        if let Err(failure) = &space {
            let hint = "leave it out with `host.ignore_mounts` if it does not matter";
            let what = format!("the file system at {}", mount.seen.mountpoint);
            batch = batch.gap(what, failure.clone().hint(hint));
        }
        rows.push(Filesystem {
            device: mount.seen.device,
            fstype: mount.seen.fstype,
            mountpoint: mount.seen.mountpoint,
            read_only: mount.seen.read_only,
            turned,
            full_in,
            space: space.ok(),
            judged: false,
        });
    }
    choose_judged(&mut rows);
    batch.with(rows)
}

/// A disk that is mounted at ten places is full once: the shortest mount point speaks for it.
/// Names without a path (`tmpfs`, `none`) are no devices, each such mount is one of its own.
fn choose_judged(rows: &mut [Filesystem]) {
    let mut order: Vec<&mut Filesystem> = rows.iter_mut().filter(|r| r.space.is_some()).collect();
    order.sort_by_key(|row| row.mountpoint.len());
    let mut seen: Vec<String> = Vec::new();
    for row in order {
        row.judged = !row.device.contains('/') || !seen.contains(&row.device);
        if row.judged {
            seen.push(row.device.clone());
        }
    }
}

/// Whether an interface is the end of a container's network.
pub fn is_of_container(device: &str) -> bool {
    VETH.as_ref().is_some_and(|veth| veth.is_match(device))
}

/// Whether it is one, and not a part of one, or one in memory or in a file.
pub fn is_disk(device: &str) -> bool {
    !NO_DISK.as_ref().is_some_and(|none| none.is_match(device))
}

fn interfaces(net_dev: &[u8]) -> (Vec<Interface>, u64) {
    let rows = network::interfaces(net_dev, |_| true).filter_map(|(name, numbers)| {
        let device = parse::text(name);
        (!is_of_container(&device)).then_some(Interface { device, numbers })
    });
    capped(rows.collect())
}

fn disks(diskstats: &[u8]) -> (Vec<Disk>, u64) {
    let rows = block::diskstats(diskstats).filter_map(|(name, numbers)| {
        let device = parse::text(name);
        is_disk(&device).then_some(Disk { device, numbers })
    });
    capped(rows.collect())
}

fn capped<R>(mut rows: Vec<R>) -> (Vec<R>, u64) {
    let more = rows.len().saturating_sub(DEVICES) as u64;
    rows.truncate(DEVICES);
    (rows, more)
}

impl Interface {
    pub fn number(&self, column: usize) -> Option<u64> {
        self.numbers.get(column).copied()
    }
}

impl Disk {
    pub fn number(&self, column: usize) -> Option<u64> {
        self.numbers.get(column).copied()
    }

    /// Sectors are 512 bytes here, whatever the disk has.
    pub fn bytes(&self, column: usize) -> Option<u64> {
        self.number(column).map(|sectors| sectors.saturating_mul(512))
    }

    pub fn seconds(&self, column: usize) -> Option<f64> {
        self.number(column).map(|millis| millis as f64 / 1000.0)
    }
}

impl Uname {
    /// The kernel's word for a name that is not set.
    pub fn domain(&self) -> &str {
        if self.domainname.is_empty() { "(none)" } else { &self.domainname }
    }
}
