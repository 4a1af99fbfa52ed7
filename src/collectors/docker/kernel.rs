//! What containers use, from the kernel's files: a tenth of a millisecond for each, and no work
//! for the Engine. Beside it what else lies on this machine: log files and command lines.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use super::cgroup::{Cgroups, Machine, Place, Roots};
use super::container::ById;
use super::facts::{Usage, Usages};
use super::lock;
use super::logfiles::{self, LogFiles};
use super::since::Since;
use crate::clients::kernel::{Buffer, parse};
use crate::engine::blocking;
use crate::failure::Failure;

/// A container whose files were not found is looked for again after this long.
const AGAIN: Duration = Duration::from_mins(1);

/// After this many misses and no hit the containers of an Engine elsewhere are not on this machine.
const MISSES: u64 = 3;

/// A container to look at.
#[derive(Clone, Debug, Default)]
pub struct Wanted {
    pub id: String,
    /// `None` where it does not run: then there is only its log.
    pub pid: Option<u32>,
    pub owns_network: bool,
    /// Whether its command lines are asked for.
    pub commands: bool,
    /// The log file, as the Engine sees it.
    pub log: Option<PathBuf>,
}

/// What was found.
#[derive(Default)]
pub struct Found {
    pub usages: Usages,
    pub machine: Option<Machine>,
    /// Command lines.
    pub commands: ById<Vec<String>>,
    /// Bytes of log files, rotated ones included.
    pub logs: ById<u64>,
    /// The file system on which the Engine keeps containers.
    pub storage: Option<FileSystem>,
    /// `/proc/partitions`, which names devices.
    pub partitions: String,
    /// Running containers that have no files here, and why the first has none.
    pub missing: u64,
    /// Why there is no block I/O of any container, if the kernel does not count it.
    pub no_block_io: Option<Failure>,
    pub failure: Option<Failure>,
}

/// Bytes, and the numbers of the device.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct FileSystem {
    pub number: (u64, u64),
    pub size: u64,
    pub used: u64,
}

impl FileSystem {
    fn of(folder: &Path) -> Option<Self> {
        let (about, figures) = (rustix::fs::stat(folder).ok()?, rustix::fs::statvfs(folder).ok()?);
        let number = (rustix::fs::major(about.st_dev), rustix::fs::minor(about.st_dev));
        let unit = figures.f_frsize;
        Some(Self {
            number: (number.0.into(), number.1.into()),
            size: figures.f_blocks.saturating_mul(unit),
            used: figures.f_blocks.saturating_sub(figures.f_bfree).saturating_mul(unit),
        })
    }
}

impl Found {
    /// Whether the files of this machine are those of the Engine's containers at all.
    pub fn is_of_another_machine(&self) -> bool {
        self.usages.is_empty() && self.missing > 0
    }
}

pub struct Kernel {
    shared: Arc<Shared>,
    busy: Arc<AtomicBool>,
    /// The same of the question since when the Engine runs.
    asked: Arc<AtomicBool>,
}

struct Shared {
    roots: Roots,
    /// Looked for again at each reading until they are there: they may be mounted after the start.
    cgroups: Mutex<Result<Arc<Cgroups>, Failure>>,
    root: PathBuf,
    logs: LogFiles,
    since: Since,
    /// Where each container's files are, as long as its first process is the same.
    places: Mutex<BTreeMap<String, (u32, Spot)>>,
}

/// What came of looking for a container's files.
enum Spot {
    Found(Place),
    /// Looking is dear, so not at each reading.
    Missing(Instant, Failure),
}

impl Kernel {
    pub fn new(roots: Roots, root: PathBuf) -> Self {
        let since = Since::new(roots.proc.clone());
        let cgroups = Mutex::new(Cgroups::find(roots.clone()).map(Arc::new));
        let (logs, places) = (LogFiles::default(), Mutex::default());
        let shared = Shared { roots, cgroups, root, logs, since, places };
        Self { shared: Arc::new(shared), busy: Arc::default(), asked: Arc::default() }
    }

    /// Which files there are, or why there are none.
    pub fn source(&self) -> Result<&'static str, Failure> {
        lock(&self.shared.cgroups).as_ref().map(|found| found.source()).map_err(Clone::clone)
    }

    /// `root` is where the Engine keeps containers, as it sees it. `local`: it is on this machine;
    /// otherwise only the files of its containers can show that.
    pub async fn read(
        &self,
        wanted: Vec<Wanted>,
        root: String,
        local: bool,
    ) -> Result<Found, Failure> {
        let shared = Arc::clone(&self.shared);
        let work = move || {
            let mut found = shared.read(&wanted, local);
            if found.usages.is_empty() && !local {
                return Ok(found);
            }
            // The kernel makes this text up from memory.
            let mut buffer = Buffer::new();
            let text = buffer.read(Path::new("/proc/partitions")).unwrap_or_default();
            found.partitions = parse::text(text);
            let folder = logfiles::inside(&shared.root, Path::new(&root));
            found.storage = folder.filter(|_| !root.is_empty()).as_deref().and_then(FileSystem::of);
            Ok(found)
        };
        blocking("files of the kernel", &self.busy, work).await
    }
}

