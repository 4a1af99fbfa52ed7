//! Stacks that follow the head of an error: which exception, and where in the program's own code.
//!
//! | stack | exception | frame |
//! |---|---|---|
//! | Python | of the last traceback of a chain; in an exception group the first leaf | last own frame of that traceback |
//! | Loguru | the same, between its drawings | the same |
//! | Java, JavaScript | of the last `Caused by:` | first own frame |
//! | Go | `panic` | first own frame |
//! | Ruby | of the first line | the same |
//!
//! Own is what no package folder and no runtime holds. If there is no own frame, any counts.

use serde::{Deserialize, Serialize};

use super::start::{Start, TRACEBACK, begins, ruby};
use super::text;

/// Longest class that is kept.
const MAX_CLASS: usize = 80;
/// Longest `file:function` that is kept.
const MAX_FRAME: usize = 120;
/// Bytes of a line of a stack that are looked at.
const MAX_LINE: usize = 1024;

/// What the lines of a stack have told so far.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Trace {
    pub class: String,
    pub frame: String,
    /// The frame is one of the program's own.
    own: bool,
    phase: Phase,
    /// What the class will be if a stack follows.
    candidate: String,
    /// A leaf of an exception group is what counts, and the first one is enough.
    leaf: Leaf,
    /// Its next traceback belongs to it: a sentence that joins them has come.
    joined: bool,
    /// A program has said that it dies. If one says so again, that is another event.
    begun: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Phase {
    /// No stack has begun.
    #[default]
    None,
    /// Frames of Python; the line that names the exception is to come.
    Frames,
    /// The exception has been named.
    Named,
    /// Frames after the exception: Java, JavaScript.
    Below,
    /// Go: a function has been named, its file is to come.
    Go,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
enum Leaf {
    #[default]
    None,
    Wanted,
    Found,
}

/// What a line is to the event.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Line {
    Part,
    /// It names the exception.
    Names,
    /// Another event begins with it.
    Begins,
}

impl Trace {
    /// Whether anything is to be forgotten.
    pub fn is_empty(&self) -> bool {
        self.phase == Phase::None && self.candidate.is_empty() && !self.begun
    }

    /// Whether frames of Java or JavaScript have come.
    pub fn is_below(&self) -> bool {
        self.phase == Phase::Below
    }

    /// Takes a line that has no head.
    pub fn line(&mut self, line: &[u8]) -> Line {
        let line = line.get(..MAX_LINE).unwrap_or(line);
        let uncoloured;
        let line = if memchr::memchr(0x1b, line).is_some() {
            uncoloured = text::plain(line);
            &uncoloured
        } else {
            line
        };
        let text = strip_drawing(line).trim_ascii();
        if text.ends_with(TRACEBACK) {
            return self.traceback(text, line);
        }
        if matches!(begins(line), Some(Start::Error | Start::Critical))
            && std::mem::replace(&mut self.begun, true)
        {
            return Line::Begins;
        }
        if self.phase == Phase::None
            && let Some((class, file, function)) = ruby(text)
        {
            self.class = text::bounded(class, MAX_CLASS).replace("::", ".");
            self.set_frame(file, function, true);
            self.phase = Phase::Below;
            return Line::Part;
        }
        match self.phase {
            Phase::Frames => self.frames(line, text),
            Phase::Go => self.go(text),
            _ => self.outside(line, text),
        }
    }

    /// The first line of a field that holds nothing but the exception: `ValueError: no`.
    pub fn alone(&mut self, line: &[u8]) {
        if self.phase == Phase::None
            && let Some(class) = class_of(line.trim_ascii())
        {
            self.class = text::bounded(class, MAX_CLASS);
            self.candidate.clone_from(&self.class);
        }
    }

    /// A traceback begins.
    fn traceback(&mut self, text: &[u8], line: &[u8]) -> Line {
        let nested = strip_drawing(line).len() != line.len();
        if self.phase == Phase::Named && !self.joined && !nested && text == TRACEBACK {
            return Line::Begins;
        }
        if text.starts_with(b"Exception Group") || text.starts_with(b"+ Exception Group") {
            self.leaf = Leaf::Wanted;
        } else if !nested {
            self.leaf = Leaf::None;
        }
        self.joined = false;
        self.phase = Phase::Frames;
        if self.leaf != Leaf::Found {
            self.frame.clear();
            self.own = false;
        }
        Line::Part
    }

