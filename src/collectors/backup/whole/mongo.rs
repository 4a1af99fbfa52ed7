//! The archive of `mongodump --archive`, by its published specification: a prelude that lists the
//! collections, then segments of documents and for each collection an end with its checksum.
//!
//! ```text
//! archive = magic header *metadata terminator *(segment | end)
//! segment = {db, collection, EOF: false, CRC: 0} *document terminator
//! end     = {db, collection, EOF: true, CRC: int64} terminator
//! ```

use std::collections::BTreeMap;
use std::io::{self, BufRead, BufReader, Read as _};

use super::scan::{self, cut};
use super::wrong::Wrong;
use super::{At, Fault, PIECE, Source, Verdict, What, broken};

/// As it stands in the file: 0x8199e26d from its low end.
pub const MAGIC: [u8; 4] = [0x6d, 0xe2, 0x99, 0x81];
const TERMINATOR: [u8; 4] = [0xff; 4];

/// Documents of MongoDB have at most 16 MiB, and some room for what the server adds.
const LONGEST: usize = 17 << 20;
/// Headers and metadata that are taken apart.
const LONGEST_HEADER: usize = 16 << 20;
/// Collections that are remembered.
const MOST: usize = 50_000;
/// MongoDB's own limit for both names together.
const LONGEST_NAME: usize = 255;

/// What is known of a collection.
struct Collection {
    /// Views have no data.
    view: bool,
    ended: bool,
    crc: u64,
}

type Name = (Vec<u8>, Vec<u8>);

/// By the prelude and the last terminator.
pub fn ends(file: &Source<'_>, size: u64) -> io::Result<Verdict> {
    let mut last = [0; 4];
    if file.read_at(size.saturating_sub(4), &mut last)? < 4 || last != TERMINATOR {
        return Ok(cut(What::Mongodump));
    }
    match prelude(&mut BufReader::with_capacity(PIECE, At::new(file, 0))) {
        Ok(collections) if collections.is_empty() => Ok(broken(Fault::Empty, What::Mongodump)),
        Ok(_) => Ok(Verdict::Unknown),
        Err(wrong) => wrong.of(What::Mongodump),
    }
}

pub fn through(from: &mut dyn BufRead) -> io::Result<Verdict> {
    walk(from).or_else(|wrong| wrong.of(What::Mongodump))
}

fn walk(from: &mut dyn BufRead) -> Result<Verdict, Wrong> {
    let mut collections = prelude(from)?;
    if collections.is_empty() {
        return Ok(broken(Fault::Empty, What::Mongodump));
    }
    let table = table();
    let mut document = Vec::new();
    loop {
        let header = match length(from)? {
            Length::End => break,
            Length::Terminator => return Err(Wrong::Damaged),
            Length::Document(length) => {
                read(from, length, &mut document)?;
                Header::of(&document).ok_or(Wrong::Damaged)?
            }
        };
        let collection = find(&mut collections, &header)?;
        if collection.ended {
            return Err(Wrong::Damaged);
        }
        loop {
            match length(from)? {
                Length::End => return Err(Wrong::Cut),
                Length::Terminator => break,
                Length::Document(_) if header.eof => return Err(Wrong::Damaged),
                Length::Document(length) => {
                    collection.crc = sum(from, length, collection.crc, &table)?;
                }
            }
        }
        if header.eof {
            collection.ended = true;
            if !collection.view && header.crc.is_some_and(|crc| crc != !collection.crc) {
                return Err(Wrong::Damaged);
            }
        }
    }
    let whole = collections.values().all(|one| one.ended || one.view);
    if whole { Ok(Verdict::Whole) } else { Err(Wrong::Cut) }
}

/// Time series are listed by their own name and dumped by that of their buckets.
fn find<'a>(
    collections: &'a mut BTreeMap<Name, Collection>,
    header: &Header,
) -> Result<&'a mut Collection, Wrong> {
    let mut name = (header.db.clone(), header.collection.clone());
    if !collections.contains_key(&name)
        && let Some(listed) = header.collection.strip_prefix(b"system.buckets.")
    {
        name.1 = listed.to_vec();
    }
    if collections.len() >= MOST && !collections.contains_key(&name) {
        return Err(Wrong::Unknown);
    }
    // Some that are no ordinary collections are not listed.
    let new = || Collection { view: false, ended: false, crc: !0 };
    Ok(collections.entry(name).or_insert_with(new))
}

/// What the archive says that it holds.
fn prelude(from: &mut dyn BufRead) -> Result<BTreeMap<Name, Collection>, Wrong> {
    if scan::exactly::<4>(from)?.ok_or(Wrong::Cut)? != MAGIC {
        return Err(Wrong::Damaged);
    }
    let mut document = Vec::new();
    let mut collections = BTreeMap::new();
    let mut first = true;
    loop {
        match length(from)? {
            Length::End => return Err(Wrong::Cut),
            Length::Terminator if first => return Err(Wrong::Damaged),
            Length::Terminator => return Ok(collections),
            Length::Document(length) => read(from, length, &mut document)?,
        }
        if !std::mem::take(&mut first) && collections.len() < MOST {
            let header = Header::of(&document).ok_or(Wrong::Damaged)?;
            let view = header.kind == b"view";
            let one = Collection { view, ended: false, crc: !0 };
            collections.insert((header.db, header.collection), one);
        }
    }
}

