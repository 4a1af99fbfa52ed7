//! From a container to its control groups. A group is a container's only if its name says so: the
//! number of a process may mean another one here than where the Engine runs.

use std::collections::VecDeque;
use std::path::{Component, Path, PathBuf};
use std::sync::PoisonError;

use super::{Cgroups, Place};
use crate::clients::kernel::Buffer;
use crate::clients::kernel::cgroup::{Group, members};
use crate::clients::kernel::process::{self, Process};
use crate::failure::{Failure, Reason};

/// How far a search goes: levels, and directories looked at.
const DEPTH: usize = 8;
const DIRECTORIES: usize = 4096;

/// Of Docker with either driver, and Podman; learnt ones go before them.
const USUAL: [&str; 5] = ["docker", "system.slice", "machine.slice", "libpod_parent", ""];

/// Where containers were found, relative to the top of a hierarchy.
#[derive(Default)]
pub(super) struct Parents(Vec<PathBuf>);

impl Cgroups {
    /// `id` is the full one, `pid` the Engine's `State.Pid`. A search looks at up to some thousand
    /// directories; a failure should not be tried again with each reading.
    pub fn locate(&self, id: &str, pid: u32) -> Result<Place, Failure> {
        if id.len() < 12 || !id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
            return Err(Failure::new(Reason::PARSE, "not the id of a container"));
        }
        let mut buffer = Buffer::new();
        let process = self.process(pid, id, &mut buffer);
        let lines = process.as_ref().and_then(|process| process.read("cgroup", &mut buffer));
        let lines = String::from_utf8_lossy(lines.unwrap_or_default()).into_owned();
        let mut group = self.tree.along(&lines, |path| group_of(path, id));
        if group.is_empty() {
            group = self.search(id);
        }
        if group.is_empty() {
            return Err(not_found(id));
        }
        let first = process.is_some();
        let process = process.or_else(|| self.any_process(&group, id, &mut buffer));
        Ok(Place { group, process, first, network: true })
    }

    /// By name, from the top: where no process leads there, or through the `..` of a namespace.
    fn search(&self, id: &str) -> Group {
        let Some(top) = self.tree.top() else { return Group::default() };
        let mut parents = self.parents.lock().unwrap_or_else(PoisonError::into_inner);
        parents.find(top, id).map(|path| self.tree.at(&path)).unwrap_or_default()
    }

    /// The process, if it is of this container.
    pub(super) fn process(&self, pid: u32, id: &str, buffer: &mut Buffer) -> Option<Process> {
        let process = Process::open(&self.proc, pid)?;
        let lines = String::from_utf8_lossy(process.read("cgroup", buffer)?);
        let mut paths = process::groups(&lines).map(|(_, path)| path);
        paths.any(|path| group_of(path, id).is_some()).then_some(process)
    }

    fn any_process(&self, group: &Group, id: &str, buffer: &mut Buffer) -> Option<Process> {
        let mut pids = members::pids(group.of_processes()?, &self.processes.view, buffer);
        if pids.is_empty() {
            pids = self.processes.of_census(id, buffer);
        }
        pids.into_iter().take(4).find_map(|pid| self.process(pid, id, buffer))
    }
}

fn not_found(id: &str) -> Failure {
    let id = id.get(..12).unwrap_or_default();
    Failure::new(Reason::NOT_FOUND, format!("no control group of container {id}")).hint(
        "the Engine has to run on this machine, with the host's /sys/fs/cgroup mounted here; \
         rootless Engines need systemd to have groups",
    )
}

/// The path of the container's own group: without what it has made below, and without the `..` up
/// to the root of our namespace.
fn group_of(path: &str, id: &str) -> Option<PathBuf> {
    let mut group = PathBuf::new();
    for component in Path::new(path).components() {
        match component {
            Component::Normal(name) => {
                group.push(name);
                if name.to_str().is_some_and(|name| is_named(name, id)) {
                    return Some(group);
                }
            }
            Component::RootDir | Component::ParentDir | Component::CurDir => {}
            Component::Prefix(_) => return None,
        }
    }
    None
}

