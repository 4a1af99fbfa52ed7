//! When a backup is due: each so often, or by a line of a crontab.

use std::time::{Duration, SystemTime};

use croner::Cron;
use croner::parser::{CronParser, Seconds, Year};
use jiff::tz::TimeZone;
use jiff::{Timestamp, Zoned};

/// A wrong key and what is wrong with it.
pub type Wrong = (&'static str, String);

/// When a backup is due.
#[derive(Clone, Debug)]
pub enum Schedule {
    Every(Duration),
    /// The clock on the wall of this zone.
    Cron(Box<Cron>, TimeZone),
}

/// A run that had to be there by now and is not.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Missed {
    /// When it was due.
    pub due: SystemTime,
    /// From then to the next one.
    pub period: Duration,
}

impl Schedule {
    /// From what is written, of which exactly one must be.
    pub fn new(
        every: Option<Duration>,
        cron: Option<&str>,
        zone: Option<&str>,
    ) -> Result<Self, Wrong> {
        match (every, cron) {
            (Some(_), None) if zone.is_some() => {
                Err(("time_zone", "goes with `cron`: a period has no time of day".into()))
            }
            (Some(every), None) if every < Duration::from_mins(1) => {
                Err(("every", "must be a minute or more, for example `1d`".into()))
            }
            (Some(every), None) => Ok(Self::Every(every)),
            (None, Some(cron)) => {
                let zone = zone.map_or_else(|| Ok(TimeZone::system()), named)?;
                let cron = parse(cron)?;
                let schedule = Self::Cron(Box::new(cron), zone);
                // The 30th of February never comes.
                match schedule.next(SystemTime::now()) {
                    Some(_) => Ok(schedule),
                    None => Err(("cron", "such a day never comes".into())),
                }
            }
            _ => Err((
                "every",
                "say either how often, `every: 1d`, or when, `cron: \"0 2 * * *\"`".into(),
            )),
        }
    }

    /// The first run after this moment.
    pub fn next(&self, after: SystemTime) -> Option<SystemTime> {
        match self {
            Self::Every(every) => after.checked_add(*every),
            Self::Cron(cron, zone) => {
                let after = zoned(after, zone)?;
                let next: Zoned = cron.find_next_occurrence(&after, false).ok()?;
                Some(next.timestamp().into())
            }
        }
    }

    /// The first run since the last backup (or since it has been watched) that should be there by
    /// now: a backup whose writing ended at `last` is that of the run before.
    pub fn missed(&self, last: SystemTime, within: Duration, now: SystemTime) -> Option<Missed> {
        let due = self.next(last)?;
        if due.checked_add(within)? >= now {
            return None;
        }
        let period = match self {
            Self::Every(every) => *every,
            Self::Cron(..) => self.next(due)?.duration_since(due).ok()?,
        };
        Some(Missed { due, period })
    }

    /// How many runs there have been from one moment to another, counted up to `most`.
    pub fn runs(&self, from: SystemTime, to: SystemTime, most: u32) -> u32 {
        let (mut at, mut runs) = (from, 0);
        while runs < most {
            match self.next(at) {
                Some(next) if next <= to => (at, runs) = (next, runs + 1),
                _ => break,
            }
        }
        runs
    }
}

fn zoned(time: SystemTime, zone: &TimeZone) -> Option<Zoned> {
    Some(Timestamp::try_from(time).ok()?.to_zoned(zone.clone()))
}

fn named(name: &str) -> Result<TimeZone, Wrong> {
    TimeZone::get(name)
        .map_err(|_| ("time_zone", "is no time zone, write for example `Europe/Kyiv`".to_owned()))
}

