//! Sizes, durations and numbers, as they are written in Compose files.

use std::time::Duration;

/// Bytes: `512m`, `1.5gb`, `2G`, `64MiB`, `1024`. All units are powers of 1024, as Docker has it.
#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "it is in the range of u64, and Docker cuts off the fraction of a byte too"
)]
pub fn size(text: &str) -> Option<u64> {
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
    let bytes = decimal(number)? * (1_u64 << shift) as f64;
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
        seconds += decimal(number)? * unit;
        rest = next;
    }
    Duration::try_from_secs_f64(seconds).ok()
}

/// A number of CPUs: `0.5`, `2`.
pub fn decimal(text: &str) -> Option<f64> {
    let plain = !text.is_empty() && text.chars().all(|c| c.is_ascii_digit() || c == '.');
    plain.then(|| text.parse().ok()).flatten()
}

pub fn whole(text: &str) -> Option<u64> {
    text.trim().parse().ok()
}

/// A limit; `-1`, which lifts it, is read as 0.
pub fn limit(text: &str) -> Option<u64> {
    if text.trim() == "-1" { Some(0) } else { whole(text) }
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
            assert_eq!(size(text), want, "{text}");
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
        assert_eq!(
            (decimal("0.5"), decimal("2"), decimal(".25")),
            (Some(0.5), Some(2.0), Some(0.25))
        );
        assert_eq!(
            (decimal("inf"), decimal("-1"), decimal("1e3"), decimal("")),
            (None, None, None, None)
        );
        assert_eq!((limit("-1"), limit("200"), limit("-2")), (Some(0), Some(200), None));
        assert_eq!((truth("True"), truth("no"), truth("maybe")), (Some(true), Some(false), None));
    }
}
