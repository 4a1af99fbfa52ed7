//! Access logs of text: a request in quotes with its status behind it, and who asked before it.

use std::net::{IpAddr, SocketAddr};
use std::sync::LazyLock;

use memchr::memmem::Finder;
use memchr::{memchr, memrchr};

use super::request::{Access, Method};

/// An address and its port are not longer.
const MAX_CLIENT: usize = 64;
/// A user's name is not longer.
const MAX_USER: usize = 256;
/// `[01/Jan/2024:12:00:00 +0000`
const TIME: usize = 27;
/// What a line with a request has nearly always, and what is looked for first.
pub static HTTP: LazyLock<Finder<'static>> = LazyLock::new(|| Finder::new(" HTTP/"));
/// Quotes that a line is searched for the end of its request.
const MAX_QUOTES: usize = 16;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Request<'a> {
    pub client: &'a [u8],
    pub method: Method,
    pub status: u16,
    pub bytes: u64,
    pub micros: Option<u64>,
}

/// A line of nginx's `combined` (or the older `common`), with or without a time behind it.
#[inline]
pub fn nginx(line: &[u8]) -> Option<Request<'_>> {
    // An address, or `unix:`.
    if !matches!(line.first()?, b'0'..=b'9' | b'a'..=b'f' | b'A'..=b'F' | b':' | b'u') {
        return None;
    }
    let (client, rest) = word(line)?;
    let rest = rest.strip_prefix(b"- ")?;
    let rest = match rest {
        [b'-', b' ', b'[', ..] => rest.get(2..)?,
        _ => rest.get(memchr(b'[', rest.get(..MAX_USER).unwrap_or(rest))?..)?,
    };
    let rest = rest.get(TIME..)?.strip_prefix(b"] \"")?;
    let (request, status, after) = answer(rest)?;
    let early = || rest.get(request.len()..).and_then(early);
    let rest = after.strip_prefix(b" ")?;
    let (bytes, rest) = match rest {
        [b'-', rest @ ..] => (0, rest),
        _ => number(rest)?,
    };
    if !matches!(rest.first(), None | Some(b' ')) {
        return None;
    }
    let micros = time(rest).or_else(early);
    Some(Request { client, method: Method::of(request), status, bytes, micros })
}

/// What uvicorn writes behind the level: `127.0.0.1:5000 - "GET / HTTP/1.1" 200 OK`.
#[inline]
pub fn uvicorn(text: &[u8]) -> Option<Request<'_>> {
    let (client, rest) = word(text)?;
    let (request, status, _) = answer(rest.strip_prefix(b"- \"")?)?;
    let client = memrchr(b':', client).and_then(|at| client.get(..at)).unwrap_or(client);
    Some(Request { client, method: Method::of(request), status, bytes: 0, micros: None })
}

/// Any line with a request in quotes, whatever stands before and behind it: who asks is the first address before
/// it, or the first word where a time in brackets stands before it.
pub fn quoted(text: &[u8]) -> Option<Request<'_>> {
    HTTP.find(text)?;
    let quote = memchr(b'"', text)?;
    let (before, rest) = (text.get(..quote)?, text.get(quote + 1..)?);
    let client = asker(before)?;
    let (request, status, rest) = answer(rest)?;
    if !is_line(request) {
        return None;
    }
    let early = text.get(quote + 1 + request.len()..).and_then(early);
    // Where no size stands, Granian writes milliseconds and nginx what it is told to.
    let (bytes, rest) = match rest.strip_prefix(b" -") {
        Some(rest) => (0, rest),
        None => rest
            .strip_prefix(b" ")
            .and_then(number)
            .filter(|(_, rest)| ends(rest))
            .unwrap_or_default(),
    };
    let micros = early.or_else(|| time(rest));
    Some(Request { client, method: Method::of(request), status, bytes, micros })
}

/// The same in a text of JSON, where quotes are escaped.
pub fn escaped(text: &[u8]) -> Option<Request<'_>> {
    HTTP.find(text)?;
    let quote = memchr(b'\\', text)?;
    let rest = text.get(quote..)?.strip_prefix(b"\\\"")?;
    let request = rest.get(..memchr(b'\\', rest)?)?;
    let (status, after) = status(rest.get(request.len() + 1..)?)?;
    if !is_line(request) {
        return None;
    }
    let client = asker(text.get(..quote)?)?;
    let bytes = after.strip_prefix(b" ").and_then(number).map_or(0, |(bytes, _)| bytes);
    Some(Request { client, method: Method::of(request), status, bytes, micros: None })
}

