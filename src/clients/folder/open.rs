//! Opening what a walk has found.

use std::fs::File;
use std::io;
use std::os::fd::OwnedFd;
use std::path::Path;

use rustix::fs::{CWD, Mode, OFlags, ResolveFlags};

use crate::files;

/// Opens a path without symbolic links for reading, without waiting for a writer in case it is a
/// pipe after all. A link that was put there since the look is not followed.
pub fn open(path: &Path) -> io::Result<File> {
    open_as(path, OFlags::empty()).map(File::from)
}

/// Opens a folder whose path has no symbolic links.
pub(super) fn open_folder(path: &Path) -> io::Result<OwnedFd> {
    open_as(path, OFlags::DIRECTORY)
}

fn open_as(path: &Path, more: OFlags) -> io::Result<OwnedFd> {
    let flags = files::READ | OFlags::NOFOLLOW | more;
    let opened = rustix::fs::openat2(CWD, path, flags, Mode::empty(), ResolveFlags::NO_SYMLINKS);
    match opened {
        // An old kernel, or a container that forbids what it does not know.
        Err(rustix::io::Errno::NOSYS | rustix::io::Errno::PERM) => {
            Ok(rustix::fs::open(path, flags, Mode::empty())?)
        }
        opened => Ok(opened?),
    }
}
