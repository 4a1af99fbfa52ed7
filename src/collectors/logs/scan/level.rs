//! The level of a line, from its level field and never from a word in its message.
//!
//! Known forms: JSON (`level`, `levelname`, `severity`, `lvl`, pino's numbers, Loguru's `record`),
//! `key=value` (`level=error`), and text where the level is a word of its own near the start:
//! `[ERROR]`, `| ERROR    |`, `ERROR:`, ` - ERROR - `, `[error]`, with colours or without. A line of a
//! traceback has none.

use memchr::memchr2;

/// The level stands within this many bytes of the start of a line of text.
const HEAD: usize = 160;
/// The level stands within this many bytes of the start of a line of JSON.
const JSON_HEAD: usize = 4096;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Level {
    Debug,
    Info,
    Warning,
    Error,
    Critical,
    None,
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

    pub fn of(line: &[u8]) -> Self {
        let found = match line.first() {
            Some(b'{') => json(line.get(..JSON_HEAD).unwrap_or(line)),
            // Tracebacks and dumps are indented; a line that is indented and has a level field
            // starts with its time.
            Some(b' ' | b'\t') => match line.trim_ascii_start() {
                rest @ [b'0'..=b'9', ..] => text(rest),
                _ => None,
            },
            _ => text(line),
        };
        found.unwrap_or(Self::None)
    }

    fn named(word: &[u8]) -> Option<Self> {
        let mut upper = [0; 9];
        let upper = upper.get_mut(..word.len())?;
        upper.copy_from_slice(word);
        upper.make_ascii_uppercase();
        Some(match &*upper {
            b"TRACE" | b"TRC" | b"DEBUG" | b"DBG" | b"VERBOSE" => Self::Debug,
            b"INFO" | b"INF" | b"NOTICE" | b"SUCCESS" => Self::Info,
            b"WARN" | b"WARNING" | b"WRN" => Self::Warning,
            b"ERROR" | b"ERR" | b"SEVERE" => Self::Error,
            b"CRITICAL" | b"CRIT" | b"FATAL" | b"FTL" | b"PANIC" | b"EMERG" | b"EMERGENCY"
            | b"ALERT" => Self::Critical,
            _ => return None,
        })
    }

    /// The numbers of pino and bunyan.
    fn numbered(number: &[u8]) -> Option<Self> {
        Some(match number {
            b"10" | b"20" => Self::Debug,
            b"30" => Self::Info,
            b"40" => Self::Warning,
            b"50" => Self::Error,
            b"60" => Self::Critical,
            _ => return None,
        })
    }
}

/// The first level word of the head of a line that stands where a level field would.
fn text(line: &[u8]) -> Option<Level> {
    let head = line.get(..HEAD).unwrap_or(line);
    let (mut at, mut before, mut last_word): (usize, u8, &[u8]) = (0, b'\n', b"");
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
                let word = letters(head, at);
                at += word.len();
                if let Some(level) = field(before, word, line.get(at), last_word) {
                    return Some(level);
                }
                (before, last_word) = (b'a', word);
                continue;
            }
            // `level="error"`: the quote does not matter.
            b'"' if before == b'=' => {}
            _ => before = *byte,
        }
        at += 1;
    }
    None
}

