//! Rows of a statement, bounded, and the statements for a table.

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;
use std::time::{SystemTime, UNIX_EPOCH};

use rusqlite::Connection;
use rusqlite::types::ValueRef;

use super::super::config::{Sqlite, Zone};
use super::super::table::Table;
use super::failure;
use crate::failure::{Failure, Reason};

/// Rows of a query, and jobs that are worked on; with more the table is not the queue we think.
pub const ROWS: usize = 10_000;
/// Columns of a query: four are of use.
const COLUMNS: usize = 64;
/// Bytes of a word. Longer names are no names of queues, which are left out at a tenth of it.
const WORD: usize = 1024;
/// When one of these, or of memory or length, is hit.
pub const FULL: Reason = Reason::PROTOCOL;

pub fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// Names as SQL, checked against the file: `SQLite` takes a quoted name that it does not know for
/// a text.
pub struct Names {
    pub table: String,
    pub status: String,
    pub queue: Option<String>,
    pub created: String,
    pub started: String,
}

impl Names {
    pub fn new(sqlite: &Sqlite, connection: &Connection) -> Result<Self, Failure> {
        let table = sqlite.table.as_deref().unwrap_or("tasks");
        let sql = "SELECT name FROM pragma_table_xinfo(?1)";
        let found = rows(connection, sql, &[table.to_owned()])?.rows;
        let known: Vec<String> = found.into_iter().flatten().flatten().collect();
        let missing = |what: String| {
            Failure::new(Reason::NOT_FOUND, what).hint("see `sqlite3 <file> .schema` for the names")
        };
        if known.is_empty() {
            return Err(missing(format!("the file has no table `{table}`")));
        }
        let column = |name: &str| {
            if known.iter().any(|known| known.eq_ignore_ascii_case(name)) {
                Ok(quoted(name))
            } else {
                Err(missing(format!("the table `{table}` has no column `{name}`")))
            }
        };
        let created = &sqlite.created_at;
        let started = sqlite.started_at.as_ref().unwrap_or(created);
        Ok(Self {
            status: column(&sqlite.status)?,
            queue: sqlite.queue.as_deref().map(column).transpose()?,
            created: epoch(&column(created)?, sqlite.times),
            started: epoch(&column(started)?, sqlite.times),
            table: quoted(table),
        })
    }
}

fn quoted(name: &str) -> String {
    format!("\"{}\"", name.replace('"', "\"\""))
}

/// SQL for a time column as a number since 1970, in whatever unit it has. What SQLite cannot read comes as it is,
/// behind a mark.
fn epoch(column: &str, times: Zone) -> String {
    let zone = match times {
        Zone::Utc => "",
        Zone::Local => ", 'utc'",
    };
    format!(
        "CASE typeof({column}) WHEN 'text' THEN coalesce((julianday({column}{zone}) - 2440587.5) * 86400.0, \
         '{MARK}' || substr({column}, 1, 40)) ELSE {column} END"
    )
}

const MARK: char = '?';

/// Ages, and what of the times is in no form that can be read.
#[derive(Default)]
pub struct Ages {
    unread: u64,
    example: Option<String>,
}

impl Ages {
    pub fn of(&mut self, time: &str, now: SystemTime) -> Option<f64> {
        let age = age(time, now);
        if age.is_none() && !time.trim().is_empty() {
            self.unread += 1;
            // A text that is no time may be anything, so no more of it than tells its form.
            let shown = || time.trim_start_matches(MARK).chars().take(30).collect();
            self.example.get_or_insert_with(shown);
        }
        age
    }

    pub fn unread(self) -> Option<(u64, String)> {
        Some((self.unread, self.example?))
    }
}

/// Times with a zone that SQLite does not read: Python's `%z`, and a name.
fn with_zone(text: &str) -> Option<f64> {
    let text = text.strip_suffix(" UTC").map_or(text.to_owned(), |time| format!("{time}+0000"));
    let text = text.replacen(' ', "T", 1);
    let parsed = ["%Y-%m-%dT%H:%M:%S%.f%z", "%Y-%m-%dT%H:%M%z"]
        .iter()
        .find_map(|form| jiff::Timestamp::strptime(form, &text).ok());
    parsed.map(|time| time.as_nanosecond() as f64 / 1e9)
}

/// Seconds since a time in seconds, milliseconds, microseconds or nanoseconds.
fn age(time: &str, now: SystemTime) -> Option<f64> {
    let text = time.trim_start_matches(MARK).trim();
    let time = text.parse().ok().or_else(|| with_zone(text));
    let seconds = match time.filter(|time: &f64| time.is_finite())? {
        // Days of the Julian calendar, or nothing at all: before 1973 nobody kept jobs here.
        ..1e8 => return None,
        time @ ..1e11 => time,
        time @ ..1e14 => time / 1e3,
        time @ ..1e17 => time / 1e6,
        time => time / 1e9,
    };
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    // SQLite's days are exact to a hundredth of a millisecond.
    Some(((now - seconds).max(0.0) * 1000.0).round() / 1000.0)
}

