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
//! | what stands in quotes, unless it names a thing, as in `constraint "users_pkey"` | `"*"` |
//! | a value of JSON, in quotes or not, `null` | `*` |
//! | a unit behind a number; `rows` there is `row` | |
//! | a list in brackets | `[*]` |
//! | a day of the week; `deadbeef` | `*` |
//! | what stands after `=`, unless it is a name such as `TimeoutError` or `ECONNREFUSED` | `*` |
//! | the name in `for user bob`, `invalid user bob`, `пользователю Иван Петров` | `*` |
//! | what stands after the name of a secret: `password: x`, `TOKEN=X`, `Bearer x`, `пароль x` | `*` |
//! | several of them in a row, with nothing but punctuation between | one `*` |
//! | colours and control bytes, repeated spaces, escapes of JSON | what they stand for |

mod meaning;
mod quotes;
mod secrets;
mod word;
mod words;

use self::quotes::{Quoted, quoted};
use self::secrets::is_secret;
use self::words::{DELIMITER, MAX_WORD, PLAIN, class};
use super::text;

/// Longest template. What comes later in a message does not tell templates apart.
pub const MAX_TEMPLATE: usize = 256;
/// Bytes of a message that are looked at.
const MAX_MESSAGE: usize = 4096;

/// Writes the template of a message into `template`.
pub fn mask(message: &[u8], template: &mut String) {
    let mut out = std::mem::take(template).into_bytes();
    out.clear();
    let message = message.get(..MAX_MESSAGE).unwrap_or(message);
    if text::has_unicode_escape(message) {
        mask_bytes(&text::unescaped(message), &mut out);
    } else {
        mask_bytes(message, &mut out);
    }
    out.truncate(text::boundary(&out, MAX_TEMPLATE));
    *template = text::string(out);
    // What replaces a byte that is no text is longer than it.
    template.truncate(text::boundary(template.as_bytes(), MAX_TEMPLATE));
    template.truncate(template.trim_end().len());
}

/// The template under way. What stays as it is is copied in runs: `message[run..at]` is still to be.
#[allow(clippy::struct_excessive_bools, reason = "each may come with any of the others")]
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
    /// What is in quotes now is a key, and what comes behind its colon is a value.
    key: bool,
    payload: bool,
    /// A number has just been taken out.
    number: bool,
    /// The next words are a name, if they begin like one.
    person: bool,
}

fn mask_bytes(message: &[u8], out: &mut Vec<u8>) {
    let mut writer = Writer {
        message,
        out,
        run: 0,
        star: None,
        opened: 0,
        hidden: false,
        value: false,
        key: false,
        payload: false,
        number: false,
        person: false,
    };
    let (mut at, mut before) = (0, b' ');
    while let Some(byte) = message.get(at).copied() {
        let length = writer.out.len() + (at - writer.run);
        let Some(room) = MAX_TEMPLATE.checked_sub(length).filter(|room| *room > 0) else { break };
        if class(byte) & DELIMITER != 0 {
            (at, before) = writer.delimiter(at, byte, before);
        } else if class(byte) & !PLAIN != 0 || writer.expects() {
            (at, before) = (at + writer.word(at), b'a');
        } else {
            (at, before) = writer.plain(at, room);
        }
    }
    writer.flush(at);
}

impl Writer<'_> {
    /// Whether what came before says something of the next word.
    fn expects(&self) -> bool {
        self.value || self.hidden || self.payload || self.number || self.person
    }

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

    /// Whether the word between these two is `user` or `Bearer` or the name of a secret, so that the
    /// next one may be hidden, or is data itself.
    fn hides(&self, start: usize, word: usize, at: usize) -> bool {
        let word = self.message.get(start + word..start + at).unwrap_or_default();
        matches!(word, [_, b's', b'e', b'r'] | [_, b'e', b'a', b'r', b'e', b'r'])
            || secrets::may_name(word)
            || meaning::is_weekday(word)
            || meaning::is_month_name(word)
            || meaning::is_hex(word)
            || (word.len() > 20 && meaning::names_a_person(word))
    }

    /// Takes what stands between words; where it ends and how.
    fn delimiter(&mut self, at: usize, byte: u8, before: u8) -> (usize, u8) {
        match byte {
            b'"' | b'\'' | b'`' => (self.quote(at, at, byte, before), byte),
            b'\\' => self.escape(at, before),
            0x1b => {
                let end = at + text::colour(self.message, at);
                self.replace(at, end, b"");
                (end, before)
            }
            0..=b' ' | 0x7f => {
                self.replace(at, at + 1, if before == b' ' { b"" } else { b" " });
                (at + 1, b' ')
            }
            b'[' if let Some(length) = self.list(at) => {
                self.star = None;
                self.forget();
                self.replace(at, at + length, b"[*]");
                (at + length, b']')
            }
            b')' | b']' | b'}' => {
                self.forget();
                self.close(at, before);
                (at + 1, byte)
            }
            b'=' | b':' => {
                let of_key = std::mem::take(&mut self.key) && matches!(before, b'"' | b'\'');
                self.payload = byte == b':' && of_key;
                self.value = byte == b'=';
                self.hidden = is_secret(self.message.get(..at).unwrap_or_default());
                (at + 1, byte)
            }
            _ => {
                self.value = false;
                self.forget();
                (at + 1, byte)
            }
        }
    }

    fn list(&self, at: usize) -> Option<usize> {
        let (before, rest) = self.message.split_at_checked(at)?;
        meaning::list(before, rest)
    }

    /// Punctuation has come: what was said of the next word is void.
    fn forget(&mut self) {
        (self.payload, self.number, self.person) = (false, false, false);
    }

    /// A quote that may open something; it is at `mark`, its escape begins at `at`.
    fn quote(&mut self, at: usize, mark: usize, quote: u8, before: u8) -> usize {
        if class(before) & DELIMITER != 0 {
            match quoted(self.message, at, mark, quote) {
                Quoted::Text(length) => {
                    self.text(at, mark, mark + length, quote);
                    return mark + length;
                }
                Quoted::Key => self.key = true,
                Quoted::No => {}
            }
        }
        if mark != at {
            self.replace(at, mark, b"");
        }
        mark + 1
    }

    /// A text in quotes, from `at`, or from `mark` without its escape.
    fn text(&mut self, at: usize, mark: usize, end: usize, quote: u8) {
        let payload = std::mem::take(&mut self.payload);
        let secret = std::mem::take(&mut self.hidden);
        self.value = false;
        self.forget();
        let message = self.message;
        let inside = message.get(mark + 1..end - 1).unwrap_or_default();
        let inside = inside.strip_suffix(b"\\").unwrap_or(inside);
        let (before, after) = (message.get(..at).unwrap_or_default(), message.get(end..));
        if payload {
            self.variable(at, end);
            return;
        }
        self.star = None;
        if !secret && meaning::stays(before, inside, after.unwrap_or_default()) {
            self.replace(at, mark + 1, &[quote]);
            self.replace(mark + 1 + inside.len(), end, &[quote]);
        } else {
            self.replace(at, end, &[quote, b'*', quote]);
        }
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
}

#[cfg(test)]
mod tests;