/// `GET / HTTP/1.1`
pub fn is_line(request: &[u8]) -> bool {
    let length = request.iter().take_while(|byte| byte.is_ascii_uppercase()).count();
    (2..=16).contains(&length) && request.get(length) == Some(&b' ')
}

/// An address without its port.
pub fn host(text: &[u8]) -> &[u8] {
    address(text).unwrap_or(text)
}

fn address(word: &[u8]) -> Option<&[u8]> {
    let text = std::str::from_utf8(word).ok()?;
    if text.parse::<IpAddr>().is_ok() {
        return Some(word);
    }
    text.parse::<SocketAddr>().ok()?;
    let host = word.get(..memrchr(b':', word)?)?;
    Some(host.strip_prefix(b"[").and_then(|host| host.strip_suffix(b"]")).unwrap_or(host))
}

fn asker(before: &[u8]) -> Option<&[u8]> {
    if before.is_empty() {
        return Some(before);
    }
    let before = before.strip_suffix(b" ")?;
    // `::1:5000 -` is an address and a port.
    if let Some(word) =
        before.strip_suffix(b" -").and_then(|head| head.rsplit(|byte| *byte == b' ').next())
        && let Some(at) = memrchr(b':', word)
        && let Some(host) = word.get(..at)
        && address(host).is_some()
    {
        return Some(host);
    }
    let words = before.split(|byte| b" ,()".contains(byte)).filter(|word| word.len() > 1);
    let found = words.clone().find_map(address);
    let first =
        || words.clone().next().filter(|word| word.first() != Some(&b'[')).unwrap_or_default();
    // Django's own server names itself and nobody who asks.
    let django = words.clone().any(|word| word == b"basehttp").then_some(&b""[..]);
    found.or_else(|| before.ends_with(b"]").then(first)).or(django)
}

/// The seconds that stand between a request and its status.
fn early(behind: &[u8]) -> Option<u64> {
    let rest = behind.strip_prefix(b"\" ")?;
    let rest = rest.strip_prefix(b"\"").unwrap_or(rest);
    let (micros, end) = seconds(rest)?;
    let ends = matches!(rest.get(end), Some(b' ' | b'"'));
    (ends && rest.get(..end)?.contains(&b'.')).then_some(micros)
}

fn word(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let end = memchr(b' ', text.get(..MAX_CLIENT).unwrap_or(text))?;
    Some((text.get(..end)?, text.get(end + 1..)?))
}

/// The request, its status and what follows: behind the quote that ends the request. nginx escapes
/// quotes inside it, others do not, so the one behind `HTTP/1.1` is better than one before.
#[inline]
fn answer(text: &[u8]) -> Option<(&[u8], u16, &[u8])> {
    let (mut at, mut second) = (0, None);
    for _ in 0..MAX_QUOTES {
        let Some(found) = text.get(at..).and_then(|rest| memchr(b'"', rest)) else { break };
        let (request, rest) = text.split_at(at + found);
        at += found + 1;
        let Some((status, rest)) = status(rest) else { continue };
        let found = Some((request, status, rest));
        if matches!(
            request,
            [.., b'H', b'T', b'T', b'P', b'/', _, b'.', _] | [.., b'H', b'T', b'T', b'P', b'/', _]
        ) {
            return found;
        }
        second = second.or(found);
    }
    second
}

/// `" 200` with an end behind it, or with a time in between: `" 0.250 200`.
#[inline]
fn status(text: &[u8]) -> Option<(u16, &[u8])> {
    let text = text.strip_prefix(b"\" ")?;
    code(text).or_else(|| {
        let rest = text.strip_prefix(b"\"").unwrap_or(text);
        let (_, end) = seconds(rest)
            .filter(|(_, end)| rest.get(..*end).is_some_and(|text| text.contains(&b'.')))?;
        let rest = rest.get(end..)?;
        code(rest.strip_prefix(b"\"").unwrap_or(rest).strip_prefix(b" ")?)
    })
}

