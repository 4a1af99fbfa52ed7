//! The process that a pid file names, if the file is not left over from another one.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::clients::kernel::process::Stat;
use crate::clients::kernel::{self, Buffer};
use crate::files;

/// Bytes of a pid file.
const PID_FILE: u64 = 64;
/// A pid file may be written a little before, with the number known from the fork.
const SLACK: f64 = 5.0;

/// Pid files whose process was found to be theirs: its number, its start, and when the file was written.
pub type Accepted = BTreeMap<PathBuf, (u32, u64, SystemTime)>;

/// The number in a pid file, unless its process began after the file was written. A file that is
/// not there names nobody; one that is not for us may name anybody.
pub fn named_in(
    proc: &Path,
    path: &Path,
    boot: Option<u64>,
    accepted: &mut Accepted,
) -> std::io::Result<Option<u32>> {
    use std::io::ErrorKind::{NotADirectory, NotFound};
    let there = files::read(path, PID_FILE)
        .and_then(|text| Ok((text, std::fs::metadata(path)?.modified()?)));
    match there {
        Ok((text, written)) => Ok(named(proc, path, &text, written, boot, accepted)),
        Err(error) if matches!(error.kind(), NotFound | NotADirectory) => Ok(None),
        Err(error) => Err(error),
    }
}

fn named(
    proc: &Path,
    path: &Path,
    text: &[u8],
    written: SystemTime,
    boot: Option<u64>,
    accepted: &mut Accepted,
) -> Option<u32> {
    let pid = kernel::parse::words(text).next().and_then(kernel::parse::number)?;
    let pid = u32::try_from(pid).ok()?;
    let mut buffer = Buffer::new();
    let stat = Stat::parse(buffer.read(&proc.join(format!("{pid}/stat")))?)?;
    let began = stat.started?;
    let this = (pid, began, written);
    // A clock that is set anew moves the start of the machine, and no file.
    if accepted.get(path) == Some(&this) {
        return Some(pid);
    }
    let at = written.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let since = boot? as f64 + began as f64 / kernel::ticks_per_second();
    if since > at + SLACK && SystemTime::now() >= UNIX_EPOCH {
        return None;
    }
    accepted.insert(path.to_owned(), this);
    Some(pid)
}
