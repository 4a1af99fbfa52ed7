//! Reading an SQLite file, and nothing else: read-only, off the workers, with an end.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rusqlite::types::ValueRef;
use rusqlite::{Connection, ErrorCode, InterruptHandle, OpenFlags};

use super::config::{Sqlite, Zone};
use super::model::State;
use super::table::Table;
use crate::engine::{Failure, Reason, blocking};

/// How long a writer may keep us waiting.
const BUSY: Duration = Duration::from_secs(1);
/// Rows of a query, and jobs that are worked on; with more the table is not the queue we think.
const ROWS: usize = 10_000;

/// What is read from the file, and how its words are understood.
#[derive(Clone)]
pub struct Reader {
    pub sqlite: Sqlite,
    pub states: BTreeMap<String, State>,
    busy: Arc<AtomicBool>,
}

/// Ends the statement when the reading is given up.
#[derive(Clone, Default)]
struct Stop(Arc<Mutex<Stopping>>);

#[derive(Default)]
struct Stopping {
    handle: Option<InterruptHandle>,
    given_up: bool,
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        let mut stopping = self.0.0.lock().unwrap_or_else(PoisonError::into_inner);
        stopping.given_up = true;
        // Does nothing to a connection that is closed.
        if let Some(handle) = &stopping.handle {
            handle.interrupt();
        }
    }
}

impl Reader {
    pub fn new(sqlite: Sqlite, states: BTreeMap<String, State>) -> Self {
        Self { sqlite, states, busy: Arc::default() }
    }

    pub async fn read(&self) -> Result<Table, Failure> {
        let (reader, stop) = (self.clone(), Stop::default());
        let _guard = StopOnDrop(stop.clone());
        blocking("the SQLite file", &self.busy, move || reader.read_now(SystemTime::now(), &stop))
            .await
    }

    #[cfg(test)]
    pub fn read_at(&self, now: SystemTime) -> Result<Table, Failure> {
        self.read_now(now, &Stop::default())
    }

    fn read_now(&self, now: SystemTime, stop: &Stop) -> Result<Table, Failure> {
        let connection = self.open()?;
        {
            let mut stopping = stop.0.lock().unwrap_or_else(PoisonError::into_inner);
            if stopping.given_up {
                return Err(Failure::new(Reason::Timeout, "given up"));
            }
            stopping.handle = Some(connection.get_interrupt_handle());
        }
        match &self.sqlite.query {
            Some(query) => rows(&connection, query, &[]),
            None => self.table(&connection, now),
        }
    }

    /// The missing file first: `SQLite` has one error for all reasons.
    fn open(&self) -> Result<Connection, Failure> {
        let file: &PathBuf = &self.sqlite.file;
        std::fs::File::open(file).map_err(|error| Failure::io("the SQLite file", &error))?;
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(file, flags).map_err(|e| failure(&e))?;
        connection.busy_timeout(BUSY).map_err(|error| failure(&error))?;
        Ok(connection)
    }

    /// Three small statements rather than one: finished jobs are counted, but their times are not
    /// looked at. An index on the status makes it cheap.
    fn table(&self, connection: &Connection, now: SystemTime) -> Result<Table, Failure> {
        let names = Names::new(&self.sqlite, connection)?;
        let (table, status) = (&names.table, &names.status);
        let queue = names.queue.as_deref().unwrap_or("NULL");
        let counts = format!("SELECT {queue}, {status}, count(*) FROM {table} GROUP BY 1, 2");
        let mut counted = rows(connection, &counts, &[])?;
        let words = |state: State| -> Vec<String> {
            let rows = counted.rows.iter().filter_map(|row| row.get(1)?.clone());
            let mut words: Vec<_> = rows.filter(|word| self.state(word) == state).collect();
            words.dedup();
            words
        };
        let (pending, processing) = (words(State::Pending), words(State::Processing));
        let oldest = format!(
            "SELECT {queue}, {status}, min({}) FROM {table} WHERE {status} IN ({}) GROUP BY 1, 2",
            names.created,
            places(pending.len()),
        );
        let oldest = rows(connection, &oldest, &pending)?;
        let running = format!(
            "SELECT {queue}, {} FROM {table} WHERE {status} IN ({}) LIMIT {ROWS}",
            names.started,
            places(processing.len()),
        );
        let running = rows(connection, &running, &processing)?;
        let first = if names.queue.is_some() { "queue" } else { "" };
        counted.columns = [first, "state", "count", "oldest_age_seconds"].map(String::from).into();
        for row in &mut counted.rows {
            let same = |other: &&Vec<Option<String>>| other.get(..2) == row.get(..2);
            let time = oldest.rows.iter().find(same).and_then(|row| row.get(2)?.as_deref());
            let age = time.and_then(|time| age(time, now)).map(|age| age.to_string());
            row.push(age);
        }
        let ages = running
            .rows
            .iter()
            .filter_map(|row| Some((row.first()?.clone(), age(row.get(1)?.as_deref()?, now)?)));
        counted.processing = Some(ages.collect());
        Ok(counted)
    }