    /// Between the start of a traceback and the name of its exception.
    fn frames(&mut self, line: &[u8], text: &[u8]) -> Line {
        let place = text.strip_prefix(b"> ").unwrap_or(text);
        if let Some(rest) = place.strip_prefix(b"File \"") {
            if self.leaf != Leaf::Found {
                self.python_frame(rest);
            }
            return Line::Part;
        }
        let flush = strip_drawing(line);
        if flush.first().is_none_or(u8::is_ascii_whitespace) {
            return Line::Part;
        }
        let Some(class) = class_of(flush.trim_ascii()) else { return Line::Part };
        self.phase = Phase::Named;
        match self.leaf {
            Leaf::Found => return Line::Part,
            // The group itself, or a group in it: its leaves say what happened.
            Leaf::Wanted if class.ends_with(b"ExceptionGroup") => {}
            Leaf::Wanted => self.leaf = Leaf::Found,
            Leaf::None => {}
        }
        self.class = text::bounded(class, MAX_CLASS);
        Line::Names
    }

    fn python_frame(&mut self, rest: &[u8]) {
        let Some(end) = memchr::memchr(b'"', rest) else { return };
        let (path, after) = rest.split_at(end);
        let foreign =
            [&b"site-packages"[..], b"dist-packages", b"/lib/python", b"\\lib\\", b"<frozen"];
        let own = !foreign.iter().any(|folder| memchr::memmem::find(path, folder).is_some());
        if !own && self.own {
            return;
        }
        let function = memchr::memmem::find(after, b", in ").and_then(|at| after.get(at + 5..));
        self.set_frame(path, function.unwrap_or(b"<module>").trim_ascii(), own);
    }

    fn set_frame(&mut self, path: &[u8], function: &[u8], own: bool) {
        let mut frame = file_name(path).to_vec();
        frame.push(b':');
        frame.extend_from_slice(function);
        self.frame = text::bounded(&frame, MAX_FRAME);
        self.own = own;
    }

    /// Before a stack, after its exception, or between the frames of Java and JavaScript.
    fn outside(&mut self, line: &[u8], text: &[u8]) -> Line {
        if let Some(rest) = text.strip_prefix(b"at ").filter(|_| line.len() > text.len()) {
            return self.frame_below(rest);
        }
        if text.starts_with(b"During handling of the above")
            || text.starts_with(b"The above exception")
        {
            self.joined = true;
        } else if text == b"\"\"\"" {
            // A traceback of another process, quoted.
            self.joined = true;
        } else if let Some(cause) = text.strip_prefix(b"Caused by: ") {
            if let Some(class) = class_of(cause) {
                self.class = text::bounded(class, MAX_CLASS);
                (self.frame, self.own, self.phase) = (String::new(), false, Phase::Below);
                return Line::Names;
            }
        } else if text.starts_with(b"goroutine ")
            && text.ends_with(b":")
            && self.phase == Phase::None
        {
            "panic".clone_into(&mut self.class);
            self.phase = Phase::Go;
        } else if self.phase == Phase::None
            && line.first().is_some_and(|byte| !byte.is_ascii_whitespace())
        {
            let thread = memchr::memmem::find(text, b"\" ").and_then(|at| text.get(at + 2..));
            let text = if text.starts_with(b"Exception in thread") { thread } else { Some(text) };
            if let Some(class) = text.and_then(class_of).filter(|class| is_exception(class)) {
                self.candidate = text::bounded(class, MAX_CLASS);
            }
        }
        Line::Part
    }

    /// `at com.x.Y.method(Y.java:12)`, `at run (/app/a.js:10:5)`, `at async /app/a.js:10:5`.
    fn frame_below(&mut self, rest: &[u8]) -> Line {
        let names = self.phase == Phase::None && !self.candidate.is_empty();
        if self.phase == Phase::None {
            self.class = std::mem::take(&mut self.candidate);
        }
        if self.phase != Phase::Below {
            (self.phase, self.own, self.frame) = (Phase::Below, false, String::new());
        }
        if self.own {
            return Line::Part;
        }
        let rest = rest.strip_prefix(b"async ").unwrap_or(rest);
        let (function, place) = match memchr::memchr(b'(', rest) {
            Some(at) => rest.split_at(at),
            None => (&b"<anonymous>"[..], rest),
        };
        let (function, place) = (function.trim_ascii(), place.trim_ascii());
        let place = place.strip_prefix(b"(").unwrap_or(place);
        let foreign = [&b"java."[..], b"javax.", b"jdk.", b"sun.", b"kotlin.", b"scala."];
        let own = !foreign.iter().any(|package| function.starts_with(package))
            && memchr::memmem::find(place, b"node_modules").is_none()
            && !place.starts_with(b"node:");
        if own || self.frame.is_empty() {
            // Logback writes behind it from which package that comes: `(Foo.java:10) ~[app.jar:1.0]`.
            let end =
                memchr::memmem::find(place, b") ").or(place.strip_suffix(b")").map(<[u8]>::len));
            let path = end.and_then(|end| place.get(..end)).unwrap_or(place);
            let method = function.rsplit(|byte| *byte == b'.').next().unwrap_or(function);
            self.set_frame(before_numbers(path), unnumbered(method), own);
        }
        if names { Line::Names } else { Line::Part }
    }

