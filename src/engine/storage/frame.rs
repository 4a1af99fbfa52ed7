//! A state as it is written down: one header line, then JSON.
//!
//! ```text
//! stack-exporter logs 1 <length> <checksum>
//! {...}
//! ```
//! One document, so that all of it is of one moment. A state that cannot be read is lost, and says
//! so: a guess would count things twice. Where a state is large and little of it changes, more
//! documents may stand behind the first, each of them whole: one that is not ends the state, which is
//! then of the moment before.

use std::fmt;

use serde::Serialize;
use serde::de::DeserializeOwned;

const MAGIC: &str = "stack-exporter";

/// What is written down, and how it is understood.
#[derive(Clone, Copy, Debug)]
pub struct Form {
    /// One word.
    pub kind: &'static str,
    /// The meaning of what is in the document. New fields need no new one.
    pub version: u32,
}

/// A header is no longer than this.
const MAX_HEADER: usize = 128;

/// Why a state is lost.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lost {
    /// It is none of ours, or not all of it is there.
    Damaged,
    /// A newer version of the exporter wrote it, in a form that is not read here.
    Newer { wrote: u32, reads: u32 },
    /// It is whole, but not what this version understands.
    Unknown,
}

impl fmt::Display for Lost {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Damaged => f.write_str("state lost: the file is damaged"),
            Self::Newer { wrote, reads } => {
                write!(
                    f,
                    "state lost: format {wrote} is of a newer exporter, this one reads {reads}"
                )
            }
            Self::Unknown => f.write_str("state lost: this version does not understand the file"),
        }
    }
}

impl std::error::Error for Lost {}

impl Form {
    /// The state as bytes.
    pub fn encode<T: Serialize>(&self, state: &T) -> Result<Vec<u8>, serde_json::Error> {
        Ok(self.seal(serde_json::to_vec(state)?))
    }

    /// Any document behind its header.
    pub fn seal(&self, body: Vec<u8>) -> Vec<u8> {
        let (Self { kind, version }, length, sum) = (self, body.len(), checksum(&body));
        let mut bytes = format!("{MAGIC} {kind} {version} {length} {sum:016x}\n").into_bytes();
        bytes.extend(body);
        bytes
    }

    /// The state from bytes.
    pub fn decode<T: DeserializeOwned>(&self, bytes: &[u8]) -> Result<T, Lost> {
        serde_json::from_slice(self.open(bytes)?).map_err(|_| Lost::Unknown)
    }

    /// The state, and what was added to it, in order.
    pub fn decode_all<T: DeserializeOwned, U: DeserializeOwned>(
        &self,
        bytes: &[u8],
    ) -> Result<(T, Vec<U>), Lost> {
        let (first, mut rest) = self.split(bytes)?;
        let state = serde_json::from_slice(first).map_err(|_| Lost::Unknown)?;
        let mut added = Vec::new();
        while let Ok((next, after)) = self.split(rest)
            && let Ok(next) = serde_json::from_slice(next)
        {
            added.push(next);
            rest = after;
        }
        Ok((state, added))
    }

    /// The document behind a header, if it is whole, of this form, and all there is.
    pub fn open<'a>(&self, bytes: &'a [u8]) -> Result<&'a [u8], Lost> {
        let (body, rest) = self.split(bytes)?;
        if rest.is_empty() { Ok(body) } else { Err(Lost::Damaged) }
    }

    /// The first document, if it is whole and of this form, and what stands behind it.
    fn split<'a>(&self, bytes: &'a [u8]) -> Result<(&'a [u8], &'a [u8]), Lost> {
        let end = bytes.iter().take(MAX_HEADER).position(|byte| *byte == b'\n');
        let (header, body) = bytes.split_at(end.ok_or(Lost::Damaged)?);
        let body = body.get(1..).unwrap_or_default();
        let header = std::str::from_utf8(header).map_err(|_| Lost::Damaged)?;
        let mut parts = header.split(' ');
        if (parts.next(), parts.next()) != (Some(MAGIC), Some(self.kind)) {
            return Err(Lost::Damaged);
        }
        let wrote: u32 = parts.next().and_then(|text| text.parse().ok()).ok_or(Lost::Damaged)?;
        // What a newer version writes may be of any other form.
        if wrote > self.version {
            return Err(Lost::Newer { wrote, reads: self.version });
        }
        let (length, sum) = (parts.next(), parts.next());
        // Written as we write it: `+5` and `05` are damage.
        let number = |text: &str| text.parse().ok().filter(|size: &usize| size.to_string() == text);
        let length = length.and_then(number).ok_or(Lost::Damaged)?;
        let (body, rest) = body.split_at_checked(length).ok_or(Lost::Damaged)?;
        let whole = sum == Some(format!("{:016x}", checksum(body)).as_str());
        if !whole || parts.next().is_some() || wrote != self.version {
            return Err(Lost::Damaged);
        }
        Ok((body, rest))
    }
}

