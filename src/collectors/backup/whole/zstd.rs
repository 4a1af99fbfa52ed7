//! Zstandard (RFC 8878).

use std::io::{self, BufRead, Read};

use ::zstd::stream::read::Decoder;

use super::scan::cut;
use super::{Fault, Source, Verdict, What, broken};

/// Blocks that are looked at by the ends: each is a read. At most 128 KiB lie between them.
const BLOCKS: u32 = 100_000;
/// The memory that a frame may ask for, as a power of two: 32 MiB, four times that of `-19`. More
/// takes `--long` or `--ultra`.
const WINDOW: u32 = 25;

/// Block after block by their headers. A file that was cut ends within one.
pub fn ends(file: &Source<'_>, size: u64) -> io::Result<Verdict> {
    let (mut at, mut blocks, mut data) = (0_u64, 0, false);
    while at < size {
        let mut head = [0; 18];
        let length = file.read_at(at, &mut head)?;
        let head = head.get(..length).unwrap_or_default();
        if let [0x50..=0x5f, 0x2a, 0x4d, 0x18, a, b, c, d, ..] = *head {
            // They cost a read each, like any block.
            blocks += 1;
            if blocks > BLOCKS {
                return Ok(Verdict::Unknown);
            }
            at = at.saturating_add(8 + u64::from(u32::from_le_bytes([a, b, c, d])));
            continue;
        }
        if head.starts_with(&[0x28, 0xb5, 0x2f, 0xfd]) {
            let Some(frame) = Frame::of(head) else { return Ok(cut(What::Zstd)) };
            at = at.saturating_add(frame.header);
            loop {
                blocks += 1;
                if blocks > BLOCKS {
                    return Ok(Verdict::Unknown);
                }
                let mut block = [0; 3];
                if file.read_at(at, &mut block)? < 3 {
                    return Ok(cut(What::Zstd));
                }
                let [low, middle, high] = block;
                let block = u32::from_le_bytes([low, middle, high, 0]);
                // Of one byte that is repeated, only that is there.
                let length = match block >> 1 & 3 {
                    1 => 1,
                    0 | 2 => u64::from(block >> 3),
                    _ => return Ok(broken(Fault::Damaged, What::Zstd)),
                };
                data |= block >> 3 > 0;
                at = at.saturating_add(3 + length);
                if block & 1 == 1 {
                    break;
                }
            }
            at = at.saturating_add(if frame.checksum { 4 } else { 0 });
        } else if length < 4 {
            return Ok(cut(What::Zstd));
        } else {
            return Ok(broken(Fault::Damaged, What::Zstd));
        }
    }
    Ok(if at > size {
        cut(What::Zstd)
    } else if data {
        Verdict::Whole
    } else {
        broken(Fault::Empty, What::Zstd)
    })
}

struct Frame {
    header: u64,
    checksum: bool,
}

impl Frame {
    fn of(head: &[u8]) -> Option<Self> {
        let descriptor = *head.get(4)?;
        let single = descriptor & 0x20 != 0;
        let content = match descriptor >> 6 {
            0 => u64::from(single),
            1 => 2,
            2 => 4,
            _ => 8,
        };
        let dictionary = match descriptor & 3 {
            0 => 0,
            1 => 1,
            2 => 2,
            _ => 4,
        };
        let header = 5 + u64::from(!single) + dictionary + content;
        Some(Self { header, checksum: descriptor & 4 != 0 })
    }
}

/// All frames, one after the other, with their checksums.
pub struct Unzstd<'a, R: BufRead>(State<'a, R>);

enum State<'a, R: BufRead> {
    New(Option<&'a mut R>),
    Open(Decoder<'static, &'a mut R>),
}

impl<'a, R: BufRead> Unzstd<'a, R> {
    pub const fn new(from: &'a mut R) -> Self {
        Self(State::New(Some(from)))
    }
}

impl<R: BufRead> Read for Unzstd<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let State::New(from) = &mut self.0 {
            let Some(from) = from.take() else { return Ok(0) };
            let mut decoder = Decoder::with_buffer(from)?;
            decoder.window_log_max(WINDOW)?;
            self.0 = State::Open(decoder);
        }
        let State::Open(decoder) = &mut self.0 else { return Ok(0) };
        decoder.read(buffer).map_err(|error| {
            // The library has a text for it and no number.
            let memory = error.to_string().contains("too much memory");
            if memory { io::ErrorKind::OutOfMemory.into() } else { error }
        })
    }
}
