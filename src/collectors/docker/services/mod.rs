//! What should run beside what does: one row a service, also for those that never ran.
//!
//! Wanted is what a Compose file declares. Without one it is the containers that exist, stopped
//! ones too, what they depend on by their labels, and what was seen before in a project that is
//! still there. Not wanted are one-off containers of `docker compose run`, services of a profile
//! that is not in use, and jobs that have done their work.

mod end;
mod lost;
mod projects;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

pub use end::{End, end};
pub use lost::lost;
use projects::declared;

use super::compose::{Condition, Declared, File, FileRead};
use super::container::{ById, Container};
use super::exclude::Aside;
use super::ledger::{Key, Known, Seen};

/// An end with an error by `docker compose run` is told for this long, in seconds.
const RUN: f64 = 3600.0;

/// What is known beside containers and files.
#[derive(Default)]
pub struct Past {
    /// Of each container.
    pub known: ById<Known>,
    /// Containers that went with the Engine or the machine, before their life was counted.
    pub lost: BTreeSet<String>,
    /// Services seen lately.
    pub seen: BTreeMap<Key, Seen>,
    /// Services and containers whose life is not counted: too many.
    pub uncounted: u64,
    /// What is not wanted.
    pub aside: Aside,
}

/// How the configuration wants services to be seen.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Manner {
    /// Names of services that go by another one in a second document.
    pub aliases: BTreeMap<String, String>,
    /// How long after a deployment a service may be incomplete, in seconds.
    pub deploy_window: f64,
    /// Where the host's root is for us: declared files lie below it.
    pub root: PathBuf,
}

/// The one thing to be said of a service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Running,
    /// Fewer replicas run than are wanted.
    Degraded,
    /// None runs, and it ends whenever it is started.
    Restarting,
    FailedStart,
    Crashed,
    /// It went with the Engine or the machine, and nobody brought it back.
    Down,
    /// Somebody stopped it.
    Stopped,
    Paused,
    /// Its containers exist and were never started.
    Created,
    /// There is no container of it.
    Missing,
    /// Incomplete, and its containers are new.
    Deploying,
    /// A job that ended with an error.
    JobFailed,
    /// A job that has done its work.
    Done,
    /// None is wanted.
    Off,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Degraded => "degraded",
            Self::Restarting => "restarting",
            Self::FailedStart => "failed_start",
            Self::Crashed => "crashed",
            Self::Down => "down",
            Self::Stopped => "stopped",
            Self::Paused => "paused",
            Self::Created => "created",
            Self::Missing => "missing",
            Self::Deploying => "deploying",
            Self::JobFailed => "job_failed",
            Self::Done => "done",
            Self::Off => "off",
        }
    }
}

/// A service of a Compose project.
#[derive(Debug, PartialEq)]
pub struct Service {
    pub project: String,
    pub name: String,
    pub wanted: u64,
    pub running: u64,
    /// `None` where no replica has a health check.
    pub healthy: Option<u64>,
    pub state: State,
    /// When its newest container was made.
    pub deployed: Option<f64>,
    /// Whether that was just now.
    pub deploying: bool,
    /// As a Compose file has it.
    pub declared: Option<Box<Declared>>,
}

impl Service {
    pub const fn up(&self) -> bool {
        self.wanted == 0 || self.running > 0
    }

    /// Of a service of which some run; one that is down as a whole has a state that says so.
    pub fn missing(&self) -> u64 {
        if self.state == State::Degraded { self.wanted.saturating_sub(self.running) } else { 0 }
    }
}

/// The containers of one service.
#[derive(Debug, Default)]
struct Found {
    /// All but the jobs that have done their work.
    expected: u64,
    any: bool,
    running: u64,
    checked: u64,
    healthy: u64,
    restarting: u64,
    paused: u64,
    failed_start: u64,
    crashed: u64,
    lost: u64,
    stopped: u64,
    created: u64,
    done: u64,
}

/// All services, by project and name, and the containers whose error is nobody's but their own.
pub struct Services {
    pub rows: Vec<Service>,
    /// Containers that ended with an error and are replicas of no service that should run.
    pub failed: BTreeSet<String>,
    /// Services that are not wanted and have no container that is.
    pub hidden: Vec<Key>,
}

