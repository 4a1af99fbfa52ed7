//! The process ends, and goes on from what was written down.

use super::*;

#[test]
fn case_33_a_restart_loses_and_doubles_nothing() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 100);
    bench.step();
    let saved = bench.save();
    bench.write("app.log", 100);
    bench.text("app.log", "half a ");
    bench.restore(&saved);
    assert_eq!(bench.lines(), 200);
    bench.restart();
    bench.text("app.log", "line\n");
    bench.write("app.log", 9);
    assert_eq!((bench.lines(), bench.doubt()), (210, (0, 0)));
    let position = bench.files.positions().next().unwrap();
    assert_eq!((position.begin, position.whole, position.stream.lines), (0, true, 210));
    assert_eq!(position.offset, bench.size("app.log"));
}

#[test]
fn case_18c_rotations_while_down() {
    for pattern in ["app.log", "app.log*"] {
        let mut bench = Bench::watching(pattern);
        bench.write("app.log", 100);
        bench.step();
        let saved = bench.save();
        bench.write("app.log", 20);
        bench.rename("app.log", "app.log.1");
        bench.write("app.log", 30);
        bench.restore(&saved);
        assert_eq!((bench.lines(), bench.doubt()), (150, (0, 0)), "{pattern}");
        let saved = bench.save();
        for (from, to) in [("app.log.1", "app.log.3"), ("app.log", "app.log.2")] {
            bench.rename(from, to);
        }
        bench.write("app.log.1", 40);
        bench.write("app.log", 10);
        bench.restore(&saved);
        assert_eq!((bench.lines(), bench.doubt()), (200, (0, 0)), "{pattern}");
        // Again from the same: as long as nothing is written down, nothing has happened.
        bench.restore(&saved);
        assert_eq!((bench.lines(), bench.doubt()), (200, (0, 0)), "{pattern}");
        bench.quiet();
        assert_eq!((bench.lines(), bench.doubt()), (200, (0, 0)), "{pattern}");
    }
}

#[test]
fn copytruncate_while_down() {
    for pattern in ["app.log", "app.log*"] {
        for after in [0, 50, 100, 200] {
            let mut bench = Bench::watching(pattern);
            bench.write("app.log", 100);
            bench.step();
            let saved = bench.save();
            bench.write("app.log", 20);
            bench.copy("app.log", "app.log.1");
            bench.truncate("app.log", 0);
            bench.write("app.log", after);
            bench.restore(&saved);
            assert_eq!((bench.lines(), bench.doubt()), (120 + after as u64, (1, 0)), "{pattern}");
            bench.restart();
            assert_eq!((bench.lines(), bench.doubt()), (120 + after as u64, (1, 0)), "{pattern}");
        }
    }
}

#[test]
fn what_is_deleted_while_down_is_doubt() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 100);
    bench.step();
    let saved = bench.save();
    bench.write("app.log", 20);
    bench.remove("app.log");
    bench.write("app.log", 30);
    bench.restore(&saved);
    assert_eq!((bench.lines(), bench.doubt()), (130, (0, 1)));
    // Said once.
    bench.restart();
    assert_eq!((bench.lines(), bench.doubt()), (130, (0, 1)));
}

#[test]
fn old_files_that_are_deleted_while_down_are_none() {
    let mut bench = Bench::new("bot-*.log");
    for day in 1..5 {
        bench.write(&format!("bot-2024-05-0{day}.log"), 10);
        let file = bench.append(&format!("bot-2024-05-0{day}.log"));
        file.set_modified(bench.now - Duration::from_hours(24 * (6 - day))).unwrap();
    }
    bench.step();
    bench.restart();
    bench.remove("bot-2024-05-01.log");
    bench.step();
    bench.restart();
    bench.now += Duration::from_mins(10);
    bench.remove("bot-2024-05-02.log");
    assert_eq!((bench.lines(), bench.doubt()), (0, (0, 0)));
}

#[test]
fn a_lost_state_counts_nothing_twice() {
    let mut bench = Bench::new("app.log");
    bench.follow.start = Start::Beginning;
    bench.write("app.log", 100);
    assert_eq!(bench.lines(), 100);
    bench.files = Files::lost();
    bench.write("app.log", 10);
    bench.step();
    bench.write("app.log", 10);
    assert_eq!(bench.lines(), 110);
}

#[test]
fn files_that_vanish_with_their_file_system_and_come_back() {
    let mut bench = Bench::watching("sub/app.log");
    fs::create_dir(bench.path("sub")).unwrap();
    bench.write("sub/app.log", 100);
    bench.step();
    bench.restart();
    bench.rename("sub", "away");
    bench.step();
    assert_eq!(bench.doubt(), (0, 1));
    bench.rename("away", "sub");
    bench.write("sub/app.log", 1);
    assert_eq!((bench.lines(), bench.doubt()), (101, (0, 1)));
}

#[test]
fn the_unfinished_last_line_of_a_rotated_file_over_restarts() {
    let mut bench = Bench::watching("app.log");
    bench.text("app.log", "one\ntwo");
    bench.step();
    bench.rename("app.log", "app.log.1");
    bench.step();
    bench.restart();
    bench.step();
    bench.quiet();
    assert_eq!((bench.counts.lines, bench.unterminated), (2, 1));
    bench.restart();
    bench.quiet();
    assert_eq!((bench.counts.lines, bench.unterminated), (2, 1));
    bench.text("app.log.1", " and more\nthree\n");
    assert_eq!((bench.lines(), bench.doubt()), (3, (0, 0)));
}

#[test]
fn names_that_are_no_text_are_written_down() {
    use std::os::unix::ffi::OsStrExt as _;
    let mut bench = Bench::watching("*.log");
    let path = bench.dir.path().join(std::ffi::OsStr::from_bytes(b"\xff\xfe.log"));
    fs::write(&path, "one\n").unwrap();
    bench.step();
    bench.restart();
    fs::write(&path, "one\ntwo\n").unwrap();
    assert_eq!((bench.lines(), bench.doubt()), (2, (0, 0)));
    assert_eq!(bench.files.positions().next().unwrap().path, path);
}