/// What the crontab of a machine takes, and not what other schedulers add to it: what cron refuses
/// never runs, so it must not be expected.
fn parse(text: &str) -> Result<Cron, Wrong> {
    let wrong = |why: &str| ("cron", why.to_owned());
    let nickname = match text.trim() {
        "@yearly" | "@annually" => Some("0 0 1 1 *"),
        "@monthly" => Some("0 0 1 * *"),
        "@weekly" => Some("0 0 * * 0"),
        "@daily" | "@midnight" => Some("0 0 * * *"),
        "@hourly" => Some("0 * * * *"),
        _ => None,
    };
    let text = nickname.unwrap_or(text);
    let fields: Vec<&str> = text.split_ascii_whitespace().collect();
    if fields.len() != 5 {
        return Err(wrong(
            "must have five fields: minute, hour, day of the month, month, day of the week, as in `0 2 * * *`",
        ));
    }
    let plain = |c: char| c.is_ascii_alphanumeric() || "*/,-".contains(c);
    let letters = |field: &&str| field.chars().any(|c| c.is_ascii_alphabetic());
    let names = |field: &str, known: &[&str]| {
        let words = field.split(|c: char| !c.is_ascii_alphabetic()).filter(|word| !word.is_empty());
        let mut words = words.map(str::to_ascii_lowercase);
        words.all(|word| known.contains(&word.as_str()))
    };
    let known = names(fields.get(3).unwrap_or(&""), &MONTHS)
        && names(fields.get(4).unwrap_or(&""), &DAYS)
        && !fields.iter().take(3).any(letters);
    // Nothing between commas is no time at all, for which the library looks for a long time.
    let something = |field: &&str| field.split(',').all(|part| !part.is_empty());
    if !known || !fields.iter().all(|field| field.chars().all(plain) && something(field)) {
        return Err(wrong(
            "takes numbers, names of months and days, `*`, `,`, `-` and `/`, as crontab(5) does",
        ));
    }
    let parser = CronParser::builder().seconds(Seconds::Disallowed).year(Year::Disallowed).build();
    parser.parse(&fields.join(" ")).map_err(|_| {
        wrong("is not understood: write it as in a crontab, for example `0 2 * * *` or `30 3 * * sun`")
    })
}

const MONTHS: [&str; 12] =
    ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const DAYS: [&str; 7] = ["sun", "mon", "tue", "wed", "thu", "fri", "sat"];

#[cfg(test)]
mod tests {
    use super::*;

    fn at(text: &str) -> SystemTime {
        text.parse::<Timestamp>().unwrap().into()
    }

    fn cron(text: &str, zone: &str) -> Schedule {
        Schedule::new(None, Some(text), Some(zone)).unwrap()
    }

    fn next(schedule: &Schedule, from: &str) -> String {
        Timestamp::try_from(schedule.next(at(from)).unwrap()).unwrap().to_string()
    }

    #[test]
    fn a_line_of_a_crontab_says_when() {
        for (text, from, want) in [
            ("0 2 * * *", "2026-03-01T02:00:00Z", "2026-03-02T02:00:00Z"),
            ("0 2 * * *", "2026-03-01T01:59:59Z", "2026-03-01T02:00:00Z"),
            // Sunday is 0 and 7 and has a name.
            ("0 3 * * 0", "2026-03-02T00:00:00Z", "2026-03-08T03:00:00Z"),
            ("0 3 * * 7", "2026-03-02T00:00:00Z", "2026-03-08T03:00:00Z"),
            ("0 3 * * Sun", "2026-03-02T00:00:00Z", "2026-03-08T03:00:00Z"),
            ("0 3 * * 5-7", "2026-03-02T00:00:00Z", "2026-03-06T03:00:00Z"),
            ("*/15 9-17/4 * * mon-fri", "2026-03-06T13:50:00Z", "2026-03-06T17:00:00Z"),
            ("0 0 29 2 *", "2026-03-01T00:00:00Z", "2028-02-29T00:00:00Z"),
            // Where both are given, either will do.
            ("0 4 1 * 1", "2026-03-02T05:00:00Z", "2026-03-09T04:00:00Z"),
            ("0 4 1 jan,JUL *", "2026-03-02T05:00:00Z", "2026-07-01T04:00:00Z"),
            ("@daily", "2026-03-02T05:00:00Z", "2026-03-03T00:00:00Z"),
        ] {
            assert_eq!(next(&cron(text, "UTC"), from), want, "{text}");
        }
    }

    #[test]
    fn what_cron_refuses_is_refused() {
        for text in [
            "",
            "0 2 * *",
            "0 2 * * * *",
            "60 2 * * *",
            "0 24 * * *",
            "0 2 0 * *",
            "0 2 * 13 *",
            "0 2 * * 8",
            "0 2 L * *",
            "0 2 15W * *",
            "0 2 * * 5#2",
            "0 2 ? * *",
            "x 2 * * *",
            "0 2 * mar mon2",
            "0 2 * * +1",
            "-1 2 * * *",
            "5- 2 * * *",
            "*/0 2 * * *",
            "@reboot",
            "0 2 * foo *",
            "0 2 30 2 *",
            "9-5 2 * * *",
            "0 2 * * 5L",
            "é 2 * * *",
            ",, * * * *",
        ] {
            let wrong = Schedule::new(None, Some(text), Some("UTC")).map(|_| ());
            assert_eq!(wrong.unwrap_err().0, "cron", "{text}");
        }
        let new = |every, cron, zone| Schedule::new(every, cron, zone).map(|_| ()).unwrap_err().0;
        let day = Some(Duration::from_hours(24));
        assert_eq!(new(None, None, None), "every");
        assert_eq!(new(day, Some("0 2 * * *"), None), "every");
        assert_eq!(new(Some(Duration::ZERO), None, None), "every");
        assert_eq!(new(day, None, Some("UTC")), "time_zone");
        assert_eq!(new(None, Some("0 2 * * *"), Some("Europe/Kiyv")), "time_zone");
    }

