//! How an error begins that nobody announced, and what may follow it.
//!
//! | first line | is |
//! |---|---|
//! | `Traceback (most recent call last):`, `Exception in thread "main" ...` | an error |
//! | `panic: `, `fatal error: `, `thread 'x' panicked at` | a critical one |
//! | `Unhandled exception. `, `Fatal error: Uncaught `, `terminate called ` and the like | a critical one |
//! | Go's `http: panic serving ` | an error |
//! | Ruby's `a.rb:3:in 'f': no (RuntimeError)` | an error |
//! | `TypeError: no`, `java.lang.IllegalStateException: no` | an error if the first frame of a stack follows |

use super::trace::{class_of, is_exception, strip_drawing};

pub const TRACEBACK: &[u8] = b"Traceback (most recent call last):";

#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Start {
    Error,
    Critical,
    /// It names an exception, which is an error if a stack follows.
    Named,
}

/// What programs of .NET, PHP, Python, Node and C say when they die.
const DYING: [&[u8]; 8] = [
    b"Unhandled exception. ",
    b"Unhandled Exception:",
    b"Fatal error: Uncaught ",
    b"Fatal Python error: ",
    b"[UnhandledPromiseRejection",
    b"terminate called ",
    b"Segmentation fault",
    b"Uncaught Exception:",
];

/// Whether an error without a head begins with this line: a program that dies says so in its own
/// way.
pub fn begins(line: &[u8]) -> Option<Start> {
    match line.first()? {
        b'T' if line.starts_with(TRACEBACK) => Some(Start::Error),
        b' ' if line.trim_ascii_start().starts_with(b"+ Exception Group Traceback (") => {
            Some(Start::Error)
        }
        b'E' if line.starts_with(b"Exception in thread ") => Some(Start::Error),
        b'p' if line.starts_with(b"panic: ") => Some(Start::Critical),
        b'f' if line.starts_with(b"fatal error: ") => Some(Start::Critical),
        _ if DYING.iter().any(|said| line.starts_with(said)) => Some(Start::Critical),
        b'0'..=b'9' | b'h' if memchr::memmem::find(line, b"http: panic serving ").is_some() => {
            Some(Start::Error)
        }
        b't' if line.starts_with(b"thread '")
            && memchr::memmem::find(line, b"panicked at").is_some() =>
        {
            Some(Start::Critical)
        }
        _ if ruby(line).is_some() => Some(Start::Error),
        b'a'..=b'z' | b'A'..=b'Z' if names(line) => Some(Start::Named),
        _ => None,
    }
}

/// Whether a line is a frame of Java or JavaScript.
pub fn is_frame(line: &[u8]) -> bool {
    matches!(line.first(), Some(b' ' | b'\t')) && line.trim_ascii_start().starts_with(b"at ")
}

/// Whether a line is the name of an exception, with its text or without.
fn names(line: &[u8]) -> bool {
    let end = line.iter().position(|byte| matches!(byte, b':' | b' ')).unwrap_or(line.len());
    let (class, rest) = line.split_at(end);
    let coded = rest.starts_with(b" [") && memchr::memmem::find(rest, b"]: ").is_some();
    let ends = class.ends_with(b"Error") || class.ends_with(b"Exception");
    ends && class_of(class).is_some() && (rest.is_empty() || rest.starts_with(b": ") || coded)
}

/// What Ruby writes first of an exception that nobody caught: `a.rb:3:in 'f': no (RuntimeError)`, as
/// its class, its file and its function.
pub fn ruby(line: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let text = line.strip_suffix(b")")?;
    let class = text.get(text.iter().rposition(|byte| *byte == b'(')? + 1..)?;
    let at = memchr::memmem::find(line, b":in ")?;
    let (place, rest) = (line.get(..at)?, line.get(at + 4..)?);
    let colon = place.iter().rposition(|byte| *byte == b':')?;
    let (file, number) = (place.get(..colon)?, place.get(colon + 1..)?);
    let function = rest.strip_prefix(b"`").or_else(|| rest.strip_prefix(b"'"))?;
    let function = function.get(..memchr::memchr(b'\'', function)?)?;
    let plain =
        !number.is_empty() && number.iter().all(u8::is_ascii_digit) && !file.contains(&b' ');
    let is_class = class.first().is_some_and(u8::is_ascii_uppercase)
        && class.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b':'));
    (plain && is_class).then_some((class, file, function))
}

