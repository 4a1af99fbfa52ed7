//! What tells messages apart though it stands where data does, and what is data though it is words.

/// Words before a name in quotes that is one of a program or a database, and not of a user.
const NAMED: [&[u8]; 23] = [
    b"constraint",
    b"relation",
    b"table",
    b"column",
    b"index",
    b"schema",
    b"sequence",
    b"view",
    b"trigger",
    b"extension",
    b"function",
    b"procedure",
    b"operator",
    b"type",
    b"module named",
    b"attribute",
    b"method",
    b"argument",
    b"parameter",
    b"field",
    b"property",
    b"directive",
    b"for key",
];
/// Longer names are none.
const MAX_NAME: usize = 64;
/// A list that is longer is looked at word by word.
const MAX_LIST: usize = 512;

/// Units behind a number, where they are no ASCII.
const UNITS: [&str; 10] =
    ["\u{b5}s", "мс", "с", "сек", "секунд", "мин", "минут", "ч", "часов", "дней"];
/// They end as a plural does, and are none.
const SINGULAR: [&[u8]; 12] = [
    b"does", b"this", b"less", b"plus", b"minus", b"versus", b"always", b"unless", b"status",
    b"class", b"yes", b"was",
];

/// Whether a name in quotes stays: `unique constraint "users_pkey"` is of another table than
/// `"orders_email_key"`. `before` and `after` are the text around the quotes.
pub fn stays(before: &[u8], name: &[u8], after: &[u8]) -> bool {
    let plain = |byte: &u8| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'.');
    let is_name = (1..=MAX_NAME).contains(&name.len()) && name.iter().all(plain);
    let before = before.trim_ascii_end();
    let named = || {
        NAMED.iter().any(|word| {
            let start = before.strip_suffix(*word);
            start.is_some_and(|start| start.last().is_none_or(|byte| !byte.is_ascii_alphanumeric()))
        })
    };
    is_name && (named() || after.starts_with(b" object has no attribute"))
}

#[rustfmt::skip]
pub fn is_unit(word: &[u8]) -> bool {
    let ascii = matches!(
        word,
        b"ns" | b"us" | b"ms" | b"s" | b"sec" | b"secs" | b"second" | b"seconds" | b"m" | b"min" | b"mins" | b"minute"
            | b"minutes" | b"h" | b"hr" | b"hrs" | b"hour" | b"hours" | b"d" | b"day" | b"days" | b"week" | b"weeks"
            | b"B" | b"byte" | b"bytes" | b"kB" | b"KB" | b"KiB" | b"MB" | b"MiB" | b"GB" | b"GiB" | b"TB" | b"TiB" | b"%"
    );
    ascii || (!word.is_ascii() && UNITS.iter().any(|unit| unit.as_bytes() == word))
}

/// What a plural behind a number has of the singular: `rows` is `row`, `entries` is `entr`, to which `y`
/// is to be added.
pub fn singular(word: &[u8]) -> Option<(usize, &'static [u8])> {
    if word.len() < 4 || !word.iter().all(u8::is_ascii_lowercase) || SINGULAR.contains(&word) {
        return None;
    }
    let length = word.len();
    match word {
        [.., b's' | b'u' | b'i', b's'] => None,
        [.., _, b'i', b'e', b's'] if length > 4 => Some((length - 3, b"y")),
        [.., b'x', b'e', b's']
        | [.., b's', b's' | b'h', b'e', b's']
        | [.., b't' | b'n', b'c', b'h', b'e', b's'] => Some((length - 2, b"")),
        [.., b's'] => Some((length - 1, b"")),
        _ => None,
    }
}

/// `Monday`, in large letters or small ones.
pub fn is_weekday(word: &[u8]) -> bool {
    const DAYS: [&[u8]; 7] =
        [b"monday", b"tuesday", b"wednesday", b"thursday", b"friday", b"saturday", b"sunday"];
    word.ends_with(b"day") && DAYS.iter().any(|day| word.eq_ignore_ascii_case(day))
        || !word.is_ascii() && RUSSIAN.iter().any(|day| word == day.as_bytes())
}

/// Days and months.
#[rustfmt::skip]
const RUSSIAN: [&str; 39] = [
    "понедельник", "понедельника", "вторник", "вторника", "среда", "среду", "среды", "четверг", "четверга", "пятница", "пятницу",
    "пятницы", "суббота", "субботу", "субботы", "январь", "января", "февраль", "февраля", "март", "марта", "апрель", "апреля",
    "май", "мая", "июнь", "июня", "июль", "июля", "август", "августа", "сентябрь", "сентября", "октябрь", "октября", "ноябрь",
    "ноября", "декабрь", "декабря",
];

/// `January`, other than `May` and `March`, which are words too.
#[rustfmt::skip]
pub fn is_month_name(word: &[u8]) -> bool {
    matches!(
        word,
        b"January" | b"February" | b"April" | b"June" | b"July" | b"August" | b"September" | b"October" | b"November"
            | b"December"
    )
}

/// A number of sixteen digits without one below ten in it: `deadbeef`.
pub fn is_hex(word: &[u8]) -> bool {
    word.len() >= 8 && word.iter().all(|byte| matches!(byte, b'a'..=b'f'))
}

/// Whether the next words may be the name of a person: it stands behind them in Russian.
pub fn names_a_person(word: &[u8]) -> bool {
    ["пользовател", "Пользовател"].iter().any(|stem| word.starts_with(stem.as_bytes()))
}

/// Whether a word begins with a large letter of ASCII or of Russian.
pub fn is_large(word: &[u8]) -> bool {
    matches!(word, [b'A'..=b'Z', ..] | [0xd0, 0x90..=0xaf | 0x81, ..])
}

/// The length of a second and a third name: `Invalid user boris zhang from`.
pub fn surname(rest: &[u8]) -> usize {
    let end = memchr::memmem::find(rest.get(..MAX_NAME).unwrap_or(rest), b" from ").unwrap_or(0);
    let more = rest.get(..end).unwrap_or_default();
    let plain =
        |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b' ' | b'-' | b'_' | b'.');
    if more.starts_with(b" ")
        && more.iter().all(plain)
        && memchr::memchr_iter(b' ', more).count() <= 2
    {
        more.len()
    } else {
        0
    }
}

/// The length of a list in brackets, whatever it holds; `before` is the text in front of it. One word
/// alone is a list behind a plural or a colon only: `[pool] failed` is not `[cache] failed`.
pub fn list(before: &[u8], rest: &[u8]) -> Option<usize> {
    let inside = rest.get(1..)?;
    let end = memchr::memchr(b']', inside.get(..MAX_LIST).unwrap_or(inside))?;
    let inside = inside.get(..end)?;
    let is_quoted = |item: &[u8]| matches!(item.first(), Some(b'"' | b'\'' | b'\\'));
    let simple = |item: &[u8]| {
        let item = item.trim_ascii();
        let open = item.iter().any(|byte| matches!(byte, b' ' | b'[' | b'{' | b'(' | b'=' | b':'));
        !item.is_empty() && (is_quoted(item) || !open)
    };
    let mut items = inside.split(|byte| *byte == b',');
    if !inside.is_empty() && !items.clone().all(simple) {
        return None;
    }
    let one = items.next().unwrap_or_default().trim_ascii();
    let several = items.next().is_some() || is_quoted(one);
    let before = before.trim_ascii_end();
    let due = || matches!(before, [.., b':' | b'=' | b's']);
    (several || (!before.is_empty() && due())).then_some(end + 2)
}
