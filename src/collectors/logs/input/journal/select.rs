//! Which entries of the journal a source consists of, and what is taken of each.

use std::collections::BTreeMap;

use globset::{Glob, GlobMatcher};

use super::file::{Entry, Fault, Journal};
use crate::collectors::logs::scan::level::Level;
use crate::collectors::logs::scan::lines::MAX_LINE;

/// By what entries are chosen: all that is given must fit.
#[derive(Clone, Debug, Default)]
pub struct Selector {
    pub unit: Option<GlobMatcher>,
    pub identifier: Option<GlobMatcher>,
}

impl Selector {
    /// A unit as `journalctl -u` takes it: `bot`, `bot.service`, `worker@*`. An identifier as
    /// `journalctl -t`. `Err` names the key and what is wrong.
    pub fn new(
        unit: Option<&str>,
        identifier: Option<&str>,
    ) -> Result<Self, (&'static str, String)> {
        let glob = |key, text: &str| match Glob::new(text) {
            Ok(glob) => Ok(glob.compile_matcher()),
            Err(error) => Err((key, format!("is no pattern of names: {}", error.kind()))),
        };
        Ok(Self {
            unit: unit.map(|unit| glob("unit", &with_suffix(unit))).transpose()?,
            identifier: identifier.map(|text| glob("identifier", text)).transpose()?,
        })
    }
}

/// A name without a type is a service.
fn with_suffix(unit: &str) -> String {
    const TYPES: [&str; 11] = [
        "service",
        "socket",
        "target",
        "device",
        "mount",
        "automount",
        "swap",
        "timer",
        "path",
        "slice",
        "scope",
    ];
    match unit.rsplit_once('.') {
        Some((_, kind)) if TYPES.contains(&kind) => unit.to_owned(),
        _ => format!("{unit}.service"),
    }
}

/// A field that matters. The journal keeps equal values once, so most are looked at once.
#[derive(Clone, Debug, PartialEq, Eq)]
enum Field {
    Other,
    Priority(Option<Level>),
    /// The unit that wrote it, and whether that is wanted.
    Unit(String, bool),
    /// The unit of which the manager tells.
    OfManager(bool),
    /// The unit of which a program of root tells.
    OfRoot(bool),
    /// The unit of which a process dumped its core.
    OfCore(bool),
    Identifier(String, bool),
    Process(String),
    IsRoot,
    IsCoreDump,
}

/// Fields that are known by where they stand in one file.
#[derive(Default)]
pub struct Known(BTreeMap<u64, Field>);

static OTHER: Field = Field::Other;
/// Values that are kept; long messages are never among them.
const MAX_KNOWN: usize = 8192;
/// No value of the other fields is as long.
const SHORT: usize = 512;
const CORE_DUMP: &str = "fc2e22bc6ee647b6b90729ab34a250b1";

/// What is taken of an entry.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Taken {
    /// Up to the part that rules see.
    pub message: Vec<u8>,
    pub cut: bool,
    pub hint: Option<Level>,
    /// Something of it could not be read.
    pub damaged: bool,
    /// Who wrote it: the unit, else the identifier, and the number of the process.
    pub writer: String,
}

/// What the fields of an entry say together.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each stands for a field of its own")]
struct Sum {
    hint: Option<Level>,
    unit: String,
    identifier: String,
    process: String,
    wrote: bool,
    named: bool,
    of_manager: bool,
    of_root: bool,
    of_core: bool,
    is_root: bool,
    is_core_dump: bool,
}

impl Sum {
    fn add(&mut self, field: &Field) {
        match field {
            Field::Other => {}
            Field::Priority(level) => self.hint = *level,
            Field::Unit(name, wanted) => {
                self.unit.clone_from(name);
                self.wrote |= wanted;
            }
            Field::OfManager(wanted) => self.of_manager |= wanted,
            Field::OfRoot(wanted) => self.of_root |= wanted,
            Field::OfCore(wanted) => self.of_core |= wanted,
            Field::Identifier(name, wanted) => {
                self.identifier.clone_from(name);
                self.named |= wanted;
            }
            Field::Process(number) => self.process.clone_from(number),
            Field::IsRoot => self.is_root = true,
            Field::IsCoreDump => self.is_core_dump = true,
        }
    }

    /// As `journalctl -u` and `-t` do.
    fn wanted(&self, selector: &Selector) -> bool {
        let unit = self.wrote
            || self.of_manager && self.process == "1"
            || self.of_root && self.is_root
            || self.of_core && self.is_root && self.is_core_dump;
        (unit || selector.unit.is_none()) && (self.named || selector.identifier.is_none())
    }

