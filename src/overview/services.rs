//! The services of a reading of Docker, with what their containers take.

use std::collections::{BTreeMap, BTreeSet};

use super::container::{Container, Key, containers, is_one, key, present, read};
use super::rates::Rates;
use super::{Health, Image, Mood, Port, Service, Usage, names};
use crate::engine::{Entry, Sample};

/// A service, and the containers that it is put together from.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub service: Service,
    pub containers: Vec<Container>,
    /// Under which its life is counted.
    pub counted: Key,
}

/// All of them, also those that are declared and have no container, by project and name. What
/// becomes of time (restarts, the last day) and of logs is added by others.
pub(super) fn services(docker: &Entry, rates: &Rates) -> BTreeMap<Key, Found> {
    let mut replicas = BTreeMap::<Key, Vec<Container>>::new();
    for (_, one) in containers(docker) {
        replicas.entry(one.of.clone()).or_default().push(one);
    }
    let mut found = BTreeMap::<Key, Service>::new();
    for sample in present(read(docker, names::SERVICE_STATE)) {
        let (project, service) = key(&sample);
        let state = sample.label("state").to_owned();
        found.insert(key(&sample), Service { project, service, state, ..Service::default() });
    }
    let composed: BTreeSet<Key> = found.keys().cloned().collect();
    for (key, all) in &replicas {
        add(found.entry(key.clone()).or_insert_with(|| alone(key, all)), all, rates);
    }
    add_figures(docker, &mut found);
    let set = |metric| present(read(docker, metric)).map(|one| key(&one)).collect();
    let (deploying, looping): (BTreeSet<Key>, BTreeSet<Key>) =
        (set(names::SERVICE_DEPLOYING), set(names::SERVICE_RESTART_LOOP));
    let with_containers = |(key, service): (Key, Service)| {
        let counted = if composed.contains(&key) { key.clone() } else { counted_alone(&key) };
        let mood = mood(&service, deploying.contains(&key), looping.contains(&counted));
        let containers = replicas.remove(&key).unwrap_or_default();
        (key, Found { service: Service { mood, ..service }, containers, counted })
    };
    found.into_iter().map(with_containers).collect()
}

/// Under which the life of a container is counted that is no replica of a service, one of
/// `docker compose run` included: by its name alone, which a service may have too.
fn counted_alone(key: &Key) -> Key {
    (String::new(), key.1.clone())
}

/// What is told of services by themselves.
fn add_figures(docker: &Entry, found: &mut BTreeMap<Key, Service>) {
    let mut each = |metric: &str, set: &dyn Fn(&mut Service, &Sample)| {
        for sample in read(docker, metric) {
            if let Some(one) = found.get_mut(&key(&sample)) {
                set(one, &sample);
            }
        }
    };
    each(names::SERVICE_REPLICAS, &|one, sample| match sample.label("state") {
        "wanted" => one.replicas_wanted = count(sample.value),
        "running" => one.replicas_running = count(sample.value),
        _ => {}
    });
    each(names::SERVICE_MEMORY_LIMIT, &|one, sample| {
        declare(&mut one.memory_bytes, one.replicas_running, sample.value);
    });
    each(names::SERVICE_CPU_LIMIT, &|one, sample| {
        declare(&mut one.cpu_cores, one.replicas_running, sample.value);
    });
    each(names::CONTAINER_PORT, &|one, sample| {
        let (port, address) = (sample.label("port"), sample.label("address"));
        let known = one.ports.iter_mut().find(|one| one.port == port && one.address == address);
        match known {
            Some(known) => known.exposed |= is_one(sample),
            None => one.ports.push(Port {
                port: port.to_owned(),
                address: address.to_owned(),
                exposed: is_one(sample),
            }),
        }
    });
}

/// A limit that a Compose file declares, where the container has none.
fn declare(usage: &mut Usage, replicas: u64, limit: f64) {
    usage.limit = usage.limit.or(Some(limit * replicas.max(1) as f64));
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count of containers")]
pub(super) fn count(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// A container that no service of Compose has.
fn alone((project, service): &Key, all: &[Container]) -> Service {
    let running = all.iter().filter(|one| one.is_running()).count() as u64;
    let state = all.first().map_or("missing", state_alone).to_owned();
    let wanted = u64::from(!matches!(state.as_str(), "done" | "stopped" | "created"));
    Service {
        project: project.clone(),
        service: service.clone(),
        state,
        replicas_running: running,
        replicas_wanted: wanted,
        ..Service::default()
    }
}

/// The word that a service of one container would have.
fn state_alone(one: &Container) -> &'static str {
    match one.state.as_str() {
        "running" => "running",
        "restarting" => "restarting",
        "paused" => "paused",
        _ if one.failed_start => "failed_start",
        "created" => "created",
        _ if one.failed => "crashed",
        _ if one.exit_code == Some(0.0) => "done",
        _ => "stopped",
    }
}

/// What the containers of a service say.
fn add(service: &mut Service, all: &[Container], rates: &Rates) {
    let running: Vec<&Container> = all.iter().filter(|one| one.is_running()).collect();
    service.containers = all.iter().map(|one| one.name.clone()).collect();
    service.health = running.iter().filter_map(|one| one.health).max();
    service.since = if running.is_empty() {
        // One that waits for its next start is alive to the Engine, and has no end.
        newest(all.iter().map(|one| one.finished.or(one.started).or(one.created)))
    } else {
        newest(running.iter().map(|one| one.started))
    };
    service.memory_bytes = Usage {
        used: sum(running.iter().map(|one| one.memory)),
        limit: whole(running.iter().map(|one| one.memory_limit)),
    };
    service.cpu_cores = Usage {
        used: sum(running.iter().map(|one| rates.cores(&one.id))),
        limit: whole(running.iter().map(|one| one.cpu_limit)),
    };
    let by_age = |one: &&Container| (one.is_running(), one.created.unwrap_or_default());
    service.image = all
        .iter()
        .max_by(|a, b| {
            let (a, b) = (by_age(a), by_age(b));
            a.0.cmp(&b.0).then(a.1.total_cmp(&b.1))
        })
        .and_then(image);
}

/// The image of a container: by its name, else by the first digits of its digest.
fn image(one: &Container) -> Option<Image> {
    let name = if one.image.is_empty() { &one.image_id } else { &one.image };
    (!name.is_empty()).then(|| Image {
        name: name.clone(),
        age_seconds: one.image_age,
        outdated: one.image_outdated,
    })
}

fn newest(all: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    all.flatten().reduce(f64::max)
}

/// As far as it is known.
fn sum(all: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    all.flatten().reduce(|a, b| a + b)
}

/// None where one of them has none.
fn whole(all: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    all.reduce(|a, b| Some(a? + b?)).flatten()
}

/// How a service is, from the word for its state and from its health.
fn mood(one: &Service, deploying: bool, loops: bool) -> Mood {
    match (one.state.as_str(), one.health) {
        ("running", Some(Health::Unhealthy)) | ("degraded", _) => Mood::Degraded,
        ("running", _) if loops => Mood::Degraded,
        ("running", Some(Health::Starting)) if deploying => Mood::Deploying,
        ("running", _) => Mood::Up,
        ("deploying", _) => Mood::Deploying,
        ("stopped" | "paused" | "done" | "off", _) => Mood::Idle,
        // Without Compose nobody says that it was to be started.
        ("created", _) if one.project.is_empty() => Mood::Idle,
        _ => Mood::Down,
    }
}
