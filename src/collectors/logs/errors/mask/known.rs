//! Messages like one before. A message that has the same text between parts of the same kind has the
//! same template, and that is seen faster than the template is made. [`super::mask`] alone gives the
//! same templates.

use super::words::{DELIMITER, DIGIT, HIGH, class, is_name, is_variable};
use super::{Quoted, mask, quoted, taken_apart};

/// Longer messages are not remembered.
const MAX_KNOWN: usize = 512;
/// Messages that are remembered, by their beginning.
const SLOTS: usize = 64;
/// Messages with one beginning.
const WAYS: usize = 4;
/// Bytes of a beginning.
const BEGINNING: usize = 32;
/// Of the messages that are like none before this many are remembered, and then one in
/// [`RARELY`].
const LEARNED: u32 = 512;
const RARELY: u32 = 16;

/// A part of a message that is replaced.
#[derive(Clone, Copy, Debug)]
pub struct Op {
    pub at: usize,
    pub end: usize,
    pub kind: Kind,
}

#[derive(Clone, Copy, Debug)]
pub enum Kind {
    /// A word: whether it is the name of a user, comes after `=`, has a digit.
    Word {
        named: bool,
        after: bool,
        digit: bool,
    },
    Quoted(u8),
}

/// The messages of a source, as they were masked of late. Nothing that is counted rests on it, so it
/// is neither saved nor copied.
#[derive(Debug, Default)]
pub struct Masks {
    slots: Vec<Vec<Known>>,
    missed: u32,
    parts: Vec<Op>,
}

impl Clone for Masks {
    fn clone(&self) -> Self {
        Self::default()
    }
}

/// A message that was masked.
#[derive(Debug)]
struct Known {
    /// Where each part stands: the length of the text before it, and what it is.
    parts: Vec<(usize, Kind)>,
    /// All text that stays, one piece after another.
    text: Vec<u8>,
    template: String,
}

/// Whether there may be half a token behind a colon, as in `/bot123:AAbc/getMe`: what that is depends
/// on both sides of it.
fn glued(message: &[u8]) -> bool {
    memchr::memchr_iter(b':', message).any(|colon| {
        let (before, after) = message.split_at(colon);
        let after = after.get(1..).unwrap_or_default();
        let end = memchr::memchr(b' ', after).unwrap_or(after.len());
        before.last().is_some_and(u8::is_ascii_alphanumeric)
            && after.first().is_some_and(u8::is_ascii_alphanumeric)
            && memchr::memchr(b'/', after.get(..end).unwrap_or_default()).is_some()
    })
}

impl Masks {
    /// As [`mask`] does.
    pub fn mask(&mut self, message: &[u8], template: &mut String) {
        // What is escaped ends words elsewhere.
        if message.len() > MAX_KNOWN || memchr::memchr(b'\\', message).is_some() || glued(message) {
            return mask(message, template);
        }
        let slot = slot(message);
        if let Some(known) = self.slots.get(slot)
            && let Some(known) = known.iter().find(|known| known.fits(message))
        {
            template.clear();
            template.push_str(&known.template);
            return;
        }
        self.missed = self.missed.wrapping_add(1);
        let told = taken_apart(message, template, &mut self.parts);
        if told && (self.missed <= LEARNED || self.missed.is_multiple_of(RARELY)) {
            self.learn(slot, Known::new(message, &self.parts, template));
        }
    }

    fn learn(&mut self, slot: usize, known: Known) {
        self.slots.resize_with(SLOTS, Vec::new);
        let Some(ways) = self.slots.get_mut(slot) else { return };
        if ways.len() == WAYS {
            ways.remove(0);
        }
        ways.push(known);
    }
}

impl Known {
    fn new(message: &[u8], parts: &[Op], template: &str) -> Self {
        let (mut text, mut kinds, mut from) = (Vec::new(), Vec::new(), 0);
        for part in parts {
            let before = message.get(from..part.at).unwrap_or_default();
            text.extend_from_slice(before);
            kinds.push((before.len(), part.kind));
            from = part.end;
        }
        text.extend_from_slice(message.get(from..).unwrap_or_default());
        Self { parts: kinds, text, template: template.to_owned() }
    }

    /// Whether a message has this template for sure.
    fn fits(&self, message: &[u8]) -> bool {
        self.rest(message).is_some()
    }

    fn rest(&self, message: &[u8]) -> Option<()> {
        let (mut rest, mut text) = (message, self.text.as_slice());
        for (length, kind) in &self.parts {
            let (before, after) = text.split_at_checked(*length)?;
            (rest, text) = (rest.strip_prefix(before)?, after);
            let length = match kind {
                Kind::Word { named, after, digit } => word(rest, *named, *after, *digit)?,
                Kind::Quoted(quote) => {
                    let at = message.len() - rest.len();
                    match quoted(message, at, at, *quote) {
                        Quoted::Text(length) if rest.first() == Some(quote) => length,
                        _ => return None,
                    }
                }
            };
            rest = rest.get(length..)?;
        }
        (rest == text).then_some(())
    }
}

/// The length of the word at the start, if it is data and of the same kind.
fn word(rest: &[u8], named: bool, after: bool, digit: bool) -> Option<usize> {
    let (mut seen, mut length) = (0, 0);
    for byte in rest {
        let class = class(*byte);
        if class & DELIMITER != 0 {
            break;
        }
        seen |= class;
        length += 1;
    }
    let word = rest.get(..length).filter(|word| !word.is_empty())?;
    let same = seen & HIGH == 0 && (seen & DIGIT != 0) == digit;
    let data = digit || named || (after && !is_name(word, seen)) || is_variable(word, seen);
    (same && data).then_some(length)
}

