//! What the answers say of vectors, as rows.

use std::collections::BTreeMap;

use crate::catalogue::{Batch, Cell, Column as Head, Detail};
use crate::clients::postgres::{Row, Rows};
use crate::text::short;

/// Which index the tables have that a search names.
pub const INDEXES: [&str; 4] = ["hnsw", "ivfflat", "both", "none"];
/// The longest text of an index' options that is shown.
const OPTIONS: usize = 80;
/// Statements on the page.
const SHOWN: usize = 50;

/// What a statement is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Class {
    pub index: &'static str,
    /// Its form is one that no index can serve.
    pub past: bool,
}

/// What a statement has done.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Numbers {
    pub calls: u64,
    pub seconds: f64,
    pub rows: u64,
}

impl Numbers {
    pub fn add(&mut self, more: Self) {
        self.calls += more.calls;
        self.seconds += more.seconds;
        self.rows += more.rows;
    }

    /// All of it, where the count began anew.
    pub fn since(self, before: Self) -> Self {
        if self.calls < before.calls {
            return self;
        }
        Self {
            calls: self.calls - before.calls,
            seconds: (self.seconds - before.seconds).max(0.0),
            rows: self.rows.saturating_sub(before.rows),
        }
    }
}

/// All that was read; without a version the extension is not there.
#[derive(Default)]
pub struct Said {
    pub version: String,
    pub columns: Rows,
    pub indexes: Rows,
    pub totals: BTreeMap<Class, Numbers>,
    pub statements: Vec<(i64, Class, Numbers)>,
}

/// A column of vectors.
#[derive(Debug, PartialEq)]
pub struct Column {
    pub database: String,
    pub schema: String,
    pub table: String,
    pub name: String,
    pub indexed: bool,
    pub rows: Option<f64>,
}

/// An index that finds the nearest.
#[derive(Debug, PartialEq)]
pub struct Index {
    pub database: String,
    pub schema: String,
    pub table: String,
    pub name: String,
    pub method: &'static str,
    pub options: String,
    pub opclass: String,
    pub valid: bool,
    pub bytes: Option<u64>,
    pub scans: Option<u64>,
}

/// Searches of tables with one kind of index.
#[derive(Debug, PartialEq)]
pub struct Search {
    pub database: String,
    pub index: &'static str,
    pub all: Numbers,
    /// Those that no index can serve.
    pub past: u64,
}

pub fn classes(rows: &Rows) -> BTreeMap<i64, Class> {
    let class = |row: Row| {
        let index = match (row.flag("hnsw") == Some(true), row.flag("ivfflat") == Some(true)) {
            (true, false) => "hnsw",
            (false, true) => "ivfflat",
            (true, true) => "both",
            (false, false) => "none",
        };
        Some((row.number("queryid")?, Class { index, past: row.flag("past") == Some(true) }))
    };
    rows.iter().filter_map(class).collect()
}

pub fn numbers(rows: &Rows) -> impl Iterator<Item = (i64, Numbers)> {
    rows.iter().filter_map(|row| {
        let seconds = row.number::<f64>("seconds").filter(|seconds| seconds.is_finite());
        let numbers = Numbers {
            calls: row.number("calls")?,
            seconds: seconds?,
            rows: row.number("rows").unwrap_or_default(),
        };
        Some((row.number("queryid")?, numbers))
    })
}

pub fn of(batch: Batch, said: Option<&Said>, database: &str) -> Batch {
    let Some(said) = said.filter(|said| !said.version.is_empty()) else { return batch };
    let left_out = |rows: &Rows| {
        let total: u64 = rows.first().and_then(|row| row.number("total")).unwrap_or_default();
        total.saturating_sub(rows.len() as u64)
    };
    batch
        .with(said.columns.iter().map(column).collect())
        .with(said.indexes.iter().filter_map(index).collect())
        .with(searches(&said.totals, database))
        .dropped("vector_columns", left_out(&said.columns))
        .dropped("vector_indexes", left_out(&said.indexes))
        .detail(indexes_table(said))
        .detail(searches_table(said))
}

