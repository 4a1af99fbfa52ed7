//! What is said of a finding and of what cannot be seen, in words.

use super::judge::tells;
use super::report::{Blind, Finding};
use crate::catalogue::Direction;
use crate::engine::Number;
use crate::text::printable;

/// Labels that tell a person nothing: what stands beside it anyway, and identities for machines. A
/// container is known by its name.
const UNTOLD: [&str; 13] = [
    "area",
    "id",
    "image",
    "container_label_com_docker_compose_project",
    "container_label_com_docker_compose_service",
    "cpu",
    "server",
    "server_id",
    "server_name",
    "cluster",
    "domain",
    "account",
    "datid",
];

impl Finding {
    /// "longest_query datname=tasktracker": the signal and the labels that tell values apart.
    pub fn subject(&self) -> String {
        let fixed = |label: &str| {
            let select = self.signal.measure.select.iter();
            select.clone().any(|matcher| matcher.label == label && matcher.values.len() == 1)
        };
        let shown = self.labels.iter().filter(|(name, _)| !UNTOLD.contains(name) && !fixed(name));
        let labels = shown.map(|(name, value)| format!(" {name}={}", printable(value)));
        std::iter::once(self.signal.name.to_owned()).chain(labels).collect()
    }

    /// The value of a label of the thing, or of its target; empty if it has none.
    pub(super) fn label(&self, name: &str) -> String {
        if name == "target" {
            return self.target.clone();
        }
        let found = self.labels.iter().find(|(label, _)| *label == name);
        found.map_or_else(String::new, |(_, value)| value.clone())
    }

    /// The same, fit to be shown.
    fn shown(&self, name: &str) -> String {
        printable(&self.label(name)).into_owned()
    }

    /// Under which its value is kept for people.
    pub fn number(&self) -> Number {
        let labels = self.labels.iter();
        Number {
            area: self.area.to_owned(),
            target: self.target.clone(),
            signal: self.signal.name.to_owned(),
            labels: labels.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        }
    }

    /// What is wrong: the summary of the alert.
    pub fn title(&self) -> String {
        self.signal.title.fill(&|name| self.shown(name))
    }

    /// That it is over, as the alert says it.
    pub fn clear(&self) -> String {
        self.signal.clear.fill(&|name| self.shown(name))
    }

    /// The next command that a person would run.
    pub fn next(&self) -> String {
        self.signal.next.fill_command(&|name| self.label(name))
    }

    /// "Used part of the file system: 93%, should be at most 90%"; `None` for a yes or no.
    pub fn figure(&self) -> Option<String> {
        let bound = self.shown_threshold();
        (!self.signal.is_fact())
            .then(|| format!("{}: {}, should be {bound}", self.signal.what, self.shown_value()))
    }

    /// What it is about, as short as can be: "memory limit set: api (shop)".
    pub fn topic(&self) -> String {
        let signal = self.signal.name.replace('_', " ");
        let thing = self.signal.many.map(|many| many.thing.fill(&|name| self.shown(name)));
        match thing.filter(|thing| *thing != self.target) {
            Some(thing) => format!("{signal}: {thing}"),
            None => signal,
        }
    }

    pub fn shown_value(&self) -> String {
        let Some(value) = self.value else { return "needs history".to_owned() };
        if self.signal.is_fact() {
            return if value == 0.0 { "no" } else { "yes" }.to_owned();
        }
        self.told(value)
    }

    /// In few digits, unless value and threshold would look the same and are not.
    fn told(&self, number: f64) -> String {
        let unit = self.signal.unit;
        let is_close = self.value.zip(self.threshold).is_some_and(|(value, threshold)| {
            value.total_cmp(&threshold).is_ne() && unit.told(value) == unit.told(threshold)
        });
        if is_close { unit.show(number) } else { unit.told(number) }
    }

    /// What is known of it from blind spots that it tells: each is a reason.
    pub(super) fn reasons<'a>(&self, blind: impl Iterator<Item = &'a Blind>) -> Vec<String> {
        blind.filter(|one| one.told && tells(self, one)).map(Blind::sentence).collect()
    }

    /// "at most 5s"; of a yes or no, the one that is right.
    pub fn shown_threshold(&self) -> String {
        let Some(threshold) = self.threshold else { return String::new() };
        match (self.signal.is_fact(), self.signal.direction) {
            (true, Direction::Above) => "no".to_owned(),
            (true, Direction::Below) => "yes".to_owned(),
            (false, Direction::Above) if threshold == 0.0 => "none".to_owned(),
            (false, _) => {
                format!("{} {}", self.signal.bound(), self.told(threshold))
            }
        }
    }
}

impl Blind {
    /// "cannot see X because Y".
    pub fn sentence(&self) -> String {
        let what = self.what.as_deref().unwrap_or("it");
        format!("cannot see {what} because {}", self.failure.detail)
    }

    /// Whether what is to be done is a command, not words.
    pub(super) fn is_command(&self) -> bool {
        self.failure.hint.is_none() && self.up.is_some()
    }

    /// What to do about it: the reason's own hint, else the signal's next command.
    pub fn remedy(&self) -> String {
        match (&self.failure.hint, self.up) {
            (Some(hint), _) => hint.clone(),
            (None, Some(up)) => up.next.fill_command(&|name| match name {
                "target" => self.target.clone(),
                _ => String::new(),
            }),
            (None, None) => format!("see /debug/{}/{} of the exporter", self.area, self.target),
        }
    }
}

/// A sentence of its own.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}
