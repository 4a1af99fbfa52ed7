//! In which Compose service a target lives: said in the configuration, or found by its address among
//! the services that the Docker area knows.
//!
//! What was found stays found, also over a restart of the exporter. If it went with the dead
//! container, the labels of the alert would change, its time would start anew, and nothing would be
//! muted at the one moment that counts.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use serde::{Deserialize, Serialize};

use super::OWN_AREA;
use super::storage::{Form, Storage};
use super::target::{Target, TargetId};
use crate::catalogue::Place;
use crate::failure::{Failure, Reason};

const NAME: &str = "services";
const FORM: Form = Form { kind: "services", version: 1 };
/// Of more targets none is written down.
const MOST: usize = 1000;
/// Longer names are none that Compose takes.
const LONGEST: usize = 128;

/// A Compose service.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Service {
    /// Empty if it is not known.
    pub project: String,
    pub service: String,
}

impl Service {
    /// `shop/db`, or `db` where only one project has a service of that name.
    pub fn parse(text: &str) -> Result<Self, &'static str> {
        let (project, service) = text.split_once('/').unwrap_or(("", text));
        let is_name = |name: &str| {
            name.len() <= LONGEST
                && !name.is_empty()
                && name.chars().all(|c| c.is_ascii_alphanumeric() || "_.-".contains(c))
        };
        if is_name(service) && (is_name(project) || !text.contains('/')) {
            return Ok(Self { project: project.to_owned(), service: service.to_owned() });
        }
        Err("is the name of a Compose service: `db`, or `project/db` if several projects have one")
    }
}

/// Where a target is: for telling in which service it lives.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Home {
    /// What the configuration says.
    pub given: Option<Service>,
    /// Hosts and ports of its address.
    pub hosts: Vec<(String, u16)>,
}

/// What is known of the targets that live in a service.
#[derive(Default)]
pub struct Homes {
    found: Mutex<BTreeMap<String, (Home, Service)>>,
    changed: AtomicBool,
}

impl Homes {
    fn found(&self) -> MutexGuard<'_, BTreeMap<String, (Home, Service)>> {
        self.found.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The service of a target, as far as it can be told.
    pub(super) fn of(&self, target: &Target, places: &[&Place]) -> Option<Service> {
        let home = &target.home;
        if !target.area.in_service || *home == Home::default() {
            return None;
        }
        let key = key(&target.id);
        let mut found = self.found();
        // What was found of another address says nothing of this one.
        let before = found.get(&key).filter(|(of, _)| of == home).map(|(_, service)| service);
        let now = look_up(home, places);
        match (now, before) {
            (Some(now), Some(before)) if now == *before => Some(now),
            (Some(now), _) => {
                if found.len() < MOST {
                    found.insert(key, (home.clone(), now.clone()));
                    self.changed.store(true, Ordering::Relaxed);
                }
                Some(now)
            }
            (None, before) => before.cloned().or_else(|| home.given.clone()),
        }
    }

    /// Takes in what an earlier process has found.
    pub fn load(&self, storage: &Storage) -> Result<(), Failure> {
        let Some(bytes) = storage.load(OWN_AREA.name, NAME)? else { return Ok(()) };
        let read: Vec<(String, Home, Service)> =
            FORM.decode(&bytes).map_err(|why| Failure::new(Reason::PARSE, why.to_string()))?;
        let read = read.into_iter().take(MOST);
        self.found().extend(read.map(|(key, home, service)| (key, (home, service))));
        Ok(())
    }

    /// Writes it down if it has changed since.
    pub fn save(&self, storage: &Storage) -> Result<(), Failure> {
        if storage.dir().is_none() || !self.changed.swap(false, Ordering::Relaxed) {
            return Ok(());
        }
        let all: Vec<_> = self
            .found()
            .iter()
            .map(|(key, (home, service))| (key.clone(), home.clone(), service.clone()))
            .collect();
        let bytes = FORM.encode(&all).map_err(|error| {
            Failure::new(Reason::OTHER, format!("services of targets: {error}"))
        })?;
        storage.save(OWN_AREA.name, NAME, &bytes).inspect_err(|_| {
            self.changed.store(true, Ordering::Relaxed);
        })
    }
}

fn key(id: &TargetId) -> String {
    format!("{}/{}", id.area, id.name)
}

