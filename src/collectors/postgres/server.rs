//! Facts of the server beside sessions and databases: what its processes do, replication, settings, roles.

use std::collections::BTreeMap;

use super::fetch::Facts;
use super::parts::Set;
use super::sample;
use super::values::{Values, numbers};
use crate::catalogue::{Batch, Row as _};
use crate::clients::postgres::{Row, Rows};
use crate::failure::Failure;

/// One row of a view, by the server that it is of.
pub struct Fact {
    pub server: String,
    pub values: Values,
}

impl Fact {
    pub fn get(&self, column: &str) -> Option<f64> {
        self.values.get(column)
    }
}

pub struct Background(pub Fact);
pub struct Checkpointer(pub Fact);
pub struct Archiver(pub Fact);
pub struct Wal(pub Fact);
pub struct Receiver {
    pub fact: Fact,
    pub status: String,
    pub slot: String,
}
pub struct Settings(pub Fact);

/// Those that have no name of their own here.
pub struct OtherSettings {
    pub server: String,
    pub values: Vec<(String, f64)>,
}

/// A replication slot.
pub struct Slot {
    pub fact: Fact,
    pub name: String,
    pub kind: String,
    pub database: String,
    pub status: Option<String>,
    pub active: Option<bool>,
}

/// A standby, or whatever else gets the log sent.
pub struct Sender {
    pub fact: Fact,
    pub application: String,
    pub address: String,
    pub state: String,
    pub slot: String,
}

pub struct Role {
    pub server: String,
    pub name: String,
    pub limit: Option<f64>,
    /// Seconds until its password ends; only of roles that log in.
    pub expires_in: Option<f64>,
}

/// What keeps old rows from being removed.
pub struct Horizon {
    pub ages: BTreeMap<String, f64>,
}

/// What only a restart of the server brings into force.
pub struct Condition {
    pub pending_settings: Option<u64>,
}

pub fn of(batch: Batch, server: &str, row: Row, facts: &Facts, set: Option<&Set>) -> Batch {
    let fact = |values: Values| Fact { server: server.to_owned(), values };
    let (mut batch, background) =
        one(batch, "what is written (pg_stat_bgwriter)", &facts.background);
    if let Some(values) = background {
        if values.get("num_timed").is_some() {
            batch = batch.with(vec![Checkpointer(fact(values.clone()))]);
        }
        batch = batch.with(vec![Background(fact(values))]);
    }
    let archiver;
    (batch, archiver) = one(batch, "the archiver (pg_stat_archiver)", &facts.archiver);
    // Without an archive its counters are not about anything.
    let kept = row.text("archive_mode").is_some_and(|mode| mode != "off");
    if let Some(values) = archiver {
        let failing = kept.then(|| values.get("failing")).flatten();
        batch = batch.with(vec![Archiver(fact(values))]).with(vec![Archiving { failing }]);
    }
    let wal;
    (batch, wal) = one(batch, "the write-ahead log (pg_ls_waldir)", &facts.wal);
    batch = batch.with(wal.map(|values| Wal(fact(values))).into_iter().collect());
    batch = replication(batch, server, facts);
    batch = of_set(batch, server, set);
    let horizon;
    (batch, horizon) = all(batch, "the oldest transactions (pg_stat_activity)", &facts.horizon);
    batch.with(horizon.map(|rows| Horizon { ages: ages(rows) }).into_iter().collect())
}

fn of_set(mut batch: Batch, server: &str, set: Option<&Set>) -> Batch {
    let Some(set) = set else { return batch };
    let settings;
    (batch, settings) = all(batch, "settings (pg_settings)", &set.settings);
    let pending = settings.map(|rows| {
        rows.iter().filter(|row| row.flag("pending_restart") == Some(true)).count() as u64
    });
    batch = batch.with(vec![Condition { pending_settings: pending }]);
    if let Some(rows) = settings {
        let all = of_settings(rows);
        if set.every_setting {
            batch = batch.with(vec![others(server, &all)]);
        }
        let values = Values::named(all.into_iter());
        batch = batch.with(vec![Settings(Fact { server: server.to_owned(), values })]);
    }
    let roles;
    (batch, roles) = all(batch, "roles (pg_roles)", &set.roles);
    batch.with(roles.map(|rows| of_roles(server, rows)).unwrap_or_default())
}

/// Whether the archive fails right now: since its last success.
pub struct Archiving {
    pub failing: Option<f64>,
}

fn ages(rows: &Rows) -> BTreeMap<String, f64> {
    let age = |row: Row| Some((row.text("holder")?.to_owned(), row.number("age").unwrap_or(0.0)));
    rows.iter().filter_map(age).collect()
}

fn all<'a>(batch: Batch, what: &str, rows: &'a Result<Rows, Failure>) -> (Batch, Option<&'a Rows>) {
    match rows {
        Ok(rows) => (batch, Some(rows)),
        Err(failure) => (batch.gap(what, failure.clone()), None),
    }
}

fn one(batch: Batch, what: &str, rows: &Result<Rows, Failure>) -> (Batch, Option<Values>) {
    let (batch, rows) = all(batch, what, rows);
    (batch, rows.and_then(|rows| numbers(rows).next()).map(|(_, values)| values))
}

