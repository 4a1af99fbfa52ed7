//! A walk through what a pattern names, with an end in entries and in time.

use std::ffi::{OsStr, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant, SystemTime};

use rustix::fs::{AtFlags, CWD, FileType, RawDir, Statx, StatxFlags};

use super::link::{Refusal, resolve};
use super::made_up::is_made_up;
use super::open::{open_folder, pass_folder};
use super::pattern::{Part, Pattern};
use crate::failure::{Failure, Reason};

/// Folders within folders.
const DEPTH: usize = 16;
/// Bytes of names that the kernel tells at once.
const NAMES: usize = 32 << 10;
/// The clock is read once for so many entries.
const GLANCE: usize = 128;
/// No access time, which network file systems may have to ask for.
const WANTED: StatxFlags = StatxFlags::BASIC_STATS.difference(StatxFlags::ATIME);

/// What a walk may cost. What it has cost is taken off, so several walks can share one.
#[derive(Clone, Debug)]
pub struct Bounds {
    /// Entries of folders, whether the pattern names them or not.
    pub entries: usize,
    pub until: Instant,
}

impl Bounds {
    pub fn new(entries: usize, time: Duration) -> Self {
        let now = Instant::now();
        Self { entries, until: now.checked_add(time).unwrap_or(now) }
    }
}

/// Why a walk ended before it had seen all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cut {
    Entries,
    Time,
}

/// What the file system says of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Facts {
    pub size: u64,
    /// Bytes that it takes on the disk: fewer than its size where it has holes.
    pub disk: u64,
    pub modified: SystemTime,
    /// When it was changed in any way; nobody can set that.
    pub changed: SystemTime,
    /// The lower 12 bits: rights and their like.
    pub mode: u32,
    pub uid: u32,
    pub gid: u32,
    pub device: u64,
    pub inode: u64,
    /// Its names.
    pub links: u64,
}

/// A regular file within a walk.
pub struct Entry<'a> {
    /// The folder as the pattern has it, and without symbolic links.
    dir: &'a Path,
    real: &'a Path,
    pub name: &'a OsStr,
    /// Where a link leads to.
    target: Option<&'a Path>,
    pub facts: Facts,
}

impl Entry<'_> {
    pub fn path(&self) -> PathBuf {
        self.dir.join(self.name)
    }

    pub fn file(&self) -> File {
        let real = self.target.map_or_else(|| self.real.join(self.name), Path::to_owned);
        File { path: self.path(), real, facts: self.facts }
    }
}

/// A regular file that was found.
#[derive(Clone, Debug)]
pub struct File {
    pub path: PathBuf,
    /// The path without symbolic links, for [`open`](super::open).
    pub real: PathBuf,
    pub facts: Facts,
}

/// How a walk went.
#[derive(Debug, Default)]
pub struct Walked {
    /// Regular files that the pattern names.
    pub files: u64,
    /// What it names and is none: folders, sockets, devices.
    pub others: u64,
    pub cut: Option<Cut>,
    /// Folders are nested deeper than a walk goes.
    pub deep: bool,
    /// The first thing that could not be looked at. What is not there is no problem.
    pub problem: Option<Failure>,
}

impl Walked {
    /// Whether all was looked at, so that what was not found is not there.
    pub fn complete(&self) -> bool {
        self.cut.is_none() && !self.deep && self.problem.is_none()
    }
}

/// Hands out every regular file that the pattern names. Of several links to one file each counts.
pub fn walk(pattern: &Pattern, bounds: &mut Bounds, each: &mut dyn FnMut(&Entry<'_>)) -> Walked {
    let names = Vec::with_capacity(NAMES);
    let mut walk = Walker { bounds, walked: Walked::default(), names, each };
    walk.expand(PathBuf::from("/"), &pattern.parts, DEPTH);
    walk.walked
}

/// The newest files that the pattern names, the newest first, `most` at most; the walk tells how
/// many there are.
pub fn list(pattern: &Pattern, bounds: &mut Bounds, most: usize) -> (Vec<File>, Walked) {
    let mut files: Vec<File> = Vec::new();
    let walked = walk(pattern, bounds, &mut |entry| {
        files.push(entry.file());
        if files.len() >= most.saturating_mul(2).max(1) {
            newest(&mut files, most);
        }
    });
    newest(&mut files, most);
    (files, walked)
}

fn newest(files: &mut Vec<File>, most: usize) {
    files.sort_by(|a, b| b.facts.modified.cmp(&a.facts.modified).then_with(|| b.path.cmp(&a.path)));
    files.truncate(most);
}

struct Walker<'a> {
    bounds: &'a mut Bounds,
    walked: Walked,
    /// What the kernel's answers are written to.
    names: Vec<u8>,
    each: &'a mut dyn FnMut(&Entry<'_>),
}

