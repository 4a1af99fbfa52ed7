//! The journal's own files: a header, and objects that entries are made of. All that is read is
//! checked before it is used: a file may be damaged, or be written to at this moment.

use std::fs::File;
use std::io;
use std::path::Path;

use super::bytes::Bytes;
use crate::collectors::logs::follow;

const SIGNATURE: &[u8] = b"LPKSHHRH";
const HEADER: usize = 208;
const OBJECT: u64 = 16;
const ENTRY_ITEMS: u64 = 64;
const ARRAY_ITEMS: u64 = 24;
const DATA_PAYLOAD: u64 = 64;
/// More in compact files.
const COMPACT_PAYLOAD: u64 = DATA_PAYLOAD + 8;
/// Items of an entry that are looked at; an ordinary one has thirty.
const MAX_ITEMS: u64 = 1024;

const DATA: u8 = 1;
const ENTRY: u8 = 3;
const ENTRY_ARRAY: u8 = 6;

/// Flags that change nothing of what is read here (keyed hashes, compression of single objects), and
/// the one for items of half the size.
const KNOWN: u32 = 0b1_1111;
const COMPACT: u32 = 1 << 4;

const STATE_ARCHIVED: u8 = 2;

/// Why something cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fault {
    /// Not a journal.
    NoJournal,
    /// Of a format that came after this program.
    Newer,
    /// An object that is none, or points to none.
    Damaged,
    /// Compressed in a way that is not read here.
    Xz,
    Io(io::ErrorKind),
}

impl Fault {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::NoJournal => "no journal",
            Self::Newer => "its format is newer than this program",
            Self::Damaged => "damaged: journalctl --verify tells more",
            Self::Xz => "compressed with xz, which is not read",
            Self::Io(_) => "cannot be read",
        }
    }
}

impl From<io::Error> for Fault {
    fn from(error: io::Error) -> Self {
        Self::Io(error.kind())
    }
}

/// What the header says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Header {
    /// Stays when the file is renamed.
    pub file_id: u128,
    pub archived: bool,
    pub entries: u64,
    pub head_realtime: u64,
    pub tail_realtime: u64,
    compact: bool,
    first_array: u64,
}

/// A file, as it is at one moment.
pub struct Journal {
    bytes: Bytes,
    pub header: Header,
    scratch: Vec<u8>,
}

/// Where an array of entries begins, and the number of its first one: so that a long chain is
/// walked once.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Place {
    pub array: u64,
    pub first: u64,
}

/// An entry's own facts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Entry {
    pub realtime: u64,
    pub hash: u64,
    /// Where its fields are.
    pub items: Vec<u64>,
}

impl Journal {
    pub fn open(path: &Path) -> Result<Self, Fault> {
        Self::new(follow::file::open(path)?)
    }

    pub fn new(file: File) -> Result<Self, Fault> {
        if !file.metadata()?.is_file() {
            return Err(Fault::NoJournal);
        }
        let mut bytes = Bytes::new(file)?;
        let header = bytes.array::<HEADER>(0)?.ok_or(Fault::NoJournal)?;
        let header = Header::parse(&header)?;
        // What the header knows of was there before it.
        bytes.grow()?;
        Ok(Self { bytes, header, scratch: Vec::new() })
    }

    /// Where the entry of this number stands, from a place that was known.
    pub fn entry_at(&mut self, number: u64, place: &mut Place) -> Result<Option<u64>, Fault> {
        if number >= self.header.entries {
            return Ok(None);
        }
        if place.array == 0 || number < place.first {
            *place = Place { array: self.header.first_array, first: 0 };
        }
        loop {
            if place.array == 0 {
                return Ok(None);
            }
            let size = self.object(place.array, ENTRY_ARRAY)?;
            let width = if self.header.compact { 4 } else { 8 };
            let count = size.saturating_sub(ARRAY_ITEMS) / width;
            let within = number - place.first;
            if within < count {
                let at = place.array + ARRAY_ITEMS + within * width;
                let offset = self.offset(at)?;
                return Ok((offset != 0).then_some(offset));
            }
            let next = self.number(place.array + OBJECT)?;
            // Later arrays stand behind earlier ones: no circles.
            if next != 0 && next <= place.array {
                return Err(Fault::Damaged);
            }
            *place = Place { array: next, first: place.first + count };
        }
    }

