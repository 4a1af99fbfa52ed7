//! Stores: Redis, Qdrant, MongoDB.
//!
//! | read | from | rights |
//! |---|---|---|
//! | Redis (Valkey, KeyDB) | `INFO` over TCP, TLS or a socket | the password, or a user with `+info` |
//! | Qdrant | `GET /readyz`, `/collections`, `/collections/{name}` | its key, which may be the read-only one |
//! | MongoDB | `hello` over TCP or TLS | none |
//! | MongoDB's connections, memory, operations | `serverStatus` | a server without login, see below |
//!
//! Cost: Redis and MongoDB get a new connection at each reading, so that it is seen whether one gets in, and
//! one or two commands on it (5 kB, 20 µs of Redis); Qdrant a request for each collection, at most
//! 100, four at once. Nothing is written, no key and no document is read.
//!
//! MongoDB is asked without a login: where the server wants one, whether it answers and its role are told, and
//! its connections, memory and operations are absent.
//!
//! Absent: limits that are not set, and shares of them; facts that a version does not tell; `mongodb_ss_*`
//! as said above; the share of points that are left until there were some. Redis that still loads its data
//! is down, for it refuses all else. A collection that was seen and is gone has 0 points left for a day.

mod collections;
mod config;
mod metrics;
mod mongo;
mod qdrant;
mod redis;
mod sample;
mod signals;
mod words;

use std::collections::BTreeMap;

pub use config::Store;

use crate::catalogue::{Area, Glance, TableEntry, Unit};
use crate::clients::access;
use crate::config::{SafeUrl, Url};
use crate::engine::Target;
use crate::plan::{Common, Plan};

pub type Section = BTreeMap<String, Store>;

pub static AREA: Area = Area {
    name: "store",
    title: "Stores",
    single: false,
    in_service: true,
    tables: &[
        TableEntry::of::<sample::Identity>(),
        TableEntry::of::<sample::Served>(),
        TableEntry::of::<sample::Memory>(),
        TableEntry::of::<redis::sample::Up>(),
        TableEntry::of::<redis::sample::Server>(),
        TableEntry::of::<redis::sample::Instance>(),
        TableEntry::of::<redis::sample::Link>(),
        TableEntry::of::<redis::sample::Database>(),
        TableEntry::of::<qdrant::sample::Server>(),
        TableEntry::of::<qdrant::sample::Collection>(),
        TableEntry::of::<qdrant::sample::Remembered>(),
        TableEntry::of::<mongo::sample::Up>(),
        TableEntry::of::<mongo::sample::Member>(),
        TableEntry::of::<mongo::sample::Status>(),
    ],
    signals: signals::SIGNALS,
    glance: &[
        Glance::Signal("memory"),
        Glance::Signal("connections_ratio"),
        Glance::Fact {
            metric: "stack_store_collection_points",
            unit: Unit::Count,
            what: "Points of the largest collection",
        },
    ],
    reasons: &[crate::clients::redis::reasons::REASONS],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/store.md"),
};

/// A kind of store. A further one is a file or folder with such a constant, its key in `config.rs`, and its
/// line in `KINDS`.
struct Kind {
    /// The key of its address.
    key: &'static str,
    /// Where it listens unless the address says so.
    port: u16,
    example: &'static str,
    of: fn(&Store) -> Option<&SafeUrl>,
    /// Whether an address is one of this kind.
    is_address: fn(&Url) -> bool,
    /// What of its settings cannot be meant.
    mistakes: fn(&Store, &SafeUrl) -> Vec<access::Wrong>,
    target: fn(&str, &Store, &SafeUrl, &mut Plan) -> Target,
}

const KINDS: &[Kind] = &[redis::KIND, qdrant::KIND, mongo::KIND];

/// Declared stores: there is nothing to find them by.
pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(section) = section else {
        let hint = "name Redis, Qdrant or MongoDB under `stores:`, for example `cache: { redis: \"redis://127.0.0.1:6379\" }`";
        return plan.missed("no store is named", hint);
    };
    for (name, store) in section {
        let given = KINDS.iter().filter_map(|kind| Some((kind, (kind.of)(store)?)));
        let [(kind, url)] = given.collect::<Vec<_>>()[..] else {
            let keys: Vec<_> = KINDS.iter().map(|kind| format!("`{}`", kind.key)).collect();
            plan.mistake(name, "", format!("needs one of {}", keys.join(", ")));
            continue;
        };
        if let Err(message) = checked(kind, url) {
            plan.mistake(name, kind.key, message);
            continue;
        }
        for (key, message) in (kind.mistakes)(store, url) {
            plan.mistake(name, &key, message);
        }
        let common = Common {
            timeout: store.timeout,
            thresholds: &store.thresholds,
            service: store.service.as_deref(),
        };
        let target = (kind.target)(name, store, url, plan);
        plan.declare(target.at(url.hosts(kind.port)).read_from(AREA.name, name), &common);
    }
}

/// The address, or what is wrong with it.
fn checked(kind: &Kind, url: &SafeUrl) -> Result<(), String> {
    let wanted = || format!("expected an address such as `{}`", kind.example);
    let parsed = url.parse().map_err(|fault| match fault {
        crate::config::Fault::Shape => wanted(),
        fault => fault.to_string(),
    })?;
    if (kind.is_address)(&parsed) { Ok(()) } else { Err(wanted()) }
}

/// One host with a name.
fn has_host(url: &Url) -> bool {
    matches!(url.hosts.as_slice(), [host] if !host.name.is_empty())
}

#[cfg(test)]
mod tests;
