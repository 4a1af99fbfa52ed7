//! Values as people read them. The same text as the template functions of Prometheus give, so that
//! `check`, the status page and the alert say the same.

use super::signal::{Direction, Unit};

impl Unit {
    /// The value with its unit.
    pub fn show(self, value: f64) -> String {
        match self {
            Self::Seconds => duration(value),
            Self::Bytes => {
                format!("{}B", prefixed(value, 1024.0, &["", "ki", "Mi", "Gi", "Ti", "Pi"]))
            }
            Self::Ratio => format!("{}%", significant(value * 100.0)),
            // A count over time is computed, and may come out as 3.2 lines.
            Self::Count => format!("{value:.0}"),
            Self::Bool => general(value, 6),
            Self::Rate => format!("{}/s", general(value, 6)),
        }
    }

    /// The value as people say it, for `check` and the status page: no more digits than tell anything.
    /// An alert has only the template functions of Prometheus, and says the same more exactly.
    pub fn told(self, value: f64) -> String {
        match self {
            Self::Seconds => told_duration(value),
            Self::Bytes => told_bytes(value),
            Self::Ratio => told_percent(value * 100.0),
            Self::Count if value > 0.0 && value < 0.5 => "<1".to_owned(),
            Self::Rate => format!("{}/s", digits(value, 3)),
            Self::Count | Self::Bool => self.show(value),
        }
    }

    /// A threshold as the configuration writes it.
    pub fn threshold(self, value: f64, direction: Direction) -> String {
        let on = if direction == Direction::Above { 0.0 } else { 1.0 };
        match self {
            Self::Bool if (value - on).abs() < f64::EPSILON => "on".to_owned(),
            _ => self.show(value),
        }
    }

    /// A step of a template of Prometheus that makes "90d" of "90d 0h 0m 0s", and "2h 5m" of "2h 5m 3s".
    pub const TWO_PARTS: &str = "reReplaceAll `^(-?[0-9]+[dhm])( [1-9][0-9]*[hms])?( .*)?$` `$1$2`";

    /// What the template says of a value.
    pub fn in_alert(self, value: f64) -> String {
        let shown = self.show(value);
        if self != Self::Seconds {
            return shown;
        }
        let mut parts = shown.split(' ');
        let first = parts.next().unwrap_or_default();
        match parts.next().filter(|second| !second.starts_with('0')) {
            Some(second) => format!("{first} {second}"),
            None => first.to_owned(),
        }
    }

    /// The value as a template of Prometheus, applied to `variable`.
    pub fn template(self, variable: &str) -> String {
        match self {
            Self::Seconds => {
                format!("{{{{ {variable} | humanizeDuration | {} }}}}", Self::TWO_PARTS)
            }
            Self::Bytes => format!("{{{{ {variable} | humanize1024 }}}}B"),
            Self::Ratio => format!("{{{{ {variable} | humanizePercentage }}}}"),
            Self::Count => format!("{{{{ {variable} | printf \"%.0f\" }}}}"),
            Self::Bool => format!("{{{{ {variable} | printf \"%.6g\" }}}}"),
            Self::Rate => format!("{{{{ {variable} | printf \"%.6g\" }}}}/s"),
        }
    }
}

/// "90d", "2h 5m", "5.1 s", "2.2 ms".
fn told_duration(value: f64) -> String {
    let sign = if value < 0.0 { "-" } else { "" };
    let size = value.abs();
    let (number, unit) = match size {
        0.0 => return "0 s".to_owned(),
        // What rounds up to the next unit is told in that one.
        ..0.000_999_5 => (digits(size * 1e6, 2), "us"),
        ..0.999_5 => (digits(size * 1e3, 2), "ms"),
        ..59.95 => (digits(size, 2), "s"),
        _ => {
            let whole = duration(size.round());
            let parts = whole.split(' ').filter(|part| !part.starts_with('0'));
            return format!("{sign}{}", parts.take(2).collect::<Vec<_>>().join(" "));
        }
    };
    format!("{sign}{number} {unit}")
}

