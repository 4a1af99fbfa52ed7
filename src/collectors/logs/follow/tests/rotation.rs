//! Class A: what is appended, renamed, deleted and made again counts exactly.

use std::os::unix::fs::symlink;

use super::close::QUIET;
use super::*;

#[test]
fn case_01_appended_lines_count_once_whatever_the_cuts() {
    let mut bench = Bench::watching("app.log");
    let text = bench.some(1000);
    let mut file = bench.append("app.log");
    let (mut at, mut size) = (0, 1);
    for index in 0..1000 {
        size = (size * 7 + 3) % 53 + 1;
        let end = if index == 999 { text.len() } else { (at + size).min(text.len()) };
        file.write_all(&text.as_bytes()[at..end]).unwrap();
        at = end;
        if index % 3 == 0 {
            bench.step();
        }
    }
    assert_eq!(bench.lines(), 1000);
    let report = bench.step();
    assert_eq!((bench.counts.bytes, report.lag), (text.len() as u64, 0));
    assert_eq!((report.open, report.idle, report.caught_up), (1, 1, true));
    assert_eq!((report.largest, report.total), (bench.counts.bytes, bench.counts.bytes));
    assert_eq!(bench.doubt(), (0, 0));
}

#[test]
fn what_is_there_at_the_first_look_is_as_start_says() {
    for (start, wanted) in [(Start::End, 11), (Start::Beginning, 21)] {
        let mut bench = Bench::new("app.log");
        bench.follow.start = start;
        bench.write("app.log", 10);
        bench.text("app.log", "ERROR: an err");
        bench.step();
        // The line that was being written is finished under our eyes.
        bench.text("app.log", "or\n");
        bench.write("app.log", 10);
        assert_eq!(bench.lines(), wanted, "{start:?}");
    }
}

#[test]
fn case_02_rename_and_create() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 100);
    bench.step();
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", 100);
    assert_eq!(bench.lines(), 200);
    assert_eq!((bench.rotations, bench.doubt()), (1, (0, 0)));
}

#[test]
fn case_02b_files_that_hold_the_same_lines() {
    for pattern in ["app.log", "app.log*"] {
        let mut bench = Bench::watching(pattern);
        bench.text("app.log", "start\nstop\n".repeat(50));
        bench.step();
        for older in [3, 2, 1] {
            if bench.path(&format!("app.log.{older}")).exists() {
                bench.rename(&format!("app.log.{older}"), &format!("app.log.{}", older + 1));
            }
        }
        bench.rename("app.log", "app.log.1");
        bench.text("app.log", "start\nstop\n".repeat(50));
        assert_eq!(bench.lines(), 200, "{pattern}");
        bench.remove("app.log");
        bench.text("app.log", "start\nstop\n".repeat(50));
        assert_eq!(bench.lines(), 300, "{pattern}");
        assert_eq!(bench.doubt(), (0, 0));
    }
}

#[test]
fn case_03_a_writer_that_goes_on_in_the_renamed_file() {
    let mut bench = Bench::watching("app.log");
    let mut old = bench.append("app.log");
    bench.put(&mut old, 100);
    bench.step();
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", 50);
    bench.step();
    bench.put(&mut old, 30);
    bench.step();
    bench.put(&mut old, 20);
    assert_eq!(bench.lines(), 200);
    assert_eq!(bench.rotations, 1);
    assert_eq!(bench.step().gone, 1);
    bench.now += QUIET;
    let report = bench.step();
    assert_eq!((report.open, report.gone), (1, 0), "let go when it is quiet");
    // It never got the signal, and writes on after hours.
    bench.put(&mut old, 7);
    assert_eq!(bench.lines(), 207);
    bench.quiet();
    bench.put(&mut old, 1);
    assert_eq!(bench.lines(), 208);
    assert_eq!(bench.doubt(), (0, 0));
}

#[test]
fn case_04_several_rotations_between_two_steps() {
    for pattern in ["app.log", "app.log*"] {
        let mut bench = Bench::new(pattern);
        bench.write("app.log.9", 77);
        bench.step();
        bench.write("app.log", 100);
        bench.step();
        for round in 1..4 {
            for older in (1..round).rev() {
                bench.rename(&format!("app.log.{older}"), &format!("app.log.{}", older + 1));
            }
            bench.rename("app.log", "app.log.1");
            bench.write("app.log", 100);
        }
        assert_eq!(bench.lines(), 400, "{pattern}");
        bench.quiet();
        assert_eq!(bench.lines(), 400, "nothing comes back");
        assert_eq!(bench.doubt(), (0, 0));
    }
}