/// The first two columns.
pub type Key = (Option<String>, Option<String>);
type Cells = Vec<Option<String>>;

pub fn rows(connection: &Connection, sql: &str, values: &[String]) -> Result<Table, Failure> {
    let mut rows = Vec::new();
    let columns = each(connection, sql, values, |row| {
        if rows.len() >= ROWS {
            let text = format!("the query has over {ROWS} rows");
            return Err(Failure::new(FULL, text).hint("count by state in the query"));
        }
        rows.push(row);
        Ok(())
    })?;
    Ok(Table { columns, rows, ..Table::default() })
}

/// What a statement has, brought together by its first two columns.
pub fn group<T: Default>(
    connection: &Connection,
    sql: &str,
    values: &[String],
    add: impl Fn(T, &Cells) -> T,
) -> Result<BTreeMap<Key, T>, Failure> {
    let mut groups: BTreeMap<Key, T> = BTreeMap::new();
    each(connection, sql, values, |row| {
        let mut cells = row.iter().cloned();
        let key = (cells.next().flatten(), cells.next().flatten());
        let full = groups.len() >= ROWS;
        match groups.entry(key) {
            Entry::Vacant(_) if full => {
                let text = format!("the table has over {ROWS} different states and queues");
                return Err(Failure::new(FULL, text).hint("check `status` and `queue`"));
            }
            entry => {
                let group = entry.or_default();
                *group = add(std::mem::take(group), &row);
            }
        }
        Ok(())
    })?;
    Ok(groups)
}

/// Each row of a statement as text. Returns the names of the columns.
fn each(
    connection: &Connection,
    sql: &str,
    values: &[String],
    mut take: impl FnMut(Cells) -> Result<(), Failure>,
) -> Result<Vec<String>, Failure> {
    let mut statement = connection.prepare(sql).map_err(|error| failure(&error))?;
    if !statement.readonly() {
        return Err(Failure::new(Reason::RIGHTS, "the query would write")
            .hint("expected one SELECT: the file is only read"));
    }
    let columns: Vec<String> = statement.column_names().map(cut).collect();
    let width = columns.len();
    if width > COLUMNS {
        let text = format!("the query has over {COLUMNS} columns");
        return Err(Failure::new(FULL, text).hint("name those of use instead of `*`"));
    }
    let values = rusqlite::params_from_iter(values);
    let mut rows = statement.query(values).map_err(|error| failure(&error))?;
    while let Some(row) = rows.next().map_err(|error| failure(&error))? {
        let cell = |place: usize| match row.get_ref(place) {
            Ok(ValueRef::Integer(number)) => Some(number.to_string()),
            Ok(ValueRef::Real(number)) => Some(number.to_string()),
            Ok(ValueRef::Text(text)) => {
                Some(cut(&String::from_utf8_lossy(text.get(..WORD).unwrap_or(text))))
            }
            _ => None,
        };
        take((0..width).map(cell).collect())?;
    }
    Ok(columns)
}

/// What is longer than any name.
fn cut(text: &str) -> String {
    let end = text.floor_char_boundary(WORD);
    text.get(..end).unwrap_or_default().to_owned()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn times_in_all_forms() {
        let now = UNIX_EPOCH + Duration::from_hours(490_152);
        for (time, want) in [
            ("1764547140", Some(60.0)),
            ("1764547140.5", Some(59.5)),
            ("1764547140000", Some(60.0)),
            ("1764547140000000", Some(60.0)),
            ("1764547140000000000", Some(60.0)),
            ("?1764547140", Some(60.0)),
            ("?2025-11-30T23:59:00+0000", Some(60.0)),
            ("?2025-12-01 02:59:00.5+0300", Some(59.5)),
            ("?2025-11-30 23:59:00 UTC", Some(60.0)),
            ("1764547300", Some(0.0)),
            ("2461000.5", None),
            ("0", None),
            ("?Sun Nov 30 23:59:00 2025", None),
            ("?yesterday", None),
        ] {
            assert_eq!(age(time, now), want, "{time}");
        }
        let mut ages = Ages::default();
        for time in ["?yesterday", "1764547140", "?tomorrow", " "] {
            ages.of(time, now);
        }
        assert_eq!(ages.unread(), Some((2, "yesterday".to_owned())));
    }
}