enum Length {
    Document(usize),
    Terminator,
    End,
}

fn length(from: &mut dyn BufRead) -> Result<Length, Wrong> {
    let mut bytes = [0; 4];
    match scan::fill(from, &mut bytes)? {
        0 => return Ok(Length::End),
        4 => {}
        _ => return Err(Wrong::Cut),
    }
    if bytes == TERMINATOR {
        return Ok(Length::Terminator);
    }
    match usize::try_from(i32::from_le_bytes(bytes)) {
        Ok(length) if (5..=LONGEST).contains(&length) => Ok(Length::Document(length)),
        _ => Err(Wrong::Damaged),
    }
}

/// A document without its length, to be taken apart.
fn read(from: &mut dyn BufRead, length: usize, document: &mut Vec<u8>) -> Result<(), Wrong> {
    if length > LONGEST_HEADER {
        return Err(Wrong::Damaged);
    }
    document.clear();
    from.take(length as u64 - 4).read_to_end(document)?;
    if document.len() + 4 < length {
        return Err(Wrong::Cut);
    }
    if document.last() == Some(&0) { Ok(()) } else { Err(Wrong::Damaged) }
}

/// A document of a collection, its length included, into the checksum.
fn sum(
    from: &mut dyn BufRead,
    length: usize,
    mut crc: u64,
    table: &[u64; 256],
) -> Result<u64, Wrong> {
    crc = update(crc, &u32::try_from(length).unwrap_or(0).to_le_bytes(), table);
    let mut left = length - 4;
    while left > 0 {
        let piece = from.fill_buf()?;
        let taken = piece.len().min(left);
        let Some(piece) = piece.get(..taken).filter(|piece| !piece.is_empty()) else {
            return Err(Wrong::Cut);
        };
        crc = update(crc, piece, table);
        from.consume(taken);
        left -= taken;
    }
    Ok(crc)
}

/// CRC-64 of ECMA-182, reflected, as Go's `crc64.ECMA` has it.
const POLYNOMIAL: u64 = 0xc96c_5795_d787_0f42;

fn table() -> [u64; 256] {
    let mut table = [0; 256];
    for (byte, entry) in (0_u64..).zip(table.iter_mut()) {
        *entry = (0..8).fold(
            byte,
            |crc, _| {
                if crc & 1 == 1 { (crc >> 1) ^ POLYNOMIAL } else { crc >> 1 }
            },
        );
    }
    table
}

fn update(crc: u64, bytes: &[u8], table: &[u64; 256]) -> u64 {
    bytes.iter().fold(crc, |crc, byte| {
        let [low, ..] = crc.to_le_bytes();
        table.get(usize::from(low ^ byte)).copied().unwrap_or(0) ^ (crc >> 8)
    })
}

/// The checksum of all documents of a collection.
#[cfg(test)]
pub fn crc(documents: &[u8]) -> u64 {
    !update(!0, documents, &table())
}

/// What headers and metadata have in common.
#[derive(Default)]
struct Header {
    db: Vec<u8>,
    collection: Vec<u8>,
    kind: Vec<u8>,
    eof: bool,
    crc: Option<u64>,
}

impl Header {
    /// From a document without its length; nothing, if it is none or lacks a name.
    fn of(document: &[u8]) -> Option<Self> {
        let (mut header, mut named) = (Self::default(), 0);
        let mut rest = document;
        loop {
            let (kind, after) = rest.split_first()?;
            if *kind == 0 {
                return (named == 2 && after.is_empty()).then_some(header);
            }
            let end = memchr::memchr(0, after)?;
            let (key, value) = (after.get(..end)?, after.get(end + 1..)?);
            let length = value_length(*kind, value)?;
            let (value, after) = value.split_at_checked(length)?;
            // A text has its length before and a zero behind it.
            let is_name = |name: &Vec<u8>| name.len() <= LONGEST_NAME;
            let text = || value.get(4..value.len().checked_sub(1)?).map(<[u8]>::to_vec);
            match (key, kind) {
                (b"db", 2) => (header.db, named) = (text().filter(is_name)?, named + 1),
                (b"collection", 2) => {
                    (header.collection, named) = (text().filter(is_name)?, named + 1);
                }
                (b"type", 2) => header.kind = text().filter(is_name)?,
                (b"EOF", 8) => header.eof = value == [1],
                (b"CRC", 18) => header.crc = Some(u64::from_le_bytes(value.try_into().ok()?)),
                _ => {}
            }
            rest = after;
        }
    }
}

/// Bytes of a value of BSON.
fn value_length(kind: u8, value: &[u8]) -> Option<usize> {
    let four = || {
        let bytes: [u8; 4] = value.get(..4)?.try_into().ok()?;
        usize::try_from(i32::from_le_bytes(bytes)).ok()
    };
    Some(match kind {
        1 | 9 | 17 | 18 => 8,
        2 | 13 | 14 => 4 + four()?,
        3 | 4 | 15 => four()?,
        5 => 5 + four()?,
        6 | 10 | 127 | 255 => 0,
        7 => 12,
        8 => 1,
        16 => 4,
        19 => 16,
        _ => return None,
    })
}
