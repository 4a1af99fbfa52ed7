//! Reading an SQLite file, and nothing else: nothing beside it changes, off the workers, with an end.
//!
//! Seen with the SQLite that is built in (3.54), where its description says less: read-only, it
//! makes `-wal` (and removes one beside an empty file), and as root gives `-wal` and `-shm` to the
//! owner of the database. With `readonly_shm` and nobody connected it reads a log that was left by
//! a crash from memory of its own, so that needs no remedy as long as `-shm` is there.

mod lock;
mod open;
mod rows;
mod way;

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet};
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant, SystemTime};

use rusqlite::{Connection, ErrorCode};

use super::config::Sqlite;
use super::model::State;
use super::table::Table;
use crate::engine::blocking;
use crate::failure::{Failure, Reason, reasons};
use crate::files;
use open::Stop;
use rows::{Ages, Names, places};
use way::{Trouble, Way};

/// How long a writer may keep us waiting.
const PATIENCE: Duration = Duration::from_secs(1);
/// Between two looks at what is locked or has changed.
const PAUSE: Duration = Duration::from_millis(50);
/// Readings that a writer may spoil.
const TRIES: u32 = 3;
reasons! {
    /// It changes faster than it can be read, or is locked by those who use it.
    BUSY = "busy";
}
const MEMORY: &str = "the query needs more memory than SQLite is given (64 MiB for all files)";

/// What is read from the file, and how its words are understood.
#[derive(Clone)]
pub struct Reader {
    pub sqlite: Sqlite,
    pub states: BTreeMap<String, State>,
    busy: Arc<AtomicBool>,
}

struct StopOnDrop(Stop);

