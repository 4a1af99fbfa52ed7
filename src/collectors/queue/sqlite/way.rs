//! How a database can be read without writing beside it, by what lies there.
//!
//! | beside the file | read |
//! |---|---|
//! | `-wal` and `-shm` | with both, as one more reader; `-shm` is only looked at |
//! | `-wal` with content, no `-shm` | not at all: SQLite would have to write first |
//! | `-journal` of somebody who died while writing | not at all, likewise |
//! | else | the file alone, as if it could not change, and thrown away if it did |
//!
//! Read as usual SQLite makes `-wal` and `-shm` where they are not, with our name on them, and the
//! application can then no longer write. It would even remove a log beside an empty file.

use std::ffi::OsString;
use std::fs::{File, Metadata};
use std::os::unix::fs::{FileExt as _, MetadataExt as _};
use std::path::{Path, PathBuf};

use rustix::fs::{Access, AtFlags, CWD};

use super::lock::{self, Bytes};
use crate::failure::{Failure, Reason};
use crate::files;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The file alone.
    Alone,
    /// With a log that others write.
    Log,
}

/// Why it cannot be read now.
#[derive(Debug)]
pub enum Trouble {
    /// Somebody writes at this moment, or has it for himself.
    Locked,
    /// What was read is of several moments.
    Changed,
    Failed(Failure),
}

impl From<Failure> for Trouble {
    fn from(failure: Failure) -> Self {
        Self::Failed(failure)
    }
}

/// What tells whether a file is still what it was.
#[derive(Debug, PartialEq, Eq)]
struct Mark {
    file: (u64, u64),
    size: u64,
    modified: (i64, i64),
}

impl Mark {
    fn of(meta: &Metadata) -> Self {
        Self {
            file: (meta.dev(), meta.ino()),
            size: meta.size(),
            modified: (meta.mtime(), meta.mtime_nsec()),
        }
    }
}

/// What was there at one moment.
#[derive(Debug, PartialEq, Eq)]
pub struct Seen {
    database: Mark,
    /// Counts the transactions where there is no log; times are coarse.
    head: Vec<u8>,
    wal: Option<Mark>,
    shm: Option<Mark>,
}

/// An open database, with a lock on it or not.
pub struct Looked {
    pub way: Way,
    pub seen: Seen,
}

/// The name of a file beside the database.
pub fn beside(database: &Path, ending: &str) -> PathBuf {
    let mut name = OsString::from(database);
    name.push(ending);
    PathBuf::from(name)
}

fn file_beside(database: &Path, ending: &str) -> Result<Option<Metadata>, Failure> {
    let path = beside(database, ending);
    match std::fs::symlink_metadata(&path) {
        Ok(meta) if meta.is_file() => Ok(Some(meta)),
        Ok(meta) => {
            let what = files::kind(meta.file_type());
            let text = format!("`{ending}` beside the SQLite file is {what}, no regular file");
            Err(Failure::new(Reason::PROTOCOL, text)
                .hint(format!("see `ls -l {}`", path.display())))
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(&format!("`{ending}` beside the SQLite file"), &error)),
    }
}

impl Seen {
    pub fn now(database: &Path, file: &File) -> Result<Self, Failure> {
        let failed = |error: &std::io::Error| Failure::io("the SQLite file", error);
        // By its name: another file may have taken its place.
        let meta = std::fs::metadata(database).map_err(|error| failed(&error))?;
        let mut head = vec![0; 100];
        let length = file.read_at(&mut head, 0).map_err(|error| failed(&error))?;
        head.truncate(length);
        let mark = |ending| Ok(file_beside(database, ending)?.as_ref().map(Mark::of));
        Ok(Self { database: Mark::of(&meta), head, wal: mark("-wal")?, shm: mark("-shm")? })
    }

    fn has_log(&self) -> bool {
        self.wal.as_ref().is_some_and(|wal| wal.size > 0)
    }

