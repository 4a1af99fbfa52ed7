//! An answer of `GET /containers/<id>/logs?timestamps=1` into messages, as it comes.

use memchr::{memchr, memmem};

use super::partial::ENGINE_PIECE;
use super::record::Origin;
use crate::clients::engine::time;

/// A text of the Engine: a line or a piece of one.
#[derive(Debug, PartialEq, Eq)]
pub struct Message<'a> {
    pub origin: Origin,
    /// Nanoseconds since 1970: pieces of one line have the very same, lines of one stream never.
    pub at: i64,
    /// With its newline, if it has one.
    pub text: &'a [u8],
}

/// How an answer is built.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Form {
    /// Frames with the number of their stream and their length.
    Multiplexed,
    /// Of a container with a terminal: texts one behind the other. `local`, the driver, ends a line
    /// of several pieces without a newline.
    Raw { local: bool },
}

/// What cannot be understood: the rest of the answer has no meaning then.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Broken {
    /// No such frame, or one of over 1 MiB.
    Frame,
    /// A text without its time.
    Time,
    /// The Engine tells of its own trouble.
    Engine,
}

const HEADER: usize = 8;
const MAX_FRAME: usize = 1 << 20;
/// The longest time that the Engine writes, with the blank behind it.
const MAX_TIME: usize = 36;
/// What a text of a terminal may take: invalid bytes grow to three.
const MAX_RAW: usize = 3 * ENGINE_PIECE;

pub struct Frames {
    form: Form,
    /// What came of the next message.
    held: Vec<u8>,
    /// The time of the last piece that its line went on after.
    open: Option<i64>,
}

impl Frames {
    pub fn new(form: Form) -> Self {
        Self { form, held: Vec::new(), open: None }
    }

    /// Takes the next bytes. `give` says whether it wants more.
    pub fn feed(
        &mut self,
        bytes: &[u8],
        mut give: impl FnMut(Message) -> bool,
    ) -> Result<bool, Broken> {
        self.held.extend_from_slice(bytes);
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        while let Some(length) = self.next(rest, false)? {
            let (message, after) = rest.split_at(length);
            rest = after;
            if !give(self.message(message)?) {
                return Ok(false);
            }
        }
        self.held = rest.to_vec();
        Ok(true)
    }

    /// The answer has ended: what is left is the last text of a terminal.
    pub fn end(&mut self, mut give: impl FnMut(Message) -> bool) -> Result<(), Broken> {
        let held = std::mem::take(&mut self.held);
        let mut rest = held.as_slice();
        while let Some(length) = self.next(rest, true)? {
            let (message, after) = rest.split_at(length);
            rest = after;
            if !give(self.message(message)?) {
                break;
            }
        }
        Ok(())
    }

    /// The length of the first whole message.
    fn next(&self, held: &[u8], ended: bool) -> Result<Option<usize>, Broken> {
        if matches!(self.form, Form::Multiplexed) {
            let Some([stream, _, _, _, length @ ..]) = held.first_chunk::<HEADER>() else {
                return Ok(None);
            };
            let length = u32::from_be_bytes(*length) as usize;
            return match stream {
                3 => Err(Broken::Engine),
                0..=2 if length <= MAX_FRAME => {
                    Ok((held.len() >= HEADER + length).then_some(HEADER + length))
                }
                _ => Err(Broken::Frame),
            };
        }
        if held.is_empty() || (held.len() < MAX_TIME && !ended) {
            return Ok(None);
        }
        let (at, text) = timed(held)?;
        let (stamp, _) = held.split_at(held.len() - text.len());
        Ok(self.raw(at, stamp, text, ended).map(|length| stamp.len() + length))
    }

    /// The length of the first text of a terminal.
    fn raw(&self, at: i64, stamp: &[u8], text: &[u8], ended: bool) -> Option<usize> {
        let first = text.get(..ENGINE_PIECE).unwrap_or(text);
        if self.form == (Form::Raw { local: true }) && self.open == Some(at) {
            let glued = a_later_time(text.get(..ENGINE_PIECE + MAX_TIME).unwrap_or(text), at);
            if glued.is_some() {
                return glued;
            }
        }
        if let Some(newline) = memchr(b'\n', first) {
            return Some(newline + 1);
        }
        // A whole piece: its line goes on behind the same time again.
        let more = text.get(ENGINE_PIECE..).unwrap_or_default();
        let ends = [memmem::find(more, stamp), memchr(b'\n', more).map(|at| at + 1)];
        match ends.into_iter().flatten().min() {
            Some(end) => Some(ENGINE_PIECE + end),
            None => (ended || text.len() > MAX_RAW).then_some(text.len()),
        }
    }

    fn message<'a>(&mut self, whole: &'a [u8]) -> Result<Message<'a>, Broken> {
        let (origin, body) = match (self.form, whole.first()) {
            (Form::Raw { .. }, _) => (Origin::Stdout, whole),
            (_, Some(2)) => (Origin::Stderr, whole.get(HEADER..).unwrap_or_default()),
            _ => (Origin::Stdout, whole.get(HEADER..).unwrap_or_default()),
        };
        let (at, text) = timed(body)?;
        self.open = (text.len() >= ENGINE_PIECE && !text.ends_with(b"\n")).then_some(at);
        Ok(Message { origin, at, text })
    }
}

/// The time before a text, and the text.
fn timed(body: &[u8]) -> Result<(i64, &[u8]), Broken> {
    let head = body.get(..MAX_TIME).unwrap_or(body);
    let blank = memchr(b' ', head).ok_or(Broken::Time)?;
    let stamp = body.get(..blank).and_then(|stamp| std::str::from_utf8(stamp).ok());
    let at = stamp.and_then(time::nanos).ok_or(Broken::Time)?;
    Ok((at, body.get(blank + 1..).unwrap_or_default()))
}

/// Where the time of a later text stands within this one.
fn a_later_time(text: &[u8], at: i64) -> Option<usize> {
    const LENGTH: usize = "2026-01-01T00:00:00.000000000Z ".len();
    memmem::find_iter(text, b"Z ").find_map(|zone| {
        let start = (zone + 2).checked_sub(LENGTH)?;
        // A terminal ends its lines so.
        text.get(..start)?.strip_suffix(b"\r")?;
        let later = timed(text.get(start..)?).is_ok_and(|(other, _)| other > at);
        later.then_some(start)
    })
}

#[cfg(test)]
pub(super) mod tests;
