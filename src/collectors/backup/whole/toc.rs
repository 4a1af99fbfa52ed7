//! Header and table of contents of an archive of `pg_dump -Fc`, as PostgreSQL's
//! `pg_backup_archiver.c` writes them, of the versions 1.10 (PostgreSQL 8) to 1.16 (PostgreSQL 17).

use std::io::BufRead;

use super::scan;
use super::wrong::Wrong;

/// Entries that have data; archives have one a table. Of more it is not known whether all are
/// there.
const MOST_BLOCKS: usize = 50_000;
/// No text in the table is longer.
const LONGEST_TEXT: u64 = 1 << 30;

/// How the blocks of data are packed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Packing {
    Plain,
    Zlib,
    /// LZ4 or zstd, by block: not unpacked here.
    Other,
}

/// Where the data of an entry stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    At(u64),
    /// The archive was written to a pipe, or not to its end.
    Unknown,
}

pub struct Toc {
    pub numbers: Numbers,
    pub packing: Packing,
    pub entries: u64,
    /// Of entries with data: their number and place.
    pub blocks: Vec<(i64, Place)>,
    /// Too many to be remembered.
    pub more: bool,
}

type Outcome<T> = Result<T, Wrong>;

/// The widths of integers and offsets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Numbers {
    int: usize,
    offset: usize,
}

fn some<T>(value: Option<T>) -> Outcome<T> {
    value.ok_or(Wrong::Cut)
}

fn byte(from: &mut dyn BufRead) -> Outcome<u8> {
    Ok(some(scan::exactly::<1>(from)?)?[0])
}

fn little(from: &mut dyn BufRead, length: usize) -> Outcome<u64> {
    let mut bytes = [0; 8];
    let part = bytes.get_mut(..length).ok_or(Wrong::Damaged)?;
    if scan::fill(from, part)? < length {
        return Err(Wrong::Cut);
    }
    Ok(u64::from_le_bytes(bytes))
}

impl Numbers {
    /// Bytes of a number.
    pub const fn width(self) -> usize {
        self.int + 1
    }

    /// A sign, then the bytes of the number.
    pub fn int(self, from: &mut dyn BufRead) -> Outcome<i64> {
        let sign = byte(from)?;
        let number = i64::try_from(little(from, self.int)?).map_err(|_| Wrong::Damaged)?;
        match sign {
            0 => Ok(number),
            1 => Ok(-number),
            _ => Err(Wrong::Damaged),
        }
    }

    /// Leaves out a text; whether there is one.
    fn text(self, from: &mut dyn BufRead) -> Outcome<bool> {
        let Ok(length) = u64::try_from(self.int(from)?) else { return Ok(false) };
        if length > LONGEST_TEXT {
            return Err(Wrong::Damaged);
        }
        if scan::skip(from, length)? { Ok(true) } else { Err(Wrong::Cut) }
    }

    fn texts(self, from: &mut dyn BufRead, count: usize) -> Outcome<()> {
        for _ in 0..count {
            self.text(from)?;
        }
        Ok(())
    }

    fn place(self, from: &mut dyn BufRead) -> Outcome<Option<Place>> {
        let state = byte(from)?;
        let at = little(from, self.offset)?;
        match state {
            1 => Ok(Some(Place::Unknown)),
            2 => Ok(Some(Place::At(at))),
            3 => Ok(None),
            _ => Err(Wrong::Damaged),
        }
    }
}

/// The form of the archive.
const CUSTOM: u8 = 1;

pub fn read(from: &mut dyn BufRead) -> Outcome<Toc> {
    let head = some(scan::exactly::<11>(from)?)?;
    let [b'P', b'G', b'D', b'M', b'P', major, minor, _, int, offset, form] = head else {
        return Err(Wrong::Damaged);
    };
    if form != CUSTOM || major != 1 || !(10..=16).contains(&minor) {
        return Err(Wrong::Unknown);
    }
    let numbers = Numbers { int: int.into(), offset: offset.into() };
    let packing = if minor >= 15 {
        match byte(from)? {
            0 => Packing::Plain,
            1 => Packing::Zlib,
            _ => Packing::Other,
        }
    } else if numbers.int(from)? == 0 {
        Packing::Plain
    } else {
        Packing::Zlib
    };
    // When it was made, in seven numbers.
    for _ in 0..7 {
        numbers.int(from)?;
    }
    // The database, and the versions of server and program.
    numbers.texts(from, 3)?;
    let entries = u64::try_from(numbers.int(from)?).map_err(|_| Wrong::Damaged)?;
    let mut toc = Toc { numbers, packing, entries, blocks: Vec::new(), more: false };
    for _ in 0..entries {
        toc.entry(from, minor)?;
    }
    Ok(toc)
}

impl Toc {
    fn entry(&mut self, from: &mut dyn BufRead, minor: u8) -> Outcome<()> {
        let numbers = self.numbers;
        let id = numbers.int(from)?;
        numbers.int(from)?;
        // The two identifiers in the catalogue, name and kind.
        numbers.texts(from, 4)?;
        if minor >= 11 {
            numbers.int(from)?;
        }
        // How it is made, dropped and copied; schema and table space.
        numbers.texts(from, 5)?;
        if minor >= 14 {
            numbers.text(from)?;
        }
        if minor >= 16 {
            numbers.int(from)?;
        }
        // Owner, and a word that has lost its meaning.
        numbers.texts(from, 2)?;
        // What it depends on, up to a text that is none.
        while numbers.text(from)? {}
        if let Some(place) = numbers.place(from)? {
            if self.blocks.len() < MOST_BLOCKS {
                self.blocks.push((id, place));
            } else {
                self.more = true;
            }
        }
        Ok(())
    }
}
