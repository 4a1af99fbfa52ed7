//! The ways in which programs write a line, and what of a line is its logger and its message.

use memchr::{memchr, memchr_iter, memmem};

use super::json;
use super::level::{Spot, after_colour};

/// How a program writes its lines. Without it each line is looked at by itself, which is right for
/// nearly all logs, also mixed ones. With it lines of any other form belong to the event before
/// them, whatever words they have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// Python's logging and what looks like it: a date, then the level in brackets, between dashes or
    /// alone (`2024-01-01 12:00:00,123 [ERROR] logger: text`), or `ERROR:logger:text`.
    Python,
    /// An object in each line.
    Json,
    /// Loguru's own: `2024-01-01 12:00:00.123 | ERROR    | module:function:1 - text`.
    Loguru,
    /// `level=error msg="text" key=value`.
    Logfmt,
    /// Uvicorn: `INFO:     127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK`.
    Uvicorn,
    /// Access logs of nginx: `combined`, with or without the request time at its end.
    NginxCombined,
    /// Other access logs: a request in quotes and its status.
    Access,
    /// Error logs of nginx: `2024/01/01 12:00:00 [error] 29#29: *1 text`.
    NginxError,
    /// PostgreSQL's standard error: `2024-01-01 12:00:00.123 UTC [12] ERROR:  text`.
    Postgresql,
    /// Anything else: a level is a word in capitals at the start of a line.
    Plain,
    /// A row of the table of known forms, or of the source's own.
    Known(u16),
    Own(u16),
}

impl Format {
    /// Those that are known by themselves and not by a row of the table.
    pub const ENGINES: [Self; 10] = [
        Self::Python,
        Self::Json,
        Self::Loguru,
        Self::Logfmt,
        Self::Uvicorn,
        Self::NginxCombined,
        Self::Access,
        Self::NginxError,
        Self::Postgresql,
        Self::Plain,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Python => "python",
            Self::Json => "json",
            Self::Loguru => "loguru",
            Self::Logfmt => "logfmt",
            Self::Uvicorn => "uvicorn",
            Self::NginxCombined => "nginx_combined",
            Self::Access => "access",
            Self::NginxError => "nginx_error",
            Self::Postgresql => "postgresql",
            Self::Plain => "plain",
            Self::Known(_) | Self::Own(_) => "",
        }
    }

    pub fn engine(name: &str) -> Option<Self> {
        Self::ENGINES.into_iter().find(|format| format.as_str() == name)
    }

    /// The form of a line whose level stands there.
    pub fn of(line: &[u8], spot: Spot) -> Self {
        if line.trim_ascii_start().first() == Some(&b'{') {
            return Self::Json;
        }
        let (before, after) = around(line, spot);
        if before.ends_with(b"=") || before.ends_with(b"=\"") {
            return Self::Logfmt;
        }
        if memchr(b'|', before).is_some() && memmem::find(before, b" | ").is_some() {
            return Self::Loguru;
        }
        if spot.at == 0 {
            return match after {
                // Its texts begin in one column.
                [b':', b' ', ..] if column(after) + spot.end == UVICORN => Self::Uvicorn,
                [b':', next, ..] if !next.is_ascii_whitespace() => Self::Python,
                _ => Self::Plain,
            };
        }
        let before = match before.first() {
            Some(0x1b) => before.get(after_colour(before, 0)..).unwrap_or_default(),
            _ => before,
        };
        let before = before.strip_prefix(b"[").unwrap_or(before);
        match (date(before), after) {
            (Some(b'/'), [b']', b' ', b'0'..=b'9', ..]) if before.ends_with(b" [") => {
                Self::NginxError
            }
            (Some(b'-'), [b':', b' ', b' ', ..]) => Self::Postgresql,
            (Some(b'-'), _) => Self::Python,
            _ => Self::Plain,
        }
    }

    /// Logger (may be empty) and message of a line without colours whose level stands there.
    pub fn split(self, line: &[u8], spot: Spot) -> (&[u8], &[u8]) {
        let (before, after) = around(line, spot);
        match self {
            Self::Json => {
                let fields = json::fields(line);
                (fields.logger, fields.message)
            }
            Self::Logfmt => {
                let message = value(line, &[b"msg=", b"message="]).unwrap_or(after);
                (value(line, &[b"logger=", b"component=", b"caller="]).unwrap_or_default(), message)
            }
            Self::Loguru => {
                let rest = trim(after);
                let (place, message) = cut(rest, b" - ").unwrap_or((b"", rest));
                let logger = place.split(|byte| *byte == b':').next().unwrap_or_default();
                (logger, message)
            }
            Self::NginxError => {
                let rest = cut(after, b": ").map_or(after, |(_, rest)| rest);
                // The number of the connection.
                let text = rest.strip_prefix(b"*").and_then(|rest| cut(rest, b" "));
                (b"", text.map_or(rest, |(_, text)| text))
            }
            Self::Python => python(line, before, after),
            Self::Plain if !spot.firm => (b"", line),
            _ => (b"", trim(after)),
        }
    }
}

