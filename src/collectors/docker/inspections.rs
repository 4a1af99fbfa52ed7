//! The inspections of containers, kept until something changes.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::container::Container;
use super::detail::Detail;
use super::events::Changes;
use super::lock;
use crate::failure::Failure;

/// The stream of events can lose some: this late everything is known all the same.
const REFRESH: Duration = Duration::from_mins(1);
/// Spread over this much more, so that not all come due in the same reading.
const SPREAD: u64 = 30;
/// A container that was just made may fail to start without an event.
const YOUNG: f64 = 120.0;

struct Kept {
    detail: Arc<Detail>,
    /// As the list had it then.
    state: String,
    health: &'static str,
    due: Instant,
}

/// A container that hangs in the Engine would cost every reading its time.
const AGAIN: Duration = Duration::from_secs(30);

#[derive(Default)]
pub struct Inspections {
    kept: Mutex<BTreeMap<String, Kept>>,
    /// Those that did not answer: why, and when they are asked again.
    silent: Mutex<BTreeMap<String, (Instant, Failure)>>,
}

impl Inspections {
    /// Gives what is known to the containers, and names those that must be asked about.
    pub fn apply(&self, containers: &mut [Container], changes: &Changes, now: f64) -> Vec<String> {
        let (kept, silent) = (self.lock(), self.silent());
        let mut due = Vec::new();
        for container in containers {
            if silent.get(&container.id).is_some_and(|(again, _)| Instant::now() < *again) {
                continue;
            }
            match kept.get(&container.id) {
                Some(known) if !is_due(container, known, changes, now) => {
                    container.inspected(Arc::clone(&known.detail), false);
                }
                _ => due.push(container.id.clone()),
            }
        }
        due
    }

    /// Keeps a fresh inspection with what the list said before.
    pub fn keep(&self, container: &mut Container, detail: Arc<Detail>, at: Instant) {
        let spread = container.id.bytes().map(u64::from).sum::<u64>() % SPREAD;
        let kept = Kept {
            detail: Arc::clone(&detail),
            state: container.state.clone(),
            health: container.health,
            due: at + REFRESH + Duration::from_secs(spread),
        };
        self.lock().insert(container.id.clone(), kept);
        self.silent().remove(&container.id);
        container.inspected(detail, true);
    }

    /// Notes those that did not answer; what was known of them is old now.
    pub fn missed(&self, ids: &BTreeSet<String>, failure: &Failure, at: Instant) {
        let (mut kept, mut silent) = (self.lock(), self.silent());
        for id in ids {
            kept.remove(id);
            silent.insert(id.clone(), (at + AGAIN, failure.clone()));
        }
    }

    /// How many have no details at present, and why the first of them.
    pub fn silence(&self) -> Option<(usize, Failure)> {
        let silent = self.silent();
        let (_, failure) = silent.values().next()?;
        Some((silent.len(), failure.clone()))
    }

    /// Forgets containers that are gone.
    pub fn retain(&self, containers: &[Container]) {
        let ids: BTreeSet<&str> =
            containers.iter().map(|container| container.id.as_str()).collect();
        self.lock().retain(|id, _| ids.contains(id.as_str()));
        self.silent().retain(|id, _| ids.contains(id.as_str()));
    }

    fn silent(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, (Instant, Failure)>> {
        lock(&self.silent)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, BTreeMap<String, Kept>> {
        lock(&self.kept)
    }
}

fn is_due(container: &Container, known: &Kept, changes: &Changes, now: f64) -> bool {
    let young = || container.created.is_some_and(|created| now - (created as f64) < YOUNG);
    changes.all
        || changes.containers.contains(&container.id)
        || container.state != known.state
        || container.health != known.health
        || container.state == "restarting"
        || (container.state == "created" && young())
        || Instant::now() >= known.due
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::docker::api::Summary;
    use crate::collectors::docker::container::Naming;

    fn listed(state: &str, status: &str) -> Vec<Container> {
        let summary = Summary {
            id: "a".into(),
            state: state.into(),
            status: status.into(),
            created: Some(0),
            ..Summary::default()
        };
        Container::of(summary, &Naming::default()).into_iter().collect()
    }

    #[test]
    fn only_what_changed_is_asked_about() {
        let inspections = Inspections::default();
        let quiet = Changes::default();
        let due = |containers: &mut [Container], changes: &Changes, now| {
            inspections.apply(containers, changes, now)
        };
        let mut one = listed("running", "Up 3 seconds (healthy)");
        assert_eq!(due(&mut one, &quiet, 1e6), ["a"], "never seen");
        let detail =
            Arc::new(Detail { state: "running".into(), health: "healthy", ..Detail::default() });
        inspections.keep(&mut one[0], detail, Instant::now());
        let mut one = listed("running", "Up 9 minutes (healthy)");
        assert!(due(&mut one, &quiet, 1e6).is_empty() && one[0].detail.is_some());
        assert_eq!(due(&mut listed("running", "Up 9 minutes (unhealthy)"), &quiet, 1e6), ["a"]);
        assert_eq!(due(&mut listed("paused", "Up 9 minutes (Paused)"), &quiet, 1e6), ["a"]);
        let changed = Changes { containers: ["a".to_owned()].into(), ..Changes::default() };
        assert_eq!(due(&mut one, &changed, 1e6), ["a"]);
        assert_eq!(due(&mut one, &Changes { all: true, ..Changes::default() }, 1e6), ["a"]);
        let late = Failure::new(crate::failure::Reason::TIMEOUT, "late");
        inspections.missed(&["a".to_owned()].into(), &late, Instant::now());
        assert!(due(&mut one, &changed, 1e6).is_empty(), "not at once");
        assert_eq!(inspections.silence().map(|(count, _)| count), Some(1));
        inspections.retain(&[]);
        assert_eq!(due(&mut one, &quiet, 1e6), ["a"], "forgotten");
    }

    #[test]
    fn everything_is_asked_about_now_and_then() {
        let inspections = Inspections::default();
        let due = |now| {
            let mut one = listed("created", "Created");
            !inspections.apply(&mut one, &Changes::default(), now).is_empty()
        };
        let mut one = listed("created", "Created");
        inspections.keep(&mut one[0], Arc::default(), Instant::now());
        assert!(due(5.0), "it may yet fail to start");
        assert!(!due(500.0));
        let long_ago = Instant::now().checked_sub(REFRESH + Duration::from_secs(SPREAD)).unwrap();
        inspections.keep(&mut one[0], Arc::default(), long_ago);
        assert!(due(500.0));
    }
}
