//! Lines of JSON without building them: strings are skipped as a whole, so that a level inside a
//! message is never seen. Unknown and unfinished text yields what stood before it.

use memchr::memchr2;

use super::level::{Level, Spot, is_level_key};

/// What is of use in a line, as it stands there: without its quotes, still escaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    pub message: &'a [u8],
    pub logger: &'a [u8],
    pub exception: Option<&'a [u8]>,
}

/// In which object a key stands.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Place {
    /// The line's own object, `record` of Loguru or `log` of ECS.
    Home,
    /// The object that is the value of a level key.
    Level,
    /// The object that is the value of a key of an exception.
    Exception,
}

/// Where the level's value stands.
pub fn level(line: &[u8]) -> Option<Spot> {
    let mut found = None;
    walk(line, |place, key, value| {
        let names = match place {
            Place::Level => key == b"name",
            Place::Home => is_level_key(key) && value.first() != Some(&b'{'),
            Place::Exception => false,
        };
        if !names {
            return true;
        }
        let at = line.len() - value.len();
        found =
            scalar(value).map(|(level, length)| Spot { level, at, end: at + length, firm: true });
        false
    });
    found
}

/// Logger, message and exception.
pub fn fields(line: &[u8]) -> Fields<'_> {
    let (mut found, mut kind) = (Fields::default(), None);
    walk(line, |place, key, value| {
        let Some(text) = value.strip_prefix(b"\"").and_then(string) else { return true };
        match (place, key) {
            (Place::Home, b"message" | b"msg") => found.message = text,
            (Place::Home, b"event" | b"text") if found.message.is_empty() => found.message = text,
            (Place::Home, b"logger" | b"logger_name") => found.logger = text,
            (Place::Home, b"name" | b"module") if found.logger.is_empty() => found.logger = text,
            // As a text these are the message of an error, not its stack.
            (Place::Home, b"err" | b"error") => {}
            (Place::Home, key) if is_exception_key(key) && !text.is_empty() => {
                found.exception = Some(text);
            }
            (Place::Exception, b"stack" | b"traceback" | b"stacktrace") => {
                found.exception = Some(text);
            }
            (Place::Exception, b"type" | b"kind") => kind = Some(text),
            _ => {}
        }
        true
    });
    found.exception = found.exception.or(kind);
    found
}

fn is_exception_key(key: &[u8]) -> bool {
    matches!(
        key,
        b"exception"
            | b"exc_info"
            | b"exc_text"
            | b"stack"
            | b"stack_info"
            | b"stack_trace"
            | b"stacktrace"
            | b"traceback"
            | b"err"
            | b"error"
    )
}

/// Calls `see` with each key of the objects that matter and the text from its value on, as long as
/// it wants more.
fn walk<'a>(line: &'a [u8], mut see: impl FnMut(Place, &'a [u8], &'a [u8]) -> bool) {
    let (mut at, mut depth) = (0_usize, 0_usize);
    // The object that we are interested in, by its depth.
    let (mut home, mut inner) = (1, None);
    while let Some(byte) = line.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                let Some(less) = depth.checked_sub(1) else { return };
                depth = less;
                if inner.is_some_and(|(inner, _)| depth < inner) {
                    inner = None;
                }
                if depth < home {
                    home = 1;
                }
            }
            b'"' => {
                let Some(key) = line.get(at..).and_then(string) else { return };
                at += key.len() + 1;
                let Some(value) = value_at(line, at) else { continue };
                at = value;
                let place = match inner {
                    Some((inner, place)) if depth == inner => place,
                    None if depth == home => Place::Home,
                    _ => continue,
                };
                let value = line.get(at..).unwrap_or_default();
                if !see(place, key, value) {
                    return;
                }
                if place != Place::Home || value.first() != Some(&b'{') {
                    continue;
                }
                match key {
                    b"record" | b"log" => home = depth + 1,
                    key if is_level_key(key) => inner = Some((depth + 1, Place::Level)),
                    key if is_exception_key(key) => inner = Some((depth + 1, Place::Exception)),
                    _ => {}
                }
            }
            _ => {}
        }
    }
}

/// The bytes of a string up to its closing quote.
pub(super) fn string(text: &[u8]) -> Option<&[u8]> {
    let mut at = 0;
    loop {
        let hit = at + memchr2(b'"', b'\\', text.get(at..)?)?;
        if text.get(hit) == Some(&b'"') {
            return text.get(..hit);
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

/// A level and the length of its text.
fn scalar(value: &[u8]) -> Option<(Level, usize)> {
    if let Some(text) = value.strip_prefix(b"\"") {
        let word = string(text)?;
        return Some((Level::named(word)?, word.len() + 2));
    }
    let length = value.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(value.len());
    Some((Level::numbered(value.get(..length)?)?, length))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn levels_of_json() {
        for (line, wanted) in [
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
            let found = level(line.as_bytes()).map_or("none", |spot| spot.level.as_str());
            assert_eq!(found, wanted, "{line}");
        }
    }

    #[test]
    fn fields_of_json() {
        let texts = |line: &str| {
            let found = fields(line.as_bytes());
            [found.logger, found.message, found.exception.unwrap_or(b"-")]
                .map(|text| String::from_utf8_lossy(text).into_owned())
        };
        for (line, wanted) in [
            (r#"{"logger":"a.b","message":"m","level":"ERROR"}"#, ["a.b", "m", "-"]),
            (
                r#"{"name":"svc","msg":"m","err":{"type":"TypeError","stack":"s\n at x"}}"#,
                ["svc", "m", "s\\n at x"],
            ),
            (r#"{"message":"m","error":"refused"}"#, ["", "m", "-"]),
            (r#"{"event":"e","exc_info":true,"exception":"Traceback"}"#, ["", "e", "Traceback"]),
            (
                r#"{"text":"t","record":{"exception":{"type":"KeyError","value":"x"},"message":"m","name":"mod"}}"#,
                ["mod", "m", "KeyError"],
            ),
            (r#"{"ctx":{"message":"no"},"message":"yes"}"#, ["", "yes", "-"]),
            (r#"{"message":"unfinished"#, ["", "", "-"]),
        ] {
            assert_eq!(texts(line), wanted, "{line}");
        }
    }
}