/// Whether a word between these bytes is a level field. `before` is a newline at the start.
fn field(before: u8, word: &[u8], after: Option<&u8>, last_word: &[u8]) -> Option<Level> {
    let after = after.copied().unwrap_or(b' ');
    let capitals = word.iter().all(u8::is_ascii_uppercase);
    let stands = match before {
        b'=' => return is_level_key(last_word).then(|| Level::named(word)).flatten(),
        b'[' | b'<' if matches!(after, b']' | b'>') => true,
        b'\n' if after == b':' => true,
        b'\n' | b' ' | b'\t' | b'[' | b'(' | b'<' | b'|' | b':' => {
            let ends = b" \t\r])>|:,/\x1b";
            capitals && ends.contains(&after)
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

fn letters(head: &[u8], at: usize) -> &[u8] {
    let rest = head.get(at..).unwrap_or_default();
    let length = rest.iter().position(|byte| !byte.is_ascii_alphabetic()).unwrap_or(rest.len());
    rest.get(..length).unwrap_or_default()
}

/// Skips `ESC [ ... letter`.
fn after_colour(head: &[u8], at: usize) -> usize {
    let rest = head.get(at + 1..).unwrap_or_default();
    let Some(rest) = rest.strip_prefix(b"[") else { return at + 1 };
    let length = rest.iter().position(u8::is_ascii_alphabetic).map_or(rest.len(), |end| end + 1);
    at + 2 + length
}

fn is_level_key(key: &[u8]) -> bool {
    matches!(
        key,
        b"level" | b"levelname" | b"severity" | b"lvl" | b"loglevel" | b"log.level" | b"Level"
    )
}

/// Walks over a JSON object without building it; strings are skipped as a whole, so that a level
/// inside a message is never seen.
fn json(line: &[u8]) -> Option<Level> {
    let (mut at, mut depth) = (0_usize, 0_usize);
    // The object that holds the level and the key that it has there.
    let (mut level_depth, mut in_level) = (1, false);
    while let Some(byte) = line.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.checked_sub(1)?;
                // An object that held no level is behind us.
                if depth < level_depth {
                    (level_depth, in_level) = (1, false);
                }
            }
            b'"' => {
                let key = string(line, at)?;
                at += key.len() + 1;
                let Some(value) = value_at(line, at) else { continue };
                at = value;
                if depth != level_depth {
                    continue;
                }
                let opens = line.get(at) == Some(&b'{');
                let names = if in_level { key == b"name" } else { is_level_key(key) };
                match (opens, names) {
                    (true, true) => (level_depth, in_level) = (depth + 1, true),
                    // Loguru's `record.level.name` and `log.level` of ECS.
                    (true, false) if key == b"record" || key == b"log" => level_depth = depth + 1,
                    (false, true) => return scalar(line, at),
                    _ => {}
                }
            }
            _ => {}
        }
    }
    None
}

/// The bytes of the string that starts here, up to its closing quote.
fn string(line: &[u8], start: usize) -> Option<&[u8]> {
    let mut at = start;
    loop {
        let hit = at + memchr2(b'"', b'\\', line.get(at..)?)?;
        if line.get(hit) == Some(&b'"') {
            return line.get(start..hit);
        }
        at = hit + 2;
    }
}

/// Where the value of a key starts, or nothing if no colon follows.
fn value_at(line: &[u8], mut at: usize) -> Option<usize> {
    let mut colon = false;
    loop {
        match line.get(at)? {
            b' ' => {}
            b':' if !colon => colon = true,
            _ => return colon.then_some(at),
        }
        at += 1;
    }
}

fn scalar(line: &[u8], at: usize) -> Option<Level> {
    if line.get(at) == Some(&b'"') {
        return Level::named(string(line, at + 1)?);
    }
    let rest = line.get(at..)?;
    let length = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    Level::numbered(rest.get(..length)?)
}

#[cfg(test)]
mod tests {
    use super::Level;

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
            ("[1] 2024/01/01 12:00:00.000000 [INF] Server is ready", "info"),
            ("time=2024-01-01T00:00:00Z level=error msg=\"level=info\"", "error"),
            ("level=\"warn\" msg=x", "warning"),
            ("Error: Rate limit exceeded", "error"),
            ("got an ERROR from upstream", "error"),
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
            assert_eq!(Level::of(line.as_bytes()).as_str(), level, "{line}");
        }
    }

    #[test]
    fn levels_of_json() {
        for (line, level) in [
            (r#"{"timestamp": "x", "level": "ERROR", "message": "m"}"#, "error"),
            (r#"{"message": "\"level\": \"ERROR\" ERROR", "level":"info"}"#, "info"),
            (r#"{"level":30,"msg":"x"}"#, "info"),
            (r#"{"level":50}"#, "error"),
            (r#"{"severity":"CRITICAL"}"#, "critical"),
            (r#"{"levelname":"WARNING"}"#, "warning"),
            (r#"{"lvl" : "dbg"}"#, "debug"),
            (r#"{"ctx":{"level":"error"},"level":"info"}"#, "info"),
            (r#"{"ctx":[{"level":"error"}]}"#, "none"),
            (
                r#"{"text":"ERROR","record":{"x":{},"level":{"icon":"x","name":"WARNING","no":30}}}"#,
                "warning",
            ),
            (r#"{"log":{"level":"error"}}"#, "error"),
            (r#"{"log":{"x":1},"level":"error"}"#, "error"),
            (r#"{"level":"loud"}"#, "none"),
            (r#"{"level":"#, "none"),
            (r#"{"a":"unfinished"#, "none"),
            ("{ERROR", "none"),
            ("}", "none"),
            ("{}}}", "none"),
        ] {
            assert_eq!(Level::of(line.as_bytes()).as_str(), level, "{line}");
        }
    }
}
