//! What the answers say, as rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::fetch::Raw;
use super::{activity, databases};
use crate::catalogue::Batch;
use crate::clients::postgres::{NO_SLOT, Row, Rows, identifier};
use crate::failure::{Failure, Reason};

/// The one row that is there while the target is down, too.
pub struct Up {
    pub server: String,
    pub up: bool,
}

#[derive(Clone)]
pub struct Server {
    pub place: String,
    pub version_num: u32,
    pub replica: Option<bool>,
    pub started: Option<f64>,
    pub max_connections: Option<u64>,
    pub superuser_reserved: Option<u64>,
    /// From version 16 on.
    pub reserved: Option<u64>,
}

pub struct Version {
    pub server: String,
    pub text: String,
    pub short: String,
}

/// Room for connections, whether one gets in, and as whom.
pub struct Capacity {
    pub limit: Option<u64>,
    pub ratio: Option<f64>,
    pub login: Option<bool>,
    pub login_took: Option<Duration>,
    pub superuser: Option<bool>,
}

/// Sessions that wait for a lock.
#[derive(Default)]
pub struct Waits {
    pub database: String,
    pub sessions: u64,
    pub longest: f64,
}

pub struct Size {
    pub server: String,
    pub database: String,
    pub bytes: Option<u64>,
}

pub fn sample(server: &str, raw: &Raw) -> Result<Batch, Failure> {
    let row = raw.server.first().ok_or_else(unexpected)?;
    let facts = server_facts(server, row)?;
    let up = Up { server: server.to_owned(), up: true };
    let mut batch = Batch::new().with(vec![up]).with(vec![version(&facts, row)]);
    let wanted = ["datname", "datallowconn", "datistemplate", "xact_commit"];
    let rows = match complete(&raw.databases, &wanted) {
        Ok(rows) => rows.clone(),
        Err(failure) => {
            batch = batch.gap("databases (pg_stat_database)", failure);
            Rows::default()
        }
    };
    let mut known = known(&rows);
    known.extend(row.text("database"));
    let clients;
    (batch, clients) = sessions(batch, server, raw, row, &known)?;
    batch = batch.with(vec![capacity(&facts, row, raw, clients)]).with(vec![facts]);
    batch = waits(batch, &raw.waits, &known);
    let timed = row.flag("track_io_timing") == Some(true);
    let locks = match complete(&raw.locks, &["datname", "mode", "count"]) {
        Ok(rows) => Some(databases::locks(rows)),
        Err(failure) => {
            batch = batch.gap("locks (pg_locks)", failure);
            None
        }
    };
    batch = databases::of(batch, server, &rows, timed, locks.as_ref());
    Ok(sizes(batch, server, raw))
}

fn unexpected() -> Failure {
    Failure::new(Reason::PARSE, "the server's answer lacks columns or rows that were asked for")
        .hint("is this PostgreSQL itself, version 10 or later?")
}

/// The answer, if it has the columns that must not be missing.
fn complete<'a>(answer: &'a Result<Rows, Failure>, wanted: &[&str]) -> Result<&'a Rows, Failure> {
    let rows = answer.as_ref().map_err(Clone::clone)?;
    let has = |wanted: &&str| rows.columns().iter().any(|column| column == wanted);
    if wanted.iter().all(has) { Ok(rows) } else { Err(unexpected()) }
}

fn server_facts(server: &str, row: Row) -> Result<Server, Failure> {
    Ok(Server {
        place: server.to_owned(),
        version_num: row.number("version_num").ok_or_else(unexpected)?,
        replica: row.flag("replica"),
        started: row.number("started"),
        max_connections: row.number("max_connections"),
        superuser_reserved: row.number("superuser_reserved"),
        reserved: row.number("reserved"),
    })
}

fn version(facts: &Server, row: Row) -> Version {
    let (major, minor) = (facts.version_num / 10_000, facts.version_num % 10_000);
    Version {
        server: facts.place.clone(),
        text: row.text("version").unwrap_or_default().chars().take(200).collect(),
        short: format!("{major}.{minor}.0"),
    }
}

/// Databases that one can connect to: they have a 0 where nothing happens.
fn known(databases: &Rows) -> BTreeSet<&str> {
    let named = databases.iter().filter(|row| {
        row.flag("datallowconn") == Some(true) && row.flag("datistemplate") == Some(false)
    });
    named.filter_map(|row| row.text("datname")).collect()
}

