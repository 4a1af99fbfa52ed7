//! The Engine, or its machine, goes away and comes back. What ran has ended with it, and nobody has
//! stopped it by hand.

use super::*;

/// After the Engine's end, in which no event was told: exit code and when it ended.
fn exited(policy: &str, code: i64, finished: f64) -> Detail {
    Detail { policy: policy.into(), exit_code: Some(code), ..detail(100.9, finished) }
}

impl Book {
    fn is(&self) -> Option<Death> {
        self.known().death
    }
}

#[test]
fn stopped_in_order() {
    for policy in ["", "no", "on-failure", "always", "unless-stopped"] {
        for code in [0, 130, 137, 143, 255] {
            let mut book = Book::new();
            book.event(101.0, "start").look("running", detail(100.9, 0.0), 104.0, true);
            book.0.engine_is_gone();
            book.look("exited", exited(policy, code, 150.0), 170.0, false);
            assert_eq!(book.is(), Some(Death::Engine), "{policy} {code}");
            assert_eq!((book.deaths("engine"), book.deaths("stopped")), (1, 0));
        }
    }
}

/// The Engine was killed a moment after the start, and has started it again: no repetition of the first.
#[test]
fn a_start_a_moment_after_the_first_is_another_one() {
    for events_first in [true, false] {
        let mut book = Book::new();
        book.event(101.0, "start").look("running", detail(100.9, 0.0), 101.2, true);
        book.0.engine_is_gone();
        let again = || Detail { policy: "always".into(), ..detail(102.4, 101.8) };
        if events_first {
            book.event(102.5, "start");
        }
        book.look("running", again(), 105.0, events_first);
        book.event(102.5, "start").look("running", again(), 110.0, true);
        assert_eq!(book.counts().starts, 2, "{events_first}");
    }
}

#[test]
fn what_fails_by_itself_meanwhile() {
    for (code, oom, death) in
        [(1, false, Death::Error), (139, false, Death::Fault), (137, true, Death::Oom)]
    {
        let mut book = Book::new();
        book.event(101.0, "start").look("running", detail(100.9, 0.0), 104.0, true);
        book.0.engine_is_gone();
        let end = Detail { oom_killed: Some(oom), ..exited("no", code, 150.0) };
        book.look("exited", end, 170.0, false);
        assert_eq!(book.is(), Some(death));
    }
}

#[test]
fn an_engine_that_was_killed_ends_its_containers_when_it_comes_back() {
    // It says so as of any other stop, and there is no client yet that could have asked for it.
    let mut book = Book::new();
    book.event(101.0, "start").look("running", detail(100.9, 0.0), 104.0, true);
    book.0.engine_is_gone();
    book.kill(150.0, "15").kill(160.0, "9").die(160.1, 137).event(160.2, "stop");
    book.look("exited", exited("unless-stopped", 137, 160.1), 170.0, true);
    assert_eq!((book.is(), book.counts().kills.term), (Some(Death::Engine), 1));
    // By hand from then on.
    book.event(180.0, "start").kill(190.0, "15").die(190.1, 143).event(190.2, "stop");
    assert_eq!(book.is(), Some(Death::Stopped));
}

#[test]
fn what_comes_back_has_not_crashed() {
    let mut book = Book::new();
    book.event(101.0, "start").look("running", detail(100.9, 0.0), 104.0, true);
    book.0.engine_is_gone();
    let back = || Detail { policy: "always".into(), ..detail(159.9, 150.0) };
    book.event(160.0, "start").look("running", back(), 170.0, false);
    let counts = book.counts();
    assert_eq!((counts.starts, counts.restarts, book.deaths("engine")), (2, 0, 1));
    book.kill(190.0, "15").die(190.1, 143).event(190.2, "stop");
    assert_eq!(book.is(), Some(Death::Stopped));
}