    #[test]
    fn a_day_that_never_comes_is_told_in_time() {
        let begun = std::time::Instant::now();
        assert!(Schedule::new(None, Some("0 2 31 2,4,6,9,11 *"), Some("UTC")).is_err());
        assert!(begun.elapsed() < Duration::from_secs(30), "{:?}", begun.elapsed());
    }

    #[test]
    fn the_clocks_go_forward_and_back() {
        // Kyiv: on 2026-03-29 from 03:00 to 04:00, on 2026-10-25 from 04:00 back to 03:00.
        let kyiv = cron("30 3 * * *", "Europe/Kyiv");
        assert_eq!(next(&kyiv, "2026-03-27T12:00:00Z"), "2026-03-28T01:30:00Z");
        // 03:30 is skipped: cron runs it right after the gap.
        let moved = next(&kyiv, "2026-03-28T12:00:00Z");
        assert!(
            ("2026-03-29T01:00:00Z"..="2026-03-29T01:30:00Z").contains(&moved.as_str()),
            "{moved}"
        );
        assert_eq!(next(&kyiv, "2026-03-29T12:00:00Z"), "2026-03-30T00:30:00Z");
        // 03:30 comes twice and is run once.
        assert_eq!(next(&kyiv, "2026-10-24T12:00:00Z"), "2026-10-25T00:30:00Z");
        assert_eq!(next(&kyiv, "2026-10-25T00:31:00Z"), "2026-10-26T01:30:00Z");
        // A daily backup at two is due after 23, 24 and 25 hours.
        let two = cron("0 2 * * *", "Europe/Berlin");
        let mut due = at("2026-03-01T00:00:00Z");
        let mut hours = Vec::new();
        for _ in 0..300 {
            let after = two.next(due).unwrap();
            hours.push(after.duration_since(due).unwrap().as_secs() / 3600);
            due = after;
        }
        // The gap begins at two, so that night's is at three by the new clock: an hour later by it.
        assert!(hours.iter().all(|hours| (1..=25).contains(hours)), "{hours:?}");
        assert_eq!(hours.iter().filter(|hours| **hours == 25).count(), 1);
        assert_eq!(hours.iter().filter(|hours| **hours == 23).count(), 1);
    }

    #[test]
    fn a_run_is_missed_when_its_slack_is_over() {
        let daily = cron("0 2 * * *", "UTC");
        let slack = Duration::from_hours(2);
        let missed = |last: &str, now: &str| daily.missed(at(last), slack, at(now));
        // The dump of two o'clock was written by five past.
        assert_eq!(missed("2026-03-01T02:05:00Z", "2026-03-02T04:00:00Z"), None);
        let day = Duration::from_hours(24);
        let first = Missed { due: at("2026-03-02T02:00:00Z"), period: day };
        assert_eq!(missed("2026-03-01T02:05:00Z", "2026-03-02T04:00:01Z"), Some(first));
        assert_eq!(missed("2026-03-01T02:05:00Z", "2026-03-09T04:00:01Z"), Some(first));
        // One that is made by hand does not stand for that of the night.
        assert_eq!(missed("2026-03-02T01:30:00Z", "2026-03-02T05:00:00Z"), Some(first));
        let weekly = Schedule::new(Some(7 * day), None, None).unwrap();
        assert_eq!(
            weekly.missed(at("2026-03-01T00:00:00Z"), slack, at("2026-03-08T02:00:00Z")),
            None
        );
        let missed = weekly.missed(at("2026-03-01T00:00:00Z"), slack, at("2026-03-08T02:00:01Z"));
        assert_eq!(missed.unwrap().period, 7 * day);
        assert_eq!(daily.runs(at("2026-03-01T02:05:00Z"), at("2026-03-04T02:00:00Z"), 9), 3);
        assert_eq!(daily.runs(at("2026-03-01T02:05:00Z"), at("2027-03-04T02:00:00Z"), 9), 9);
    }
}