    fn state(&self, word: &str) -> State {
        self.states.get(word).copied().unwrap_or_else(|| State::of_word(word))
    }
}

fn places(count: usize) -> String {
    vec!["?"; count].join(", ")
}

/// Names as SQL, checked against the file: `SQLite` takes a quoted name that it does not know for
/// a text.
struct Names {
    table: String,
    status: String,
    queue: Option<String>,
    created: String,
    started: String,
}

impl Names {
    fn new(sqlite: &Sqlite, connection: &Connection) -> Result<Self, Failure> {
        let table = sqlite.table.as_deref().unwrap_or("tasks");
        let sql = "SELECT name FROM pragma_table_xinfo(?1)";
        let found = rows(connection, sql, &[table.to_owned()])?.rows;
        let known: Vec<String> = found.into_iter().flatten().flatten().collect();
        let missing = |what: String| {
            Failure::new(Reason::NotFound, what).hint("see `sqlite3 <file> .schema` for the names")
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

/// SQL for a time column as a number since 1970, in whatever unit it has.
fn epoch(column: &str, times: Zone) -> String {
    let zone = match times {
        Zone::Utc => "",
        Zone::Local => ", 'utc'",
    };
    format!(
        "CASE typeof({column}) WHEN 'text' THEN (julianday({column}{zone}) - 2440587.5) * 86400.0 \
         ELSE {column} END"
    )
}

/// Seconds since a time in seconds, milliseconds or microseconds.
fn age(time: &str, now: SystemTime) -> Option<f64> {
    let time: f64 = time.parse().ok().filter(|time: &f64| time.is_finite() && *time > 0.0)?;
    let seconds = match time {
        ..1e11 => time,
        ..1e14 => time / 1e3,
        _ => time / 1e6,
    };
    let now = now.duration_since(UNIX_EPOCH).ok()?.as_secs_f64();
    // SQLite's days are exact to a hundredth of a millisecond.
    Some(((now - seconds).max(0.0) * 1000.0).round() / 1000.0)
}

fn rows(connection: &Connection, sql: &str, values: &[String]) -> Result<Table, Failure> {
    let mut statement = connection.prepare(sql).map_err(|error| failure(&error))?;
    let columns: Vec<String> = statement.column_names().map(ToOwned::to_owned).collect();
    let width = columns.len();
    let mut table = Table { columns, ..Table::default() };
    let values = rusqlite::params_from_iter(values);
    let mut rows = statement.query(values).map_err(|error| failure(&error))?;
    while let Some(row) = rows.next().map_err(|error| failure(&error))? {
        if table.rows.len() >= ROWS {
            let text = format!("the query has over {ROWS} rows");
            return Err(Failure::new(Reason::Protocol, text).hint("count by state in the query"));
        }
        let cell = |place: usize| match row.get_ref(place) {
            Ok(ValueRef::Integer(number)) => Some(number.to_string()),
            Ok(ValueRef::Real(number)) => Some(number.to_string()),
            Ok(ValueRef::Text(text)) => Some(String::from_utf8_lossy(text).into_owned()),
            _ => None,
        };
        table.rows.push((0..width).map(cell).collect());
    }
    Ok(table)
}

fn failure(error: &rusqlite::Error) -> Failure {
    let sorted = |reason, text: &str, hint: &str| Failure::new(reason, text).hint(hint);
    let code = error.sqlite_error_code();
    match (code, error) {
        (Some(ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked), _) => sorted(
            Reason::Timeout,
            "the SQLite file has been locked for a second",
            "a writer holds it: a long transaction, or one that never ends",
        ),
        (Some(ErrorCode::OperationInterrupted), _) => sorted(
            Reason::Timeout,
            "the query took too long and was stopped",
            "add an index on the status, or remove finished jobs",
        ),
        (Some(ErrorCode::NotADatabase), _) => {
            sorted(Reason::Protocol, "the file is not an SQLite database", "check `file`")
        }
        (Some(ErrorCode::CannotOpen | ErrorCode::ReadOnly), _) => sorted(
            Reason::Rights,
            "the SQLite file cannot be read without writing beside it",
            "mount its folder, not the file alone, so that `-wal` and `-shm` are there",
        ),
        (_, rusqlite::Error::MultipleStatement) => {
            sorted(Reason::Other, "the query is more than one statement", "expected one SELECT")
        }
        // Names what is missing in the file; the query is the operator's own.
        (_, rusqlite::Error::SqlInputError { msg, .. }) => {
            sorted(Reason::NotFound, msg, "see `sqlite3 <file> .schema` for the names")
        }
        (Some(code), _) => Failure::new(Reason::Other, format!("SQLite says {code:?}")),
        _ => Failure::new(Reason::Other, "SQLite cannot run the query"),
    }
}
