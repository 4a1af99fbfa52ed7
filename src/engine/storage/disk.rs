//! The directory of states: its lock, and files that are replaced as a whole.

use std::collections::BTreeMap;
use std::fs::{DirBuilder, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{DirBuilderExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags};

use super::ENDING;
use crate::failure::{Failure, Reason};
use crate::files;

const LOCK: &str = "lock";
/// How often a file is flushed to the disk.
const FLUSH: Duration = Duration::from_secs(30);
/// Longer names of files are cut and told apart by a hash; file systems take 255 bytes.
const MAX_NAME: usize = 180;
/// Longer states are none of ours.
const LONGEST: u64 = 64 << 20;

pub(super) struct Disk {
    pub(super) dir: PathBuf,
    /// No exporter has ever used it.
    pub(super) is_new: bool,
    /// Held as long as the directory is ours.
    _lock: File,
    /// When each file was flushed last, and whether it was replaced since.
    flushed: Mutex<BTreeMap<PathBuf, (Instant, bool)>>,
}

pub(super) fn read(path: &Path) -> Result<Option<Vec<u8>>, Failure> {
    match files::read(path, LONGEST) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(Failure::io(&format!("state {}", path.display()), &error)
            .hint("move it away: the source is read when it is gone")),
    }
}

impl Disk {
    pub(super) fn open(dir: &Path) -> Result<Self, Failure> {
        let what = format!("state directory {}", dir.display());
        let failed = |error: &io::Error| {
            Failure::io(&what, error).hint("give the exporter a directory that it may write")
        };
        make(dir).map_err(|error| failed(&error))?;
        let is_new = !dir.join(LOCK).exists();
        let lock = open(&dir.join(LOCK), Way::Keep).map_err(|error| failed(&error))?;
        match rustix::fs::flock(&lock, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let detail = format!("{what}: another exporter uses it");
                return Err(Failure::new(Reason::TAKEN, detail)
                    .hint("stop that one, or give each its own directory"));
            }
            Err(error) => return Err(failed(&error.into())),
        }
        Ok(Self { dir: dir.to_owned(), is_new, _lock: lock, flushed: Mutex::default() })
    }

    pub(super) fn save(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.dir.join(name);
        let beside = self.dir.join(format!(".{name}.new"));
        // Not held while the disk is waited for: others have something to save too.
        let flushed = || self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        let due = flushed().get(&path).is_none_or(|(at, _)| at.elapsed() >= FLUSH);
        let written = write(&beside, bytes, due).and_then(|()| std::fs::rename(&beside, &path));
        if let Err(error) = written {
            // What is half written would only take the room.
            let _ = std::fs::remove_file(&beside);
            return Err(error);
        }
        self.note(path, due);
        Ok(())
    }

    /// Writes behind what is there. Fails if nothing is: what is added means nothing alone.
    pub(super) fn append(&self, name: &str, bytes: &[u8]) -> io::Result<()> {
        let path = self.dir.join(name);
        let flushed = || self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        let due = flushed().get(&path).is_none_or(|(at, _)| at.elapsed() >= FLUSH);
        let mut file = open(&path, Way::Add)?;
        file.write_all(bytes)?;
        if due {
            file.sync_data()?;
        }
        self.note(path, due);
        Ok(())
    }

    /// A file was written, and brought to the disk or not.
    fn note(&self, path: PathBuf, flushed: bool) {
        let mut all = self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        if flushed {
            all.insert(path, (Instant::now(), false));
        } else if let Some((_, dirty)) = all.get_mut(&path) {
            *dirty = true;
        }
    }

    pub(super) fn flush(&self) {
        let mut flushed = self.flushed.lock().unwrap_or_else(PoisonError::into_inner);
        let mut any = false;
        for (path, (at, dirty)) in flushed.iter_mut().filter(|(_, (_, dirty))| *dirty) {
            if files::open(path).and_then(|file| file.sync_data()).is_ok() {
                (*at, *dirty, any) = (Instant::now(), false, true);
            }
        }
        if any {
            // The names are in the directory.
            let _ = File::open(&self.dir).and_then(|dir| dir.sync_all());
        }
    }
}

impl Drop for Disk {
    fn drop(&mut self) {
        self.flush();
    }
}

pub(super) fn write(path: &Path, bytes: &[u8], flush: bool) -> io::Result<()> {
    let mut file = open(path, Way::Empty)?;
    file.write_all(bytes)?;
    if flush { file.sync_data() } else { Ok(()) }
}

/// What becomes of what is in a file that is opened.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Way {
    Keep,
    Empty,
    /// It stays, and what is written comes behind it.
    Add,
}

/// Never a link of somebody else, and never a pipe, which would be waited for.
fn open(path: &Path, way: Way) -> io::Result<File> {
    #[allow(clippy::cast_possible_wrap, reason = "a set of bits")]
    let flags = (OFlags::NOFOLLOW | OFlags::NONBLOCK).bits() as i32;
    let mut options = OpenOptions::new();
    options.append(way == Way::Add).create(way != Way::Add);
    let file = options.write(true).mode(0o600).custom_flags(flags).open(path);
    let irregular = |kind| {
        let text = format!("{} is {}, expected a regular file", path.display(), files::kind(kind));
        io::Error::new(io::ErrorKind::InvalidInput, text)
    };
    let file = file.map_err(|error| match std::fs::symlink_metadata(path) {
        Ok(meta) if !meta.is_file() => irregular(meta.file_type()),
        _ => error,
    })?;
    let kind = file.metadata()?.file_type();
    if !kind.is_file() {
        return Err(irregular(kind));
    }
    if way == Way::Empty {
        file.set_len(0)?;
    }
    Ok(file)
}

pub(super) fn make(dir: &Path) -> io::Result<()> {
    DirBuilder::new().recursive(true).mode(0o700).create(dir)
}

/// A name of a file from any text: what could be more than a letter of it is written in hex.
pub(super) fn file_name(area: &str, name: &str) -> String {
    let mut file = format!("{area}-");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'_' | b'-' | b'.' => file.push(byte.into()),
            _ => file.push_str(&format!("%{byte:02x}")),
        }
    }
    if file.len() > MAX_NAME {
        let hash = name.bytes().fold(0xcbf2_9ce4_8422_2325_u64, |hash, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        file.truncate(MAX_NAME);
        file.push_str(&format!("%-{hash:016x}"));
    }
    file + ENDING
}