#[test]
fn a_stop_by_hand_stays_one() {
    let stop = |book: &mut Book, at: f64| {
        book.kill(at, "15").die(at + 0.1, 137).event(at + 0.2, "stop");
        assert_eq!(book.is(), Some(Death::Stopped));
    };
    // Before the Engine went.
    let mut book = Book::new();
    stop(book.event(101.0, "start"), 110.0);
    book.0.engine_is_gone();
    book.look("exited", exited("no", 137, 110.1), 170.0, false);
    assert_eq!(book.is(), Some(Death::Stopped));
    // Asked for before, and done while it went.
    let mut book = Book::new();
    book.event(101.0, "start").kill(110.0, "15");
    book.0.engine_is_gone();
    book.look("exited", exited("no", 137, 120.0), 170.0, false);
    assert_eq!(book.is(), Some(Death::Stopped));
    // With live-restore the container goes on, and is stopped later.
    let mut book = Book::new();
    book.event(101.0, "start").look("running", detail(100.9, 0.0), 104.0, true);
    book.0.engine_is_gone();
    book.look("running", detail(100.9, 0.0), 170.0, false);
    stop(&mut book, 180.0);
    // Only the events were cut: the Engine repeats them.
    let mut book = Book::new();
    book.event(101.0, "start").look("running", detail(100.9, 0.0), 104.0, true);
    book.0.engine_is_gone();
    book.0.engine_is_the_same();
    stop(&mut book, 150.0);
    // The same, and they come after the look.
    let mut book = Book::new();
    book.event(101.0, "start").look("running", detail(100.9, 0.0), 104.0, true);
    book.0.engine_is_gone();
    book.look("exited", exited("no", 137, 150.1), 170.0, false);
    book.0.engine_is_the_same();
    stop(&mut book, 150.0);
}

/// Two containers that run since 101.
fn two() -> Book {
    let mut book = Book::new();
    book.event(101.0, "start");
    book.0.event(&of_b(101.0, "start", &[]));
    book
}

fn of_b(at: f64, action: &str, more: &[(&str, &str)]) -> Event {
    let mut other = event(at, action, more);
    other.actor.id = "b".into();
    other
}

/// Both are stopped, so much apart.
fn both_stopped(book: &mut Book, apart: f64) {
    book.kill(150.0, "15").die(150.2, 0).event(150.3, "stop");
    let at = 150.0 + apart;
    book.0.event(&of_b(at, "kill", &[("signal", "15")]));
    book.0.event(&of_b(at + 10.0, "kill", &[("signal", "9")]));
    book.0.event(&of_b(at + 10.1, "die", &[("exitCode", "137")]));
    book.0.event(&of_b(at + 10.2, "stop", &[]));
    book.0.engine_is_gone();
}

fn deaths_of(book: &Book) -> [Option<Death>; 2] {
    ["a", "b"].map(|id| book.0.known(id, 1000.0).death)
}

#[test]
fn an_old_engine_tells_of_its_own_stop() {
    let (engine, stopped) = (Some(Death::Engine), Some(Death::Stopped));
    let mut book = two();
    both_stopped(&mut book, 0.3);
    assert_eq!(deaths_of(&book), [stopped, stopped], "it may be there still");
    book.0.engine_is_gone();
    book.0.engine_is_another();
    assert_eq!(deaths_of(&book), [engine, engine]);
    // The same Engine as before: somebody stopped both.
    let mut book = two();
    both_stopped(&mut book, 0.3);
    book.0.engine_is_the_same();
    book.0.engine_is_gone();
    book.0.engine_is_the_same();
    assert_eq!(deaths_of(&book), [stopped, stopped]);
    // One was stopped by hand before.
    let mut book = two();
    both_stopped(&mut book, 5.0);
    book.0.engine_is_another();
    assert_eq!(deaths_of(&book), [stopped, engine]);
    // One was stopped by hand just before, when the other one did not even run.
    let mut book = Book::new();
    book.event(101.0, "start").kill(148.9, "15").die(149.0, 0).event(149.1, "stop");
    book.0.event(&of_b(149.2, "start", &[]));
    book.0.event(&of_b(149.5, "kill", &[("signal", "15")]));
    book.0.event(&of_b(149.6, "die", &[("exitCode", "143")]));
    book.0.engine_is_gone();
    book.0.engine_is_another();
    assert_eq!(deaths_of(&book), [stopped, engine]);
    // The Engine was killed, and somebody had stopped one of two.
    let mut book = two();
    book.kill(150.0, "15").die(150.2, 0).event(150.3, "stop");
    book.0.engine_is_gone();
    book.0.engine_is_another();
    assert_eq!(deaths_of(&book), [stopped, None]);
}

#[test]
fn podman_is_no_parent_of_its_containers() {
    let mut book = Book(Ledger { began: Some(50.0), ..Ledger::default() });
    book.event(101.0, "start").look("running", detail(100.9, 0.0), 104.0, true);
    // Its service ends when nobody asks it anything.
    book.0.engine_is_gone();
    book.look("exited", exited("no", 143, 150.0), 170.0, false);
    assert_eq!(book.is(), Some(Death::Unknown));
}