    fn taken(self, mut message: Vec<u8>, damaged: bool) -> Taken {
        let cut = message.len() > MAX_LINE;
        message.truncate(MAX_LINE);
        let writer = if self.unit.is_empty() { self.identifier } else { self.unit };
        let writer =
            if self.process.is_empty() { writer } else { writer + "[" + &self.process + "]" };
        Taken { message, cut, hint: self.hint, damaged, writer }
    }
}

impl Selector {
    /// What is taken of the entry, if it is wanted and says something.
    pub fn take(
        &self,
        journal: &mut Journal,
        entry: &Entry,
        known: &mut Known,
    ) -> Result<Option<Taken>, Fault> {
        const NAME: usize = "MESSAGE=".len();
        let (mut sum, mut message, mut damaged) = (Sum::default(), None, false);
        for offset in &entry.items {
            match known.field(self, journal, *offset) {
                Ok(Some(field)) => sum.add(field),
                Ok(None) => message = Some(*offset),
                // The others may say enough.
                Err(Fault::Damaged) => damaged = true,
                Err(fault) => return Err(fault),
            }
        }
        let Some(message) = message.filter(|_| sum.wanted(self)) else {
            return if damaged { Err(Fault::Damaged) } else { Ok(None) };
        };
        let mut text = Vec::new();
        journal.data(message, NAME + MAX_LINE + 1, &mut text)?;
        text.drain(..NAME.min(text.len()));
        Ok(Some(sum.taken(text, damaged)))
    }

    /// The same of an entry whose fields are at hand.
    #[cfg(test)]
    pub fn take_fields<'a>(
        &self,
        fields: impl Iterator<Item = (&'a [u8], &'a [u8])>,
    ) -> Option<Taken> {
        let (mut sum, mut message) = (Sum::default(), None);
        for (name, value) in fields {
            if name == b"MESSAGE" {
                message = Some(value);
            } else {
                sum.add(&self.field(name, value));
            }
        }
        let message = message.filter(|_| sum.wanted(self))?;
        let kept = message.get(..=MAX_LINE).unwrap_or(message);
        Some(sum.taken(kept.to_vec(), false))
    }

    fn field(&self, name: &[u8], value: &[u8]) -> Field {
        let value = String::from_utf8_lossy(value);
        let is_unit = || self.unit.as_ref().is_some_and(|unit| unit.is_match(&*value));
        match name {
            b"PRIORITY" => Field::Priority(level(&value)),
            b"_SYSTEMD_UNIT" => Field::Unit(value.clone().into_owned(), is_unit()),
            b"UNIT" => Field::OfManager(is_unit()),
            b"OBJECT_SYSTEMD_UNIT" => Field::OfRoot(is_unit()),
            b"COREDUMP_UNIT" => Field::OfCore(is_unit()),
            b"SYSLOG_IDENTIFIER" => {
                let wanted = self.identifier.as_ref().is_some_and(|text| text.is_match(&*value));
                Field::Identifier(value.into_owned(), wanted)
            }
            b"_PID" => Field::Process(value.into_owned()),
            b"_UID" if value == "0" => Field::IsRoot,
            b"MESSAGE_ID" if value == CORE_DUMP => Field::IsCoreDump,
            _ => Field::Other,
        }
    }
}

impl Known {
    /// The field at an offset; `None` is the message.
    fn field(
        &mut self,
        selector: &Selector,
        journal: &mut Journal,
        offset: u64,
    ) -> Result<Option<&Field>, Fault> {
        if !self.0.contains_key(&offset) {
            let mut text = Vec::new();
            journal.data(offset, SHORT, &mut text)?;
            let at = memchr::memchr(b'=', &text).ok_or(Fault::Damaged)?;
            let (name, value) = text.split_at(at);
            if name == b"MESSAGE" {
                return Ok(None);
            }
            // These never come again.
            if name.ends_with(b"_TIMESTAMP") {
                return Ok(Some(&OTHER));
            }
            if self.0.len() >= MAX_KNOWN {
                self.0.clear();
            }
            self.0.insert(offset, selector.field(name, value.get(1..).unwrap_or_default()));
        }
        Ok(self.0.get(&offset))
    }
}

/// By syslog's numbers.
fn level(priority: &str) -> Option<Level> {
    match priority {
        "0" | "1" | "2" => Some(Level::Critical),
        "3" => Some(Level::Error),
        "4" => Some(Level::Warning),
        "5" | "6" => Some(Level::Info),
        "7" => Some(Level::Debug),
        _ => None,
    }
}
