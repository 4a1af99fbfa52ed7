//! Forty days of a folder of backups. The clock is given.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use jiff::{Timestamp, ToSpan as _, Zoned};

use super::fetch::State;
use super::gather::Gather;
use super::judge::{Backup, Terms, judge};
use super::past::Past;
use super::plan::expires;
use super::schedule::Schedule;
use super::seen::{Elsewhere, Id, Look, Mark, Seen};
use super::whole::{Fault, Verdict, What};

mod elsewhere;
mod files;

const HOUR: Duration = Duration::from_hours(1);
const DAY: Duration = Duration::from_hours(24);

/// One generation as the folder has it.
#[derive(Clone)]
struct File {
    written: SystemTime,
    size: u64,
    verdict: Verdict,
    copies: usize,
}

/// A folder, a clock, and what is remembered.
struct Days {
    now: Zoned,
    files: Vec<File>,
    past: Past,
    terms: Terms,
    delete_after: Duration,
    changed: Option<SystemTime>,
    restored: Option<SystemTime>,
    complete: bool,
    /// Whether all are written over one file.
    overwritten: bool,
    /// Whether what lies elsewhere answers.
    answers: bool,
    /// What each look has said.
    said: Vec<(SystemTime, Backup)>,
}

fn time(zoned: &Zoned) -> SystemTime {
    zoned.timestamp().into()
}

impl Days {
    /// KO's: at two each night, kept for 30 days.
    fn new() -> Self {
        let zone = "Europe/Kyiv";
        let schedule = Schedule::new(None, Some("0 2 * * *"), Some(zone)).unwrap();
        Self {
            // The clocks go forward within the forty days.
            now: "2026-03-01T12:00[Europe/Kyiv]".parse().unwrap(),
            files: Vec::new(),
            past: Past::default(),
            terms: Terms {
                schedule: Some(schedule),
                within: 2 * HOUR,
                smallest: 1,
                keep: Some(7),
                copies: 0,
                slack: None,
                restore: None,
                full: true,
            },
            delete_after: 30 * DAY,
            changed: None,
            restored: None,
            complete: true,
            overwritten: false,
            answers: true,
            said: Vec::new(),
        }
    }

    fn size(&self) -> u64 {
        // It grows a little each day.
        1_000_000 + self.files.len() as u64 * 5_000
    }

    /// Lets an hour go by, with what a night does at two of the clock on the wall.
    fn hour(&mut self, night: &mut dyn FnMut(&mut Self, usize)) {
        self.now = self.now.checked_add(1.hour()).unwrap();
        if self.now.hour() == 2 {
            let day = self.said.len() / 24;
            night(self, day);
        }
        self.look();
    }

    /// The dump is done after a quarter of an hour.
    fn dump(&mut self) -> &mut File {
        let (size, written) = (self.size(), time(&self.now) + HOUR / 4);
        self.files.push(File { written, size, verdict: Verdict::Whole, copies: self.terms.copies });
        self.files.last_mut().unwrap()
    }

    /// `find -mtime +30 -delete`: whole days, and more than so many.
    fn delete(&mut self) {
        let now = time(&self.now);
        let days = |age: Duration| age.as_secs() / DAY.as_secs();
        let most = days(self.delete_after);
        self.files.retain(|file| {
            now.duration_since(file.written).is_ok_and(|age| days(age) <= most)
                || file.written >= now
        });
    }

    fn path(&self, file: &File) -> PathBuf {
        let name = Timestamp::try_from(file.written).unwrap().to_string();
        PathBuf::from("/srv/backups").join(if self.overwritten { "db.sql.gz".into() } else { name })
    }

    /// Half past each hour.
    fn look(&mut self) -> Backup {
        let now = time(&self.now) + HOUR / 2;
        let expires = expires(self.delete_after, Some(DAY), self.terms.within);
        let mut gather = Gather::new(now.checked_sub(expires));
        for (inode, file) in (1..).zip(&self.files) {
            let path = self.path(file);
            gather.take(file.written, || Seen {
                id: Id { inode, size: file.size, modified: file.written },
                at: file.written,
                name: "as shown".into(),
                below: path.file_name().map(PathBuf::from).unwrap(),
                path: Some(path),
            });
        }
        let mut look = gather.end();
        look.complete = self.complete;
        self.past.look(&mut look, now, self.terms.within);
        let wanting: Vec<Id> = self.past.wanting(&look, true).map(|seen| seen.id).collect();
        for id in wanting {
            let file = self.files.iter().find(|file| file.written == id.modified).unwrap();
            self.past.note(Mark { id, verdict: file.verdict, full: true });
        }
        self.past.measure(&look, self.terms.smallest);
        let elsewhere = self.elsewhere(&look, now);
        let said = judge(&self.terms, (&look, elsewhere.as_ref()), &self.past, now);
        self.said.push((now, said.clone()));
        said
    }

