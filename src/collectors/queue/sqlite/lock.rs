//! Locks as SQLite has them, looked at or held without SQLite, and rights given up.
//!
//! Locks of an open file, not of the process: those of the process would be lost as soon as any
//! other of its descriptors of the same file is closed.

use std::fs::File;
use std::sync::{Condvar, Mutex, PoisonError};
use std::time::{Duration, Instant};

use nix::errno::Errno;
use nix::fcntl::{FcntlArg, fcntl};
use nix::libc;
use rustix::thread::{CapabilitySet, capabilities, set_capabilities};

use crate::failure::{Failure, Reason};

/// Bytes of a database that stand for its locks (`sqlite3.h`, `os_unix.c`).
const PENDING: i64 = 0x4000_0000;
const SHARED: i64 = PENDING + 2;
const SHARED_SIZE: i64 = 510;

/// Bytes of locks.
#[derive(Clone, Copy)]
pub enum Bytes {
    /// Taken for writing by who writes into the file at this moment.
    Shared,
    /// Taken by who has begun to write, in whatever stage.
    Any,
}

fn wanted(bytes: Bytes) -> libc::flock {
    let (start, length) = match bytes {
        Bytes::Shared => (SHARED, SHARED_SIZE),
        Bytes::Any => (PENDING, SHARED + SHARED_SIZE - PENDING),
    };
    libc::flock {
        l_type: i16::try_from(libc::F_RDLCK).unwrap_or_default(),
        l_whence: i16::try_from(libc::SEEK_SET).unwrap_or_default(),
        l_start: start,
        l_len: length,
        l_pid: 0,
    }
}

fn failed(error: Errno) -> Failure {
    let text = format!("the locks of the SQLite file cannot be seen: {}", error.desc());
    Failure::new(Reason::OTHER, text).hint("keep the file on a file system with locks")
}

/// Whether another has these bytes for writing.
pub fn is_written(file: &File, bytes: Bytes) -> Result<bool, Failure> {
    let mut lock = wanted(bytes);
    fcntl(file, FcntlArg::F_OFD_GETLK(&mut lock)).map_err(failed)?;
    Ok(i32::from(lock.l_type) != libc::F_UNLCK)
}

/// Holds the lock of a reader until the file is closed. With a write-ahead log that keeps nobody
/// from writing; it keeps the last user of the database from removing the log meanwhile. False if
/// somebody has the database for himself.
pub fn hold(file: &File) -> Result<bool, Failure> {
    match fcntl(file, FcntlArg::F_OFD_SETLK(&wanted(Bytes::Shared))) {
        Ok(_) => Ok(true),
        Err(Errno::EAGAIN | Errno::EACCES) => Ok(false),
        Err(error) => Err(failed(error)),
    }
}

/// Files that are read now, by device and inode. SQLite's own locks belong to the process, so two
/// readings of one file, of two targets, take turns.
static READ: Mutex<Vec<(u64, u64)>> = Mutex::new(Vec::new());
static ENDED: Condvar = Condvar::new();

pub struct Turn((u64, u64));

impl Turn {
    pub fn take(file: (u64, u64), patience: Duration) -> Option<Self> {
        let until = Instant::now() + patience;
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        while read.contains(&file) {
            let left = until.checked_duration_since(Instant::now())?;
            read = ENDED.wait_timeout(read, left).unwrap_or_else(PoisonError::into_inner).0;
        }
        read.push(file);
        Some(Self(file))
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        let mut read = READ.lock().unwrap_or_else(PoisonError::into_inner);
        read.retain(|file| *file != self.0);
        ENDED.notify_all();
    }
}

/// Runs work that must change nothing. Root could: SQLite gives the files beside a database to the
/// owner of the database whenever root opens them. So its work has a thread of its own without
/// the right to do that, or to write what belongs to others.
pub fn harmless<T: Send>(work: impl FnOnce() -> Result<T, Failure> + Send) -> Result<T, Failure> {
    if !rustix::process::geteuid().is_root() {
        return work();
    }
    let humble = move || {
        give_up_rights().map_err(|error| {
            Failure::io("the SQLite file: root's rights cannot be put down for it", &error)
        })?;
        work()
    };
    std::thread::scope(|scope| {
        let thread = std::thread::Builder::new().name("sqlite".to_owned());
        let thread = thread
            .spawn_scoped(scope, humble)
            .map_err(|error| Failure::io("the SQLite file: a thread to read it", &error))?;
        thread.join().unwrap_or_else(|panic| std::panic::resume_unwind(panic))
    })
}

fn give_up_rights() -> std::io::Result<()> {
    let mut sets = capabilities(None)?;
    let mut gone = CapabilitySet::CHOWN | CapabilitySet::FOWNER | CapabilitySet::FSETID;
    // In a container it may be the only one that lets root read.
    if sets.effective.contains(CapabilitySet::DAC_READ_SEARCH) {
        gone |= CapabilitySet::DAC_OVERRIDE;
    }
    sets.effective -= gone;
    set_capabilities(None, sets)?;
    Ok(())
}
