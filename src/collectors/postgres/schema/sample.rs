//! What the answers say, as rows.

use super::super::fetch::Answer;
use super::fetch::Schema;
use crate::catalogue::Batch;
use crate::clients::postgres::{Row, Rows};

/// Indexes of one kind: `invalid`, `unused` or `duplicate`.
pub struct Indexes {
    pub database: String,
    pub kind: &'static str,
    pub count: Option<u64>,
    pub bytes: Option<f64>,
}

/// One of them.
pub struct Index {
    pub database: String,
    pub kind: &'static str,
    pub schema: String,
    pub table: String,
    pub name: String,
    /// The one that is like it and stays.
    pub like: String,
    pub bytes: Option<f64>,
}

/// Kinds of indexes that cost and do not help.
pub const KINDS: [&str; 3] = ["invalid", "unused", "duplicate"];

/// What autovacuum has to do in the database.
pub struct Autovacuum {
    pub database: String,
    pub due: Option<u64>,
    pub analyze_due: Option<u64>,
    pub off: Option<u64>,
    pub works: Option<bool>,
    /// For how long the server has been counting.
    pub counting: Option<f64>,
}

/// A table that is over its limit.
pub struct Over {
    pub database: String,
    pub schema: String,
    pub table: String,
    /// Dead rows as parts of the limit.
    pub over: Option<f64>,
}

/// A table for which autovacuum is off.
pub struct Off {
    pub database: String,
    pub schema: String,
    pub table: String,
}

#[derive(Debug, PartialEq)]
pub struct Sequence {
    pub database: String,
    pub schema: String,
    pub name: String,
    pub table: String,
    pub column: String,
    pub used: Option<f64>,
}

/// All sequences of a schema.
#[derive(Debug, PartialEq)]
pub struct Sequences {
    pub database: String,
    pub schema: String,
    pub count: Option<u64>,
    pub unreadable: Option<u64>,
}

pub struct Extension {
    pub database: String,
    pub name: String,
    pub version: String,
    pub available: String,
}

pub struct Extensions {
    pub database: String,
    pub outdated: u64,
}

/// What is asked of the server as seldom.
pub struct Machine {
    pub id: Option<String>,
    pub changed_age: Option<f64>,
    pub checksums: Option<bool>,
    pub ready: Option<u64>,
    pub oldest: Option<f64>,
}

fn text(row: Row, column: &str) -> String {
    row.text(column).unwrap_or_default().to_owned()
}

/// `now` is in seconds since the epoch.
pub fn of(mut batch: Batch, database: &str, schema: Option<&Schema>, now: f64) -> Batch {
    let Some(schema) = schema else { return batch };
    // The first one is told of by the part.
    for (what, failure) in schema.failures().skip(1) {
        batch = batch.gap(what, failure.clone());
    }
    for (kind, answer) in
        KINDS.into_iter().zip([&schema.invalid, &schema.unused, &schema.duplicates])
    {
        if let Ok(rows) = answer {
            batch = indexes(batch, database, kind, rows);
        }
    }
    if let Ok(rows) = &schema.vacuum {
        let counting = schema.unused.as_ref().ok().and_then(|rows| rows.first()?.number("age"));
        batch = vacuum(batch, database, rows, counting);
    }
    if let Ok(rows) = &schema.sequences {
        let unopened = rows.iter().filter_map(|row| row.number::<u64>("unopened")).sum();
        batch = batch
            .with(sequences(database, rows))
            .with(hidden(database, rows))
            .dropped("sequences", unopened);
    }
    if let Ok(rows) = &schema.extensions {
        batch = extensions(batch, database, rows);
    }
    batch.with(machine(schema, now).into_iter().collect())
}

