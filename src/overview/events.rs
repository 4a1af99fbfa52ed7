//! What has happened, found by comparing one look with the next.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

use serde::{Deserialize, Serialize};

use super::container::Key;
use super::days::Thing;
use super::groups::DOCKER;
use super::look::{Look, ServiceLook};
use super::services::count;
use super::{Event, EventKind};
use crate::check::Verdict;
use crate::text::{printable, short};

/// Events that are kept.
pub(super) const MOST: usize = 500;
/// Longer sentences are cut.
const LONGEST: usize = 400;
/// Of one thing: what comes and goes all the time must not push all others out.
const MOST_OF_ONE: usize = 50;
/// The same of one thing that follows within so many seconds is one event, and a trouble that comes
/// back as fast was not over.
pub(super) const TOGETHER: u64 = 600;

/// A new event.
pub(super) fn event(at: u64, thing: Thing, kind: EventKind, text: &str) -> Event {
    let Thing { area, target, project, service } = thing;
    let text = short(&printable(text), LONGEST).into_owned();
    let verdict = if kind == EventKind::Clear { Verdict::Ok.as_str() } else { "" };
    let (verdict, since, times) = (verdict.to_owned(), at, 1);
    Event { at, area, target, project, service, kind, verdict, since, times, text }
}

/// What has happened between two looks; the second knows then up to when it is told.
pub(super) fn compare(before: &Look, now: &mut Look, at: u64) -> Vec<Event> {
    let mut found = Vec::new();
    let nothing = BTreeMap::new();
    let known = before.services.as_ref().unwrap_or(&nothing);
    if let Some(services) = &mut now.services {
        let keys: BTreeSet<Key> = known.keys().chain(services.keys()).cloned().collect();
        for key in keys {
            let (old, new) = (known.get(&key), services.get_mut(&key));
            let told = match before.services {
                Some(_) => service(&called(&key), old, new.as_deref()),
                None => Vec::new(),
            };
            if let Some(new) = new {
                let starts = told.iter().any(|(kind, ..)| *kind != EventKind::Ended);
                let first = before.services.is_none();
                new.told = if starts || first { new.read } else { old.and_then(|old| old.told) };
            }
            found.extend(
                told.into_iter().map(|(kind, text, times)| Event {
                    times,
                    ..event(at, thing(&key), kind, &text)
                }),
            );
        }
    }
    for (key, target) in &now.targets {
        let (area, name) = key.clone();
        let thing = Thing { area, target: name, ..Thing::default() };
        match (before.targets.get(key).map(|before| before.up), target.up) {
            (None | Some(true), false) => {
                found.push(event(at, thing, EventKind::Trouble, &target.down_text));
            }
            (Some(false), true) => {
                found.push(event(at, thing, EventKind::Clear, &target.up_text));
            }
            _ => {}
        }
    }
    if let (Some(before), Some(now)) = (before.loaded, now.loaded)
        && now > before
    {
        let thing = Thing { area: crate::engine::OWN_AREA.name.to_owned(), ..Thing::default() };
        let text = "the configuration was loaded again";
        found.push(event(at, thing, EventKind::Reloaded, text));
    }
    found
}

/// Docker has one target, of its own name.
fn thing((project, service): &Key) -> Thing {
    Thing {
        area: DOCKER.to_owned(),
        target: DOCKER.to_owned(),
        project: project.clone(),
        service: service.clone(),
    }
}

/// "worker (shop)".
fn called((project, service): &Key) -> String {
    if project.is_empty() { service.clone() } else { format!("{service} ({project})") }
}

type Told = (EventKind, String, u32);

fn service(name: &str, before: Option<&ServiceLook>, now: Option<&ServiceLook>) -> Vec<Told> {
    match (before, now) {
        (Some(_), None) => vec![(EventKind::Ended, format!("{name} was removed"), 1)],
        (None, Some(now)) if now.running > 0 => {
            vec![(EventKind::Deployed, format!("{name} was deployed"), 1)]
        }
        (None, Some(now)) if now.exit_code.is_some_and(|code| code != 0.0) => {
            vec![(EventKind::Ended, ended(name, now), 1)]
        }
        (Some(before), Some(now)) => changed(name, before, now),
        _ => Vec::new(),
    }
}

fn changed(name: &str, before: &ServiceLook, now: &ServiceLook) -> Vec<Told> {
    let mut found = Vec::new();
    let is_newer = |before: Option<f64>, now: Option<f64>| {
        before.zip(now).is_some_and(|(before, now)| now > before)
    };
    let anew = is_newer(before.created, now.created);
    let known = !before.image.is_empty() && !now.image.is_empty();
    let another = known && before.image != now.image;
    let scaled = anew && !another && before.running > 0 && now.running > before.running;
    let deployed = anew && !scaled;
    if scaled {
        found.push((EventKind::Started, format!("{name} was scaled to {}", now.running), 1));
    }
    if deployed {
        let with = if another { " with another image" } else { "" };
        found.push((EventKind::Deployed, format!("{name} was deployed{with}"), 1));
    }
    let restarts = grown(before.restarts, now.restarts);
    if restarts > 0 {
        found.push((EventKind::Restarted, restarted(name, restarts), restarts));
    }
    // Not one that was told before it was known when it was.
    let runs_anew =
        is_newer(before.started, now.started) && now.started > before.told.or(Some(0.0));
    match (before.running > 0, now.running > 0) {
        // Of its policy's doing, which is told once it is counted.
        (false, true) if deployed || restarts > 0 || before.state == "restarting" => {}
        (false, true) if before.state == "paused" && !runs_anew => {
            found.push((EventKind::Started, format!("{name} goes on"), 1));
        }
        (false, true) => found.push((EventKind::Started, format!("{name} was started"), 1)),
        (true, true) if runs_anew && !anew && restarts == 0 => {
            found.push((EventKind::Started, format!("{name} was started again"), 1));
        }
        // Its next start is told, with the number.
        (true, false) if now.state == "restarting" => {}
        (true, false) => found.push((EventKind::Ended, ended(name, now), 1)),
        _ => {}
    }
    found
}

