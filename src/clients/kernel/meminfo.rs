//! `/proc/meminfo`: `Documentation/filesystems/proc.rst`.

use super::parse::{cut, lines, number};

/// The lines that somebody asks for, as the kernel names them.
const NAMES: [&str; 12] = [
    "MemTotal",
    "MemFree",
    "MemAvailable",
    "Buffers",
    "Cached",
    "Active(file)",
    "Inactive(file)",
    "SwapTotal",
    "SwapFree",
    "AnonPages",
    "Mapped",
    "SReclaimable",
];

#[derive(Clone, Debug, Default, PartialEq)]
pub struct Meminfo([Option<u64>; NAMES.len()]);

impl Meminfo {
    /// `MemTotal:       24684084 kB`.
    pub fn parse(text: &[u8]) -> Self {
        let mut found = Self::default();
        for (name, rest) in lines(text).filter_map(|line| cut(line, b':')) {
            let place = NAMES.iter().position(|known| known.as_bytes() == name.trim_ascii());
            let Some(value) = place.and_then(|place| found.0.get_mut(place)) else { continue };
            // kB is 1024 bytes here.
            let kilobytes = rest.trim_ascii().strip_suffix(b" kB").and_then(number);
            *value = kilobytes.map(|number| number.saturating_mul(1024));
        }
        found
    }

    /// One of [`NAMES`].
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
        for name in ["MemFree", "AnonPages", "SwapFree", "Mapped", "HugePages_Total", ""] {
            assert_eq!(found.bytes(name), None, "{name}");
        }
    }
}
