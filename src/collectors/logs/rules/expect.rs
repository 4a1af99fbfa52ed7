//! Lines that are expected at a time: "backup finished", daily by 03:00.

use std::time::{Duration, SystemTime};

use jiff::civil::{Date, Time};
use jiff::tz::TimeZone;
use jiff::{Timestamp, ToSpan, Zoned};

use super::super::recent::since;
use super::written::Expect;

/// When a line is expected.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Schedule {
    Every(Duration),
    /// Between two times of day, the first of which may be of the day before.
    Daily {
        from: Time,
        by: Time,
    },
}

impl Schedule {
    pub fn new(written: &Expect) -> Result<Self, (&'static str, String)> {
        match (written.every, &written.daily) {
            (Some(every), None) if written.from.is_some() => {
                let _ = every;
                Err(("expect.from", "goes with `daily`".into()))
            }
            (Some(every), None) if every.get().is_zero() => {
                Err(("expect.every", "must be more than nothing, for example `24h`".into()))
            }
            (Some(every), None) => Ok(Self::Every(every.get())),
            (None, Some(daily)) => {
                let by = time("expect.daily", daily)?;
                let from = written.from.as_ref().map(|from| time("expect.from", from));
                Ok(Self::Daily { from: from.unwrap_or(Ok(by))?, by })
            }
            _ => Err((
                "expect",
                "needs either `every`, such as `24h`, or `daily`, such as `\"03:00\"`".into(),
            )),
        }
    }

    /// For how long the line has been missing. What lies before the rule was watched is not judged.
    pub fn overdue(
        self,
        last: Option<SystemTime>,
        watched: SystemTime,
        now: SystemTime,
        zone: &TimeZone,
    ) -> Duration {
        match self {
            Self::Every(every) => {
                since(last.map_or(watched, |last| last.max(watched)), now).saturating_sub(every)
            }
            Self::Daily { from, by } => {
                let Some((start, end)) = window(from, by, now, zone) else { return Duration::ZERO };
                let there = last.is_some_and(|last| last >= start);
                if there || watched > start { Duration::ZERO } else { since(end, now) }
            }
        }
    }
}

/// The last window that has ended.
fn window(
    from: Time,
    by: Time,
    now: SystemTime,
    zone: &TimeZone,
) -> Option<(SystemTime, SystemTime)> {
    let now = Timestamp::try_from(now).ok()?.to_zoned(zone.clone());
    // A time of day that the clocks skip is the one after the gap, one that comes twice the first.
    let at = |date: Date, time: Time| date.to_datetime(time).to_zoned(zone.clone()).ok();
    let mut day = now.date();
    let mut end: Zoned = at(day, by)?;
    if end > now {
        day = day.checked_sub(1.day()).ok()?;
        end = at(day, by)?;
    }
    if from >= by {
        day = day.checked_sub(1.day()).ok()?;
    }
    let start = at(day, from)?;
    Some((start.timestamp().into(), end.timestamp().into()))
}

fn time(key: &'static str, text: &str) -> Result<Time, (&'static str, String)> {
    let wrong = || (key, "must be a time of day, for example `\"03:00\"`".to_owned());
    let (hour, minute) = text.split_once(':').ok_or_else(wrong)?;
    let digits = |part: &str| {
        let two = part.len() == 2 && part.bytes().all(|byte| byte.is_ascii_digit());
        if two { part.parse::<i8>().ok() } else { None }
    };
    let (Some(hour), Some(minute)) = (digits(hour), digits(minute)) else { return Err(wrong()) };
    Time::new(hour, minute, 0, 0).map_err(|_| wrong())
}
