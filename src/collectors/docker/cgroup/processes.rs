//! The processes of a container: how many, their open files, and their command lines.

use std::collections::{BTreeMap, VecDeque};
use std::io::{ErrorKind, Read as _};
use std::os::fd::OwnedFd;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{Mode, OFlags, PROC_SUPER_MAGIC, openat, statfs};

use super::buffer::Buffer;
use super::parse::{lines, number};
use super::{Cgroups, Place};

/// Looked at in one container.
const MOST: usize = 4096;
/// Groups below the container's own.
const GROUPS: usize = 256;
/// Bytes of one command line.
const COMMAND: u64 = 4 << 10;
/// How long a walk through all processes is good for, so that one serves all containers.
const FRESH: Duration = Duration::from_secs(2);

pub(super) struct Processes {
    proc: PathBuf,
    /// Whether `cgroup.procs` has the numbers by which `proc` knows them.
    same_namespace: bool,
    /// Whether the size of `fd` may be the number of its entries.
    is_procfs: bool,
    census: Mutex<Option<(Instant, Census)>>,
}

/// All processes by the id of their container.
type Census = BTreeMap<String, Vec<u32>>;

#[derive(Debug, Default, PartialEq)]
pub(super) struct Count {
    pub processes: Option<u64>,
    pub descriptors: Option<u64>,
}

impl Processes {
    pub fn find(proc: &Path) -> Self {
        let status = std::fs::read(proc.join("self/status")).unwrap_or_default();
        Self {
            proc: proc.to_owned(),
            same_namespace: is_same_namespace(&status),
            is_procfs: statfs(proc).is_ok_and(|found| found.f_type == PROC_SUPER_MAGIC),
            census: Mutex::default(),
        }
    }

    /// Without any process the container has ended, or they are hidden from us: absent, not 0.
    pub fn count(&self, dir: &Path, buffer: &mut Buffer) -> Count {
        let mut processes = 0;
        let mut descriptors = self.same_namespace.then_some(0);
        each(dir, buffer, |pid| {
            processes += 1;
            descriptors = descriptors.and_then(|sum: u64| Some(sum + self.descriptors(pid)?));
        });
        let some = processes > 0;
        Count { processes: some.then_some(processes), descriptors: descriptors.filter(|_| some) }
    }

    /// The numbers that mean something in our `/proc`.
    pub fn pids(&self, dir: &Path, buffer: &mut Buffer) -> Vec<u32> {
        let mut pids = Vec::new();
        if self.same_namespace {
            each(dir, buffer, |pid| pids.extend(u32::try_from(pid)));
        }
        pids
    }

    /// Open files of a process, none of one that has ended meanwhile. `None`: not for us.
    fn descriptors(&self, pid: u64) -> Option<u64> {
        let folder = self.proc.join(format!("{pid}/fd"));
        let counted = || std::fs::read_dir(&folder).map(|entries| entries.count() as u64);
        // Since Linux 6.2 the size is their number; before, and without any, it is 0.
        let size = std::fs::metadata(&folder).map(|found| found.size());
        match size {
            Ok(size) if self.is_procfs && size > 0 => Some(size),
            Err(error) if error.kind() == ErrorKind::NotFound => Some(0),
            _ => counted().ok(),
        }
    }

    /// From a walk through all processes, where the groups do not name theirs.
    pub fn of_census(&self, id: &str, buffer: &mut Buffer) -> Vec<u32> {
        let mut kept = self.census.lock().unwrap_or_else(PoisonError::into_inner);
        let fresh = kept.take().filter(|(made, _)| made.elapsed() < FRESH);
        let (_, census) =
            kept.insert(fresh.unwrap_or_else(|| (Instant::now(), self.census(buffer))));
        census.get(id).cloned().unwrap_or_default()
    }

