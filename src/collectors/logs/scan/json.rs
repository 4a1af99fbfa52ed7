//! Lines of JSON without building them: strings are skipped as a whole, so that a level inside a
//! message is never seen. Unknown and unfinished text yields what stood before it.

use std::sync::LazyLock;

use memchr::memchr2;
use memchr::memmem::Finder;

use super::access::{self, Request};
use super::forms::{Field, Forms, Object, TABLE, Table, Unit};
use super::level::{Level, Spot};
use super::request::Method;

/// Objects inside of a line's own, whose fields are as good as its own.
const OPEN: [&[u8]; 5] = [b"record", b"log", b"body", b"fields", b"jsonPayload"];
/// Objects in which a level is that of the line.
const SAYS: [&[u8]; 4] = [b"", b"record", b"log", b"body"];
/// Objects in which fields are those of a request.
#[rustfmt::skip]
const ASKS: [&[u8]; 10] = [
    b"", b"request", b"req", b"response", b"res", b"http", b"httpRequest", b"record", b"fields", b"latencies",
];
/// Objects inside of each other that are looked into.
const DEEP: usize = 4;

static STATUS: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("tatus"));
static CODE: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new("response_code"));

/// What is of use in a line, as it stands there: without its quotes, still escaped.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fields<'a> {
    pub message: &'a [u8],
    pub logger: &'a [u8],
    pub exception: Option<&'a [u8]>,
}

/// A field: in which object it stands, its name, and the line from its value on.
struct Seen<'a> {
    inside: &'a [u8],
    key: &'a [u8],
    value: &'a [u8],
}

/// Where the level's value stands.
pub fn level(line: &[u8], forms: &Forms) -> Option<Spot> {
    if let Some(spot) = first(line, forms) {
        return Some(spot);
    }
    let usual = found(line, &TABLE.keys, Level::named);
    // What a number means may be a matter of the form.
    let number = usual.filter(|spot| line.get(spot.at).is_some_and(u8::is_ascii_digit));
    let own = |spot: &Spot| number.is_none_or(|number| number.at == spot.at);
    match usual {
        Some(_) if number.is_none() => usual,
        _ => other(line, forms).filter(own).or(usual).or_else(|| otherwise(line, forms)),
    }
}

/// The level of objects that leave the usual one out.
fn otherwise(line: &[u8], forms: &Forms) -> Option<Spot> {
    let mut objects = forms.objects().filter(|object| object.otherwise.is_some());
    let level = objects.find(|object| object.fits(line))?.otherwise?;
    Some(Spot { level, at: 0, end: 0, firm: false })
}

/// The level of a form that outranks all others.
fn first(line: &[u8], forms: &Forms) -> Option<Spot> {
    let mut objects = forms.objects().filter(|object| object.first && object.fits(line));
    objects.find_map(|object| object.find(line))
}

fn other(line: &[u8], forms: &Forms) -> Option<Spot> {
    let mut objects = forms.objects().filter(|object| !object.first && object.fits(line));
    objects.find_map(|object| object.find(line))
}

/// Whether another field than that which says it usually says the level.
pub fn is_outranked(line: &[u8]) -> bool {
    TABLE.rows.objects.iter().any(|object| object.first && object.fits(line))
}

impl Object {
    fn find(&self, line: &[u8]) -> Option<Spot> {
        found(line, &self.keys, |word| self.level(word))
    }
}

fn found(line: &[u8], keys: &Table, level: impl Fn(&[u8]) -> Option<Level>) -> Option<Spot> {
    let mut spot = None;
    walk(line, |seen| {
        let inner = seen.key == b"name" && keys.get(seen.inside) == Some(Field::Level);
        let own = || SAYS.contains(&seen.inside) && keys.get(seen.key) == Some(Field::Level);
        if !(inner || own()) {
            return true;
        }
        let Some((word, length)) = scalar(seen.value) else { return true };
        let at = line.len() - seen.value.len();
        spot = level(word).map(|level| Spot { level, at, end: at + length, firm: true });
        spot.is_none()
    });
    spot
}

/// Logger, message and exception.
pub fn fields(line: &[u8]) -> Fields<'_> {
    let (mut found, mut kind) = (Fields::default(), None);
    let (mut message, mut logger) = (u8::MAX, u8::MAX);
    walk(line, |Seen { inside, key, value }| {
        let Some(text) = value.strip_prefix(b"\"").and_then(string) else { return true };
        if is_exception_key(inside) {
            match key {
                b"stack" | b"traceback" | b"stacktrace" => found.exception = Some(text),
                b"type" | b"kind" => kind = Some(text),
                _ => {}
            }
            return true;
        }
        if !inside.is_empty() && !OPEN.contains(&inside) {
            return true;
        }
        match TABLE.keys.get(key) {
            Some(Field::Message(rank)) if rank < message => (message, found.message) = (rank, text),
            Some(Field::Logger(rank)) if rank < logger => (logger, found.logger) = (rank, text),
            // As a text these are the message of an error, not its stack.
            None if matches!(key, b"err" | b"error") || text.is_empty() => {}
            None if is_exception_key(key) => found.exception = Some(text),
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

/// The request that the fields of a line tell of: its status, and a method or a request line, or how long the
/// answer took.
pub fn request<'a>(line: &'a [u8], forms: &Forms) -> Option<Request<'a>> {
    if STATUS.find(line).is_none() && CODE.find(line).is_none() {
        return in_message(line);
    }
    let mut asked = Asked::default();
    walk(line, |Seen { inside, key, value }| {
        if ASKS.contains(&inside)
            && let Some(field) = forms.unit(key, line).or_else(|| TABLE.keys.get(key))
            && let Some((text, _)) = scalar(value)
        {
            asked.take(field, text, inside);
        }
        true
    });
    asked.end().or_else(|| in_message(line))
}

/// The line of an access log that an object has as its message.
fn in_message(line: &[u8]) -> Option<Request<'_>> {
    access::HTTP.find(line).and_then(|_| access::escaped(fields(line).message))
}

