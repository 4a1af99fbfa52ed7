//! One open file. It stays open over a rename or a deletion until all of it has been read.

use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::{FileExt as _, MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use memchr::memrchr;
use rustix::fs::OFlags;

use super::super::scan::lines::{Lines, MAX_LINE, Piece};
use super::find::Identity;

/// Where reading begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum From {
    Offset(u64),
    /// At the last line, if that is not finished, else behind it.
    End,
}

pub struct Tail {
    pub identity: Identity,
    pub path: PathBuf,
    file: File,
    read_to: u64,
    pub size: u64,
    lines: Lines,
    /// No pattern names it any more: renamed or deleted.
    pub gone: bool,
    /// Since when a gone file has had nothing new.
    pub quiet: Option<SystemTime>,
    /// All of it had been read when it was last looked at.
    pub at_end: bool,
    /// It could not be read, and is opened anew at the next step.
    pub broken: bool,
    /// What it holds is known to be text, or known not to be.
    text: Option<bool>,
    /// Its first bytes, by which a copy is known.
    head: Vec<u8>,
}

/// Length of [`Tail::head`].
const HEAD: usize = 1024;

/// What opens files: tests put another in its place.
pub type Open = fn(&Path) -> io::Result<File>;

/// Opens for reading without waiting for a writer, in case it is a pipe after all.
pub fn open(path: &Path) -> io::Result<File> {
    #[allow(clippy::cast_possible_wrap, reason = "a set of bits")]
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits() as i32;
    OpenOptions::new().read(true).custom_flags(flags).open(path)
}

impl Tail {
    /// Nothing if the file is not the one that was found, or no regular file.
    pub fn new(
        open: Open,
        path: &Path,
        identity: Identity,
        from: From,
    ) -> io::Result<Option<Self>> {
        let file = open(path)?;
        let meta = file.metadata()?;
        if !meta.is_file() || Identity::of(&meta) != identity {
            return Ok(None);
        }
        let read_to = match from {
            From::Offset(offset) => offset,
            From::End => last_line(&file, meta.len())?,
        };
        Ok(Some(Self {
            identity,
            path: path.to_owned(),
            file,
            read_to,
            size: meta.len(),
            lines: Lines::default(),
            gone: false,
            quiet: None,
            at_end: false,
            broken: false,
            text: None,
            head: Vec::new(),
        }))
    }

    /// Looks at the size. Returns whether the file has become smaller than what was read of it: it
    /// is then read from its beginning.
    pub fn refresh(&mut self) -> io::Result<bool> {
        let meta = self.file.metadata()?;
        self.size = meta.len();
        self.gone |= meta.nlink() == 0;
        self.at_end = self.size == self.read_to;
        let truncated = self.size < self.read_to;
        if truncated {
            self.read_to = 0;
            (self.text, self.head) = (None, Vec::new());
            self.lines.clear();
        }
        if self.head.len() < HEAD && self.size > self.head.len() as u64 {
            self.head = head(&self.file)?;
        }
        if self.text.is_none() && self.size > 0 {
            self.text = Some(is_text(&self.head));
        }
        Ok(truncated)
    }

    /// Whether the file at `path` begins as this one did when it was last looked at.
    pub fn begins_like(&self, open: Open, path: &Path) -> bool {
        let other = open(path).and_then(|file| head(&file)).unwrap_or_default();
        !self.head.is_empty() && other.starts_with(&self.head)
    }

    /// Whether it holds something else than lines: a compressed file under another name, UTF-16.
    pub fn refused(&self) -> bool {
        self.text == Some(false)
    }

    /// Reads once into `buffer` and hands out the lines that are finished. Returns the bytes read.
    pub fn read(&mut self, buffer: &mut [u8], give: impl FnMut(&Piece)) -> io::Result<usize> {
        if self.refused() {
            return Ok(0);
        }
        let count = match self.file.read_at(buffer, self.read_to) {
            Err(error) if error.kind() == io::ErrorKind::Interrupted => return Ok(0),
            result => result?,
        };
        self.at_end = count == 0;
        self.read_to += count as u64;
        self.size = self.size.max(self.read_to);
        self.lines.feed(buffer.get(..count).unwrap_or_default(), give);
        Ok(count)
    }

    /// Hands out a last line without newline: nobody will finish it.
    pub fn finish(&mut self, give: impl FnMut(&Piece)) {
        self.lines.finish(give);
    }

    /// Bytes not read yet.
    pub fn lag(&self) -> u64 {
        if self.refused() { 0 } else { self.size.saturating_sub(self.read_to) }
    }

    /// Where reading would go on: behind the last finished line.
    pub fn position(&self) -> u64 {
        self.read_to - self.lines.unfinished()
    }
}

/// The beginning of the unfinished last line, or the end.
fn last_line(file: &File, size: u64) -> io::Result<u64> {
    let from = size.saturating_sub(MAX_LINE as u64);
    let mut end = vec![0; usize::try_from(size - from).unwrap_or(MAX_LINE)];
    let count = file.read_at(&mut end, from)?;
    let read = end.get(..count).unwrap_or_default();
    // A line that fills the window has only its end to give.
    let start = if from == 0 { 0 } else { size };
    Ok(memrchr(b'\n', read).map_or(start, |newline| from + newline as u64 + 1))
}

fn head(file: &File) -> io::Result<Vec<u8>> {
    let mut head = vec![0; HEAD];
    let count = file.read_at(&mut head, 0)?;
    head.truncate(count);
    Ok(head)
}

/// By the first bytes: gzip, zstd, xz, bzip2, and UTF-16 in either order are not.
fn is_text(head: &[u8]) -> bool {
    const OTHERS: [&[u8]; 6] =
        [b"\x1f\x8b", b"\x28\xb5\x2f\xfd", b"\xfd7zXZ\0", b"BZh", b"\xff\xfe", b"\xfe\xff"];
    !OTHERS.iter().any(|magic| head.starts_with(magic))
}
