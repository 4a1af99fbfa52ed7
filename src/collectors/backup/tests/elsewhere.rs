//! Copies, changes and trials of restoring.

use super::*;

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
