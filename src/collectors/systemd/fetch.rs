//! What is asked of systemd: which units there are, and some properties of the declared ones.

use std::collections::BTreeMap;
use std::path::PathBuf;

use futures_util::future::{join_all, try_join_all};
use serde::{Deserialize, Serialize};
use tokio::sync::Mutex;

use super::bus::{Bus, Refused};
use crate::failure::Failure;

/// All that is read of a unit is a number or a word.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Property {
    Number(u64),
    Text(String),
}

/// Name, description, state of its file, active state, sub state, unit that it follows, path of its
/// object, job: its number, kind and path.
type Entry = (
    String,
    String,
    String,
    String,
    String,
    String,
    zbus::OwnedObjectPath,
    u32,
    String,
    zbus::OwnedObjectPath,
);

/// One unit as the manager lists it, and what was read of it beyond that.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Unit {
    pub name: String,
    pub load: String,
    pub active: String,
    pub sub: String,
    #[serde(flatten)]
    pub properties: BTreeMap<String, Property>,
    /// What a timer starts.
    pub starts: Option<Box<Self>>,
    /// The kind of job that waits or is under way, such as `start`; empty without one.
    pub job: String,
    /// Of its object: the same for all names of a unit.
    pub path: String,
}

impl Unit {
    pub fn number(&self, name: &str) -> Option<u64> {
        match self.properties.get(name)? {
            // systemd's own "not known" and "never".
            Property::Number(u64::MAX) | Property::Text(_) => None,
            Property::Number(number) => Some(*number),
        }
    }

    /// A number that is never 0, such as a time.
    pub fn some(&self, name: &str) -> Option<u64> {
        self.number(name).filter(|number| *number > 0)
    }

    pub fn text(&self, name: &str) -> &str {
        match self.properties.get(name) {
            Some(Property::Text(text)) => text,
            _ => "",
        }
    }
}

pub struct Raw {
    /// The state of the whole system.
    pub state: String,
    /// The declared units, in their order.
    pub units: Vec<Unit>,
    pub failed: Option<Result<Vec<Unit>, Failure>>,
    /// The clock of timers that count from a start, in microseconds.
    pub monotonic: u64,
}

/// Units whose properties are asked for at once: a system bus lets a connection wait for 128 answers.
const AT_ONCE: usize = 4;

/// What is read of every unit.
const COMMON: &[&str] = &["ActiveEnterTimestamp"];
const SERVICE: &[&str] =
    &["Type", "RemainAfterExit", "ExecMainCode", "ExecMainStatus", "NRestarts"];
const GROUP: &[&str] = &["MemoryCurrent", "CPUUsageNSec", "TasksCurrent"];
const TIMER: &[&str] = &[
    "Unit",
    "LastTriggerUSec",
    "NextElapseUSecRealtime",
    "NextElapseUSecMonotonic",
    "AccuracyUSec",
];

/// The interface of a kind of unit, and what is read on it.
fn kind(name: &str) -> Option<(String, Vec<&'static str>)> {
    let suffix = name.rsplit('.').next().unwrap_or_default();
    let mut wanted = match suffix {
        "device" | "target" => return None,
        "slice" => Vec::new(),
        _ => vec!["Result"],
    };
    match suffix {
        "service" => wanted.extend(SERVICE.iter().chain(GROUP)),
        "slice" | "scope" | "socket" | "mount" | "swap" => wanted.extend(GROUP),
        "timer" => wanted.extend(TIMER),
        _ => {}
    }
    let mut letters = suffix.chars();
    let first = letters.next()?.to_ascii_uppercase();
    Some((format!("org.freedesktop.systemd1.{first}{}", letters.as_str()), wanted))
}

/// A bus, and the connection to it that the last reading has left.
pub struct Source {
    pub path: PathBuf,
    pub names: Vec<String>,
    pub any_failed: bool,
    pub kept: Mutex<Option<Bus>>,
}

impl Source {
    pub async fn fetch(&self) -> Result<Raw, Failure> {
        // Taken out: who gives up a reading gives up its connection, too.
        let kept = self.kept.lock().await.take();
        let old = kept.is_some();
        let bus = match kept {
            Some(bus) => bus,
            None => Bus::connect(&self.path).await?,
        };
        match self.read(&bus).await {
            Ok(raw) => {
                *self.kept.lock().await = Some(bus);
                Ok(raw)
            }
            // The bus may have been started anew since: that costs no reading.
            Err(refused) if old && !refused.answered => {
                let bus = Bus::connect(&self.path).await?;
                let raw = self.read(&bus).await.map_err(|refused| refused.failure)?;
                *self.kept.lock().await = Some(bus);
                Ok(raw)
            }
            Err(refused) => Err(refused.failure),
        }
    }