/// The column in which the texts of uvicorn begin.
const UVICORN: usize = 10;
/// Longer words before a colon are no loggers.
const LOGGER: usize = 100;

fn python<'a>(line: &'a [u8], before: &'a [u8], after: &'a [u8]) -> (&'a [u8], &'a [u8]) {
    // `date - logger - LEVEL - text`
    if let Some(rest) = after.trim_ascii_start().strip_prefix(b"- ")
        && let Some(head) = before.strip_suffix(b" - ")
    {
        let logger = memmem::rfind(head, b" - ").and_then(|at| head.get(at + 3..));
        return (logger.unwrap_or_default(), rest);
    }
    // `LEVEL:logger:text`
    if before.is_empty() {
        let rest = after.strip_prefix(b":").unwrap_or(after);
        return cut(rest, b":").unwrap_or((b"", rest));
    }
    // `[date][logger][LEVEL][task] text`, `[date: LEVEL/process] text`
    if line.first() == Some(&b'[') {
        let rest = cut(after, b"]").map_or(after, |(_, rest)| rest);
        let own = rest.strip_prefix(b"[").and_then(|rest| cut(rest, b"]")).map(|(_, rest)| rest);
        let logger = before.strip_suffix(b"][").and_then(|head| head.rsplit(|b| *b == b'[').next());
        let logger = logger.filter(|logger| !logger.first().is_some_and(u8::is_ascii_digit));
        return (logger.unwrap_or_default(), own.unwrap_or(rest).trim_ascii_start());
    }
    let bracket = after.first() == Some(&b']');
    let rest = trim(after);
    match cut(rest, b": ") {
        Some((logger, text)) if is_logger(logger, bracket) => (logger, text),
        _ => (b"", rest),
    }
}

/// Whether a word before a colon names a logger and no exception.
fn is_logger(word: &[u8], bracket: bool) -> bool {
    let letters = |byte: &u8| byte.is_ascii_alphanumeric() || b"._-".contains(byte);
    let first = word.first().copied().unwrap_or(b' ');
    !word.is_empty()
        && word.len() <= LOGGER
        && word.iter().all(letters)
        && (bracket || !first.is_ascii_uppercase() || word.contains(&b'.'))
}

fn around(line: &[u8], spot: Spot) -> (&[u8], &[u8]) {
    (line.get(..spot.at).unwrap_or_default(), line.get(spot.end..).unwrap_or_default())
}

/// What divides the parts of the date at the start of a text.
fn date(text: &[u8]) -> Option<u8> {
    let (date, _) = text.split_first_chunk::<10>()?;
    let digits = date.iter().enumerate().all(|(index, byte)| match index {
        4 | 7 => true,
        _ => byte.is_ascii_digit(),
    });
    let [.., divider, _, _, other, _, _] = date;
    (digits && divider == other).then_some(*divider)
}

/// Bytes of a colon and the spaces behind it.
fn column(after: &[u8]) -> usize {
    1 + after.iter().skip(1).take_while(|byte| **byte == b' ').count()
}

/// Without what stands between a level and a text.
fn trim(text: &[u8]) -> &[u8] {
    let marks = |byte: &u8| !b" \t]):|>-".contains(byte);
    let start = text.iter().position(marks).unwrap_or(text.len());
    text.get(start..).unwrap_or_default()
}

/// The text before and behind the first place of a mark.
#[inline]
fn cut<'a>(text: &'a [u8], mark: &[u8]) -> Option<(&'a [u8], &'a [u8])> {
    let first = *mark.first()?;
    let mut places = memchr_iter(first, text);
    let found = places.find(|at| text.get(*at..).is_some_and(|rest| rest.starts_with(mark)))?;
    Some((text.get(..found)?, text.get(found + mark.len()..)?))
}

/// The value of the first of the keys that stands in a line of `key=value`.
fn value<'a>(line: &'a [u8], keys: &[&[u8]]) -> Option<&'a [u8]> {
    keys.iter().find_map(|key| {
        let mut starts = memmem::find_iter(line, key);
        let at =
            starts.find(|at| at.checked_sub(1).is_none_or(|at| line.get(at) == Some(&b' ')))?;
        let rest = line.get(at + key.len()..)?;
        match rest.strip_prefix(b"\"") {
            Some(text) => Some(json::string(text).unwrap_or(text)),
            None => rest.split(|byte| *byte == b' ').next(),
        }
    })
}

