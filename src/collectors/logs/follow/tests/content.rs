//! What is in the files, what they are, and what the caps do.

use std::fs::{self, File};
use std::io;
use std::path::Path;
use std::time::Duration;

use super::super::super::scan::level::Level;
use super::super::file::{From, Tail, open};
use super::super::find::Identity;
use super::super::{CHUNK, MAX_FILES, MAX_GONE};
use super::{Bench, source};

#[test]
fn long_lines_count_once_in_constant_memory() {
    let mut bench = Bench::watching("app.log");
    let mut line = vec![b'x'; 5_000_000];
    line[..17].copy_from_slice(b"ERROR: an error  ");
    line[4_000_000..4_000_005].copy_from_slice(b"error");
    bench.text("app.log", &line);
    bench.step();
    bench.text("app.log", "\nERROR: the last error\n");
    assert_eq!(bench.lines(), 2);
    assert_eq!(bench.doubt(), (0, 1));
    assert_eq!(bench.step().tally.bytes, 5_000_000 + 1 + 22);
}

#[test]
fn any_bytes_are_lines() {
    let mut bench = Bench::watching("app.log");
    bench.text("app.log", b"ERROR: \xff\xfe error\n\0\0\0\n\x80\n\r\n10%\r20%\r\n");
    assert_eq!(bench.lines(), 5);
}

#[test]
fn compressed_and_wide_files_under_other_names_are_skipped() {
    let mut bench = Bench::watching("*");
    bench.text("app.log", b"\x1f\x8b\x08\0\n\n\n");
    bench.text("wide.log", b"\xff\xfea\0\n\0");
    bench.write("app.log.1.gz", 3);
    fs::create_dir(bench.path("folder")).unwrap();
    let raw = bench.step();
    assert_eq!((raw.files.open, raw.files.skipped), (0, 4));
    assert_eq!(bench.lines(), 0);
}

#[test]
fn a_reload_loses_and_doubles_nothing() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 10);
    bench.text("app.log", "ERROR: an er");
    bench.step();
    // Another rule comes, the old one stays; a second pattern comes, its files are as `start` says.
    bench.write("other.txt", 70);
    let rules = "rules: { hit: { literal: error }, second: { literal: second } }";
    bench.source = source(bench.dir.path(), &["app.log", "*.txt"], rules);
    bench.text("app.log", "ror\nERROR: second error\n");
    assert_eq!(bench.lines(), 12);
    assert_eq!(bench.step().tally.rules["second"].matches, 1);
    bench.write("new.txt", 5);
    assert_eq!(bench.lines(), 17);
}

#[test]
fn a_file_that_may_be_read_later() {
    fn denied(_: &Path) -> io::Result<File> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    let mut bench = Bench::new("*.log");
    bench.source.open = denied;
    bench.write("old.log", 100);
    let raw = bench.step();
    assert_eq!((raw.files.open, raw.files.unreadable), (0, 1));
    assert_eq!(raw.files.problem.unwrap().reason, crate::engine::Reason::Rights);
    bench.write("new.log", 10);
    bench.write("old.log", 5);
    bench.step();
    bench.source.open = open;
    assert_eq!(bench.lines(), 15, "from where they were when they came");

    let mut bench = Bench::watching("app.log");
    fs::create_dir(bench.path("app.log")).unwrap();
    assert_eq!(bench.step().files.skipped, 1);
    fs::remove_dir(bench.path("app.log")).unwrap();
    bench.write("app.log", 10);
    assert_eq!(bench.lines(), 10);
}

#[test]
fn a_pipe_does_not_hang() {
    let mut bench = Bench::watching("*.log");
    let fifo = bench.path("app.log");
    rustix::fs::mknodat(
        rustix::fs::CWD,
        &fifo,
        rustix::fs::FileType::Fifo,
        rustix::fs::Mode::RUSR,
        0,
    )
    .unwrap();
    let raw = bench.step();
    assert_eq!((raw.files.open, raw.files.skipped), (0, 1));
    // Even when it takes the place of a file between the look and the opening.
    let meta = fs::metadata(&fifo).unwrap();
    let tail = Tail::new(open, &fifo, Identity::of(&meta), From::Offset(0)).unwrap();
    assert!(tail.is_none());
}