/// Python's `RotatingFileHandler`.
struct Handler<'a> {
    bench: &'a Bench,
    keep: usize,
}

impl Handler<'_> {
    fn line(&self) {
        let line = self.bench.some(1);
        let path = self.bench.path("app.log");
        let size = fs::metadata(&path).map_or(0, |meta| meta.len());
        if size + line.len() as u64 >= 10_000 {
            for older in (1..self.keep).rev() {
                let name = format!("app.log.{older}");
                if self.bench.path(&name).exists() {
                    self.bench.rename(&name, &format!("app.log.{}", older + 1));
                }
            }
            self.bench.rename("app.log", "app.log.1");
        }
        self.bench.text("app.log", line);
    }
}

#[test]
fn case_05_rotating_file_handler() {
    for pattern in ["app.log", "app.log*"] {
        let mut bench = Bench::watching(pattern);
        for line in 0..5000 {
            Handler { bench: &bench, keep: 5 }.line();
            if line % 7 == 0 {
                bench.step();
            }
        }
        assert_eq!(bench.lines(), 5000, "{pattern}");
        assert_eq!(bench.doubt(), (0, 0));
    }
}

#[test]
fn case_05b_a_reader_that_sleeps_longer_than_the_files_are_kept() {
    for pattern in ["app.log", "app.log*"] {
        let mut bench = Bench::watching(pattern);
        // 356 lines fill a file.
        for line in 0..5000 {
            Handler { bench: &bench, keep: 2 }.line();
            if line < 2000 && line % 7 == 0 {
                bench.step();
            }
        }
        bench.step();
        let lost = 5000 - bench.counts.lines;
        assert!(lost > 0, "{pattern}");
        assert_eq!(bench.doubt(), (0, 1), "{pattern}");
    }
}

#[test]
fn case_06_two_schemes_on_one_name() {
    let mut bench = Bench::watching("app.log");
    let mut old = bench.append("app.log");
    bench.put(&mut old, 100);
    // The program rotates by number, a tool by date, before a step sees either.
    bench.step();
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", 50);
    bench.rename("app.log", "app.log-20240501");
    bench.write("app.log", 25);
    bench.rename("app.log", "app-2024-05-01.log");
    bench.write("app.log", 10);
    bench.put(&mut old, 5);
    assert_eq!(bench.lines(), 190);
    assert_eq!(bench.doubt(), (0, 0));
}

#[test]
fn case_13_delete_and_recreate() {
    let mut bench = Bench::watching("app.log");
    let mut old = bench.append("app.log");
    bench.put(&mut old, 100);
    bench.step();
    bench.remove("app.log");
    bench.put(&mut old, 10);
    bench.write("app.log", 20);
    assert_eq!(bench.lines(), 130);
    drop(old);
    bench.quiet();
    // The number of the first file is free now, and ext4 gives it out again at once.
    bench.remove("app.log");
    bench.quiet();
    assert_eq!(bench.step().open, 0);
    bench.write("app.log", 5);
    assert_eq!(bench.lines(), 135);
    assert_eq!(bench.doubt(), (0, 0));
}

#[test]
fn case_14_a_deleted_file_is_let_go_when_it_is_quiet() {
    let mut bench = Bench::watching("app.log");
    let mut old = bench.append("app.log");
    bench.put(&mut old, 100);
    bench.step();
    bench.remove("app.log");
    bench.put(&mut old, 30);
    let report = bench.step();
    assert_eq!((bench.counts.lines, report.gone, report.held_deleted_bytes), (130, 1, 130 * 27));
    bench.now += QUIET;
    let report = bench.step();
    assert_eq!((report.gone, report.held_deleted_bytes), (0, 0));
    assert_eq!(bench.files.records.len(), 0);
}

#[test]
fn case_15_dated_files_are_read_from_their_start() {
    let mut bench = Bench::new("ai_library_bot_*.log");
    bench.write("ai_library_bot_2024-05-01.log", 70);
    bench.step();
    bench.write("ai_library_bot_2024-05-01.log", 100);
    bench.write("ai_library_bot_2024-05-02.log", 100);
    assert_eq!(bench.lines(), 200);
    // Rotated as well, and compressed later.
    bench.rename("ai_library_bot_2024-05-01.log", "ai_library_bot_2024-05-01.log.1");
    bench.step();
    bench.rename("ai_library_bot_2024-05-01.log.1", "ai_library_bot_2024-05-01.log.1.gz");
    bench.quiet();
    assert_eq!((bench.lines(), bench.doubt()), (200, (0, 0)));
}

