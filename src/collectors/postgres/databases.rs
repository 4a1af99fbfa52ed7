//! What the server knows of its databases: `pg_stat_database`, `pg_database` and locks by mode.

use std::collections::BTreeMap;

use super::share::Share;
use crate::catalogue::Batch;
use crate::clients::postgres::{Row, Rows};

/// Databases beyond this are left out and counted; the queries have the same limit.
const DATABASES: u64 = 200;

/// Modes of `pg_locks`, each with a 0 for every database.
pub const MODES: [&str; 9] = [
    "accesssharelock",
    "rowsharelock",
    "rowexclusivelock",
    "shareupdateexclusivelock",
    "sharelock",
    "sharerowexclusivelock",
    "exclusivelock",
    "accessexclusivelock",
    "sireadlock",
];

/// A row of `pg_stat_database`.
pub struct Statistics {
    pub server: String,
    pub id: String,
    pub database: String,
    pub values: BTreeMap<&'static str, f64>,
}

/// What went wrong in a database.
pub struct Losses {
    pub database: String,
    pub abandoned: Option<u64>,
    pub fatal: Option<u64>,
    pub killed: Option<u64>,
    pub checksum_failures: Option<u64>,
    /// Seconds since the last one.
    pub checksum_age: Option<f64>,
}

pub struct Database {
    pub server: String,
    pub name: String,
    pub connection_limit: Option<i64>,
    pub xid_age: Option<u64>,
    pub mxid_age: Option<u64>,
    pub locks: Option<BTreeMap<String, u64>>,
    /// What an interrupted DROP DATABASE leaves.
    pub invalid: bool,
    /// Sessions as a share of the database's own limit.
    pub full: Option<f64>,
}

/// Columns of `pg_stat_database` that are taken over; which there are differs by version.
const COLUMNS: [&str; 24] = [
    "numbackends",
    "xact_commit",
    "xact_rollback",
    "blks_read",
    "blks_hit",
    "tup_returned",
    "tup_fetched",
    "tup_inserted",
    "tup_updated",
    "tup_deleted",
    "conflicts",
    "temp_files",
    "temp_bytes",
    "deadlocks",
    "blk_read_time",
    "blk_write_time",
    "reset_at",
    "active_time",
    "confl_tablespace",
    "confl_lock",
    "confl_snapshot",
    "confl_bufferpin",
    "confl_deadlock",
    "confl_active_logicalslot",
];

/// Locks by database and mode.
pub type Locks<'a> = BTreeMap<&'a str, BTreeMap<String, u64>>;

pub fn locks(rows: &Rows) -> Locks<'_> {
    let mut locks = Locks::new();
    for row in rows.iter() {
        let named = row.text("datname").zip(row.text("mode")).zip(row.number("count"));
        if let Some(((database, mode), count)) = named {
            locks.entry(database).or_default().insert(mode.to_owned(), count);
        }
    }
    locks
}

/// `timed`: whether times of blocks are measured; without, their 0 says nothing.
pub fn of(
    batch: Batch,
    (server, share): (&str, &Share),
    rows: &Rows,
    timed: bool,
    locks: Option<&Locks>,
) -> Batch {
    let named = || {
        let told = rows.iter().filter_map(|row| Some((row, row.text("datname")?.to_owned())));
        told.filter(|(_, name)| share.tells(name))
    };
    let statistics = named().map(|(row, database)| {
        let id = row.text("datid").unwrap_or_default().to_owned();
        Statistics { server: server.to_owned(), id, database, values: values(row, timed) }
    });
    let losses = named().map(|(row, database)| Losses {
        database,
        abandoned: row.number("sessions_abandoned"),
        fatal: row.number("sessions_fatal"),
        killed: row.number("sessions_killed"),
        checksum_failures: row.number("checksum_failures"),
        checksum_age: row.number("checksum_age"),
    });
    let databases = named().map(|(row, name)| Database {
        server: server.to_owned(),
        connection_limit: row.number("datconnlimit"),
        xid_age: row.number("xid_age"),
        mxid_age: row.number("mxid_age"),
        locks: locks.map(|locks| all_modes(locks.get(name.as_str()))),
        invalid: row.number("datconnlimit") == Some(INVALID),
        full: full(row),
        name,
    });
    let total = rows.first().and_then(|row| row.number::<u64>("total")).unwrap_or_default();
    batch
        .with(statistics.collect())
        .with(losses.collect())
        .with(databases.collect())
        .dropped("databases", if share.leads { total.saturating_sub(DATABASES) } else { 0 })
}

/// The limit of a database that is not valid any more.
const INVALID: i64 = -2;

fn full(row: Row) -> Option<f64> {
    let limit: f64 = row.number("datconnlimit").filter(|limit| *limit > 0.0)?;
    Some(row.number::<f64>("numbackends")? / limit)
}

fn values(row: Row, timed: bool) -> BTreeMap<&'static str, f64> {
    let wanted = COLUMNS.iter().filter(|column| timed || !column.starts_with("blk_"));
    wanted.filter_map(|column| Some((*column, row.number(column)?))).collect()
}

fn all_modes(found: Option<&BTreeMap<String, u64>>) -> BTreeMap<String, u64> {
    let mut modes = found.cloned().unwrap_or_default();
    for mode in MODES {
        modes.entry(mode.to_owned()).or_default();
    }
    modes
}
