//! Rows of the table, ready to be looked up.

use std::collections::BTreeMap;

use memchr::memmem::Finder;
use regex::bytes::{Captures, Regex, RegexBuilder, RegexSet, RegexSetBuilder};

use super::super::access::Request;
use super::super::format::Format;
use super::super::level::Level;
use super::super::request::Method;
use super::keys::{Field, Table, Unit};
use super::words::Words;
use super::{Form, TABLE};

/// A program for one pattern may take this many bytes.
const SIZE: usize = 1 << 20;
/// Priorities of syslog are facility and severity.
const SEVERITIES: u32 = 8;

/// Lines of text that begin in a way of their own.
pub struct Row {
    name: String,
    pub format: Format,
    regex: Regex,
    pub nested: bool,
    levels: Words,
}

/// Objects with names or numbers of their own.
pub struct Object {
    /// As a name of JSON and of `key=value`.
    when: Option<[Finder<'static>; 2]>,
    pub first: bool,
    pub keys: Table,
    pub otherwise: Option<Level>,
    levels: Words,
}

#[derive(Default)]
pub struct Rows {
    pub rows: Vec<Row>,
    pub objects: Vec<Object>,
    /// Names of times of all objects.
    times: Table,
    set: Option<RegexSet>,
    own: bool,
}

/// What a row says of a line.
pub struct Read<'a> {
    pub level: Option<Level>,
    /// Where the level stands.
    pub at: usize,
    pub logger: Option<&'a [u8]>,
    pub message: &'a [u8],
    pub request: Option<Request<'a>>,
}

impl Rows {
    /// Rows as they are written, and what is wrong with them by key.
    pub fn new(forms: &BTreeMap<String, Form>, own: bool) -> (Self, Vec<(String, String)>) {
        let (mut all, mut mistakes) = (Self { own, ..Self::default() }, Vec::new());
        let mut patterns = Vec::new();
        for (name, form) in forms {
            let levels = levels(form, forms);
            if form.line.is_none() {
                if form.keys == super::Keys::default() && form.otherwise.is_none() {
                    mistakes.push((name.clone(), "has neither a `line` nor `keys`".into()));
                }
                all.objects.push(Object::new(form, levels));
                continue;
            }
            let Some(pattern) = &form.line else { continue };
            match regex(pattern, own) {
                Ok(regex) => {
                    if !regex.capture_names().flatten().any(says_something) && !form.nested {
                        let message =
                            "has no group `level`, `priority` or `status`, and is not `nested`";
                        mistakes.push((format!("{name}.line"), message.into()));
                    }
                    let format = all.next(name);
                    patterns.push(pattern.clone());
                    all.rows.push(Row {
                        name: name.clone(),
                        format,
                        regex,
                        nested: form.nested,
                        levels,
                    });
                }
                Err(message) => mistakes.push((format!("{name}.line"), message)),
            }
        }
        all.times = Table::of_times(forms.values().map(|form| &form.keys));
        let mut set = RegexSetBuilder::new(&patterns);
        all.set =
            set.unicode(own).size_limit(SIZE * 8).build().ok().filter(|_| !patterns.is_empty());
        (all, mistakes)
    }

    /// A row with the name of an engine's form is one of its ways to write.
    fn next(&self, name: &str) -> Format {
        let at = u16::try_from(self.rows.len()).unwrap_or(u16::MAX);
        match Format::engine(name) {
            Some(format) => format,
            None if self.own => Format::Own(at),
            None => Format::Known(at),
        }
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty() && self.objects.is_empty()
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.rows
            .iter()
            .filter(|row| matches!(row.format, Format::Known(_) | Format::Own(_)))
            .map(|row| row.name.as_str())
    }

    pub fn format(&self, name: &str) -> Option<Format> {
        self.rows.iter().find(|row| row.name == name).map(|row| row.format)
    }

    pub fn name(&self, at: u16) -> &str {
        self.rows.get(usize::from(at)).map_or("", |row| &row.name)
    }

    /// What a time of this name is in a line like this.
    pub fn unit(&self, key: &[u8], line: &[u8]) -> Option<Field> {
        self.times.get(key)?;
        let own = |object: &Object| object.fits(line).then(|| object.keys.get(key)).flatten();
        self.objects.iter().find_map(own).filter(|field| matches!(field, Field::Time(_)))
    }