#[inline]
fn code(text: &[u8]) -> Option<(u16, &[u8])> {
    let [a @ b'0'..=b'9', b @ b'0'..=b'9', c @ b'0'..=b'9', rest @ ..] = text else {
        return None;
    };
    let digit = |byte: &u8| u16::from(byte - b'0');
    let ends = matches!(rest, [] | [b' '] | [b' ', b'0'..=b'9' | b'-' | b'A'..=b'Z', ..]);
    ends.then(|| (digit(a) * 100 + digit(b) * 10 + digit(c), rest))
}

fn number(text: &[u8]) -> Option<(u64, &[u8])> {
    let (mut sum, mut length) = (0_u64, 0);
    for byte in text.iter().take_while(|byte| byte.is_ascii_digit()) {
        sum = sum.saturating_mul(10).saturating_add(u64::from(byte - b'0'));
        length += 1;
    }
    (length > 0).then(|| Some((sum, text.get(length..)?))).flatten()
}

/// The seconds behind the last quote: `0.123`, also with a name (`rt=0.123`), or in quotes themselves. Of several
/// the first is the request's, the others are those of upstreams.
#[inline]
fn time(rest: &[u8]) -> Option<u64> {
    let text = match memrchr(b'"', rest) {
        Some(quote) if quote + 1 == rest.len() => {
            let text = rest.get(..quote)?;
            let (before, text) = text.split_at(memrchr(b'"', text)? + 1);
            if before.ends_with(b"=\"") {
                // `rt=0.123 urt="0.120"`
                let own = |word: &[u8]| named(word).and_then(seconds);
                return rest.split(|byte| *byte == b' ').find_map(own).map(|(micros, _)| micros);
            }
            return seconds(text)
                .filter(|(_, end)| *end == text.len() && text.contains(&b'.'))
                .map(|(micros, _)| micros);
        }
        Some(quote) => rest.get(quote + 1..)?,
        None => rest,
    };
    let quoted = text.len() < rest.len();
    let text = text.strip_prefix(b" ")?;
    let (name, text) =
        if text.first()?.is_ascii_digit() { (false, text) } else { (true, named(text)?) };
    let (micros, end) = seconds(text)?;
    match text.get(end..)? {
        [b'm', b's', rest @ ..] if ends(rest) => Some(micros / 1000),
        rest if ends(rest) && (name || text.get(..end)?.contains(&b'.')) => Some(micros),
        // No time of nginx: the length of the request, behind which that may stand, or Apache's microseconds or seconds.
        [b' ', rest @ ..] if quoted => {
            let (micros, end) = seconds(rest)?;
            (ends(rest.get(end..)?) && rest.get(..end)?.contains(&b'.')).then_some(micros)
        }
        _ => None,
    }
}

fn ends(rest: &[u8]) -> bool {
    matches!(rest.first(), None | Some(b' ' | b'\t'))
}

/// `0.123` in microseconds, and where it ends.
#[inline]
fn seconds(text: &[u8]) -> Option<(u64, usize)> {
    let (seconds, rest) = number(text)?;
    let mut micros = seconds.saturating_mul(1_000_000);
    let mut unit = 1_000_000;
    let mut rest = rest;
    if let Some(fraction) = rest.strip_prefix(b".") {
        rest = fraction;
        while let Some((digit @ b'0'..=b'9', after)) = rest.split_first() {
            unit /= 10;
            micros = micros.saturating_add(u64::from(digit - b'0') * unit);
            rest = after;
        }
    }
    Some((micros, text.len() - rest.len()))
}

/// What follows the name of a request's time.
fn named(text: &[u8]) -> Option<&[u8]> {
    let end = memchr(b'=', text.get(..24).unwrap_or(text))?;
    let names = [&b"rt"[..], b"request_time", b"response_time", b"time", b"duration"];
    names.contains(&text.get(..end)?).then(|| text.get(end + 1..)).flatten()
}

impl Access {
    /// Counts a request. `minute` is our time.
    #[inline]
    pub fn count(&mut self, request: &Request, minute: u64) {
        self.add(request.method, request.status, request.bytes, request.micros);
        self.clients.count(request.client, minute);
    }
}

#[cfg(test)]
mod tests;
