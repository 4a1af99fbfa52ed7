//! What containers use, from the kernel's own files: control groups and `/proc`. A twentieth of
//! what the same costs through the Engine, and at hand at once.
//!
//! | read | from | rights |
//! |---|---|---|
//! | CPU, memory, threads, block I/O, kills | the container's control groups below `cgroup_path` | none |
//! | pressure | the same on v2; the unified tree beside v1 (hybrid) | none |
//! | networks, sockets | `<proc_path>/<pid>/net/` | none |
//! | processes | `cgroup.procs` | none |
//! | descriptors | `<proc_path>/<pid>/fd` of each process | none since Linux 6.2, else root |
//! | the whole machine | `<proc_path>/{stat,meminfo,vmstat,loadavg,pressure,1/net}` | none |
//!
//! Counters are of the present run of a container. Absent: what the kernel in use does not say, or
//! not to us. From a PID namespace of our own, with the host's `/proc` mounted, the kernel does not
//! name processes: descriptors are absent, and numbers of processes too where there is no unified
//! tree. `hidepid` hides networks and command lines as well.
//!
//! Reading `/proc` can block while a process hangs in the kernel: not for an async worker.

mod buffer;
mod life;
mod locate;
mod machine;
mod parse;
mod processes;
#[cfg(test)]
mod tests;
mod v1;
mod v2;

use std::collections::BTreeMap;
use std::os::fd::OwnedFd;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use rustix::fs::{Access, AtFlags, accessat};

use buffer::Buffer;
pub use life::named;
use locate::Parents;
pub use machine::Machine;
use processes::Processes;

use super::facts::Usage;
use crate::failure::{Failure, Reason};

/// Where the kernel's files are; those of the host may be mounted elsewhere.
#[derive(Clone, Debug)]
pub struct Roots {
    /// `/proc`
    pub proc: PathBuf,
    /// `/sys/fs/cgroup`
    pub cgroup: PathBuf,
}

/// The control groups of this machine.
pub struct Cgroups {
    proc: PathBuf,
    version: Version,
    /// The top of each hierarchy.
    tops: Dirs,
    processes: Processes,
    /// Where containers were found by searching.
    parents: Mutex<Parents>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Version {
    V1,
    /// Controllers in v1, and a unified tree without any beside them.
    Hybrid,
    V2,
}

/// One directory for each hierarchy. On v2 all is in the unified one.
#[derive(Debug, Default, PartialEq)]
struct Dirs(BTreeMap<Hierarchy, PathBuf>);

/// In the order in which a container is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Hierarchy {
    Memory,
    Cpuacct,
    Cpu,
    Pids,
    Blkio,
    Unified,
}

/// Where the figures of one run of a container are: started again, it has to be located again.
/// Holds a file descriptor.
#[derive(Debug)]
pub struct Place {
    dirs: Dirs,
    /// Its directory below `/proc`. Held open it can never mean another process, also when the
    /// number is used again.
    process: Option<OwnedFd>,
    /// Whether that is the first process of the container.
    first: bool,
    network: bool,
}

impl Place {
    /// For a container that uses the network of the host or of another one, and would count its
    /// traffic again.
    #[must_use]
    pub fn without_network(mut self) -> Self {
        self.network = false;
        self
    }

    /// Whether its first process has been killed, and is only not gone yet: with much memory to give
    /// back, and on a busy machine, that takes its time.
    fn is_ending(&self, buffer: &mut Buffer) -> Option<bool> {
        let process = self.process.as_ref().filter(|_| self.first)?;
        let dying = life::has_sigkill(buffer.read_in(process, "status")?);
        Some(dying || life::is_exiting(buffer.read_in(process, "stat")?)?)
    }

    /// Whether its first process has. Of a process that we do not know it cannot be told.
    fn has_ended(&self) -> bool {
        let exists = |process| accessat(process, "cgroup", Access::EXISTS, AtFlags::empty());
        self.process.as_ref().is_some_and(|process| exists(process).is_err())
    }
}

impl Cgroups {
    /// Finds out what is mounted.
    pub fn find(roots: Roots) -> Result<Self, Failure> {
        let Roots { proc, cgroup } = roots;
        let (version, tops) = tops(&cgroup)?;
        let processes = Processes::find(&proc);
        Ok(Self { proc, version, tops, processes, parents: Mutex::default() })
    }