    fn elsewhere(&self, look: &Look, now: SystemTime) -> Option<Elsewhere> {
        let past = self.past.clone();
        let state = State { past, look: Arc::new(look.clone()), ..State::default() };
        let in_folders = |seen: &Seen| {
            let file = self.files.iter().find(|file| file.written == seen.id.modified);
            (seen.id, file.map(|file| file.copies))
        };
        let copies = state.to_find(self.terms.within, now).iter().map(in_folders).collect();
        let (changed, restored) = (self.changed, self.restored);
        self.answers.then_some(Elsewhere { changed, restored, copies })
    }

    /// Forty days, with something else in one of the nights.
    fn run(&mut self, mut night: impl FnMut(&mut Self, usize)) {
        for _ in 0..40 * 24 {
            self.hour(&mut night);
        }
    }

    /// How many of the looks say so.
    fn count(&self, says: impl Fn(&Backup) -> bool) -> usize {
        self.said.iter().filter(|(_, backup)| says(backup)).count()
    }

    fn last(&self) -> &Backup {
        &self.said.last().unwrap().1
    }

    /// The process ends and another one begins, with what was written down.
    fn restart(&mut self) {
        let kept = serde_json::to_string(&self.past).unwrap();
        let mut past = Past::default();
        past.remember(serde_json::from_str(&kept).unwrap());
        self.past = past;
    }
}

fn ratio(backup: &Backup) -> f64 {
    backup.overdue.unwrap().as_secs_f64() / backup.period.unwrap().as_secs_f64()
}

fn is_fine(backup: &Backup) -> bool {
    backup.overdue == Some(Duration::ZERO)
        && backup.empty != Some(true)
        && backup.valid != Some(false)
        && backup.generations_missing == Some(0)
        && backup.expired == Some(0)
        && backup.damaged.unwrap_or(0) == 0
        && backup.size_ratio.is_none_or(|ratio| ratio > 0.9)
}

// [F05]
#[test]
fn forty_good_days() {
    let mut days = Days::new();
    days.run(|days, _| {
        days.dump();
        days.delete();
    });
    // Before the first night there is none, which is no trouble of its schedule.
    let bad: Vec<_> = days.said.iter().filter(|(_, backup)| !is_fine(backup)).collect();
    assert!(bad.is_empty(), "{:?}", bad.first());
    assert_eq!(days.count(|backup| backup.present == Some(false)), 13);
    let last = days.last();
    assert_eq!((last.present, last.valid, last.generations), (Some(true), Some(true), Some(32)));
    assert_eq!(last.verified, Some(32));
    assert!(last.age.unwrap() < DAY && last.usable_age == last.age, "{last:?}");
    assert!(last.size_ratio.unwrap() >= 1.0);
    // A period has 23 hours once, when the clocks go forward.
    let periods = |seconds: u64| days.count(|it| it.period == Some(Duration::from_secs(seconds)));
    assert_eq!((periods(23 * 3600) > 0, periods(24 * 3600) > 800), (true, true));
}

// [F05] [F01]
#[test]
fn a_night_without_a_dump_and_then_another() {
    let mut days = Days::new();
    days.run(|days, day| {
        if day != 20 && !(30..=31).contains(&day) {
            days.dump();
        }
        days.delete();
    });
    // From four o'clock to the next dump: 22 hours each time, and then a second day.
    let overdue = days.count(|backup| backup.overdue > Some(Duration::ZERO));
    assert_eq!(overdue, 22 + 46);
    let critical = days.count(|backup| ratio(backup) > 1.0);
    assert_eq!(critical, 22, "by a second period, and not before");
    let first = days.said.iter().find(|(_, backup)| backup.overdue > Some(Duration::ZERO)).unwrap();
    assert_eq!(first.1.overdue.unwrap(), HOUR / 2);
    assert_eq!(days.count(|backup| backup.valid == Some(false)), 0);
}

#[test]
fn one_that_never_was_is_overdue_from_the_first_night_on() {
    let mut days = Days::new();
    days.run(|_, _| {});
    assert!(
        days.said.iter().all(|(_, backup)| backup.present == Some(false) && backup.age.is_none())
    );
    let first =
        days.said.iter().position(|(_, backup)| backup.overdue > Some(Duration::ZERO)).unwrap();
    assert_eq!(first, 15, "watched since one in the afternoon, due at two, done by four");
    let critical = days.said.iter().position(|(_, backup)| ratio(backup) > 1.0).unwrap();
    assert_eq!(critical, first + 24);
    assert_eq!(days.last().generations_missing, Some(7));
    // The same after a restart, which forgets nothing.
    let before = days.last().overdue;
    days.restart();
    assert_eq!(days.look().overdue, before);
}

