//! What the answers say, as rows.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::fetch::Raw;
use super::{
    activity, databases, ddl, migrations, pools, queries, replication, schema, server, statements,
    tables, vector,
};
use crate::catalogue::Batch;
use crate::clients::postgres::reasons::{NO_HBA, ROLE_FULL, TLS_REQUIRED};
use crate::clients::postgres::{BOUND, Row, Rows, identifier};
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
    pub replay_lag: Option<f64>,
    pub last_replay: Option<f64>,
    pub started: Option<f64>,
    pub uptime: Option<f64>,
    pub crash_age: Option<f64>,
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
    pub free: Option<u64>,
    pub ratio: Option<f64>,
    pub login: Option<bool>,
    pub login_took: Option<Duration>,
    /// A trial has been made, and why it failed.
    pub tried: bool,
    pub refused: Option<Reason>,
    pub bound: u64,
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

pub fn sample(mut raw: Raw, now: SystemTime) -> Result<Batch, Failure> {
    let seen = std::mem::take(&mut raw.parts.queries);
    let raw = &raw;
    let (server, share) = (raw.place.as_str(), &raw.share);
    let row = raw.server.first().ok_or_else(unexpected)?;
    let facts = server_facts(server, row)?;
    let up = Up { server: server.to_owned(), up: true };
    let mut batch = Batch::new().with(vec![up]).with(vec![version(&facts, row)]);
    let wanted = ["datname", "datallowconn", "datistemplate", "xact_commit"];
    let rows = match complete(&raw.facts.databases, &wanted) {
        Ok(rows) => rows.clone(),
        Err(failure) => {
            batch = batch.gap("databases (pg_stat_database)", failure);
            Rows::default()
        }
    };
    let mut known = known(&rows);
    known.insert(&share.database);
    known.retain(|name| share.tells(name));
    let clients;
    (batch, clients) = sessions(batch, raw, row, &known)?;
    batch = batch.with(vec![capacity(&facts, row, raw, clients)]);
    batch = waits(batch, &raw.facts.waits, &raw.facts.activity, &known);
    let timed = row.flag("track_io_timing") == Some(true);
    let locks = match complete(&raw.facts.locks, &["datname", "mode", "count"]) {
        Ok(rows) => Some(databases::locks(rows)),
        Err(failure) => {
            batch = batch.gap("locks (pg_locks)", failure);
            None
        }
    };
    batch = databases::of(batch, (server, share), &rows, timed, locks.as_ref());
    batch = tables::of(batch, server, raw);
    batch = statements::of(batch, server, raw);
    batch = migrations::of(batch, raw.parts.migrations.value.as_deref());
    if let Some(inside) = &raw.parts.inside.value {
        batch = replication::builds(batch, &share.database, &inside.builds);
    }
    let now = now.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    batch = schema::of(batch, &share.database, raw.parts.schema.value.as_deref(), now);
    batch = vector::of(batch, raw.parts.vector.value.as_deref(), &share.database);
    batch = queries::of(batch, &raw.declared, seen);
    batch = batch.dropped("query_databases", raw.parts.queries_dropped);
    if !share.leads {
        return Ok(batch);
    }
    batch = server::of(
        batch.with(vec![facts]),
        server,
        row,
        &raw.facts,
        raw.parts.set.value.as_deref(),
    );
    Ok(sizes(replication::of(batch, row, &raw.facts), server, raw))
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
        replay_lag: row.number("replay_lag"),
        last_replay: row.number("last_replay"),
        started: row.number("started"),
        uptime: row.number("uptime"),
        crash_age: row.number("crash_age"),
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
    raw: &Raw,
    row: Row,
    known: &BTreeSet<&str>,
) -> Result<(Batch, Option<u64>), Failure> {
    const WHAT: &str = "sessions (pg_stat_activity)";
    let wanted = ["datname", "backend_type", "state", "xact_age", "query_age", "state_age", "own"];
    let (server, leads) = (raw.place.as_str(), raw.share.leads);
    let rows = match complete(&raw.facts.activity, &wanted) {
        Ok(rows) => rows,
        Err(failure) => return Ok((batch.gap(WHAT, failure), None)),
    };
    if row.flag("reads_stats").ok_or_else(unexpected)? {
        let seen = activity::of(server, rows, known);
        let clients = seen.sessions.seen.map(|seen| seen.clients);
        let mut batch =
            batch.with(seen.databases).with(seen.groups).dropped("activity", seen.groups_dropped);
        if raw.share.tells(&raw.share.database) || !raw.pools.is_empty() {
            batch = pools::of(batch, &raw.pools, &raw.share.database, rows);
        }
        if leads {
            batch = batch
                .with(vec![seen.sessions])
                .with(vec![seen.transactions])
                .with(seen.applications)
                .with(seen.idle)
                .dropped("applications", seen.applications_dropped);
        }
        if row.flag("track_activities") == Some(false) {
            let text = "track_activities is off: what sessions do is not known";
            batch = batch.gap(WHAT, Failure::new(Reason::OTHER, text).hint("turn it on"));
        }
        return Ok((batch, clients));
    }
    let role = identifier(row.text("role").unwrap_or("monitor"));
    let text = "the role sees that there are sessions of others, but not what they do";
    let failure = Failure::new(Reason::RIGHTS, text).hint(format!("GRANT pg_monitor TO {role}"));
    let blind = leads.then(|| activity::blind(rows)).into_iter().collect();
    Ok((batch.with(blind).gap(WHAT, failure), None))
}

