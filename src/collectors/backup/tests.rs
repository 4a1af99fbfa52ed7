//! Forty days of a folder of backups. The clock is given.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use jiff::{Timestamp, ToSpan as _, Zoned};

use super::gather::Gather;
use super::judge::{Backup, Terms, judge};
use super::past::Past;
use super::schedule::Schedule;
use super::seen::{Id, Look, Mark, Seen};
use super::whole::{Fault, Verdict, What};

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

    fn delete(&mut self) {
        let before = time(&self.now) - self.delete_after;
        self.files.retain(|file| file.written >= before);
    }

    /// Half past each hour.
    fn look(&mut self) -> Backup {
        let now = time(&self.now) + HOUR / 2;
        // As the plan has it: a run and the slack to spare.
        let mut gather = Gather::new(now.checked_sub(self.delete_after + DAY + 2 * HOUR));
        for (inode, file) in (1..).zip(&self.files) {
            gather.take(file.written, || Seen {
                id: Id { inode, size: file.size, modified: file.written },
                name: Timestamp::try_from(file.written).unwrap().to_string(),
                path: Some(PathBuf::from("/srv/backups/x")),
                copies: Some(file.copies),
            });
        }
        let mut look = gather.end();
        look.complete = self.complete;
        (look.changed, look.restored) = (self.changed, self.restored);
        self.past.look(&look, now);
        let wanting: Vec<Id> = self.past.wanting(&look, true).map(|seen| seen.id).collect();
        for id in wanting {
            let file = self.files.iter().find(|file| file.written == id.modified).unwrap();
            self.past.note(Mark { id, verdict: file.verdict, full: true });
        }
        self.past.measure(&look, self.terms.smallest);
        let said = judge(&self.terms, &look, &self.past, now);
        self.said.push((now, said.clone()));
        said
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
    assert_eq!((last.present, last.valid, last.generations), (Some(true), Some(true), Some(31)));
    assert_eq!(last.verified, Some(31));
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
        assert_eq!(days.last().generations, Some(30));
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
    // 30 days, a run, and the slack: none is told on the thirtieth.
    let first = days.said.iter().find(|(_, backup)| backup.expired > Some(0)).unwrap();
    let age = first.0.duration_since(days.files[0].written).unwrap();
    assert!(age > 31 * DAY && age < 32 * DAY, "{age:?}");
    assert_eq!(days.last().expired, Some(9));

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

// [F02]
#[test]
fn the_copying_stops() {
    let mut days = Days::new();
    days.terms.copies = 2;
    days.run(|days, day| {
        let file = days.dump();
        if day >= 35 {
            file.copies = 1;
        }
    });
    let missing = days.count(|backup| backup.copies_missing == Some(1));
    // Each has two hours to be copied, and until then the one before it is asked for.
    let nights = days.said.len() - 13 - 35 * 24;
    assert!(missing + 3 >= nights - 24 && missing < nights, "{missing} of {nights}");
    assert_eq!(days.last().copies_missing, Some(1));
}

// [F08]
#[test]
fn a_migration_after_the_last_dump() {
    let mut days = Days::new();
    days.terms.schedule = None;
    days.terms.slack = Some(Duration::ZERO);
    days.terms.keep = None;
    days.dump();
    assert_eq!(days.look().behind, Some(Duration::ZERO), "nothing has changed yet");
    days.changed = Some(days.files[0].written - HOUR);
    assert_eq!(days.look().behind, Some(Duration::ZERO));
    days.changed = Some(days.files[0].written + 3 * HOUR);
    assert_eq!(days.look().behind, Some(3 * HOUR));
    // The dump before the deployment, a day at most, is all that is asked for.
    days.terms.slack = Some(DAY);
    assert_eq!(days.look().behind, Some(Duration::ZERO));
    let said = days.look();
    assert_eq!((said.overdue, said.period, said.generations_missing), (None, None, None));
}

// [F07]
#[test]
fn restoring_is_tried_or_not() {
    let mut days = Days::new();
    days.terms.restore = Some(20 * DAY);
    days.run(|days, day| {
        days.dump();
        if day == 5 {
            days.restored = Some(time(&days.now));
        }
    });
    let tested = days.count(|backup| backup.restore_tested == Some(true));
    assert_eq!(tested, 20 * 24);
    assert_eq!(days.said[0].1.restore_tested, Some(false), "never");
    assert_eq!(days.said[0].1.restore_age, None);
    assert!(days.last().restore_age > Some(30 * DAY));
}

#[test]
fn a_file_that_is_being_written_is_not_judged() {
    let mut days = Days::new();
    days.run(|days, _| {
        days.dump();
    });
    let look = |days: &Days, file: &File| {
        let mut gather = Gather::new(None);
        for (inode, file) in (1..).zip(days.files.iter().chain([file])) {
            gather.take(file.written, || Seen {
                id: Id { inode, size: file.size, modified: file.written },
                name: format!("{inode}"),
                path: Some("/x".into()),
                copies: None,
            });
        }
        gather.end()
    };
    let mut now = time(&days.now) + HOUR;
    let mut file = File { written: now, size: 10, verdict: Verdict::Whole, copies: 0 };
    let whole = days.last().clone();
    for minute in 0..30 {
        (file.written, file.size) = (now, 10 + minute);
        let look = look(&days, &file);
        days.past.look(&look, now + Duration::from_secs(5));
        assert_eq!(days.past.wanting(&look, true).count(), 0);
        days.past.measure(&look, 1);
        let said = judge(&days.terms, &look, &days.past, now);
        assert_eq!(said.growing, Some(true));
        assert_eq!((said.size, said.valid), (whole.size, Some(true)), "of the one before");
        now += Duration::from_mins(1);
    }
    // It does not change any more, and is still: now it counts.
    now += Duration::from_mins(2);
    let still = look(&days, &file);
    days.past.look(&still, now);
    assert_eq!(days.past.wanting(&still, true).count(), 1);
    let said = judge(&days.terms, &still, &days.past, now);
    assert_eq!((said.growing, said.size, said.valid), (Some(false), Some(39), None));
    // A copy that keeps the time of its original grows all the same.
    file.size = 50;
    let copied = look(&days, &file);
    days.past.look(&copied, now);
    assert!(judge(&days.terms, &copied, &days.past, now).growing == Some(true));
    // A time to come is still when it has not changed.
    file.written = now + 5 * HOUR;
    let ahead = look(&days, &file);
    days.past.look(&ahead, now);
    assert!(judge(&days.terms, &ahead, &days.past, now).growing == Some(true));
    days.past.look(&ahead, now);
    let said = judge(&days.terms, &ahead, &days.past, now);
    assert_eq!(
        (said.growing, said.age, said.overdue),
        (Some(false), Some(Duration::ZERO), Some(Duration::ZERO))
    );
}

#[test]
fn what_was_not_seen_is_not_missing() {
    let mut days = Days::new();
    days.complete = false;
    let said = days.look();
    let unknown =
        Backup { damaged: None, period: said.period, verified: Some(0), ..Backup::default() };
    assert_eq!(said, unknown);
    days.dump();
    days.now = days.now.checked_add(3.hours()).unwrap();
    let said = days.look();
    assert_eq!(
        (said.present, said.generations, said.generations_missing),
        (Some(true), None, None)
    );
}

#[test]
fn many_generations_cost_no_more_than_the_newest() {
    let mut gather = Gather::new(None);
    let begin = SystemTime::UNIX_EPOCH;
    for number in 0..100_000_u64 {
        let inode = number.wrapping_mul(7_919) % 100_000;
        let modified = begin + Duration::from_secs(inode);
        gather.take(modified, || Seen {
            id: Id { inode, size: 1, modified },
            name: inode.to_string(),
            path: None,
            copies: None,
        });
    }
    let look: Look = gather.end();
    assert_eq!((look.all, look.newest.len()), (100_000, super::past::MOST));
    let newest: Vec<u64> = look.newest.iter().map(|seen| seen.id.inode).collect();
    assert_eq!(newest, (100_000 - 64..100_000).rev().collect::<Vec<_>>());
    assert_eq!(look.oldest, Some(begin));
}
