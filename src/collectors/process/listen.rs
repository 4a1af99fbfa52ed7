//! Who listens on the ports that are declared: the sockets of the network namespaces in which the
//! processes of a group live, told apart by the files that these hold open.

use std::collections::{BTreeMap, HashMap};
use std::fs::File;
use std::net::IpAddr;
use std::path::{Path, PathBuf};

use super::matcher::Wanted;
use crate::clients::kernel::sockets::{Listening, listening};

/// Network namespaces of one group that are looked into.
const NAMESPACES: usize = 32;
/// Open files of one process that are looked through, and processes of one group.
const FILES: usize = 8192;
const PROCESSES: usize = 512;

/// Where a socket was found open, which is looked at first the next time.
#[derive(Default)]
pub struct Owners(HashMap<u64, (u32, String)>);

/// A declared port of a group.
#[derive(Clone, Debug, PartialEq)]
pub struct Listener {
    /// Its place in the list of groups.
    pub group: usize,
    pub address: Option<IpAddr>,
    pub port: u16,
    pub held: Held,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Held {
    /// By a process of the group.
    Ours,
    Nobody,
    /// Somebody listens there, and it is none of the group.
    Others,
    /// Somebody listens there; whether it is one of the group is not for us to see.
    Somebody,
}

/// The sockets of each namespace, read once a look.
struct Tables<'a> {
    proc: &'a Path,
    known: BTreeMap<PathBuf, Vec<Listening>>,
}

pub fn look(
    proc: &Path,
    wanted: &[Wanted],
    members: &[Vec<u32>],
    owners: &mut Owners,
) -> Vec<Listener> {
    let mut tables = Tables { proc, known: BTreeMap::new() };
    let mut found = Vec::new();
    let mut owned = HashMap::new();
    for (group, (wanted, pids)) in wanted.iter().zip(members).enumerate() {
        if wanted.ports.is_empty() {
            continue;
        }
        let sockets = tables.of(pids);
        for (address, port) in &wanted.ports {
            let serves = |socket: &&Listening| {
                socket.port == *port && address.is_none_or(|address| socket.serves(address))
            };
            let inodes: Vec<u64> =
                sockets.iter().filter(serves).map(|socket| socket.inode).collect();
            let held = owners.held(proc, pids, &inodes, &mut owned);
            found.push(Listener { group, address: *address, port: *port, held });
        }
    }
    owners.0 = owned;
    found
}

impl Tables<'_> {
    /// Sockets in the namespaces of these processes. Of a group without any those of the machine, to
    /// see whether somebody else has taken its port.
    fn of(&mut self, pids: &[u32]) -> Vec<Listening> {
        let mut namespaces: Vec<PathBuf> = Vec::new();
        let mut sockets = Vec::new();
        for pid in pids.iter().take(PROCESSES) {
            let dir = self.proc.join(pid.to_string());
            // Not for us to see: then each is taken for another one, and the first few are read.
            let name = std::fs::read_link(dir.join("ns/net")).unwrap_or_else(|_| dir.join("net"));
            if namespaces.contains(&name) || namespaces.len() >= NAMESPACES {
                continue;
            }
            sockets.extend_from_slice(self.read(&name, &dir.join("net")));
            namespaces.push(name);
        }
        if namespaces.is_empty() {
            let first = self.proc.join("1/net");
            let dir =
                if File::open(first.join("tcp")).is_ok() { first } else { self.proc.join("net") };
            return self.read(&dir.clone(), &dir).to_vec();
        }
        sockets
    }

    fn read(&mut self, name: &Path, dir: &Path) -> &[Listening] {
        self.known.entry(name.to_owned()).or_insert_with(|| {
            let table = |name: &str| File::open(dir.join(name)).map(listening).unwrap_or_default();
            [table("tcp"), table("tcp6")].concat()
        })
    }
}

impl Owners {
    fn held(
        &self,
        proc: &Path,
        pids: &[u32],
        inodes: &[u64],
        owned: &mut HashMap<u64, (u32, String)>,
    ) -> Held {
        if inodes.is_empty() {
            return Held::Nobody;
        }
        for inode in inodes {
            let before = owned.get(inode).or_else(|| self.0.get(inode));
            if let Some((pid, file)) = before.filter(|(pid, _)| pids.binary_search(pid).is_ok()) {
                let path = proc.join(format!("{pid}/fd/{file}"));
                if std::fs::read_link(path).is_ok_and(|link| socket(&link) == Some(*inode)) {
                    owned.insert(*inode, (*pid, file.clone()));
                    return Held::Ours;
                }
            }
        }
        let mut all_seen = pids.len() <= PROCESSES;
        for pid in pids.iter().take(PROCESSES) {
            match search(&proc.join(format!("{pid}/fd")), inodes) {
                Ok(Some((inode, file))) => {
                    owned.insert(inode, (*pid, file));
                    return Held::Ours;
                }
                Ok(None) => {}
                Err(()) => all_seen = false,
            }
        }
        if all_seen { Held::Others } else { Held::Somebody }
    }
}

/// The first of these sockets that a process holds open.
fn search(files: &Path, inodes: &[u64]) -> Result<Option<(u64, String)>, ()> {
    let entries = match std::fs::read_dir(files) {
        Ok(entries) => entries,
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(None),
        Err(_) => return Err(()),
    };
    for (index, entry) in entries.flatten().enumerate() {
        if index >= FILES {
            return Err(());
        }
        let inode = std::fs::read_link(entry.path()).ok().and_then(|link| socket(&link));
        if let Some(inode) = inode.filter(|inode| inodes.contains(inode)) {
            return Ok(Some((inode, entry.file_name().to_string_lossy().into_owned())));
        }
    }
    Ok(None)
}

/// `socket:[4711]`
fn socket(link: &Path) -> Option<u64> {
    link.to_str()?.strip_prefix("socket:[")?.strip_suffix(']')?.parse().ok()
}
