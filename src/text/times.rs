//! Times as programs in Go write them (RFC 3339, in UTC).

use std::time::Duration;

/// Seconds since 1970 of a time such as `2024-01-01T12:00:00.123456789Z`.
/// The year 1 stands for "never".
pub fn epoch(text: &str) -> Option<f64> {
    let (date, time) = text.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-').map(str::parse::<i64>);
    let (year, month, day) = (date.next()?.ok()?, date.next()?.ok()?, date.next()?.ok()?);
    let mut time = time.splitn(3, ':');
    let (hours, minutes) = (time.next()?.parse::<i64>().ok()?, time.next()?.parse::<i64>().ok()?);
    let seconds: f64 = time.next()?.parse().ok()?;
    // What is no time must not come near the ends of a number either.
    let dated =
        (1970..=9999).contains(&year) && (1..=12).contains(&month) && (1..=31).contains(&day);
    let timed =
        (0..24).contains(&hours) && (0..60).contains(&minutes) && (0.0..61.0).contains(&seconds);
    if !dated || !timed {
        return None;
    }
    let minutes = hours * 60 + minutes;
    // Years from March on, so that the leap day is the last one.
    let (y, m) = if month > 2 { (year, month - 3) } else { (year - 1, month + 9) };
    let days = 365 * y + y / 4 - y / 100 + y / 400 + (153 * m + 2) / 5 + day - 719_469;
    let whole = Duration::from_secs(u64::try_from(days * 86_400 + minutes * 60).ok()?);
    Some(whole.as_secs_f64() + seconds)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_a_server() {
        assert_eq!(epoch("1970-01-01T00:00:00Z"), Some(0.0));
        assert_eq!(epoch("2024-02-29T23:59:59.5Z"), Some(1_709_251_199.5));
        assert_eq!(epoch("2000-03-01T00:00:00Z"), Some(951_868_800.0));
        for none in [
            "0001-01-01T00:00:00Z",
            "",
            "2024-01-01",
            "2024-01-01T00:00:00+01:00",
            "9223372036854775807-01-01T00:00:00Z",
            "2024-01-9223372036854775807T00:00:00Z",
            "2024-01-01T9223372036854775807:00:00Z",
            "2024-01-01T00:00:infZ",
        ] {
            assert_eq!(epoch(none), None, "{none}");
        }
    }
}
