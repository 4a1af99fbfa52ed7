//! A file of which a look may read so much, and for so long.

use std::cell::Cell;
use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::FileExt as _;
use std::time::{Duration, Instant};

/// What a look at the ends of one file may cost.
const BYTES: u64 = 64 << 20;
const TIME: Duration = Duration::from_secs(5);

pub struct Source<'a> {
    file: &'a File,
    left: Cell<u64>,
    until: Instant,
    spent: Cell<bool>,
}

impl<'a> Source<'a> {
    pub fn new(file: &'a File) -> Self {
        Self::within(file, BYTES, TIME)
    }

    pub fn within(file: &'a File, bytes: u64, time: Duration) -> Self {
        let (now, left, spent) = (Instant::now(), Cell::new(bytes), Cell::new(false));
        Self { file, left, until: now.checked_add(time).unwrap_or(now), spent }
    }

    /// Whether it has cost too much: then it was not looked at to the end.
    pub const fn is_spent(&self) -> bool {
        self.spent.get()
    }

    fn spend(&self, bytes: usize) -> io::Result<()> {
        let left = self.left.get().checked_sub(bytes as u64);
        if let Some(left) = left.filter(|_| Instant::now() < self.until) {
            self.left.set(left);
            Ok(())
        } else {
            self.spent.set(true);
            Err(io::Error::other("a look at its ends may not cost more"))
        }
    }

    /// As much as there is at a place.
    pub fn read_at(&self, at: u64, buffer: &mut [u8]) -> io::Result<usize> {
        self.spend(buffer.len())?;
        let mut length = 0;
        while let Some(rest) = buffer.get_mut(length..).filter(|rest| !rest.is_empty()) {
            match self.file.read_at(rest, at.saturating_add(length as u64)) {
                Ok(0) => break,
                Ok(read) => length += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(length)
    }
}

/// Reads it from a place on, without moving anybody else's place.
pub struct At<'a> {
    source: &'a Source<'a>,
    at: u64,
}

impl<'a> At<'a> {
    pub const fn new(source: &'a Source<'a>, at: u64) -> Self {
        Self { source, at }
    }
}

impl Read for At<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.source.spend(buffer.len())?;
        let length = self.source.file.read_at(buffer, self.at)?;
        self.at = self.at.saturating_add(length as u64);
        Ok(length)
    }
}

/// Reads a file from its first byte to its last, as long as that takes.
pub struct Whole<'a> {
    file: &'a File,
    at: u64,
}

impl<'a> Whole<'a> {
    pub const fn new(file: &'a File) -> Self {
        Self { file, at: 0 }
    }
}

impl Read for Whole<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let length = self.file.read_at(buffer, self.at)?;
        self.at = self.at.saturating_add(length as u64);
        Ok(length)
    }
}
