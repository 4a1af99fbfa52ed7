//! The life of services, counted over all their containers: recreated, restarted or scaled, the
//! numbers only grow. Pure: events and inspections go in, with their times.

mod counts;
mod engine;
mod gone;
mod ooms;
mod order;
mod run;
#[cfg(test)]
mod tests;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

pub use counts::{Counts, Death, Ooms};
pub use gone::Gone;
pub use ooms::Measured;

use super::api::Event;
use super::container::{Container, cut, known_health};
use super::exclude::{Aside, Exclude};
use run::Run;

/// Services and containers that are counted; those beyond are not.
const CAP: usize = 1000;
/// Containers that are remembered between two readings.
pub const RUNS: usize = 3000;
/// A service without a container is remembered this long, in seconds.
pub const MEMORY: f64 = 24.0 * 3600.0;

/// And this long if somebody stopped and removed it.
const DISMISSED: f64 = 3600.0;
/// Between a list and the reading that uses it, in seconds.
const MEANWHILE: f64 = 2.0;

/// Project and service; of other containers an empty project and the name.
pub type Key = (String, String);

/// What an event asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Effect {
    /// This container is not as it was.
    Changed(String),
    Images,
    /// There is no room for it until a reading has seen what is still there.
    TooMany,
    Nothing,
}

#[derive(Default)]
pub struct Ledger {
    /// Other names of services.
    aliases: BTreeMap<String, String>,
    /// Whose events are nobody's business.
    exclude: Arc<Exclude>,
    /// Podman does not tell who ended a container.
    tells_orders: bool,
    /// When counting began; containers made later are counted from their first start.
    began: Option<f64>,
    /// Time of the newest event.
    newest: f64,
    runs: BTreeMap<String, Life>,
    /// Services and containers that the cap kept out at the last look.
    over: u64,
    services: BTreeMap<Key, Service>,
}

/// A container.
#[derive(Debug)]
struct Life {
    key: Key,
    /// When it was first heard of.
    heard: f64,
    run: Run,
}

#[derive(Clone, Debug, Default)]
struct Service {
    counts: Counts,
    /// Whether its zeros were handed out: a counter that is born with a 1 shows no increase.
    born: bool,
    seen: f64,
    /// When its newest container was made.
    deployed: Option<f64>,
    /// Its last container was stopped and removed.
    dismissed: bool,
}

/// What is remembered of a service.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Seen {
    /// When its newest container was made.
    pub deployed: Option<f64>,
    /// Whether somebody has stopped and removed it.
    pub dismissed: bool,
}

/// A service or container with what was counted.
#[derive(Clone, Debug, PartialEq)]
pub struct Counted {
    pub key: Key,
    pub counts: Counts,
}

/// What is known of one container beyond its inspection.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Known {
    pub death: Option<Death>,
    /// Seconds from its start to the first success of its health check.
    pub healthy_after: Option<f64>,
    pub looping: bool,
    /// Somebody restarts it again and again.
    pub restarted_often: bool,
}

impl Ledger {
    /// What kind of Engine it is, and other names of services.
    pub fn set(&mut self, tells_orders: bool, aliases: &BTreeMap<String, String>) {
        self.tells_orders = tells_orders;
        self.aliases.clone_from(aliases);
    }

    pub fn leave_out(&mut self, exclude: &Arc<Exclude>) {
        self.exclude = Arc::clone(exclude);
    }

    pub fn event(&mut self, event: &Event) -> Effect {
        let at = event.nanos as f64 / 1e9;
        if event.kind == "image" {
            return Effect::Images;
        }
        let id = &event.actor.id;
        if event.kind != "container" || id.is_empty() {
            return Effect::Nothing;
        }
        self.began.get_or_insert(at);
        self.newest = self.newest.max(at);
        let key = self.key(event);
        if self.exclude.is_about_event(&key, &event.actor.attributes) {
            return Effect::Nothing;
        }
        let action = event.action.as_str();
        let known = self.runs.contains_key(id);
        let room = |count: usize| count < RUNS;
        if !known && !room(self.runs.len())
            || !room(self.services.len()) && !self.services.contains_key(&key)
        {
            return Effect::TooMany;
        }
        let life = self.runs.entry(id.clone()).or_insert_with(|| {
            let run = match action {
                "create" => Run::new(),
                "start" => Run::default(),
                _ => Run::running_already(),
            };
            Life { key: key.clone(), heard: at, run }
        });
        let run = &mut life.run;
        let entry = self.services.entry(key).or_default();
        entry.seen = entry.seen.max(at);
        let counts = &mut entry.counts;
        let attribute = |name: &str| event.actor.attributes.get(name).map(String::as_str);
        let code = || attribute("exitCode").and_then(|code| code.parse().ok());
        match action {
            "start" => run.start(at, counts),
            "die" => run.end(at, code(), self.tells_orders, counts),
            "oom" => run.oom(at, counts),
            "kill" => kill(attribute("signal").unwrap_or_default(), at, run, counts),
            "stop" => run.stopped(),
            _ if action.starts_with("health_status") => {
                let told = action.strip_prefix("health_status: ").unwrap_or(&event.health);
                run.health(known_health(told), at, counts);
            }
            // Its name or nothing at all has changed; of a container that is not known yet the
            // inspection tells all.
            _ if !known && action != "create" => {
                self.runs.remove(id);
            }
            _ => {}
        }
        Effect::Changed(id.clone())
    }