    /// Versions of the format to write and to read: 2 is a write-ahead log.
    fn wants_log(&self) -> bool {
        self.head.get(18..20).is_some_and(|versions| versions.contains(&2))
    }
}

/// Looks at what is there and takes the reader's lock where that disturbs nobody.
pub fn look(database: &Path, file: &File) -> Result<Looked, Trouble> {
    let mut seen = Seen::now(database, file)?;
    let open = file.metadata().map_err(|error| Failure::io("the SQLite file", &error))?;
    if (open.dev(), open.ino()) != seen.database.file {
        return Err(Trouble::Changed);
    }
    if seen.database.size == 0 {
        return Ok(Looked { way: Way::Alone, seen });
    }
    if !seen.head.starts_with(b"SQLite format 3\0") {
        let text = "the file is not an SQLite database";
        return Err(Failure::new(Reason::PROTOCOL, text).hint("check `file`").into());
    }
    if seen.wants_log() || seen.wal.is_some() {
        if !lock::hold(file)? {
            return Err(Trouble::Locked);
        }
        // From here on nobody takes the log away or ends its use.
        let locked = Seen::now(database, file)?;
        if locked.wants_log() != seen.wants_log() {
            return Err(Trouble::Changed);
        }
        seen = locked;
    } else if lock::is_written(file, Bytes::Shared)? {
        return Err(Trouble::Locked);
    }
    left_by_the_dead(database, file)?;
    let way = match (&seen.wal, &seen.shm) {
        (Some(_), Some(_)) => Way::Log,
        (Some(_), None) if seen.has_log() => return Err(unclosed(database).into()),
        _ => Way::Alone,
    };
    if way == Way::Log {
        for ending in ["-wal", "-shm"] {
            readable(database, ending)?;
        }
    }
    Ok(Looked { way, seen })
}

/// Whether what was read of the file alone is of one moment.
pub fn is_same(looked: &Looked, database: &Path, file: &File) -> Result<bool, Failure> {
    let written = lock::is_written(file, Bytes::Shared)?;
    Ok(!written && Seen::now(database, file)? == looked.seen)
}

/// A journal that nobody uses is there to undo what was half written.
fn left_by_the_dead(database: &Path, file: &File) -> Result<(), Trouble> {
    let Some(before) = file_beside(database, "-journal")? else { return Ok(()) };
    let path = beside(database, "-journal");
    let mut first = [0];
    let open = files::open(&path).and_then(|journal| journal.read_at(&mut first, 0));
    // Emptied, or its beginning overwritten: done.
    if before.size() == 0 || open.is_ok() && first == [0] {
        return Ok(());
    }
    if lock::is_written(file, Bytes::Any)? {
        return Ok(());
    }
    let after = file_beside(database, "-journal")?;
    if after.as_ref().map(Mark::of) != Some(Mark::of(&before)) {
        return Err(Trouble::Changed);
    }
    let text = "the SQLite file was left in the middle of a write, its `-journal` is not undone";
    Err(Failure::new(Reason::PROTOCOL, text)
        .hint("start the application once, or run `sqlite3 <file> .schema` as its user")
        .into())
}

fn unclosed(database: &Path) -> Failure {
    let text = "the SQLite file was not closed: it has a `-wal` with content and no `-shm`";
    let remedy = "start the application once, or run `sqlite3 <file> .schema` as its user";
    let copy = format!("{remedy}; a copy needs `-wal` merged first: {}", database.display());
    Failure::new(Reason::PROTOCOL, text).hint(copy)
}

/// Without opening it: closing it again would take away the locks of our own process.
fn readable(database: &Path, ending: &str) -> Result<(), Failure> {
    let path = beside(database, ending);
    rustix::fs::accessat(CWD, &path, Access::READ_OK, AtFlags::EACCESS).map_err(|error| {
        let text = format!("`{ending}` beside the SQLite file");
        Failure::io(&text, &error.into())
            .hint(format!("let the exporter read it as it may read the file: {}", path.display()))
    })
}
