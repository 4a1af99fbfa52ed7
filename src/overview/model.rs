//! The overview: what is remembered from look to look, and the stack made of it and of the present
//! readings.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Instant, SystemTime};

use super::container::{Key, key, read};
use super::days::{Days, Seen, Thing};
use super::events::{self, Events, compare, grown};
use super::groups::{self, ByTarget, DOCKER, by_target, groups};
use super::journal::{Change, Journal};
use super::lines::Lines;
use super::look::{Look, ServiceLook, is_up, look_at_targets};
use super::rates::Rates;
use super::saved::Saved;
use super::services::{Found, services};
use super::watch::silent_since;
use super::{Event, EventKind, Mood, Project, Service, Stack, epoch, errors, names, saved};
use crate::check::{Blind, Finding, Report, Verdict};
use crate::engine::{Board, Entry, OWN_AREA, Snapshot, Storage, samples};
use crate::failure::Failure;

/// What is known of the stack beyond the present readings.
pub struct Overview {
    board: Arc<Board>,
    begun: (SystemTime, Instant),
    past: Mutex<Past>,
}

/// All that is remembered.
#[derive(Default)]
pub(super) struct Past {
    pub rates: Rates,
    pub days: Days,
    pub look: Look,
    pub journal: Journal,
    pub events: Events,
    pub lines: Lines,
}

impl Overview {
    pub fn new(board: Arc<Board>) -> Self {
        // What this process began with is not loaded again.
        let look = Look { loaded: loaded(&board.snapshot()), ..Look::default() };
        let begun = (SystemTime::now(), Instant::now());
        Self { board, begun, past: Mutex::new(Past { look, ..Past::default() }) }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    #[cfg(test)]
    pub(super) fn is_free(&self) -> bool {
        self.past.try_lock().is_ok()
    }

    pub(super) fn board(&self) -> &Board {
        &self.board
    }

    /// Takes in what was remembered before the start.
    pub fn load(&self, storage: &Storage, now: SystemTime) -> Result<(), Failure> {
        if let Some(found) = saved::load(storage, now)? {
            let mut past = self.past();
            let loaded = past.look.loaded;
            *past = found;
            past.look.loaded = loaded;
        }
        Ok(())
    }

    pub(super) fn encoded(&self) -> Result<Vec<u8>, Failure> {
        let saved = Saved::of(&self.past());
        saved.encode()
    }

    /// Takes in a look at everything, and says what has changed once the lock is let go.
    pub fn note(&self, snapshot: &Snapshot, report: &Report) {
        let changes = self.past().note(snapshot, report);
        changes.iter().for_each(log);
    }

    /// Troubles from before the start of which it is not known yet whether they are over.
    pub fn waiting(&self) -> usize {
        self.past().journal.waiting()
    }

    /// Since when a finding has been a trouble, if it is one.
    pub fn since(&self, finding: &Finding) -> Option<SystemTime> {
        self.past().journal.since(finding)
    }

    /// Since when nobody has scraped, if that is ten minutes ago or more, and nobody is told in another way.
    pub fn silent_since(&self) -> Option<SystemTime> {
        if self.board.messages.tell() {
            return None;
        }
        silent_since(self.board.last_scrape().unwrap_or(self.begun), Instant::now())
    }

    /// The stack as it is.
    pub fn stack(&self, snapshot: &Snapshot, report: &Report) -> Stack {
        let findings = by_target(report);
        let past = self.past();
        Stack {
            at: epoch(snapshot.at),
            machine: self.board.info().hostname,
            projects: by_project(past.services(snapshot)),
            groups: groups(snapshot, &findings, &past.days, &self.board.chart),
            without_day: past.days.left_out(),
        }
    }

    /// The services alone, by project and name.
    pub fn services(&self, snapshot: &Snapshot) -> Vec<Service> {
        let all = by_project(self.past().services(snapshot));
        all.into_iter().flat_map(|project| project.services).collect()
    }

    /// What has happened, the newest first, as far as somebody wants it.
    pub fn events(&self, wanted: &dyn Fn(&Event) -> bool) -> Vec<Event> {
        let past = self.past();
        past.events.all().into_iter().filter(|event| wanted(event)).cloned().collect()
    }
}

fn log(change: &Change) {
    let Change { thing, text, .. } = change;
    let signal = change.signal();
    let (area, target) = (thing.area.as_str(), thing.target.as_str());
    if change.kind == EventKind::Clear {
        tracing::info!(area, target, signal, "{text}");
        return;
    }
    let figure = change.figure.as_ref().map(|figure| format!(". {figure}")).unwrap_or_default();
    tracing::warn!(area, target, signal, "{text}{figure} ({})", change.verdict.as_str());
}

/// With the verdict on its target, if that is down.
fn judged(event: Event, report: &Report) -> Event {
    let is_it = |blind: &&Blind| {
        blind.area == event.area && blind.target == event.target && blind.what.is_none()
    };
    let blind = report.blind.iter().find(is_it).filter(|_| event.kind == EventKind::Trouble);
    match blind.filter(|blind| blind.verdict > Verdict::Ok) {
        Some(blind) => Event { verdict: blind.verdict.as_str().to_owned(), ..event },
        None => event,
    }
}

/// The target that is Docker, if it is watched.
fn docker(snapshot: &Snapshot) -> Option<&Entry> {
    let is_it =
        |entry: &&Entry| entry.target.as_ref().is_some_and(|target| target.id.area == DOCKER);
    snapshot.entries.iter().find(is_it)
}

fn thing(docker: &Entry, (project, service): &Key) -> Thing {
    let thing = groups::thing(docker);
    Thing { project: project.clone(), service: service.clone(), ..thing }
}

impl Past {
    fn note(&mut self, snapshot: &Snapshot, report: &Report) -> Vec<Change> {
        let docker = docker(snapshot);
        let readable = docker.filter(|docker| is_up(docker));
        if let Some(docker) = readable {
            self.rates.note(docker);
        }
        let found = readable.map(|docker| services(docker, &self.rates));
        let mut look = Look {
            services: match (readable, &found) {
                (Some(docker), Some(found)) => Some(service_looks(docker, found)),
                _ => self.look.services.clone(),
            },
            targets: look_at_targets(snapshot, docker, &self.look.targets),
            loaded: loaded(snapshot),
        };
        let at = now(snapshot);
        for event in compare(&self.look, &mut look, at) {
            self.events.note(judged(event, report), "");
        }
        let moods = self.moods(snapshot, &by_target(report), &found.unwrap_or_default(), &look);
        let sees = |thing: &Thing| thing.area != DOCKER || docker.is_none() || readable.is_some();
        self.days.note(at, moods, &sees);
        self.look = look;
        let changes = self.journal.note(snapshot, report);
        for change in &changes {
            let event = events::event(at, change.thing.clone(), change.kind, &change.text);
            let event = Event { verdict: change.verdict.as_str().to_owned(), ..event };
            self.events.note(event, &change.subject);
        }
        self.lines.take(&changes, report.at)
    }

