//! Long values, which the journal compresses one by one.

use std::io::Read as _;

use ruzstd::decoding::StreamingDecoder;

use super::file::Fault;

const XZ: u8 = 1;
const LZ4: u8 = 2;
const ZSTD: u8 = 4;
const ANY: u8 = XZ | LZ4 | ZSTD;
/// The longest value that is unpacked from LZ4, which has no way to stop in between.
const MAX_LZ4: u64 = 8 << 20;
/// The memory that zstd may ask for.
const MAX_WINDOW: u64 = 8 << 20;

pub fn is_packed(flags: u8) -> bool {
    flags & ANY != 0
}

/// The part of a compressed value by which its beginning can be unpacked.
pub fn enough(flags: u8) -> usize {
    // Blocks of zstd have 128 KiB at most, either way.
    if flags & ZSTD == 0 { 8 << 20 } else { 256 << 10 }
}

/// Appends no more than `limit` bytes of the value to `out`.
pub fn unpack(flags: u8, packed: &[u8], limit: usize, out: &mut Vec<u8>) -> Result<(), Fault> {
    match flags & ANY {
        ZSTD => {
            let decoder = StreamingDecoder::new_with_max_window_size(packed, MAX_WINDOW);
            let decoder = decoder.map_err(|_| Fault::Damaged)?;
            decoder.take(limit as u64).read_to_end(out).map_err(|_| Fault::Damaged)?;
            Ok(())
        }
        LZ4 => {
            let (length, packed) = packed.split_first_chunk::<8>().ok_or(Fault::Damaged)?;
            let length = u64::from_le_bytes(*length);
            let length = usize::try_from(length).ok().filter(|_| length <= MAX_LZ4);
            let length = length.ok_or(Fault::Damaged)?;
            let value = lz4_flex::block::decompress(packed, length).map_err(|_| Fault::Damaged)?;
            out.extend_from_slice(value.get(..limit).unwrap_or(&value));
            Ok(())
        }
        XZ => Err(Fault::Xz),
        _ => Err(Fault::Damaged),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_each_kind() {
        let value = b"MESSAGE=".iter().copied().chain([b'x'; 5000]).collect::<Vec<_>>();
        let lz4 = [&5008_u64.to_le_bytes()[..], &lz4_flex::block::compress(&value)].concat();
        let mut out = Vec::new();
        assert_eq!(unpack(LZ4, &lz4, 10_000, &mut out), Ok(()));
        assert_eq!(out, value);
        out.clear();
        assert_eq!(unpack(LZ4, &lz4, 100, &mut out), Ok(()));
        assert_eq!(out.len(), 100);
        assert_eq!(unpack(XZ, &lz4, 100, &mut out), Err(Fault::Xz));
        assert_eq!(unpack(LZ4 | ZSTD, &lz4, 100, &mut out), Err(Fault::Damaged));
        let huge = [&u64::MAX.to_le_bytes()[..], &lz4[8..]].concat();
        assert_eq!(unpack(LZ4, &huge, 100, &mut out), Err(Fault::Damaged));
        for end in 0..lz4.len() {
            let _ = unpack(LZ4, &lz4[..end], 100, &mut out);
            let _ = unpack(ZSTD, &lz4[..end], 100, &mut out);
        }
    }
}