/// `<id>`, `docker-<id>.scope`, `libpod-<id>.scope`; not `libpod-conmon-<id>.scope`, which watches
/// the container.
fn is_named(name: &str, id: &str) -> bool {
    let name = name.strip_suffix(".scope").unwrap_or(name);
    name.strip_suffix(id).is_some_and(|prefix| {
        prefix.is_empty() || (prefix.ends_with('-') && !prefix.contains("conmon"))
    })
}

impl Parents {
    fn find(&mut self, top: &Path, id: &str) -> Option<PathBuf> {
        let known = self.0.iter().map(PathBuf::as_path).chain(USUAL.map(Path::new));
        let mut names = vec![id.to_owned()];
        names.extend(["docker", "libpod"].map(|engine| format!("{engine}-{id}.scope")));
        for parent in known {
            for name in &names {
                let group = parent.join(name);
                if top.join(&group).is_dir() {
                    return Some(group);
                }
            }
        }
        let group = walk(top, id)?;
        if let Some(parent) = group.parent() {
            // A handful at most: one for each Engine and custom parent.
            self.0.retain(|known| known != parent);
            self.0.truncate(15);
            self.0.insert(0, parent.to_owned());
        }
        Some(group)
    }
}

/// The nearest to the top, level by level.
fn walk(top: &Path, id: &str) -> Option<PathBuf> {
    let mut waiting = VecDeque::from([(PathBuf::new(), 0)]);
    let mut seen = 0;
    while let Some((parent, depth)) = waiting.pop_front() {
        for entry in std::fs::read_dir(top.join(&parent)).into_iter().flatten().flatten() {
            if !entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                continue;
            }
            let name = entry.file_name();
            let group = parent.join(&name);
            if name.to_str().is_some_and(|name| is_named(name, id)) {
                return Some(group);
            }
            seen += 1;
            if seen > DIRECTORIES {
                return None;
            }
            if depth < DEPTH {
                waiting.push_back((group, depth + 1));
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "07517f82b45415ed80fdf5d36c8a0db8e8da721adadf8c61595e7a47a6e6fec5";

    #[test]
    fn a_group_is_the_containers_only_by_name() {
        let of = |path: &str| {
            let path = path.replace("ID", ID);
            group_of(&path, ID).map(|group| group.to_string_lossy().replace(ID, "ID"))
        };
        for (path, group) in [
            ("/docker/ID", Some("docker/ID")),
            ("/system.slice/docker-ID.scope", Some("system.slice/docker-ID.scope")),
            ("/machine.slice/libpod-ID.scope/container", Some("machine.slice/libpod-ID.scope")),
            ("/docker/ID/init.scope", Some("docker/ID")),
            ("/docker/0123456789abcdef/docker/ID", Some("docker/0123456789abcdef/docker/ID")),
            ("/../ID", Some("ID")),
            ("/../../system.slice/docker-ID.scope", Some("system.slice/docker-ID.scope")),
            ("/machine.slice/libpod-conmon-ID.scope", None),
            ("/docker/aID", None),
            ("/docker/ID (deleted)", None),
            ("/docker/IDa", None),
            ("/", None),
            ("", None),
        ] {
            assert_eq!(of(path).as_deref(), group, "{path}");
        }
    }

    #[test]
    fn a_search_ends() {
        let top = tempfile::tempdir().unwrap();
        let mut deep = top.path().join("a/b/c");
        std::fs::create_dir_all(deep.join(format!("crio-{ID}.scope"))).unwrap();
        let mut parents = Parents::default();
        let found = PathBuf::from(format!("a/b/c/crio-{ID}.scope"));
        for _ in 0..2 {
            assert_eq!(parents.find(top.path(), ID).as_ref(), Some(&found));
            assert_eq!(parents.0, [PathBuf::from("a/b/c")]);
        }
        for _ in 0..12 {
            deep.push("d");
        }
        let other = ID.replace("075", "176");
        std::fs::create_dir_all(deep.join(&other)).unwrap();
        assert_eq!(parents.find(top.path(), &other), None);
    }
}