impl Drop for StopOnDrop {
    fn drop(&mut self) {
        self.0.give_up();
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

    #[allow(clippy::disallowed_methods, reason = "it is off the workers already")]
    fn read_now(&self, now: SystemTime, stop: &Stop) -> Result<Table, Failure> {
        let failed = |error: &std::io::Error| Failure::io("the SQLite file", error);
        // Of a link: what lies beside the file lies beside what it points to.
        let path = std::fs::canonicalize(&self.sqlite.file).map_err(|error| failed(&error))?;
        lock::harmless(|| {
            let (until, mut changed, mut full) = (Instant::now() + PATIENCE, 0, 0);
            loop {
                let trouble = match self.read_once(&path, now, stop) {
                    Err(trouble) => trouble,
                    Ok(table) => return Ok(table),
                };
                match trouble {
                    _ if stop.is_given_up() => {
                        return Err(Failure::new(Reason::TIMEOUT, "given up"));
                    }
                    // Another file may have taken all that there is for all, until it failed.
                    Trouble::Failed(failure) if failure.detail == MEMORY && full < 2 => {
                        full += 1;
                    }
                    Trouble::Failed(failure) => return Err(failure),
                    Trouble::Locked if Instant::now() >= until => return Err(locked()),
                    Trouble::Locked => {}
                    Trouble::Changed if changed + 1 >= TRIES => return Err(written()),
                    Trouble::Changed => changed += 1,
                }
                std::thread::sleep(PAUSE);
            }
        })
    }

    fn read_once(&self, path: &Path, now: SystemTime, stop: &Stop) -> Result<Table, Trouble> {
        let failed = |error: &std::io::Error| Failure::io("the SQLite file", error);
        let meta = std::fs::metadata(path).map_err(|error| failed(&error))?;
        let turn = lock::Turn::take((meta.dev(), meta.ino()), PATIENCE);
        let _turn = turn.ok_or_else(locked)?;
        let file = files::open(path).map_err(|error| failed(&error))?;
        let looked = way::look(path, &file)?;
        let read =
            open::open(path, looked.way, stop).and_then(|connection| match &self.sqlite.query {
                Some(query) => rows::rows(&connection, query, &[]),
                None => self.table(&connection, now),
            });
        let read = read.map_err(|failure| if stop.is_spent() { spent() } else { failure });
        match (looked.way, read) {
            (Way::Alone, _) if !way::is_same(&looked, path, &file)? => Err(Trouble::Changed),
            (Way::Log, Err(failure)) if failure.reason == BUSY => Err(Trouble::Locked),
            (_, read) => Ok(read?),
        }
    }

    /// Three small statements rather than one: finished jobs are counted, but their times are not
    /// looked at. An index on the status makes it cheap. Nothing is grouped or sorted by SQLite,
    /// which would keep every row in memory for that.
    fn table(&self, connection: &Connection, now: SystemTime) -> Result<Table, Failure> {
        let names = Names::new(&self.sqlite, connection)?;
        let (table, status) = (&names.table, &names.status);
        let queue = names.queue.as_deref().unwrap_or("NULL");
        let all = format!("SELECT {queue}, {status} FROM {table}");
        let counts = rows::group(connection, &all, &[], |count, _| count + 1)?;
        let words = |state: State| -> Vec<String> {
            let words = counts.keys().filter_map(|(_, word)| word.clone());
            let words: BTreeSet<_> = words.filter(|word| self.state(word) == state).collect();
            words.into_iter().collect()
        };
        let (pending, processing) = (words(State::Pending), words(State::Processing));
        let times = format!(
            "SELECT {queue}, {status}, {} FROM {table} WHERE {status} IN ({})",
            names.created,
            places(pending.len()),
        );
        let read = RefCell::new(Ages::default());
        let age = |time: &str| read.borrow_mut().of(time, now);
        let oldest = rows::group(connection, &times, &pending, |oldest: Option<f64>, row| {
            let age = row.get(2).and_then(|time| age(time.as_deref()?));
            [oldest, age].into_iter().flatten().reduce(f64::max)
        })?;
        let running = format!(
            "SELECT {queue}, {} FROM {table} WHERE {status} IN ({}) LIMIT {}",
            names.started,
            places(processing.len()),
            rows::ROWS,
        );
        let running = rows::rows(connection, &running, &processing)?;
        let first = if names.queue.is_some() { "queue" } else { "" };
        let columns = [first, "state", "count", "oldest_age_seconds"].map(String::from).into();
        let row = |(key, count): (&rows::Key, &u64)| {
            let age = oldest.get(key).copied().flatten();
            vec![key.0.clone(), key.1.clone(), Some(count.to_string()), age.map(|a| a.to_string())]
        };
        let ages = running
            .rows
            .iter()
            .filter_map(|row| Some((row.first()?.clone(), age(row.get(1)?.as_deref()?)?)));
        let processing = Some(ages.collect());
        let rows = counts.iter().map(row).collect();
        Ok(Table { columns, rows, processing, unread: read.into_inner().unread() })
    }

    fn state(&self, word: &str) -> State {
        self.states.get(word).copied().unwrap_or_else(|| State::of_word(word))
    }
}

fn locked() -> Failure {
    Failure::new(BUSY, "the SQLite file has been locked for a second")
        .hint("a writer holds it: a long transaction, or one that never ends")
}

fn written() -> Failure {
    let text = format!("the SQLite file was written during each of {TRIES} readings");
    Failure::new(BUSY, text).hint(
        "an index on the status makes a reading short; with `PRAGMA journal_mode = wal` in the \
         application nobody waits for anybody",
    )
}

fn too_big() -> Failure {
    Failure::new(rows::FULL, "a value of the query is larger than 1 MiB")
        .hint("a view or a generated column makes it: read the columns of a table instead")
}

fn unopened() -> Failure {
    let text = "the SQLite file cannot be opened together with what lies beside it";
    Failure::new(Reason::RIGHTS, text)
        .hint("mount its folder, not the file alone, and let the exporter read `-wal` and `-shm`")
}

fn more_than_reads() -> Failure {
    Failure::new(Reason::RIGHTS, "the query does more than read")
        .hint("expected one SELECT, without ATTACH, PRAGMA or anything that writes")
}

fn spent() -> Failure {
    let text =
        format!("the query took over {} million steps and was stopped", open::STEPS / 1_000_000);
    Failure::new(Reason::TIMEOUT, text).hint("add an index on the status, or remove finished jobs")
}

fn failure(error: &rusqlite::Error) -> Failure {
    use rusqlite::ffi;
    let sorted = |reason, text: &str, hint: &str| Failure::new(reason, text).hint(hint);
    let code = error.sqlite_error_code();
    let extended = error.sqlite_error().map(|error| error.extended_code);
    match (code, error) {
        (
            Some(
                ErrorCode::DatabaseBusy
                | ErrorCode::DatabaseLocked
                | ErrorCode::FileLockingProtocolFailed,
            ),
            _,
        ) => locked(),
        // What its users have not finished making; the next look sees it done.
        (Some(ErrorCode::ReadOnly), _)
            if matches!(
                extended,
                Some(ffi::SQLITE_READONLY_CANTINIT | ffi::SQLITE_READONLY_RECOVERY)
            ) =>
        {
            locked()
        }
        (Some(ErrorCode::OperationInterrupted), _) => spent(),
        (Some(ErrorCode::NotADatabase), _) => {
            sorted(Reason::PROTOCOL, "the file is not an SQLite database", "check `file`")
        }
        (Some(ErrorCode::DatabaseCorrupt), _) => sorted(
            Reason::PROTOCOL,
            "the SQLite file is damaged",
            "see `sqlite3 <file> 'pragma integrity_check'`; restore a backup",
        ),
        (Some(ErrorCode::OutOfMemory), _) => Failure::new(rows::FULL, MEMORY)
            .hint("count by state in the query, with an index for what it sorts or groups by"),
        (Some(ErrorCode::TooBig), _) => too_big(),
        (Some(ErrorCode::AuthorizationForStatementDenied | ErrorCode::ReadOnly), _) => {
            more_than_reads()
        }
        (Some(ErrorCode::CannotOpen | ErrorCode::PermissionDenied), _) => unopened(),
        (_, rusqlite::Error::MultipleStatement) => {
            sorted(Reason::OTHER, "the query is more than one statement", "expected one SELECT")
        }
        // That of a function has no code of its own.
        (_, rusqlite::Error::SqlInputError { msg, .. }) if msg.starts_with("not authorized") => {
            more_than_reads()
        }
        // Names what is missing in the file; the query is the operator's own.
        (_, rusqlite::Error::SqlInputError { msg, .. }) => {
            sorted(Reason::NOT_FOUND, msg, "see `sqlite3 <file> .schema` for the names")
        }
        (Some(code), _) => Failure::new(Reason::OTHER, format!("SQLite says {code:?}")),
        _ => Failure::new(Reason::OTHER, "SQLite cannot run the query"),
    }
}
