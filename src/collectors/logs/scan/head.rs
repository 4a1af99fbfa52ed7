//! The head of an error: its level, logger, message and exception, without colours.

use memchr::memchr;

use super::format::Format;
use super::json;
use super::judge::clean;
use super::level::{self, Spot};
use crate::collectors::logs::errors::Head;

/// What is kept of a message.
const MESSAGE: usize = 4096;

/// The head of a line whose level stands there. The format is what is known of it already, and so are the parts.
/// `scratch` holds the line if it has colours.
pub fn head<'a>(
    line: &'a [u8],
    format: Option<Format>,
    spot: Spot,
    parts: Option<(&'a [u8], &'a [u8])>,
    scratch: &'a mut Vec<u8>,
) -> Head<'a> {
    let level = spot.level;
    let line = clean(line);
    if let Some((logger, message)) = parts {
        let message = if memchr(0x1b, message).is_none() {
            message
        } else {
            colourless(message, scratch);
            scratch
        };
        return Head { level, logger, message: bounded(message), exception: None };
    }
    if line.trim_ascii_start().first() == Some(&b'{') {
        let fields = json::fields(line);
        let (logger, exception) = (fields.logger, fields.exception);
        return Head { level, logger, message: bounded(fields.message), exception };
    }
    if memchr(0x1b, line).is_none() {
        let format = format.unwrap_or_else(|| Format::of(line, spot));
        let (logger, message) = format.split(line, spot);
        return Head { level, logger, message: bounded(message), exception: None };
    }
    colourless(line, scratch);
    let line = &*scratch;
    // What is a level among colours may be none without them.
    let found = level::find(line).map(|spot| Format::of(line, spot).split(line, spot));
    let (logger, message) = found.unwrap_or((b"", line));
    Head { level, logger, message: bounded(message), exception: None }
}

fn bounded(message: &[u8]) -> &[u8] {
    message.get(..MESSAGE).unwrap_or(message)
}

/// A text without its colours.
pub fn colourless(text: &[u8], out: &mut Vec<u8>) {
    out.clear();
    let mut at = 0;
    while let Some(found) = text.get(at..).and_then(|rest| memchr(0x1b, rest)) {
        out.extend_from_slice(text.get(at..at + found).unwrap_or_default());
        at = level::after_colour(text, at + found);
    }
    out.extend_from_slice(text.get(at..).unwrap_or_default());
}

#[cfg(test)]
mod tests {
    use super::super::forms::Forms;
    use super::super::judge::judge;
    use super::*;

    fn spot(line: &[u8]) -> Spot {
        judge(&Forms::default(), line, None).spot.unwrap()
    }

    #[test]
    fn heads() {
        for (line, wanted) in [
            (
                "\x1b[32m2024-01-01 12:00:00.000\x1b[0m | \x1b[31m\x1b[1mERROR   \x1b[0m | \x1b[36mmod\x1b[0m:f:1 - \x1b[31mgone\x1b[0m",
                ["error", "mod", "gone", ""],
            ),
            ("\x1b[31mERROR\x1b[0m x", ["error", "", "x", ""]),
            (
                r#"{"level":"error","logger":"a","message":"\u041d\n\"x","exception":"x\ny"}"#,
                ["error", "a", r#"\u041d\n\"x"#, r"x\ny"],
            ),
            ("FATAL: database is corrupted", ["critical", "", "database is corrupted", ""]),
        ] {
            let (line, mut scratch) = (line.as_bytes(), Vec::new());
            let found = head(line, None, spot(line), None, &mut scratch);
            let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
            let parts =
                [found.logger, found.message, found.exception.unwrap_or_default()].map(text);
            assert_eq!(found.level.as_str(), wanted[0]);
            assert_eq!(parts, wanted[1..]);
        }
    }

    #[test]
    fn long_messages_are_cut() {
        let line = format!("ERROR: {}", "x".repeat(100_000));
        let spot = spot(line.as_bytes());
        assert_eq!(head(line.as_bytes(), None, spot, None, &mut Vec::new()).message.len(), MESSAGE);
    }
}