/// What is known of a request so far.
#[derive(Default)]
pub struct Asked<'a> {
    status: Option<u16>,
    method: Option<Method>,
    /// The status stands among fields of an answer.
    answer: bool,
    client: &'a [u8],
    bytes: u64,
    micros: Option<u64>,
}

impl<'a> Asked<'a> {
    pub fn take(&mut self, field: Field, text: &'a [u8], inside: &[u8]) {
        let as_text = || std::str::from_utf8(text).ok();
        match field {
            Field::Status => {
                let status = as_text().and_then(|text| text.parse().ok());
                if let Some(status) = status.filter(|status| (100..600).contains(status)) {
                    self.status = Some(status);
                    self.answer = matches!(inside, b"res" | b"response");
                }
            }
            Field::Method if text.iter().all(u8::is_ascii_uppercase) && !text.is_empty() => {
                self.method = Some(Method::named(text));
            }
            Field::Request if access::is_line(text) => self.method = Some(Method::of(text)),
            Field::Client if self.client.is_empty() => self.client = access::host(text),
            Field::Bytes => {
                self.bytes = as_text().and_then(|text| text.parse().ok()).unwrap_or(self.bytes);
            }
            Field::Time(unit) => {
                self.micros = as_text().and_then(|text| time(text, unit)).or(self.micros);
            }
            _ => {}
        }
    }

    pub fn end(self) -> Option<Request<'a>> {
        let Self { status, method, answer, client, bytes, micros } = self;
        let asked = method.is_some() || (answer && micros.is_some());
        let status = status.filter(|_| asked)?;
        Some(Request { client, method: method.unwrap_or(Method::Other), status, bytes, micros })
    }
}

/// A number of a unit, or with a unit of its own: `3.2ms`.
fn time(text: &str, unit: Unit) -> Option<u64> {
    let units = [
        ("ns", Unit::Nanoseconds),
        ("µs", Unit::Microseconds),
        ("us", Unit::Microseconds),
        ("ms", Unit::Milliseconds),
        ("s", Unit::Seconds),
    ];
    let named = units.into_iter().find_map(|(end, unit)| Some((text.strip_suffix(end)?, unit)));
    let (number, unit) = named.unwrap_or((text, unit));
    if unit == Unit::Beside {
        return None;
    }
    let number: f64 = number.trim().parse().ok()?;
    (number >= 0.0).then(|| unit.micros(number))
}

/// Calls `see` with each field of the objects that matter, as long as it wants more.
fn walk<'a>(line: &'a [u8], mut see: impl FnMut(Seen<'a>) -> bool) {
    let (mut at, mut depth) = (0_usize, 0_usize);
    // The objects that we are in, by their depth and name.
    let mut inside: [(usize, &[u8]); DEEP] = [(1, b""); DEEP];
    let mut top = 0;
    while let Some(byte) = line.get(at) {
        at += 1;
        match byte {
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                let Some(less) = depth.checked_sub(1) else { return };
                depth = less;
                while top > 0 && inside.get(top).is_some_and(|(of, _)| depth < *of) {
                    top -= 1;
                }
            }
            b'"' => {
                let Some(key) = line.get(at..).and_then(string) else { return };
                at += key.len() + 1;
                let Some(value) = value_at(line, at) else { continue };
                at = value;
                let Some((_, name)) = inside.get(top).filter(|(of, _)| *of == depth) else {
                    continue;
                };
                let value = line.get(at..).unwrap_or_default();
                if !see(Seen { inside: name, key, value }) {
                    return;
                }
                let opens = top == 0 || OPEN.contains(name);
                if opens
                    && value.first() == Some(&b'{')
                    && let Some(next) = inside.get_mut(top + 1)
                {
                    *next = (depth + 1, key);
                    top += 1;
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

/// A text or a number, and what it takes in the line.
fn scalar(value: &[u8]) -> Option<(&[u8], usize)> {
    if let Some(text) = value.strip_prefix(b"\"") {
        let text = string(text)?;
        return Some((text, text.len() + 2));
    }
    let number = |byte: &u8| byte.is_ascii_digit() || b".eE+-".contains(byte);
    let length = value.iter().position(|byte| !number(byte)).unwrap_or(value.len());
    value.get(..length).filter(|number| !number.is_empty()).map(|number| (number, length))
}

#[cfg(test)]
mod tests;
