//! Control groups: CPU, memory, tasks, block I/O, kills and pressure of a group by its path, on v1,
//! on v2, and on v1 with a unified tree beside it.
//!
//! Which group is meant (a container's, a unit's) is for others to say: [`Tree::along`] takes it from
//! `/proc/PID/cgroup`, [`Tree::at`] by its path below the top.

pub mod members;
mod v1;
mod v2;

use std::collections::BTreeMap;
use std::io::{Error, ErrorKind};
use std::path::{Path, PathBuf};

use super::{Buffer, Cpu, Disks, Memory, Pressure, pressure, process};

pub use v1::Uncounted;

/// What is mounted of control groups.
pub struct Tree {
    version: Version,
    /// The top of each hierarchy.
    tops: Group,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    V1,
    /// Controllers in v1, and a unified tree without any beside them.
    Hybrid,
    V2,
}

/// In the order in which a group is looked for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Hierarchy {
    Memory,
    Cpuacct,
    Cpu,
    Pids,
    Blkio,
    Unified,
}

impl Hierarchy {
    const V1: [(Self, &str); 5] = [
        (Self::Memory, "memory"),
        (Self::Cpuacct, "cpuacct"),
        (Self::Cpu, "cpu"),
        (Self::Pids, "pids"),
        (Self::Blkio, "blkio"),
    ];
    /// As `/proc/PID/cgroup` calls them: the unified one has no name.
    const ALL: [(Self, &str); 6] = {
        let [memory, cpuacct, cpu, pids, blkio] = Self::V1;
        [memory, cpuacct, cpu, pids, blkio, (Self::Unified, "")]
    };
}

/// One group: a directory for each hierarchy. On v2 all is in the unified one.
#[derive(Debug, Default, PartialEq)]
pub struct Group(BTreeMap<Hierarchy, PathBuf>);

impl Group {
    pub fn get(&self, hierarchy: Hierarchy) -> Option<&Path> {
        self.0.get(&hierarchy).map(PathBuf::as_path)
    }

    /// In the order of hierarchies.
    pub fn dirs(&self) -> impl Iterator<Item = &Path> {
        self.0.values().map(PathBuf::as_path)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Where its processes are named. The unified tree counts those that our namespace hides; v1
    /// leaves them out.
    pub fn of_processes(&self) -> Option<&Path> {
        self.get(Hierarchy::Unified).or_else(|| self.dirs().next())
    }
}

/// What a group uses, with the groups below it. Counters are since it was made.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Figures {
    pub cpu: Cpu,
    pub memory: Memory,
    pub threads: Option<u64>,
    pub disks: Disks,
    pub pressure: Pressure,
    /// Processes that the kernel killed for want of memory.
    pub oom_kills: Option<u64>,
}

impl Tree {
    /// A cgroup2 mount has `cgroup.controllers` at its top; v1 has a directory for each controller.
    pub fn find(root: &Path) -> std::io::Result<Self> {
        let entries = std::fs::read_dir(root)?;
        let mut tops = Group::default();
        if is_unified(root) {
            tops.0.insert(Hierarchy::Unified, root.to_owned());
            return Ok(Self { version: Version::V2, tops });
        }
        let mut names: Vec<String> =
            entries.filter_map(|entry| entry.ok()?.file_name().into_string().ok()).collect();
        names.sort();
        for (hierarchy, controller) in Hierarchy::V1 {
            // `cpu` is often a link to `cpu,cpuacct`, which is all that a mount elsewhere may show.
            let mut of_it =
                names.iter().filter(|name| name.split(',').any(|one| one == controller));
            let top = of_it.find_map(|name| Some(root.join(name)).filter(|dir| is_mounted(dir)));
            tops.0.extend(top.map(|top| (hierarchy, top)));
        }
        if tops.is_empty() {
            return Err(Error::new(ErrorKind::NotFound, "none are mounted"));
        }
        let unified = root.join("unified");
        if !is_unified(&unified) {
            return Ok(Self { version: Version::V1, tops });
        }
        tops.0.insert(Hierarchy::Unified, unified);
        Ok(Self { version: Version::Hybrid, tops })
    }

    pub fn version(&self) -> Version {
        self.version
    }

    /// The top of the hierarchy in which a group is looked for.
    pub fn top(&self) -> Option<&Path> {
        self.tops.dirs().next()
    }

    /// The group at a path below the top, in all hierarchies that have it.
    pub fn at(&self, path: &Path) -> Group {
        let hierarchies = self.tops.0.keys();
        Group(hierarchies.filter_map(|hierarchy| self.below(*hierarchy, path)).collect())
    }

    /// The group that the lines of `/proc/PID/cgroup` name; `of` makes of each path there the one
    /// that is meant, below the top.
    pub fn along(&self, lines: &str, of: impl Fn(&str) -> Option<PathBuf>) -> Group {
        let mut group = Group::default();
        for (controllers, path) in process::groups(lines) {
            let Some(path) = of(path) else { continue };
            for (hierarchy, controller) in Hierarchy::ALL {
                if controllers.split(',').any(|one| one == controller) {
                    group.0.extend(self.below(hierarchy, &path));
                }
            }
        }
        self.complete(&mut group);
        group
    }

    /// A namespace may have another root in each hierarchy, so that one path leads to the group
    /// and the next does not: it is at the same place in all.
    fn complete(&self, group: &mut Group) {
        let path = group.0.iter().find_map(|(hierarchy, dir)| {
            dir.strip_prefix(self.tops.get(*hierarchy)?).ok().map(Path::to_owned)
        });
        let Some(path) = path else { return };
        for hierarchy in self.tops.0.keys() {
            if group.get(*hierarchy).is_none() {
                group.0.extend(self.below(*hierarchy, &path));
            }
        }
    }

    fn below(&self, hierarchy: Hierarchy, path: &Path) -> Option<(Hierarchy, PathBuf)> {
        let dir = self.tops.get(hierarchy)?.join(path);
        dir.is_dir().then_some((hierarchy, dir))
    }

    /// What the group uses now. Whether it has gone meanwhile, the buffer knows.
    pub fn read(&self, group: &Group, buffer: &mut Buffer) -> Figures {
        let mut figures = match self.version {
            Version::V2 => v2::read(group, buffer),
            Version::V1 | Version::Hybrid => v1::read(group, buffer),
        };
        if let Some(dir) = group.get(Hierarchy::Unified) {
            figures.pressure = Pressure::read(|name| {
                buffer.read(&dir.join(format!("{name}.pressure"))).map(pressure::parse)
            });
        }
        figures
    }

    /// Why no group has block I/O, if it is not that none has done any.
    pub fn uncounted_block_io(&self) -> Option<Uncounted> {
        if self.version == Version::V2 {
            return None;
        }
        v1::uncounted(self.tops.get(Hierarchy::Blkio), &mut Buffer::new())
    }
}

fn is_unified(dir: &Path) -> bool {
    dir.join("cgroup.controllers").is_file()
}

/// What is mounted is never empty.
fn is_mounted(dir: &Path) -> bool {
    std::fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some())
}

/// For `src/fuzzing.rs`.
#[cfg(fuzzing)]
pub fn fuzz(data: &[u8]) {
    let memory = Memory { usage: Some(data.len() as u64), ..Memory::default() };
    let _ = (v1::stat(data, memory.clone()), v2::stat(data, memory), v2::cpu(data));
    let tree = Tree { version: Version::V1, tops: Group::default() };
    let _ = tree.along(&String::from_utf8_lossy(data), |path| Some(path.into()));
}
