//! Durations and sizes as they are written in the configuration, always with a unit.

use std::borrow::Cow;
use std::fmt;
use std::ops::Deref;
use std::time::Duration;

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};

/// Why a text is not a duration or a size. The texts never repeat the value.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UnitError {
    NeedsUnit(&'static str),
    UnknownUnit(&'static str),
    Negative,
    Fraction(&'static str),
    Order,
    TooLarge,
    NotADuration,
    NotASize,
}

impl fmt::Display for UnitError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NeedsUnit(example) => write!(f, "needs a unit, for example `{example}`"),
            Self::UnknownUnit(units) => write!(f, "has an unknown unit, use one of {units}"),
            Self::Negative => f.write_str("must not be negative"),
            Self::Fraction(example) => {
                write!(f, "must be whole numbers, for example `{example}`")
            }
            Self::Order => f.write_str("has its units out of order, write for example `1h30m`"),
            Self::TooLarge => f.write_str("is too large"),
            Self::NotADuration => {
                f.write_str("is not a duration, write for example `500ms`, `5s` or `1h30m`")
            }
            Self::NotASize => f.write_str("is not a size, write for example `512MB` or `1GiB`"),
        }
    }
}

impl std::error::Error for UnitError {}

const DURATION_UNITS: &str = "`ms`, `s`, `m`, `h`, `d`";
const SIZE_UNITS: &str = "`B`, `kB`, `MB`, `GB`, `TB`, `KiB`, `MiB`, `GiB`, `TiB`";

/// Units of a duration in nanoseconds, from the longest; a duration names each at most once, in
/// this order.
const DURATIONS: [(&str, u128); 7] = [
    ("d", 86_400_000_000_000),
    ("h", 3_600_000_000_000),
    ("m", 60_000_000_000),
    ("s", 1_000_000_000),
    ("ms", 1_000_000),
    ("us", 1_000),
    ("ns", 1),
];

/// Units of a size in bytes. The first writing of each unit is the one printed.
const SIZES: [(&str, u64); 18] = [
    ("B", 1),
    ("kB", 1_000),
    ("MB", 1_000_000),
    ("GB", 1_000_000_000),
    ("TB", 1_000_000_000_000),
    ("KiB", 1 << 10),
    ("MiB", 1 << 20),
    ("GiB", 1 << 30),
    ("TiB", 1 << 40),
    ("KB", 1_000),
    ("k", 1_000),
    ("M", 1_000_000),
    ("G", 1_000_000_000),
    ("T", 1_000_000_000_000),
    ("Ki", 1 << 10),
    ("Mi", 1 << 20),
    ("Gi", 1 << 30),
    ("Ti", 1 << 40),
];
const PRINTED_SIZES: usize = 9;

fn split_digits(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit()).unwrap_or(text.len()))
}

/// Reads `500ms`, `5s`, `2m`, `1h30m`, `7d`.
pub fn parse_duration(text: &str) -> Result<Duration, UnitError> {
    let mut rest = text;
    if rest.starts_with('-') {
        return Err(UnitError::Negative);
    }
    if rest.is_empty() {
        return Err(UnitError::NotADuration);
    }
    let mut total: u128 = 0;
    let mut longest = 0;
    while !rest.is_empty() {
        let (digits, after) = split_digits(rest);
        if after.starts_with('.') {
            return Err(UnitError::Fraction("1500ms"));
        }
        if digits.is_empty() {
            return Err(UnitError::NotADuration);
        }
        if after.is_empty() {
            return Err(UnitError::NeedsUnit("5s"));
        }
        let (unit, next) =
            after.split_at(after.find(|c: char| !c.is_alphabetic()).unwrap_or(after.len()));
        if unit.is_empty() {
            return Err(UnitError::NotADuration);
        }
        let Some((place, (_, nanos))) =
            DURATIONS.iter().enumerate().find(|(_, (name, _))| *name == unit)
        else {
            return Err(UnitError::UnknownUnit(DURATION_UNITS));
        };
        if place < longest {
            return Err(UnitError::Order);
        }
        longest = place + 1;
        let count: u64 = digits.parse().map_err(|_| UnitError::TooLarge)?;
        total += u128::from(count) * nanos;
        rest = next;
    }
    // Nanoseconds in 64 bits are 584 years: longer is a slip of the keyboard.
    u64::try_from(total).map(Duration::from_nanos).map_err(|_| UnitError::TooLarge)
}

/// Reads `512MB`, `1GiB`, `100k`, `4096B`; MB is 10^6 and MiB is 2^20.
pub fn parse_size(text: &str) -> Result<u64, UnitError> {
    if text.starts_with('-') {
        return Err(UnitError::Negative);
    }
    let (digits, unit) = split_digits(text);
    if digits.is_empty() {
        return Err(UnitError::NotASize);
    }
    if unit.is_empty() {
        return Err(UnitError::NeedsUnit("512MB"));
    }
    if unit.starts_with('.') {
        return Err(UnitError::Fraction("1536MiB"));
    }
    if !unit.chars().all(char::is_alphabetic) {
        return Err(UnitError::NotASize);
    }
    let Some((_, bytes)) = SIZES.iter().find(|(name, _)| *name == unit) else {
        return Err(UnitError::UnknownUnit(SIZE_UNITS));
    };
    let count: u64 = digits.parse().map_err(|_| UnitError::TooLarge)?;
    count.checked_mul(*bytes).ok_or(UnitError::TooLarge)
}

/// A duration such as `5s` or `1h30m`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Dur(pub Duration);

impl Dur {
    pub fn get(self) -> Duration {
        self.0
    }
}

