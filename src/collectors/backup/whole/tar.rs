//! tar, in the forms of GNU, POSIX and the old one.

use std::io::{self, BufRead};

use super::scan::{self, cut};
use super::{Fault, Source, Verdict, What, broken};

pub const BLOCK: usize = 512;
/// Headers that are looked at by the ends: each is a read.
const HEADERS: usize = 20_000;
/// Attributes of a file in the POSIX form; longer ones are no honest ones.
const ATTRIBUTES: u64 = 1 << 20;
/// The part of the end that must be zeros.
const END: u64 = 2 * BLOCK as u64;

/// What a block is.
enum Header {
    /// So many bytes follow, padded to blocks.
    Entry {
        kind: u8,
        size: u64,
        more: bool,
    },
    Zeros,
    Wrong,
}

fn header(block: &[u8; BLOCK]) -> Header {
    if block.iter().all(|byte| *byte == 0) {
        return Header::Zeros;
    }
    let sum: u64 = block
        .iter()
        .enumerate()
        .map(|(at, byte)| {
            // The sum is made with blanks in its own place.
            u64::from(if (148..156).contains(&at) { b' ' } else { *byte })
        })
        .sum();
    let field = |at: usize, length: usize| block.get(at..at + length).unwrap_or_default();
    if octal(field(148, 8)) != Some(sum) {
        return Header::Wrong;
    }
    let kind = field(156, 1).first().copied().unwrap_or(0);
    let Some(size) = number(field(124, 12)) else { return Header::Wrong };
    // Only these have no data, whatever their size says: links and devices.
    let size = if (b'1'..=b'6').contains(&kind) { 0 } else { size };
    // A sparse file of GNU may have more blocks of its map.
    let more = kind == b'S' && field(482, 1) == [1];
    Header::Entry { kind, size, more }
}

fn octal(field: &[u8]) -> Option<u64> {
    let text = std::str::from_utf8(field).ok()?;
    let text = text.trim_matches(['\0', ' ']);
    if text.is_empty() { Some(0) } else { u64::from_str_radix(text, 8).ok() }
}

/// Octal digits, or since they do not suffice for 8 GiB, a number in base 256.
fn number(field: &[u8]) -> Option<u64> {
    match field {
        [0x80, rest @ ..] => {
            let (high, low) = rest.split_at_checked(rest.len().checked_sub(8)?)?;
            let low: [u8; 8] = low.try_into().ok()?;
            high.iter().all(|byte| *byte == 0).then_some(u64::from_be_bytes(low))
        }
        _ => octal(field),
    }
}

pub fn is_header(head: &[u8]) -> bool {
    let block = head.get(..BLOCK).and_then(|block| block.try_into().ok());
    block.is_some_and(|block| matches!(header(block), Header::Entry { .. }))
}

/// An archive without anything in it is nothing but zeros.
pub fn is_empty(head: &[u8]) -> bool {
    head.len() >= BLOCK && head.iter().all(|byte| *byte == 0)
}

/// So many bytes in whole blocks.
const fn padded(size: u64) -> u64 {
    size.div_ceil(BLOCK as u64).saturating_mul(BLOCK as u64)
}

/// The size that the attributes give to the next entry.
fn size_of(attributes: &[u8]) -> Option<u64> {
    let mut rest = attributes;
    let mut size = None;
    while let Some(blank) = memchr::memchr(b' ', rest) {
        let length: usize = std::str::from_utf8(rest.get(..blank)?).ok()?.parse().ok()?;
        let record = rest.get(blank + 1..length.checked_sub(1)?)?;
        if let Some(value) = record.strip_prefix(b"size=") {
            size = std::str::from_utf8(value).ok()?.parse().ok();
        }
        rest = rest.get(length..)?;
    }
    size
}

/// From header to header. What lies between is skipped by whoever gives the blocks.
struct Chain {
    entries: u64,
    /// The next entry's, by the attributes before it.
    size: Option<u64>,
}

/// What has to be done next.
enum Step {
    Skip(u64),
    Attributes(u64),
    /// Blocks of the map of a sparse file, then its data.
    Map(u64),
    Zeros,
    Wrong,
}

impl Chain {
    const fn new() -> Self {
        Self { entries: 0, size: None }
    }

