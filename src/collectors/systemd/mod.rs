//! Units of systemd, by D-Bus.
//!
//! | read | from | rights |
//! |---|---|---|
//! | state of the system | `SystemState` of the manager | none |
//! | declared units | `ListUnitsByNames` of the manager | none |
//! | result, last end, restarts, times, memory, CPU, tasks, timers | `Get` of some properties | none |
//! | failed units | `ListUnitsFiltered` of the manager | none |
//!
//! Nothing else is called, so nothing can be started, stopped or changed. The system bus lets everybody
//! read this. A user's bus lets in its user alone, and not even root: the exporter runs as that user then.
//! The private sockets of the managers are for `systemctl` alone.
//!
//! Cost: one kept connection, and for each service about a dozen small calls that are sent together. What
//! systemd has in memory is told from there; of a unit that is not loaded it looks for the file each time.
//!
//! In a container, mount `/run/dbus/system_bus_socket`, read-only.
//!
//! Absent: memory, CPU and tasks where systemd does not count them (`MemoryAccounting=no`, on its first
//! version of control groups as a rule) or the unit does not run; an exit code before the first end; the
//! next run of a timer that has none planned; all of a unit while the bus cannot be read.

mod bus;
mod config;
mod fetch;
mod lists;
mod metrics;
mod sample;
mod signals;
mod socket;
mod words;

use std::collections::BTreeMap;
use std::path::Path;
use std::time::SystemTime;

pub use config::{Systemd, mistake};

use crate::catalogue::{Area, Batch, Glance, TableEntry, Unit};
use crate::engine::{Collector, Target};
use crate::failure::Failure;
use crate::plan::{Common, Plan};

pub type Section = Systemd;

/// systemd tells kinds by the end of the name, in small letters.
fn is_timer(name: &str) -> bool {
    name.rsplit_once('.').is_some_and(|(_, kind)| kind == "timer")
}

pub static AREA: Area = Area {
    name: "systemd",
    title: "systemd",
    single: true,
    in_service: false,
    tables: &[
        TableEntry::of::<sample::Manager>(),
        TableEntry::of::<sample::Unit>(),
        TableEntry::of::<sample::Facts>(),
        TableEntry::of::<sample::Timer>(),
        TableEntry::of::<sample::Failed>(),
    ],
    signals: signals::SIGNALS,
    glance: &[
        Glance::Fact {
            metric: "stack_systemd_failed_units",
            unit: Unit::Count,
            what: "Failed units",
        },
        Glance::Signal("restarts"),
        Glance::Signal("timer_overdue"),
    ],
    reasons: &[],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/systemd.md"),
};

/// The system's manager and those of users, as the section says. Without one nothing is asked: which
/// units matter nobody can find out.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(systemd) = section else { return };
    let common =
        Common { timeout: systemd.timeout, thresholds: &systemd.thresholds, service: None };
    // A section that names users alone is not about the system.
    if systemd.users.is_empty() || !systemd.units.is_empty() {
        let place = Place { key: String::new(), address: &systemd.address, units: &systemd.units };
        place.check(plan);
        plan.declare(place.target(AREA.name, systemd.any_failed), &common);
    }
    for (name, user) in &systemd.users {
        let key = format!("users.{name}");
        if name == AREA.name {
            plan.mistake(&key, "", "this is the name of the system itself: choose another one");
        }
        let place = Place { key, address: &user.address, units: &user.units };
        place.check(plan);
        plan.declare(place.target(name, systemd.any_failed), &common);
    }
}

/// A bus as the section has it.
struct Place<'a> {
    /// Where it stands in the section.
    key: String,
    address: &'a Path,
    units: &'a BTreeMap<String, config::Unit>,
}

impl Place<'_> {
    fn check(&self, plan: &mut Plan) {
        if !self.address.is_absolute() {
            plan.mistake(&self.key, "address", "must be the absolute path of a socket");
        } else if self.address.ends_with("systemd/private") {
            let why = "this socket is for systemctl alone: name the bus, as `/run/dbus/system_bus_socket`";
            plan.mistake(&self.key, "address", why);
        }
        for (name, unit) in self.units {
            let key = format!("units.{name}");
            if let Some(message) = config::mistake(name) {
                plan.mistake(&self.key, &key, message);
            }
            if unit.every.is_some() && !is_timer(name) {
                plan.mistake(&self.key, &format!("{key}.every"), "only a timer runs by a period");
            }
            if unit.every.is_some_and(|every| every.get().is_zero()) {
                plan.mistake(&self.key, &format!("{key}.every"), "must be longer than `0s`");
            }
        }
    }

    fn target(&self, name: &str, any_failed: bool) -> Target {
        let source = fetch::Source {
            path: self.address.to_owned(),
            names: self.units.keys().cloned().collect(),
            any_failed,
            kept: tokio::sync::Mutex::default(),
        };
        let settings = (self.address.to_owned(), self.units.clone(), any_failed);
        let units = Units { source, declared: self.units.values().cloned().collect() };
        Target::new(&AREA, name, self.address.display().to_string(), settings, units)
    }
}

/// The units of one manager.
struct Units {
    source: fetch::Source,
    declared: Vec<config::Unit>,
}

impl Collector for Units {
    type Raw = fetch::Raw;

    async fn fetch(&self) -> Result<fetch::Raw, Failure> {
        self.source.fetch().await
    }

    fn sample(&self, raw: fetch::Raw, now: SystemTime) -> Result<Batch, Failure> {
        Ok(sample::sample(&self.declared, raw, now))
    }
}
