//! The mount table, pure: which file systems are looked at, and under which name.

use std::path::{Path, PathBuf};

use regex::Regex;

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub device: String,
    /// As the host sees it, without `root_path`.
    pub mountpoint: String,
    pub fstype: String,
    pub read_only: bool,
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
    pub fn apply(&self, table: &str) -> Vec<Mount> {
        let lines: Vec<Mount> = table.lines().filter_map(line).collect();
        let mut mounts: Vec<Mount> = Vec::new();
        for mount in self.below_root(lines) {
            if self.mounts.is_match(&mount.mountpoint) || self.fstypes.is_match(&mount.fstype) {
                continue;
            }
            mounts.retain(|earlier| earlier.mountpoint != mount.mountpoint);
            mounts.push(mount);
        }
        mounts
    }

    /// A container's own table shows the host's mounts below the root that it has mounted; the
    /// host's table shows them as they are.
    fn below_root(&self, lines: Vec<Mount>) -> Vec<Mount> {
        let root = self.root.as_path();
        if root == Path::new("/") {
            return lines;
        }
        let inside = |mount: &Mount| Path::new(&mount.mountpoint).starts_with(root);
        let own_table = lines.iter().any(inside);
        let mounts = lines.into_iter().filter(|mount| !own_table || inside(mount));
        let seen = |mut mount: Mount| {
            let point = Path::new(&mount.mountpoint);
            let inner = point.strip_prefix(if own_table { root } else { Path::new("/") }).ok()?;
            mount.path = root.join(inner);
            mount.mountpoint = Path::new("/").join(inner).to_string_lossy().into_owned();
            Some(mount)
        };
        mounts.filter_map(seen).collect()
    }
}

fn line(line: &str) -> Option<Mount> {
    let mut words = line.split_whitespace();
    let (device, mountpoint) = (unescape(words.next()?), unescape(words.next()?));
    let (fstype, options) = (words.next()?.to_owned(), words.next()?);
    let read_only = options.split(',').any(|option| option == "ro");
    let path = PathBuf::from(&mountpoint);
    mountpoint.starts_with('/').then_some(Mount { device, mountpoint, fstype, read_only, path })
}

/// Space, tab, newline and backslash stand in the table as octal numbers: `\040`.
fn unescape(text: &str) -> String {
    let mut out = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let octal = after.get(..3).and_then(|digits| std::str::from_utf8(digits).ok());
        let byte = octal.and_then(|digits| u8::from_str_radix(digits, 8).ok());
        match byte {
            Some(byte) if *first == b'\\' => {
                out.push(byte);
                rest = after.get(3..).unwrap_or_default();
            }
            _ => {
                out.push(*first);
                rest = after;
            }
        }
    }
    String::from_utf8_lossy(&out).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn points(root: &str, table: &str) -> Vec<(String, String)> {
        let regex = |text: &str| Regex::new(text).expect("a pattern");
        let filter = Filter { mounts: regex("^/proc"), fstypes: regex("^x$"), root: root.into() };
        let mounts = filter.apply(table).into_iter();
        mounts.map(|mount| (mount.mountpoint, mount.path.display().to_string())).collect()
    }

    fn pair(point: &str, path: &str) -> (String, String) {
        (point.to_owned(), path.to_owned())
    }

    #[test]
    fn odd_names_and_broken_lines() {
        let table =
            "/dev/a /mnt/my\\040disk\\134x ext4 rw 0 0\nhalf a\n\n/dev/b /\\04 ext4 rw 0 0\n";
        let odd = "/mnt/my disk\\x";
        assert_eq!(points("/", table), [pair(odd, odd), pair("/\\04", "/\\04")]);
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
