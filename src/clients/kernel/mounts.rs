//! The table of mounts of a mount namespace: `/proc/PID/mounts`.

use super::parse::{lines, text, words};

/// A mounted file system.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mount {
    pub device: String,
    pub mountpoint: String,
    pub fstype: String,
    pub read_only: bool,
}

/// In the order of the table. A line that is not understood is left out.
pub fn parse(table: &[u8]) -> impl Iterator<Item = Mount> {
    lines(table).filter_map(line)
}

/// `/proc/PID/mountinfo`: mount points, and whether the file system itself can only be read, which a mount
/// that is read-only for some does not mean. Of mounts on top of each other the last counts.
pub fn superblocks(table: &[u8]) -> impl Iterator<Item = (String, bool)> {
    lines(table).filter_map(|line| {
        let mut words = words(line).skip(4);
        let mountpoint = unescape(words.next()?);
        // Optional fields end with a dash; then come type, source and the options.
        let options = words.skip_while(|word| *word != b"-").nth(3)?;
        Some((mountpoint, is_read_only(options)))
    })
}

/// Newer kernels say of one that an error has closed that it is an emergency.
fn is_read_only(options: &[u8]) -> bool {
    options.split(|byte| *byte == b',').any(|option| matches!(option, b"ro" | b"emergency_ro"))
}

fn line(line: &[u8]) -> Option<Mount> {
    let mut words = words(line);
    let (device, mountpoint) = (unescape(words.next()?), unescape(words.next()?));
    let (fstype, options) = (text(words.next()?), words.next()?);
    let read_only = is_read_only(options);
    mountpoint.starts_with('/').then_some(Mount { device, mountpoint, fstype, read_only })
}

/// Space, tab, newline and backslash stand in the table as octal numbers: `\040`.
fn unescape(word: &[u8]) -> String {
    let mut out = Vec::with_capacity(word.len());
    let mut rest = word;
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
    text(&out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn odd_names_and_broken_lines() {
        let table =
            b"/dev/a /mnt/my\\040disk\\134x ext4 rw,ro 0 0\nhalf a\n\n/dev/b /\\04 ext4 rw,rox 0 0\nc d e rw\n";
        let found: Vec<_> = parse(table).map(|one| (one.mountpoint, one.read_only)).collect();
        assert_eq!(found, [("/mnt/my disk\\x".to_owned(), true), ("/\\04".to_owned(), false)]);
    }

    #[test]
    fn what_is_read_only_is_the_file_system_and_not_a_mount_of_it() {
        let table = b"22 1 8:1 / / rw,relatime shared:1 - ext4 /dev/sda1 rw,errors=remount-ro\n\
            23 22 8:2 / /srv\\040a ro,nosuid shared:2 master:1 - ext4 /dev/sdb1 ro\n\
            24 22 8:3 / /b ro - xfs /dev/sdc rw\n25 22 8:4 / /c rw - ext4 /dev/sdd rw,emergency_ro\nhalf a line -\n";
        let found: Vec<_> = superblocks(table).collect();
        let expected = [("/", false), ("/srv a", true), ("/b", false), ("/c", true)];
        assert_eq!(found, expected.map(|(point, read_only)| (point.to_owned(), read_only)));
    }
}