pub fn services(
    containers: &[Container],
    files: &[FileRead],
    past: &Past,
    manner: &Manner,
    now: f64,
) -> Services {
    let alias = |name: &str| manner.aliases.get(name).map_or(name, String::as_str).to_owned();
    let projects = declared(containers, files, &manner.root);
    let mut expected = Expected::of(&projects, &alias);
    expected.by_labels(containers, &projects);
    expected.by_memory(containers, &projects, past);

    let mut found = BTreeMap::<Key, Found>::new();
    let mut failed = BTreeSet::new();
    for container in containers {
        let known = past.known.get(&container.id).copied().unwrap_or_default();
        let of_compose = container.is_of_compose();
        let key = (container.names.project.clone(), container.names.service.clone());
        let is_job = of_compose && expected.jobs.contains(&key);
        let end = end(container, known, past.lost.contains(&container.id));
        let matters = is_job || !of_compose && !is_old_run(container, now);
        if matters && is_failure(container, end) {
            failed.insert(container.id.clone());
        }
        if of_compose {
            found.entry(key).or_default().count(container, end, is_job);
        }
    }
    let keys: BTreeSet<Key> = found.keys().chain(expected.services.keys()).cloned().collect();
    let is_out = |key: &Key| !found.contains_key(key) && expected.is_out(key, &past.aside);
    let (hidden, keys): (Vec<Key>, Vec<Key>) = keys.into_iter().partition(is_out);
    let row = |key: Key| {
        let found = found.remove(&key).unwrap_or_default();
        let is_job = expected.jobs.contains(&key);
        let wanted = found.wanted(expected.services.get(&key), is_job, past.aside.of(&key));
        let seen = past.seen.get(&key).copied().unwrap_or_default();
        let deployed = seen.deployed;
        let deploying = deployed.is_some_and(|at| now - at < manner.deploy_window);
        let declared = match expected.services.remove(&key) {
            Some(Expectation::Declared(declared, _)) => Some(declared),
            _ => None,
        };
        Service {
            state: found.state(wanted, deploying, is_job, seen.dismissed && declared.is_none()),
            wanted,
            running: found.running,
            healthy: (found.checked > 0).then_some(found.healthy),
            deployed,
            deploying,
            declared,
            project: key.0,
            name: key.1,
        }
    };
    Services { rows: keys.into_iter().map(row).collect(), failed, hidden }
}

/// Whether an end is one with an error. What was cut off and would say that all is well is none.
fn is_failure(container: &Container, end: Option<End>) -> bool {
    end == Some(End::Crashed) || (end == Some(End::Lost) && container.exit_code() != Some(0))
}

/// One that `docker compose run` has left behind: whoever ran it has seen how it ended.
fn is_old_run(container: &Container, now: f64) -> bool {
    let ended = container.detail.as_ref().and_then(|detail| detail.finished);
    container.oneoff && ended.is_some_and(|ended| now - ended > RUN)
}

/// What is known of a service without looking at its containers.
#[derive(Default)]
enum Expectation {
    /// That there is one.
    #[default]
    Some,
    /// What a file says, and whether it starts by default.
    Declared(Box<Declared>, bool),
}

#[derive(Default)]
struct Expected {
    services: BTreeMap<Key, Expectation>,
    jobs: BTreeSet<Key>,
}

impl Expected {
    fn of(projects: &BTreeMap<String, File>, alias: &dyn Fn(&str) -> String) -> Self {
        let mut expected = Self::default();
        for (project, file) in projects {
            for (name, declared) in &file.services {
                let declared = Box::new(declared.clone());
                let wanted = Expectation::Declared(declared, file.is_active(name));
                expected.services.insert((project.clone(), alias(name)), wanted);
            }
            expected.jobs.extend(file.jobs().map(|name| (project.clone(), alias(name))));
        }
        expected
    }

    /// Whether a service without a container that is looked at is not wanted.
    fn is_out(&self, key: &Key, aside: &Aside) -> bool {
        let ignored = match self.services.get(key) {
            Some(Expectation::Declared(declared, _)) => declared.ignored == Some(true),
            _ => false,
        };
        ignored || aside.hides(key)
    }

