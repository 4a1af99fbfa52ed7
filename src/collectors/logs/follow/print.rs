//! Fingerprints of what a file holds, by which it is known again.

use serde::{Deserialize, Serialize};

/// Bytes of a file's beginning that are looked at.
pub const HEAD: usize = 4096;
/// Bytes before the position that are looked at.
pub const TAIL: usize = 256;

/// The beginning of a file and what stands before the position in it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub struct Print {
    /// Length of the beginning that is known, and its hash.
    head: u32,
    hash: u64,
    /// Hashes of its first 1, 2, 4 ... bytes, so that a shortened file is known too.
    steps: Vec<u32>,
    /// Length and hash of the first line, if it is in there.
    line: u32,
    line_hash: u64,
    /// Length and hash of what stands before the position.
    tail: u32,
    tail_hash: u64,
}

/// How a beginning compares to the known one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Head {
    /// Nothing is known, or nothing is there.
    Unknown,
    Same,
    /// Only the first line is the same: lines that were there may be there still.
    Line,
    Other,
}

impl Print {
    /// Takes the beginning of the file, as far as it is there. Zeros at its end are not written yet.
    pub fn learn(&mut self, head: &[u8]) {
        let head = head.get(..HEAD).unwrap_or(head);
        let written = head.iter().rposition(|byte| *byte != 0).map_or(0, |at| at + 1);
        let head = head.get(..written).unwrap_or(head);
        self.head = length(head);
        self.hash = hash(head);
        let line = memchr::memchr(b'\n', head).and_then(|at| head.get(..=at)).unwrap_or_default();
        (self.line, self.line_hash) = (length(line), hash(line));
        self.steps.clear();
        let mut size = 1;
        while let Some(part) = head.get(..size) {
            self.steps.push(fold(hash(part)));
            size *= 2;
        }
    }

    pub fn head(&self) -> usize {
        self.head as usize
    }

    /// Whether more of the beginning can be learned.
    pub fn grows(&self) -> bool {
        self.head() < HEAD
    }

    /// Compares the beginning of a file, which may be shorter than the known one.
    pub fn compare(&self, head: &[u8]) -> Head {
        if self.head == 0 || head.is_empty() {
            return Head::Unknown;
        }
        let same = if let Some(known) = head.get(..self.head as usize) {
            hash(known) == self.hash
        } else {
            let step = head.len().ilog2() as usize;
            let part = head.get(..1 << step).unwrap_or_default();
            self.steps.get(step).is_some_and(|known| *known == fold(hash(part)))
        };
        let line = head.get(..self.line as usize).filter(|line| !line.is_empty());
        match line {
            _ if same => Head::Same,
            Some(line) if hash(line) == self.line_hash => Head::Line,
            _ => Head::Other,
        }
    }

    /// Takes what stands before the position: its last bytes are kept in mind.
    pub fn mark(&mut self, before: &[u8]) {
        let tail = last(before, TAIL);
        self.tail = length(tail);
        self.tail_hash = hash(tail);
    }

    pub fn tail(&self) -> usize {
        self.tail as usize
    }

    /// Whether these bytes are those that stood before the position.
    pub fn ends_with(&self, before: &[u8]) -> bool {
        self.tail == 0
            || before.len() >= self.tail() && hash(last(before, self.tail())) == self.tail_hash
    }
}

/// The last bytes of a text, up to a number.
pub fn last(text: &[u8], count: usize) -> &[u8] {
    text.get(text.len().saturating_sub(count)..).unwrap_or_default()
}

fn length(text: &[u8]) -> u32 {
    u32::try_from(text.len()).unwrap_or(u32::MAX)
}

fn fold(hash: u64) -> u32 {
    #[allow(clippy::cast_possible_truncation, reason = "both halves are in it")]
    let folded = (hash ^ (hash >> 32)) as u32;
    folded
}

/// FNV-1a with a last stir: the same in every version, on every machine, as it is written down.
fn hash(text: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64;
    for byte in text {
        hash = (hash ^ u64::from(*byte)).wrapping_mul(0x0100_0000_01b3);
    }
    (hash ^ (hash >> 29)).wrapping_mul(0xbf58_476d_1ce4_e5b9)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_beginning_is_known_also_when_it_is_shortened() {
        let text: Vec<u8> = (0..5000_u32).flat_map(|n| (n | 0x0101_0101).to_le_bytes()).collect();
        let mut print = Print::default();
        assert_eq!(print.compare(&text), Head::Unknown);
        for known in [1, 2, 3, 100, 4096, 9000] {
            print.learn(&text[..known]);
            assert_eq!(print.head(), known.min(HEAD));
            for size in [1, 2, 3, 17, 64, 99, 101, 4095, 4096, 20_000] {
                assert_eq!(print.compare(&text[..size]), Head::Same, "{size} of {known}");
                let mut other = text[..size].to_vec();
                other[0] ^= 1;
                assert_eq!(print.compare(&other), Head::Other, "{size} of {known}");
            }
            assert_eq!(print.compare(b""), Head::Unknown);
        }
    }

    #[test]
    fn a_first_line_that_stays_is_seen() {
        let mut print = Print::default();
        print.learn(b"one\ntwo\n");
        for (head, is) in [
            (b"one\ntwo\nthree\n".as_slice(), Head::Same),
            (b"one\ntw", Head::Same),
            (b"one\nnew\n", Head::Line),
            (b"one\nnew line\n", Head::Line),
            (b"new\ntwo\n", Head::Other),
            (b"on", Head::Same),
            (b"x", Head::Other),
        ] {
            assert_eq!(print.compare(head), is, "{head:?}");
        }
    }

    #[test]
    fn the_end_is_known() {
        let mut print = Print::default();
        assert!(print.ends_with(b""));
        print.mark(b"abc");
        assert!(print.ends_with(b"abc") && print.ends_with(b"xabc"));
        assert!(!print.ends_with(b"abd") && !print.ends_with(b"bc"));
        print.mark(&[7; 1000]);
        assert_eq!(print.tail(), TAIL);
        assert!(print.ends_with(&[7; TAIL]));
    }
}
