//! Which entries are lines of one event.
//!
//! journald makes an entry of each line that a service writes to its standard output, all with the same
//! priority, that of the service (`SyslogLevel=info`) or of the stream. So what a line says of itself
//! counts above its priority, and what reads as the next line of a stack, written by the same process
//! within a moment, is one.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::select::Taken;
use crate::collectors::logs::errors::{Start, goes_on, may_name, start_of};
use crate::collectors::logs::scan::forms::Forms;
use crate::collectors::logs::scan::judge::judge;
use crate::collectors::logs::scan::level::Level;

/// What a process writes at one go comes within this time, in microseconds.
const MOMENT: u64 = 2_000_000;
/// Processes that are remembered.
const MAX_WRITERS: usize = 50;

/// Processes whose last line may go on.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Joined {
    open: BTreeMap<String, Open>,
}

#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
struct Open {
    /// When its last line was written, in microseconds since 1970.
    at: u64,
    due: Due,
}

/// What comes next.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
enum Due {
    Anything,
    /// The name of the exception, behind frames of Python.
    Name,
    /// What a panic of Rust says.
    Text,
}

impl Joined {
    /// The level of an entry whose text names none: none if it is a part of the event before.
    pub fn hint(&mut self, taken: &Taken, at: u64) -> Option<Level> {
        let line = first_line(&taken.message);
        let before = self.open.remove(&taken.writer);
        let before = before.filter(|open| at.abs_diff(open.at) <= MOMENT);
        let named = judge(&Forms::default(), line, None).level.is_some();
        let start = if named { None } else { start_of(line) };
        let failed = taken.hint.is_some_and(Level::is_error);
        let due = match (start, before.map(|open| open.due)) {
            // Until a stack follows, all that says that it is an error is its priority.
            (Some(Start::Named), None) if failed => return self.keep(taken, at, Due::Anything),
            (Some(Start::Error), _) => Due::Name,
            (Some(Start::Critical), _) if line.ends_with(b":") => Due::Text,
            (Some(_), _) | (None, Some(Due::Text)) => Due::Anything,
            (None, _) if named => Due::Anything,
            (None, Some(due)) if goes_on(line) => {
                let flush = line.first().is_some_and(|byte| !byte.is_ascii_whitespace());
                if flush { Due::Anything } else { due }
            }
            (None, Some(Due::Name)) if may_name(line) => Due::Anything,
            (None, _) => return taken.hint,
        };
        self.keep(taken, at, due);
        // A level in the line goes before the hint anyway.
        if named { taken.hint } else { None }
    }

    fn keep(&mut self, taken: &Taken, at: u64, due: Due) -> Option<Level> {
        if self.open.len() >= MAX_WRITERS {
            self.open.retain(|_, open| at.abs_diff(open.at) <= MOMENT);
        }
        if self.open.len() < MAX_WRITERS {
            self.open.insert(taken.writer.clone(), Open { at, due });
        }
        taken.hint
    }
}

