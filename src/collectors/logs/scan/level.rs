//! The level of a line of text, from its level field and never from a word in its message.
//!
//! That is `key=value` (`level=error`), and text where the level is a word of its own near the start: `[ERROR]`,
//! `| ERROR    |`, `ERROR:`, ` - ERROR - `, `[error]`, with colours or without; in small letters too where nothing
//! but a time stands before it. A line of a traceback has none.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::forms::{Field, TABLE};

/// The level stands within this many bytes of the start of a line of text.
const HEAD: usize = 160;

#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
    Critical,
    None,
}

/// Where a line names its level.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Spot {
    pub level: Level,
    /// The word, or in JSON the value with its quotes.
    pub at: usize,
    pub end: usize,
    /// Nothing but a time, marks and colours stand before it, or a key: a program has written it as
    /// the level. Otherwise it is a word in a text, in capitals.
    pub firm: bool,
}

impl Level {
    pub const ALL: [Self; 6] =
        [Self::Debug, Self::Info, Self::Warning, Self::Error, Self::Critical, Self::None];

    /// The value of the label `level`.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Debug => "debug",
            Self::Info => "info",
            Self::Warning => "warning",
            Self::Error => "error",
            Self::Critical => "critical",
            Self::None => "none",
        }
    }

    /// Whether an event of this level is one of the errors.
    pub const fn is_error(self) -> bool {
        matches!(self, Self::Error | Self::Critical)
    }

    /// The level that a word stands for.
    pub(super) fn named(word: &[u8]) -> Option<Self> {
        TABLE.words.get(word).or_else(|| numbered(word))
    }
}

/// Levels of one's own stand between those of pino (`35`), and Monolog has hundreds.
fn numbered(word: &[u8]) -> Option<Level> {
    let number: u16 = std::str::from_utf8(word).ok()?.parse().ok()?;
    match number {
        10..=29 | 100..=199 => Some(Level::Debug),
        30..=39 | 200..=299 => Some(Level::Info),
        40..=49 | 300..=399 => Some(Level::Warning),
        50..=59 | 400..=499 => Some(Level::Error),
        60..=69 | 500..=600 => Some(Level::Critical),
        _ => None,
    }
}

/// Where a line of text names its level.
pub fn find(line: &[u8]) -> Option<Spot> {
    match line.first()? {
        // Tracebacks and dumps are indented; a line that is indented and has a level field starts
        // with its time.
        b' ' | b'\t' => {
            let rest = line.trim_ascii_start();
            let indent = line.len() - rest.len();
            let spot =
                rest.first().filter(|byte| byte.is_ascii_digit()).and_then(|_| text(rest))?;
            Some(Spot { at: spot.at + indent, end: spot.end + indent, ..spot })
        }
        _ => text(line),
    }
}

/// The first level word of the head of a line that stands where a level field would.
fn text(line: &[u8]) -> Option<Spot> {
    let head = line.get(..HEAD).unwrap_or(line);
    let (mut at, mut before, mut last_word): (usize, u8, &[u8]) = (0, b'\n', b"");
    let (mut first, mut timed) = (None, false);
    while let Some(byte) = head.get(at) {
        match byte {
            0x1b => {
                at = after_colour(head, at);
                // A colour ends a word, but what stood before it still tells where we are.
                if before.is_ascii_alphanumeric() {
                    before = b' ';
                }
                continue;
            }
            b'a'..=b'z' | b'A'..=b'Z' => {
                let first = *first.get_or_insert(*byte);
                let word = letters(head, at);
                let end = at + word.len();
                let rest = line.get(end..).unwrap_or_default();
                let place = Place { before, last_word, alone: last_word.is_empty() && timed };
                if let Some(level) = place.field(word, rest) {
                    let firm = last_word.is_empty() || before == b'=' || first.is_ascii_digit();
                    return Some(Spot { level, at, end, firm });
                }
                if is_detail(word, rest) || is_exception(word, rest, at, before) {
                    return None;
                }
                if !is_of_time(word) {
                    last_word = word;
                }
                (at, before) = (end, b'a');
                continue;
            }
            // `level="error"`: the quote does not matter.
            b'"' if before == b'=' => {}
            _ => {
                before = *byte;
                if byte.is_ascii_digit() {
                    timed = true;
                    first.get_or_insert(*byte);
                }
            }
        }
        at += 1;
    }
    None
}

/// What stands before a word.
struct Place<'a> {
    /// The byte before it; a newline at the start.
    before: u8,
    last_word: &'a [u8],
    /// Nothing but a time and marks.
    alone: bool,
}

impl Place<'_> {
    /// Whether a word in this place is a level field.
    fn field(&self, word: &[u8], rest: &[u8]) -> Option<Level> {
        let after = rest.first().copied().unwrap_or(b' ');
        let capitals = word.iter().all(u8::is_ascii_uppercase);
        let stands = match self.before {
            b'=' => {
                let key = TABLE.keys.get(self.last_word) == Some(Field::Level);
                return key.then(|| Level::named(word)).flatten();
            }
            b'[' | b'<' if matches!(after, b']' | b'>') => true,
            b'[' if closes(rest) => true,
            b'\n' if matches!(after, b':' | 0x1b) => true,
            b' ' | b'\t' | b'|' if self.alone && matches!(after, b':' | b'|' | b'\t' | 0x1b) => {
                true
            }
            b' ' | b'\t' if self.alone && after == b' ' && is_usual(word) => true,
            b'\n' | b' ' | b'\t' | b'[' | b'(' | b'<' | b'|' | b':' => {
                let ends = b" \t\r])>|:,/\x1b";
                capitals && (ends.contains(&after) || (self.alone && after == b'['))
            }
            _ => false,
        };
        if !stands {
            return None;
        }
        // PostgreSQL's own name for what others call info.
        if word == b"LOG" && after == b':' {
            return Some(Level::Info);
        }
        Level::named(word)
    }
}

