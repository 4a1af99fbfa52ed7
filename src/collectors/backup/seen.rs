//! What a look at the backups has found: plain data, whatever the source.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::whole::Verdict;

/// By what a file is known again, also after the machine has been started anew: the number of a
/// device may then be another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Id {
    pub inode: u64,
    pub size: u64,
    pub modified: SystemTime,
}

/// One generation.
#[derive(Clone, Debug, PartialEq)]
pub struct Seen {
    pub id: Id,
    /// When it was written; where that lies ahead, when it was seen first.
    pub at: SystemTime,
    /// Its name, made fit to be shown.
    pub name: String,
    /// Where it is opened; snapshots of a server are nowhere.
    pub path: Option<PathBuf>,
    /// Its place below the fixed folder of its pattern: a copy of it has the same elsewhere.
    pub below: PathBuf,
}

impl Seen {
    /// By what it is known from one look to the next. A folder a day may hold the same name in each.
    pub fn key(&self) -> &Path {
        self.path.as_deref().unwrap_or(&self.below)
    }
}

/// All generations at one moment.
#[derive(Clone, Debug, Default)]
pub struct Look {
    /// The newest, the newest first.
    pub newest: Vec<Seen>,
    /// How many there are, and the time of the oldest.
    pub all: u64,
    pub oldest: Option<SystemTime>,
    /// Those that had to be deleted by now.
    pub expired: u64,
    /// Whether all were seen, so that what is not here is not there.
    pub complete: bool,
    /// Whether everybody on the machine may read the newest.
    pub exposed: Option<bool>,
}

/// What lies elsewhere: in folders that may hang while that of the backups answers.
#[derive(Clone, Debug, Default)]
pub struct Elsewhere {
    /// Of the newest file that makes older backups useless.
    pub changed: Option<SystemTime>,
    /// When restoring was tried.
    pub restored: Option<SystemTime>,
    /// In how many of the declared folders one is once more; nothing where that could not be seen.
    pub copies: BTreeMap<Id, Option<usize>>,
}

/// What is known of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Mark {
    pub id: Id,
    pub verdict: Verdict,
    /// Whether all of it was read.
    pub full: bool,
}