/// The one service that it can be; of two that it may be, none.
fn look_up(home: &Home, places: &[&Place]) -> Option<Service> {
    let is_it = |place: &&&Place| match &home.given {
        Some(given) => given.project.is_empty() && place.service == given.service,
        None => home.hosts.iter().any(|(host, port)| {
            if is_here(host) { place.ports.contains(port) } else { place.names.contains(host) }
        }),
    };
    if let Some(given) = home.given.as_ref().filter(|given| !given.project.is_empty()) {
        return Some(given.clone());
    }
    let mut all = places.iter().filter(is_it);
    let first = all.next()?;
    let same =
        |other: &&Place| (&other.project, &other.service) == (&first.project, &first.service);
    all.all(same)
        .then(|| Service { project: first.project.clone(), service: first.service.clone() })
}

/// Whether an address is of this machine: what it publishes is found by its port.
fn is_here(host: &str) -> bool {
    let ip = host.trim_matches(['[', ']']).parse::<std::net::IpAddr>();
    host == "localhost"
        || host == "host.docker.internal"
        || ip.is_ok_and(|ip| ip.is_loopback() || ip.is_unspecified())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Area;
    use crate::catalogue::examples::{plain, single};

    fn target(given: Option<&str>, hosts: &[(&str, u16)]) -> Target {
        let area = Area { in_service: true, ..*single(plain()) };
        let mut target = super::super::target::nothing::target(Box::leak(Box::new(area)), "main");
        target.home = Home {
            given: given.map(|given| Service::parse(given).unwrap()),
            hosts: hosts.iter().map(|(host, port)| ((*host).to_owned(), *port)).collect(),
        };
        target
    }

    fn place(project: &str, service: &str, ports: &[u16]) -> Place {
        Place {
            project: project.into(),
            service: service.into(),
            names: vec![service.into(), format!("{project}-{service}-1")],
            ports: ports.to_vec(),
        }
    }

    fn told(service: Option<Service>) -> String {
        service.map_or_else(String::new, |one| format!("{}/{}", one.project, one.service))
    }

    #[test]
    fn it_is_said_or_found_by_port_or_by_name() {
        let places = [
            place("shop", "db", &[5432]),
            place("blog", "db", &[]),
            place("shop", "nats", &[8222]),
        ];
        for (given, hosts, expected) in [
            (Some("shop/db"), vec![], "shop/db"),
            (Some("other/db"), vec![], "other/db"),
            (Some("nats"), vec![], "shop/nats"),
            // Two projects have one: its project is not known.
            (Some("db"), vec![], "/db"),
            (None, vec![("127.0.0.1", 5432)], "shop/db"),
            (None, vec![("localhost", 8222)], "shop/nats"),
            (None, vec![("::1", 9)], ""),
            (None, vec![("nats", 8222)], "shop/nats"),
            (None, vec![("blog-db-1", 5432)], "blog/db"),
            (None, vec![("db", 5432)], ""),
            (None, vec![("10.0.0.7", 5432)], ""),
        ] {
            let homes = Homes::default();
            assert_eq!(
                told(homes.of(&target(given, &hosts), &places.each_ref())),
                expected,
                "{given:?} {hosts:?}"
            );
        }
    }

    #[test]
    fn what_was_found_stays_while_its_container_is_gone_and_over_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let storage = Storage::open(dir.path()).unwrap();
        let homes = Homes::default();
        let db = target(None, &[("127.0.0.1", 5432)]);
        assert_eq!(told(homes.of(&db, &[])), "");
        assert_eq!(told(homes.of(&db, &[&place("shop", "db", &[5432])])), "shop/db");
        assert_eq!(told(homes.of(&db, &[])), "shop/db");
        homes.save(&storage).unwrap();
        let next = Homes::default();
        next.load(&storage).unwrap();
        assert_eq!(told(next.of(&db, &[])), "shop/db");
        // Somebody else publishes the port now; and another address is another target.
        assert_eq!(told(next.of(&db, &[&place("blog", "pg", &[5432])])), "blog/pg");
        assert_eq!(told(next.of(&target(None, &[("127.0.0.1", 5433)]), &[])), "");
    }

    #[test]
    fn a_name_of_a_service() {
        for (text, ok) in [
            ("db", true),
            ("shop/db", true),
            ("", false),
            ("/db", false),
            ("shop/", false),
            ("a/b/c", false),
            ("a b", false),
        ] {
            assert_eq!(Service::parse(text).is_ok(), ok, "{text}");
        }
    }
}
