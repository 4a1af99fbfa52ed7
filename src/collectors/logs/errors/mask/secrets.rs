//! Names of secrets in messages, and whether what comes after one is its value.
//!
//! After `=` or `:` it always is. After a space it is, unless it is one of the words that follow
//! such a name in a sentence (`password must be ...`, `token expired`). Those are a closed list: one
//! that is missing costs a word of a message, one too many would cost a password. After a name in
//! another language it is when it is written in ASCII: passwords are, sentences are not.

use super::words::{DELIMITER, class};

/// Ends of words that name a secret.
const NAMES: [&[u8]; 25] = [
    b"password",
    b"passwd",
    b"pwd",
    b"passphrase",
    b"passcode",
    b"passwort",
    b"kennwort",
    b"senha",
    "contraseña".as_bytes(),
    b"contrasena",
    "hasło".as_bytes(),
    b"secret",
    b"token",
    b"credential",
    b"credentials",
    b"apikey",
    b"api_key",
    b"api-key",
    b"secret_key",
    b"secret-key",
    b"access_key",
    b"access-key",
    b"private_key",
    b"secretkey",
    b"accesskey",
];

/// The same with their separator alone: without one they are everyday words.
const KEYS: [&[u8]; 14] = [
    b"pass",
    b"cookie",
    b"authorization",
    b"bearer",
    b"api key",
    b"secret key",
    b"access key",
    b"private key",
    b"encryption_key",
    b"signing_key",
    b"jwt",
    b"otp",
    b"auth",
    b"pin",
];

/// The last two bytes of all these, in small letters: most words end in others, and need no closer look.
const NAME_ENDS: &[[u8; 2]] = &[
    *b"rd", *b"wd", *b"se", *b"de", *b"rt", *b"ha", *b"na", *b"et", *b"en", *b"al", *b"ls", *b"ey",
    *b"\xb1a", *b"\xa2o",
];
const KEY_ENDS: &[[u8; 2]] =
    &[*b"ss", *b"ie", *b"on", *b"er", *b"ey", *b"wt", *b"tp", *b"th", *b"in"];

/// Stems in other languages, as they are written in messages.
#[rustfmt::skip]
const FOREIGN: [&str; 27] = [
    "парол", "Парол", "ПАРОЛ", "токен", "Токен", "ТОКЕН", "секрет", "Секрет", "СЕКРЕТ", "ключ",
    "Ключ", "КЛЮЧ", "비밀번호", "암호", "토큰", "รหัสผ่าน", "โทเค็น", "密码", "密碼", "口令", "密钥", "密鑰",
    "令牌", "パスワード", "トークン", "şifre", "кілт",
];

/// Words that come after the name of a secret in a sentence.
#[rustfmt::skip]
const SENTENCE: [&str; 119] = [
    "a", "after", "already", "an", "and", "are", "as", "at", "attempt", "auth", "authentication",
    "be", "been", "before", "but", "by", "can", "cannot", "change", "changed", "check", "contains",
    "could", "did", "do", "does", "doesn't", "don't", "empty", "endpoint", "error", "exchange",
    "expired", "expires", "failed", "failure", "field", "file", "for", "format", "found", "from",
    "given", "grant", "had", "has", "hash", "have", "header", "id", "if", "in", "incorrect", "into",
    "invalid", "is", "isn't", "it", "key", "length", "limit", "limits", "login", "longer",
    "manager", "may", "mismatch", "missing", "must", "name", "needed", "needs", "no", "not", "of",
    "on", "or", "policy", "prompt", "provided", "provider", "received", "refresh", "refused",
    "rejected", "request", "required", "reset", "response", "revoked", "rotated", "rotation",
    "server", "set", "should", "store", "supplied", "than", "that", "the", "then", "to", "too",
    "type", "unknown", "update", "updated", "usage", "used", "validation", "verification", "was",
    "were", "when", "will", "with", "without", "would", "wrong",
];

/// What a word says of the one after it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Next {
    /// Nothing: it names no secret.
    Unsaid,
    /// It goes on as a sentence does.
    Sentence,
    /// It is a secret.
    Secret,
}

/// Whether a text ends with the name of a secret, which its value follows after `=` or `:`.
pub fn is_secret(before: &[u8]) -> bool {
    let end = before.iter().rposition(|byte| !matches!(byte, b' ' | b'"' | b'\'' | b'\\'));
    let before = end.and_then(|end| before.get(..=end)).unwrap_or_default();
    if before.last().is_some_and(|byte| *byte >= 128) {
        let word = before.rsplit(|byte| class(*byte) & DELIMITER != 0).next().unwrap_or_default();
        return foreign(word).is_some();
    }
    (is_like(before, NAME_ENDS) && ends_in(before, &NAMES))
        || (is_like(before, KEY_ENDS) && ends_in(before, &KEYS))
}

/// A quick look: whether a word is worth a closer one.
pub fn may_name(word: &[u8]) -> bool {
    match word {
        [.., 128..=255] | [128..=255, ..] => foreign(word).is_some(),
        _ if is_like(word, NAME_ENDS) => word.eq_ignore_ascii_case(b"key") || ends_in(word, &NAMES),
        _ => false,
    }
}