/// Whether nothing but blanks and colours stand before the end of the brackets.
fn closes(rest: &[u8]) -> bool {
    let mut at = 0;
    loop {
        match rest.get(at) {
            Some(b' ') => at += 1,
            Some(0x1b) => at = after_colour(rest, at),
            other => return other == Some(&b']'),
        }
    }
}

/// Words in small letters that are levels also where no mark follows.
fn is_usual(word: &[u8]) -> bool {
    matches!(
        word,
        b"error" | b"err" | b"warn" | b"warning" | b"info" | b"debug" | b"trace" | b"fatal"
    )
}

/// A word that is a part of a time.
fn is_of_time(word: &[u8]) -> bool {
    const MONTHS: &[u8] = b"JanFebMarAprMayJunJulAugSepOctNovDecMonTueWedThuFriSatSun";
    matches!(word, b"T" | b"Z" | b"UTC" | b"GMT" | b"AM" | b"PM")
        || MONTHS.chunks(3).any(|name| name == word)
}

/// PostgreSQL's lines that belong to the message before them, in whose texts a level may stand.
fn is_detail(word: &[u8], after: &[u8]) -> bool {
    after.starts_with(b":  ")
        && matches!(word, b"DETAIL" | b"HINT" | b"STATEMENT" | b"CONTEXT" | b"QUERY" | b"LOCATION")
}

/// The last line of a traceback, in whose text a level may stand: `ValueError: ...`,
/// `asyncpg.exceptions.UniqueViolation: ...`.
fn is_exception(word: &[u8], after: &[u8], at: usize, before: u8) -> bool {
    let named = [&b"Error"[..], b"Exception", b"Warning"].iter().any(|end| word.ends_with(end));
    let class = word.first().is_some_and(u8::is_ascii_uppercase);
    after.starts_with(b": ") && class && (before == b'.' || (at == 0 && named))
}

fn letters(head: &[u8], at: usize) -> &[u8] {
    let rest = head.get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
    rest.get(..length).unwrap_or_default()
}

/// Skips `ESC [ ... letter`.
pub(super) fn after_colour(head: &[u8], at: usize) -> usize {
    let rest = head.get(at + 1..).unwrap_or_default();
    let Some(rest) = rest.strip_prefix(b"[") else { return at + 1 };
    let length = rest.iter().position(u8::is_ascii_alphabetic).map_or(rest.len(), |end| end + 1);
    at + 2 + length
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn levels_of_lines() {
        for (line, level) in [
            ("2024-01-01 12:00:00,123 [ERROR] app.core: no answer", "error"),
            ("ERROR:root:no answer", "error"),
            ("WARNING:app:slow", "warning"),
            ("2024-01-01 12:00:00,123 - app.core - CRITICAL - gone", "critical"),
            ("2024-01-01 12:00:00.000 | ERROR    | mod:func:1 - msg", "error"),
            ("2024-01-01 12:00:00.000 | SUCCESS  | mod:func:1 - msg", "info"),
            (
                "\x1b[32m2024-01-01 12:00:00.000\x1b[0m | \x1b[31m\x1b[1mERROR   \x1b[0m | \x1b[36mmod\x1b[0m - INFO",
                "error",
            ),
            ("\x1b[1mDEBUG\x1b[0m x", "debug"),
            ("\x1b[31mERROR\x1b[0m x", "error"),
            ("[2024-01-01 12:00:00,123][taskiq.worker][INFO   ][worker-0] ERROR", "info"),
            ("[2024-01-01 12:00:00,123: WARNING/MainProcess] x", "warning"),
            ("INFO:     127.0.0.1:5 - \"GET /?level=error HTTP/1.1\" 200 OK", "info"),
            ("2024/01/01 12:00:00 [error] 29#29: *1 open() failed", "error"),
            ("2024-01-01 12:00:00 UTC [12] FATAL:  no pg_hba.conf entry", "critical"),
            ("2024-01-01 12:00:00 UTC [12] LOG:  checkpoint starting: time", "info"),
            ("2024-01-01 12:00:00 UTC [12] STATEMENT:  SELECT ERROR FROM x", "none"),
            ("[1] 2024/01/01 12:00:00.000000 [INF] Server is ready", "info"),
            ("time=2024-01-01T00:00:00Z level=error msg=\"level=info\"", "error"),
            ("level=\"warn\" msg=x", "warning"),
            ("Error: Rate limit exceeded", "error"),
            ("got an ERROR from upstream", "error"),
            ("worker: ERROR x", "error"),
            ("ValueError: got ERROR from upstream", "none"),
            ("psycopg2.errors.UniqueViolation: ERROR:  duplicate key", "none"),
            ("[2024-01-01 12:00:00] ERROR[12][C-0001] x.c: gone", "error"),
            ("an ERROR[12] x", "none"),
            ("no error at all, errors: 0", "none"),
            ("127.0.0.1 - - [01/Jan/2024] \"GET /ERROR HTTP/1.1\" 500 1", "none"),
            ("ERRORS: 0", "none"),
            ("MyERROR: 0", "none"),
            ("Traceback (most recent call last):", "none"),
            ("  File \"a.py\", line 1, in ERROR", "none"),
            ("    raise CRITICAL", "none"),
            ("ValueError: ERRORS", "none"),
            ("  2024-01-01T00:00:00Z  INFO app: x", "info"),
            ("", "none"),
            ("\u{1f4e1} Broadcasting", "none"),
        ] {
            let found = find(line.as_bytes()).map_or("none", |spot| spot.level.as_str());
            assert_eq!(found, level, "{line}");
        }
    }
}
