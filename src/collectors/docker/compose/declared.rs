//! A service as its file declares it, and how a later file changes that.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::ports::{self, Port};

/// A service as declared; what the file does not say is left to the files before it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Declared {
    /// `deploy.replicas`, else `scale`.
    pub replicas: Option<u64>,
    pub profiles: Option<Vec<String>>,
    pub image: Option<String>,
    /// Whether the image is built here.
    pub build: bool,
    /// Whether a program of another kind provides it (`provider`, from Compose 2.36 on): there is
    /// no container.
    pub provided: bool,
    pub container_name: Option<String>,
    /// What the label `stack-exporter.ignore` says.
    pub ignored: Option<bool>,
    /// As the Engine names policies (`no`, `always`, `on-failure:3`); `deploy.restart_policy`, else
    /// `restart`.
    pub restart: Option<String>,
    /// Bytes, 0 for none. Limits are those of `deploy.resources`, else the older keys.
    pub memory_limit: Option<u64>,
    /// CPUs, 0 for none.
    pub cpu_limit: Option<f64>,
    /// 0 for none.
    pub pids_limit: Option<u64>,
    /// Bytes.
    pub memory_reservation: Option<u64>,
    /// CPUs.
    pub cpu_reservation: Option<f64>,
    pub health: Option<Health>,
    pub ports: Vec<Port>,
    /// What it waits for, also by sharing a network, a volume or a link.
    pub depends_on: BTreeMap<String, Condition>,
    /// What `deploy` says, and what older keys of the service say.
    pub(super) newer: Said,
    pub(super) older: Said,
    /// Those of `depends_on` that follow from another key: what is said outright goes before.
    pub(super) implied: BTreeSet<String>,
    /// Keys, such as `deploy.resources`, whose earlier values `!reset` and `!override` drop.
    pub(super) reset: Vec<String>,
}

/// What can be said with two keys.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Said {
    pub replicas: Option<u64>,
    pub restart: Option<String>,
    pub memory_limit: Option<u64>,
    pub cpu_limit: Option<f64>,
    pub pids_limit: Option<u64>,
    pub memory_reservation: Option<u64>,
}

/// A health check's settings; durations are `None` where the file leaves them to the image.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Health {
    pub interval: Option<Duration>,
    pub timeout: Option<Duration>,
    pub start_period: Option<Duration>,
    pub start_interval: Option<Duration>,
    pub retries: Option<u64>,
    /// Whether it is switched off, with `disable: true` or `test: [NONE]`.
    pub disabled: bool,
    pub(super) disable: Option<bool>,
    pub(super) test_is_none: Option<bool>,
}

/// What a service waits for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    Started,
    Healthy,
    /// It is a job: it has ended with 0.
    Completed,
}

impl Condition {
    /// As files and labels have it.
    pub fn of(text: &str) -> Option<Self> {
        Some(match text {
            "service_started" => Self::Started,
            "service_healthy" => Self::Healthy,
            "service_completed_successfully" => Self::Completed,
            _ => return None,
        })
    }
}

impl Declared {
    /// Lays a later file of the same project over this one, as `-f a.yml -f b.yml` does, or what
    /// extends a service over that.
    pub fn overlay(&mut self, later: &Self) {
        for key in &later.reset {
            self.clear(key);
        }
        let later = later.clone();
        replace(&mut self.image, later.image);
        replace(&mut self.container_name, later.container_name);
        replace(&mut self.ignored, later.ignored);
        self.newer.overlay(later.newer);
        self.older.overlay(later.older);
        replace(&mut self.cpu_reservation, later.cpu_reservation);
        self.build |= later.build;
        self.provided |= later.provided;
        if let Some(profiles) = later.profiles {
            let known = self.profiles.get_or_insert_default();
            for profile in profiles {
                if !known.contains(&profile) {
                    known.push(profile);
                }
            }
        }
        if let Some(health) = later.health {
            self.health.get_or_insert_default().overlay(&health);
        }
        ports::add(&mut self.ports, later.ports);
        for (name, condition) in later.depends_on {
            if later.implied.contains(&name) {
                if !self.depends_on.contains_key(&name) {
                    self.implied.insert(name.clone());
                    self.depends_on.insert(name, condition);
                }
            } else {
                self.implied.remove(&name);
                self.depends_on.insert(name, condition);
            }
        }
        self.reset.extend(later.reset);
        self.settle();
    }

    /// Where both a key of `deploy` and its older form are there, the former holds.
    pub(super) fn settle(&mut self) {
        let (newer, older) = (self.newer.clone(), self.older.clone());
        self.replicas = newer.replicas.or(older.replicas);
        self.restart = newer.restart.or(older.restart);
        self.memory_limit = newer.memory_limit.or(older.memory_limit);
        self.cpu_limit = newer.cpu_limit.or(older.cpu_limit);
        self.pids_limit = newer.pids_limit.or(older.pids_limit);
        self.memory_reservation = newer.memory_reservation.or(older.memory_reservation);
    }

    /// Whether it starts by default: it has no profile, or one of them is in use (`*` is all).
    pub fn is_active(&self, enabled: &[String]) -> bool {
        let profiles = self.profiles.as_deref().unwrap_or_default();
        profiles.is_empty() || enabled.iter().any(|on| on == "*" || profiles.contains(on))
    }

