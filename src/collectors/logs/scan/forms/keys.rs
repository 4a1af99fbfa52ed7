//! Names of the fields of objects, in any case and however their parts are joined.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// Longer names are none.
const LONGEST: usize = 32;

/// Names of fields by what they hold.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Keys {
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub level: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub message: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub logger: Vec<String>,
    /// The address of who asks.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub client: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub method: Vec<String>,
    /// The whole of it: `GET / HTTP/1.1`.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub request: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub status: Vec<String>,
    /// Of the answer.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub bytes: Vec<String>,
    /// How long the answer took; a text with a unit (`3.2ms`) is taken by that.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub seconds: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub milliseconds: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub microseconds: Vec<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub nanoseconds: Vec<String>,
    /// The same in units that stand beside the number; a number alone is none.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    pub times: Vec<String>,
}

/// What a field holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Field {
    Level,
    /// The first names of a list are better than later ones.
    Message(u8),
    Logger(u8),
    Client,
    Method,
    Request,
    Status,
    Bytes,
    Time(Unit),
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    Seconds,
    Milliseconds,
    Microseconds,
    Nanoseconds,
    /// Only what stands beside the number tells.
    Beside,
}

impl Unit {
    /// As microseconds.
    pub fn micros(self, number: f64) -> u64 {
        let factor = match self {
            Self::Seconds => 1e6,
            Self::Milliseconds => 1e3,
            Self::Microseconds | Self::Beside => 1.0,
            Self::Nanoseconds => 1e-3,
        };
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is bounded"
        )]
        let micros = (number * factor).round().clamp(0.0, 1e15) as u64;
        micros
    }
}

/// The same to look names up in, by their length.
#[derive(Debug, Default)]
pub struct Table {
    by_length: Vec<Vec<Entry>>,
}

#[derive(Debug)]
struct Entry {
    /// As it is looked up, and as it must stand if that is told.
    plain: Vec<u8>,
    exact: Option<Vec<u8>>,
    field: Field,
}

impl Table {
    pub fn new(keys: &Keys) -> Self {
        let mut table = Self::default();
        let rank = |index: usize| u8::try_from(index).unwrap_or(u8::MAX);
        let mut add = |names: &[String], field: &dyn Fn(u8) -> Field| {
            for (index, name) in names.iter().enumerate() {
                table.add(name, field(rank(index)));
            }
        };
        add(&keys.level, &|_| Field::Level);
        add(&keys.message, &Field::Message);
        add(&keys.logger, &Field::Logger);
        add(&keys.client, &|_| Field::Client);
        add(&keys.method, &|_| Field::Method);
        add(&keys.request, &|_| Field::Request);
        add(&keys.status, &|_| Field::Status);
        add(&keys.bytes, &|_| Field::Bytes);
        add(&keys.seconds, &|_| Field::Time(Unit::Seconds));
        add(&keys.milliseconds, &|_| Field::Time(Unit::Milliseconds));
        add(&keys.microseconds, &|_| Field::Time(Unit::Microseconds));
        add(&keys.nanoseconds, &|_| Field::Time(Unit::Nanoseconds));
        add(&keys.times, &|_| Field::Time(Unit::Beside));
        table
    }

    /// Names of times alone.
    pub fn of_times<'a>(all: impl Iterator<Item = &'a Keys>) -> Self {
        let mut table = Self::default();
        for keys in all {
            let names = [
                &keys.seconds,
                &keys.milliseconds,
                &keys.microseconds,
                &keys.nanoseconds,
                &keys.times,
            ];
            names.into_iter().flatten().for_each(|name| table.add(name, Field::Time(Unit::Beside)));
        }
        table
    }

    fn add(&mut self, name: &str, field: Field) {
        let mut room = [0; LONGEST];
        let Some(plain) = plain(name.as_bytes(), &mut room) else { return };
        let exact = name.bytes().any(|byte| byte.is_ascii_uppercase());
        let exact = exact.then(|| name.as_bytes().to_vec());
        if self.by_length.len() <= plain.len() {
            self.by_length.resize_with(plain.len() + 1, Vec::new);
        }
        if let Some(entries) = self.by_length.get_mut(plain.len()) {
            // What must stand exactly so is looked at first.
            let at = if exact.is_some() { 0 } else { entries.len() };
            entries.insert(at, Entry { plain: plain.to_vec(), exact, field });
        }
    }

    /// What a field of this name holds.
    pub fn get(&self, name: &[u8]) -> Option<Field> {
        let mut room = [0; LONGEST];
        let plain = plain(name, &mut room)?;
        let found = self.by_length.get(plain.len())?.iter().find(|entry| {
            entry.plain == plain && entry.exact.as_ref().is_none_or(|exact| exact == name)
        });
        found.map(|entry| entry.field)
    }
}

/// In small letters, and without what joins its parts.
fn plain<'a>(name: &[u8], room: &'a mut [u8; LONGEST]) -> Option<&'a [u8]> {
    let mut length = 0;
    for byte in name {
        if !matches!(byte, b'_' | b'-' | b'.') {
            *room.get_mut(length)? = byte.to_ascii_lowercase();
            length += 1;
        }
    }
    room.get(..length)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_any_case_and_joint() {
        let list = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect();
        let keys = Keys {
            level: list(&["loglevel", "@l"]),
            message: list(&["message", "msg"]),
            seconds: list(&["duration"]),
            nanoseconds: list(&["Duration"]),
            ..Keys::default()
        };
        let table = Table::new(&keys);
        for (name, field) in [
            ("log.level", Some(Field::Level)),
            ("logLevel", Some(Field::Level)),
            ("LOG_LEVEL", Some(Field::Level)),
            ("@l", Some(Field::Level)),
            ("MSG", Some(Field::Message(1))),
            ("duration", Some(Field::Time(Unit::Seconds))),
            ("Duration", Some(Field::Time(Unit::Nanoseconds))),
            ("DURATION", Some(Field::Time(Unit::Seconds))),
            ("levels", None),
            ("", None),
            ("a_name_that_is_longer_than_any_that_is_known_to_us", None),
        ] {
            assert_eq!(table.get(name.as_bytes()), field, "{name}");
        }
    }
}
