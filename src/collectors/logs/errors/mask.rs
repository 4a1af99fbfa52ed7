//! The template of a message: what stays of it when numbers, names, paths and times are taken out.
//!
//! A pure function of the bytes, so that the same message has the same template on every host, in
//! any order and after every restart. What it does is part of the fingerprint: a change needs a new
//! [`super::fingerprint::VERSION`], unless it takes out more of messages that were told apart by
//! what it takes out, as a secret does.
//!
//! | text | becomes |
//! |---|---|
//! | a word with a digit, a path, an address, a dotted name, a word of over 40 letters | `*` |
//! | what stands in quotes (unless it is a key, as in `{"code": 5}`) | `"*"` |
//! | what stands after `=`, unless it is a name such as `TimeoutError` or `ECONNREFUSED` | `*` |
//! | the name in `for user bob`, `invalid user bob` | `*` |
//! | what stands after the name of a secret: `password: x`, `TOKEN=X`, `Bearer x`, `пароль x` | `*` |
//! | several of them in a row, with nothing but punctuation between | one `*` |
//! | colours and control bytes, repeated spaces, escapes of JSON | what they stand for |

mod known;
mod quotes;
mod secrets;
mod words;

pub use self::known::Masks;
use self::known::{Kind, Op};
use self::quotes::{Quoted, guillemets, opening, quoted};
use self::secrets::{Next, is_secret};
use self::words::{
    DELIMITER, DIGIT, HIGH, LOWER, MAX_WORD, PLAIN, SLASH, UPPER, class, is_day, is_month, is_name,
    is_variable,
};
use super::text;

/// Longest template. What comes later in a message does not tell templates apart.
pub const MAX_TEMPLATE: usize = 256;
/// Bytes of a message that are looked at.
const MAX_MESSAGE: usize = 4096;

/// Writes the template of a message into `template`.
pub fn mask(message: &[u8], template: &mut String) {
    taken_apart(message, template, &mut Vec::new());
}

/// The same, and which parts of the message were replaced. Whether every message that has the same
/// text between parts of the same kind has the same template.
fn taken_apart(message: &[u8], template: &mut String, parts: &mut Vec<Op>) -> bool {
    let mut out = std::mem::take(template).into_bytes();
    out.clear();
    parts.clear();
    let message = message.get(..MAX_MESSAGE).unwrap_or(message);
    let told = if text::has_unicode_escape(message) {
        mask_bytes(&text::unescaped(message), &mut out, parts);
        false
    } else {
        mask_bytes(message, &mut out, parts)
    };
    out.truncate(text::boundary(&out, MAX_TEMPLATE));
    *template = text::string(out);
    // What replaces a byte that is no text is longer than it.
    template.truncate(text::boundary(template.as_bytes(), MAX_TEMPLATE));
    template.truncate(template.trim_end().len());
    told
}

/// The template under way. What stays as it is is copied in runs: `message[run..at]` is still to be.
struct Writer<'a> {
    message: &'a [u8],
    out: &'a mut Vec<u8>,
    run: usize,
    /// Length up to and with the last `*`, as long as only punctuation has come since.
    star: Option<usize>,
    /// Brackets that were opened in what the last `*` stands for.
    opened: usize,
    /// The next word is the name of a user, or a secret.
    hidden: bool,
    /// The next word is a value: `=` came before it.
    value: bool,
    /// What was replaced.
    parts: &'a mut Vec<Op>,
    /// Up to here all must stay as it is for the same to be done.
    fixed: usize,
    /// Something else than the parts and what is between them has decided.
    odd: bool,
}

fn mask_bytes(message: &[u8], out: &mut Vec<u8>, parts: &mut Vec<Op>) -> bool {
    let mut writer = Writer {
        message,
        out,
        run: 0,
        star: None,
        opened: 0,
        hidden: false,
        value: false,
        parts,
        fixed: 0,
        odd: false,
    };
    let (mut at, mut before) = (0, b' ');
    while let Some(byte) = message.get(at).copied() {
        let length = writer.out.len() + (at - writer.run);
        let Some(room) = MAX_TEMPLATE.checked_sub(length).filter(|room| *room > 0) else { break };
        if class(byte) & DELIMITER != 0 {
            (at, before) = writer.delimiter(at, byte, before);
        } else if class(byte) & !PLAIN != 0 || writer.value || writer.hidden {
            (at, before) = (at + writer.word(at), b'a');
        } else {
            (at, before) = writer.plain(at, room);
        }
    }
    writer.flush(at);
    !writer.odd && at == message.len()
}

