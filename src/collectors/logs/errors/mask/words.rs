//! Which words are data, by their form.

use super::meaning::{is_hex, is_month_name, is_weekday};

/// Longer words are data.
pub const MAX_WORD: usize = 40;

pub const DELIMITER: u8 = 1;
pub const DIGIT: u8 = 2;
pub const UPPER: u8 = 4;
pub const LOWER: u8 = 8;
pub const DOT: u8 = 16;
pub const SLASH: u8 = 32;
pub const HIGH: u8 = 64;
pub const AT: u8 = 128;
/// Words of nothing else are no data.
pub const PLAIN: u8 = UPPER | LOWER | HIGH;

/// What each byte is.
static CLASSES: [u8; 256] = classes();

const fn classes() -> [u8; 256] {
    let mut table = [0; 256];
    let mut byte = 0;
    while byte < 256 {
        #[expect(clippy::cast_possible_truncation, reason = "256 bytes")]
        #[expect(clippy::indexing_slicing, reason = "256 bytes")]
        {
            table[byte] = match byte as u8 {
                0..=b' '
                | 0x7f
                | b'='
                | b':'
                | b','
                | b';'
                | b'('
                | b')'
                | b'['
                | b']'
                | b'{'
                | b'}'
                | b'"'
                | b'\''
                | b'`'
                | b'<'
                | b'>'
                | b'|'
                | b'\\' => DELIMITER,
                b'0'..=b'9' => DIGIT,
                b'A'..=b'Z' => UPPER,
                b'a'..=b'z' => LOWER,
                b'.' => DOT,
                b'/' => SLASH,
                b'@' => AT,
                // They begin `«` and `“`; as a dot they are looked at.
                0xc2 | 0xe2 => HIGH | DOT,
                128.. => HIGH,
                _ => 0,
            };
        }
        byte += 1;
    }
    table
}

pub fn class(byte: u8) -> u8 {
    CLASSES.get(usize::from(byte)).copied().unwrap_or_default()
}

/// Whether a word is data by its form.
pub fn is_variable(word: &[u8], seen: u8) -> bool {
    if seen & (DIGIT | SLASH | DOT | AT) == 0 {
        let long = word.len() > MAX_WORD && seen & HIGH == 0;
        return long || is_hex(word) || is_weekday(word) || is_month_name(word);
    }
    if seen & (DIGIT | AT) != 0 {
        return true;
    }
    if seen & SLASH != 0 && word.len() > 1 {
        let inner = word.get(1..).unwrap_or_default();
        let slashes = memchr::memchr_iter(b'/', inner).count();
        if word.first() == Some(&b'/') || slashes > 1 {
            return true;
        }
    }
    seen & DOT != 0 && is_dotted(word)
}

/// Hosts, files and addresses: dots inside, and no name of a class at the end.
fn is_dotted(word: &[u8]) -> bool {
    let end = word.iter().rposition(|byte| *byte != b'.').map_or(0, |at| at + 1);
    let word = word.get(..end).unwrap_or_default();
    let Some(dot) = word.iter().rposition(|byte| *byte == b'.') else { return false };
    let last = word.get(dot + 1..).unwrap_or_default();
    dot > 0 && last.len() > 1 && last.iter().all(|byte| byte.is_ascii_lowercase() || *byte == b'_')
}

/// After `=` a name such as `TimeoutError`, `ECONNREFUSED` or `NOT_FOUND` tells errors apart.
pub fn is_name(word: &[u8], seen: u8) -> bool {
    if seen & (DIGIT | SLASH | HIGH | AT) != 0 || seen & UPPER == 0 {
        return false;
    }
    seen & LOWER == 0 || word.ends_with(b"Error") || word.ends_with(b"Exception")
}

pub fn is_day(word: &[u8]) -> bool {
    matches!(word, b"Mon" | b"Tue" | b"Wed" | b"Thu" | b"Fri" | b"Sat" | b"Sun")
}

pub fn is_month(word: &[u8]) -> bool {
    matches!(
        word,
        b"Jan"
            | b"Feb"
            | b"Mar"
            | b"Apr"
            | b"May"
            | b"Jun"
            | b"Jul"
            | b"Aug"
            | b"Sep"
            | b"Oct"
            | b"Nov"
            | b"Dec"
    )
}
