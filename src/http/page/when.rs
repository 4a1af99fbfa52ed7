//! Times as people read them.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use maud::{Markup, html};

/// "3m 12s", coarse enough to read at a glance.
pub(in crate::http) fn ago(since: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(since).unwrap_or(Duration::ZERO).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

/// "for 3m 12s"; whoever points at it sees since when.
pub(in crate::http) fn lasting(since: SystemTime, now: SystemTime) -> Markup {
    html! { span .since title={ "since " (exact(since)) } { "for " (ago(since, now)) } }
}

/// "12:03:10 CET", in the time zone of the host; the rest is in its attributes.
pub(in crate::http) fn clock(at: SystemTime) -> Markup {
    let shown = zoned(at).map_or_else(String::new, |at| at.strftime("%H:%M:%S %Z").to_string());
    html! { time datetime=(stamp(at)) title=(exact(at)) { (shown) } }
}

/// "2026-11-30 12:03:10 CET"
fn exact(at: SystemTime) -> String {
    zoned(at).map_or_else(String::new, |at| at.strftime("%F %T %Z").to_string())
}

/// "2026-11-30T11:03:10Z"
fn stamp(at: SystemTime) -> String {
    let at = Timestamp::try_from(at).unwrap_or_default();
    at.strftime("%FT%TZ").to_string()
}

fn zoned(at: SystemTime) -> Option<jiff::Zoned> {
    Some(Timestamp::try_from(at).ok()?.to_zoned(TimeZone::system()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    #[test]
    fn two_units_are_enough() {
        for (seconds, text) in
            [(0, "0s"), (59, "59s"), (192, "3m 12s"), (7260, "2h 1m"), (180_000, "2d 2h")]
        {
            assert_eq!(ago(at(1000), at(1000 + seconds)), text);
        }
        assert_eq!(ago(at(1000), at(0)), "0s", "a clock that was set back");
    }

    #[test]
    fn machines_read_the_whole_time() {
        let shown = clock(at(1_795_230_895)).into_string();
        assert!(shown.contains("datetime=\"2026-11-21T03:14:55Z\""), "{shown}");
    }
}