    fn step(&mut self, block: &[u8; BLOCK]) -> Step {
        match header(block) {
            Header::Zeros => Step::Zeros,
            Header::Wrong => Step::Wrong,
            Header::Entry { kind: b'x', size, .. } if size <= ATTRIBUTES => Step::Attributes(size),
            // Long names of GNU, attributes for all.
            Header::Entry { kind: b'L' | b'K' | b'g' | b'x', size, .. } => Step::Skip(padded(size)),
            Header::Entry { size, more, .. } => {
                self.entries += 1;
                let size = padded(self.size.take().unwrap_or(size));
                if more { Step::Map(size) } else { Step::Skip(size) }
            }
        }
    }

    /// The end after two blocks of zeros.
    const fn end(&self) -> Verdict {
        if self.entries == 0 { broken(Fault::Empty, What::Tar) } else { Verdict::Whole }
    }
}

/// Read to its end.
pub fn through(from: &mut dyn BufRead) -> io::Result<Verdict> {
    let mut chain = Chain::new();
    loop {
        let Some(block) = scan::exactly::<BLOCK>(from)? else { return Ok(cut(What::Tar)) };
        let there = match chain.step(&block) {
            Step::Skip(size) => scan::skip(from, size)?,
            Step::Attributes(size) => {
                let mut text = vec![0; usize::try_from(padded(size)).unwrap_or(0)];
                let there = scan::fill(from, &mut text)? == text.len();
                text.truncate(usize::try_from(size).unwrap_or(0));
                chain.size = size_of(&text);
                there
            }
            Step::Map(size) => {
                let mut more = true;
                while more {
                    let Some(map) = scan::exactly::<BLOCK>(from)? else {
                        return Ok(cut(What::Tar));
                    };
                    more = map.get(504) == Some(&1);
                }
                scan::skip(from, size)?
            }
            Step::Zeros => {
                return Ok(match scan::exactly::<BLOCK>(from)? {
                    None => cut(What::Tar),
                    Some(block) if block.iter().any(|byte| *byte != 0) => {
                        broken(Fault::Damaged, What::Tar)
                    }
                    Some(_) => padding(from, &chain)?,
                });
            }
            Step::Wrong => return Ok(broken(Fault::Damaged, What::Tar)),
        };
        if !there {
            return Ok(cut(What::Tar));
        }
    }
}

/// After the end there are zeros, in whole blocks.
fn padding(from: &mut dyn BufRead, chain: &Chain) -> io::Result<Verdict> {
    let mut zeros = 0_usize;
    loop {
        let piece = from.fill_buf()?;
        if piece.is_empty() {
            let whole = zeros.is_multiple_of(BLOCK);
            return Ok(if whole { chain.end() } else { cut(What::Tar) });
        }
        if piece.iter().any(|byte| *byte != 0) {
            return Ok(broken(Fault::Damaged, What::Tar));
        }
        let length = piece.len();
        zeros = zeros.wrapping_add(length);
        from.consume(length);
    }
}

/// From header to header, without the data between them.
pub fn ends(file: &Source<'_>, size: u64) -> io::Result<Verdict> {
    let mut end = [0; 2 * BLOCK];
    let length = file.read_at(size.saturating_sub(END), &mut end)?;
    if length < end.len() || end.iter().any(|byte| *byte != 0) || !padded(size).eq(&size) {
        return Ok(cut(What::Tar));
    }
    let (mut chain, mut at) = (Chain::new(), 0_u64);
    for _ in 0..HEADERS {
        let mut block = [0; BLOCK];
        if file.read_at(at, &mut block)? < BLOCK {
            return Ok(cut(What::Tar));
        }
        at += BLOCK as u64;
        match chain.step(&block) {
            Step::Skip(size) => at = at.saturating_add(size),
            Step::Attributes(size) => {
                let mut text = vec![0; usize::try_from(size).unwrap_or(0)];
                let length = file.read_at(at, &mut text)?;
                chain.size = size_of(text.get(..length).unwrap_or_default());
                at = at.saturating_add(padded(size));
            }
            Step::Map(size) => {
                let mut map = [0; BLOCK];
                while file.read_at(at, &mut map)? == BLOCK {
                    at += BLOCK as u64;
                    if map.get(504) != Some(&1) {
                        break;
                    }
                }
                at = at.saturating_add(size);
            }
            // What follows is not looked at; that the file ends in zeros has been seen.
            Step::Zeros => return Ok(if at < size { chain.end() } else { cut(What::Tar) }),
            Step::Wrong => return Ok(broken(Fault::Damaged, What::Tar)),
        }
        if at >= size {
            return Ok(cut(What::Tar));
        }
    }
    Ok(Verdict::Unknown)
}