/// "1.4 GiB".
fn told_bytes(value: f64) -> String {
    const UNITS: [&str; 6] = ["B", "KiB", "MiB", "GiB", "TiB", "PiB"];
    let mut number = value;
    let mut units = UNITS.iter();
    let mut unit = units.next();
    // 1023.96 would be told as 1024.
    while number.abs() >= 1023.5 {
        let Some(next) = units.next() else { break };
        number /= 1024.0;
        unit = Some(next);
    }
    format!("{} {}", digits(number, 2), unit.unwrap_or(&""))
}

/// "93%", "1.2%", "<0.01%"; nearly all is not all.
fn told_percent(value: f64) -> String {
    match value {
        0.0 => "0%".to_owned(),
        0.0..0.01 => "<0.01%".to_owned(),
        99.95..100.0 => ">99.9%".to_owned(),
        _ => format!("{}%", digits(value, if value.abs() < 1.0 { 2 } else { 3 })),
    }
}

/// So many digits that count, all of those before the point, and no zeros at the end.
fn digits(value: f64, count: usize) -> String {
    #[allow(clippy::cast_possible_truncation, reason = "a power of ten of a number is small")]
    let before = if value == 0.0 { 1 } else { value.abs().log10().floor() as i32 + 1 };
    let places = usize::try_from(i32::try_from(count).unwrap_or(0) - before).unwrap_or(0);
    trim_zeros(&format!("{value:.places$}")).to_owned()
}

/// Divides by `base` until the number is handy.
fn prefixed(mut value: f64, base: f64, prefixes: &[&str]) -> String {
    let mut prefixes = prefixes.iter();
    let mut prefix = prefixes.next();
    while value.abs() >= base {
        let Some(next) = prefixes.next() else { break };
        value /= base;
        prefix = Some(next);
    }
    format!("{}{}", significant(value), prefix.unwrap_or(&""))
}

/// Numbers below one, in thousandths and so on.
fn small(mut value: f64) -> String {
    let mut prefix = "";
    for next in ["m", "u", "n", "p"] {
        if value.abs() >= 1.0 {
            break;
        }
        value *= 1000.0;
        prefix = next;
    }
    format!("{}{prefix}", significant(value))
}

fn duration(value: f64) -> String {
    if value == 0.0 {
        return "0s".to_owned();
    }
    if value.abs() < 1.0 {
        return format!("{}s", small(value));
    }
    #[allow(clippy::cast_possible_truncation, reason = "a duration in whole seconds")]
    let whole = value.abs() as i64;
    let sign = if value < 0.0 { "-" } else { "" };
    let (days, hours) = (whole / 86_400, whole / 3600 % 24);
    let (minutes, seconds) = (whole / 60 % 60, whole % 60);
    if days > 0 {
        format!("{sign}{days}d {hours}h {minutes}m {seconds}s")
    } else if hours > 0 {
        format!("{sign}{hours}h {minutes}m {seconds}s")
    } else if minutes > 0 {
        format!("{sign}{minutes}m {seconds}s")
    } else {
        format!("{sign}{}s", significant(value.abs()))
    }
}

fn significant(value: f64) -> String {
    general(value, 4)
}

