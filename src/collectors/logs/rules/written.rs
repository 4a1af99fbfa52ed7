//! A rule as the configuration writes it.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::config::Dur;

/// What to look for in a line: a `literal` or a `regex`. A line counts once, however often it
/// matches.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Rule {
    /// A text that stands in the line as it is. In lines of JSON its escaped spelling counts too: quotes
    /// and backslashes, `/` as PHP writes it, `<`, `>` and `&` as Go does, and letters as `\u0437`.
    #[schemars(extend("x-verbatim" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub literal: Option<String>,
    /// A regular expression; `^` and `$` are the ends of the line, `\d` is one of the ten digits of
    /// ASCII, and `(?i)` takes k and s for those of ASCII alone. One that holds a fixed text of three
    /// letters or more is many times as fast as one without: `config check` says which. A group with the
    /// name of another one and `_2` (to `_9`) stands for it where that took no part, so that both orders
    /// of two fields are one rule.
    #[schemars(extend("x-verbatim" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<String>,
    /// Whether capital and small letters are the same; default `false`.
    pub ignore_case: bool,
    /// A text whose lines do not count.
    #[schemars(extend("x-verbatim" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub not: Option<String>,
    /// Named groups of `regex` by whose text the matches are counted as well: `[event]`, then at
    /// most 20 different texts each, or with the texts that are expected, `{ event: [created,
    /// deleted] }`, which are there from the start. The rest counts as `other`.
    #[serde(skip_serializing_if = "Labels::is_empty")]
    pub labels: Labels,
    /// One named group of `regex` by whose text the matches and all values are split, under the
    /// label `split`. Its expected texts stand in `labels`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub split: Option<String>,
    /// Named groups of `regex` that are numbers: `[count]`, then their sum and the last one become
    /// metrics, or with what they are, `{ took: { unit: ms, kind: histogram, limit: 2s } }`.
    #[serde(skip_serializing_if = "Values::is_empty")]
    pub values: Values,
    /// When a line is expected: `{ every: 24h }`, or `{ daily: "03:00", from: "02:00" }` in the
    /// time zone of the host.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<Expect>,
    /// The rule whose line ends what a line of this one starts: durations, and what is still open.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub pair: Option<Pair>,
}

/// Groups by name, with or without the texts that are expected.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Labels {
    Names(Vec<String>),
    #[schemars(extend("x-verbatim" = true))]
    Expected(BTreeMap<String, Vec<String>>),
}

impl Default for Labels {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

impl Labels {
    pub fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    /// Groups with the texts that are expected of them.
    pub fn all(&self) -> Vec<(&str, &[String])> {
        match self {
            Self::Names(names) => names.iter().map(|name| (name.as_str(), &[][..])).collect(),
            Self::Expected(map) => {
                map.iter().map(|(name, texts)| (name.as_str(), texts.as_slice())).collect()
            }
        }
    }
}

/// Numbers by the name of their group.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Values {
    Names(Vec<String>),
    Described(BTreeMap<String, Value>),
}

impl Default for Values {
    fn default() -> Self {
        Self::Names(Vec::new())
    }
}

impl Values {
    pub fn is_empty(&self) -> bool {
        self.all().is_empty()
    }

    pub fn all(&self) -> Vec<(&str, Value)> {
        match self {
            Self::Names(names) => {
                names.iter().map(|name| (name.as_str(), Value::default())).collect()
            }
            Self::Described(map) => {
                map.iter().map(|(name, value)| (name.as_str(), value.clone())).collect()
            }
        }
    }
}

/// What a number is.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Value {
    /// What the line counts in, where it does not say so itself, as in `812 ms`; metrics are in seconds,
    /// bytes and parts of one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub unit: Option<Unit>,
    /// What becomes of it; default: the sum and the last one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub kind: Option<Kind>,
    /// Upper bounds of a histogram, as numbers in the unit of the line or as durations; for times
    /// default 5 ms to 5 min.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub buckets: Vec<Amount>,
    /// Numbers above it are counted apart; in the unit of the line, or a duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub limit: Option<Amount>,
    /// The limit for single texts of `split`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub limits: BTreeMap<String, Amount>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// The sum of all.
    Counter,
    /// The last one.
    Gauge,
    /// How many in each range.
    Histogram,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub enum Unit {
    #[serde(rename = "s")]
    Seconds,
    #[serde(rename = "ms")]
    Milliseconds,
    #[serde(rename = "us")]
    Microseconds,
    #[serde(rename = "min")]
    Minutes,
    #[serde(rename = "bytes")]
    Bytes,
    #[serde(rename = "kB")]
    Kilobytes,
    #[serde(rename = "KiB")]
    Kibibytes,
    #[serde(rename = "MB")]
    Megabytes,
    #[serde(rename = "MiB")]
    Mebibytes,
    #[serde(rename = "percent")]
    Percent,
    #[serde(rename = "ratio")]
    Ratio,
}

