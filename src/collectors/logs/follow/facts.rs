//! What a `stat` tells: which file it is, and whether it changed.

use std::fs::Metadata;
use std::os::unix::fs::MetadataExt as _;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::since;

/// Clocks of file systems tick slowly: what changed this recently may have changed again unseen.
pub const RECENT: Duration = Duration::from_secs(2);

/// What makes a file the same one under another name. The birth time tells apart what got the
/// number of a deleted file; some file systems have none.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Identity {
    pub device: u64,
    pub inode: u64,
    pub born: Option<SystemTime>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub identity: Identity,
    pub size: u64,
    pub modified: SystemTime,
    changed: (i64, i64),
    /// Names that the file has: none when it is deleted.
    pub links: u64,
}

impl Facts {
    pub fn of(meta: &Metadata) -> Self {
        // A time before 1970 cannot be written down, and nothing depends on it.
        let time =
            |time: std::io::Result<SystemTime>| time.ok().map(|at| at.max(SystemTime::UNIX_EPOCH));
        Self {
            identity: Identity {
                device: meta.dev(),
                inode: meta.ino(),
                born: time(meta.created()),
            },
            size: meta.len(),
            modified: time(meta.modified()).unwrap_or(SystemTime::UNIX_EPOCH),
            changed: (meta.ctime(), meta.ctime_nsec()),
            links: meta.nlink(),
        }
    }

    /// Whether the same facts at a later time mean the same content.
    pub fn settled(&self, now: SystemTime) -> bool {
        since(self.modified, now) > RECENT
    }
}

impl Facts {
    /// As they were written down; how the file changed last is not known.
    pub fn saved<S>(position: &super::saved::Position<S>) -> Self {
        let (identity, size) = (position.id, position.size);
        Self { identity, size, modified: position.modified, changed: (0, 0), links: 1 }
    }
}