/// Whether a line reads as the next one of a stack that another process writes line by line. What
/// has its level, or is a sentence, does not.
pub fn goes_on(line: &[u8]) -> bool {
    const SAID: [&[u8]; 23] = [
        b"During handling of the above",
        b"The above exception",
        b"Caused by: ",
        b"Suppressed: ",
        b"goroutine ",
        b"created by ",
        b"[signal ",
        b"exit status ",
        b"note: run with `RUST_BACKTRACE",
        b"note: Some details are omitted",
        b"stack backtrace:",
        b"DETAIL:  ",
        b"HINT:  ",
        b"[SQL: ",
        b"(Background on this error",
        b"Node.js v",
        b"** (",
        b"[stacktrace]",
        b"[previous exception]",
        b"Stack trace:",
        b"PHP Stack trace:",
        b"panic(",
        b"Current thread ",
    ];
    let text = strip_drawing(line).trim_ascii();
    let Some(first) = line.first() else { return true };
    let inside =
        first.is_ascii_whitespace() || text.is_empty() || text.len() < line.trim_ascii().len();
    let class = || class_of(text).is_some_and(|class| is_exception(class) || ends(class));
    // Go's functions: `main.pick(0x1, ...)`.
    let call = || {
        let name = memchr::memchr(b'(', text).and_then(|at| text.get(..at)).unwrap_or_default();
        text.ends_with(b")") && name.contains(&b'.') && !name.contains(&b' ')
    };
    // PHP's frames, and Ruby's where a program writes them itself.
    let numbered = || matches!(text, [b'#', b'0'..=b'9', ..]);
    let ruby = || {
        memchr::memmem::find(text, b".rb:").is_some_and(|at| {
            text.get(at..).is_some_and(|rest| memchr::memmem::find(rest, b":in ").is_some())
        })
    };
    let drawn = matches!(text, b"}" | b"{" | b"\"}" | b"^" | b"\"\"\"");
    inside
        || drawn
        || text.starts_with(TRACEBACK)
        || SAID.iter().any(|said| text.starts_with(said))
        || class()
        || call()
        || numbered()
        || ruby()
}

/// Classes of Python that are exceptions by another name.
fn ends(class: &[u8]) -> bool {
    [&b"Interrupt"[..], b"Exit", b"Warning", b"Iteration", b"ExceptionGroup"]
        .iter()
        .any(|end| class.ends_with(end))
}

/// Whether a line may be the name of any exception, where one is due.
pub fn may_name(line: &[u8]) -> bool {
    class_of(line.trim_ascii_end()).is_some()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn how_programs_die() {
        for (line, is) in [
            ("Traceback (most recent call last):", Some(Start::Error)),
            ("panic: no", Some(Start::Critical)),
            ("/app/a.rb:3:in `f': no (RuntimeError)", Some(Start::Error)),
            ("a.rb:3:in 'Object#f': no (it said) (Net::OpenTimeout)", Some(Start::Error)),
            ("a.rb:3:in 'Object#f': no (it said)", None),
            ("TypeError: Cannot read properties of undefined", Some(Start::Named)),
            ("AssertionError [ERR_ASSERTION]: no", Some(Start::Named)),
            ("java.lang.IllegalStateException: no", Some(Start::Named)),
            ("java.lang.NullPointerException", Some(Start::Named)),
            ("an Error: no", None),
            ("Errors: 5", None),
            ("request done in 5 ms (cached)", None),
            ("a.rb:in (x)", None),
            ("", None),
        ] {
            assert_eq!(begins(line.as_bytes()), is, "{line}");
        }
    }

    #[test]
    fn what_reads_as_a_part_of_a_stack() {
        for line in [
            "  File \"/app/a.py\", line 3, in f",
            "    raise ValueError(\"bad\")",
            "",
            "ValueError: bad",
            "asyncpg.exceptions.UniqueViolation: x",
            "KeyboardInterrupt",
            "During handling of the above exception, another exception occurred:",
            "\tat com.acme.Shop.pay(Shop.java:12)",
            "Caused by: java.io.IOException: disk",
            "goroutine 1 [running]:",
            "main.pick(0x1, {0x2, 0x3})",
            "\t/app/main.go:9 +0x1d",
            "| ValueError: 1",
            "Traceback (most recent call last):",
        ] {
            assert!(goes_on(line.as_bytes()), "{line}");
        }
        for line in [
            "Bot stopped",
            "request 5 done in 7 ms",
            "done (all of it)",
            "listening on 127.0.0.1:80",
            "Запрос от пользователя",
        ] {
            assert!(!goes_on(line.as_bytes()), "{line}");
        }
    }
}