#[test]
fn a_large_file_does_not_delay_the_others() {
    let mut bench = Bench::watching("*.log");
    bench.source.budget = 3 * CHUNK;
    bench.write("a.log", 200_000);
    for name in ["b.log", "c.log"] {
        bench.write(name, 10);
    }
    let raw = bench.step();
    assert!(raw.files.lag > 0);
    let large = raw.tally.levels[Level::Error as usize] - 20;
    assert!(large < 200_000, "the small ones are done, {large} of the large one");
    for _ in 0..10 {
        bench.step();
    }
    assert_eq!(bench.lines(), 200_020);
    assert_eq!(bench.step().files.lag, 0);
}

#[test]
fn a_step_ends_when_its_time_is_over_and_the_next_goes_on() {
    let mut bench = Bench::watching("*.log");
    let line = "ERROR: some error\n";
    let lines = 4 * CHUNK / line.len();
    bench.text("a.log", line.repeat(lines));
    bench.text("b.log", line.repeat(lines));
    bench.text("idle.log", "");
    // Time is over at once, then after three chunks.
    let total = 2 * lines * line.len();
    for step in 1..=2 {
        assert_eq!(bench.step_while(|| false).files.lag, (total - step * CHUNK) as u64);
    }
    let asked = std::cell::Cell::new(0);
    let raw = bench.step_while(|| asked.replace(asked.get() + 1) < 2);
    assert_eq!(asked.get(), 3);
    assert_eq!(raw.files.lag, (total - 5 * CHUNK) as u64);
    while bench.step().files.lag > 0 {}
    assert_eq!(bench.lines(), 2 * lines as u64);
}

#[test]
fn the_newest_files_are_read() {
    let mut bench = Bench::watching("*.log");
    let old = bench.now - Duration::from_hours(1);
    for index in 0..=MAX_FILES {
        bench.write(&format!("{index}.log"), 1);
    }
    let file = bench.append("7.log");
    file.set_modified(old).unwrap();
    let raw = bench.step();
    assert_eq!((raw.files.open, raw.files.crowded_out), (MAX_FILES, 1));
    assert_eq!(bench.lines(), 100);
    // A new line makes it one of the newest; another is let go and goes on later.
    bench.write("7.log", 1);
    bench.append("8.log").set_modified(old).unwrap();
    assert_eq!(bench.lines(), 102);
    bench.write("8.log", 1);
    assert_eq!(bench.lines(), 103);
}

#[test]
fn memory_stays_bounded_over_many_rotations() {
    let mut bench = Bench::watching("app.log");
    for round in 1..=400 {
        bench.write("app.log", 1);
        bench.step();
        bench.rename("app.log", &format!("app.log.{round}"));
    }
    assert_eq!(bench.lines(), 400);
    assert!(bench.step().files.gone <= MAX_GONE + 1);
}

#[test]
fn text_of_groups_is_capped_and_values_are_summed() {
    let mut bench = Bench::watching("app.log");
    let rules = r"rules: { hit: { literal: error }, call: { regex: 'by (?<who>\S+) took (?<ms>\S+)', labels: [who], values: [ms] } }";
    bench.source = source(bench.dir.path(), &["app.log"], rules);
    for who in 0..25 {
        bench.text("app.log", format!("by user{who} took 2.5 ms\n"));
    }
    bench.text("app.log", "by user1 took -1 ms\nby user2 took long\n");
    let raw = bench.step();
    let call = &raw.tally.rules["call"];
    assert_eq!((call.matches, call.labels["who"].len(), raw.capped), (27, 21, 5));
    assert_eq!((call.labels["who"]["other"].matches, call.labels["who"]["user1"].matches), (5, 2));
    assert_eq!((call.values["ms"].sum, call.values["ms"].last), (62.5, Some(-1.0)));
    assert_eq!(raw.tally.doubt.value, 1);
    assert_eq!(bench.step().capped, 0);
}

#[test]
fn a_run_of_matches_ends_with_a_pause() {
    let mut bench = Bench::watching("app.log");
    let mut run = Vec::new();
    for pause in [0, 60, 60, 60, 121, 10] {
        bench.now += Duration::from_secs(pause);
        bench.write("app.log", 1);
        let raw = bench.step();
        run.push(raw.tally.rules["hit"].run(bench.now).as_secs());
    }
    assert_eq!(run, [0, 61, 122, 183, 0, 11]);
    bench.now += Duration::from_mins(2);
    let raw = bench.step();
    assert_eq!(raw.tally.rules["hit"].run(bench.now).as_secs(), 0);
}
