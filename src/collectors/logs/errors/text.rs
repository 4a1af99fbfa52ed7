//! Small things about bytes that may be text.

use memchr::memmem;

/// The bytes as text; what is no UTF-8 and what controls a terminal is replaced.
pub fn string(bytes: Vec<u8>) -> String {
    let text = String::from_utf8(bytes)
        .unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned());
    // In UTF-8 they all begin with one of these; letters hardly ever do.
    match memchr::memchr3(0xc2, 0xe2, 0xef, text.as_bytes()) {
        Some(_) => without_controls(text),
        None => text,
    }
}

fn without_controls(text: String) -> String {
    if text.contains(is_control) { text.replace(is_control, "") } else { text }
}

/// What controls a terminal, or turns the direction of writing.
fn is_control(char: char) -> bool {
    char.is_control()
        || matches!(char, '\u{200e}' | '\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}')
}

/// The beginning of these bytes as one line of text without controls.
pub fn bounded(bytes: &[u8], max: usize) -> String {
    let bytes = bytes.get(..boundary(bytes, max)).unwrap_or_default();
    if bytes.iter().all(|byte| matches!(byte, b' '..=b'~')) {
        return String::from_utf8(bytes.to_vec()).unwrap_or_default();
    }
    String::from_utf8_lossy(bytes).replace(is_control, "")
}

/// The largest length of at most `max` that does not cut a character.
pub fn boundary(bytes: &[u8], max: usize) -> usize {
    if bytes.len() <= max {
        return bytes.len();
    }
    let mut end = max;
    while end > 0 && max - end < 4 && bytes.get(end).is_some_and(|byte| byte & 0xc0 == 0x80) {
        end -= 1;
    }
    end
}

/// The length of a colour or another escape sequence of a terminal that starts here.
pub fn colour(bytes: &[u8], at: usize) -> usize {
    let rest = bytes.get(at + 1..).unwrap_or_default();
    let Some(rest) = rest.strip_prefix(b"[") else { return 1 };
    let length = rest.iter().take(32).position(u8::is_ascii_alphabetic);
    length.map_or(2, |length| length + 3)
}

/// The bytes without colours.
pub fn plain(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        if *byte == 0x1b {
            at += colour(bytes, at);
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    out
}

/// Whether a text out of JSON has letters in it that are written as numbers.
pub fn has_unicode_escape(bytes: &[u8]) -> bool {
    // The search for one byte is faster, and most texts have none.
    memchr::memchr(b'\\', bytes).is_some() && memmem::find(bytes, b"\\u").is_some()
}

/// `\u0416` as the letter it is; other escapes stay.
pub fn unescaped(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut at) = (Vec::with_capacity(bytes.len()), 0);
    while let Some(byte) = bytes.get(at) {
        let rest = bytes.get(at..).unwrap_or_default();
        if let Some((char, length)) = unicode(rest) {
            let mut buffer = [0; 4];
            out.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
            at += length;
        } else {
            out.push(*byte);
            at += 1;
        }
    }
    out
}

/// The character of `\uXXXX`, or of two of them that make one, and their length.
pub fn unicode(rest: &[u8]) -> Option<(char, usize)> {
    let unit = |rest: &[u8]| {
        let hex = rest.strip_prefix(b"\\u")?.get(..4)?;
        u32::from_str_radix(std::str::from_utf8(hex).ok()?, 16).ok()
    };
    let first = unit(rest)?;
    if !(0xd800..0xdc00).contains(&first) {
        return Some((char::from_u32(first).unwrap_or('\u{fffd}'), 6));
    }
    let second = rest.get(6..).and_then(unit).filter(|unit| (0xdc00..0xe000).contains(unit));
    let Some(second) = second else { return Some(('\u{fffd}', 6)) };
    let code = 0x10000 + ((first - 0xd800) << 10) + (second - 0xdc00);
    Some((char::from_u32(code).unwrap_or('\u{fffd}'), 12))
}

/// The lines of a JSON string that is still escaped.
pub fn json_lines(text: &[u8]) -> impl Iterator<Item = Vec<u8>> {
    let mut rest = Some(text);
    std::iter::from_fn(move || {
        let mut bytes = rest?;
        let mut line = Vec::new();
        loop {
            match bytes {
                [] => {
                    rest = None;
                    return Some(line);
                }
                [b'\\', b'n', after @ ..] | [b'\n', after @ ..] => {
                    rest = Some(after);
                    return Some(line);
                }
                [b'\\', b'u', ..] => {
                    let (char, length) = unicode(bytes).unwrap_or(('\u{fffd}', 2));
                    let mut buffer = [0; 4];
                    line.extend_from_slice(char.encode_utf8(&mut buffer).as_bytes());
                    bytes = bytes.get(length..).unwrap_or_default();
                }
                [b'\\', byte, after @ ..] => {
                    line.push(if *byte == b't' { b'\t' } else { *byte });
                    bytes = after;
                }
                [byte, after @ ..] => {
                    line.push(*byte);
                    bytes = after;
                }
            }
        }
    })
}