#[test]
fn case_16_dates_in_the_names_of_directories() {
    let mut bench = Bench::watching("*/app.log");
    for day in ["2024-05-01", "2024-05-02"] {
        fs::create_dir(bench.path(day)).unwrap();
        bench.write(&format!("{day}/app.log"), 90);
        bench.step();
        bench.write(&format!("{day}/app.log"), 10);
    }
    assert_eq!(bench.lines(), 200);
}

#[test]
fn case_17_a_directory_may_come_later() {
    for pattern in ["new/app.log", "*/app.log", "**/app.log"] {
        let mut bench = Bench::watching(pattern);
        assert!(bench.step().problem.is_none());
        fs::create_dir(bench.path("new")).unwrap();
        bench.write("new/app.log", 10);
        assert_eq!(bench.lines(), 10, "{pattern}");
        bench.write("new/app.log", 10);
        assert_eq!(bench.lines(), 20, "{pattern}");
    }
}

#[test]
fn case_18_a_link_that_is_switched() {
    let mut bench = Bench::watching("app.log");
    bench.write("a.txt", 100);
    symlink("a.txt", bench.path("app.log")).unwrap();
    bench.step();
    bench.write("a.txt", 10);
    bench.write("b.txt", 90);
    bench.remove("app.log");
    symlink("b.txt", bench.path("app.log")).unwrap();
    assert_eq!(bench.lines(), 200);
    bench.quiet();
    // And back: what was read is not read again.
    bench.remove("app.log");
    symlink("a.txt", bench.path("app.log")).unwrap();
    bench.write("a.txt", 1);
    assert_eq!(bench.lines(), 201);
    // What the link leads to is rotated where it lies, twice.
    bench.rename("a.txt", "a.txt.2");
    bench.write("a.txt.1", 5);
    bench.write("a.txt", 5);
    assert_eq!(bench.lines(), 211);
    assert_eq!(bench.doubt(), (0, 0));
}

#[test]
fn case_19_a_file_with_several_names_counts_once() {
    let mut bench = Bench::watching("*.log");
    bench.write("a.log", 10);
    fs::hard_link(bench.path("a.log"), bench.path("b.log")).unwrap();
    symlink("a.log", bench.path("c.log")).unwrap();
    symlink(bench.path("b.log"), bench.path("d.log")).unwrap();
    assert_eq!(bench.lines(), 10);
    bench.remove("a.log");
    bench.write("b.log", 10);
    assert_eq!(bench.lines(), 20);
    bench.quiet();
    assert_eq!((bench.lines(), bench.doubt()), (20, (0, 0)));
}

#[test]
fn case_20_files_that_begin_the_same() {
    let mut bench = Bench::watching("*.log");
    let same = bench.some(290);
    for (name, more) in [("a.log", 10), ("b.log", 0), ("c.log", 30)] {
        bench.text(name, &same);
        bench.step();
        bench.write(name, more);
        bench.step();
    }
    assert_eq!(bench.lines(), 290 * 3 + 40);
    // Also where the second one has the name of a copy, if the first is not in its place.
    bench.remove("a.log");
    bench.step();
    bench.text("a.log.log", &same);
    assert_eq!(bench.lines(), 290 * 4 + 40);
    assert_eq!(bench.doubt(), (0, 0));
}

#[test]
fn case_22_a_line_counts_when_it_is_finished() {
    let mut bench = Bench::watching("app.log");
    bench.text("app.log", "ERR");
    assert_eq!(bench.lines(), 0);
    bench.text("app.log", "OR\nERROR: error");
    assert_eq!(bench.lines(), 1);
    assert_eq!(bench.step().lag, 0);
}

#[test]
fn case_23_an_unfinished_line_of_a_rotated_file_counts_in_the_end() {
    for pattern in ["app.log", "app.log*"] {
        let mut bench = Bench::watching(pattern);
        bench.text("app.log", "one\ntwo");
        bench.step();
        bench.rename("app.log", "other");
        assert_eq!(bench.lines(), 1);
        bench.now += QUIET;
        assert_eq!((bench.lines(), bench.unterminated), (2, 1));
        bench.quiet();
        // It comes back, and its line is finished after all.
        bench.rename("other", "app.log");
        bench.text("app.log", " three\nfour\n");
        assert_eq!((bench.lines(), bench.unterminated), (3, 1));
        assert_eq!(bench.doubt(), (0, 0));
    }
}

#[test]
fn case_38_a_clock_that_goes_back() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 10);
    bench.step();
    bench.now -= Duration::from_hours(1);
    bench.write("app.log", 10);
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", 10);
    assert_eq!(bench.lines(), 30);
    bench.now += Duration::from_hours(2);
    bench.write("app.log", 10);
    assert_eq!((bench.lines(), bench.doubt()), (40, (0, 0)));
}
