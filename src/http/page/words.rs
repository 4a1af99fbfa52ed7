//! Values, times and names as the page shows them: short, and fit to be seen.

use std::borrow::Cow;

use jiff::Timestamp;
use jiff::tz::TimeZone;

use crate::catalogue::Unit;
pub(super) use crate::overview::{part, service_path, target_path};
use crate::text::printable;

/// A text from outside in one line of so many characters at most. Who escapes HTML is maud.
pub(super) fn seen(text: &str, most: usize) -> Cow<'_, str> {
    match text.char_indices().nth(most) {
        None => printable(text),
        Some((end, _)) => {
            let begin = text.get(..end).unwrap_or_default();
            Cow::Owned(format!("{}…", printable(begin.trim_end())))
        }
    }
}

/// "3d 2h", coarse enough to read at a glance.
pub(super) fn span(seconds: f64) -> String {
    let seconds = whole(seconds);
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m", seconds / 60),
        3600..86_400 => two(seconds / 3600, "h", seconds / 60 % 60, "m"),
        86_400..864_000 => two(seconds / 86_400, "d", seconds / 3600 % 24, "h"),
        _ => format!("{}d", seconds / 86_400),
    }
}

fn two(large: u64, unit: &str, small: u64, of: &str) -> String {
    if small == 0 { format!("{large}{unit}") } else { format!("{large}{unit} {small}{of}") }
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a number of seconds or of something else that is counted"
)]
fn whole(value: f64) -> u64 {
    value.max(0.0) as u64
}

/// Amount and unit of a size: ("212", "MiB"), three digits at most.
fn size(bytes: f64) -> (String, &'static str) {
    const UNITS: [&str; 5] = ["kiB", "MiB", "GiB", "TiB", "PiB"];
    let mut value = bytes;
    let mut unit = "B";
    for next in UNITS {
        if value < 999.5 {
            break;
        }
        value /= 1024.0;
        unit = next;
    }
    let decimals = usize::from(unit != "B" && value < 9.95);
    (format!("{value:.decimals$}"), unit)
}

/// "212 MiB".
pub(super) fn bytes(value: f64) -> String {
    let (amount, unit) = size(value);
    format!("{amount} {unit}")
}

/// What is used and of how much: ("212", "of 512 MiB"), with each unit once.
pub(super) fn bytes_of(used: f64, limit: f64) -> (String, String) {
    let ((amount, unit), (most, of)) = (size(used), size(limit));
    let used = if unit == of { amount } else { format!("{amount} {unit}") };
    (used, format!("of {most} {of}"))
}

/// Processors: "0.12", "1.5", "12".
pub(super) fn cores(value: f64) -> String {
    let decimals = if value < 0.995 { 2 } else { usize::from(value < 9.95) };
    let text = format!("{value:.decimals$}");
    if text == "0.00" { "0".to_owned() } else { text }
}

/// A value of a chart: as everywhere, but sizes and times as short as there is room for.
pub(super) fn value(unit: Unit, value: f64) -> String {
    match unit {
        Unit::Bytes => bytes(value),
        Unit::Seconds if value >= 60.0 => span(value),
        Unit::Count if value.fract() != 0.0 && value.abs() < 10.0 => format!("{value:.1}"),
        _ => unit.show(value),
    }
}

/// "1 service", "8 services".
pub(super) fn counted(count: usize, one: &str, many: &str) -> String {
    if count == 1 { format!("1 {one}") } else { format!("{count} {many}") }
}

/// Times of this machine's zone.
#[derive(Clone)]
pub(super) struct Clock {
    zone: TimeZone,
}

impl Clock {
    pub(super) fn system() -> Self {
        Self { zone: TimeZone::system() }
    }

    #[cfg(test)]
    pub(super) fn utc() -> Self {
        Self { zone: TimeZone::UTC }
    }