    /// Of all processes, from their `cgroup` files.
    fn census(&self, buffer: &mut Buffer) -> Census {
        let mut census = Census::new();
        let entries = std::fs::read_dir(&self.proc).into_iter().flatten().flatten();
        for entry in entries {
            let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
                continue;
            };
            let Some(text) = buffer.read(&entry.path().join("cgroup")) else { continue };
            // Twice for a container within a container: it is of both.
            let mut found: Vec<&[u8]> = ids(text).collect();
            found.sort_unstable();
            found.dedup();
            for id in found {
                let id = String::from_utf8_lossy(id).into_owned();
                census.entry(id).or_default().push(pid);
            }
        }
        census
    }
}

impl Cgroups {
    /// The command lines of the container's processes, their arguments parted by blanks.
    pub fn processes(&self, place: &Place, id: &str) -> Vec<String> {
        let mut buffer = Buffer::new();
        let dir = place.dirs.of_processes();
        let mut pids = dir.map(|dir| self.processes.pids(dir, &mut buffer)).unwrap_or_default();
        if pids.is_empty() {
            pids = self.processes.of_census(id, &mut buffer);
        }
        let commands = pids.into_iter().take(MOST).filter_map(|pid| {
            let process = self.process(pid, id, &mut buffer)?;
            command(&process)
        });
        commands.collect()
    }
}

/// Each number in `cgroup.procs` of the group and of those below it: a container that runs an init
/// of its own, or Podman's, keeps its processes there. Of a process that is hidden it is 0.
fn each(dir: &Path, buffer: &mut Buffer, mut then: impl FnMut(u64)) {
    let mut left = MOST;
    let mut all = |text: Option<&[u8]>| {
        let pids = lines(text.unwrap_or_default()).filter_map(number).take(left);
        left -= pids.map(&mut then).count();
        left > 0
    };
    let mut go_on = all(buffer.read_certain(&dir.join("cgroup.procs")));
    let mut groups = VecDeque::from(below(dir));
    for _ in 0..GROUPS {
        let Some(group) = groups.pop_front().filter(|_| go_on) else { break };
        go_on = all(buffer.read(&group.join("cgroup.procs")));
        groups.extend(below(&group));
    }
}

fn below(dir: &Path) -> Vec<PathBuf> {
    // A directory has two links, and one for each below it; some file systems always say 1.
    if std::fs::metadata(dir).is_ok_and(|found| found.nlink() == 2) {
        return Vec::new();
    }
    let entries = std::fs::read_dir(dir).into_iter().flatten().flatten();
    let dirs = entries.filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    dirs.map(|entry| entry.path()).collect()
}

/// `None` of a process without one: it has ended and is not waited for.
fn command(process: &OwnedFd) -> Option<String> {
    let flags = OFlags::RDONLY | OFlags::CLOEXEC;
    let file = openat(process, "cmdline", flags, Mode::empty()).ok()?;
    let mut bytes = Vec::new();
    std::fs::File::from(file).take(COMMAND).read_to_end(&mut bytes).ok()?;
    let end = bytes.iter().rposition(|byte| *byte != 0)?;
    bytes.truncate(end + 1);
    for byte in &mut bytes {
        if *byte == 0 {
            *byte = b' ';
        }
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

/// `/proc/self/status` names us once for each namespace from that of `/proc` down to ours. A
/// `/proc` of another family has no `self` for us.
fn is_same_namespace(status: &[u8]) -> bool {
    let line = lines(status).find_map(|line| line.strip_prefix(b"NSpid:"));
    line.is_some_and(|line| number(line).is_some())
}

/// The 64 hexadecimal digits that engines name containers by.
fn ids(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !byte.is_ascii_hexdigit()).filter(|word| word.len() == 64)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn our_namespace_and_another() {
        assert!(is_same_namespace(b"Name:\tx\nNSpid:\t7\nVmPeak:\t1\n"));
        assert!(!is_same_namespace(b"NSpid:\t22624\t7\n"));
        assert!(!is_same_namespace(b"Pid:\t7\n"));
        assert!(!is_same_namespace(b""));
    }

    #[test]
    fn our_own_process() {
        let processes = Processes::find(Path::new("/proc"));
        assert!(processes.is_procfs);
        let pid = u64::from(std::process::id());
        assert!(processes.descriptors(pid).is_some_and(|open| open >= 3));
        assert_eq!(processes.descriptors(u64::from(u32::MAX)), Some(0));
    }
}