/// The fields of a line of `key=value`.
pub fn pairs(line: &[u8]) -> impl Iterator<Item = (&[u8], &[u8])> {
    let mut rest = line;
    std::iter::from_fn(move || {
        let at = memchr(b'=', rest)?;
        let (before, after) = rest.split_at(at);
        // Spans of Rust's tracing stand in braces: `request{method=GET uri=/}:`.
        let key = before.rsplit(|byte| matches!(byte, b' ' | b'{')).next().unwrap_or_default();
        let value = after.get(1..)?;
        let text = match value.strip_prefix(b"\"") {
            Some(text) => json::string(text)?,
            None => value.split(|byte| matches!(byte, b' ' | b'}')).next()?,
        };
        let quotes = if value.first() == Some(&b'"') { 2 } else { 0 };
        rest = value.get(text.len() + quotes..)?;
        Some((key, text))
    })
}

#[cfg(test)]
mod tests {
    use super::super::forms::Forms;
    use super::super::judge::judge;
    use super::*;

    fn find(line: &[u8]) -> Option<Spot> {
        judge(&Forms::default(), line, None).spot
    }

    const LINES: &[(&str, &str, &str, &str)] = &[
        (
            "2024-01-01 12:00:00,123 [ERROR] app.core: no: answer",
            "python",
            "app.core",
            "no: answer",
        ),
        (
            "2024-01-01 12:00:00,123 - app.core - CRITICAL - gone - now",
            "python",
            "app.core",
            "gone - now",
        ),
        ("ERROR:root:no answer: 5", "python", "root", "no answer: 5"),
        ("2024-01-01 12:00:00,123 ERROR app.core: x", "python", "app.core", "x"),
        ("2024-01-01 12:00:00,123 ERROR ValueError: x", "python", "", "ValueError: x"),
        ("2024-01-01T12:00:00Z ERROR no answer", "python", "", "no answer"),
        (
            "[2024-01-01 12:00:00,123][taskiq.worker][ERROR  ][worker-0] gone",
            "python",
            "taskiq.worker",
            "gone",
        ),
        ("[2024-01-01 12:00:00,123: WARNING/MainProcess] x", "python", "", "x"),
        ("{\"level\":\"error\",\"logger\":\"a\",\"msg\":\"m\"}", "json", "a", "m"),
        (
            "2024-01-01 12:00:00.000 | ERROR    | mod.sub:func:1 - msg - x",
            "loguru",
            "mod.sub",
            "msg - x",
        ),
        (
            "time=x level=error logger=a msg=\"no \\\"answer\\\"\" k=v",
            "logfmt",
            "a",
            "no \\\"answer\\\"",
        ),
        ("level=error message=short xmsg=no", "logfmt", "", "short"),
        (
            "INFO:     127.0.0.1:5 - \"GET / HTTP/1.1\" 200 OK",
            "uvicorn",
            "",
            "127.0.0.1:5 - \"GET / HTTP/1.1\" 200 OK",
        ),
        ("CRITICAL: gone", "uvicorn", "", "gone"),
        ("ERROR: gone", "plain", "", "gone"),
        (
            "2024/01/01 12:00:00 [error] 29#29: *1 open() \"/x\" failed",
            "nginx_error",
            "",
            "open() \"/x\" failed",
        ),
        ("2024/01/01 12:00:00 [emerg] 1#1: bind() failed", "nginx_error", "", "bind() failed"),
        (
            "2024-01-01 12:00:00.000 UTC [12] FATAL:  no pg_hba.conf entry",
            "postgresql",
            "",
            "no pg_hba.conf entry",
        ),
        ("2024-01-01 12:00:00 UTC [12] u@db ERROR:  x: y", "postgresql", "", "x: y"),
        ("Error: Rate limit exceeded", "plain", "", "Rate limit exceeded"),
        ("got an ERROR from upstream", "plain", "", "got an ERROR from upstream"),
        ("ERROR", "plain", "", ""),
        ("2024-01-01 ERROR", "python", "", ""),
    ];

    #[test]
    fn forms_loggers_and_messages() {
        for (line, format, logger, message) in LINES.iter().copied() {
            let spot = find(line.as_bytes()).expect(line);
            let found = Format::of(line.as_bytes(), spot);
            let (one, two) = found.split(line.as_bytes(), spot);
            let parts = (
                found.as_str(),
                std::str::from_utf8(one).unwrap(),
                std::str::from_utf8(two).unwrap(),
            );
            assert_eq!(parts, (format, logger, message), "{line}");
        }
    }
}
