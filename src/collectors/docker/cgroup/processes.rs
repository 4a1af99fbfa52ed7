//! The processes of a container, where its groups name them and where they do not, and their
//! command lines.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use super::{Cgroups, Place};
use crate::clients::kernel::Buffer;
use crate::clients::kernel::cgroup::members;
use crate::clients::kernel::process::View;

/// How long a walk through all processes is good for, so that one serves all containers.
const FRESH: Duration = Duration::from_secs(2);

pub(super) struct Processes {
    proc: PathBuf,
    pub view: View,
    census: Mutex<Option<(Instant, Census)>>,
}

/// All processes by the id of their container.
type Census = BTreeMap<String, Vec<u32>>;

impl Processes {
    pub fn find(proc: &Path) -> Self {
        Self { proc: proc.to_owned(), view: View::of(proc), census: Mutex::default() }
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
        let dir = place.group.of_processes();
        let view = &self.processes.view;
        let mut pids = dir.map(|dir| members::pids(dir, view, &mut buffer)).unwrap_or_default();
        if pids.is_empty() {
            pids = self.processes.of_census(id, &mut buffer);
        }
        let commands = pids
            .into_iter()
            .take(members::MOST)
            .filter_map(|pid| self.process(pid, id, &mut buffer)?.command());
        commands.collect()
    }
}

/// The 64 hexadecimal digits that engines name containers by.
fn ids(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| !byte.is_ascii_hexdigit()).filter(|word| word.len() == 64)
}
