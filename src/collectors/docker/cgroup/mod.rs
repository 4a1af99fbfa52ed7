//! What containers use, from the kernel's own files (`clients/kernel`): control groups and `/proc`. A
//! twentieth of what the same costs through the Engine, and at hand at once.
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

mod locate;
mod machine;
mod processes;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Mutex;

use locate::Parents;
pub use machine::Machine;
use processes::Processes;

use super::facts::{Network, Usage};
use crate::clients::kernel::cgroup::{Figures, Group, Tree, Uncounted, Version, members};
use crate::clients::kernel::process::Process;
use crate::clients::kernel::{Buffer, network, parse};
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
    tree: Tree,
    processes: Processes,
    /// Where containers were found by searching.
    parents: Mutex<Parents>,
}

/// Where the figures of one run of a container are: started again, it has to be located again.
/// Holds a file descriptor.
#[derive(Debug)]
pub struct Place {
    group: Group,
    process: Option<Process>,
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

    /// Whether its first process has been killed, and is only not gone yet.
    fn is_ending(&self, buffer: &mut Buffer) -> Option<bool> {
        self.process.as_ref().filter(|_| self.first)?.is_ending(buffer)
    }

    /// Whether its first process has. Of a process that we do not know it cannot be told.
    fn has_ended(&self) -> bool {
        self.process.as_ref().is_some_and(Process::has_ended)
    }
}

impl Cgroups {
    /// Finds out what is mounted.
    pub fn find(roots: Roots) -> Result<Self, Failure> {
        let Roots { proc, cgroup } = roots;
        let what = format!("control groups at {}", cgroup.display());
        let tree = Tree::find(&cgroup).map_err(|error| Failure::io(&what, &error).hint(MOUNT))?;
        let processes = Processes::find(&proc);
        Ok(Self { proc, tree, processes, parents: Mutex::default() })
    }

    pub fn source(&self) -> &'static str {
        match self.tree.version() {
            Version::V1 => "cgroup_v1",
            Version::Hybrid => "cgroup_hybrid",
            Version::V2 => "cgroup_v2",
        }
    }

    /// Why no container has block I/O, if it is not that none has done any.
    pub fn no_block_io(&self) -> Option<Failure> {
        self.tree.uncounted_block_io().map(no_block_io)
    }

    /// What the container uses now. `None`: this run of it has ended.
    pub fn read(&self, place: &Place) -> Option<Usage> {
        let mut buffer = Buffer::new();
        let mut usage = Usage::from(self.tree.read(&place.group, &mut buffer));
        if let Some(process) = place.process.as_ref().filter(|_| place.network) {
            let table = process.read("net/dev", &mut buffer);
            usage.networks = table.map(|table| networks(table, is_own)).unwrap_or_default();
            usage.sockets = process.read("net/sockstat", &mut buffer).and_then(network::sockets);
        }
        if let Some(dir) = place.group.of_processes() {
            let count = members::count(dir, &self.processes.view, &mut buffer);
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

impl From<Figures> for Usage {
    fn from(figures: Figures) -> Self {
        let Figures { cpu, memory, threads, disks, pressure, oom_kills } = figures;
        Self { cpu, memory, threads, disks, pressure, oom_kills, ..Self::default() }
    }
}

/// By interface.
fn networks(table: &[u8], wanted: impl Fn(&[u8]) -> bool) -> BTreeMap<String, Network> {
    let found = network::interfaces(table, wanted);
    found.map(|(name, numbers)| (parse::text(name), numbers.into())).collect()
}

/// Of the interfaces in a container.
fn is_own(name: &[u8]) -> bool {
    name != b"lo"
}

const MOUNT: &str = "mount the host's /sys/fs/cgroup here, read-only";

fn no_block_io(why: Uncounted) -> Failure {
    match why {
        Uncounted::NotMounted => {
            let what = "the control groups of blkio are not mounted";
            Failure::new(Reason::NOT_FOUND, what).hint(MOUNT)
        }
        Uncounted::Absent(path) => {
            let file = path.file_name().unwrap_or_default().to_string_lossy();
            let folder = path.parent().unwrap_or(&path).display();
            let hint = "this kernel is built without CONFIG_BLK_DEV_THROTTLING: use another one, or \
                control groups v2";
            Failure::new(Reason::NOT_FOUND, format!("no {file} in {folder}")).hint(hint)
        }
        Uncounted::NoRule(file) => {
            let what = format!("the kernel does not count it: {file} lists no disk for any group");
            let hint = "it counts, for all, once some limit is set on the disk: start one container \
                with `docker run --rm --device-write-bps /dev/DISK:500mb IMAGE true` (`lsblk` names \
                DISK) after each boot";
            Failure::new(Reason::NOT_FOUND, what).hint(hint)
        }
    }
}
