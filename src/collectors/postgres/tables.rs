//! Tables and indexes of one database: the largest of them, and the rest as a sum.

use super::fetch::Raw;
use super::values::{Values, numbers};
use crate::catalogue::Batch;
use crate::clients::postgres::Row;

/// Indexes for each table that is told of.
pub const INDEXES: u32 = 3;

/// What names a table in series.
#[derive(Clone, Default)]
pub struct Name {
    pub server: String,
    pub database: String,
    pub schema: String,
    pub table: String,
}

pub struct Table {
    pub name: Name,
    pub values: Values,
}

/// A table of many rows that is read from end to end.
pub struct Scanned {
    pub name: Name,
    pub rows: Option<f64>,
}

/// Below so many rows a scan is what the planner should choose.
const LARGE: f64 = 10_000.0;

pub struct TableSize {
    pub name: Name,
    pub table_bytes: Option<f64>,
    pub index_bytes: Option<f64>,
}

pub struct Index {
    pub name: Name,
    pub index: String,
    pub values: Values,
}

/// A vacuum that runs.
pub struct Vacuum {
    pub name: Name,
    pub phase: String,
    /// By the server, and not by hand.
    pub automatic: bool,
    pub values: Values,
}

/// What a vacuum goes through, as the view calls it.
pub const PHASES: [&str; 7] = [
    "initializing",
    "scanning heap",
    "vacuuming indexes",
    "vacuuming heap",
    "cleaning up indexes",
    "truncating heap",
    "performing final cleanup",
];

/// All tables that are not told of one by one.
pub struct Rest {
    pub database: String,
    pub count: Option<f64>,
    pub bytes: Option<f64>,
}

/// What statements of our own role have cost, against all.
pub struct OwnShare {
    pub own: Option<f64>,
    pub of_all: Option<f64>,
}

impl Table {
    pub fn get(&self, column: &str) -> Option<f64> {
        self.values.get(column)
    }

    /// Of what the table may have none, such as indexes: then nothing was read of them.
    pub fn count(&self, column: &str) -> f64 {
        self.get(column).unwrap_or(0.0)
    }
}

fn name(server: &str, row: Row) -> Name {
    let text = |column: &str| row.text(column).unwrap_or_default().to_owned();
    Name {
        server: server.to_owned(),
        database: text("database"),
        schema: text("schemaname"),
        table: text("relname"),
    }
}

pub fn of(mut batch: Batch, server: &str, raw: &Raw) -> Batch {
    if let Some(inside) = &raw.parts.inside.value {
        let table = |(row, values)| Table { name: name(server, row), values };
        match &inside.tables {
            Ok(rows) => {
                let tables: Vec<Table> = numbers(rows).map(table).collect();
                let large = tables.iter().filter(|it| it.count("n_live_tup") > LARGE);
                let scanned =
                    |it: &Table| Scanned { name: it.name.clone(), rows: it.get("seq_tup_read") };
                batch = batch.with(large.map(scanned).collect()).with(tables);
            }
            Err(failure) => batch = batch.gap("tables (pg_stat_user_tables)", failure.clone()),
        }
        let index = |(row, values): (Row, Values)| Index {
            name: name(server, row),
            index: row.text("indexrelname").unwrap_or_default().to_owned(),
            values,
        };
        match &inside.indexes {
            Ok(rows) => {
                let total = rows.first().and_then(|row| row.number::<u64>("total"));
                let dropped = total.unwrap_or_default().saturating_sub(rows.len() as u64);
                batch = batch.with(numbers(rows).map(index).collect()).dropped("indexes", dropped);
            }
            Err(failure) => batch = batch.gap("indexes (pg_statio_user_indexes)", failure.clone()),
        }
    }
    batch = vacuums(batch, server, raw);
    if let Some(rows) = &raw.parts.table_sizes.value {
        let sized = rows.iter().filter(|row| row.text("relname").is_some());
        let size = |row: Row| TableSize {
            name: name(server, row),
            table_bytes: row.number("table_bytes"),
            index_bytes: row.number("index_bytes"),
        };
        let rest = rows.iter().find(|row| row.text("relname").is_none());
        let rest = rest.map(|row| Rest {
            database: row.text("database").unwrap_or_default().to_owned(),
            count: row.number("rest"),
            bytes: row.number("rest_bytes"),
        });
        batch = batch.with(sized.map(size).collect()).with(rest.into_iter().collect());
    }
    let own = raw.parts.own.value.as_ref().and_then(|rows| {
        let row = rows.first()?;
        Some(OwnShare { own: row.number("own"), of_all: row.number("of_all") })
    });
    batch.with(own.into_iter().collect())
}

fn vacuums(batch: Batch, server: &str, raw: &Raw) -> Batch {
    let Some(inside) = &raw.parts.inside.value else { return batch };
    let vacuum = |(row, values): (Row, Values)| Vacuum {
        name: name(server, row),
        phase: row.text("phase").unwrap_or_default().to_owned(),
        automatic: row.flag("automatic") == Some(true),
        values,
    };
    match &inside.vacuums {
        Ok(rows) => batch.with(numbers(rows).map(vacuum).collect()),
        Err(failure) => batch.gap("vacuums (pg_stat_progress_vacuum)", failure.clone()),
    }
}
