//! A line of a json-file: `{"log":"...","stream":"stdout","attrs":{...},"time":"..."}`. The text is
//! unescaped into a buffer; attributes are skipped.

use memchr::{memchr, memmem, memrchr};

/// What the program wrote to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Origin {
    #[default]
    Stdout,
    Stderr,
}

/// A record, its text still escaped.
#[derive(Debug, PartialEq, Eq)]
pub struct Record<'a> {
    pub origin: Origin,
    pub text: &'a [u8],
    /// As it is written: pieces of one line have the very same.
    pub time: &'a [u8],
}

impl<'a> Record<'a> {
    /// `None` for what the driver does not write.
    pub fn parse(line: &'a [u8]) -> Option<Self> {
        let body = line.strip_prefix(br#"{"log":""#)?.strip_suffix(br#""}"#)?;
        Self::usual(body).or_else(|| Self::with_more(body))
    }

    /// From the end, where the parts have known lengths: the text may hold thousands of quotes. No
    /// text looks like this end, for its own quotes are escaped.
    fn usual(body: &'a [u8]) -> Option<Self> {
        let quote = memrchr(b'"', body)?;
        let (before, time) = (body.get(..quote)?, body.get(quote + 1..)?);
        let before = before.strip_suffix(br#"","time":"#)?;
        let (before, origin) = match before.strip_suffix(b"stdout") {
            Some(before) => (before, Origin::Stdout),
            None => (before.strip_suffix(b"stderr")?, Origin::Stderr),
        };
        Some(Self { origin, text: before.strip_suffix(br#"","stream":""#)?, time })
    }

    /// With attributes between the stream and the time.
    fn with_more(body: &'a [u8]) -> Option<Self> {
        const STREAM: &[u8] = br#"","stream":""#;
        const TIME: &[u8] = br#","time":""#;
        let at = memmem::find(body, STREAM)?;
        let (text, rest) = (body.get(..at)?, body.get(at + STREAM.len()..)?);
        let (origin, rest) = match rest.strip_prefix(br#"stdout","#) {
            Some(rest) => (Origin::Stdout, rest),
            None => (Origin::Stderr, rest.strip_prefix(br#"stderr","#)?),
        };
        let time = memmem::rfind(rest, TIME)? + TIME.len();
        Some(Self { origin, text, time: rest.get(time..)? })
    }
}

/// Escapes that follow each other closely are cheaper to find byte by byte.
const NEAR: usize = 24;

/// Appends the text to `out`.
pub fn unescape(mut text: &[u8], out: &mut Vec<u8>) {
    loop {
        let near = text.iter().take(NEAR).position(|byte| *byte == b'\\');
        let found = near.or_else(|| {
            let rest = text.get(NEAR..)?;
            memchr(b'\\', rest).map(|at| at + NEAR)
        });
        let Some(at) = found else { return out.extend_from_slice(text) };
        let (plain, escape) = text.split_at(at);
        out.extend_from_slice(plain);
        let Some(kind) = escape.get(1) else { return };
        let mut used = 2;
        match kind {
            b'n' => out.push(b'\n'),
            b'r' => out.push(b'\r'),
            b't' => out.push(b'\t'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => {
                let (char, length) = code_point(escape);
                used = length;
                out.extend_from_slice(char.encode_utf8(&mut [0; 4]).as_bytes());
            }
            other => out.push(*other),
        }
        text = escape.get(used..).unwrap_or_default();
    }
}

/// The character of `\uXXXX` or of a pair of them, and the length of what says it.
fn code_point(escape: &[u8]) -> (char, usize) {
    const BROKEN: char = char::REPLACEMENT_CHARACTER;
    let unit = |from: usize| {
        let digits = std::str::from_utf8(escape.get(from..from + 4)?).ok()?;
        u32::from_str_radix(digits, 16).ok()
    };
    let Some(first) = unit(2) else { return (BROKEN, escape.len().min(6)) };
    if let Some(char) = char::from_u32(first) {
        return (char, 6);
    }
    if escape.get(6..8) != Some(br"\u") {
        return (BROKEN, 6);
    }
    match unit(8) {
        Some(second) if first < 0xDC00 && (0xDC00..0xE000).contains(&second) => {
            let code = 0x1_0000 + ((first - 0xD800) << 10) + (second - 0xDC00);
            (char::from_u32(code).unwrap_or(BROKEN), 12)
        }
        _ => (BROKEN, 6),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(line: &str) -> Option<(Origin, String, String)> {
        let record = Record::parse(line.as_bytes())?;
        let mut text = Vec::new();
        unescape(record.text, &mut text);
        let time = String::from_utf8(record.time.to_vec()).unwrap();
        Some((record.origin, String::from_utf8(text).unwrap(), time))
    }

    #[test]
    fn records() {
        let time = "2026-11-21T18:51:36.901791198Z";
        for (line, origin, text) in [
            (r#"{"log":"err\n","stream":"stderr","time":"T"}"#, Origin::Stderr, "err\n"),
            (
                r#"{"log":"quote\"back\\slash\u0009tab\u0001 é \n","stream":"stdout","time":"T"}"#,
                Origin::Stdout,
                "quote\"back\\slash\ttab\u{1} é \n",
            ),
            (
                r#"{"log":"\ufffdbad\n","stream":"stdout","time":"T"}"#,
                Origin::Stdout,
                "\u{fffd}bad\n",
            ),
            (
                r#"{"log":"\u003ca\u0026b\u003e","stream":"stdout","time":"T"}"#,
                Origin::Stdout,
                "<a&b>",
            ),
            (
                r#"{"log":"\ud83d\ude00\r\n","stream":"stdout","time":"T"}"#,
                Origin::Stdout,
                "😀\r\n",
            ),
            (r#"{"log":"","stream":"stdout","time":"T"}"#, Origin::Stdout, ""),
            (
                r#"{"log":"a\n","stream":"stderr","attrs":{"k":"\",\"time\":\"x"},"time":"T"}"#,
                Origin::Stderr,
                "a\n",
            ),
            (
                r#"{"log":"\",\"stream\":\"stderr\",\"time\":\"x\"}\n","stream":"stdout","time":"T"}"#,
                Origin::Stdout,
                "\",\"stream\":\"stderr\",\"time\":\"x\"}\n",
            ),
        ] {
            let line = line.replace(r#""T"}"#, &format!(r#""{time}"}}"#));
            assert_eq!(read(&line), Some((origin, text.to_owned(), time.to_owned())), "{line}");
        }
    }

    #[test]
    fn what_is_no_record() {
        for line in ["", "{}", "x", r#"{"log":""}"#, r#"{"log":"a","stream":"both","time":"x"}"#] {
            assert_eq!(read(line), None, "{line}");
        }
        let whole = r#"{"log":"a\u0031\n","stream":"stdout","time":"x"}"#;
        for end in 0..whole.len() {
            assert_eq!(Record::parse(&whole.as_bytes()[..end]), None, "{end}");
        }
    }

    #[test]
    fn escapes_that_are_cut_off_are_no_harm() {
        for (text, want) in [
            ("a\\", "a"),
            ("\\u12", "\u{fffd}"),
            ("\\u", "\u{fffd}"),
            ("\\ud83dx", "\u{fffd}x"),
            ("\\ud83d\\u0041", "\u{fffd}A"),
            ("\\ude00\\ude00", "\u{fffd}\u{fffd}"),
            ("\\u+041", "A"),
        ] {
            let mut out = Vec::new();
            unescape(text.as_bytes(), &mut out);
            assert_eq!(String::from_utf8(out).unwrap(), want, "{text}");
        }
        let long = format!("{}\\n{}\\\"", "x".repeat(NEAR), "y".repeat(100));
        let mut out = Vec::new();
        unescape(long.as_bytes(), &mut out);
        assert_eq!(out.len(), NEAR + 1 + 100 + 1);
    }
}