    async fn read(&self, bus: &Bus) -> Result<Raw, Refused> {
        let state = bus.of_manager("SystemState").await?;
        let mut units = listed(bus, &self.names).await?;
        complete_all(bus, &mut units).await?;
        let failed = self.failed(bus).await?;
        let started: Vec<String> = units
            .iter()
            .filter(|unit| super::is_timer(&unit.name))
            .map(|unit| unit.text("Unit").to_owned())
            .filter(|name| !name.is_empty())
            .collect();
        let mut started = listed(bus, &started).await?;
        complete_all(bus, &mut started).await?;
        let mut started = started.into_iter();
        for timer in units.iter_mut().filter(|unit| !unit.text("Unit").is_empty()) {
            timer.starts = started.next().map(Box::new);
        }
        let monotonic = rustix::time::clock_gettime(rustix::time::ClockId::Monotonic);
        let seconds = u64::try_from(monotonic.tv_sec).unwrap_or_default();
        let nanos = u64::try_from(monotonic.tv_nsec).unwrap_or_default();
        Ok(Raw {
            state: match state {
                Some(Property::Text(state)) => state,
                _ => String::new(),
            },
            units,
            failed,
            monotonic: seconds.saturating_mul(1_000_000).saturating_add(nanos / 1_000),
        })
    }

    async fn failed(&self, bus: &Bus) -> Result<Option<Result<Vec<Unit>, Failure>>, Refused> {
        if !self.any_failed {
            return Ok(None);
        }
        let answer: Result<Vec<Entry>, _> =
            bus.manager("ListUnitsFiltered", &(vec!["failed"],)).await;
        match answer {
            Ok(all) => Ok(Some(Ok(all.into_iter().map(unit).collect()))),
            Err(refused) if refused.answered => Ok(Some(Err(refused.failure))),
            Err(refused) => Err(refused),
        }
    }
}

fn unit(entry: Entry) -> Unit {
    let (name, _, load, active, sub, _, path, number, job, _) = entry;
    let job = if number > 0 { job } else { String::new() };
    Unit { name, load, active, sub, job, path: path.as_str().to_owned(), ..Unit::default() }
}

/// The units of these names, in their order, whether they exist or not. An alias keeps its name.
async fn listed(bus: &Bus, names: &[String]) -> Result<Vec<Unit>, Refused> {
    if names.is_empty() {
        return Ok(Vec::new());
    }
    let entries: Vec<Entry> = bus.manager("ListUnitsByNames", &(names,)).await?;
    if entries.len() != names.len() {
        let text = "ListUnitsByNames: another number of units than was asked for";
        let failure = Failure::new(crate::failure::Reason::PARSE, text);
        return Err(Refused { failure, answered: false });
    }
    let as_asked = |(entry, name): (Entry, &String)| Unit { name: name.clone(), ..unit(entry) };
    Ok(entries.into_iter().zip(names).map(as_asked).collect())
}

async fn complete_all(bus: &Bus, units: &mut [Unit]) -> Result<(), Refused> {
    for some in units.chunks_mut(AT_ONCE) {
        try_join_all(some.iter_mut().map(|unit| complete(bus, unit))).await?;
    }
    Ok(())
}

/// Reads the properties of a unit. One that systemd does not have, as it is older or newer, or that is
/// not told, is absent.
async fn complete(bus: &Bus, unit: &mut Unit) -> Result<(), Refused> {
    if matches!(unit.load.as_str(), "not-found" | "masked") && unit.active == "inactive" {
        return Ok(());
    }
    let (interface, own) = kind(&unit.name).unwrap_or_default();
    let common = COMMON.iter().map(|name| ("org.freedesktop.systemd1.Unit", *name));
    let own = own.into_iter().map(|name| (interface.as_str(), name));
    let all: Vec<_> = common.chain(own).collect();
    let path = unit.path.clone();
    let asked = all.iter().map(|(interface, name)| bus.property(&path, interface, name));
    for ((_, name), answer) in all.iter().zip(join_all(asked).await) {
        match answer {
            Ok(Some(value)) => drop(unit.properties.insert((*name).to_owned(), value)),
            Ok(None) => {}
            Err(refused) if refused.answered => {}
            Err(refused) => return Err(refused),
        }
    }
    Ok(())
}
