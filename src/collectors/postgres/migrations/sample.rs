//! What the tables of migrations say, as rows.

use crate::catalogue::Batch;
use crate::clients::postgres::{Row, Rows, identifier};
use crate::failure::{Failure, Reason};
use crate::text::short;

/// The longest revision that is shown.
const REVISION: usize = 128;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Tool {
    Alembic,
    Django,
    Flyway,
    Sqlx,
    Prisma,
    Diesel,
}

impl Tool {
    const ALL: [Self; 6] =
        [Self::Alembic, Self::Django, Self::Flyway, Self::Sqlx, Self::Prisma, Self::Diesel];

    pub const fn table(self) -> &'static str {
        match self {
            Self::Alembic => "alembic_version",
            Self::Django => "django_migrations",
            Self::Flyway => "flyway_schema_history",
            Self::Sqlx => "_sqlx_migrations",
            Self::Prisma => "_prisma_migrations",
            Self::Diesel => "__diesel_schema_migrations",
        }
    }

    /// By these it is the tool's, and not somebody else's of this name.
    const fn columns(self) -> &'static [&'static str] {
        match self {
            Self::Alembic => &["version_num"],
            Self::Django => &["id", "app", "name", "applied"],
            Self::Flyway => &["installed_rank", "version", "installed_on", "success"],
            Self::Sqlx => &["version", "installed_on", "success"],
            Self::Prisma => &["migration_name", "started_at", "finished_at", "rolled_back_at"],
            Self::Diesel => &["version", "run_on"],
        }
    }
}

/// A table that was found.
#[derive(Debug)]
pub struct Place {
    pub database: String,
    pub schema: String,
    pub tool: Tool,
    /// Why it is not read.
    pub trouble: Option<Failure>,
}

impl Place {
    pub fn title(&self) -> String {
        format!("{}.{}", identifier(&self.schema), self.tool.table())
    }
}

/// All that was found.
#[derive(Default)]
pub struct Said {
    pub migrations: Vec<Migration>,
}

/// The migrations of one tool in one schema.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Migration {
    pub database: String,
    pub schema: String,
    pub table: &'static str,
    pub readable: bool,
    pub revisions: Vec<String>,
    pub heads: Option<u64>,
    pub count: Option<u64>,
    pub failed: Option<u64>,
    /// Time since the last one, in seconds.
    pub age: Option<f64>,
    /// Whether it is at the expected revision.
    pub expected: Option<bool>,
}

/// The revision that is expected, and whether anything was held against it.
#[derive(Debug, Default)]
pub struct Expected {
    revision: Option<String>,
    table: Option<String>,
    pub was_compared: bool,
}

impl Expected {
    pub fn unknown() -> Self {
        Self::default()
    }

    pub fn is_about(&self, place: &Place) -> bool {
        let named = format!("{}.{}", place.schema, place.tool.table());
        self.table.as_ref().is_none_or(|table| *table == named)
    }

    fn compare(&mut self, place: &Place, revisions: &[String]) -> Option<bool> {
        let wanted = self.revision.as_ref()?;
        if !self.is_about(place) {
            return None;
        }
        self.was_compared = true;
        Some(revisions == [short(wanted, REVISION).into_owned()])
    }
}

/// The first word counts: Alembic writes `ae1027a6acf (head)`.
pub fn expected(text: &str, table: Option<&str>) -> Expected {
    let revision = text.split_whitespace().next().map(ToOwned::to_owned);
    Expected { revision, table: table.map(ToOwned::to_owned), was_compared: false }
}

/// The tables that are of a tool, and why some are not read.
pub fn places(rows: &Rows) -> Vec<Place> {
    let of = |row: Row| {
        let text = |column: &str| row.text(column).unwrap_or_default().to_owned();
        let tool = Tool::ALL.into_iter().find(|tool| Some(tool.table()) == row.text("relname"))?;
        let columns = text("columns");
        let columns: Vec<&str> = columns.split(',').collect();
        if !tool.columns().iter().all(|wanted| columns.contains(wanted)) {
            return None;
        }
        let mut place =
            Place { database: text("database"), schema: text("schemaname"), tool, trouble: None };
        place.trouble = trouble(&place, row);
        Some(place)
    };
    rows.iter().filter_map(of).collect()
}

fn trouble(place: &Place, row: Row) -> Option<Failure> {
    let role = identifier(row.text("role").unwrap_or("monitor"));
    let (title, schema) = (place.title(), identifier(&place.schema));
    if row.flag("usable") != Some(true) {
        let text = format!("schema {schema} with the table of migrations may not be used");
        let hint =
            format!("GRANT USAGE ON SCHEMA {schema} TO {role}; GRANT SELECT ON {title} TO {role}");
        return Some(Failure::new(Reason::RIGHTS, text).hint(hint));
    }
    if row.flag("readable") != Some(true) {
        let text = format!("table {title} may not be read");
        let hint = format!("GRANT SELECT ON {title} TO {role}");
        return Some(Failure::new(Reason::RIGHTS, text).hint(hint));
    }
    if row.flag("plain") != Some(true) {
        let text =
            format!("table {title} is no plain table: reading it could run what its owner defines");
        let hint =
            "row-level security and types of one's own are not read; write a query under `queries`";
        return Some(Failure::new(Reason::OTHER, text).hint(hint));
    }
    None
}

/// What a table says; without an answer, that it cannot be read.
pub fn migration(place: Place, rows: Option<&Rows>, expected: &mut Expected) -> Migration {
    let first = rows.and_then(Rows::first);
    let revisions: Vec<String> = rows
        .into_iter()
        .flat_map(Rows::iter)
        .filter_map(|row| row.text("revision"))
        .map(|revision| short(revision, REVISION).into_owned())
        .collect();
    // A table without a row has no head.
    let heads = (place.tool == Tool::Alembic && rows.is_some())
        .then(|| first.and_then(|row| row.number("heads")).unwrap_or(0));
    let number = |column: &str| first.and_then(|row| row.number::<u64>(column));
    // Django's query has a row where there is one.
    let count = number("count").or_else(|| {
        (place.tool != Tool::Alembic && rows.is_some() && first.is_none()).then_some(0)
    });
    Migration {
        readable: rows.is_some(),
        heads,
        count,
        failed: number("failed"),
        age: first.and_then(|row| row.number::<f64>("age")).map(|age| age.max(0.0)),
        expected: rows.and_then(|_| expected.compare(&place, &revisions)),
        revisions,
        table: place.tool.table(),
        database: place.database,
        schema: place.schema,
    }
}

pub fn of(batch: Batch, said: Option<&Said>) -> Batch {
    batch.with(said.map(|said| said.migrations.clone()).unwrap_or_default())
}