/// So many significant digits, as `%.4g` has it.
fn general(value: f64, digits: usize) -> String {
    if value == 0.0 {
        return "0".to_owned();
    }
    let scientific = format!("{value:.*e}", digits - 1);
    let (mantissa, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or(0);
    let places = i32::try_from(digits).unwrap_or(i32::MAX);
    if !(-4..places).contains(&exponent) {
        let digits = trim_zeros(mantissa);
        let sign = if exponent < 0 { '-' } else { '+' };
        return format!("{digits}e{sign}{:02}", exponent.abs());
    }
    let decimals = usize::try_from(places - 1 - exponent).unwrap_or(0);
    trim_zeros(&format!("{value:.decimals$}")).to_owned()
}

fn trim_zeros(number: &str) -> &str {
    if number.contains('.') { number.trim_end_matches('0').trim_end_matches('.') } else { number }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_read_as_prometheus_writes_them() {
        for (unit, value, text) in [
            (Unit::Seconds, 5.05, "5.05s"),
            (Unit::Seconds, 0.05, "50ms"),
            (Unit::Seconds, 61.9, "1m 1s"),
            (Unit::Seconds, 90_061.0, "1d 1h 1m 1s"),
            (Unit::Bytes, 536_870_912.0, "512MiB"),
            (Unit::Bytes, 1023.0, "1023B"),
            (Unit::Ratio, 0.9, "90%"),
            (Unit::Ratio, 0.012_345_6, "1.235%"),
            (Unit::Count, 1234.4, "1234"),
            (Unit::Count, 1_234_567.0, "1234567"),
            (Unit::Count, 0.999_999_99, "1"),
            (Unit::Count, 17.0, "17"),
            (Unit::Ratio, 123.4, "1.234e+04%"),
            (Unit::Rate, 2.5, "2.5/s"),
        ] {
            assert_eq!(unit.show(value), text, "{unit:?} {value}");
        }
    }

    #[test]
    fn an_alert_says_a_time_in_two_parts() {
        for (value, text) in [
            (7_776_000.0, "90d"),
            (90_061.0, "1d 1h"),
            (3605.0, "1h"),
            (7500.2, "2h 5m"),
            (61.9, "1m 1s"),
            (5.05, "5.05s"),
            (0.05, "50ms"),
        ] {
            assert_eq!(Unit::Seconds.in_alert(value), text, "{value}");
        }
        assert_eq!(Unit::Ratio.in_alert(0.9), "90%");
    }

    #[test]
    fn people_read_few_digits() {
        for (unit, value, text) in [
            (Unit::Seconds, 7_776_000.0, "90d"),
            (Unit::Seconds, 90_061.0, "1d 1h"),
            (Unit::Seconds, 3600.0, "1h"),
            (Unit::Seconds, 7500.2, "2h 5m"),
            (Unit::Seconds, 61.9, "1m 2s"),
            (Unit::Seconds, 59.99, "1m"),
            (Unit::Seconds, -90.0, "-1m 30s"),
            (Unit::Seconds, 86_700.0, "1d 5m"),
            (Unit::Seconds, 5.08, "5.1 s"),
            (Unit::Seconds, 42.4, "42 s"),
            (Unit::Seconds, 0.05, "50 ms"),
            (Unit::Seconds, 0.002_193, "2.2 ms"),
            (Unit::Seconds, 0.999_9, "1 s"),
            (Unit::Seconds, 0.000_04, "40 us"),
            (Unit::Seconds, 0.0, "0 s"),
            (Unit::Bytes, 536_870_912.0, "512 MiB"),
            (Unit::Bytes, 1_503_238_553.6, "1.4 GiB"),
            (Unit::Bytes, 1023.0, "1023 B"),
            (Unit::Bytes, 1_048_570.0, "1 MiB"),
            (Unit::Bytes, 0.0, "0 B"),
            (Unit::Ratio, 0.9, "90%"),
            (Unit::Ratio, 0.012_345, "1.23%"),
            (Unit::Ratio, 0.005_554, "0.56%"),
            (Unit::Ratio, 3.241e-7, "<0.01%"),
            (Unit::Ratio, 0.999_99, ">99.9%"),
            (Unit::Ratio, 1.0, "100%"),
            (Unit::Ratio, 0.0, "0%"),
            (Unit::Ratio, 123.4, "12340%"),
            (Unit::Count, 1_234_567.0, "1234567"),
            (Unit::Count, 0.2, "<1"),
            (Unit::Count, 0.0, "0"),
            (Unit::Rate, 2.512_3, "2.51/s"),
        ] {
            assert_eq!(unit.told(value), text, "{unit:?} {value}");
        }
    }
}
