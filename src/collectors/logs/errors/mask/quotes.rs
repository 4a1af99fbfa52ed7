//! Texts in quotes, and what only looks like one.

use super::words::{DELIMITER, class};

/// Quotes that are further apart are no pair.
const MAX_QUOTED: usize = 1024;

/// What begins with a quote, and the length with both quotes.
pub enum Quoted {
    Text(usize),
    /// The key of something.
    Key,
    /// It does not end like a quoted text.
    No,
}

pub fn quoted(message: &[u8], at: usize, mark: usize, quote: u8) -> Quoted {
    let inside = message.get(mark + 1..).unwrap_or_default();
    let inside = inside.get(..MAX_QUOTED).unwrap_or(inside);
    let mut from = 0;
    while let Some(end) = inside.get(from..).and_then(|rest| memchr::memchr(quote, rest)) {
        let end = from + end;
        let after = inside.get(end + 1).copied().unwrap_or(b' ');
        let before = || message.get(..at).unwrap_or_default().trim_ascii_end();
        if after == b':' && matches!(before().last(), Some(b'{' | b',')) {
            return Quoted::Key;
        }
        // An apostrophe inside a word does not end a quotation.
        if class(after) & DELIMITER != 0 || matches!(after, b'.' | b'!' | b'?') {
            return Quoted::Text(end + 2);
        }
        from = end + 1;
    }
    Quoted::No
}

/// What closes `«...»` or `“...”` that opens at the start.
fn opening(rest: &[u8]) -> Option<&'static [u8]> {
    match rest {
        [0xc2, 0xab, ..] => Some(&[0xc2, 0xbb]),
        [0xe2, 0x80, 0x9c, ..] => Some(&[0xe2, 0x80, 0x9d]),
        _ => None,
    }
}

/// The length of `«...»` or `“...”` at the start.
pub fn guillemets(rest: &[u8]) -> Option<usize> {
    let close = opening(rest)?;
    let inside = rest.get(..MAX_QUOTED).unwrap_or(rest);
    Some(memchr::memmem::find(inside, close)? + close.len())
}
