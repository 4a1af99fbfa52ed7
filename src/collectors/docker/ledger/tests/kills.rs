//! Kills for want of memory: the kernel counts them, events only say when to look.

use super::*;

/// What the kernel says of the run that was started at 100.9.
fn kernel(kills: u64, at: f64) -> Measured {
    Measured { started: 100.9, kills, ending: Some(false), at }
}

impl Book {
    fn measure(&mut self, found: Measured) -> &mut Self {
        self.0.measured(ID, found);
        self
    }

    /// Main and children.
    fn kills(&mut self) -> (u64, u64) {
        let ooms = self.counts().ooms;
        (ooms.main, ooms.child)
    }

    fn ooms(&mut self, at: f64, times: usize) -> &mut Self {
        for _ in 0..times {
            self.event(at, "oom");
        }
        self
    }
}

#[test]
fn many_events_of_one_kill() {
    // As the kernel and Engine 20.10 told of one child.
    let mut book = Book::new();
    book.event(101.0, "start").measure(kernel(0, 103.0)).ooms(105.0, 13);
    assert_eq!(book.kills(), (0, 0), "events are no kills");
    book.measure(kernel(1, 105.5));
    assert_eq!(book.kills(), (0, 0), "the end may follow");
    book.measure(kernel(1, 107.0)).measure(kernel(1, 109.0));
    assert_eq!(book.kills(), (0, 1));
    book.ooms(120.0, 3).measure(kernel(2, 121.0)).measure(kernel(2, 123.0));
    assert_eq!((book.kills(), book.counts().ooms.notices), ((0, 2), 16));
}

#[test]
fn the_main_process() {
    // With and without a look between the kill and the end.
    for (looks, ending) in [(0, None), (1, Some(true)), (3, Some(true)), (3, None)] {
        let mut book = Book::new();
        book.event(101.0, "start").measure(kernel(0, 103.0)).ooms(105.0, 8);
        for look in 0..looks {
            let at = 105.1 + 3.0 * f64::from(look);
            book.measure(Measured { ending, ..kernel(1, at) });
        }
        // So late on a busy machine: the memory has to be given back.
        book.die(112.0, 137);
        assert_eq!((book.kills(), book.deaths("oom")), ((1, 0), 1), "{looks} {ending:?}");
        assert_eq!(book.deaths("killed"), 0);
    }
}

#[test]
fn a_main_process_with_children() {
    let mut book = Book::new();
    book.event(101.0, "start").measure(kernel(1, 103.0)).measure(kernel(1, 105.0));
    book.ooms(110.0, 4).measure(Measured { ending: Some(true), ..kernel(4, 110.1) });
    book.die(110.2, 137);
    assert_eq!((book.kills(), book.deaths("oom")), ((1, 3), 1), "four kills, one of them its own");
}

#[test]
fn each_restart_has_a_count_of_its_own() {
    let mut book = Book::new();
    for run in 0..3 {
        let start = 101.0 + 100.0 * f64::from(run);
        let this = |kills, at| Measured { started: start - 0.1, ..kernel(kills, at) };
        book.event(start, "start").measure(this(0, start + 1.0)).ooms(start + 2.0, 3);
        book.measure(Measured { ending: Some(true), ..this(1, start + 2.1) });
        book.die(start + 2.2, 137);
        // Read before the end, and handed in after it and after the next start.
        book.measure(this(1, start + 2.1)).event(start + 2.3, "start");
        book.measure(this(1, start + 2.1)).measure(this(1, start + 9.0)).die(start + 10.0, 0);
    }
    assert_eq!((book.kills(), book.deaths("oom"), book.deaths("done")), ((3, 0), 3, 3));
}

#[test]
fn a_count_of_the_next_run_is_not_of_this_one() {
    let mut book = Book::new();
    book.event(101.0, "start").measure(kernel(0, 103.0));
    // It was started again, and no event has told so yet.
    book.measure(Measured { started: 150.0, ..kernel(2, 160.0) });
    book.measure(Measured { started: 150.0, ..kernel(2, 170.0) });
    assert_eq!(book.kills(), (0, 0));
    book.look("running", detail(150.0, 149.0), 180.0, false);
    book.measure(Measured { started: 150.0, ..kernel(2, 180.0) });
    book.measure(Measured { started: 150.0, ..kernel(2, 190.0) });
    assert_eq!(book.kills(), (0, 2));
}