/// What comes after the word at `at` of this length, if it names a secret.
pub fn next(message: &[u8], at: usize, length: usize) -> Next {
    let (before, rest) = message.split_at_checked(at + length).unwrap_or((message, b""));
    let word = before.get(at..).unwrap_or_default();
    if word.is_ascii() && !may_name(word) {
        return Next::Unsaid;
    }
    let foreign = foreign(word).is_some();
    let key = word.eq_ignore_ascii_case(b"key") && is_secret(before);
    if !foreign && !key && !ends_in(word, &NAMES) {
        return Next::Unsaid;
    }
    let start = rest.iter().position(|byte| !matches!(byte, b' ' | b'\t')).unwrap_or(rest.len());
    let after = rest.get(start..).unwrap_or_default();
    let end = after.iter().position(|byte| class(*byte) & DELIMITER != 0).unwrap_or(after.len());
    let (next, tail) = after.split_at(end);
    // `token type=bearer`, `password field: too short`: another name.
    let is_name = matches!(tail.first(), Some(b'=' | b':'));
    if start == 0 || !next.iter().any(u8::is_ascii_alphanumeric) || is_name {
        return Next::Sentence;
    }
    let word = next.trim_ascii_end();
    let word = word.strip_suffix(b".").unwrap_or(word);
    let said = |known: &str| known.as_bytes().eq_ignore_ascii_case(word);
    if foreign || !SENTENCE.iter().any(|known| said(known)) { Next::Secret } else { Next::Sentence }
}

/// Where the value begins in a word of a language without spaces: `密码：abc`, `비밀번호는abc`.
pub fn within(word: &[u8]) -> Option<usize> {
    let end = foreign(word)?;
    let rest = word.get(end..)?;
    let marks: [&[u8]; 7] = [
        "：".as_bytes(),
        "＝".as_bytes(),
        "是".as_bytes(),
        "为".as_bytes(),
        "は".as_bytes(),
        "는".as_bytes(),
        "คือ".as_bytes(),
    ];
    let mark = marks.iter().find(|mark| rest.starts_with(mark)).map_or(0, |mark| mark.len());
    let value = rest.get(mark..).filter(|value| !value.is_empty())?;
    let wide = mark > 0 && (rest.starts_with("：".as_bytes()) || rest.starts_with("＝".as_bytes()));
    // Also the ending of a word: `паролем`, `пароля`.
    let ascii = value.first().is_some_and(u8::is_ascii_alphanumeric);
    (wide || ascii).then_some(end + mark)
}

/// Where the name of a secret in another language ends in a word.
fn foreign(word: &[u8]) -> Option<usize> {
    if word.is_ascii() {
        return None;
    }
    // Scripts with spaces have it at the start of a word; those without are of three bytes for a letter.
    let wide = word.iter().any(|byte| *byte >= 0xe0);
    let ends = FOREIGN.iter().map(|name| name.as_bytes()).filter_map(|name| {
        if word.starts_with(name) {
            return Some(name.len());
        }
        let without_spaces = wide && name.first().is_some_and(|byte| *byte >= 0xe0);
        let at = without_spaces.then(|| memchr::memmem::find(word, name)).flatten()?;
        Some(at + name.len())
    });
    ends.min()
}

fn is_like(text: &[u8], ends: &[[u8; 2]]) -> bool {
    matches!(text, [.., one, two] if ends.contains(&[one | 0x20, two | 0x20]))
}

fn ends_in(text: &[u8], names: &[&[u8]]) -> bool {
    let ends = |name: &&&[u8]| {
        let from = text.len().checked_sub(name.len()).and_then(|from| text.get(from..));
        from.is_some_and(|end| end.eq_ignore_ascii_case(name))
    };
    names.iter().any(|name| ends(&name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_name_in_a_sentence_is_followed_by_one() {
        let of = |text: &str| {
            let length = text.find([' ', ':', '=']).unwrap_or(text.len());
            next(text.as_bytes(), 0, length)
        };
        for text in [
            "password correcthorse",
            "client_secret xyz",
            "Credentials xyz",
            "PWD hunter2",
            "пароль xyz",
            "паролем hunter2",
            "비밀번호는 abc",
            "รหัสผ่าน abc",
            "密码 abc",
        ] {
            assert_eq!(of(text), Next::Secret, "{text}");
        }
        for text in [
            "password must be longer",
            "password",
            "token expired.",
            "token type=bearer",
            "credentials (none)",
            "пароль неверный",
            "비밀번호가 틀렸습니다",
            "密码 错误",
        ] {
            assert_eq!(of(text), Next::Sentence, "{text}");
        }
        for text in ["pass away", "keyboard xyz", "tokens used", "cookie jar"] {
            assert_eq!(of(text), Next::Unsaid, "{text}");
        }
    }

    #[test]
    fn the_lists_are_in_order() {
        assert!(SENTENCE.is_sorted());
        for name in NAMES {
            assert!(may_name(name), "{name:?}");
        }
        for name in FOREIGN {
            assert!(may_name(name.as_bytes()), "{name}");
        }
        for name in KEYS {
            assert!(is_like(name, KEY_ENDS), "{name:?}");
        }
    }
}