    /// The moods of this look.
    fn moods(
        &self,
        snapshot: &Snapshot,
        findings: &ByTarget,
        found: &BTreeMap<Key, Found>,
        look: &Look,
    ) -> Vec<(Thing, Seen)> {
        let restarts = |look: &Look, key: &Key| {
            look.services.as_ref().and_then(|all| all.get(key)).and_then(|one| one.restarts)
        };
        let docker = docker(snapshot);
        let service = |(key, found): (&Key, &Found)| {
            let restarts = grown(restarts(&self.look, key), restarts(look, key));
            let seen = Seen { mood: found.service.mood, restarts };
            Some((thing(docker?, key), seen))
        };
        let target = |entry: &Entry| {
            let mood = groups::mood(entry, groups::of(findings, entry));
            (groups::thing(entry), Seen { mood, restarts: 0 })
        };
        found.iter().filter_map(service).chain(groups::targets(snapshot).map(target)).collect()
    }

    fn services(&self, snapshot: &Snapshot) -> Vec<Service> {
        let Some(docker) = docker(snapshot) else { return Vec::new() };
        if !is_up(docker) {
            return self.unseen(docker, now(snapshot));
        }
        let logged = errors::errors(snapshot);
        let counted = restarts(docker);
        let found = services(docker, &self.rates);
        let mut named = BTreeMap::<String, usize>::new();
        for (_, name) in found.keys() {
            *named.entry(name.clone()).or_default() += 1;
        }
        let add = |(key, Found { service, counted: life, .. }): (Key, Found)| {
            let day = self.days.day(&thing(docker, &key), now(snapshot));
            let restarts = day.restarts.iter().map(|(_, count)| u64::from(*count)).sum();
            Service {
                last_error: errors::of(&service, named.get(&key.1) == Some(&1), &logged),
                restarts: counted.contains_key(&life).then_some(restarts),
                day,
                ..service
            }
        };
        found.into_iter().map(add).collect()
    }

    /// Those that were there when Docker could be read last.
    fn unseen(&self, docker: &Entry, at: u64) -> Vec<Service> {
        let known = self.days.known(at).filter(|thing| thing.area == DOCKER);
        let service = |thing: &Thing| Service {
            project: thing.project.clone(),
            service: thing.service.clone(),
            mood: Mood::Unknown,
            state: "unknown".to_owned(),
            since: docker.state.as_ref().map(|state| epoch(state.since)),
            day: self.days.day(thing, at),
            ..Service::default()
        };
        known.map(service).collect()
    }
}

/// Starts by the restart policy so far.
fn restarts(docker: &Entry) -> BTreeMap<Key, f64> {
    read(docker, names::SERVICE_RESTARTS).iter().map(|one| (key(one), one.value)).collect()
}

fn service_looks(docker: &Entry, found: &BTreeMap<Key, Found>) -> BTreeMap<Key, ServiceLook> {
    let restarts = restarts(docker);
    let reading = docker.state.as_ref().and_then(|state| state.reading.as_ref());
    let read = reading.map(|reading| epoch(reading.at));
    let look = |(key, found): (&Key, &Found)| {
        (key.clone(), ServiceLook::of(found, restarts.get(&found.counted).copied(), read))
    };
    found.iter().map(look).collect()
}

/// When the configuration in force was loaded.
fn loaded(snapshot: &Snapshot) -> Option<f64> {
    let own = snapshot.entries.iter().find(|entry| entry.target.is_none())?;
    let all = samples(&OWN_AREA, own.sets(), names::LOADED);
    all.first().map(|sample| sample.value)
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
fn now(snapshot: &Snapshot) -> u64 {
    epoch(snapshot.at) as u64
}

/// By project; those without one are last.
fn by_project(services: Vec<Service>) -> Vec<Project> {
    let mut projects = BTreeMap::<(bool, String), Vec<Service>>::new();
    for service in services {
        let name = service.project.clone();
        projects.entry((name.is_empty(), name)).or_default().push(service);
    }
    let project = |((_, name), services)| Project { name, services };
    projects.into_iter().map(project).collect()
}
