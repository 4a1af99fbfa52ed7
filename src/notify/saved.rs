//! What is remembered over a restart: which troubles were told, and messages that wait.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::alert::Labels;
use super::queue::Waiting;
use super::tracker::{MOST, Tracked, Tracker};
use crate::catalogue::Severity;
use crate::check::epoch;
use crate::engine::{Form, OWN_AREA, Storage};
use crate::failure::{Failure, Reason};
use crate::overview::Key;

const NAME: &str = "messages";
const FORM: Form = Form { kind: "messages", version: 1 };

/// A trouble that was told.
#[derive(Serialize, Deserialize)]
struct Told {
    key: Key,
    labels: Labels,
    title: String,
    clear: String,
    page: String,
    keep: f64,
    since: f64,
    severity: String,
    at: f64,
}

#[derive(Default, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Saved {
    told: Vec<Told>,
    /// By way.
    pub waiting: BTreeMap<String, Vec<Waiting>>,
}

impl Saved {
    pub fn of(tracker: &Tracker, waiting: BTreeMap<String, Vec<Waiting>>) -> Self {
        let told = tracker.told().filter_map(|(key, one)| {
            let (severity, at) = one.told?;
            Some(Told {
                key: key.clone(),
                labels: one.labels.clone(),
                title: one.title.clone(),
                clear: one.clear.clone(),
                page: one.page.clone(),
                keep: one.keep().as_secs_f64(),
                since: epoch(one.since),
                severity: severity.as_str().to_owned(),
                at: epoch(at),
            })
        });
        Self { told: told.collect(), waiting }
    }

    /// What was told before the start.
    pub fn troubles(&mut self) -> impl Iterator<Item = (Key, Tracked)> {
        std::mem::take(&mut self.told).into_iter().take(MOST).filter_map(|told| {
            let severity = [Severity::Warning, Severity::Critical]
                .into_iter()
                .find(|severity| severity.as_str() == told.severity)?;
            let texts = (told.labels, told.title, told.clear, told.page);
            let keep = Duration::try_from_secs_f64(told.keep).ok()?;
            let (since, at) = (moment(told.since)?, moment(told.at)?);
            Some((told.key, Tracked::restored(texts, keep, since, (severity, at))))
        })
    }

    pub fn load(storage: &Storage) -> Result<Self, Failure> {
        let Some(bytes) = storage.load(OWN_AREA.name, NAME)? else { return Ok(Self::default()) };
        FORM.decode(&bytes).map_err(|why| Failure::new(Reason::PARSE, why.to_string()))
    }

    /// Writes it down; this blocks.
    pub fn save(&self, storage: &Storage) -> Result<(), Failure> {
        let bytes = FORM
            .encode(self)
            .map_err(|error| Failure::new(Reason::OTHER, format!("the messages: {error}")))?;
        storage.save(OWN_AREA.name, NAME, &bytes)
    }
}

fn moment(seconds: f64) -> Option<SystemTime> {
    UNIX_EPOCH.checked_add(Duration::try_from_secs_f64(seconds).ok()?)
}
