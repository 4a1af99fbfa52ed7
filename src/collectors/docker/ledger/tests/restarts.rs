//! Whose a start was: the restart policy's, or somebody's.

use super::*;

#[test]
fn a_start_by_hand_is_no_restart_by_the_policy() {
    let looked = |restarts, started| Detail {
        restarts: Some(restarts),
        policy: "always".into(),
        ..detail(started, started - 1.0)
    };
    // Its restart failed, and somebody started it again.
    let mut book = Book::new();
    book.event(101.0, "start").look("running", looked(0, 100.9), 105.0, true);
    book.die(110.0, 137).event(150.0, "start").look("running", looked(0, 149.9), 155.0, true);
    assert_eq!((book.counts().restarts, book.counts().starts), (0, 2));
    // By the policy this time.
    book.die(160.0, 1).event(161.0, "start").look("running", looked(1, 160.9), 165.0, true);
    assert_eq!((book.counts().restarts, book.counts().starts), (1, 3));
    // Twice by the policy and once by hand, all between two looks.
    book.die(170.0, 1).event(171.0, "start").die(172.0, 1).event(173.0, "start");
    book.die(174.0, 1).event(200.0, "start").look("running", looked(0, 199.9), 205.0, true);
    assert_eq!((book.counts().restarts, book.counts().starts), (3, 6));
    // `docker restart` after one by the policy.
    book.die(210.0, 1).event(211.0, "start");
    book.look("running", looked(1, 210.9), 215.0, true).die(220.0, 1).event(221.0, "start");
    book.kill(222.0, "15").die(222.1, 143).event(222.3, "start");
    book.look("running", looked(0, 222.2), 225.0, true);
    assert_eq!((book.counts().restarts, book.counts().starts), (5, 9));
    assert_eq!(book.counts().deaths().map(|(_, count)| count).sum::<u64>(), 8);
    // One by the policy; then `docker restart` and another by the policy between two looks.
    book.die(230.0, 1).event(231.0, "start").look("running", looked(1, 230.9), 235.0, true);
    assert_eq!((book.counts().restarts, book.counts().starts), (6, 10));
    book.kill(240.0, "15").die(240.1, 143).event(240.3, "start");
    book.die(242.0, 1).event(243.0, "start").look("running", looked(1, 242.9), 248.0, true);
    assert_eq!((book.counts().restarts, book.counts().starts), (7, 12));
}

#[test]
fn restarts_of_one_that_has_given_up() {
    let mut book = Book::new();
    let looked = |restarts, started, finished| Detail {
        restarts: Some(restarts),
        policy: "on-failure".into(),
        exit_code: Some(1),
        ..detail(started, finished)
    };
    book.event(101.0, "start").look("running", looked(0, 100.9, 0.0), 105.0, true);
    book.die(110.0, 1).event(110.2, "start").die(110.3, 1).event(110.6, "start").die(110.7, 1);
    book.look("exited", looked(2, 110.5, 110.7), 120.0, true);
    book.look("exited", looked(2, 110.5, 110.7), 130.0, true);
    assert_eq!((book.counts().restarts, book.counts().starts), (2, 3));
    assert_eq!(book.deaths("error"), 3);
}

/// `docker restart` by cron: a stop that somebody asked for, and a start. [C05]
#[test]
fn a_script_that_restarts_is_told_from_the_policy_and_from_a_person() {
    let restart = |book: &mut Book, at: f64| {
        book.kill(at, "15").die(at + 1.0, 0).event(at + 1.1, "stop").event(at + 1.2, "start");
    };
    let often = |book: &Book, now: f64| book.0.known(ID, now).restarted_often;
    let mut book = Book::new();
    book.event(10_000.0, "create").event(10_001.0, "start");
    for minute in [5.0, 10.0, 15.0, 20.0] {
        restart(&mut book, 10_000.0 + minute * 60.0);
    }
    assert!(!often(&book, 11_300.0), "four times may be a person");
    restart(&mut book, 11_500.0);
    assert!(often(&book, 11_510.0));
    assert!(often(&book, 13_200.0) && !often(&book, 13_400.0), "half an hour later it is over");

    let mut crashes = Book::new();
    crashes.event(10_001.0, "start");
    for minute in 1..8 {
        let at = 10_000.0 + 60.0 * f64::from(minute);
        crashes.die(at, 1).event(at + 1.0, "start");
    }
    assert!(!often(&crashes, 10_500.0), "that is the policy, and told as a loop");

    let mut slow = Book::new();
    slow.event(10_001.0, "start");
    for hour in 1..8 {
        restart(&mut slow, 10_000.0 + 3000.0 * f64::from(hour));
    }
    assert!(!often(&slow, 31_100.0), "each fifty minutes");
}