#[test]
fn a_restart_each_day_changes_nothing() {
    let run = |restarts: bool| {
        let mut days = Days::new();
        days.run(|days, day| {
            if day != 12 {
                days.dump();
            }
            days.delete();
            if restarts {
                days.restart();
            }
        });
        days.said
    };
    assert_eq!(run(false), run(true));
}

// [F05]
#[test]
fn a_dump_that_is_empty_or_cut() {
    for (fault, size) in [(Fault::Empty, 20), (Fault::Cut, 600_000), (Fault::Damaged, 1_000_000)] {
        let mut days = Days::new();
        days.run(|days, day| {
            let file = days.dump();
            if day == 20 {
                file.verdict = Verdict::Broken(fault, What::Gzip);
                file.size = size;
            }
            days.delete();
        });
        // Until the next night; it is found with the first look after it was written.
        assert_eq!(days.count(|backup| backup.valid == Some(false)), 24, "{fault:?}");
        let empty = if fault == Fault::Empty { 24 } else { 0 };
        assert_eq!(days.count(|backup| backup.empty == Some(true)), empty, "{fault:?}");
        // It came in time, and is told as what it is.
        assert_eq!(days.count(|backup| backup.overdue > Some(Duration::ZERO)), 0);
        let old = days.count(|backup| backup.usable_age.is_some_and(|age| age > 25 * HOUR));
        assert!((20..=24).contains(&old), "{old}");
        // Then it is one of the older ones, up to its end.
        assert_eq!(days.last().damaged, Some(1));
        assert_eq!(days.last().generations, Some(31));
        // And its size is no past of others.
        assert!(days.last().size_ratio.unwrap() > 0.99);
    }
}

#[test]
fn a_file_below_the_smallest_size_is_empty_without_a_look() {
    let mut days = Days::new();
    days.terms.smallest = 1024;
    days.run(|days, day| {
        let file = days.dump();
        if day == 39 {
            file.size = 1023;
        }
    });
    assert_eq!((days.last().empty, days.last().valid), (Some(true), Some(false)));
}

#[test]
fn half_of_it_is_missing() {
    let mut days = Days::new();
    days.run(|days, day| {
        let half = days.size() / 3;
        let file = days.dump();
        if day >= 20 {
            file.size = half;
        }
        days.delete();
    });
    let shrunk = days.count(|backup| backup.size_ratio.is_some_and(|ratio| ratio < 0.5));
    // After half of the last ten are as small it is the new size.
    assert!((4 * 24..=6 * 24).contains(&shrunk), "{shrunk}");
    // Three are no past yet: the first nights have none.
    assert_eq!(days.count(|backup| backup.size_ratio.is_none()), 13 + 3 * 24);
}

/// Of one file that is overwritten each night the past is only in the memory.
#[test]
fn the_same_file_each_night() {
    let mut days = Days::new();
    days.terms.keep = None;
    days.run(|days, day| {
        days.files.clear();
        let file = days.dump();
        file.size = if day == 30 { 100 } else { 1_000_000 };
        days.restart();
    });
    let shrunk = days.count(|backup| backup.size_ratio.is_some_and(|ratio| ratio < 0.5));
    assert_eq!(shrunk, 24);
    assert_eq!(days.last().generations, Some(1));
}

// [F05] [F04]
#[test]
fn nobody_deletes_or_somebody_deletes_too_much() {
    let mut days = Days::new();
    days.run(|days, _| {
        days.dump();
    });
    // Over 30 whole days, a run, and the slack.
    let first = days.said.iter().find(|(_, backup)| backup.expired > Some(0)).unwrap();
    let age = first.0.duration_since(days.files[0].written).unwrap();
    assert!(age > 32 * DAY && age < 33 * DAY, "{age:?}");
    assert_eq!(days.last().expired, Some(8));

    let mut days = Days::new();
    days.run(|days, day| {
        days.dump();
        if day == 20 {
            let last = days.files.len() - 2;
            days.files.drain(..last);
        }
    });
    let missing: Vec<_> = days.said.iter().map(|(_, it)| it.generations_missing.unwrap()).collect();
    assert_eq!(missing.iter().max(), Some(&5), "seven are to be kept, two are left");
    assert_eq!((missing[100], missing.last()), (0, Some(&0)));
}