impl Unit {
    /// The unit behind a number in a line.
    pub fn named(text: &[u8]) -> Option<Self> {
        Some(match text {
            b"s" | b"sec" | b"secs" | b"second" | b"seconds" => Self::Seconds,
            b"ms" | b"msec" | b"millis" | b"milliseconds" => Self::Milliseconds,
            b"us" | b"\xc2\xb5s" | b"\xce\xbcs" | b"usec" | b"microseconds" => Self::Microseconds,
            b"min" | b"mins" | b"minute" | b"minutes" => Self::Minutes,
            b"B" | b"byte" | b"bytes" => Self::Bytes,
            b"kB" | b"KB" => Self::Kilobytes,
            b"KiB" => Self::Kibibytes,
            b"MB" => Self::Megabytes,
            b"MiB" => Self::Mebibytes,
            b"%" => Self::Percent,
            _ => return None,
        })
    }

    /// Whether both are of one kind, so that the one can stand where the other is expected.
    pub fn is_like(self, other: Self) -> bool {
        let is_share = |unit| matches!(unit, Self::Percent | Self::Ratio);
        self.is_time() == other.is_time() && is_share(self) == is_share(other)
    }

    pub fn is_time(self) -> bool {
        matches!(self, Self::Seconds | Self::Milliseconds | Self::Microseconds | Self::Minutes)
    }

    /// A number of this unit in the base unit.
    pub fn base(self, number: f64) -> f64 {
        match self {
            Self::Seconds | Self::Bytes | Self::Ratio => number,
            // Divided, not multiplied by a fraction: 100 ms is exactly 0.1.
            Self::Milliseconds => number / 1e3,
            Self::Microseconds => number / 1e6,
            Self::Minutes => number * 60.0,
            Self::Kilobytes => number * 1e3,
            Self::Kibibytes => number * 1024.0,
            Self::Megabytes => number * 1e6,
            Self::Mebibytes => number * 1_048_576.0,
            Self::Percent => number / 100.0,
        }
    }
}

/// A number in the unit of the line, or a duration.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Amount {
    Number(f64),
    Time(Dur),
}

impl Amount {
    /// In the base unit of a value of this unit, unless one is a time and the other is not.
    pub fn base(&self, unit: Option<Unit>) -> Option<f64> {
        match (self, unit) {
            (Self::Number(number), Some(unit)) => Some(unit.base(*number)),
            (Self::Number(number), None) => Some(*number),
            (Self::Time(time), Some(unit)) if unit.is_time() => Some(time.get().as_secs_f64()),
            (Self::Time(_), _) => None,
        }
    }
}

/// When a line is expected.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Expect {
    /// The longest time between two lines.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub every: Option<Dur>,
    /// The time of day by which it must be there, such as `"03:00"`.
    #[schemars(extend("x-show-value" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub daily: Option<String>,
    /// The time of day from which on it counts; default: 24 hours before.
    #[schemars(extend("x-show-value" = true))]
    #[serde(skip_serializing_if = "Option::is_none")]
    pub from: Option<String>,
}

/// What ends what a line starts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct Pair {
    /// The name of the rule whose line is the end.
    #[schemars(extend("x-show-value" = true))]
    pub end: String,
    /// A named group of both rules whose text is the same at the start and at the end. Without it
    /// an end is that of the oldest start that has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub id: Option<String>,
    /// After this time an end is not expected any more; default `1h`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub timeout: Option<Dur>,
}

impl Pair {
    pub fn timeout(&self) -> Duration {
        self.timeout.map_or(Duration::from_hours(1), Dur::get)
    }
}