fn first_line(message: &[u8]) -> &[u8] {
    let end = memchr::memchr(b'\n', message).unwrap_or(message.len());
    message.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Lines of processes with the priority of each, to the hints that they get.
    fn hints(priority: Level, lines: &[(&str, u64, &str)]) -> Vec<bool> {
        let mut joined = Joined::default();
        let hint = |(writer, at, line): &(&str, u64, &str)| {
            let (message, writer) = (line.as_bytes().to_vec(), (*writer).to_owned());
            let taken = Taken { message, writer, hint: Some(priority), ..Taken::default() };
            joined.hint(&taken, at * 1000).is_some()
        };
        lines.iter().map(hint).collect()
    }

    #[test]
    fn lines_of_a_traceback_have_no_level_of_their_own() {
        let lines = [
            ("bot[1]", 0, "Started"),
            ("bot[1]", 5, "Traceback (most recent call last):"),
            ("bot[2]", 6, "Serving"),
            ("bot[1]", 7, "  File \"/app/a.py\", line 3, in f"),
            ("bot[1]", 7, "    raise Oops(\"bad\")"),
            ("bot[1]", 8, "Oops: bad"),
            ("bot[1]", 9, "Stopped"),
        ];
        let wanted = [true, false, true, false, false, false, true];
        assert_eq!(hints(Level::Info, &lines), wanted);
        assert_eq!(hints(Level::Error, &lines), wanted);
    }

    #[test]
    fn a_head_takes_what_follows_within_a_moment() {
        let lines = [
            ("bot[1]", 0, "[ERROR] app: no answer"),
            ("bot[1]", 1900, "Traceback (most recent call last):"),
            ("bot[1]", 1901, "ValueError: bad"),
            ("bot[1]", 9000, "  indented and late"),
            ("bot[1]", 9001, "ValueError: bad"),
        ];
        assert_eq!(hints(Level::Info, &lines), [true, false, false, true, false]);
        assert_eq!(hints(Level::Error, &lines), [true, false, false, true, true]);
    }

    #[test]
    fn a_panic_of_rust_says_why_in_its_next_line() {
        let lines = [
            ("a[1]", 0, "thread 'main' panicked at src/main.rs:10:5:"),
            ("a[1]", 0, "no luck"),
            ("a[1]", 0, "note: run with `RUST_BACKTRACE=1` environment variable"),
            ("a[1]", 0, "Restarting"),
        ];
        assert_eq!(hints(Level::Info, &lines), [false, false, false, true]);
    }

    /// What follows the first line of each has no level of its own.
    #[test]
    fn stacks_of_other_programs() {
        for text in [
            "fail: App.Worker[0]\n      cannot send\n      System.Exception: no\n         at A.B()",
            "Unhandled exception. System.InvalidOperationException: boom\n   at App.Main()",
            "PHP Fatal error:  Uncaught Error: no in /a.php:3\nStack trace:\n#0 /b.php(12): f()\n#1 {main}\n  thrown in /a.php on line 3",
            "12:00:00.123 [error] GenServer x terminating\n** (RuntimeError) boom\n    (app 0.1.0) lib/app.ex:12: App.f/1",
            "TypeError: no\n    at f (/app/a.js:1:2) {\n  code: 'E1'\n}\n\nNode.js v20.1.0",
            "2024/12/01 09:40:00 http: panic serving 127.0.0.1:5: boom\ngoroutine 7 [running]:\nnet/http.(*conn).serve.func1()\n\t/go/src/net/http/server.go:1868 +0xb9\npanic({0x1, 0x2})",
            "E, [2024-12-01T09:40:00.123456 #12] ERROR -- : NoMethodError\napp/models/a.rb:3:in 'f'\napp/models/b.rb:9:in 'g'",
            "Exception in thread \"main\" java.lang.IllegalStateException: x\n\tat a.b.C.d(C.java:3)\nCaused by: java.io.IOException: y\n\t... 3 more",
            "E1201 09:40:00.123456       1 a.go:3] x\n\tmore of it",
            "[2024-12-01 09:40:00] local.ERROR: no {\"exception\":\"x\n[stacktrace]\n#0 /a.php(3): f()\n#1 {main}\n\"}",
        ] {
            let lines: Vec<_> = text.split('\n').map(|line| ("a[1]", 0, line)).collect();
            let hints = hints(Level::Info, &lines);
            assert!(hints.iter().skip(1).all(|hint| !hint), "{hints:?} of {text}");
        }
    }

    #[test]
    fn many_processes_take_bounded_room() {
        let mut joined = Joined::default();
        for number in 0..1000_u64 {
            let message = b"panic: x".to_vec();
            let taken = Taken { message, writer: format!("a[{number}]"), ..Taken::default() };
            joined.hint(&taken, 100 * number);
        }
        assert!(joined.open.len() <= MAX_WRITERS);
    }
}
