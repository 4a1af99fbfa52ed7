//! What becomes of a word of a message.

use super::quotes::guillemets;
use super::secrets::{self, Next};
use super::words::{
    DELIMITER, DIGIT, HIGH, LOWER, SLASH, UPPER, class, is_day, is_month, is_name, is_variable,
};
use super::{Writer, meaning};

impl Writer<'_> {
    /// Takes a word and returns its length.
    pub(super) fn word(&mut self, at: usize) -> usize {
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
        let word = rest.get(..length).unwrap_or_default();
        if std::mem::take(&mut self.number)
            && let Some(length) = self.behind_a_number(at, word)
        {
            return length;
        }
        if seen & HIGH != 0
            && let Some(length) = self.foreign(at, word, seen)
        {
            return length;
        }
        // `Authorization: Bearer x`
        let scheme = matches!(word, b"Bearer" | b"bearer" | b"Basic");
        let named = std::mem::take(&mut self.hidden) && !scheme;
        // In `a= b=1` nothing is the value of `a`.
        let is_key = rest.get(length) == Some(&b'=');
        let payload = std::mem::take(&mut self.payload);
        let value = (std::mem::take(&mut self.value) || payload) && !is_key && !is_name(word, seen);
        let person = std::mem::take(&mut self.person) && meaning::is_large(word);
        let glued = seen & SLASH != 0 && self.is_glued(at);
        if named && !scheme && self.is_odd_user(at) {
            length += meaning::surname(rest.get(length..).unwrap_or_default());
        }
        if named || value || person || is_variable(word, seen) || glued {
            self.person = person;
            self.number = word.first().is_some_and(u8::is_ascii_digit);
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

    /// What is special in words that are not ASCII: `«...»`, and a secret without a space before it. The
    /// length of what was taken.
    fn foreign(&mut self, at: usize, word: &[u8], seen: u8) -> Option<usize> {
        let rest = self.message.get(at..).unwrap_or_default();
        if let Some(length) = guillemets(rest) {
            (self.hidden, self.value) = (false, false);
            self.variable(at, at + length);
            return Some(length);
        }
        let mixed = seen & (DIGIT | UPPER | LOWER) != 0 || word.contains(&0xef);
        let value = mixed.then(|| secrets::within(word)).flatten()?;
        (self.hidden, self.value, self.star) = (false, false, None);
        self.variable(at + value, at + word.len());
        Some(word.len())
    }

    /// A word that stays, and perhaps names what comes after it.
    fn stays(&mut self, at: usize, word: &[u8], scheme: bool) {
        self.star = None;
        self.person = meaning::names_a_person(word);
        let next = secrets::next(self.message, at, word.len());
        self.hidden = scheme
            || next == Next::Secret
            || matches!(word, b"user" | b"User") && self.names_a_user(at);
    }

    /// Whether a word stands right behind a colon, as the second half of the token in
    /// `/bot123:AAbc/getMe`.
    fn is_glued(&self, at: usize) -> bool {
        let before = self.message.get(..at).unwrap_or_default();
        matches!(before, [.., byte, b':'] if byte.is_ascii_alphanumeric())
    }

    /// Whether what stands before `user` makes the next word a name: `for user bob`.
    fn names_a_user(&self, at: usize) -> bool {
        let before = self.message.get(..at).unwrap_or_default().trim_ascii_end();
        ["for", "nvalid", "illegal", "unknown", "by", "of", "from"]
            .iter()
            .any(|word| before.ends_with(word.as_bytes()))
    }

    /// Whether the next word is the name of a user that there is not: it may be more than one word.
    fn is_odd_user(&self, at: usize) -> bool {
        let before = self.message.get(..at).unwrap_or_default();
        [&b"nvalid user "[..], b"illegal user ", b"unknown user "]
            .iter()
            .any(|end| before.ends_with(end))
    }

    /// A word right behind a number: a unit goes with it, and of a plural its end. The length of what
    /// was taken, if that was all.
    fn behind_a_number(&mut self, at: usize, word: &[u8]) -> Option<usize> {
        let star =
            self.star.filter(|star| self.out.get(*star..) == Some(b" ") && self.run == at)?;
        let length = word.iter().rposition(|byte| *byte != b'.')? + 1;
        let word = word.get(..length)?;
        if meaning::is_unit(word) {
            self.out.truncate(star);
            self.run = at + length;
        } else {
            let (stem, end) = meaning::singular(word)?;
            self.star = None;
            self.replace(at + stem, at + length, end);
        }
        Some(length)
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