    /// Containers know what they were made to depend on.
    fn by_labels(&mut self, containers: &[Container], projects: &BTreeMap<String, File>) {
        for container in containers.iter().filter(|container| container.is_of_compose()) {
            let project = &container.names.project;
            for (service, awaits) in &container.depends_on {
                let key = (project.clone(), service.clone());
                if *awaits == Condition::Completed {
                    self.jobs.insert(key);
                } else if !projects.contains_key(project) {
                    self.services.entry(key).or_default();
                }
            }
        }
    }

    /// A service that was there and of whose project something still is has been lost; a project
    /// that is gone as a whole was taken down.
    fn by_memory(
        &mut self,
        containers: &[Container],
        projects: &BTreeMap<String, File>,
        past: &Past,
    ) {
        let alive: BTreeSet<&str> = containers
            .iter()
            .filter(|container| container.is_of_compose() && container.is_alive())
            .map(|container| container.names.project.as_str())
            .collect();
        for key in past.seen.keys() {
            let lost = alive.contains(key.0.as_str()) && !projects.contains_key(&key.0);
            if lost && !self.jobs.contains(key) {
                self.services.entry(key.clone()).or_default();
            }
        }
    }
}

impl Found {
    fn count(&mut self, container: &Container, end: Option<End>, is_job: bool) {
        self.any = true;
        let done = match end {
            Some(End::Done) => is_done(container, is_job),
            Some(End::Lost) => is_job && container.exit_code() == Some(0),
            _ => false,
        };
        if !done && container.state != "removing" {
            self.expected += 1;
        }
        match (container.state.as_str(), end) {
            ("running", _) => {
                self.running += 1;
                self.checked += u64::from(container.health != "none");
                self.healthy += u64::from(container.health == "healthy");
            }
            ("restarting", _) => self.restarting += 1,
            ("paused", _) => self.paused += 1,
            (_, Some(End::FailedStart)) => self.failed_start += 1,
            (_, Some(End::Stopped)) => self.stopped += 1,
            _ if done => self.done += 1,
            (_, Some(End::Crashed | End::Done)) => self.crashed += 1,
            (_, Some(End::Lost)) => self.lost += 1,
            ("created", None) => self.created += 1,
            _ => {}
        }
    }

    /// `aside`: replicas that are there and not looked at.
    fn wanted(&self, expected: Option<&Expectation>, is_job: bool, aside: u64) -> u64 {
        match expected {
            None => self.expected,
            Some(Expectation::Some) if self.any => self.expected,
            Some(Expectation::Some) => 1,
            Some(Expectation::Declared(declared, active)) => {
                // A job is cleared away, or a profile is not in use: then nothing is missing.
                let optional = is_job || !active;
                if self.expected == 0 && (self.any || optional) {
                    return 0;
                }
                declared.wanted().saturating_sub(aside)
            }
        }
    }

    fn state(&self, wanted: u64, deploying: bool, is_job: bool, dismissed: bool) -> State {
        if self.running > 0 {
            return match (self.running >= wanted, deploying) {
                (true, _) => State::Running,
                (false, true) => State::Deploying,
                (false, false) => State::Degraded,
            };
        }
        let states = [
            (wanted == 0 && self.done > 0, State::Done),
            (wanted == 0, State::Off),
            (self.failed_start > 0, State::FailedStart),
            (self.restarting > 0, State::Restarting),
            (self.crashed + self.lost > 0 && is_job, State::JobFailed),
            (deploying && self.any, State::Deploying),
            (self.crashed > 0, State::Crashed),
            (self.lost > 0, State::Down),
            (self.paused > 0, State::Paused),
            (self.stopped > 0, State::Stopped),
            (self.created > 0, State::Created),
            (dismissed, State::Stopped),
        ];
        states.into_iter().find(|(holds, _)| *holds).map_or(State::Missing, |(_, state)| state)
    }
}

/// Whether the container has ended as it should. Without another service that waits for its end,
/// a job is known by what a server has and it has not.
fn is_done(container: &Container, is_job: bool) -> bool {
    let Some(detail) = container.detail.as_deref() else { return true };
    let ends = matches!(detail.policy.as_str(), "" | "no" | "on-failure");
    let serves = detail.publishes_ports || detail.check.is_some();
    ends && (is_job || !serves)
}
