//! Phrases.

/// "3d 2h", "5m 10s": a duration in its two largest units.
pub(super) fn span(seconds: f64) -> String {
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "whole seconds")]
    let seconds = seconds.max(0.0) as u64;
    let (days, hours, minutes) = (seconds / 86_400, seconds / 3600 % 24, seconds / 60 % 60);
    let two = |(more, more_unit): (u64, char), (less, less_unit): (u64, char)| {
        let rest = if less > 0 { format!(" {less}{less_unit}") } else { String::new() };
        format!("{more}{more_unit}{rest}")
    };
    if days > 0 {
        two((days, 'd'), (hours, 'h'))
    } else if hours > 0 {
        two((hours, 'h'), (minutes, 'm'))
    } else if minutes > 0 {
        two((minutes, 'm'), (seconds % 60, 's'))
    } else {
        format!("{seconds}s")
    }
}

/// "1 file", "3 files".
pub(super) fn counted(count: f64, one: &str, many: &str) -> String {
    if (count - 1.0).abs() < f64::EPSILON { format!("1 {one}") } else { format!("{count} {many}") }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_have_two_units() {
        for (seconds, text) in [
            (0.4, "0s"),
            (-3.0, "0s"),
            (59.9, "59s"),
            (60.0, "1m"),
            (310.0, "5m 10s"),
            (7200.0, "2h"),
            (266_400.0, "3d 2h"),
        ] {
            assert_eq!(span(seconds), text);
        }
        assert_eq!(counted(1.0, "file", "files"), "1 file");
        assert_eq!(counted(0.0, "file", "files"), "0 files");
    }
}
