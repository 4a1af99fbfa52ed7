//! The processes of a control group: how many there are, their open files, their numbers.

use std::collections::VecDeque;
use std::os::unix::fs::MetadataExt as _;
use std::path::{Path, PathBuf};

use crate::clients::kernel::Buffer;
use crate::clients::kernel::parse::{lines, number};
use crate::clients::kernel::process::View;

/// Processes of one group that are looked at.
pub const MOST: usize = 4096;
/// Groups below it.
const GROUPS: usize = 256;

#[derive(Debug, Default, PartialEq)]
pub struct Count {
    pub processes: Option<u64>,
    /// Open files.
    pub descriptors: Option<u64>,
}

/// Without any process the group is empty, or they are hidden from us: absent, not 0.
pub fn count(dir: &Path, view: &View, buffer: &mut Buffer) -> Count {
    let mut processes = 0;
    let mut descriptors = view.same_namespace.then_some(0);
    each(dir, buffer, |pid| {
        processes += 1;
        descriptors = descriptors.and_then(|sum: u64| Some(sum + view.open_files(pid)?));
    });
    let some = processes > 0;
    Count { processes: some.then_some(processes), descriptors: descriptors.filter(|_| some) }
}

/// The numbers that mean something in our `/proc`.
pub fn pids(dir: &Path, view: &View, buffer: &mut Buffer) -> Vec<u32> {
    let mut pids = Vec::new();
    if view.same_namespace {
        each(dir, buffer, |pid| pids.extend(u32::try_from(pid)));
    }
    pids
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
