//! The archive of `pg_dump -Fc`: a table of contents, then a block of data for each entry that has any.
//!
//! `pg_dump` goes back to the table when it is done and writes in where the blocks are, if it can: not
//! through a pipe. So a table with places was written to its end, and the last place leads to the end
//! of the file; without places each block has to be walked through.

use std::collections::BTreeSet;
use std::io::{self, BufRead, BufReader};

use flate2::{Decompress, FlushDecompress, Status};

use super::scan;
use super::toc::{self, Numbers, Packing, Place, Toc};
use super::wrong::Wrong;
use super::{At, Fault, PIECE, Source, Verdict, What, broken};

const DATA: u8 = 1;
const LARGE_OBJECTS: u8 = 3;

/// Pieces of data that are looked at by the ends: each is a read or two.
const PIECES: u32 = 20_000;

/// By the table of contents and the last block that it names.
pub fn ends(file: &Source<'_>, size: u64) -> io::Result<Verdict> {
    look_at_ends(file, size).or_else(|wrong| wrong.of(What::PgDumpCustom))
}

fn look_at_ends(file: &Source<'_>, size: u64) -> Result<Verdict, Wrong> {
    let toc = toc::read(&mut BufReader::with_capacity(PIECE, At::new(file, 0)))?;
    if toc.entries == 0 {
        return Ok(broken(Fault::Empty, What::PgDumpCustom));
    }
    let places = toc.blocks.iter().map(|(id, place)| match place {
        Place::At(at) => Some((*at, *id)),
        Place::Unknown => None,
    });
    // Without places there is nothing to go to.
    let Some(places) = places.collect::<Option<Vec<_>>>() else { return Ok(Verdict::Unknown) };
    let Some((last, id)) = places.into_iter().max() else { return Ok(Verdict::Unknown) };
    if last >= size {
        return Err(Wrong::Cut);
    }
    let mut at = last;
    let int = |at: &mut u64, lead: usize| -> Result<(u8, i64), Wrong> {
        let mut from = BufReader::with_capacity(64, At::new(file, *at));
        let mut kind = 0;
        if lead > 0 {
            kind = scan::exactly::<1>(&mut from)?.ok_or(Wrong::Cut)?[0];
        }
        let number = toc.numbers.int(&mut from)?;
        *at = at.saturating_add((lead + toc.numbers.width()) as u64);
        Ok((kind, number))
    };
    let (kind, number) = int(&mut at, 1)?;
    if number != id || ![DATA, LARGE_OBJECTS].contains(&kind) {
        return Err(Wrong::Damaged);
    }
    let mut within = kind == DATA;
    for _ in 0..PIECES {
        let number = u64::try_from(int(&mut at, 0)?.1).map_err(|_| Wrong::Damaged)?;
        match (number, within) {
            (0, true) if kind == DATA => return Ok(end(at, size)),
            (0, false) => return Ok(end(at, size)),
            (0, true) => within = false,
            // The number of a large object, whose pieces follow.
            (_, false) => within = true,
            (length, true) => at = at.saturating_add(length),
        }
        if at >= size {
            return Err(Wrong::Cut);
        }
    }
    Ok(Verdict::Unknown)
}

const fn end(at: u64, size: u64) -> Verdict {
    if at == size { Verdict::Whole } else { broken(Fault::Damaged, What::PgDumpCustom) }
}

/// Each block, with the checksum of what is packed in it.
pub fn through(from: &mut dyn BufRead) -> io::Result<Verdict> {
    walk(from).or_else(|wrong| wrong.of(What::PgDumpCustom))
}

fn walk(from: &mut dyn BufRead) -> Result<Verdict, Wrong> {
    let toc = toc::read(from)?;
    if toc.entries == 0 {
        return Ok(broken(Fault::Empty, What::PgDumpCustom));
    }
    let mut wanted: BTreeSet<i64> = toc.blocks.iter().map(|(id, _)| *id).collect();
    let Toc { numbers, packing, more, .. } = toc;
    while let Some([kind]) = scan::exactly::<1>(from)? {
        let id = numbers.int(from)?;
        if !wanted.remove(&id) && !more {
            return Err(Wrong::Damaged);
        }
        match kind {
            DATA => data(from, numbers, packing)?,
            LARGE_OBJECTS => {
                while numbers.int(from)? != 0 {
                    data(from, numbers, packing)?;
                }
            }
            _ => return Err(Wrong::Damaged),
        }
    }
    if !wanted.is_empty() {
        return Err(Wrong::Cut);
    }
    // The algorithms of newer versions have checksums that are not looked at.
    Ok(if more { Verdict::Unknown } else { Verdict::Whole })
}

/// One stream of data in pieces, up to a piece of length 0.
fn data(from: &mut dyn BufRead, numbers: Numbers, packing: Packing) -> Result<(), Wrong> {
    let mut unpack = (packing == Packing::Zlib).then(Unpack::new);
    let mut any = false;
    loop {
        let length = u64::try_from(numbers.int(from)?).map_err(|_| Wrong::Damaged)?;
        if length == 0 {
            // Of a table without rows there may be no stream at all.
            let ended = !any || unpack.is_none_or(|unpack| unpack.ended);
            return if ended { Ok(()) } else { Err(Wrong::Damaged) };
        }
        any = true;
        let mut left = length;
        while left > 0 {
            let piece = from.fill_buf()?;
            let taken = piece.len().min(usize::try_from(left).unwrap_or(usize::MAX));
            let Some(piece) = piece.get(..taken).filter(|piece| !piece.is_empty()) else {
                return Err(Wrong::Cut);
            };
            if let Some(unpack) = &mut unpack {
                unpack.take(piece)?;
            }
            from.consume(taken);
            left -= taken as u64;
        }
    }
}

/// A stream of zlib, of which only its checksum is of interest.
struct Unpack {
    stream: Decompress,
    made: Vec<u8>,
    ended: bool,
}

impl Unpack {
    fn new() -> Self {
        Self { stream: Decompress::new(true), made: vec![0; PIECE], ended: false }
    }

    fn take(&mut self, mut piece: &[u8]) -> Result<(), Wrong> {
        loop {
            if self.ended {
                return if piece.is_empty() { Ok(()) } else { Err(Wrong::Damaged) };
            }
            let (before, made) = (self.stream.total_in(), self.stream.total_out());
            let status = self.stream.decompress(piece, &mut self.made, FlushDecompress::None);
            let status = status.map_err(|_| Wrong::Damaged)?;
            let taken = self.stream.total_in() - before;
            piece = piece.get(usize::try_from(taken).unwrap_or(0)..).unwrap_or_default();
            self.ended = status == Status::StreamEnd;
            let stands = taken == 0 && self.stream.total_out() == made;
            if stands && !self.ended {
                return if piece.is_empty() { Ok(()) } else { Err(Wrong::Damaged) };
            }
        }
    }
}
