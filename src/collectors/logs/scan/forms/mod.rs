//! The forms of lines, as a table: those that are known (`known.yaml`), and those of a source's `forms:`.
//!
//! What the engines beside this one know by themselves (objects, `key=value`, a level behind a time or in
//! brackets, a request in quotes) takes words and names from here.

mod keys;
mod rows;
mod words;

use std::collections::BTreeMap;
use std::sync::LazyLock;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use self::keys::{Field, Keys, Table, Unit};
pub use self::rows::{Object, Row, Rows};
pub use self::words::Words;
use super::format::Format;
use super::level::Level;
use crate::config;

const KNOWN: &str = include_str!("known.yaml");

/// How a program writes its lines, where that is not known yet. With `line` lines of text, with `keys` objects
/// of JSON and `key=value`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Form {
    /// A line of it; `config check` says if the form does not take it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub example: Option<String>,
    /// How a line begins, as a regex with the groups `level`, `priority` (of syslog), `logger`, `message`; of a
    /// request `client`, `method`, `status`, `bytes` and one of `seconds`, `milliseconds`, `microseconds`. Without
    /// `message` that is what follows the match. For example `^(?<level>[EWI])\|\S+\|(?<logger>\w+)\|`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub line: Option<String>,
    /// What follows the match is a line of its own, with a level or a request; default `false`.
    pub nested: bool,
    /// Names of fields by what they hold.
    pub keys: Keys,
    /// A name that stands in such objects and in no others.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub when: Option<String>,
    /// Its level counts before that of other fields; default `false`.
    pub first: bool,
    /// The level of such objects that name none.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub otherwise: Option<Level>,
    /// Words or numbers that stand for levels, beside those that are known: `{ E: error, "3": warning }`.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub levels: BTreeMap<String, Level>,
    /// The words of another form too.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub levels_of: Option<String>,
}

/// The file of the known ones.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
struct File {
    levels: BTreeMap<Level, Vec<String>>,
    keys: Keys,
    forms: BTreeMap<String, Form>,
}

/// What is known without any configuration.
pub struct Known {
    pub words: Words,
    pub keys: Table,
    pub rows: Rows,
}

/// The table that comes with the exporter; a test holds that it is right.
pub static TABLE: LazyLock<Known> = LazyLock::new(|| {
    let file = config::load::<File>("known.yaml", KNOWN, &|_| None).finish().unwrap_or_default();
    let words = file
        .levels
        .iter()
        .flat_map(|(level, words)| words.iter().map(|word| (word.as_str(), *level)));
    let (words, keys) = (Words::new(words), Table::new(&file.keys));
    let (rows, _) = Rows::new(&file.forms, false);
    Known { words, keys, rows }
});

/// The forms of one source.
#[derive(Default)]
pub struct Forms {
    /// Its own, which come before the known ones.
    pub own: Rows,
}

impl Forms {
    /// Those of the configuration, and what is wrong with them by key.
    pub fn new(forms: &BTreeMap<String, Form>) -> (Self, Vec<(String, String)>) {
        let (own, mut mistakes) = Rows::new(forms, true);
        let all = Self { own };
        for (name, form) in forms {
            if let Some(example) = form.example.as_deref().filter(|_| mistakes.is_empty()) {
                let found = super::judge::judge(&all, example.as_bytes(), None);
                if found.format.is_none() {
                    let message =
                        "no form takes this line: neither a level nor a request is found in it";
                    mistakes.push((format!("{name}.example"), message.into()));
                }
            }
        }
        (all, mistakes)
    }

    /// Whether nothing but the table says what a line is, so that its beginning can be remembered.
    pub fn is_usual(&self) -> bool {
        self.own.is_empty()
    }

    /// Its own objects and then the known ones.
    pub fn objects(&self) -> impl Iterator<Item = &Object> {
        self.own.objects.iter().chain(&TABLE.rows.objects)
    }

    /// In which unit a time of this name stands, where the other fields of the line tell.
    pub fn unit(&self, key: &[u8], line: &[u8]) -> Option<Field> {
        [&self.own, &TABLE.rows].into_iter().find_map(|rows| rows.unit(key, line))
    }

    /// The form of a name in the configuration.
    pub fn named(&self, name: &str) -> Option<Format> {
        Format::engine(name).or_else(|| self.own.format(name)).or_else(|| TABLE.rows.format(name))
    }

    pub fn name(&self, format: Format) -> &str {
        match format {
            Format::Known(at) => TABLE.rows.name(at),
            Format::Own(at) => self.own.name(at),
            other => other.as_str(),
        }
    }

    /// All names that `format:` may have, without the source's own.
    pub fn names() -> impl Iterator<Item = &'static str> {
        Format::ENGINES.into_iter().map(Format::as_str).chain(TABLE.rows.names())
    }
}

#[cfg(test)]
mod tests;