    /// `main.run(...)` and below it its file.
    fn go(&mut self, text: &[u8]) -> Line {
        if self.own {
            return Line::Part;
        }
        if let Some(end) = memchr::memmem::find(text, b".go:") {
            let path = text.get(..end + 3).unwrap_or_default();
            let own = !["runtime.", "panic"].iter().any(|name| self.candidate.starts_with(name))
                && memchr::memmem::find(path, b"/pkg/mod/").is_none();
            if own || self.frame.is_empty() {
                let function = std::mem::take(&mut self.candidate);
                self.set_frame(path, function.as_bytes(), own);
            }
        } else if let Some(end) = text.iter().rposition(|byte| *byte == b'(') {
            let function = text.get(..end).unwrap_or_default();
            self.candidate = text::bounded(function, MAX_FRAME);
        }
        Line::Part
    }
}

/// A line of an exception group without the tree that is drawn before it.
pub fn strip_drawing(line: &[u8]) -> &[u8] {
    let indent = line.iter().take_while(|byte| **byte == b' ').count();
    let rest = line.get(indent..).unwrap_or_default();
    match rest {
        [b'|', b' ', rest @ ..] => rest,
        [b'|' | b'+', ..] => rest.get(1..).unwrap_or_default(),
        _ => line,
    }
}

/// `aiogram.exceptions.TelegramBadRequest: chat not found`, or without the text.
pub fn class_of(text: &[u8]) -> Option<&[u8]> {
    let end =
        text.iter().position(|byte| !(byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.')));
    let (class, rest) = text.split_at(end.unwrap_or(text.len()));
    let begins = class.first().is_some_and(|byte| byte.is_ascii_alphabetic() || *byte == b'_');
    (begins && !class.ends_with(b".") && (rest.is_empty() || rest.starts_with(b":")))
        .then_some(class)
}

/// Whether a class looks like one without a traceback around it.
pub fn is_exception(class: &[u8]) -> bool {
    class.ends_with(b"Error") || class.ends_with(b"Exception") || class.contains(&b'.')
}

/// The name of a file without its folders; of a package, with the folder that names it.
fn file_name(path: &[u8]) -> &[u8] {
    let folder = |byte: &u8| matches!(byte, b'/' | b'\\');
    let start = path.iter().rposition(folder).map_or(0, |at| at + 1);
    let name = path.get(start..).unwrap_or_default();
    let of_folder = name.starts_with(b"__") || (name.starts_with(b"index.") && name != b"index.py");
    if !of_folder {
        return name;
    }
    let before = path.get(..start.saturating_sub(1)).unwrap_or_default();
    let start = before.iter().rposition(folder).map_or(0, |at| at + 1);
    path.get(start..).unwrap_or_default()
}

/// `lambda$run$0` without the number that the compiler gives it.
fn unnumbered(method: &[u8]) -> &[u8] {
    let Some(at) = method.iter().rposition(|byte| *byte == b'$') else { return method };
    let (name, number) = method.split_at(at);
    let is_number = number.len() > 1 && number.iter().skip(1).all(u8::is_ascii_digit);
    if is_number && !name.is_empty() { name } else { method }
}

/// `/app/a.js:10:5` without its numbers.
fn before_numbers(path: &[u8]) -> &[u8] {
    let mut path = path;
    while let Some(at) = path.iter().rposition(|byte| *byte == b':') {
        let number = path.get(at + 1..).unwrap_or_default();
        if number.is_empty() || !number.iter().all(u8::is_ascii_digit) {
            break;
        }
        path = path.get(..at).unwrap_or_default();
    }
    path
}
