//! What a step tells besides the lines: how far the files are read, and what is wrong with them.

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::SystemTime;

use crate::failure::Failure;

/// The files of a source as a step leaves them, and what happened in it.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Report {
    /// Files that are named and read, whether a descriptor is held or not.
    pub open: u64,
    /// Renamed or deleted, and held until they are quiet.
    pub gone: u64,
    /// Named, read to the end and without anything new in this step.
    pub idle: u64,
    pub unreadable: u64,
    pub skipped: Skipped,
    /// Bytes that are there and not read yet.
    pub lag: u64,
    /// Since when the longest waiting of these bytes wait.
    pub oldest_unread: Option<SystemTime>,
    /// A new file has taken the place of one that was read, in this step.
    pub rotations: u64,
    pub doubt: Doubt,
    /// Bytes of which is known that nobody will read them, in this step.
    pub unknown_bytes: u64,
    /// Lines longer than what rules see of them, in this step.
    pub cut: u64,
    /// Last lines without newline that nobody will finish, counted in this step.
    pub unterminated: u64,
    /// Named files left out by the cap.
    pub crowded_out: u64,
    /// Entries of directories left out by the cap.
    pub not_listed: u64,
    /// Bytes on disk in deleted files that are still held open.
    pub held_deleted_bytes: u64,
    /// Size of the largest named file, and of all.
    pub largest: u64,
    pub total: u64,
    /// Directories in which something can happen that asks for a step.
    pub dirs: Arc<BTreeSet<PathBuf>>,
    /// Lines of an event may still come: ask again soon, and it is complete.
    pub unsettled: bool,
    /// All that was there when the step began has been read.
    pub caught_up: bool,
    /// The first reason why a part cannot be read.
    pub problem: Option<Failure>,
}

impl Report {
    /// How the files are, without what happened in the step.
    pub fn standing(&self) -> Self {
        Self {
            rotations: 0,
            doubt: Doubt::default(),
            unknown_bytes: 0,
            cut: 0,
            unterminated: 0,
            unsettled: false,
            ..self.clone()
        }
    }
}

/// Events in a step that make the counts a lower bound.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Doubt {
    /// Content was cut off or replaced in its file.
    pub truncated: u64,
    /// A file was gone before all of it was surely read.
    pub overrun: u64,
    /// Entries of the journal are gone that nobody has read.
    pub cursor_lost: u64,
    /// Records that cannot be decoded.
    pub damaged: u64,
}

/// Named files that are never read, by reason.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Skipped {
    pub compressed: u64,
    pub utf16: u64,
    pub binary: u64,
    /// A directory, a pipe, a socket, a device.
    pub irregular: u64,
    /// A symbolic link whose owner is neither root, nor we, nor the owner of what it leads to.
    pub link: u64,
    /// A folder whose files the kernel makes up, such as `/proc` or `/sys`, or a link into one.
    pub pseudo: u64,
}

impl Skipped {
    pub fn all(&self) -> u64 {
        self.compressed + self.utf16 + self.binary + self.irregular + self.link + self.pseudo
    }
}