fn text(row: Row, column: &str) -> String {
    row.text(column).unwrap_or_default().to_owned()
}

fn column(row: Row) -> Column {
    Column {
        database: text(row, "database"),
        schema: text(row, "schemaname"),
        table: text(row, "relname"),
        name: text(row, "attname"),
        indexed: row.flag("indexed") == Some(true),
        rows: row.number("rows"),
    }
}

fn index(row: Row) -> Option<Index> {
    let method = INDEXES.into_iter().find(|name| Some(*name) == row.text("method"))?;
    Some(Index {
        database: text(row, "database"),
        schema: text(row, "schemaname"),
        table: text(row, "relname"),
        name: text(row, "indexrelname"),
        method,
        options: short(&text(row, "options"), OPTIONS).into_owned(),
        opclass: short(&text(row, "opclass"), OPTIONS).into_owned(),
        valid: row.flag("valid") == Some(true),
        bytes: row.number("bytes"),
        scans: row.number("scans"),
    })
}

fn searches(totals: &BTreeMap<Class, Numbers>, database: &str) -> Vec<Search> {
    let of = |index: &'static str| {
        let mut found = None;
        for (class, numbers) in totals.iter().filter(|(class, _)| class.index == index) {
            let search = found.get_or_insert_with(|| Search {
                database: database.to_owned(),
                index,
                all: Numbers::default(),
                past: 0,
            });
            search.all.add(*numbers);
            if class.past {
                search.past += numbers.calls;
            }
        }
        found
    };
    INDEXES.into_iter().filter_map(of).collect()
}

fn heads<const N: usize>(columns: [(&'static str, &'static str); N]) -> Vec<Head> {
    columns.map(|(name, title)| Head { name, title }).to_vec()
}

fn indexes_table(said: &Said) -> Detail {
    let columns = heads([
        ("index", "Index"),
        ("table", "Table"),
        ("method", "Method"),
        ("opclass", "For"),
        ("options", "Options"),
        ("scans", "Scans"),
        ("size", "Bytes"),
        ("state", "State"),
    ]);
    let cells = |index: Index| {
        let count = |number: Option<u64>| number.map_or(Cell::Text("?".into()), Cell::Count);
        vec![
            Cell::Text(index.name),
            Cell::Text(format!("{}.{}", index.schema, index.table)),
            Cell::Text(index.method.to_owned()),
            Cell::Text(index.opclass),
            Cell::Text(index.options),
            count(index.scans),
            count(index.bytes),
            Cell::Text(if index.valid { "" } else { "not valid, and not used" }.to_owned()),
        ]
    };
    let rows = said.indexes.iter().filter_map(index).map(cells).collect();
    Detail { title: "Indexes of vectors", name: "vector_indexes", columns, rows }
}

/// Fewer rows a call than the query asks for are what an index loses beside a filter.
fn searches_table(said: &Said) -> Detail {
    let columns = heads([
        ("queryid", "Number"),
        ("index", "Index of its tables"),
        ("calls", "Calls"),
        ("mean_seconds", "Mean"),
        ("rows_per_call", "Rows a call"),
        ("note", "Note"),
    ]);
    let mut statements = said.statements.clone();
    statements.sort_by(|(_, _, one), (_, _, other)| other.seconds.total_cmp(&one.seconds));
    let cells = |(id, class, numbers): (i64, Class, Numbers)| {
        let calls = numbers.calls.max(1) as f64;
        let note =
            if class.past && class.index != "none" { "no index can serve this form" } else { "" };
        vec![
            Cell::Text(id.to_string()),
            Cell::Text(class.index.to_owned()),
            Cell::Count(numbers.calls),
            Cell::Seconds(numbers.seconds / calls),
            Cell::Text(format!("{:.1}", numbers.rows as f64 / calls)),
            Cell::Text(note.to_owned()),
        ]
    };
    let rows = statements.into_iter().take(SHOWN).map(cells).collect();
    Detail { title: "Searches for vectors", name: "vector_searches", columns, rows }
}
