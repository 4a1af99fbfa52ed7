//! What a look makes of single files: growing ones, folders a day, times that lie ahead.

use super::*;

fn seen(path: &str, inode: u64, size: u64, modified: SystemTime) -> Seen {
    Seen {
        id: Id { inode, size, modified },
        at: modified,
        name: path.rsplit('/').next().unwrap().into(),
        path: Some(path.into()),
        below: path.into(),
    }
}

fn look_of(all: &[Seen]) -> Look {
    let mut gather = Gather::new(None);
    for one in all {
        gather.take(one.id.modified, || one.clone());
    }
    gather.end()
}

/// `/backups/%Y-%m-%d/db.sql.gz`: all have one name, and none grows for that.
#[test]
fn the_same_name_in_a_folder_a_day() {
    let now = SystemTime::UNIX_EPOCH + 20_000 * DAY;
    let all: Vec<Seen> = (1..=5)
        .map(|day| {
            let at = now - u32::try_from(day).unwrap() * DAY;
            seen(&format!("/backups/{day}/db.sql.gz"), day, 1000 + day, at)
        })
        .collect();
    let mut past = Past::default();
    for minute in 0..3 {
        let mut look = look_of(&all);
        past.look(&mut look, now + Duration::from_mins(minute), 2 * HOUR);
        let growing: Vec<_> = look.newest.iter().filter(|seen| past.grows(seen.id)).collect();
        assert!(growing.is_empty(), "{growing:?}");
    }
}

/// One file is written over each night, and copying it takes an hour: it is as late as the one
/// before it was, and not as late as the first look.
#[test]
fn while_the_only_file_grows_the_last_one_counts() {
    let mut days = Days::new();
    (days.overwritten, days.terms.keep) = (true, None);
    let mut most = Duration::ZERO;
    for _ in 0..20 * 24 {
        days.now = days.now.checked_add(1.hour()).unwrap();
        if days.now.hour() == 2 {
            // At half past it still grows.
            days.files.clear();
            days.dump().written = time(&days.now) + HOUR / 2;
        }
        most = most.max(days.look().overdue.unwrap());
        days.restart();
    }
    assert_eq!(days.count(|backup| backup.growing == Some(true)), 20);
    assert_eq!(most, Duration::ZERO);
    // A share that is not mounted, for some minutes.
    days.files.clear();
    let said = days.look();
    assert_eq!((said.present, said.overdue), (Some(false), Some(Duration::ZERO)));
}

/// The clock of whoever wrote it was wrong, by years: what comes after it counts all the same.
#[test]
fn a_time_to_come_is_that_of_the_first_look() {
    let mut days = Days::new();
    days.run(|days, day| {
        if day < 20 {
            days.dump();
        }
        if day == 10 {
            let ahead = time(&days.now) + 4000 * DAY;
            days.dump().written = ahead;
        }
        days.restart();
    });
    assert!(ratio(days.last()) > 1.0, "{:?}", days.last());
    assert!(days.last().age > Some(19 * DAY), "{:?}", days.last().age);
    let mut look = look_of(&[seen("/b/x", 1, 1, time(&days.now) + 9 * DAY)]);
    let now = time(&days.now);
    days.past.look(&mut look, now, 2 * HOUR);
    let table = super::super::sample::detail(&days.terms, &look, &days.past);
    assert!(format!("{:?}", table.rows).contains("its own time lies ahead"));
}

/// Every half hour, and the fourth newest is the first that had time to be copied.
#[test]
fn copies_of_many_that_are_young() {
    let mut days = Days::new();
    days.terms.copies = 1;
    for half in 0..10 {
        let now = time(&days.now);
        days.dump().written = now - HOUR / 2 * half;
    }
    for file in &mut days.files {
        file.copies = 0;
    }
    assert_eq!(days.look().copies_missing, Some(1));
}

/// A share that hangs is not known, and all else is.
#[test]
fn what_lies_elsewhere_takes_nothing_down() {
    let mut days = Days::new();
    (days.terms.copies, days.terms.slack) = (1, Some(Duration::ZERO));
    days.terms.restore = Some(DAY);
    days.run(|days, _| {
        days.dump();
    });
    assert_eq!(days.last().copies_missing, Some(0));
    days.answers = false;
    let said = days.look();
    assert_eq!((said.copies_missing, said.behind, said.restore_tested), (None, None, None));
    assert_eq!((said.present, said.valid), (Some(true), Some(true)));
}

/// One that has just missed a run at 30 days goes at 32, and that is no trouble; nor for a weekly run.
#[test]
fn old_ones_go_with_the_run_after_the_day() {
    let within = 2 * HOUR;
    assert_eq!(expires(30 * DAY, Some(DAY), within), 32 * DAY + within);
    assert_eq!(expires(30 * DAY, None, within), 32 * DAY + within);
    assert_eq!(expires(30 * DAY, Some(7 * DAY), within), 38 * DAY + within);
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
                at: file.written,
                below: format!("{inode}").into(),
                path: Some(format!("/x/{inode}").into()),
            });
        }
        gather.end()
    };
    let mut now = time(&days.now) + HOUR;
    let mut file = File { written: now, size: 10, verdict: Verdict::Whole, copies: 0 };
    let whole = days.last().clone();
    for minute in 0..30 {
        (file.written, file.size) = (now, 10 + minute);
        let mut look = look(&days, &file);
        days.past.look(&mut look, now + Duration::from_secs(5), 2 * HOUR);
        assert_eq!(days.past.wanting(&look, true).count(), 0);
        days.past.measure(&look, 1);
        let said = judge(&days.terms, (&look, None), &days.past, now);
        assert_eq!(said.growing, Some(true));
        assert_eq!((said.size, said.valid), (whole.size, Some(true)), "of the one before");
        now += Duration::from_mins(1);
    }
    // It does not change any more, and is still: now it counts.
    now += Duration::from_mins(2);
    let mut still = look(&days, &file);
    days.past.look(&mut still, now, 2 * HOUR);
    assert_eq!(days.past.wanting(&still, true).count(), 1);
    let said = judge(&days.terms, (&still, None), &days.past, now);
    assert_eq!((said.growing, said.size, said.valid), (Some(false), Some(39), None));
    // A copy that keeps the time of its original grows all the same.
    file.size = 50;
    let mut copied = look(&days, &file);
    days.past.look(&mut copied, now, 2 * HOUR);
    assert!(judge(&days.terms, (&copied, None), &days.past, now).growing == Some(true));
    // A time to come is still when it has not changed.
    file.written = now + HOUR;
    let mut ahead = look(&days, &file);
    days.past.look(&mut ahead, now, 2 * HOUR);
    assert!(judge(&days.terms, (&ahead, None), &days.past, now).growing == Some(true));
    days.past.look(&mut ahead, now, 2 * HOUR);
    let said = judge(&days.terms, (&ahead, None), &days.past, now);
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
            at: modified,
            path: None,
            below: PathBuf::new(),
        });
    }
    let look: Look = gather.end();
    assert_eq!((look.all, look.newest.len()), (100_000, super::super::past::MOST));
    let newest: Vec<u64> = look.newest.iter().map(|seen| seen.id.inode).collect();
    assert_eq!(newest, (100_000 - 64..100_000).rev().collect::<Vec<_>>());
    assert_eq!(look.oldest, Some(begin));
}
