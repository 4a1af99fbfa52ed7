//! What is remembered over a restart, as one file: days, events, troubles, and the last look, to which
//! the first one after the start is compared.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::container::Key;
use super::days::{Days, Written as Day};
use super::epoch;
use super::events::Events;
use super::journal::Written as Trouble;
use super::look::{ServiceLook, TargetLook};
use super::model::Past;
use crate::engine::{Form, OWN_AREA, Storage};
use crate::failure::{Failure, Reason};

const NAME: &str = "overview";
const FORM: Form = Form { kind: "overview", version: 1 };
/// Things of a look: as many as areas show.
const MOST: usize = 1000;

#[derive(Serialize, Deserialize, Default)]
#[serde(default)]
pub(super) struct Saved {
    days: Vec<Day>,
    events: Events,
    troubles: Vec<Trouble>,
    /// Nothing before Docker was read once.
    services: Option<Vec<(Key, ServiceLook)>>,
    targets: Vec<(Key, bool)>,
}

/// What was saved last, if there is anything.
pub(super) fn load(storage: &Storage, now: SystemTime) -> Result<Option<Past>, Failure> {
    let Some(bytes) = storage.load(OWN_AREA.name, NAME)? else { return Ok(None) };
    let saved: Saved =
        FORM.decode(&bytes).map_err(|why| Failure::new(Reason::PARSE, why.to_string()))?;
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
    let days = Days::of(saved.days, epoch(now) as u64);
    let mut past = Past { days, events: saved.events.bounded(), ..Past::default() };
    past.journal.restore(saved.troubles);
    past.look.services = saved.services.map(|all| all.into_iter().take(MOST).collect());
    let target = |(key, up)| (key, TargetLook { up, ..TargetLook::default() });
    past.look.targets = saved.targets.into_iter().take(MOST).map(target).collect();
    Ok(Some(past))
}

impl Saved {
    /// A copy of all of it: short, as nobody looks on meanwhile.
    pub fn of(past: &Past) -> Self {
        let look = &past.look;
        let services = |all: &BTreeMap<Key, ServiceLook>| {
            all.iter().map(|(key, one)| (key.clone(), one.clone())).collect()
        };
        Self {
            days: past.days.written(),
            events: past.events.clone(),
            troubles: past.journal.written(),
            services: look.services.as_ref().map(services),
            targets: look.targets.iter().map(|(key, target)| (key.clone(), target.up)).collect(),
        }
    }

    pub fn encode(&self) -> Result<Vec<u8>, Failure> {
        FORM.encode(self)
            .map_err(|error| Failure::new(Reason::OTHER, format!("the overview: {error}")))
    }
}

pub(super) fn save(storage: &Storage, bytes: &[u8]) -> Result<(), Failure> {
    storage.save(OWN_AREA.name, NAME, bytes)
}