impl Writer<'_> {
    /// What is taken out or replaced begins here.
    fn flush(&mut self, at: usize) {
        self.out.extend_from_slice(self.message.get(self.run..at).unwrap_or_default());
        self.run = at;
    }

    /// Replaces what stands between these two.
    fn replace(&mut self, at: usize, end: usize, by: &[u8]) {
        self.flush(at);
        self.out.extend_from_slice(by);
        self.run = end;
    }

    /// Notes what is replaced.
    fn part(&mut self, at: usize, end: usize, kind: Kind) {
        self.odd |= at < self.fixed;
        self.parts.push(Op { at, end, kind });
    }

    fn variable(&mut self, at: usize, end: usize) {
        if let Some(length) = self.star {
            let between = self.message.get(self.run..at).unwrap_or_default();
            for byte in self.out.get(length..).unwrap_or_default().iter().chain(between) {
                match byte {
                    b'(' | b'[' | b'{' => self.opened += 1,
                    b')' | b']' | b'}' => self.opened = self.opened.saturating_sub(1),
                    _ => {}
                }
            }
            self.out.truncate(length);
            self.run = end;
        } else {
            self.replace(at, end, b"*");
            self.opened = 0;
        }
        self.star = Some(self.out.len());
    }

    /// A bracket closes. What opened it may be part of the last `*`, and then so is this; so is one
    /// with nothing in it.
    fn close(&mut self, at: usize, before: u8) {
        let Some(length) = self.star else { return };
        if matches!(before, b'(' | b'[' | b'{') {
            self.out.truncate(length);
            self.run = at + 1;
        } else if self.opened > 0 && self.run == at && self.out.len() == length {
            self.opened -= 1;
            self.run = at + 1;
        }
    }

    /// Takes plain words with single spaces between them, which is most of a message, up to the
    /// first word that is to be looked at; where it ends and how.
    fn plain(&mut self, start: usize, room: usize) -> (usize, u8) {
        let rest = self.message.get(start..).unwrap_or_default();
        let rest = rest.get(..room).unwrap_or(rest);
        let (mut at, mut word, mut before) = (0, 0, b'a');
        for byte in rest {
            if *byte == b' ' && before != b' ' {
                if at - word > MAX_WORD || self.hides(start, word, at) {
                    break;
                }
                word = at + 1;
            } else if class(*byte) & !PLAIN != 0 {
                break;
            }
            before = *byte;
            at += 1;
        }
        if word > 0 {
            self.star = None;
        }
        if at == word {
            return (start + at, b' ');
        }
        let ends = rest.get(at).is_none_or(|byte| class(*byte) & DELIMITER != 0);
        if ends && at - word <= MAX_WORD && !self.hides(start, word, at) {
            self.star = None;
            return (start + at, b'a');
        }
        // It goes on with what is not plain.
        let length = self.word(start + word);
        (start + word + length, b'a')
    }

    /// Whether the word between these two is `user` or `Bearer` or the name of a secret: the next
    /// one may be hidden.
    fn hides(&self, start: usize, word: usize, at: usize) -> bool {
        let word = self.message.get(start + word..start + at).unwrap_or_default();
        matches!(word, [_, b's', b'e', b'r'] | [_, b'e', b'a', b'r', b'e', b'r'])
            || secrets::may_name(word)
    }

    /// Takes what stands between words; where it ends and how.
    fn delimiter(&mut self, at: usize, byte: u8, before: u8) -> (usize, u8) {
        match byte {
            b'"' | b'\'' | b'`' => (self.quote(at, at, byte, before), byte),
            b'\\' => self.escape(at, before),
            0x1b => {
                let end = at + text::colour(self.message, at);
                self.odd = true;
                self.replace(at, end, b"");
                (end, before)
            }
            0..=b' ' | 0x7f => {
                self.replace(at, at + 1, if before == b' ' { b"" } else { b" " });
                (at + 1, b' ')
            }
            b')' | b']' | b'}' => {
                self.close(at, before);
                (at + 1, byte)
            }
            b'=' | b':' => {
                self.value = byte == b'=';
                self.hidden = is_secret(self.message.get(..at).unwrap_or_default());
                // What is secret depends on more than the text around it.
                self.odd |= self.hidden;
                (at + 1, byte)
            }
            _ => {
                self.value = false;
                (at + 1, byte)
            }
        }
    }

    /// A quote that may open something; it is at `mark`, its escape begins at `at`.
    fn quote(&mut self, at: usize, mark: usize, quote: u8, before: u8) -> usize {
        if class(before) & DELIMITER != 0 {
            match quoted(self.message, at, mark, quote) {
                Quoted::Text(length) => {
                    self.star = None;
                    (self.hidden, self.value) = (false, false);
                    self.part(at, mark + length, Kind::Quoted(quote));
                    self.replace(at, mark + length, &[quote, b'*', quote]);
                    return mark + length;
                }
                Quoted::Key(length) => self.fixed = mark + length,
                Quoted::No => self.odd = true,
            }
        }
        if mark != at {
            self.replace(at, mark, b"");
        }
        mark + 1
    }

    /// An escape of JSON is what it stands for: `\"` a quote, `\n` a space.
    fn escape(&mut self, at: usize, before: u8) -> (usize, u8) {
        match self.message.get(at + 1).copied() {
            Some(quote @ (b'"' | b'\'')) => (self.quote(at, at + 1, quote, before), quote),
            Some(b'n' | b't' | b'r') => {
                self.replace(at, at + 2, if before == b' ' { b"" } else { b" " });
                (at + 2, b' ')
            }
            Some(b'/') => {
                self.replace(at, at + 1, b"");
                (at + 1, before)
            }
            _ => (at + 1, b'\\'),
        }
    }

    /// Takes a word and returns its length.
    fn word(&mut self, at: usize) -> usize {
        let rest = self.message.get(at..).unwrap_or_default();
        let (mut seen, mut length) = (0, 0);
        for byte in rest {
            let class = class(*byte);
            if class & DELIMITER != 0 {
                break;
            }
            seen |= class;
            length += 1;
        }
        self.odd |= seen & HIGH != 0 && opening(rest).is_some();
        if seen & HIGH != 0
            && let Some(length) = guillemets(rest)
        {
            (self.hidden, self.value, self.odd) = (false, false, true);
            self.variable(at, at + length);
            return length;
        }
        let word = rest.get(..length).unwrap_or_default();
        if seen & HIGH != 0
            && (seen & (DIGIT | UPPER | LOWER) != 0 || word.contains(&0xef))
            && let Some(value) = secrets::within(word)
        {
            (self.hidden, self.value, self.odd, self.star) = (false, false, true, None);
            self.variable(at + value, at + length);
            return length;
        }
        // `Authorization: Bearer x`
        let scheme = matches!(word, b"Bearer" | b"bearer" | b"Basic");
        let named = std::mem::take(&mut self.hidden) && !scheme;
        // In `a= b=1` nothing is the value of `a`.
        let is_key = rest.get(length) == Some(&b'=');
        let after = std::mem::take(&mut self.value) && !is_key;
        let value = after && !is_name(word, seen);
        let glued = seen & SLASH != 0 && self.is_glued(at);
        if named || value || is_variable(word, seen) || glued {
            self.odd |= glued || seen & HIGH != 0;
            let digit = seen & DIGIT != 0;
            self.part(at, at + length, Kind::Word { named, after, digit });
            // A word of a language without spaces is more than the number in it.
            if seen & (HIGH | DIGIT) == HIGH | DIGIT && !value && !named {
                self.without_numbers(at, word);
            } else {
                if seen & DIGIT != 0 && self.star.is_none() {
                    self.flush(at);
                    self.take_back_date();
                }
                self.variable(at, at + length);
            }
        } else {
            self.stays(at, word, scheme);
        }
        length
    }

    /// A word that stays, and perhaps names what comes after it.
    fn stays(&mut self, at: usize, word: &[u8], scheme: bool) {
        self.star = None;
        let next = secrets::next(self.message, at, word.len());
        self.hidden = scheme
            || next == Next::Secret
            || matches!(word, b"user" | b"User") && self.names_a_user(at);
        // What comes next decides.
        self.odd |= scheme || next != Next::Unsaid;
    }

    /// Whether a word stands right behind a colon, as the second half of the token in
    /// `/bot123:AAbc/getMe`.
    fn is_glued(&self, at: usize) -> bool {
        let before = self.message.get(..at).unwrap_or_default();
        matches!(before, [.., byte, b':'] if byte.is_ascii_alphanumeric())
    }

    /// Whether what stands before `user` makes the next word a name: `for user bob`.
    fn names_a_user(&mut self, at: usize) -> bool {
        let before = self.message.get(..at).unwrap_or_default().trim_ascii_end();
        self.odd |= self.parts.last().is_some_and(|part| part.end >= before.len());
        ["for", "nvalid", "illegal", "unknown", "by", "of", "from"]
            .iter()
            .any(|word| before.ends_with(word.as_bytes()))
    }

    /// Takes back the names of a date whose number comes now: `Sat Jul 9`, `Jul 9`.
    fn take_back_date(&mut self) {
        for is_name in [is_month, is_day] {
            let before = self.out.trim_ascii_end();
            let Some(from) = before.len().checked_sub(3) else { return };
            let alone = from == 0 || self.out.get(from - 1).is_some_and(|byte| *byte <= b'[');
            if alone && self.out.get(from..from + 3).is_some_and(is_name) {
                self.out.truncate(from);
            }
        }
    }

    /// Takes only what is ASCII and has a digit out of a word.
    fn without_numbers(&mut self, at: usize, word: &[u8]) {
        let mut at = at;
        for run in word.chunk_by(|left, right| left.is_ascii() == right.is_ascii()) {
            let end = at + run.len();
            if run.iter().any(u8::is_ascii_digit) {
                self.variable(at, end);
            } else {
                self.star = None;
            }
            at = end;
        }
    }
}

#[cfg(test)]
mod tests;