fn replication(batch: Batch, server: &str, facts: &Facts) -> Batch {
    let text = |row: Row, column: &str| row.text(column).unwrap_or_default().to_owned();
    let fact = |values| Fact { server: server.to_owned(), values };
    let (batch, slots) = all(batch, "slots (pg_replication_slots)", &facts.slots);
    let slot = |(row, values): (Row, Values)| Slot {
        name: text(row, "slot_name"),
        kind: text(row, "slot_type"),
        database: text(row, "database"),
        status: row.text("wal_status").map(ToOwned::to_owned),
        active: row.flag("active"),
        fact: fact(values),
    };
    let slots = slots.map(|rows| numbers(rows).map(slot).collect()).unwrap_or_default();
    let (batch, senders) = all(batch, "standbys (pg_stat_replication)", &facts.senders);
    let sender = |(row, values): (Row, Values)| Sender {
        application: text(row, "application_name"),
        address: text(row, "client_addr"),
        state: text(row, "state"),
        slot: text(row, "slot_name"),
        fact: fact(values),
    };
    let mut senders: Vec<Sender> =
        senders.map(|rows| numbers(rows).map(sender).collect()).unwrap_or_default();
    // Two of one name at one address without slots are one series: the one that lags behind.
    let key = |it: &Sender| {
        (it.application.clone(), it.address.clone(), it.state.clone(), it.slot.clone())
    };
    let behind = |it: &Sender| it.fact.get("wal_lsn_diff").unwrap_or_default();
    senders.sort_by(|a, b| key(a).cmp(&key(b)).then(behind(b).total_cmp(&behind(a))));
    senders.dedup_by_key(|it| key(it));
    let (batch, receivers) = all(batch, "the receiver (pg_stat_wal_receiver)", &facts.receiver);
    let receiver = |(row, values): (Row, Values)| Receiver {
        status: text(row, "status"),
        slot: text(row, "slot_name"),
        fact: fact(values),
    };
    let receivers = receivers.map(|rows| numbers(rows).map(receiver).collect());
    batch.with(slots).with(senders).with(receivers.unwrap_or_default())
}

fn of_roles(server: &str, rows: &Rows) -> Vec<Role> {
    let role = |row: Row| {
        Some(Role {
            server: server.to_owned(),
            name: row.text("rolname")?.to_owned(),
            limit: row.number("rolconnlimit"),
            expires_in: row.number("expires_in").filter(|_| row.flag("rolcanlogin") == Some(true)),
        })
    };
    rows.iter().filter_map(role).collect()
}

/// Under their names with the base unit, in base units, as `postgres_exporter` has them.
fn of_settings(rows: &Rows) -> Vec<(String, f64)> {
    let setting = |row: Row| {
        let (name, text) = (row.text("name")?, row.text("setting")?);
        let name = name.replace(['.', '-'], "_");
        if row.text("vartype") == Some("bool") {
            return Some((name, f64::from(u8::from(text == "on"))));
        }
        let number: f64 = text.parse().ok()?;
        let Some(unit) = row.text("unit").filter(|unit| !unit.is_empty()) else {
            return Some((name, number));
        };
        let (word, factor) = unit_of(unit)?;
        // What is below zero has a meaning of its own, mostly "off".
        Some((format!("{name}_{word}"), if number < 0.0 { number } else { number * factor }))
    };
    rows.iter().filter_map(setting).collect()
}

/// All but those whose family is there anyway.
fn others(server: &str, all: &[(String, f64)]) -> OtherSettings {
    let start = OtherSettings::TABLE.metrics.first().map_or("", |metric| metric.name);
    let own = Settings::TABLE.metrics.iter().map(|metric| metric.name);
    let own: Vec<&str> =
        own.chain(sample::Server::TABLE.metrics.iter().map(|it| it.name)).collect();
    let tails: Vec<&str> =
        own.iter().filter_map(|own| own.strip_prefix(start)?.strip_prefix('_')).collect();
    let is_own = |name: &str| tails.contains(&name);
    let mut values: Vec<_> = all.iter().filter(|(name, _)| !is_own(name)).cloned().collect();
    values.sort_by(|a, b| a.0.cmp(&b.0));
    values.dedup_by(|a, b| a.0 == b.0);
    OtherSettings { server: server.to_owned(), values }
}

fn unit_of(unit: &str) -> Option<(&'static str, f64)> {
    let digits = unit.find(|c: char| !c.is_ascii_digit())?;
    let count = unit.get(..digits).filter(|text| !text.is_empty());
    let count: f64 = count.map_or(Some(1.0), |text| text.parse().ok())?;
    let (word, factor) = match unit.get(digits..)? {
        "B" => ("bytes", 1.0),
        "kB" => ("bytes", 1024.0),
        "MB" => ("bytes", 1024.0 * 1024.0),
        "GB" => ("bytes", 1024.0 * 1024.0 * 1024.0),
        "us" => ("seconds", 1e-6),
        "ms" => ("seconds", 1e-3),
        "s" => ("seconds", 1.0),
        "min" => ("seconds", 60.0),
        "h" => ("seconds", 3600.0),
        "d" => ("seconds", 86_400.0),
        _ => return None,
    };
    Some((word, count * factor))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_in_base_units() {
        for (unit, want) in [
            ("8kB", Some(("bytes", 8192.0))),
            ("kB", Some(("bytes", 1024.0))),
            ("16MB", Some(("bytes", 16_777_216.0))),
            ("ms", Some(("seconds", 0.001))),
            ("min", Some(("seconds", 60.0))),
            ("furlong", None),
        ] {
            assert_eq!(unit_of(unit), want, "{unit}");
        }
    }
}