/// Where messages are that begin like this one: by its whole words before the first that is sure to
/// be data.
fn slot(message: &[u8]) -> usize {
    let start = message.get(..BEGINNING).unwrap_or(message);
    let data =
        |byte: &u8| matches!(byte, b'0'..=b'9' | b'"' | b'\'' | b'`' | b'/' | b'.' | b'@' | b'=');
    let end = start.iter().position(data).unwrap_or(start.len());
    let start = start.get(..end).unwrap_or_default();
    let start = start.get(..memchr::memrchr(b' ', start).unwrap_or(0)).unwrap_or_default();
    let mut hash = start.len() as u64;
    let (words, rest) = start.as_chunks::<8>();
    for word in words {
        hash = stir(hash ^ u64::from_le_bytes(*word));
    }
    for byte in rest {
        hash = hash.rotate_left(8) ^ u64::from(*byte);
    }
    usize::try_from(stir(hash) >> 58).unwrap_or(0)
}

fn stir(hash: u64) -> u64 {
    (hash ^ (hash >> 32)).wrapping_mul(0x9e37_79b9_7f4a_7c15)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What may change what comes after it, and what may be changed by what comes before.
    const PIECES: [&str; 66] = [
        "password",
        "password=",
        "token:",
        "secret",
        "Authorization:",
        "Bearer",
        "Basic",
        "/bot1:AAbc/getMe",
        "Task",
        "failed",
        "user",
        "User",
        "for",
        "xfor",
        "5for",
        "by",
        "invalid",
        "5",
        "17",
        "a1",
        "1.2.3.4",
        "api.example.org",
        "/srv/x",
        "and/or",
        "ValueError",
        "ECONNREFUSED",
        "Jul",
        "Sat",
        "May",
        "2005",
        "x@y",
        "@bob",
        "ошибка",
        "5мин",
        "用户1",
        "«",
        "»",
        "“",
        "”",
        "«a»",
        "—",
        "x",
        "it's",
        "\"",
        "\"a\"",
        "'b 1'",
        "`",
        "\"k\":",
        "{\"k\": ",
        "{",
        "}",
        "(",
        ")",
        "[",
        "]",
        "=",
        "a=",
        "= ",
        ",",
        ", ",
        ":",
        ".",
        "!",
        "\t",
        "\u{200e}",
        "-",
    ];

    struct Random(u64);

    impl Random {
        fn below(&mut self, end: usize) -> usize {
            self.0 = self.0.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
            (self.0 >> 33) as usize % end
        }

        fn message(&mut self) -> Vec<u8> {
            let mut message = Vec::new();
            for _ in 0..=self.below(7) {
                message.extend(PIECES[self.below(PIECES.len())].bytes());
                message.extend([" ", " ", "", "  "][self.below(4)].bytes());
            }
            message
        }

        fn change(&mut self, message: &mut Vec<u8>) {
            let at = self.below(message.len().max(1));
            let byte = b"0159az=:.!?/@'\"({[]}) \t\x1b\\\xc2\xe2\xd0\xff"[self.below(28)];
            match self.below(4) {
                0 => message.insert(at, byte),
                1 if at < message.len() => drop(message.remove(at)),
                2 => {
                    let piece = PIECES[self.below(PIECES.len())];
                    message.splice(at..at, piece.bytes());
                }
                _ => message.iter_mut().skip(at).take(1).for_each(|old| *old = byte),
            }
        }
    }

    #[test]
    fn what_is_known_is_what_is_true() {
        let (mut random, mut found, mut wanted) = (Random(7), String::new(), String::new());
        let mut known = 0;
        for _ in 0..3_000 {
            let message = random.message();
            let mut masks = Masks::default();
            masks.mask(&message, &mut found);
            for _ in 0..20 {
                let mut other = message.clone();
                (0..=random.below(3)).for_each(|_| random.change(&mut other));
                known += u32::from(masks.slots.iter().flatten().any(|known| known.fits(&other)));
                masks.mask(&other, &mut found);
                mask(&other, &mut wanted);
                let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
                assert_eq!(found, wanted, "{:?} after {:?}", text(&other), text(&message));
            }
        }
        assert!(known > 1_500, "{known}");
    }

    #[test]
    fn messages_that_differ_in_their_data_are_known() {
        let mut masks = Masks::default();
        let mut template = String::new();
        for number in 0..1000 {
            for (message, wanted) in [
                (format!("Task {number} of {} failed", number * 7), "Task * of * failed"),
                (format!("no 'x {number}' for user bob{number}"), "no '*' for user *"),
                (format!("{{\"code\": {number}}}"), "{\"code\": *}"),
            ] {
                masks.mask(message.as_bytes(), &mut template);
                assert_eq!(template, wanted);
            }
        }
        assert_eq!(masks.missed, 3);
    }

    #[test]
    fn a_storm_of_what_was_never_seen_stays_bounded() {
        let mut masks = Masks::default();
        let letter = |number: usize| char::from(b"abcdefghijklmnopqrstuvwxyz"[number % 26]);
        for number in 0..30_000 {
            let word: String = [number, number / 26, number / 676].map(letter).iter().collect();
            masks.mask(format!("{word} {word} 5").as_bytes(), &mut String::new());
        }
        assert_eq!(masks.slots.len(), SLOTS);
        assert!(masks.slots.iter().all(|ways| ways.len() <= WAYS));
    }
}