    fn format(&self, at: u64, format: &str) -> String {
        let at = Timestamp::from_second(i64::try_from(at).unwrap_or_default()).unwrap_or_default();
        at.to_zoned(self.zone.clone()).strftime(format).to_string()
    }

    /// "02:10".
    pub(super) fn time(&self, at: u64) -> String {
        self.format(at, "%H:%M")
    }

    /// "2026-01-31 02:10".
    pub(super) fn moment(&self, at: f64) -> String {
        self.format(whole(at), "%Y-%m-%d %H:%M")
    }
}

/// `2026-01-31T02:10:00Z`, for machines.
pub(super) fn exact(at: f64) -> String {
    let at = Timestamp::from_second(i64::try_from(whole(at)).unwrap_or_default());
    at.unwrap_or_default().to_string()
}

/// What an element is called in links to it; other names are other ids.
pub(super) fn anchor(kind: &str, name: &str) -> String {
    // `_` begins what stands for another character.
    let mut id = format!("{kind}-");
    for byte in name.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' => id.push(char::from(byte)),
            other => id += &format!("_{other:02x}"),
        }
    }
    id
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_and_times_are_short() {
        for (value, text) in [
            (0.0, "0 B"),
            (999.0, "999 B"),
            (1000.0, "1.0 kiB"),
            (212.0 * 1_048_576.0, "212 MiB"),
            (1_288_490_189.0, "1.2 GiB"),
            (10.7 * 1_073_741_824.0, "11 GiB"),
        ] {
            assert_eq!(bytes(value), text);
        }
        let mib = 1_048_576.0;
        let of = |used, limit| {
            let (used, of) = bytes_of(used, limit);
            format!("{used} {of}")
        };
        assert_eq!(of(212.0 * mib, 512.0 * mib), "212 of 512 MiB");
        assert_eq!(of(212.0 * mib, 2048.0 * mib), "212 MiB of 2.0 GiB");
        for (value, text) in
            [(0.0, "0"), (0.004, "0"), (0.12, "0.12"), (0.996, "1.0"), (1.5, "1.5"), (12.0, "12")]
        {
            assert_eq!(cores(value), text);
        }
        for (seconds, text) in [
            (-3.0, "0s"),
            (59.9, "59s"),
            (60.0, "1m"),
            (3600.0, "1h"),
            (3660.0, "1h 1m"),
            (86_400.0, "1d"),
            (266_400.0, "3d 2h"),
            (900_000.0, "10d"),
        ] {
            assert_eq!(span(seconds), text);
        }
        assert_eq!(value(Unit::Ratio, 0.931), "93.1%");
        assert_eq!(value(Unit::Seconds, 0.05), "50ms");
        assert_eq!(value(Unit::Seconds, 7200.0), "2h");
        assert_eq!(value(Unit::Count, 2.5), "2.5");
        assert_eq!(value(Unit::Count, 1234.0), "1234");
    }

    #[test]
    fn a_name_from_outside_stays_in_its_place() {
        assert_eq!(seen("<b>\u{202e}x\n", 10), "<b>\\u202ex\\n");
        assert_eq!(seen("éééé", 4), "éééé");
        assert_eq!(seen("éééé", 3), "ééé…");
        assert_eq!(service_path("", "a/b?\"<"), "/service/-/a%2Fb%3F%22%3C");
        assert_eq!(target_path("probe", ".."), "/target/probe/%2E%2E");
        assert_eq!(anchor("project", "a b_c"), "project-a_20b_5fc");
        assert_ne!(anchor("project", "a b"), anchor("project", "a_20b"));
    }

    #[test]
    fn times_are_of_the_zone() {
        let clock = Clock { zone: TimeZone::posix("EET-2").unwrap() };
        assert_eq!(clock.time(1_704_110_400), "14:00");
        assert_eq!(clock.moment(1_704_110_400.7), "2024-01-01 14:00");
        assert_eq!(exact(1_704_110_400.7), "2024-01-01T12:00:00Z");
        assert_eq!(Clock::utc().time(1_704_110_400), "12:00");
    }
}
