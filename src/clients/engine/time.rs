//! Points in time as the Engine writes them.

use std::time::{SystemTime, UNIX_EPOCH};

/// Our own clock, in seconds since 1970.
pub fn now() -> f64 {
    SystemTime::now().duration_since(UNIX_EPOCH).map_or(0.0, |since| since.as_secs_f64())
}

/// Seconds since 1970 of a text such as `2026-01-02T03:04:05.678901234+02:00`. `None` for what is
/// no such text and for year 1, by which the Engine says "never".
pub fn seconds(text: &str) -> Option<f64> {
    let (date, rest) = text.split_once('T')?;
    let zone_at = rest.find(['Z', '+', '-'])?;
    let (clock, zone) = rest.split_at(zone_at);
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    // What is no time must not come near the ends of a number either.
    if !(2..=9999).contains(&year) || !(1..=12).contains(&month) || !(1..=31).contains(&day) {
        return None;
    }
    let mut clock = clock.splitn(3, ':');
    let (hours, minutes) = (clock.next()?.parse::<i64>().ok()?, clock.next()?.parse::<i64>().ok()?);
    let seconds: f64 = clock.next()?.parse().ok()?;
    if !is_clock(hours, minutes) || !(0.0..61.0).contains(&seconds) {
        return None;
    }
    let whole = (days(year, month, day) * 24 + hours) * 60 + minutes - offset(zone)?;
    Some((whole * 60) as f64 + seconds)
}

/// The same to the nanosecond, of which a log needs every one.
pub fn nanos(text: &str) -> Option<i64> {
    let (whole, rest) = text.split_at_checked(19)?;
    let digits = rest.strip_prefix('.').map_or(0, |rest| {
        rest.len() - rest.trim_start_matches(|digit: char| digit.is_ascii_digit()).len()
    });
    let (fraction, zone) = rest.split_at(if digits == 0 { 0 } else { digits + 1 });
    let fraction = fraction.trim_start_matches('.');
    let fraction = fraction.get(..9).unwrap_or(fraction);
    // Without its fraction a time is a whole number that is well within 53 bits.
    #[allow(clippy::cast_possible_truncation, reason = "see above")]
    let seconds = seconds(&format!("{whole}{zone}"))? as i64;
    let scale = 10_i64.pow(9 - u32::try_from(fraction.len()).ok()?);
    let parts = if fraction.is_empty() { 0 } else { fraction.parse::<i64>().ok()? * scale };
    seconds.checked_mul(1_000_000_000)?.checked_add(parts)
}

/// Minutes east of Greenwich.
fn offset(zone: &str) -> Option<i64> {
    if zone == "Z" {
        return Some(0);
    }
    let sign = if zone.starts_with('-') { -1 } else { 1 };
    let (hours, minutes) = zone.get(1..)?.split_once(':')?;
    let (hours, minutes) = (hours.parse::<i64>().ok()?, minutes.parse::<i64>().ok()?);
    is_clock(hours, minutes).then(|| sign * (hours * 60 + minutes))
}

fn is_clock(hours: i64, minutes: i64) -> bool {
    (0..24).contains(&hours) && (0..60).contains(&minutes)
}

/// Days from 1970-01-01 in the Gregorian calendar: years start in March, so that the leap day is
/// the last of its year.
fn days(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    year * 365 + year.div_euclid(4) - year.div_euclid(100) + year.div_euclid(400) + of_year
        - 719_468
}

#[cfg(test)]
mod tests {
    use super::{nanos, seconds};

    #[test]
    fn times_of_the_engine() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", Some(0.0)),
            ("2024-02-29T12:00:00.5Z", Some(1_709_208_000.5)),
            ("2024-03-01T00:00:00+02:00", Some(1_709_244_000.0)),
            ("2024-02-29T20:30:00-01:30", Some(1_709_244_000.0)),
            ("2000-03-01T00:00:00Z", Some(951_868_800.0)),
            ("0001-01-01T00:00:00Z", None),
            ("", None),
            ("2024-13-01T00:00:00Z", None),
            ("2024-01-01", None),
            ("2024-01-01T00:00:00+é", None),
            ("202899999999999-01-31T12:00:00Z", None),
            ("2024-01-01T9223372036854775807:00:00Z", None),
            ("2024-01-01T00:9223372036854775807:00Z", None),
            ("2024-01-01T00:00:00+9223372036854775807:00", None),
            ("2024-01-01T00:00:1e300Z", None),
            ("2024-01-01T00:00:nanZ", None),
        ] {
            assert_eq!(seconds(text), want, "{text}");
        }
    }

    #[test]
    fn times_of_log_lines() {
        for (text, want) in [
            ("1970-01-01T00:00:00Z", Some(0)),
            ("2024-02-29T12:00:00.5Z", Some(1_709_208_000_500_000_000)),
            ("2024-02-29T12:00:00.000000001Z", Some(1_709_208_000_000_000_001)),
            ("2024-02-29T14:00:00.123456789+02:00", Some(1_709_208_000_123_456_789)),
            ("2024-02-29T12:00:00.1234567891Z", Some(1_709_208_000_123_456_789)),
            ("2024-02-29T12:00:00.5", None),
            ("2024-02-29T12:00", None),
            ("2024-02-29T12:00:0éZ", None),
            ("9999-02-29T12:00:00Z", None),
        ] {
            assert_eq!(nanos(text), want, "{text}");
        }
    }
}