/// The sessions, and how many of them are clients.
fn sessions(
    batch: Batch,
    server: &str,
    raw: &Raw,
    row: Row,
    known: &BTreeSet<&str>,
) -> Result<(Batch, Option<u64>), Failure> {
    const WHAT: &str = "sessions (pg_stat_activity)";
    let wanted = ["datname", "backend_type", "state", "xact_age", "query_age", "state_age", "own"];
    let rows = match complete(&raw.activity, &wanted) {
        Ok(rows) => rows,
        Err(failure) => return Ok((batch.gap(WHAT, failure), None)),
    };
    if row.flag("reads_stats").ok_or_else(unexpected)? {
        let seen = activity::of(server, rows, known);
        let clients = seen.sessions.seen.map(|seen| seen.clients);
        let mut batch = batch
            .with(vec![seen.sessions])
            .with(vec![seen.transactions])
            .with(seen.databases)
            .with(seen.groups)
            .with(seen.applications)
            .dropped("activity", seen.groups_dropped)
            .dropped("applications", seen.applications_dropped);
        if row.flag("track_activities") == Some(false) {
            let text = "track_activities is off: what sessions do is not known";
            batch = batch.gap(WHAT, Failure::new(Reason::OTHER, text).hint("turn it on"));
        }
        return Ok((batch, clients));
    }
    let role = identifier(row.text("role").unwrap_or("monitor"));
    let text = "the role sees that there are sessions of others, but not what they do";
    let failure = Failure::new(Reason::RIGHTS, text).hint(format!("GRANT pg_monitor TO {role}"));
    Ok((batch.with(vec![activity::blind(rows)]).gap(WHAT, failure), None))
}

fn capacity(facts: &Server, row: Row, raw: &Raw, clients: Option<u64>) -> Capacity {
    // What an ordinary role may use; a role with pg_use_reserved_connections has a few more.
    let limit = facts.max_connections.zip(facts.superuser_reserved).map(|(max, superuser)| {
        max.saturating_sub(superuser).saturating_sub(facts.reserved.unwrap_or(0))
    });
    let ratio = clients
        .zip(limit.filter(|limit| *limit > 0))
        .map(|(clients, limit)| clients as f64 / limit as f64);
    let login = match &raw.login.failure {
        None => raw.login.value.as_ref().map(|_| true),
        Some(failure) if own_limit(row, failure) => None,
        Some(_) => Some(false),
    };
    Capacity {
        limit,
        ratio,
        login,
        login_took: raw.login.value.as_deref().copied().filter(|_| login == Some(true)),
        superuser: row.flag("superuser"),
    }
}

/// Whether a log-in was refused for a limit that applications need not share.
fn own_limit(row: Row, failure: &Failure) -> bool {
    let limited = row.number::<i64>("role_limit").is_some_and(|limit| limit >= 0);
    failure.detail.ends_with(NO_SLOT) && limited
}

/// Why a trial log-in failed, with what to do where only our own role is at its limit.
pub fn log_in_failure(server: &Rows, failure: Failure) -> Failure {
    let Some(row) = server.first().filter(|row| own_limit(*row, &failure)) else { return failure };
    let role = identifier(row.text("role").unwrap_or("monitor"));
    failure.hint(format!("ALTER ROLE {role} CONNECTION LIMIT 5"))
}

fn waits(batch: Batch, rows: &Result<Rows, Failure>, known: &BTreeSet<&str>) -> Batch {
    let rows = match complete(rows, &["pid", "datname", "waited"]) {
        Ok(rows) => rows,
        Err(failure) => return batch.gap("waits for locks (pg_locks)", failure),
    };
    let mut found: BTreeMap<&str, Waits> = known
        .iter()
        .map(|name| (*name, Waits { database: (*name).to_owned(), ..Waits::default() }))
        .collect();
    let mut seen = BTreeSet::new();
    for row in rows.iter() {
        let database = row.text("datname").and_then(|name| found.get_mut(name));
        let (Some(waits), Some(pid)) = (database, row.text("pid")) else { continue };
        waits.sessions += u64::from(seen.insert(pid));
        // For a moment after its start a wait has no time yet.
        waits.longest = waits.longest.max(row.number("waited").unwrap_or_default());
    }
    batch.with(found.into_values().collect())
}

fn sizes(batch: Batch, server: &str, raw: &Raw) -> Batch {
    let Some(rows) = &raw.sizes.value else { return batch };
    let sizes = rows.iter().filter_map(|row| {
        Some(Size {
            server: server.to_owned(),
            database: row.text("datname")?.to_owned(),
            bytes: row.number("bytes"),
        })
    });
    batch.with(sizes.collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::engine::Latest;
    use crate::golden;

    /// Files are named after queries; one that is missing is a query that was stopped.
    fn rows(case: &std::path::Path, name: &str) -> Result<Rows, Failure> {
        let text = golden::file(case, &format!("{name}.json"))
            .ok_or_else(|| Failure::new(Reason::TIMEOUT, "the query was stopped by the server"))?;
        Ok(serde_json::from_slice(&text).expect("rows"))
    }

    fn latest<T>(read: Result<T, Failure>) -> Latest<T> {
        match read {
            Ok(value) => Latest { value: Some(value.into()), failure: None },
            Err(failure) => Latest { value: None, failure: Some(failure) },
        }
    }

    #[test]
    fn golden_cases() {
        golden::run("postgres", |case| {
            let login = match golden::file(case, "login.txt") {
                None => latest(Ok(Duration::from_millis(4))),
                Some(text) => {
                    let text = String::from_utf8_lossy(&text);
                    latest(Err(Failure::new(Reason::OTHER, text.trim())))
                }
            };
            let raw = Raw {
                server: rows(case, "server")?,
                activity: rows(case, "activity"),
                databases: rows(case, "databases"),
                locks: rows(case, "locks"),
                waits: rows(case, "waits"),
                sizes: latest(rows(case, "sizes")),
                login,
            };
            sample("127.0.0.1:5432", &raw)
        });
    }
}