/// A folder under way.
struct Folder<'a> {
    dir: &'a Path,
    real: &'a Path,
    fd: BorrowedFd<'a>,
}

impl Walker<'_> {
    fn expand(&mut self, mut dir: PathBuf, mut parts: &[Part], depth: usize) {
        while let [Part::Name(name), rest @ ..] = parts
            && !rest.is_empty()
        {
            dir.push(name);
            parts = rest;
        }
        let Some((part, rest)) = parts.split_first() else { return };
        self.walked.deep |= depth == 0;
        if depth == 0 || self.walked.cut.is_some() {
            return;
        }
        match (part, rest) {
            (Part::Name(name), _) => self.one(&dir, name),
            (Part::Any(glob), []) => {
                self.each_of(&dir, &mut |walker, folder, name, _| {
                    if glob.is_match(Path::new(name)) {
                        walker.file(folder, name);
                    }
                });
            }
            (Part::Any(glob), rest) => {
                let below = self.below(&dir, &|name| glob.is_match(Path::new(name)), true);
                for name in below {
                    self.expand(dir.join(name), rest, depth - 1);
                }
            }
            (Part::Deep, [Part::Any(glob)]) => self.deep(&dir, glob, parts, depth),
            (Part::Deep, rest) => {
                self.expand(dir.clone(), rest, depth);
                for name in self.below(&dir, &|_| true, false) {
                    self.expand(dir.join(name), parts, depth - 1);
                }
            }
        }
    }

    /// Files of a folder and of all below it, each folder read once.
    fn deep(&mut self, dir: &Path, glob: &globset::GlobMatcher, parts: &[Part], depth: usize) {
        let mut below = Vec::new();
        self.each_of(dir, &mut |walker, folder, name, kind| {
            if is_folder(folder, name, kind) {
                below.push(name.to_owned());
            } else if glob.is_match(Path::new(name)) {
                walker.file(folder, name);
            }
        });
        for name in below {
            self.expand(dir.join(name), parts, depth - 1);
        }
    }

    /// Names of folders in a folder. Links to them only where a part of the pattern names them:
    /// they can lead in circles.
    fn below(&mut self, dir: &Path, wanted: &dyn Fn(&OsStr) -> bool, links: bool) -> Vec<OsString> {
        let mut below = Vec::new();
        self.each_of(dir, &mut |_, folder, name, kind| {
            let may = is_folder(folder, name, kind) || (links && kind == FileType::Symlink);
            if may && wanted(name) {
                below.push(name.to_owned());
            }
        });
        below
    }

    /// The one file of this name.
    fn one(&mut self, dir: &Path, name: &OsStr) {
        self.within(dir, pass_folder, &mut |walker, folder| walker.file(folder, name));
    }

    fn each_of(
        &mut self,
        dir: &Path,
        each: &mut dyn FnMut(&mut Self, &Folder<'_>, &OsStr, FileType),
    ) {
        self.within(dir, open_folder, &mut |walker, folder| {
            let mut names = std::mem::take(&mut walker.names);
            if let Err(error) = walker.read(folder, names.spare_capacity_mut(), each) {
                walker.note(folder.dir, &error);
            }
            walker.names = names;
        });
    }

    fn read(
        &mut self,
        folder: &Folder<'_>,
        names: &mut [MaybeUninit<u8>],
        each: &mut dyn FnMut(&mut Self, &Folder<'_>, &OsStr, FileType),
    ) -> io::Result<()> {
        let mut entries = RawDir::new(folder.fd, names);
        while let Some(entry) = entries.next() {
            let entry = entry?;
            let name = entry.file_name().to_bytes();
            if name == b"." || name == b".." {
                continue;
            }
            if self.is_over() {
                break;
            }
            self.bounds.entries -= 1;
            each(self, folder, OsStr::from_bytes(name), entry.file_type());
        }
        Ok(())
    }

    fn is_over(&mut self) -> bool {
        if self.bounds.entries == 0 {
            self.walked.cut = Some(Cut::Entries);
        } else if self.bounds.entries.is_multiple_of(GLANCE) && Instant::now() >= self.bounds.until
        {
            self.walked.cut = Some(Cut::Time);
        }
        self.walked.cut.is_some()
    }

    /// Opens a folder the safe way.
    fn within(
        &mut self,
        dir: &Path,
        open: fn(&Path) -> io::Result<OwnedFd>,
        work: &mut dyn FnMut(&mut Self, &Folder<'_>),
    ) {
        if Instant::now() >= self.bounds.until {
            self.walked.cut = Some(Cut::Time);
            return;
        }
        let real = match resolve(dir) {
            Ok(real) => real,
            Err(Refusal::Link) => return self.refuse(dir),
            Err(Refusal::Io(error)) => return self.note(dir, &error),
        };
        match open(&real) {
            Ok(_) if is_made_up(&real) => self.made_up(dir),
            Ok(fd) => work(self, &Folder { dir, real: &real, fd: fd.as_fd() }),
            Err(error) => self.note(dir, &error),
        }
    }

    fn file(&mut self, folder: &Folder<'_>, name: &OsStr) {
        let found = match look(folder.fd, Path::new(name)) {
            Ok(found) => found,
            Err(error) => return self.note(&folder.dir.join(name), &error),
        };
        match found.0 {
            FileType::RegularFile => self.hand_out(folder, name, None, found.1),
            FileType::Symlink => self.linked(folder, name),
            _ => self.walked.others += 1,
        }
    }

    fn linked(&mut self, folder: &Folder<'_>, name: &OsStr) {
        let path = folder.real.join(name);
        let real = match resolve(&path) {
            Ok(real) => real,
            Err(Refusal::Link) => return self.refuse(&path),
            Err(Refusal::Io(error)) => return self.note(&path, &error),
        };
        match look(CWD, &real) {
            Ok((FileType::RegularFile, _)) if is_made_up(&real) => self.made_up(&path),
            Ok((FileType::RegularFile, facts)) => self.hand_out(folder, name, Some(&real), facts),
            Ok(_) => self.walked.others += 1,
            Err(error) => self.note(&path, &error),
        }
    }

    fn hand_out(&mut self, folder: &Folder<'_>, name: &OsStr, target: Option<&Path>, facts: Facts) {
        self.walked.files += 1;
        (self.each)(&Entry { dir: folder.dir, real: folder.real, name, target, facts });
    }

    /// What is not there, or has just gone, is no problem.
    fn note(&mut self, path: &Path, error: &io::Error) {
        if !matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) {
            let failure = || Failure::io(&path.display().to_string(), error);
            self.walked.problem.get_or_insert_with(failure);
        }
    }

    fn refuse(&mut self, path: &Path) {
        let detail = format!("{}: a symbolic link that is not followed", path.display());
        let failure = || {
            Failure::new(Reason::RIGHTS, detail).hint(
                "a link is followed if it belongs to root, to the exporter's user, or to the owner of what it leads to",
            )
        };
        self.walked.problem.get_or_insert_with(failure);
    }

    fn made_up(&mut self, path: &Path) {
        let detail = format!("{}: the kernel makes up what is there", path.display());
        self.walked.problem.get_or_insert_with(|| Failure::new(Reason::OTHER, detail));
    }
}

/// Not every file system tells in its listing what an entry is.
fn is_folder(folder: &Folder<'_>, name: &OsStr, kind: FileType) -> bool {
    let look = || look(folder.fd, Path::new(name)).is_ok_and(|seen| seen.0 == FileType::Directory);
    kind == FileType::Directory || (kind == FileType::Unknown && look())
}

/// What is there itself, not what a link leads to.
fn look(dir: impl AsFd, name: &Path) -> io::Result<(FileType, Facts)> {
    let found = rustix::fs::statx(dir, name, AtFlags::SYMLINK_NOFOLLOW, WANTED)?;
    Ok((FileType::from_raw_mode(found.stx_mode.into()), facts(&found)))
}

fn facts(found: &Statx) -> Facts {
    Facts {
        size: found.stx_size,
        disk: found.stx_blocks.saturating_mul(512),
        modified: moment(found.stx_mtime.tv_sec, found.stx_mtime.tv_nsec),
        changed: moment(found.stx_ctime.tv_sec, found.stx_ctime.tv_nsec),
        mode: u32::from(found.stx_mode) & 0o7777,
        uid: found.stx_uid,
        gid: found.stx_gid,
        device: rustix::fs::makedev(found.stx_dev_major, found.stx_dev_minor),
        inode: found.stx_ino,
        links: found.stx_nlink.into(),
    }
}

/// Anybody can set the time of a file to anything.
fn moment(seconds: i64, nanoseconds: u32) -> SystemTime {
    let whole = Duration::from_secs(seconds.unsigned_abs());
    let epoch = SystemTime::UNIX_EPOCH;
    let whole = if seconds < 0 { epoch.checked_sub(whole) } else { epoch.checked_add(whole) };
    let exact = whole.and_then(|at| at.checked_add(Duration::from_nanos(nanoseconds.into())));
    exact.unwrap_or(epoch)
}

#[cfg(test)]
mod tests;
