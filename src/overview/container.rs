//! What a reading of Docker says of each container, put together from its metrics.

use std::collections::BTreeMap;

use super::{Health, names};
use crate::engine::{Entry, Sample, samples};

/// The samples of a metric in a target's present reading.
pub(super) fn read(entry: &Entry, metric: &str) -> Vec<Sample> {
    let area = entry.target.as_ref().map(|target| target.area);
    area.map(|area| samples(area, entry.sets(), metric)).unwrap_or_default()
}

/// Project and service.
pub(super) type Key = (String, String);

pub(super) fn key(sample: &Sample) -> Key {
    (sample.label("project").to_owned(), sample.label("service").to_owned())
}

/// One container.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Container {
    pub name: String,
    /// Where it belongs. Without Compose: no project, and its own name.
    pub of: Key,
    /// The Engine's word.
    pub state: String,
    pub health: Option<Health>,
    /// Ended with an error that no service shows.
    pub failed: bool,
    pub failed_start: bool,
    pub created: Option<f64>,
    pub started: Option<f64>,
    pub finished: Option<f64>,
    pub exit_code: Option<f64>,
    pub memory: Option<f64>,
    pub memory_limit: Option<f64>,
    /// Of the Engine, by which its processor time is known.
    pub id: String,
    pub cpu_limit: Option<f64>,
    /// As it was named; empty unless it runs.
    pub image: String,
    pub image_id: String,
    pub image_age: Option<f64>,
    pub image_outdated: bool,
}

impl Container {
    pub fn is_running(&self) -> bool {
        self.state == "running"
    }
}

/// All containers by name.
pub(super) fn containers(docker: &Entry) -> BTreeMap<String, Container> {
    let mut found = BTreeMap::<String, Container>::new();
    for sample in present(read(docker, names::CONTAINER_STATE)) {
        let name = sample.label("name").to_owned();
        let (of, state) = (key(&sample), sample.label("state").to_owned());
        found.insert(name.clone(), Container { name, of, state, ..Container::default() });
    }
    let mut each = |metric: &str, set: &dyn Fn(&mut Container, &Sample)| {
        for sample in read(docker, metric) {
            if let Some(one) = found.get_mut(sample.label("name")) {
                set(one, &sample);
            }
        }
    };
    each(names::CONTAINER_HEALTH, &|one, sample| {
        if is_one(sample) {
            one.health = health(sample.label("status"));
        }
    });
    each(names::CONTAINER_FAILED, &|one, sample| one.failed = is_one(sample));
    each(names::CONTAINER_FAILED_START, &|one, sample| one.failed_start = is_one(sample));
    each(names::CONTAINER_CREATED, &|one, sample| one.created = Some(sample.value));
    each(names::CONTAINER_STARTED, &|one, sample| {
        one.started = Some(sample.value);
        sample.label("image").clone_into(&mut one.image);
        sample.label("id").clone_into(&mut one.id);
    });
    each(names::CONTAINER_FINISHED, &|one, sample| one.finished = Some(sample.value));
    each(names::CONTAINER_EXIT_CODE, &|one, sample| one.exit_code = Some(sample.value));
    each(names::CONTAINER_MEMORY, &|one, sample| one.memory = Some(sample.value));
    // 0 is no limit.
    each(names::CONTAINER_MEMORY_LIMIT, &|one, sample| {
        one.memory_limit = Some(sample.value).filter(|limit| *limit > 0.0);
    });
    each(names::CONTAINER_CPU_LIMIT, &|one, sample| one.cpu_limit = Some(sample.value));
    each(names::CONTAINER_IMAGE, &|one, sample| {
        sample.label("image_id").clone_into(&mut one.image_id);
    });
    each(names::CONTAINER_IMAGE_AGE, &|one, sample| one.image_age = Some(sample.value));
    each(names::CONTAINER_IMAGE_OUTDATED, &|one, sample| one.image_outdated = is_one(sample));
    found
}

/// Of a metric that is 1 for one of several words: that one.
pub(super) fn present(samples: Vec<Sample>) -> impl Iterator<Item = Sample> {
    samples.into_iter().filter(is_one)
}

pub(super) fn is_one(sample: &Sample) -> bool {
    (sample.value - 1.0).abs() < f64::EPSILON
}

fn health(status: &str) -> Option<Health> {
    match status {
        "healthy" => Some(Health::Healthy),
        "starting" => Some(Health::Starting),
        "unhealthy" => Some(Health::Unhealthy),
        _ => None,
    }
}
