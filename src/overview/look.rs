//! What is compared from one look to the next: pure facts of services and targets.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::container::{Container, Key};
use super::groups::targets;
use super::services::Found;
use crate::engine::{Entry, Snapshot, State, title};

/// A service at a look.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct ServiceLook {
    pub state: String,
    /// Replicas.
    pub running: u64,
    /// When the newest run began.
    pub started: Option<f64>,
    /// When the newest container was made.
    pub created: Option<f64>,
    pub image: String,
    /// Of the run that ended last.
    pub exit_code: Option<f64>,
    /// By the restart policy, so far.
    pub restarts: Option<f64>,
    /// When Docker was read for it.
    #[serde(skip)]
    pub read: Option<f64>,
    /// Starts up to then are told: a reading may show that it runs before it shows since when.
    pub told: Option<f64>,
}

/// A target at a look, and how its being away is told.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct TargetLook {
    pub up: bool,
    pub down_text: String,
    pub up_text: String,
}

/// One look. What could not be seen in it is as it was before.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Look {
    /// Nothing before Docker was read once.
    pub services: Option<BTreeMap<Key, ServiceLook>>,
    /// By area and name.
    pub targets: BTreeMap<Key, TargetLook>,
    /// When the configuration in force was loaded, by this process.
    pub loaded: Option<f64>,
}

impl ServiceLook {
    pub fn of(found: &Found, restarts: Option<f64>, read: Option<f64>) -> Self {
        let all = &found.containers;
        let newest = |read: fn(&Container) -> Option<f64>| {
            all.iter().max_by(|a, b| read(a).unwrap_or(0.0).total_cmp(&read(b).unwrap_or(0.0)))
        };
        let created = newest(|one| one.created);
        Self {
            state: found.service.state.clone(),
            running: all.iter().filter(|one| one.is_running()).count() as u64,
            started: newest(|one| one.started).and_then(|one| one.started),
            created: created.and_then(|one| one.created),
            image: created.map(|one| one.image_id.clone()).unwrap_or_default(),
            exit_code: newest(|one| one.finished).and_then(|one| one.exit_code),
            restarts,
            read,
            told: None,
        }
    }
}

impl TargetLook {
    /// `None` before its first reading.
    fn of(entry: &Entry) -> Option<Self> {
        let (target, state) = (entry.target.as_ref()?, entry.state.as_ref()?);
        let up = state.up()?;
        let signal = target.area.signals.iter().find(|signal| signal.is_up());
        let label = |name: &str| {
            if name == "target" { target.id.name.clone() } else { String::new() }
        };
        let name = title(target.id.area, &target.id.name);
        let (down, again) = match signal {
            Some(signal) => (signal.title.fill(&label), signal.clear.fill(&label)),
            None => (format!("{name} cannot be read"), format!("{name} can be read again")),
        };
        let why = state.failure.as_ref().map(|failure| format!(": {}", failure.detail));
        Some(Self { up, down_text: down + &why.unwrap_or_default(), up_text: again })
    }
}

/// The targets of a look; of one that is not read yet, what was known before.
pub(super) fn look_at_targets(
    snapshot: &Snapshot,
    docker: Option<&Entry>,
    before: &BTreeMap<Key, TargetLook>,
) -> BTreeMap<Key, TargetLook> {
    let look = |entry: &Entry| {
        let id = &entry.target.as_ref()?.id;
        let key = (id.area.to_owned(), id.name.clone());
        let look = TargetLook::of(entry).or_else(|| before.get(&key).cloned())?;
        Some((key, look))
    };
    targets(snapshot).chain(docker).filter_map(look).collect()
}

pub(super) fn is_up(entry: &Entry) -> bool {
    entry.state.as_ref().and_then(State::up) == Some(true)
}
