//! Numbers as people and programs write them: `1,234`, `0.9`, `12,5`, `812ms`, `812.5 ms`.

use super::written::Unit;

/// Larger numbers are none: a sum with them would stand still, or be none itself.
const LARGEST: f64 = 1e18;

/// The number that a text is, in base units. `unit` is that of numbers without one of their own.
pub fn number(text: &[u8], unit: Option<Unit>) -> Option<f64> {
    let in_base = |number: f64, unit: Option<Unit>| unit.map_or(number, |unit| unit.base(number));
    let whole =
        |sum: u32, byte: &u8| byte.is_ascii_digit().then(|| sum * 10 + u32::from(byte - b'0'));
    if (1..=9).contains(&text.len())
        && let Some(number) = text.iter().try_fold(0, whole)
    {
        return Some(in_base(f64::from(number), unit));
    }
    let text = text.trim_ascii();
    let is_part = |byte: &u8| {
        byte.is_ascii_digit() || matches!(byte, b'+' | b'-' | b'.' | b',' | b'_' | b'\'')
    };
    let end = text.iter().position(|byte| !is_part(byte)).unwrap_or(text.len());
    let (digits, rest) = text.split_at(end);
    let own = rest.trim_ascii();
    let (number, unit) = if own.is_empty() {
        (plain(digits)?, unit)
    } else if let Some(own) = Unit::named(own) {
        // `3 MB` is no time.
        (plain(digits)?, Some(own).filter(|own| unit.is_none_or(|unit| unit.is_like(*own)))?.into())
    } else {
        // `1e3`, and `NaN`, which is none.
        (std::str::from_utf8(text).ok()?.parse().ok()?, unit)
    };
    (number.abs() <= LARGEST).then(|| in_base(number, unit))
}

/// A number without a unit.
fn plain(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?;
    text.bytes().any(|byte| byte.is_ascii_digit()).then_some(())?;
    let sign = text.starts_with(['-', '+']);
    let (sign, digits) = text.split_at(usize::from(sign));
    let (whole, fraction) = match digits.rsplit_once('.') {
        Some((whole, fraction)) => (whole, Some(fraction)),
        None => (digits, None),
    };
    if let Some(whole) = ungrouped(whole) {
        return join(sign, &whole, fraction);
    }
    // `12,5` and `0,125`: a comma that groups nothing.
    let (whole, fraction) = digits.split_once(',').filter(|_| fraction.is_none())?;
    join(sign, whole, Some(fraction))
}

fn join(sign: &str, whole: &str, fraction: Option<&str>) -> Option<f64> {
    let is_digits = |text: &str| text.bytes().all(|byte| byte.is_ascii_digit());
    let fraction = fraction.unwrap_or("0");
    let both = format!("{sign}{whole}.{fraction}");
    (is_digits(whole) && is_digits(fraction)).then(|| both.parse().ok()).flatten()
}

/// The digits without what stands between thousands; nothing if that is not what stands there.
fn ungrouped(whole: &str) -> Option<String> {
    let Some(mark) = whole.find([',', '_', '\'']).and_then(|at| whole.get(at..=at)) else {
        return Some(whole.to_owned());
    };
    let mut parts = whole.split(mark);
    let first = parts.next()?;
    let grouped =
        (1..=3).contains(&first.len()) && first != "0" && parts.all(|part| part.len() == 3);
    grouped.then(|| whole.replace(mark, ""))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As guides and libraries write them [L14].
    #[test]
    fn numbers_with_marks_and_units() {
        let (none, s, ms, bytes) =
            (None, Some(Unit::Seconds), Some(Unit::Milliseconds), Some(Unit::Bytes));
        for (text, unit, wanted) in [
            ("17", none, Some(17.0)),
            ("17", ms, Some(0.017)),
            ("0.9", s, Some(0.9)),
            (".5", s, Some(0.5)),
            ("1,234", none, Some(1234.0)),
            ("642,410,725", bytes, Some(642_410_725.0)),
            ("1,234.5", ms, Some(1.2345)),
            ("1'234'567", none, Some(1_234_567.0)),
            ("1_000", none, Some(1000.0)),
            ("12,5", none, Some(12.5)),
            ("0,125", s, Some(0.125)),
            ("0,9", s, Some(0.9)),
            ("-3", none, Some(-3.0)),
            ("812ms", s, Some(0.812)),
            ("812ms", none, Some(0.812)),
            ("812.5 ms", ms, Some(0.8125)),
            ("2 s", ms, Some(2.0)),
            ("250 \u{b5}s", s, Some(0.00025)),
            ("3 min", s, Some(180.0)),
            ("5 MB", bytes, Some(5e6)),
            ("12%", none, Some(0.12)),
            ("12 %", Some(Unit::Ratio), Some(0.12)),
            ("1e3", none, Some(1000.0)),
            ("5 MB", s, None),
            ("5 ms", bytes, None),
            ("5%", s, None),
            ("5 apples", none, None),
            ("1,23,456", none, None),
            ("1.2.3", none, None),
            ("12:30", none, None),
            ("long", none, None),
            ("ms", ms, None),
            ("", none, None),
            ("NaN", none, None),
            ("1e99", none, None),
        ] {
            let found = number(text.as_bytes(), unit);
            let same = match (found, wanted) {
                (Some(found), Some(wanted)) => (found - wanted).abs() < 1e-9,
                (found, wanted) => found == wanted,
            };
            assert!(same, "{text} in {unit:?}: {found:?}, not {wanted:?}");
        }
    }
}