impl Kernel {
    /// Since when the Engine has been running, or at least this machine; `peer` is the process at
    /// the other end of its socket.
    pub async fn since(&self, peer: Option<u32>) -> Option<f64> {
        let shared = Arc::clone(&self.shared);
        let work = move || Ok(shared.since.read(peer));
        blocking("start of the Engine", &self.asked, work).await.ok().flatten()
    }
}

impl Shared {
    fn cgroups(&self) -> Option<Arc<Cgroups>> {
        let mut known = lock(&self.cgroups);
        if known.is_err() {
            *known = Cgroups::find(self.roots.clone()).map(Arc::new);
        }
        known.as_ref().ok().cloned()
    }

    fn read(&self, wanted: &[Wanted], local: bool) -> Found {
        let mut found = Found { logs: self.logs.sizes(&self.root, wanted), ..Found::default() };
        let Some(cgroups) = self.cgroups() else { return found };
        let cgroups = &*cgroups;
        let mut places = lock(&self.places);
        let ids: BTreeSet<&str> = wanted.iter().map(|one| one.id.as_str()).collect();
        places.retain(|id, _| ids.contains(id.as_str()));
        for one in wanted {
            let Some(pid) = one.pid else { continue };
            if !local && found.usages.is_empty() && found.missing >= MISSES {
                found.missing += 1;
                continue;
            }
            match usage(cgroups, &mut places, one, pid) {
                Ok(Some(usage)) => {
                    found.usages.insert(one.id.clone(), Arc::new(usage));
                }
                // It has ended meanwhile.
                Ok(None) => continue,
                Err(failure) => {
                    found.missing += 1;
                    found.failure.get_or_insert(failure);
                    continue;
                }
            }
            if let Some((_, Spot::Found(place))) = places.get(&one.id).filter(|_| one.commands) {
                // What runs has a command line; who sees none may not see them.
                let lines = cgroups.processes(place, &one.id);
                if !lines.is_empty() {
                    found.commands.insert(one.id.clone(), lines);
                }
            }
        }
        if !found.usages.is_empty() && found.usages.values().all(|usage| usage.disks.is_empty()) {
            found.no_block_io = cgroups.no_block_io();
        }
        if local || !found.usages.is_empty() {
            found.machine = Some(cgroups.machine());
        }
        found
    }
}

fn usage(
    cgroups: &Cgroups,
    places: &mut BTreeMap<String, (u32, Spot)>,
    one: &Wanted,
    pid: u32,
) -> Result<Option<Usage>, Failure> {
    match places.get(&one.id) {
        Some((of, Spot::Found(place))) if *of == pid => {
            if let Some(usage) = cgroups.read(place) {
                return Ok(Some(usage));
            }
        }
        Some((of, Spot::Missing(at, failure))) if *of == pid && at.elapsed() < AGAIN => {
            return Err(failure.clone());
        }
        _ => {}
    }
    match cgroups.locate(&one.id, pid) {
        Ok(place) => {
            let place = if one.owns_network { place } else { place.without_network() };
            let usage = cgroups.read(&place);
            places.insert(one.id.clone(), (pid, Spot::Found(place)));
            Ok(usage)
        }
        Err(failure) => {
            let missing = Spot::Missing(Instant::now(), failure.clone());
            places.insert(one.id.clone(), (pid, missing));
            Err(failure)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn control_groups_that_appear_after_the_start_are_used() {
        let folder = tempfile::tempdir().unwrap();
        let (proc, cgroup) = (folder.path().join("proc"), folder.path().join("cgroup"));
        let roots = Roots { proc: proc.clone(), cgroup: cgroup.clone() };
        let kernel = Kernel::new(roots, folder.path().to_owned());
        assert!(kernel.source().is_err());
        kernel.read(Vec::new(), String::new(), true).await.unwrap();
        assert!(kernel.source().is_err(), "nothing is there yet");
        let fixture =
            Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/cgroup/v2_systemd");
        for (name, path) in [("proc", proc), ("cgroup", cgroup)] {
            std::os::unix::fs::symlink(fixture.join(name), path).unwrap();
        }
        // One reading later, without a reload.
        kernel.read(Vec::new(), String::new(), true).await.unwrap();
        assert_eq!(kernel.source().unwrap(), "cgroup_v2");
    }
}