    pub fn entry(&mut self, offset: u64) -> Result<Entry, Fault> {
        let size = self.object(offset, ENTRY)?;
        let head = self.bytes.array::<64>(offset)?.ok_or(Fault::Damaged)?;
        let width = if self.header.compact { 4 } else { 16 };
        let count = (size.saturating_sub(ENTRY_ITEMS) / width).min(MAX_ITEMS);
        let mut items = Vec::with_capacity(usize::try_from(count).unwrap_or(0));
        for index in 0..count {
            items.push(self.offset(offset + ENTRY_ITEMS + index * width)?);
        }
        Ok(Entry { realtime: u64_at(&head, 24), hash: u64_at(&head, 56), items })
    }

    /// The text `FIELD=value` at an offset, up to `limit` bytes, in `out`.
    pub fn data(&mut self, offset: u64, limit: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
        let size = self.object(offset, DATA)?;
        let [_, flags] = self.bytes.array::<2>(offset)?.ok_or(Fault::Damaged)?;
        let start = if self.header.compact { COMPACT_PAYLOAD } else { DATA_PAYLOAD };
        let length = usize::try_from(size.checked_sub(start).ok_or(Fault::Damaged)?);
        let length = length.map_err(|_| Fault::Damaged)?;
        out.clear();
        if !super::compressed::is_packed(flags) {
            return self.bytes.read(offset + start, length.min(limit), out)?.ok_or(Fault::Damaged);
        }
        self.scratch.clear();
        let length = length.min(super::compressed::enough(flags));
        self.bytes.read(offset + start, length, &mut self.scratch)?.ok_or(Fault::Damaged)?;
        super::compressed::unpack(flags, &self.scratch, limit, out)
    }

    /// The size of an object of this kind.
    fn object(&mut self, offset: u64, kind: u8) -> Result<u64, Fault> {
        if !offset.is_multiple_of(8) || offset < HEADER as u64 {
            return Err(Fault::Damaged);
        }
        let head = self.bytes.array::<16>(offset)?.ok_or(Fault::Damaged)?;
        let size = u64_at(&head, 8);
        let end = offset.checked_add(size).ok_or(Fault::Damaged)?;
        if head.first() != Some(&kind) || size < OBJECT || end > self.bytes.size {
            return Err(Fault::Damaged);
        }
        Ok(size)
    }

    /// A number of the width that offsets have in this file.
    fn offset(&mut self, at: u64) -> Result<u64, Fault> {
        if !self.header.compact {
            return self.number(at);
        }
        let four = self.bytes.array::<4>(at)?.ok_or(Fault::Damaged)?;
        Ok(u64::from(u32::from_le_bytes(four)))
    }

    fn number(&mut self, at: u64) -> Result<u64, Fault> {
        Ok(u64::from_le_bytes(self.bytes.array(at)?.ok_or(Fault::Damaged)?))
    }
}

impl Header {
    fn parse(header: &[u8; HEADER]) -> Result<Self, Fault> {
        if !header.starts_with(SIGNATURE) {
            return Err(Fault::NoJournal);
        }
        let flags = header.get(12..16).and_then(|four| four.try_into().ok());
        let flags = flags.map_or(0, u32::from_le_bytes);
        if flags & !KNOWN != 0 {
            return Err(Fault::Newer);
        }
        Ok(Self {
            file_id: u128_at(header, 24),
            archived: header.get(16) == Some(&STATE_ARCHIVED),
            entries: u64_at(header, 152),
            head_realtime: u64_at(header, 184),
            tail_realtime: u64_at(header, 192),
            compact: flags & COMPACT != 0,
            first_array: u64_at(header, 176),
        })
    }
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let eight = bytes.get(at..at + 8).and_then(|eight| eight.try_into().ok());
    eight.map_or(0, u64::from_le_bytes)
}

/// As it is written in the names of files.
fn u128_at(bytes: &[u8], at: usize) -> u128 {
    let id = bytes.get(at..at + 16).and_then(|id| id.try_into().ok());
    id.map_or(0, u128::from_be_bytes)
}
