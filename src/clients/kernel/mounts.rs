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

fn line(line: &[u8]) -> Option<Mount> {
    let mut words = words(line);
    let (device, mountpoint) = (unescape(words.next()?), unescape(words.next()?));
    let (fstype, options) = (text(words.next()?), words.next()?);
    let read_only = options.split(|byte| *byte == b',').any(|option| option == b"ro");
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
}
