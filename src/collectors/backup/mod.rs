//! Backups: whether there is one, in time, whole, of the usual size, kept and copied, and whether
//! restoring was tried.
//!
//! | read | from | rights |
//! |---|---|---|
//! | generations, sizes, times | the folders of `files` | to read the folders |
//! | whether one is whole | beginning and end of each file, once; with `verify` all of it | to read the files |
//! | changes, trials, copies, on a clock of their own | the files named under `newer_than`, `restore_test` and `copies` | to reach them |
//! | snapshots | `GET /collections/{name}/snapshots` of Qdrant | its `api-key`, where it has one |
//!
//! Cost: a walk through the folders each minute, beside the readings, with an end in entries and in
//! time; a few reads for each new file. With `verify` each file is read once, one at a time on this
//! machine, at no more than `speed`; what was read is remembered over restarts. 32 MiB at most while
//! a zstd file is unpacked, else 1 MiB.
//!
//! A file that was written to within a minute, or has another size than at the last look, is being
//! written, and is not judged. The time of a backup is when writing it ended.
//!
//! Absent: `stack_backup_valid` of a file that was not looked at in full and whose ends do not prove
//! it; the size ratio without three earlier ones; what was not asked for. A folder that does not
//! exist has no backups; one that may not be read is a failure.

mod config;
mod elsewhere;
mod fetch;
mod gather;
mod judge;
mod metrics;
mod past;
mod plan;
mod qdrant;
mod sample;
mod schedule;
mod seen;
mod signals;
mod slow;
mod verify;
mod whole;
mod words;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

pub use config::Backup;
pub use plan::plan;

use crate::catalogue::{Area, Glance, TableEntry, Unit};

pub type Section = BTreeMap<String, Backup>;

pub static AREA: Area = Area {
    name: "backup",
    title: "Backups",
    single: false,
    in_service: false,
    tables: &[TableEntry::of::<judge::Backup>()],
    signals: signals::SIGNALS,
    glance: &[
        Glance::Fact {
            metric: "stack_backup_age_seconds",
            unit: Unit::Seconds,
            what: "Age of the newest",
        },
        Glance::Fact {
            metric: "stack_backup_size_bytes",
            unit: Unit::Bytes,
            what: "Size of the newest",
        },
        Glance::Signal("overdue"),
    ],
    reasons: &[],
    words: words::WORDS,
    runbook: include_str!("../../../docs/runbooks/backup.md"),
};

/// Nothing that is done under it can leave it half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