impl fmt::Display for Dur {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut rest = self.0.as_nanos();
        if rest == 0 {
            return f.write_str("0s");
        }
        for (name, nanos) in DURATIONS {
            let count = rest / nanos;
            if count > 0 {
                write!(f, "{count}{name}")?;
                rest %= nanos;
            }
        }
        Ok(())
    }
}

/// A size in bytes, written as `512MB` or `1GiB`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct Size(pub u64);

impl Size {
    pub fn get(self) -> u64 {
        self.0
    }
}

impl fmt::Display for Size {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let exact =
            SIZES.iter().take(PRINTED_SIZES).filter(|(_, bytes)| self.0.is_multiple_of(*bytes));
        let shortest =
            exact.map(|(name, bytes)| format!("{}{name}", self.0 / bytes)).min_by_key(String::len);
        match shortest {
            Some(text) => f.write_str(&text),
            None => write!(f, "{}B", self.0),
        }
    }
}

macro_rules! text_form {
    ($type:ident, $inner:ty, $parse:ident, $format:literal) => {
        impl From<$inner> for $type {
            fn from(value: $inner) -> Self {
                Self(value)
            }
        }
        impl From<$type> for $inner {
            fn from(value: $type) -> Self {
                value.0
            }
        }
        impl Deref for $type {
            type Target = $inner;
            fn deref(&self) -> &$inner {
                &self.0
            }
        }
        impl std::str::FromStr for $type {
            type Err = UnitError;
            fn from_str(text: &str) -> Result<Self, UnitError> {
                $parse(text).map(Self)
            }
        }
        impl<'de> Deserialize<'de> for $type {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                let text = Cow::<'de, str>::deserialize(deserializer)?;
                text.parse().map_err(de::Error::custom)
            }
        }
        impl Serialize for $type {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }
        impl JsonSchema for $type {
            fn inline_schema() -> bool {
                true
            }
            fn schema_name() -> Cow<'static, str> {
                stringify!($type).into()
            }
            fn json_schema(_: &mut SchemaGenerator) -> Schema {
                json_schema!({"type": "string", "format": $format, "x-show-value": true})
            }
        }
    };
}

text_form!(Dur, Duration, parse_duration, "duration");
text_form!(Size, u64, parse_size, "size");

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_round_trip() {
        for (text, millis, back) in [
            ("500ms", 500, "500ms"),
            ("5s", 5_000, "5s"),
            ("2m", 120_000, "2m"),
            ("90m", 5_400_000, "1h30m"),
            ("1h30m", 5_400_000, "1h30m"),
            ("7d", 604_800_000, "7d"),
            ("36h", 129_600_000, "1d12h"),
            ("0s", 0, "0s"),
            ("1500ms", 1_500, "1s500ms"),
        ] {
            let dur: Dur = text.parse().unwrap();
            assert_eq!(dur.get(), Duration::from_millis(millis), "{text}");
            assert_eq!(dur.to_string(), back);
            assert_eq!(back.parse::<Dur>().unwrap(), dur);
            let json = serde_json::to_string(&dur).unwrap();
            assert_eq!(serde_json::from_str::<Dur>(&json).unwrap(), dur);
        }
        assert_eq!(Dur(Duration::from_nanos(1_001)).to_string(), "1us1ns");
    }

    #[test]
    fn sizes_round_trip() {
        for (text, bytes, back) in [
            ("512MB", 512_000_000, "512MB"),
            ("512MiB", 512 << 20, "512MiB"),
            ("1GiB", 1 << 30, "1GiB"),
            ("100k", 100_000, "100kB"),
            ("4096B", 4096, "4KiB"),
            ("1000MB", 1_000_000_000, "1GB"),
            ("0B", 0, "0B"),
            ("7B", 7, "7B"),
        ] {
            let size: Size = text.parse().unwrap();
            assert_eq!(size.get(), bytes, "{text}");
            assert_eq!(size.to_string(), back);
            assert_eq!(back.parse::<Size>().unwrap(), size);
            let json = serde_json::to_string(&size).unwrap();
            assert_eq!(serde_json::from_str::<Size>(&json).unwrap(), size);
        }
    }

    #[test]
    fn duration_mistakes() {
        for (text, want) in [
            ("10", "needs a unit, for example `5s`"),
            ("1h30", "needs a unit, for example `5s`"),
            ("5x", "has an unknown unit, use one of `ms`, `s`, `m`, `h`, `d`"),
            ("5S", "has an unknown unit, use one of `ms`, `s`, `m`, `h`, `d`"),
            ("-5s", "must not be negative"),
            ("1.5s", "must be whole numbers, for example `1500ms`"),
            ("30m1h", "has its units out of order, write for example `1h30m`"),
            ("1m1m", "has its units out of order, write for example `1h30m`"),
            ("99999999999999999999s", "is too large"),
            ("18446744073709551615d", "is too large"),
            ("", "is not a duration, write for example `500ms`, `5s` or `1h30m`"),
            ("soon", "is not a duration, write for example `500ms`, `5s` or `1h30m`"),
            ("5 s", "is not a duration, write for example `500ms`, `5s` or `1h30m`"),
        ] {
            assert_eq!(parse_duration(text).unwrap_err().to_string(), want, "{text}");
        }
    }

    #[test]
    fn size_mistakes() {
        let unknown = format!("has an unknown unit, use one of {SIZE_UNITS}");
        for (text, want) in [
            ("10", "needs a unit, for example `512MB`"),
            ("5mb", unknown.as_str()),
            ("-5MB", "must not be negative"),
            ("1.5GiB", "must be whole numbers, for example `1536MiB`"),
            ("99999999TiB", "is too large"),
            ("big", "is not a size, write for example `512MB` or `1GiB`"),
            ("5 MB", "is not a size, write for example `512MB` or `1GiB`"),
        ] {
            assert_eq!(parse_size(text).unwrap_err().to_string(), want, "{text}");
        }
    }
}
