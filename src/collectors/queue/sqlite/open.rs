//! A connection that can change nothing and that no content of the file can make big or endless.

use std::os::unix::ffi::OsStrExt as _;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::hooks::{AuthAction, AuthContext, Authorization};
use rusqlite::limits::Limit;
use rusqlite::{Connection, OpenFlags};

use super::way::Way;
use crate::failure::{Failure, Reason};

/// How long the log's own locks may keep us waiting.
const BUSY: Duration = Duration::from_millis(500);
/// Longest name of a file that SQLite takes, with the longest ending beside it.
const LONGEST_NAME: usize = 512 - "-journal".len() - 1;
/// Memory of all of SQLite, whatever a view of the file's owner asks for: a quarter of what the
/// exporter is given.
const HEAP: usize = 64 << 20;
/// The longest text, row or blob that a statement may make.
pub const VALUE: i32 = 1 << 20;
/// Steps of SQLite's machine in one reading: some seconds.
pub const STEPS: u64 = if cfg!(test) { 20_000_000 } else { 300_000_000 };
const STEP: u16 = 10_000;

/// Ends the statement when the reading is given up, or has taken too many steps.
#[derive(Clone, Default)]
pub struct Stop(Arc<Stopping>);

#[derive(Default)]
struct Stopping {
    given_up: AtomicBool,
    steps: AtomicU64,
}

impl Stop {
    pub fn give_up(&self) {
        self.0.given_up.store(true, Ordering::Relaxed);
    }

    pub fn is_given_up(&self) -> bool {
        self.0.given_up.load(Ordering::Relaxed)
    }

    /// More steps than a queue takes.
    pub fn is_spent(&self) -> bool {
        self.0.steps.load(Ordering::Relaxed) > STEPS
    }

    fn step(&self) -> bool {
        self.0.steps.fetch_add(STEP.into(), Ordering::Relaxed);
        self.is_given_up() || self.is_spent()
    }
}

/// Opens the database and begins to read it, as of one moment.
pub fn open(database: &Path, way: Way, stop: &Stop) -> Result<Connection, Failure> {
    let length = database.as_os_str().len();
    if length > LONGEST_NAME {
        let text = format!("the path of the SQLite file has {length} bytes");
        return Err(
            Failure::new(Reason::OTHER, text).hint(format!("SQLite takes at most {LONGEST_NAME}"))
        );
    }
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY
        | OpenFlags::SQLITE_OPEN_NO_MUTEX
        | OpenFlags::SQLITE_OPEN_URI;
    let mut connection =
        Connection::open_with_flags(uri(database, way), flags).map_err(|e| super::failure(&e))?;
    restrict(&mut connection, stop).map_err(|error| super::failure(&error))?;
    Ok(connection)
}

/// Every byte that could mean something in an address is written as a number.
fn uri(database: &Path, way: Way) -> String {
    let mut uri = String::from("file:");
    for byte in database.as_os_str().as_bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' | b'/' => {
                uri.push((*byte).into());
            }
            _ => uri.push_str(&format!("%{byte:02x}")),
        }
    }
    uri + match way {
        Way::Alone => "?mode=ro&immutable=1",
        Way::Log => "?mode=ro&readonly_shm=1",
    }
}

fn restrict(connection: &mut Connection, stop: &Stop) -> rusqlite::Result<()> {
    connection.busy_timeout(BUSY)?;
    for (limit, value) in [
        (Limit::SQLITE_LIMIT_LENGTH, VALUE),
        (Limit::SQLITE_LIMIT_SQL_LENGTH, VALUE),
        (Limit::SQLITE_LIMIT_VDBE_OP, 250_000),
        (Limit::SQLITE_LIMIT_LIKE_PATTERN_LENGTH, 1000),
        (Limit::SQLITE_LIMIT_ATTACHED, 0),
        (Limit::SQLITE_LIMIT_TRIGGER_DEPTH, 1),
        (Limit::SQLITE_LIMIT_WORKER_THREADS, 0),
    ] {
        connection.set_limit(limit, value)?;
    }
    for (setting, value) in [
        (DbConfig::SQLITE_DBCONFIG_DEFENSIVE, true),
        (DbConfig::SQLITE_DBCONFIG_TRUSTED_SCHEMA, false),
        (DbConfig::SQLITE_DBCONFIG_ENABLE_TRIGGER, false),
    ] {
        connection.set_db_config(setting, value)?;
    }
    let stop = stop.clone();
    connection.progress_handler(STEP.into(), Some(move || stop.step()))?;
    // Sorting leaves no file anywhere, and ends at the limit instead.
    connection.execute_batch(&format!(
        "PRAGMA hard_heap_limit = {HEAP}; PRAGMA temp_store = memory; PRAGMA query_only = on; \
         PRAGMA cell_size_check = on; PRAGMA mmap_size = 0; BEGIN"
    ))?;
    connection.authorizer(Some(allowed))
}

/// What a statement that only reads is made of.
#[allow(clippy::needless_pass_by_value, reason = "the signature is SQLite's")]
fn allowed(context: AuthContext<'_>) -> Authorization {
    const PRAGMAS: [&str; 3] = ["table_xinfo", "table_info", "table_list"];
    match context.action {
        AuthAction::Select | AuthAction::Read { .. } | AuthAction::Recursive => {
            Authorization::Allow
        }
        AuthAction::Function { function_name } if !function_name.contains("load_extension") => {
            Authorization::Allow
        }
        AuthAction::Pragma { pragma_name, .. } if PRAGMAS.contains(&pragma_name) => {
            Authorization::Allow
        }
        _ => Authorization::Deny,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_stays_a_name() {
        use std::ffi::OsStr;
        let name = Path::new(OsStr::from_bytes(b"/a b/q?mode=rwc&x#%41\xff.db"));
        assert_eq!(
            uri(name, Way::Alone),
            "file:/a%20b/q%3fmode%3drwc%26x%23%2541%ff.db?mode=ro&immutable=1"
        );
    }
}
