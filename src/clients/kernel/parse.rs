//! Words, numbers and lines, as all files of the kernel are made of them.

/// Digits alone; `max` is no number.
pub fn digits(text: &[u8]) -> Option<u64> {
    if text.is_empty() {
        return None;
    }
    text.iter().try_fold(0_u64, |value, byte| {
        let digit = byte.checked_sub(b'0').filter(|digit| *digit <= 9)?;
        value.checked_mul(10)?.checked_add(u64::from(digit))
    })
}

/// A file that holds one number.
pub fn number(text: &[u8]) -> Option<u64> {
    digits(text.trim_ascii())
}

pub fn lines(text: &[u8]) -> impl Iterator<Item = &[u8]> {
    text.split(|byte| *byte == b'\n').filter(|line| !line.is_empty())
}

pub fn words(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    line.split(u8::is_ascii_whitespace).filter(|word| !word.is_empty())
}

/// What stands before and behind the first of these bytes.
pub fn cut(text: &[u8], at: u8) -> Option<(&[u8], &[u8])> {
    let place = text.iter().position(|byte| *byte == at)?;
    let (before, rest) = text.split_at_checked(place)?;
    Some((before, rest.get(1..)?))
}

/// `key value` on each line.
pub fn pairs(text: &[u8]) -> impl Iterator<Item = (&[u8], u64)> {
    lines(text).filter_map(|line| {
        let (key, value) = cut(line, b' ')?;
        Some((key, number(value)?))
    })
}

/// One value of a file with `key value` on each line.
pub fn value(text: &[u8], key: &[u8]) -> Option<u64> {
    pairs(text).find(|(name, _)| *name == key).map(|(_, value)| value)
}

/// A name of the kernel's, which may hold any bytes, as text.
pub fn text(name: &[u8]) -> String {
    String::from_utf8_lossy(name).into_owned()
}

pub fn nanos(value: u64) -> f64 {
    value as f64 / 1e9
}

pub fn micros(value: u64) -> f64 {
    value as f64 / 1e6
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers() {
        assert_eq!(number(b"42\n"), Some(42));
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX));
        for odd in ["", "\n", "max\n", "-1", "1.5", "1 2", "18446744073709551616", "\u{0}"] {
            assert_eq!(number(odd.as_bytes()), None, "{odd:?}");
        }
        assert_eq!(value(b"a 1\nab 2\n\nb\nb x\nb 3", b"b"), Some(3));
        assert_eq!(value(b"", b"b"), None);
    }
}
