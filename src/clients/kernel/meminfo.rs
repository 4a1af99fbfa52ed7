//! `/proc/meminfo`: `Documentation/filesystems/proc.rst`.

use super::parse::{cut, lines, number};

/// The lines that there are, as the kernel names them and nearly in its order. Which of them a machine has
/// depends on its kernel and its processor.
const NAMES: [&str; 58] = [
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "SwapCached",
    "Active",
    "Inactive",
    "Active(anon)",
    "Inactive(anon)",
    "Active(file)",
    "Inactive(file)",
    "Unevictable",
    "Mlocked",
    "SwapTotal",
    "SwapFree",
    "Zswap",
    "Zswapped",
    "Dirty",
    "Writeback",
    "AnonPages",
    "Mapped",
    "Shmem",
    "KReclaimable",
    "Slab",
    "SReclaimable",
    "SUnreclaim",
    "KernelStack",
    "PageTables",
    "SecPageTables",
    "NFS_Unstable",
    "Bounce",
    "WritebackTmp",
    "CommitLimit",
    "Committed_AS",
    "VmallocTotal",
    "VmallocUsed",
    "VmallocChunk",
    "Percpu",
    "HardwareCorrupted",
    "AnonHugePages",
    "ShmemHugePages",
    "ShmemPmdMapped",
    "FileHugePages",
    "FilePmdMapped",
    "CmaTotal",
    "CmaFree",
    "Unaccepted",
    "Balloon",
    "HugePages_Total",
    "HugePages_Free",
    "HugePages_Rsvd",
    "HugePages_Surp",
    "Hugepagesize",
    "Hugetlb",
    "DirectMap4k",
    "DirectMap2M",
    "DirectMap1G",
];

/// Numbers of pages, and no bytes.
const COUNTED: &str = "HugePages_";

#[derive(Clone, Debug, PartialEq)]
pub struct Meminfo([Option<u64>; NAMES.len()]);

impl Default for Meminfo {
    fn default() -> Self {
        Self([None; NAMES.len()])
    }
}

impl Meminfo {
    /// `MemTotal:       24684084 kB`.
    pub fn parse(text: &[u8]) -> Self {
        let mut found = Self::default();
        let mut next = 0;
        for (name, rest) in lines(text).filter_map(|line| cut(line, b':')) {
            let is_it = |known: &str| known.as_bytes() == name.trim_ascii();
            // Mostly the one behind the last one.
            let behind = NAMES.iter().skip(next).position(|known| is_it(known));
            let place = behind
                .map(|place| place + next)
                .or_else(|| NAMES.iter().position(|known| is_it(known)));
            let Some(place) = place else { continue };
            next = place + 1;
            let rest = rest.trim_ascii();
            // kB is 1024 bytes here.
            let value = if name.starts_with(COUNTED.as_bytes()) {
                number(rest)
            } else {
                let kilobytes = rest.strip_suffix(b" kB").and_then(number);
                kilobytes.map(|number| number.saturating_mul(1024))
            };
            if let Some(known) = found.0.get_mut(place) {
                *known = value;
            }
        }
        found
    }

    /// One of [`NAMES`]: bytes, but for the numbers of huge pages.
    pub fn bytes(&self, name: &str) -> Option<u64> {
        let place = NAMES.iter().position(|known| *known == name)?;
        self.0.get(place).copied().flatten()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn figures_that_are_missing_stay_out() {
        let text =
            b"MemTotal:   100 kB\nMemFree: x kB\nAnonPages: 1\nSwapFree:\nActive(file): 2 kB\n\
            Cached: 18446744073709551615 kB\nHugePages_Total:       3\nrubbish\n";
        let found = Meminfo::parse(text);
        assert_eq!(found.bytes("MemTotal"), Some(102_400));
        assert_eq!(found.bytes("Active(file)"), Some(2048));
        assert_eq!(found.bytes("Cached"), Some(u64::MAX));
        assert_eq!(found.bytes("HugePages_Total"), Some(3));
        for name in ["MemFree", "AnonPages", "SwapFree", "Mapped", "HugePages_Free", ""] {
            assert_eq!(found.bytes(name), None, "{name}");
        }
    }
}
