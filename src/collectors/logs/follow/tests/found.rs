//! Sequences that random ones have shown to go wrong, in words.

use super::*;

thread_local!(static DENIED: Cell<bool> = const { Cell::new(false) });

fn open(path: &Path) -> io::Result<File> {
    if DENIED.get() { Err(io::ErrorKind::PermissionDenied.into()) } else { file::open(path) }
}

#[test]
fn a_copy_beside_the_file_that_is_renamed_after_it_was_emptied() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 15);
    bench.step();
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.write("app.log", 7);
    bench.truncate("app.log", 0);
    bench.rename("app.log.1", "app.log.2");
    bench.rename("app.log", "app.log.1");
    bench.restart();
    assert_eq!((bench.lines(), bench.doubt()), (15, (1, 0)));
}

#[test]
fn a_copy_that_cannot_be_read_when_its_file_is_emptied() {
    let mut bench = Bench::watching("app.log*");
    bench.follow.open = open;
    bench.write("app.log", 15);
    bench.step();
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    DENIED.set(true);
    bench.step();
    DENIED.set(false);
    bench.write("app.log", 6);
    assert_eq!((bench.lines(), bench.doubt()), (21, (1, 0)));
}

#[test]
fn shortened_twice_and_grown_beyond_where_it_was() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 17);
    bench.step();
    bench.truncate("app.log", 164);
    bench.step();
    bench.truncate("app.log", 42);
    bench.write("app.log", 7);
    let lines = bench.lines();
    assert!(lines <= 24 && bench.doubt() == (2, 0), "{lines} {:?}", bench.doubt());
}

#[test]
fn shortened_and_then_copied_and_emptied() {
    let mut bench = Bench::watching("app.log*");
    bench.write("app.log", 18);
    bench.step();
    bench.truncate("app.log", 220);
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.write("app.log", 14);
    assert_eq!((bench.lines(), bench.doubt()), (32, (1, 0)));
}

#[test]
fn a_shortened_line_at_the_end_of_a_rotated_file_counts_already() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 16);
    bench.step();
    bench.truncate("app.log", 205);
    bench.step();
    bench.rename("app.log", "app.log.1");
    bench.quiet();
    assert_eq!((bench.lines(), bench.unterminated), (16, 0));
}

#[test]
fn a_second_copy_of_what_nobody_has_read() {
    for pattern in ["app.log", "app.log*"] {
        let mut bench = Bench::watching(pattern);
        bench.text("app.log", "an unfinished ");
        bench.step();
        bench.copy("app.log", "app.log.2");
        bench.truncate("app.log", 0);
        bench.text("app.log", "error\n");
        bench.write("app.log", 24);
        bench.copy("app.log", "app.log.1");
        assert_eq!((bench.lines(), bench.doubt()), (25, (1, 0)), "{pattern}");
        bench.truncate("app.log", 0);
        bench.quiet();
        assert_eq!((bench.lines(), bench.unterminated), (25, 0), "{pattern}");
    }
}

#[test]
fn a_copy_that_ends_in_half_a_line() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 10);
    bench.step();
    bench.copy("app.log", "app.log.2");
    bench.truncate("app.log", 0);
    bench.write("app.log", 11);
    bench.text("app.log", "begun ");
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.rename("app.log.2", "app.log.3");
    bench.rename("app.log.1", "app.log.2");
    bench.rename("app.log", "app.log.1");
    bench.text("app.log.1", "and finished\n");
    bench.step();
    bench.quiet();
    assert_eq!((bench.lines(), bench.unterminated), (22, 0));
}

#[test]
fn a_copy_of_a_file_that_was_empty_when_it_was_last_looked_at() {
    for _ in 0..4 {
        let mut bench = Bench::watching("app.log*");
        bench.write("app.log", 18);
        bench.step();
        bench.copy("app.log", "app.log.2");
        bench.truncate("app.log", 0);
        bench.step();
        bench.write("app.log", 5);
        bench.copy("app.log", "app.log.1");
        assert_eq!((bench.lines(), bench.doubt()), (23, (1, 0)));
    }
}

#[test]
fn half_a_line_that_is_emptied_while_nobody_looks() {
    let mut bench = Bench::watching("app.log");
    bench.text("app.log", "an unfinished ");
    bench.step();
    bench.restart();
    bench.write("app.log", 3);
    bench.truncate("app.log", 0);
    assert_eq!((bench.lines(), bench.doubt()), (0, (1, 0)));
}

#[test]
fn what_was_seen_and_not_read_is_cut_off() {
    let mut bench = Bench::watching("app.log");
    bench.follow.budget = file::CHUNK;
    bench.write("app.log", 50_000);
    bench.step();
    bench.truncate("app.log", 1_000_000);
    bench.step();
    assert_eq!((bench.doubt(), bench.unknown), ((1, 0), 350_000));
}
