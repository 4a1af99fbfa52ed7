//! Which file systems of the mount table are looked at, and under which name.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use regex::Regex;

use super::fetch::Seen;
use crate::clients::kernel::mounts;

/// A mounted file system that is looked at.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    /// As the host sees it, without `root_path`.
    pub seen: mounts::Mount,
    /// Where we look at it.
    pub path: PathBuf,
}

/// What is left out, and where the host's root is.
pub struct Filter {
    pub mounts: Regex,
    pub fstypes: Regex,
    pub root: PathBuf,
}

impl Filter {
    /// The mounts of a table such as `/proc/1/mounts`. Of mounts on top of each other the last
    /// is the one that can be seen.
    pub fn apply(&self, table: &[u8]) -> Vec<Mount> {
        let lines: Vec<_> = mounts::parse(table).collect();
        let mut mounts: Vec<Mount> = Vec::new();
        for mount in self.below_root(lines) {
            let seen = &mount.seen;
            if self.mounts.is_match(&seen.mountpoint) || self.fstypes.is_match(&seen.fstype) {
                continue;
            }
            mounts.retain(|earlier| earlier.seen.mountpoint != seen.mountpoint);
            mounts.push(mount);
        }
        mounts
    }

    /// Notes which file systems are read-only themselves, by `/proc/PID/mountinfo` of the same process. What a
    /// mount of our own forbids us alone is not read-only for the host.
    pub fn close(mountinfo: &[u8], own: bool, seen: &mut [Seen]) {
        let mut closed = BTreeMap::new();
        for (mountpoint, read_only) in mounts::superblocks(mountinfo) {
            closed.insert(mountpoint, read_only);
        }
        for Seen { mount, closed: is_closed, .. } in seen {
            let point = mount.seen.mountpoint.as_str();
            let path = mount.path.to_string_lossy();
            *is_closed = closed.get(path.trim_end_matches('/')).or(closed.get(point)).copied();
            if let Some(is_closed) = is_closed.filter(|_| own) {
                mount.seen.read_only = is_closed;
            }
        }
    }

    /// A container's own table shows the host's mounts below the root that it has mounted; the
    /// host's table shows them as they are.
    fn below_root(&self, lines: Vec<mounts::Mount>) -> Vec<Mount> {
        let root = self.root.as_path();
        let inside = |mount: &mounts::Mount| Path::new(&mount.mountpoint).starts_with(root);
        if root == Path::new("/") {
            let as_it_is = |seen: mounts::Mount| Mount { path: (&seen.mountpoint).into(), seen };
            return lines.into_iter().map(as_it_is).collect();
        }
        let own_table = lines.iter().any(inside);
        let mounts = lines.into_iter().filter(|mount| !own_table || inside(mount));
        let seen = |mut seen: mounts::Mount| {
            let point = Path::new(&seen.mountpoint);
            let inner = point.strip_prefix(if own_table { root } else { Path::new("/") }).ok()?;
            let path = root.join(inner);
            seen.mountpoint = Path::new("/").join(inner).to_string_lossy().into_owned();
            Some(Mount { seen, path })
        };
        mounts.filter_map(seen).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(root: &str, table: &str) -> Vec<(String, String)> {
        let regex = |text: &str| Regex::new(text).expect("a pattern");
        let filter = Filter { mounts: regex("^/proc"), fstypes: regex("^x$"), root: root.into() };
        let mounts = filter.apply(table.as_bytes()).into_iter();
        mounts.map(|mount| (mount.seen.mountpoint, mount.path.display().to_string())).collect()
    }

    fn pair(point: &str, path: &str) -> (String, String) {
        (point.to_owned(), path.to_owned())
    }

    #[test]
    fn the_mount_on_top_is_the_one_seen() {
        let table = "a /m ext4 rw 0 0\nb /n ext4 rw 0 0\nc /m xfs rw 0 0\nd /o x rw 0 0\n";
        assert_eq!(points("/", table), [pair("/n", "/n"), pair("/m", "/m")]);
    }

    #[test]
    fn the_root_is_taken_off_in_both_kinds_of_table() {
        let own = "overlay / overlay rw 0 0\na /host ext4 ro 0 0\nb /host/srv xfs ro 0 0\n";
        let hosts = "a / ext4 rw 0 0\nb /srv xfs rw 0 0\n";
        for table in [own, hosts] {
            assert_eq!(points("/host", table), [pair("/", "/host/"), pair("/srv", "/host/srv")]);
        }
    }
}