    /// The rows that may take a line.
    pub fn of(&self, line: &[u8]) -> impl Iterator<Item = &Row> {
        let matches = self.set.as_ref().map(|set| set.matches(line));
        let matches = matches.filter(regex::bytes::SetMatches::matched_any);
        matches.into_iter().flatten().filter_map(|index| self.rows.get(index))
    }
}

impl Row {
    /// Whether it has more to say than where the level stands.
    pub fn is_rich(&self) -> bool {
        self.nested || self.regex.capture_names().flatten().any(|name| name == "logger")
    }

    pub fn read<'a>(&self, line: &'a [u8]) -> Option<Read<'a>> {
        let found = self.regex.captures(line)?;
        let group = |name: &str| found.name(name).map(|group| group.as_bytes());
        let named = group("level").and_then(|word| word_of(&self.levels, word));
        let level = named.or_else(|| {
            let severity = (group("priority").and_then(number)? % SEVERITIES).to_string();
            TABLE.words.get(severity.as_bytes())
        });
        let end = found.get(0).map_or(0, |all| all.end());
        let message = group("message").unwrap_or_else(|| line.get(end..).unwrap_or_default());
        let at = found.name("level").map_or(0, |group| group.start());
        let request = request(&found);
        let tells = level.is_some() || request.is_some() || self.nested;
        tells.then_some(Read { level, at, logger: group("logger"), message, request })
    }
}

impl Object {
    fn new(form: &Form, levels: Words) -> Self {
        let finder = |text: String| Finder::new(&text).into_owned();
        let when = form.when.as_ref();
        Self {
            when: when.map(|key| [finder(format!("\"{key}\"")), finder(format!(" {key}="))]),
            first: form.first,
            keys: Table::new(&form.keys),
            otherwise: form.otherwise,
            levels,
        }
    }

    /// Whether a line is one of them.
    pub fn fits(&self, line: &[u8]) -> bool {
        let object = line.trim_ascii_start().first() == Some(&b'{');
        self.when
            .as_ref()
            .is_none_or(|[json, pairs]| if object { json } else { pairs }.find(line).is_some())
    }

    pub fn level(&self, word: &[u8]) -> Option<Level> {
        word_of(&self.levels, word)
    }
}

fn regex(pattern: &str, own: bool) -> Result<Regex, String> {
    let mut builder = RegexBuilder::new(pattern);
    builder.unicode(own).size_limit(SIZE).build().map_err(|error| {
        // Its last line says it.
        let text = error.to_string();
        text.lines().last().unwrap_or(&text).trim_start_matches("error: ").to_owned()
    })
}

fn says_something(group: &str) -> bool {
    matches!(group, "level" | "priority" | "status")
}

fn levels(form: &Form, forms: &BTreeMap<String, Form>) -> Words {
    let other = form.levels_of.as_ref().and_then(|name| forms.get(name));
    let all = form.levels.iter().chain(other.into_iter().flat_map(|form| &form.levels));
    Words::new(all.map(|(word, level)| (word.as_str(), *level)))
}

/// Words of the form itself, and then all that are known; what a number means the form alone can say, if it says
/// anything.
fn word_of(own: &Words, word: &[u8]) -> Option<Level> {
    let number = word.first().is_some_and(u8::is_ascii_digit) && !own.is_empty();
    own.get(word).or_else(|| TABLE.words.get(word).filter(|_| !number))
}

fn number(text: &[u8]) -> Option<u32> {
    std::str::from_utf8(text).ok()?.parse().ok()
}

fn request<'a>(found: &Captures<'a>) -> Option<Request<'a>> {
    let group = |name: &str| found.name(name).map(|group| group.as_bytes());
    let status = u16::try_from(number(group("status")?)?).ok()?;
    let units = [
        ("seconds", Unit::Seconds),
        ("milliseconds", Unit::Milliseconds),
        ("microseconds", Unit::Microseconds),
    ];
    let time = units.into_iter().find_map(|(name, unit)| {
        let text = std::str::from_utf8(group(name)?).ok()?;
        Some(unit.micros(text.parse().ok()?))
    });
    Some(Request {
        client: group("client").unwrap_or_default(),
        method: Method::named(group("method").unwrap_or_default()),
        status,
        bytes: group("bytes").and_then(number).map_or(0, u64::from),
        micros: time,
    })
}
