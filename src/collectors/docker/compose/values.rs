//! Sizes, durations and numbers, as they are written in Compose files.

use std::time::Duration;

use super::figures::{Figure, Number, float};

/// Bytes, as in `size_of`. A plain number is one of bytes; -1 is none, and so is a fraction.
pub fn size(figure: &Figure) -> Option<u64> {
    match figure.number {
        Some(Number::Whole(bytes)) => Some(u64::try_from(bytes).unwrap_or(0)),
        Some(Number::Decimal(_)) => Some(0),
        None => size_of(&figure.text),
    }
}

/// Bytes: `512m`, `1.5gb`, `2G`, `64MiB`, `1024`. All units are powers of 1024, as Docker has it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is in the range of u64, and Docker cuts off the fraction of a byte too"
)]
fn size_of(text: &str) -> Option<u64> {
    let (number, unit) = split(text.trim());
    let shift = match unit.trim_start().to_ascii_lowercase().as_str() {
        "" | "b" => 0,
        "k" | "kb" | "kib" => 10,
        "m" | "mb" | "mib" => 20,
        "g" | "gb" | "gib" => 30,
        "t" | "tb" | "tib" => 40,
        "p" | "pb" | "pib" => 50,
        _ => return None,
    };
    if let Ok(whole) = number.parse::<u64>() {
        return whole.checked_mul(1 << shift);
    }
    let bytes = plain(number)? * (1_u64 << shift) as f64;
    (bytes < u64::MAX as f64).then_some(bytes as u64)
}

/// `1m30s`, `500ms`, `1.5h`, `2d`.
pub fn duration(text: &str) -> Option<Duration> {
    let mut rest = text.trim();
    if rest == "0" {
        return Some(Duration::ZERO);
    }
    if rest.is_empty() {
        return None;
    }
    let mut seconds = 0.0;
    while !rest.is_empty() {
        let (number, after) = split(rest);
        let end = after.find(|c: char| c.is_ascii_digit() || c == '.').unwrap_or(after.len());
        let (unit, next) = after.split_at(end);
        let unit = match unit {
            "ns" => 1e-9,
            "us" | "µs" | "μs" => 1e-6,
            "ms" => 1e-3,
            "s" => 1.0,
            "m" => 60.0,
            "h" => 3_600.0,
            "d" => 86_400.0,
            "w" => 604_800.0,
            _ => return None,
        };
        seconds += plain(number)? * unit;
        rest = next;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// A number of CPUs: `0.5`, `2`, `1e-1`.
pub fn decimal(figure: &Figure) -> Option<f64> {
    let value = match figure.number {
        Some(Number::Whole(whole)) => whole as f64,
        Some(Number::Decimal(decimal)) => decimal,
        None => float(&figure.text.replace('_', ""))?,
    };
    (value >= 0.0 && value.is_finite()).then_some(value)
}

/// Digits and a point.
fn plain(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    plain.then(|| text.parse().ok()).flatten()
}

#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "checked just before")]
pub fn whole(figure: &Figure) -> Option<u64> {
    match figure.number {
        Some(Number::Whole(whole)) => whole.try_into().ok(),
        Some(Number::Decimal(decimal)) => {
            let is_whole = decimal.fract() == 0.0 && (0.0..1e15).contains(&decimal);
            is_whole.then_some(decimal as u64)
        }
        None => figure.text.trim().parse().ok(),
    }
}

/// A limit; what is below 0 lifts it, and is read as 0.
pub fn limit(figure: &Figure) -> Option<u64> {
    match figure.number {
        Some(Number::Whole(..0)) => Some(0),
        None if figure.text.trim() == "-1" => Some(0),
        _ => whole(figure),
    }
}

pub fn truth(text: &str) -> Option<bool> {
    match text.to_ascii_lowercase().as_str() {
        "true" | "yes" | "y" | "on" | "1" => Some(true),
        "false" | "no" | "n" | "off" | "0" => Some(false),
        _ => None,
    }
}

fn split(text: &str) -> (&str, &str) {
    text.split_at(text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn quoted(text: &str) -> Figure {
        Figure { text: text.to_owned(), number: None }
    }

    #[test]
    fn sizes() {
        for (text, want) in [
            ("512m", Some(512 << 20)),
            ("512M", Some(512 << 20)),
            ("1.5gb", Some(3 << 29)),
            ("2G", Some(2 << 30)),
            ("64MiB", Some(64 << 20)),
            ("1 g", Some(1 << 30)),
            ("10k", Some(10_240)),
            ("100b", Some(100)),
            ("1073741824", Some(1 << 30)),
            ("0", Some(0)),
            ("0.5", Some(0)),
            ("1t", Some(1 << 40)),
            ("99999999999999p", None),
            ("99999999999999.5p", None),
            ("-1", None),
            ("1.2.3m", None),
            ("much", None),
            ("m", None),
            ("5x", None),
            ("", None),
        ] {
            assert_eq!(size(&quoted(text)), want, "{text}");
        }
    }

    #[test]
    fn durations() {
        let millis = Duration::from_millis;
        for (text, want) in [
            ("1m30s", Some(millis(90_000))),
            ("500ms", Some(millis(500))),
            ("1.5s", Some(millis(1_500))),
            ("1h", Some(millis(3_600_000))),
            ("1d", Some(millis(86_400_000))),
            ("2us", Some(Duration::from_micros(2))),
            ("0", Some(Duration::ZERO)),
            ("0s", Some(Duration::ZERO)),
            ("10", None),
            ("-5s", None),
            ("5 s", None),
            ("s", None),
            ("", None),
            ("99999999999999999999w", None),
        ] {
            assert_eq!(duration(text), want, "{text}");
        }
    }

    #[test]
    fn numbers() {
        let number = |text: &str| decimal(&quoted(text));
        for (text, want) in [
            ("0.5", Some(0.5)),
            ("2", Some(2.0)),
            (".25", Some(0.25)),
            ("1e-1", Some(0.1)),
            ("1_0", Some(10.0)),
            ("+2", Some(2.0)),
            ("inf", None),
            ("nan", None),
            ("-1", None),
            ("0x2", None),
            (" 1", None),
            ("e", None),
            ("", None),
        ] {
            assert_eq!(number(text), want, "{text}");
        }
        let limit = |text: &str| limit(&quoted(text));
        assert_eq!((limit("-1"), limit("200"), limit("-2")), (Some(0), Some(200), None));
        assert_eq!((truth("True"), truth("no"), truth("maybe")), (Some(true), Some(false), None));
    }
}
