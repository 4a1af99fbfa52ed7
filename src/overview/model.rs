//! The overview: what is remembered from look to look, and the stack made of it and of the present
//! readings.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::container::{Key, key, read};
use super::days::{Days, Seen, Thing};
use super::groups::{self, ByTarget, DOCKER, by_target, groups};
use super::rates::Rates;
use super::services::{count, counted_as, services};
use super::{Mood, Project, Service, Stack, epoch, errors, names};
use crate::check::Report;
use crate::engine::{Board, Entry, Snapshot, State};

/// What is known of the stack beyond the present readings.
pub struct Overview {
    board: Arc<Board>,
    past: Mutex<Past>,
}

/// All that is remembered.
#[derive(Default)]
pub(super) struct Past {
    rates: Rates,
    days: Days,
    /// Restarts so far, by service.
    restarts: BTreeMap<Key, f64>,
}

impl Overview {
    pub fn new(board: Arc<Board>) -> Self {
        Self { board, past: Mutex::default() }
    }

    fn past(&self) -> MutexGuard<'_, Past> {
        self.past.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes in a look at everything.
    pub fn note(&self, snapshot: &Snapshot, report: &Report) {
        self.past().note(snapshot, &by_target(report));
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
}

/// The target that is Docker, if it is watched.
fn docker(snapshot: &Snapshot) -> Option<&Entry> {
    let is_it =
        |entry: &&Entry| entry.target.as_ref().is_some_and(|target| target.id.area == DOCKER);
    snapshot.entries.iter().find(is_it)
}

fn is_up(entry: &Entry) -> bool {
    entry.state.as_ref().and_then(State::up) == Some(true)
}

fn thing(docker: &Entry, (project, service): &Key) -> Thing {
    let thing = groups::thing(docker);
    Thing { project: project.clone(), service: service.clone(), ..thing }
}

impl Past {
    fn note(&mut self, snapshot: &Snapshot, findings: &ByTarget) {
        let mut look = Vec::new();
        let docker = docker(snapshot);
        let readable = docker.filter(|docker| is_up(docker));
        if let Some(docker) = readable {
            self.rates.note(docker);
            let mut grown = self.grown(docker);
            for (key, service) in services(docker, &self.rates) {
                let restarts = grown.remove(&key).or_else(|| grown.remove(&counted_as(&key)));
                let seen = Seen { mood: service.mood, restarts: restarts.unwrap_or_default() };
                look.push((thing(docker, &key), seen));
            }
        }
        for entry in groups::targets(snapshot) {
            let mood = groups::mood(entry, groups::of(findings, entry));
            look.push((groups::thing(entry), Seen { mood, restarts: 0 }));
        }
        let sees = |thing: &Thing| thing.area != DOCKER || docker.is_none() || readable.is_some();
        self.days.note(now(snapshot), look, &sees);
    }

    /// Restarts since the last look.
    fn grown(&mut self, docker: &Entry) -> BTreeMap<Key, u32> {
        let all = read(docker, names::SERVICE_RESTARTS).into_iter();
        let counts: BTreeMap<Key, f64> = all.map(|one| (key(&one), one.value)).collect();
        let before = std::mem::replace(&mut self.restarts, counts);
        let grown = |(key, count): (&Key, &f64)| {
            let last = before.get(key)?;
            // A counter that has fallen began anew.
            let grown = if count >= last { count - last } else { *count };
            Some((key.clone(), u32::try_from(self::count(grown)).unwrap_or(u32::MAX)))
        };
        self.restarts.iter().filter_map(grown).collect()
    }

    fn services(&self, snapshot: &Snapshot) -> Vec<Service> {
        let Some(docker) = docker(snapshot) else { return Vec::new() };
        if !is_up(docker) {
            return self.unseen(docker, now(snapshot));
        }
        let logged = errors::errors(snapshot);
        let counted = read(docker, names::SERVICE_RESTARTS);
        let counted: Vec<Key> = counted.iter().map(key).collect();
        let add = |(key, service): (Key, Service)| {
            let day = self.days.day(&thing(docker, &key), now(snapshot));
            let restarts = day.restarts.iter().map(|(_, count)| u64::from(*count)).sum();
            let watched = counted.contains(&key) || counted.contains(&counted_as(&key));
            Service {
                last_error: errors::of(&service, &logged),
                restarts: watched.then_some(restarts),
                day,
                ..service
            }
        };
        services(docker, &self.rates).into_iter().map(add).collect()
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