/// FNV-1a over words of eight bytes, stirred: any flipped byte shows.
pub(super) fn checksum(bytes: &[u8]) -> u64 {
    let mut hash = 0xcbf2_9ce4_8422_2325_u64 ^ bytes.len() as u64;
    for word in bytes.chunks(8) {
        let mut eight = [0; 8];
        for (to, from) in eight.iter_mut().zip(word) {
            *to = *from;
        }
        hash = (hash ^ u64::from_le_bytes(eight)).wrapping_mul(0x0100_0000_01b3);
        hash ^= hash >> 32;
    }
    hash
}

#[cfg(test)]
mod tests {
    use serde::Deserialize;

    use super::*;

    const FORM: Form = Form { kind: "logs", version: 1 };

    #[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
    #[serde(default)]
    struct State {
        lines: u64,
        names: Vec<String>,
    }

    fn state() -> State {
        State { lines: 12345, names: (0..20).map(|n| format!("rule-{n}")).collect() }
    }

    #[test]
    fn a_state_comes_back_and_an_older_one_has_the_rest_by_default() {
        let bytes = FORM.encode(&state()).unwrap();
        assert_eq!(FORM.decode::<State>(&bytes).unwrap(), state());
        let older = FORM.encode(&serde_json::json!({"lines": 3, "gone": [1]})).unwrap();
        assert_eq!(FORM.decode::<State>(&older).unwrap(), State { lines: 3, names: Vec::new() });
    }

    #[test]
    fn case_35_any_damage_is_a_lost_state() {
        let bytes = FORM.encode(&state()).unwrap();
        for at in 0..bytes.len() {
            for flip in [1, 2, 4, 0x10, 0x20, 0x80, 0xff] {
                let mut damaged = bytes.clone();
                damaged[at] ^= flip;
                assert!(FORM.decode::<State>(&damaged).is_err(), "byte {at} flipped by {flip}");
            }
            assert_eq!(FORM.decode::<State>(&bytes[..at]), Err(Lost::Damaged), "{at} bytes");
        }
        assert_eq!(FORM.decode::<State>(&[bytes, b"x".to_vec()].concat()), Err(Lost::Damaged));
        assert_eq!(FORM.decode::<State>(&vec![0; 100_000]), Err(Lost::Damaged));
    }

    #[test]
    fn what_is_added_counts_up_to_the_first_that_is_not_whole() {
        let one = |lines: u64| FORM.encode(&State { lines, names: Vec::new() }).unwrap();
        let parts = [one(1), one(2), one(3)];
        let bytes = parts.concat();
        let read = |bytes: &[u8]| {
            let (first, added) = FORM.decode_all::<State, State>(bytes)?;
            Ok([vec![first], added].concat().iter().map(|state| state.lines).collect::<Vec<_>>())
        };
        assert_eq!(read(&bytes), Ok(vec![1, 2, 3]));
        let ends = [parts[0].len(), parts[0].len() + parts[1].len(), bytes.len()];
        for end in 0..bytes.len() {
            let whole = ends.iter().filter(|at| **at <= end).count() as u64;
            let wanted = if whole == 0 { Err(Lost::Damaged) } else { Ok((1..=whole).collect()) };
            assert_eq!(read(&bytes[..end]), wanted, "the first {end} bytes");
            let mut damaged = bytes.clone();
            damaged[end] ^= 1;
            let found = read(&damaged);
            assert_eq!(found, wanted, "byte {end} flipped");
            let zeros = [&bytes[..end], &[0; 40]].concat();
            assert_eq!(read(&zeros), wanted, "zeros from {end} on");
        }
        assert_eq!(FORM.decode::<State>(&bytes), Err(Lost::Damaged), "where nothing is added");
    }

    #[test]
    fn what_is_newer_or_something_else_is_lost_and_says_so() {
        let text = String::from_utf8(FORM.encode(&state()).unwrap()).unwrap();
        let newer = text.replacen("logs 1 ", "logs 2 ", 1);
        let newer_form = Lost::Newer { wrote: 2, reads: 1 };
        assert_eq!(FORM.decode::<State>(newer.as_bytes()), Err(newer_form));
        assert!(newer_form.to_string().contains("newer exporter"));
        let kind = Form { kind: "docker", version: 1 };
        assert_eq!(kind.decode::<State>(text.as_bytes()), Err(Lost::Damaged));
        let other = FORM.encode(&"text").unwrap();
        assert_eq!(FORM.decode::<State>(&other), Err(Lost::Unknown));
    }
}