#[test]
fn memory_that_is_short_without_a_kill() {
    // `--oom-kill-disable`: its processes wait.
    let mut book = Book::new();
    book.event(101.0, "start").measure(kernel(0, 103.0)).ooms(105.0, 2).measure(kernel(0, 110.0));
    assert_eq!(book.kills(), (0, 0));
    // Killed at last, by a way that the Engine does not know: not for want of memory.
    book.die(200.0, 137);
    assert_eq!((book.kills(), book.deaths("killed"), book.deaths("oom")), ((0, 0), 1, 0));
}

#[test]
fn only_events() {
    // The Engine is elsewhere: nothing but one end can be told.
    let mut book = Book::new();
    book.event(101.0, "start").ooms(105.0, 5).look("running", detail(100.9, 0.0), 130.0, true);
    assert_eq!(book.kills(), (0, 0), "no child is made up");
    book.die(140.0, 137);
    assert_eq!((book.kills(), book.deaths("oom")), ((1, 0), 1));
    book.event(141.0, "start").ooms(150.0, 2).die(151.0, 1);
    assert_eq!((book.kills(), book.deaths("error")), ((1, 0), 1));
}

#[test]
fn an_event_that_comes_after_the_end() {
    for started_again in [false, true] {
        let mut book = Book::new();
        book.event(101.0, "start").die(105.0, 137);
        assert_eq!(book.0.counted(105.0).len(), 1);
        let shown = book.0.counted(105.1).remove(0).counts;
        assert_eq!(shown.deaths().map(|(_, count)| count).sum::<u64>(), 0, "not yet");
        if started_again {
            book.event(105.2, "start");
        }
        book.ooms(105.3, 2);
        assert_eq!((book.kills(), book.deaths("oom"), book.deaths("killed")), ((1, 0), 1, 0));
        let known = book.known().death;
        assert_eq!(known, Some(Death::Oom));
    }
    let mut book = Book::new();
    book.event(101.0, "start").die(105.0, 137).ooms(120.0, 1);
    assert_eq!((book.kills(), book.deaths("killed")), ((0, 0), 1), "much later");
}

#[test]
fn a_stop_after_a_childs_end_is_no_oom() {
    let mut book = Book::new();
    book.event(101.0, "start").ooms(105.0, 6).measure(kernel(1, 105.1));
    book.kill(105.2, "SIGKILL").die(105.3, 137);
    assert_eq!((book.deaths("stopped"), book.kills()), (1, (0, 1)));
}

#[test]
fn what_the_kernel_counted_before_us_is_not_told() {
    let mut book = Book(Ledger { began: Some(500.0), tells_orders: true, ..Ledger::default() });
    let found = |kills, at| Measured { started: 40.0, ..kernel(kills, at) };
    book.look("running", detail(40.0, 0.0), 1000.0, true).measure(found(5, 1000.0));
    book.measure(found(5, 1010.0));
    assert_eq!(book.kills(), (0, 0));
    book.measure(found(6, 1020.0)).measure(found(6, 1030.0));
    assert_eq!(book.kills(), (0, 1));
}

/// However often it is looked at, and however many events there are: each kill counts once.
#[test]
fn one_kill_is_never_two() {
    for seed in 0..2000_u64 {
        let mut random = fastrand(seed);
        let mut turn = usize::try_from(seed).unwrap();
        let mut tenth = |most: u32| f64::from(random() % most) / 10.0;
        let (mut book, mut at, mut kills, mut mains) = (Book::new(), 101.0, 0, 0);
        for _ in 0..6 {
            let start = at;
            let look = |kills, at, ending| Measured { started: start - 0.05, kills, ending, at };
            book.event(start, "start");
            let mut counted = 0;
            for _ in 0..3 {
                at += 0.1 + tenth(30);
                counted += 1;
                turn += 7;
                book.ooms(at, turn % 5);
                for _ in 0..3 {
                    at += tenth(20);
                    book.measure(look(counted, at, Some(false)));
                }
                at += 1.5;
                book.measure(look(counted, at, Some(false)));
            }
            // The main process: its end takes as long as it likes.
            at += 0.1;
            counted += 1;
            turn += 5;
            book.ooms(at, turn % 4);
            for _ in 0..turn % 3 {
                book.measure(look(counted, at, Some(true)));
                at += tenth(30);
            }
            book.ooms(at, 1).die(at + 0.1, 137);
            book.measure(look(counted, at, Some(true)));
            (kills, mains) = (kills + counted, mains + 1);
            at += 0.3;
        }
        let (main, child) = book.kills();
        assert_eq!((main, main + child), (mains, kills), "seed {seed}");
    }
}
