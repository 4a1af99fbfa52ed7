//! From configuration to targets: what is declared, what can be found, and what is wrong with it.

mod on_demand;
mod thresholds;

use std::any::Any;
use std::collections::BTreeMap;
use std::time::Duration;

pub use on_demand::{Module, OnDemand, Wanted};
pub use thresholds::{Limit, Limits, Own, Setting, Thresholds, threshold_of, threshold_of_one};

use crate::catalogue::Area;
use crate::config::{Access, Dur, SafeUrl, nearest};
use crate::engine::{self, Memory, Missed, Service, Target};

/// A mistake that only the collector can see, at a path such as `nats.main.url`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Mistake {
    pub path: String,
    pub message: String,
}

/// Where a target is and how it is logged in to, for other sections that name it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Address {
    pub url: SafeUrl,
    pub access: Access,
}

impl From<&SafeUrl> for Address {
    fn from(url: &SafeUrl) -> Self {
        Self { url: url.clone(), access: Access::default() }
    }
}

/// Settings that every target has.
pub struct Common<'a> {
    pub timeout: Option<Dur>,
    pub thresholds: &'a Thresholds,
    /// The Compose service in which it lives, if it is said.
    pub service: Option<&'a str>,
}

/// Collects targets and mistakes while the areas make their plans. Making a plan does no I/O
/// beyond looking whether declared files exist, so that `config check` can do it too.
pub struct Plan<'a> {
    pub targets: Vec<Target>,
    pub mistakes: Vec<Mistake>,
    pub missed: Vec<Missed>,
    /// What reads an address that a request names.
    pub modules: BTreeMap<String, Module>,
    pub memory: &'a Memory,
    environment: &'a dyn Fn(&str) -> Option<String>,
    addresses: BTreeMap<(&'static str, String), Box<dyn Any>>,
    section: &'static str,
    area: Option<&'static Area>,
}

fn is_plain(name: &str) -> bool {
    (1..=64).contains(&name.len()) && name.chars().all(is_plain_char)
}

const fn is_plain_char(c: char) -> bool {
    c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-')
}

impl<'a> Plan<'a> {
    pub fn new(environment: &'a dyn Fn(&str) -> Option<String>, memory: &'a Memory) -> Self {
        Self {
            targets: Vec::new(),
            mistakes: Vec::new(),
            missed: Vec::new(),
            modules: BTreeMap::new(),
            memory,
            environment,
            addresses: BTreeMap::new(),
            section: "",
            area: None,
        }
    }

    pub(crate) fn section(&mut self, section: &'static str, area: &'static Area) {
        (self.section, self.area) = (section, Some(area));
    }

    /// An environment variable that is set and not empty.
    pub fn env(&self, name: &str) -> Option<String> {
        (self.environment)(name).filter(|value| !value.is_empty())
    }

    /// Notes a mistake at `key` of a target, or of the section itself if `target` is empty.
    pub fn mistake(&mut self, target: &str, key: &str, message: impl Into<String>) {
        let parts = [self.section, target, key];
        let path: Vec<_> = parts.into_iter().filter(|part| !part.is_empty()).collect();
        self.mistakes.push(Mistake { path: path.join("."), message: message.into() });
    }

    /// Notes that nothing was found to watch.
    pub fn missed(&mut self, why: impl Into<String>, hint: impl Into<String>) {
        let Some(area) = self.area else { return };
        self.missed.push(Missed { area: area.name, why: why.into(), hint: hint.into() });
    }

    /// Makes the address of a target known to the sections after this one, as a type that its
    /// client has for it.
    pub fn publish<A: Clone + 'static>(&mut self, target: &str, address: A) {
        self.addresses.insert((self.section, target.to_owned()), Box::new(address));
    }

    /// The address of a target of an earlier section, or what is wrong with its name.
    pub fn address<A: Clone + 'static>(
        &self,
        section: &'static str,
        target: &str,
    ) -> Result<A, String> {
        let key = (section, target.to_owned());
        if let Some(address) = self.addresses.get(&key).and_then(|any| any.downcast_ref::<A>()) {
            return Ok(address.clone());
        }
        let known = self.addresses.keys().filter(|(of, _)| *of == section);
        let names: Vec<&str> = known.map(|(_, name)| name.as_str()).collect();
        let why = match (nearest(target, names.iter().copied()), names.is_empty()) {
            (Some(name), _) => format!(" (did you mean `{name}`?)"),
            (None, true) => String::new(),
            (None, false) => format!(" (known: `{}`)", names.join("`, `")),
        };
        Err(format!("there is no such target in the section `{section}`{why}"))
    }

    /// Adds a target from the file. A single target has its settings in the section itself.
    pub fn declare(&mut self, target: Target, common: &Common) {
        let inner = if target.area.single { String::new() } else { target.id.name.clone() };
        if !is_plain(&target.id.name) {
            self.mistake(
                &inner,
                "",
                "a target's name is 1 to 64 letters, digits, `_`, `.` and `-`: it goes into labels and addresses",
            );
        }
        self.add(target, &inner, common);
    }

    /// Adds a target that nobody declared; `origin` says how it was found.
    pub fn find(&mut self, mut target: Target, origin: &'static str) {
        target.origin = origin;
        if !is_plain(&target.id.name) {
            // Found names, such as a database's, may be anything.
            let plain = |c: char| if is_plain_char(c) { c } else { '_' };
            target.id.name = target.id.name.chars().take(64).map(plain).collect();
        }
        let nothing = Thresholds::default();
        self.add(target, "", &Common { timeout: None, thresholds: &nothing, service: None });
    }

    fn add(&mut self, mut target: Target, inner: &str, common: &Common) {
        if let Some(timeout) = common.timeout.map(Dur::get) {
            target.deadline = timeout;
        }
        match common.service.map(Service::parse).transpose() {
            Ok(given) => target.home.given = given,
            Err(message) => self.mistake(inner, "service", message),
        }
        // What single things of it have for themselves may stand elsewhere in its settings. It goes behind what
        // is said of them by name under `thresholds`.
        let own = std::mem::take(&mut target.thresholds.exceptions);
        target.thresholds = self.settle(inner, target.area, common);
        target.thresholds.exceptions.splice(0..0, own);
        self.targets.push(target);
    }

    /// Checks the settings that every target has; the thresholds in force.
    fn settle(&mut self, inner: &str, area: &Area, common: &Common) -> engine::Thresholds {
        let timeout = common.timeout.map(Dur::get);
        if timeout.is_some_and(|it| it.is_zero() || it > Duration::from_mins(1)) {
            self.mistake(inner, "timeout", "must be longer than `0s` and at most `60s`");
        }
        let (thresholds, mistakes) = common.thresholds.resolve(area);
        for (key, message) in mistakes {
            self.mistake(inner, &format!("thresholds.{key}"), message);
        }
        thresholds
    }
}