fn ended(name: &str, now: &ServiceLook) -> String {
    match (now.state.as_str(), now.exit_code) {
        ("stopped", _) => format!("{name} was stopped"),
        ("paused", _) => format!("{name} was paused"),
        ("missing", _) => format!("{name} has no container any more"),
        (_, Some(code)) => format!("{name} ended with exit code {code}"),
        _ => format!("{name} ended"),
    }
}

fn restarted(name: &str, times: u32) -> String {
    let often = if times > 1 { format!(" {times} times") } else { String::new() };
    format!("{name} was restarted by its policy{often}")
}

/// How far a counter has come; one that has fallen began anew.
pub(super) fn grown(before: Option<f64>, now: Option<f64>) -> u32 {
    let grown = before.zip(now).map(|(last, now)| if now >= last { now - last } else { now });
    u32::try_from(count(grown.unwrap_or_default())).unwrap_or(u32::MAX)
}

/// An event, and of a trouble what it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Noted {
    #[serde(flatten)]
    event: Event,
    #[serde(default)]
    subject: String,
}

impl Noted {
    fn is_of_same(&self, other: &Self) -> bool {
        let (a, b) = (&self.event, &other.event);
        (&a.area, &a.target, &a.project, &a.service) == (&b.area, &b.target, &b.project, &b.service)
    }

    fn is_near(&self, other: &Self) -> bool {
        self.is_of_same(other) && other.event.at.saturating_sub(self.event.at) <= TOGETHER
    }

    /// Whether it tells the same of the same thing.
    fn says_as(&self, other: &Self) -> bool {
        let (a, b) = (&self.event, &other.event);
        self.is_of_same(other)
            && (a.kind, &a.verdict, &self.subject) == (b.kind, &b.verdict, &other.subject)
    }

    fn is_of_trouble(&self) -> bool {
        matches!(self.event.kind, EventKind::Trouble | EventKind::Clear)
    }
}

/// The last events, oldest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Events(VecDeque<Noted>);

impl Events {
    /// What has happened; `subject` tells a trouble and its end from others of the thing.
    pub fn note(&mut self, event: Event, subject: &str) {
        let noted = Noted { event, subject: subject.to_owned() };
        let same = if self.goes_on(&noted) {
            self.0.iter().rposition(|one| one.says_as(&noted))
        } else {
            self.0.iter().rposition(|one| one.says_as(&noted) && one.is_near(&noted))
        };
        let noted = match same.and_then(|at| self.0.remove(at)) {
            Some(before) => joined(&before.event, noted),
            None => noted,
        };
        let others = || self.0.iter().enumerate().filter(|(_, one)| one.is_of_same(&noted));
        if others().count() >= MOST_OF_ONE
            && let Some((oldest, _)) = others().next()
        {
            self.0.remove(oldest);
        }
        while self.0.len() >= MOST {
            self.0.pop_front();
        }
        self.0.push_back(noted);
    }

    /// Whether it is a trouble that was not over: its end is taken back.
    fn goes_on(&mut self, noted: &Noted) -> bool {
        if noted.event.kind != EventKind::Trouble {
            return false;
        }
        let is_its =
            |one: &Noted| one.is_of_trouble() && one.subject == noted.subject && one.is_near(noted);
        let last = self.0.iter().rposition(is_its);
        let is_over =
            |at: &usize| self.0.get(*at).is_some_and(|one| one.event.kind == EventKind::Clear);
        last.filter(is_over).is_some_and(|at| self.0.remove(at).is_some())
    }

    /// Newest first.
    pub fn all(&self) -> Vec<&Event> {
        self.0.iter().rev().map(|noted| &noted.event).collect()
    }

    /// As they were written down, no more than there is room for: the newest.
    pub fn bounded(mut self) -> Self {
        self.0.drain(..self.0.len().saturating_sub(MOST));
        for Noted { event, .. } in &mut self.0 {
            // Older versions wrote no such thing.
            event.since = if event.since == 0 { event.at } else { event.since };
            event.times = event.times.max(1);
        }
        self
    }
}

/// Two as one, which began with the first of them.
fn joined(before: &Event, noted: Noted) -> Noted {
    let event = noted.event;
    let (since, times) = (before.since, before.times.saturating_add(event.times));
    let text = if event.kind == EventKind::Restarted {
        let key = (event.project.clone(), event.service.clone());
        short(&printable(&restarted(&called(&key), times)), LONGEST).into_owned()
    } else {
        event.text
    };
    Noted { event: Event { since, times, text, ..event }, ..noted }
}

#[cfg(test)]
mod tests;