    /// Compares with what the list and the inspection say. `streaming`: events come as well.
    pub fn observe(&mut self, container: &Container, now: f64, streaming: bool) {
        let began = *self.began.get_or_insert(now);
        let key = container.life_key();
        let entry = self.services.entry(key.clone()).or_default();
        entry.seen = now;
        entry.dismissed = false;
        let created = container.created.map(|created| created as f64);
        if created > entry.deployed {
            entry.deployed = created;
        }
        let Some(detail) = &container.detail else { return };
        let life = self.runs.entry(container.id.clone()).or_insert_with(|| {
            // Whole seconds: one made in the second in which we came counts as there before.
            let new = created.is_some_and(|created| created >= began);
            let run = if new { Run::new() } else { Run::existing(container, detail) };
            Life { key, heard: now, run }
        });
        life.run.known_container |= created.is_some_and(|created| created >= began);
        life.run.observe(container, detail, now, streaming, &mut entry.counts);
    }

    /// The kernel's count of processes of a container that it killed for want of memory.
    pub fn measured(&mut self, id: &str, found: Measured) {
        if let Some(Life { key, run, .. }) = self.runs.get_mut(id)
            && let Some(entry) = self.services.get_mut(key)
        {
            run.measured(found, &mut entry.counts);
        }
    }

    /// Forgets what is left out: there may be something of it from before, or of events that do not
    /// say enough.
    pub fn forget(&mut self, aside: &Aside, containers: &[Container]) {
        let shown: BTreeSet<Key> = containers.iter().map(Container::life_key).collect();
        let is_out = |key: &Key| !shown.contains(key) && aside.hides(key);
        self.runs.retain(|_, life| !is_out(&life.key));
        self.services.retain(|key, _| !is_out(key));
    }

    /// Forgets what is not among these containers, as they were listed at `then`.
    pub fn keep(&mut self, containers: &[Container], then: f64) {
        let ids: BTreeSet<&str> =
            containers.iter().map(|container| container.id.as_str()).collect();
        let services = &mut self.services;
        self.runs.retain(|id, life| {
            // Events of what was made meanwhile go before the list that has it.
            let here = ids.contains(id.as_str()) || life.heard > then - MEANWHILE;
            if !here && let Some(entry) = services.get_mut(&life.key) {
                life.run.vanished(&mut entry.counts);
                life.run.settle(f64::INFINITY, &mut entry.counts);
                entry.dismissed = life.run.death() == Some(Death::Stopped);
            }
            here
        });
        let keys: BTreeSet<Key> = containers.iter().map(Container::life_key).collect();
        services.retain(|key, entry| {
            let kept = match entry.dismissed {
                _ if key.0.is_empty() => MEANWHILE,
                true => DISMISSED,
                false => MEMORY,
            };
            keys.contains(key) || entry.seen > then - kept
        });
        let over = services.len().saturating_sub(CAP);
        self.over = over as u64;
        if over > 0 {
            // First containers on their own, then services that were gone longest.
            let mut by_age: Vec<(bool, f64, Key)> = services
                .iter()
                .map(|(key, entry)| (!key.0.is_empty(), entry.seen, key.clone()))
                .collect();
            by_age.sort_by(|a, b| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
            for (_, _, key) in by_age.into_iter().take(over) {
                services.remove(&key);
            }
        }
    }

    pub fn known(&self, id: &str, now: f64) -> Known {
        let Some(Life { run, .. }) = self.runs.get(id) else { return Known::default() };
        Known {
            death: run.death(),
            healthy_after: run.healthy_after,
            looping: run.is_looping(now),
            restarted_often: run.by_order.is_often(now),
        }
    }

    pub const fn over(&self) -> u64 {
        self.over
    }

    /// The Compose services that are remembered.
    pub fn services(&self) -> impl Iterator<Item = (&Key, Seen)> {
        let of_compose = self.services.iter().filter(|((project, _), _)| !project.is_empty());
        of_compose.map(|(key, entry)| {
            (key, Seen { deployed: entry.deployed, dismissed: entry.dismissed })
        })
    }

    /// All that was counted; of what is new only zeros this once.
    pub fn counted(&mut self, now: f64) -> Vec<Counted> {
        for Life { key, run, .. } in self.runs.values_mut() {
            if let Some(entry) = self.services.get_mut(key) {
                run.settle(now, &mut entry.counts);
            }
        }
        let show = |(key, entry): (&Key, &mut Service)| {
            let born = std::mem::replace(&mut entry.born, true);
            let counts = if born { entry.counts.clone() } else { Counts::default() };
            Counted { key: key.clone(), counts }
        };
        self.services.iter_mut().map(show).collect()
    }

    fn key(&self, event: &Event) -> Key {
        let attribute = |name: &str| event.actor.attributes.get(name).cloned().unwrap_or_default();
        let label = |name: &str| attribute(&format!("com.docker.compose.{name}"));
        let (project, service) = (label("project"), label("service"));
        let oneoff = label("oneoff").eq_ignore_ascii_case("true");
        if project.is_empty() || service.is_empty() || oneoff {
            (String::new(), cut(&attribute("name")))
        } else {
            let (project, service) = (cut(&project), cut(&service));
            let alias = self.aliases.get(&service).cloned();
            (project, alias.unwrap_or(service))
        }
    }
}

/// Signals by name or number, as the Engine has them. Those that end a program by default are
/// orders; a reload (SIGHUP) is none.
fn kill(signal: &str, at: f64, run: &mut Run, counts: &mut Counts) {
    match signal.trim_start_matches("SIG") {
        "9" | "KILL" => counts.kills.kill += 1,
        "15" | "TERM" => counts.kills.term += 1,
        other => {
            counts.kills.other += 1;
            if !matches!(other, "2" | "INT" | "3" | "QUIT") {
                return;
            }
        }
    }
    run.order(at);
}
