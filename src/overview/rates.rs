//! Processor time of containers as cores in use: the change between the last two readings.

use std::collections::BTreeMap;
use std::time::Instant;

use super::container::read;
use super::names;
use crate::engine::Entry;

/// Two readings nearer than that say little, in seconds.
const LEAST: f64 = 0.5;

/// By the container's id, of those in the last reading: as many as Docker's area shows.
#[derive(Default)]
pub(super) struct Rates {
    at: Option<Instant>,
    of: BTreeMap<String, (f64, Option<f64>)>,
}

impl Rates {
    /// Cores that a container has used, once there were two readings of it.
    pub fn cores(&self, id: &str) -> Option<f64> {
        self.of.get(id)?.1
    }

    /// Takes in a reading of Docker, if it is a new one.
    pub fn note(&mut self, docker: &Entry) {
        let Some(reading) = docker.state.as_ref().and_then(|state| state.reading.as_ref()) else {
            return;
        };
        let seconds = self.at.map(|at| reading.clock.saturating_duration_since(at).as_secs_f64());
        if seconds.is_some_and(|seconds| seconds < LEAST) {
            return;
        }
        let before = std::mem::take(&mut self.of);
        for sample in read(docker, names::CONTAINER_CPU) {
            let id = sample.label("id");
            let last = before.get(id).zip(seconds);
            // A counter that has fallen is that of another run.
            let rate = last
                .filter(|((last, _), _)| sample.value >= *last)
                .map(|((last, _), seconds)| (sample.value - last) / seconds);
            self.of.insert(id.to_owned(), (sample.value, rate));
        }
        self.at = Some(reading.clock);
    }
}