    pub fn source(&self) -> &'static str {
        match self.version {
            Version::V1 => "cgroup_v1",
            Version::Hybrid => "cgroup_hybrid",
            Version::V2 => "cgroup_v2",
        }
    }

    /// Why no container has block I/O, if it is not that none has done any.
    pub fn no_block_io(&self) -> Option<Failure> {
        if self.version == Version::V2 {
            return None;
        }
        v1::counts_block_io(self.tops.get(Hierarchy::Blkio), &mut Buffer::new()).err()
    }

    /// What the container uses now. `None`: this run of it has ended.
    pub fn read(&self, place: &Place) -> Option<Usage> {
        let mut buffer = Buffer::new();
        let mut usage = match self.version {
            Version::V2 => v2::read(&place.dirs, &mut buffer),
            Version::V1 | Version::Hybrid => v1::read(&place.dirs, &mut buffer),
        };
        if let Some(dir) = place.dirs.get(Hierarchy::Unified) {
            usage.pressure = parse::pressures(|name| {
                let name = format!("{name}.pressure");
                buffer.read(&dir.join(name)).map(parse::pressure)
            });
        }
        if let Some(process) = place.process.as_ref().filter(|_| place.network) {
            let table = buffer.read_in(process, "net/dev");
            usage.networks = table.map(|table| parse::networks(table, is_own)).unwrap_or_default();
            usage.sockets = buffer.read_in(process, "net/sockstat").and_then(parse::sockets);
        }
        if let Some(dir) = place.dirs.of_processes() {
            let count = self.processes.count(dir, &mut buffer);
            usage.processes = count.processes;
            usage.descriptors = count.descriptors;
        }
        if usage.oom_kills > Some(0) {
            usage.ending = place.is_ending(&mut buffer);
        }
        // Last, for half of a reading is none. What has ended may keep its groups for a while, or
        // for ever if the Engine was killed; what has been started again is another run.
        let has_ended = usage.threads == Some(0) || place.has_ended();
        (!has_ended && !buffer.has_gone()).then_some(usage)
    }
}

/// Of the interfaces in a container.
fn is_own(name: &[u8]) -> bool {
    name != b"lo"
}

impl Hierarchy {
    const V1: [(Self, &str); 5] = [
        (Self::Memory, "memory"),
        (Self::Cpuacct, "cpuacct"),
        (Self::Cpu, "cpu"),
        (Self::Pids, "pids"),
        (Self::Blkio, "blkio"),
    ];
}

impl Dirs {
    fn get(&self, hierarchy: Hierarchy) -> Option<&Path> {
        self.0.get(&hierarchy).map(PathBuf::as_path)
    }

    /// The unified tree counts processes that our namespace hides; v1 leaves them out.
    fn of_processes(&self) -> Option<&Path> {
        self.get(Hierarchy::Unified).or_else(|| self.0.values().next().map(PathBuf::as_path))
    }
}

/// A cgroup2 mount has `cgroup.controllers` at its top; v1 has a directory for each controller.
fn tops(root: &Path) -> Result<(Version, Dirs), Failure> {
    let what = format!("control groups at {}", root.display());
    let entries =
        std::fs::read_dir(root).map_err(|error| Failure::io(&what, &error).hint(MOUNT))?;
    let mut dirs = Dirs::default();
    if is_unified(root) {
        dirs.0.insert(Hierarchy::Unified, root.to_owned());
        return Ok((Version::V2, dirs));
    }
    let mut names: Vec<String> =
        entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
    names.sort();
    for (hierarchy, controller) in Hierarchy::V1 {
        // `cpu` is often a link to `cpu,cpuacct`, which is all that a mount elsewhere may show.
        let mut of_it = names.iter().filter(|name| name.split(',').any(|one| one == controller));
        let top = of_it.find_map(|name| Some(root.join(name)).filter(|dir| is_mounted(dir)));
        dirs.0.extend(top.map(|top| (hierarchy, top)));
    }
    if dirs.0.is_empty() {
        return Err(
            Failure::new(Reason::NOT_FOUND, format!("{what}: none are mounted")).hint(MOUNT)
        );
    }
    let unified = root.join("unified");
    if !is_unified(&unified) {
        return Ok((Version::V1, dirs));
    }
    dirs.0.insert(Hierarchy::Unified, unified);
    Ok((Version::Hybrid, dirs))
}

const MOUNT: &str = "mount the host's /sys/fs/cgroup here, read-only";

fn is_unified(dir: &Path) -> bool {
    dir.join("cgroup.controllers").is_file()
}

/// What is mounted is never empty.
fn is_mounted(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
}

/// For `src/fuzzing.rs`: a file of the kernel, read as each of those that there are.
#[cfg(fuzzing)]
pub fn fuzz(data: &[u8]) {
    let _ = (parse::number(data), parse::value(data, b"usage_usec"), parse::pressure(data));
    let _ = (parse::io_stat(data), parse::networks(data, |_| true), parse::sockets(data));
    let _ = parse::pairs(data).count();
    let mut disks = parse::Disks::default();
    parse::blkio(data, parse::Unit::Bytes, &mut disks);
    parse::blkio(data, parse::Unit::Operations, &mut disks);
}