fn capacity(facts: &Server, row: Row, raw: &Raw, clients: Option<u64>) -> Capacity {
    // What an ordinary role may use; a role with pg_use_reserved_connections has a few more.
    let limit = facts.max_connections.zip(facts.superuser_reserved).map(|(max, superuser)| {
        max.saturating_sub(superuser).saturating_sub(facts.reserved.unwrap_or(0))
    });
    let ratio = clients
        .zip(limit.filter(|limit| *limit > 0))
        .map(|(clients, limit)| clients as f64 / limit as f64);
    let refused = raw.parts.login.failure.as_ref().map(|failure| failure.reason);
    let login = match refused {
        None => raw.parts.login.value.as_ref().map(|_| true),
        // Of our own role: nothing is said of others.
        Some(reason) if OURS.contains(&reason) => None,
        Some(_) => Some(false),
    };
    let of_server = raw.share.leads;
    Capacity {
        limit: limit.filter(|_| of_server),
        free: limit
            .zip(clients)
            .map(|(limit, clients)| limit.saturating_sub(clients))
            .filter(|_| of_server),
        ratio: ratio.filter(|_| of_server),
        login,
        login_took: raw.parts.login.value.as_deref().copied().filter(|_| login == Some(true)),
        tried: login.is_some() || refused.is_some(),
        refused,
        bound: BOUND as u64,
        superuser: row.flag("superuser"),
    }
}

/// Why our own role may be refused where applications are not.
const OURS: [Reason; 6] =
    [Reason::AUTH, Reason::RIGHTS, Reason::TLS, ROLE_FULL, NO_HBA, TLS_REQUIRED];

fn waits(
    batch: Batch,
    rows: &Result<Rows, Failure>,
    activity: &Result<Rows, Failure>,
    known: &BTreeSet<&str>,
) -> Batch {
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
    let activity = activity.as_ref().ok();
    let batch = super::blockers::of(batch.with(found.into_values().collect()), rows, activity);
    ddl::of(batch, rows, activity, known)
}

fn sizes(batch: Batch, server: &str, raw: &Raw) -> Batch {
    let Some(rows) = &raw.parts.sizes.value else { return batch };
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
    use super::super::fetch::Facts;
    use super::super::parts::{Inside, Read, Set};
    use super::super::schema::{Identity, Schema};
    use super::super::share::Share;
    use super::*;
    use crate::clients::postgres::reasons::SERVER_FULL;
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

    fn schema(case: &std::path::Path) -> Latest<Schema> {
        if rows(case, "schema_invalid").is_err() {
            return Latest::default();
        }
        latest(Ok(Schema {
            invalid: rows(case, "schema_invalid"),
            unused: rows(case, "schema_unused"),
            duplicates: rows(case, "schema_duplicates"),
            vacuum: rows(case, "schema_vacuum"),
            sequences: rows(case, "schema_sequences"),
            extensions: rows(case, "schema_extensions"),
            archive: Some(rows(case, "schema_archive")),
            control: Some(rows(case, "schema_control")),
            identity: Identity { id: "1".into(), changed: Some(1_799_999_000.0) },
        }))
    }

    fn of_statements(rows: Rows) -> statements::Statements {
        statements::Statements { rows, texts: BTreeMap::new() }
    }

    #[test]
    fn golden_cases() {
        golden::run("postgres", |case| {
            let login = match golden::file(case, "login.txt") {
                None => latest(Ok(Duration::from_millis(4))),
                Some(_) => latest(Err(Failure::new(SERVER_FULL, "no connection is free"))),
            };
            let facts = Facts {
                activity: rows(case, "activity"),
                databases: rows(case, "databases"),
                locks: rows(case, "locks"),
                waits: rows(case, "waits"),
                background: rows(case, "background"),
                archiver: rows(case, "archiver"),
                wal: rows(case, "wal"),
                slots: rows(case, "slots"),
                senders: rows(case, "senders"),
                receiver: rows(case, "receiver"),
                horizon: rows(case, "horizon"),
            };
            let set = Set {
                settings: rows(case, "settings"),
                every_setting: golden::file(case, "every_setting.txt").is_some(),
                roles: rows(case, "roles"),
            };
            let inside = Inside {
                tables: rows(case, "tables"),
                indexes: rows(case, "indexes"),
                vacuums: rows(case, "vacuums"),
                // Not all servers of these cases are at hand any more.
                builds: rows(case, "builds").or(Ok(Rows::default())),
            };
            let parts = Read {
                sizes: latest(rows(case, "sizes")),
                login,
                set: latest(Ok(set)),
                inside: latest(Ok(inside)),
                table_sizes: latest(rows(case, "table_sizes")),
                own: latest(rows(case, "own")),
                statements: latest(rows(case, "statements").map(of_statements)),
                migrations: latest(Ok(super::super::migrations::Said::default())),
                schema: schema(case),
                vector: latest(Ok(vector::Said::default())),
                queries: Vec::new(),
                queries_dropped: 0,
            };
            let raw = Raw {
                place: "127.0.0.1:5432".into(),
                share: Share::all_of("app"),
                server: rows(case, "server")?,
                facts,
                parts,
                declared: BTreeMap::new(),
                pools: BTreeMap::new(),
            };
            sample(raw, UNIX_EPOCH + Duration::from_hours(500_000))
        });
    }
}
