//! The identity of an error group: 64 bits of its template and of where it comes from.

use std::fmt;

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// Version of masking and hashing together. Fingerprints of different versions have nothing in
/// common, so it is part of the hash.
pub const VERSION: u64 = 2;

/// Shown as 16 hexadecimal digits. 32 bits would be enough to tell the groups of one source apart,
/// but not those of a hundred hosts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Fingerprint(pub u64);

/// What makes an error the same error.
#[derive(Clone, Copy, Debug, Default)]
pub struct Parts<'a> {
    pub critical: bool,
    pub logger: &'a str,
    pub exception: &'a str,
    pub frame: &'a str,
    pub template: &'a str,
}

impl Fingerprint {
    pub fn of(parts: &Parts) -> Self {
        let mut hash = mix(VERSION ^ FIRST, u64::from(parts.critical) ^ SECOND);
        for part in [parts.logger, parts.exception, parts.frame, parts.template] {
            hash = add(hash, part.as_bytes());
        }
        Self(mix(hash, THIRD))
    }
}

// The first digits of pi: constants that nobody chose.
const FIRST: u64 = 0x243f_6a88_85a3_08d3;
const SECOND: u64 = 0x1319_8a2e_0370_7344;
const THIRD: u64 = 0xa409_3822_299f_31d0;

/// The two halves of a product of 128 bits, folded.
fn mix(left: u64, right: u64) -> u64 {
    let product = u128::from(left) * u128::from(right);
    #[expect(clippy::cast_possible_truncation, reason = "both halves are taken")]
    let (low, high) = (product as u64, (product >> 64) as u64);
    low ^ high
}

/// Eight bytes at a time, the same on machines of any byte order. The length comes first, so that
/// what two parts share cannot move from one to the other.
fn add(hash: u64, bytes: &[u8]) -> u64 {
    let mut hash = mix(hash ^ bytes.len() as u64, SECOND);
    let (words, rest) = bytes.as_chunks::<8>();
    for word in words {
        hash = mix(hash ^ u64::from_le_bytes(*word), FIRST);
    }
    let mut last = [0; 8];
    for (to, from) in last.iter_mut().zip(rest) {
        *to = *from;
    }
    mix(hash ^ u64::from_le_bytes(last), THIRD)
}

impl fmt::Display for Fingerprint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl Serialize for Fingerprint {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        serializer.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Fingerprint {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = String::deserialize(deserializer)?;
        u64::from_str_radix(&text, 16).map(Self).map_err(serde::de::Error::custom)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_same_for_ever() {
        // These numbers stand in silences and tickets. Who changes them raises VERSION.
        let parts = Parts {
            critical: false,
            logger: "app.core",
            exception: "ValueError",
            frame: "bot.py:run",
            template: "Task * failed",
        };
        assert_eq!(Fingerprint::of(&parts).to_string(), "5ea0090d6e8e265e");
        assert_eq!(Fingerprint::of(&Parts::default()).to_string(), "364b59c4774c110a");
    }

    #[test]
    fn every_part_counts_and_stays_where_it_is() {
        let of = |critical, [logger, exception, frame, template]: [&str; 4]| {
            Fingerprint::of(&Parts { critical, logger, exception, frame, template })
        };
        let all = [
            of(false, ["", "", "", ""]),
            of(true, ["", "", "", ""]),
            of(false, ["a", "", "", ""]),
            of(false, ["", "a", "", ""]),
            of(false, ["", "", "a", ""]),
            of(false, ["", "", "", "a"]),
            of(false, ["", "", "", "a\0"]),
            of(false, ["ab", "c", "", ""]),
            of(false, ["a", "bc", "", ""]),
        ];
        for (at, one) in all.iter().enumerate() {
            assert!(all.iter().skip(at + 1).all(|other| other != one));
        }
    }

    #[test]
    fn many_templates_do_not_collide() {
        let mut all: Vec<u64> = (0..200_000)
            .map(|number| {
                let template = format!("error number {number}");
                Fingerprint::of(&Parts { template: &template, ..Parts::default() }).0
            })
            .collect();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), 200_000);
    }

    #[test]
    fn survives_the_state() {
        let one = Fingerprint(0x00ab);
        let text = serde_json::to_string(&one).unwrap();
        assert_eq!(text, "\"00000000000000ab\"");
        assert_eq!(serde_json::from_str::<Fingerprint>(&text).unwrap(), one);
        assert!(serde_json::from_str::<Fingerprint>("\"x\"").is_err());
    }
}