    /// How many containers there should be, once it is started.
    pub fn wanted(&self) -> u64 {
        if self.provided { 0 } else { self.replicas.unwrap_or(1) }
    }

    /// Whether Compose could start it from this file alone.
    pub(super) fn is_whole(&self) -> bool {
        self.image.is_some() || self.build || self.provided
    }

    /// Whether a key of a service, or one below it, is read at all.
    pub(super) fn has(key: &str) -> bool {
        key.starts_with("depends_on.") || FIELDS.iter().any(|(field, _)| is_below(field, key))
    }

    /// Forgets what was said for the key and for all below it.
    fn clear(&mut self, key: &str) {
        for (_, forget) in FIELDS.iter().filter(|(field, _)| is_below(field, key)) {
            forget(self);
        }
        if let Some(service) = key.strip_prefix("depends_on.") {
            self.depends_on.remove(service);
        }
    }
}

fn is_below(field: &str, key: &str) -> bool {
    let rest = field.strip_prefix(key);
    rest.is_some_and(|rest| rest.is_empty() || key.is_empty() || rest.starts_with('.'))
}

fn replace<T>(earlier: &mut Option<T>, later: Option<T>) {
    if later.is_some() {
        *earlier = later;
    }
}

type Forget = fn(&mut Declared);

/// What each key of a service says here.
const FIELDS: &[(&str, Forget)] = &[
    ("deploy.replicas", |of| of.newer.replicas = None),
    ("scale", |of| of.older.replicas = None),
    ("profiles", |of| of.profiles = None),
    ("image", |of| of.image = None),
    ("build", |of| of.build = false),
    ("provider", |of| of.provided = false),
    ("container_name", |of| of.container_name = None),
    ("restart", |of| of.older.restart = None),
    ("deploy.restart_policy.condition", |of| of.newer.restart = None),
    ("deploy.resources.limits.memory", |of| of.newer.memory_limit = None),
    ("mem_limit", |of| of.older.memory_limit = None),
    ("deploy.resources.limits.cpus", |of| of.newer.cpu_limit = None),
    ("cpus", |of| of.older.cpu_limit = None),
    ("deploy.resources.limits.pids", |of| of.newer.pids_limit = None),
    ("pids_limit", |of| of.older.pids_limit = None),
    ("deploy.resources.reservations.memory", |of| of.newer.memory_reservation = None),
    ("mem_reservation", |of| of.older.memory_reservation = None),
    ("deploy.resources.reservations.cpus", |of| of.cpu_reservation = None),
    ("healthcheck.interval", |of| of.check(|check| check.interval = None)),
    ("healthcheck.timeout", |of| of.check(|check| check.timeout = None)),
    ("healthcheck.start_period", |of| of.check(|check| check.start_period = None)),
    ("healthcheck.start_interval", |of| of.check(|check| check.start_interval = None)),
    ("healthcheck.retries", |of| of.check(|check| check.retries = None)),
    ("healthcheck.disable", |of| of.check(|check| check.disable = None)),
    ("healthcheck.test", |of| of.check(|check| check.test_is_none = None)),
    ("healthcheck.", |of| of.health = None),
    ("ports", |of| of.ports.clear()),
    ("depends_on", |of| of.forget_dependencies(false)),
    ("links", |of| of.forget_dependencies(true)),
    ("volumes_from", |of| of.forget_dependencies(true)),
    ("network_mode", |of| of.forget_dependencies(true)),
];

impl Declared {
    fn check(&mut self, change: fn(&mut Health)) {
        if let Some(health) = &mut self.health {
            change(health);
            health.settle();
        }
    }

    fn forget_dependencies(&mut self, implied: bool) {
        let keys = &self.implied;
        self.depends_on.retain(|name, _| keys.contains(name) != implied);
        if implied {
            self.implied.clear();
        }
    }
}

impl Said {
    fn overlay(&mut self, later: Self) {
        replace(&mut self.replicas, later.replicas);
        replace(&mut self.restart, later.restart);
        replace(&mut self.memory_limit, later.memory_limit);
        replace(&mut self.cpu_limit, later.cpu_limit);
        replace(&mut self.pids_limit, later.pids_limit);
        replace(&mut self.memory_reservation, later.memory_reservation);
    }
}

impl Health {
    fn overlay(&mut self, later: &Self) {
        replace(&mut self.interval, later.interval);
        replace(&mut self.timeout, later.timeout);
        replace(&mut self.start_period, later.start_period);
        replace(&mut self.start_interval, later.start_interval);
        replace(&mut self.retries, later.retries);
        replace(&mut self.disable, later.disable);
        replace(&mut self.test_is_none, later.test_is_none);
        self.settle();
    }

    pub(super) fn settle(&mut self) {
        self.disabled = self.disable == Some(true) || self.test_is_none == Some(true);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_profile_in_use_activates() {
        let of = |profiles: &[&str]| Declared {
            profiles: Some(profiles.iter().map(|&name| name.to_owned()).collect()),
            ..Declared::default()
        };
        let on = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect::<Vec<_>>();
        assert!(Declared::default().is_active(&[]) && of(&[]).is_active(&[]));
        assert!(!of(&["a"]).is_active(&[]) && !of(&["a"]).is_active(&on(&["b"])));
        assert!(of(&["a", "b"]).is_active(&on(&["b"])) && of(&["a"]).is_active(&on(&["*"])));
    }
}
