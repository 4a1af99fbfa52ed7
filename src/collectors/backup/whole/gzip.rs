//! gzip (RFC 1952).

use std::io::{self, BufRead, Read};

use flate2::bufread::GzDecoder;

use super::{Fault, Source, Verdict, What, broken};

/// A header and a trailer with nothing between them but an empty block.
const SHORTEST: u64 = 18;
/// The most that deflate makes of a byte.
const MOST: u64 = 1032;
/// Names in headers are no longer than this by far.
const LONGEST_EMPTY: u64 = 20 + 4096;

/// The trailer says how much was packed: with a file that has been cut it says anything.
pub fn ends(file: &Source<'_>, size: u64) -> io::Result<Verdict> {
    if size < SHORTEST {
        return Ok(broken(Fault::Cut, What::Gzip));
    }
    let mut method = [0; 1];
    let mut trailer = [0; 4];
    let both = file.read_at(2, &mut method)? + file.read_at(size - 4, &mut trailer)?;
    if both < 5 {
        return Ok(broken(Fault::Cut, What::Gzip));
    }
    let length = u64::from(u32::from_le_bytes(trailer));
    Ok(if method != [8] {
        broken(Fault::Damaged, What::Gzip)
    } else if length == 0 && size <= LONGEST_EMPTY {
        broken(Fault::Empty, What::Gzip)
    } else if length > size.saturating_mul(MOST) {
        broken(Fault::Cut, What::Gzip)
    } else {
        Verdict::Unknown
    })
}

/// All members of a gzip file, one after the other, with their checksums. Zeros after the last one
/// are padding, as of a tape.
pub struct Gunzip<'a, R: BufRead> {
    state: State<'a, R>,
}

enum State<'a, R: BufRead> {
    Member(GzDecoder<&'a mut R>),
    Ended,
}

impl<'a, R: BufRead> Gunzip<'a, R> {
    pub fn new(from: &'a mut R) -> Self {
        Self { state: State::Member(GzDecoder::new(from)) }
    }
}

impl<R: BufRead> Read for Gunzip<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        loop {
            let State::Member(member) = &mut self.state else { return Ok(0) };
            let length = member.read(buffer)?;
            if length > 0 || buffer.is_empty() {
                return Ok(length);
            }
            let State::Member(member) = std::mem::replace(&mut self.state, State::Ended) else {
                return Ok(0);
            };
            let from = member.into_inner();
            let next = from.fill_buf()?.first().copied();
            match next {
                None => return Ok(0),
                Some(0x1f) => self.state = State::Member(GzDecoder::new(from)),
                Some(0) if super::scan::only_zeros(from)? => return Ok(0),
                Some(_) => return Err(io::ErrorKind::InvalidData.into()),
            }
        }
    }
}