fn indexes(batch: Batch, database: &str, kind: &'static str, rows: &Rows) -> Batch {
    let first = rows.first();
    // Without a row there is none, unless the row says that nothing is said.
    let count = first.map_or(Some(0), |row| row.number("total"));
    let bytes = first.map_or(Some(0.0), |row| row.number("total_bytes"));
    let index = |row: Row| {
        Some(Index {
            database: database.to_owned(),
            kind,
            schema: text(row, "schemaname"),
            table: text(row, "relname"),
            name: row.text("indexrelname")?.to_owned(),
            like: text(row, "kept"),
            bytes: row.number("bytes"),
        })
    };
    let all = Indexes { database: database.to_owned(), kind, count, bytes };
    batch.with(vec![all]).with(rows.iter().filter_map(index).collect())
}

fn vacuum(batch: Batch, database: &str, rows: &Rows, counting: Option<f64>) -> Batch {
    let Some(first) = rows.first() else { return batch };
    // Of a standby, its primary's.
    let told = first.flag("told") == Some(true);
    let number = |column: &str| first.number::<u64>(column).filter(|_| told);
    let all = Autovacuum {
        database: database.to_owned(),
        due: number("due"),
        analyze_due: number("analyze_due"),
        off: number("off"),
        works: first.flag("works").filter(|_| told),
        counting,
    };
    let shown =
        |column: &'static str| rows.iter().filter(move |row| row.flag(column) == Some(true));
    let over = |row: Row| Over {
        database: database.to_owned(),
        schema: text(row, "schemaname"),
        table: text(row, "relname"),
        over: row.number("over"),
    };
    let off = |row: Row| Off {
        database: database.to_owned(),
        schema: text(row, "schemaname"),
        table: text(row, "relname"),
    };
    batch
        .with(vec![all])
        .with(shown("due_shown").map(over).collect())
        .with(shown("off_shown").map(off).collect())
}

pub fn sequences(database: &str, rows: &Rows) -> Vec<Sequence> {
    let sequence = |row: Row| {
        let schema = text(row, "schemaname");
        let table = text(row, "relname");
        let of = row.text("of_schema").filter(|of| *of != schema && !table.is_empty());
        Some(Sequence {
            database: database.to_owned(),
            name: row.text("sequencename")?.to_owned(),
            table: of.map_or(table.clone(), |of| format!("{of}.{table}")),
            column: text(row, "attname"),
            used: row.number("used"),
            schema,
        })
    };
    rows.iter().filter_map(sequence).collect()
}

pub fn hidden(database: &str, rows: &Rows) -> Vec<Sequences> {
    let schema = |row: Row| Sequences {
        database: database.to_owned(),
        schema: text(row, "schemaname"),
        count: row.number("every"),
        unreadable: row.number("unreadable"),
    };
    rows.iter().filter(|row| row.text("sequencename").is_none()).map(schema).collect()
}

fn extensions(batch: Batch, database: &str, rows: &Rows) -> Batch {
    let extension = |row: Row| Extension {
        database: database.to_owned(),
        name: text(row, "extname"),
        version: text(row, "extversion"),
        available: text(row, "available"),
    };
    let first = rows.first();
    let number = |column: &str| first.and_then(|row| row.number::<u64>(column)).unwrap_or(0);
    let dropped = number("total").saturating_sub(rows.len() as u64);
    let all = Extensions { database: database.to_owned(), outdated: number("total_outdated") };
    batch.with(vec![all]).with(rows.iter().map(extension).collect()).dropped("extensions", dropped)
}

fn answered(answer: Option<&Answer>) -> Option<&Rows> {
    answer?.as_ref().ok()
}

fn machine(schema: &Schema, now: f64) -> Option<Machine> {
    let (archive, control) = (schema.archive.as_ref(), schema.control.as_ref());
    let waiting = answered(archive).and_then(Rows::first);
    let own = answered(control).and_then(Rows::first);
    let machine = Machine {
        id: own.and_then(|row| row.text("system_identifier")).map(ToOwned::to_owned),
        changed_age: own.and(schema.identity.changed).map(|at| (now - at).max(0.0)),
        checksums: own.and_then(|row| row.flag("checksums")),
        ready: waiting.and_then(|row| row.number("ready")),
        // None waits: it has waited for no time.
        oldest: waiting.map(|row| row.number::<f64>("oldest").unwrap_or_default().max(0.0)),
    };
    (archive.is_some() || control.is_some()).then_some(machine)
}
