//! The hours of the day in which a program is expected to write.

use std::time::{Duration, SystemTime};

use jiff::civil::Time;
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan as _, Zoned};

/// Longer silences are not looked through day by day.
const MAX_DAYS: usize = 60;

/// From one time of the day to another, perhaps over midnight.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Hours {
    from: Time,
    to: Time,
}

impl Hours {
    /// `08:00-22:00`, or what is wrong with it.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = || "must be two times of the day such as `08:00-22:00`".to_owned();
        let (from, to) = text.split_once('-').ok_or_else(wrong)?;
        let time = |text: &str| Time::strptime("%H:%M", text.trim()).map_err(|_| wrong());
        let hours = Self { from: time(from)?, to: time(to)? };
        if hours.from == hours.to {
            return Err("are no hours at all: leave the key out for the whole day".to_owned());
        }
        Ok(hours)
    }

    /// How much of the time between two moments lies within the hours of this zone.
    pub fn within(&self, since: SystemTime, now: SystemTime, zone: &TimeZone) -> Duration {
        let (Ok(since), Ok(now)) = (Timestamp::try_from(since), Timestamp::try_from(now)) else {
            return Duration::ZERO;
        };
        let mut day = since.to_zoned(zone.clone()).date().yesterday().ok();
        let mut sum = Duration::ZERO;
        for _ in 0..MAX_DAYS {
            let Some(date) = day else { break };
            // A time that the clock leaves out that day is taken at the other end of the gap.
            let start = date.to_datetime(self.from).to_zoned(zone.clone());
            let end_day = if self.to > self.from { Ok(date) } else { date.tomorrow() };
            let end = end_day.map(|day| day.to_datetime(self.to).to_zoned(zone.clone()));
            let (Ok(start), Ok(Ok(end))) = (start, end) else { break };
            if start.timestamp() > now {
                break;
            }
            sum += overlap(&start, &end, since, now);
            day = date.checked_add(1.day()).ok();
        }
        sum
    }
}

fn overlap(start: &Zoned, end: &Zoned, since: Timestamp, now: Timestamp) -> Duration {
    let (start, end) = (start.timestamp().max(since), end.timestamp().min(now));
    Duration::try_from(end.duration_since(start)).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str, zone: &TimeZone) -> SystemTime {
        let local: jiff::civil::DateTime = text.parse().unwrap();
        SystemTime::from(local.to_zoned(zone.clone()).unwrap().timestamp())
    }

    #[test]
    fn only_the_hours_count() {
        let zone = TimeZone::get("Europe/Berlin").unwrap();
        let silence = |hours: &str, since: &str, now: &str| {
            let hours = Hours::parse(hours).unwrap();
            hours.within(at(since, &zone), at(now, &zone), &zone).as_secs() / 60
        };
        let day = "08:00-22:00";
        assert_eq!(silence(day, "2024-05-01T07:00", "2024-05-01T07:59"), 0);
        assert_eq!(silence(day, "2024-05-01T07:00", "2024-05-01T08:30"), 30);
        assert_eq!(silence(day, "2024-05-01T21:50", "2024-05-02T07:00"), 10, "the night is none");
        assert_eq!(silence(day, "2024-05-01T21:50", "2024-05-02T08:05"), 15);
        let night = "22:00-06:00";
        assert_eq!(silence(night, "2024-05-01T03:00", "2024-05-01T12:00"), 180);
        assert_eq!(silence(night, "2024-05-01T20:00", "2024-05-02T01:00"), 180);
        // The night of the change to summer time has an hour less, that of the other one more.
        assert_eq!(silence(night, "2024-03-30T20:00", "2024-03-31T12:00"), 7 * 60);
        assert_eq!(silence(night, "2024-10-26T20:00", "2024-10-27T12:00"), 9 * 60);
        assert_eq!(silence(day, "2024-05-02T08:05", "2024-05-01T21:50"), 0, "a clock put back");
    }

    #[test]
    fn mistakes() {
        let times = "must be two times of the day such as `08:00-22:00`";
        for (text, said) in [
            ("8-22", times),
            ("08:00", times),
            ("08:00-25:00", times),
            ("08:00-08:00", "are no hours at all: leave the key out for the whole day"),
        ] {
            assert_eq!(Hours::parse(text).unwrap_err(), said, "{text}");
        }
        assert!(Hours::parse(" 08:00 - 22:00 ").is_ok());
    }
}
