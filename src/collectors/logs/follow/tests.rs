//! Sequences of writers, rotators and steps, with exact counts.

use std::fs::{self, File, OpenOptions};
use std::io::Write as _;
use std::path::Path;

use super::super::config::Logs;
use super::super::scan::level::Level;
use super::*;

mod chance;
mod content;
mod reload;

struct Bench {
    dir: tempfile::TempDir,
    source: Source,
    state: State,
    now: SystemTime,
}

impl Bench {
    fn new(pattern: &str) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let source = source(dir.path(), &[pattern], "rules: { hit: { literal: error } }");
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_557_601);
        Self { dir, source, state: State::default(), now }
    }

    /// A bench whose first look is over.
    fn watching(pattern: &str) -> Self {
        let mut bench = Self::new(pattern);
        bench.step();
        bench
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join(name)
    }

    fn append(&self, name: &str) -> File {
        OpenOptions::new().create(true).append(true).open(self.path(name)).unwrap()
    }

    /// Writes whole lines at the end of a file.
    fn write(&self, name: &str, lines: usize) {
        write(&mut self.append(name), lines);
    }

    fn text(&self, name: &str, text: impl AsRef<[u8]>) {
        self.append(name).write_all(text.as_ref()).unwrap();
    }

    fn rename(&self, from: &str, to: &str) {
        fs::rename(self.path(from), self.path(to)).unwrap();
    }

    /// A step a second later.
    fn step(&mut self) -> Raw {
        self.now += Duration::from_secs(1);
        self.step_while(|| true)
    }

    fn step_while(&mut self, in_time: impl Fn() -> bool) -> Raw {
        self.source.step(&mut self.state, self.now, in_time)
    }

    /// The lines counted after one more step. The rule sees each of them too.
    fn lines(&mut self) -> u64 {
        let raw = self.step();
        let lines = raw.tally.levels.iter().sum();
        assert_eq!(raw.tally.rules["hit"].matches, raw.tally.levels[Level::Error as usize]);
        lines
    }

    fn doubt(&mut self) -> (u64, u64) {
        let doubt = self.step().tally.doubt;
        (doubt.truncated, doubt.cut)
    }

    fn rotations(&mut self) -> u64 {
        self.step().tally.rotations
    }
}

fn source(dir: &Path, patterns: &[&str], more: &str) -> Source {
    let files: Vec<_> = patterns.iter().map(|name| dir.join(name).display().to_string()).collect();
    let yaml = format!("files: [{}]\n{more}\n", files.join(", "));
    let logs: Logs = crate::config::load("x", &yaml, &|_| None).finish().unwrap();
    let (source, mistakes) = super::super::source(&logs);
    assert_eq!(mistakes, []);
    source
}

fn write(file: &mut File, lines: usize) {
    file.write_all("ERROR: some error\n".repeat(lines).as_bytes()).unwrap();
}

#[test]
fn appended_lines_count_once_whatever_the_cuts() {
    let mut bench = Bench::watching("app.log");
    let text = "ERROR: some error\r\n".repeat(200);
    let mut file = bench.append("app.log");
    for (index, piece) in text.as_bytes().chunks(7).enumerate() {
        file.write_all(piece).unwrap();
        if index.is_multiple_of(3) {
            bench.step();
        }
    }
    assert_eq!(bench.lines(), 200);
    let raw = bench.step();
    assert_eq!((raw.tally.bytes, raw.files.lag), (text.len() as u64, 0));
    assert_eq!(raw.tally.rules["hit"].matches, 200);
}

#[test]
fn a_line_counts_when_it_is_finished() {
    let mut bench = Bench::watching("app.log");
    bench.text("app.log", "ERR");
    assert_eq!(bench.lines(), 0);
    bench.text("app.log", "OR: some error\nERROR: error");
    let raw = bench.step();
    assert_eq!(raw.tally.levels[Level::Error as usize], 1);
    assert_eq!(raw.tally.rules["hit"].matches, 1);
}

#[test]
fn what_is_there_at_the_first_look_is_as_start_says() {
    for (start, wanted) in [(Start::End, 11), (Start::Beginning, 21)] {
        let mut bench = Bench::new("app.log");
        bench.source.start = start;
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
fn rename_and_create_with_a_writer_that_goes_on() {
    let mut bench = Bench::watching("app.log");
    let mut old = bench.append("app.log");
    write(&mut old, 100);
    bench.step();
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", 50);
    bench.step();
    write(&mut old, 30);
    bench.step();
    write(&mut old, 20);
    assert_eq!(bench.lines(), 200);
    assert_eq!(bench.rotations(), 1);
    assert_eq!(bench.step().files.gone, 1);
    bench.now += QUIET;
    let raw = bench.step();
    assert_eq!((raw.files.open, raw.files.gone), (1, 0), "let go when it is quiet");
    assert_eq!(bench.lines(), 200);
}

#[test]
fn several_rotations_between_two_steps() {
    let mut bench = Bench::new("app.log");
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
    assert_eq!(bench.lines(), 400);
    assert_eq!(bench.rotations(), 3);
    bench.now += QUIET;
    bench.step();
    bench.now += QUIET;
    assert_eq!(bench.lines(), 400, "nothing comes back");
}

#[test]
fn an_unfinished_line_of_a_rotated_file_counts_in_the_end() {
    let mut bench = Bench::watching("app.log");
    bench.text("app.log", "one\ntwo");
    bench.step();
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", 1);
    assert_eq!(bench.lines(), 2);
    bench.now += QUIET;
    assert_eq!(bench.lines(), 3);
    assert_eq!(bench.lines(), 3);
}

#[test]
fn delete_and_recreate() {
    let mut bench = Bench::watching("app.log");
    let mut old = bench.append("app.log");
    write(&mut old, 100);
    bench.step();
    fs::remove_file(bench.path("app.log")).unwrap();
    write(&mut old, 10);
    bench.write("app.log", 20);
    assert_eq!(bench.lines(), 130);
    drop(old);
    bench.now += QUIET;
    bench.step();
    // The number of the first file is free now, and ext4 gives it out again at once.
    fs::remove_file(bench.path("app.log")).unwrap();
    bench.now += QUIET;
    bench.step();
    bench.now += QUIET;
    assert!(bench.step().files.open == 0);
    bench.write("app.log", 5);
    assert_eq!(bench.lines(), 135);
}

#[test]
fn dated_files_are_read_from_their_start() {
    let mut bench = Bench::new("ai_library_bot_*.log");
    bench.write("ai_library_bot_2024-05-01.log", 100);
    bench.step();
    bench.write("ai_library_bot_2024-05-01.log", 3);
    bench.write("ai_library_bot_2024-05-02.log", 100);
    assert_eq!(bench.lines(), 103);
    // Rotated as well, and compressed later.
    bench.rename("ai_library_bot_2024-05-01.log", "ai_library_bot_2024-05-01.log.1");
    bench.step();
    bench.rename("ai_library_bot_2024-05-01.log.1", "ai_library_bot_2024-05-01.log.1.gz");
    assert_eq!(bench.lines(), 103);
}

#[test]
fn a_folder_may_come_later() {
    let mut bench = Bench::watching("*/app.log");
    assert!(bench.step().files.problem.is_none());
    fs::create_dir(bench.path("new")).unwrap();
    bench.write("new/app.log", 10);
    assert_eq!(bench.lines(), 10);
    bench.write("new/app.log", 10);
    assert_eq!(bench.lines(), 20);
}

#[test]
fn truncation_is_doubt() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 100);
    bench.step();
    File::create(bench.path("app.log")).unwrap();
    bench.write("app.log", 50);
    assert_eq!(bench.lines(), 150);
    assert_eq!(bench.doubt(), (1, 0));
}

#[test]
fn a_pattern_that_names_the_rotated_files_too() {
    let mut bench = Bench::new("app.log*");
    bench.write("app.log.1", 40);
    bench.write("app.log", 10);
    bench.step();
    bench.write("app.log", 100);
    bench.step();
    bench.rename("app.log.1", "app.log.2");
    bench.rename("app.log", "app.log.1");
    bench.write("app.log", 30);
    assert_eq!(bench.lines(), 130);
    assert_eq!(bench.rotations(), 1);
    // `copytruncate`: the copy holds what has been read.
    fs::copy(bench.path("app.log"), bench.path("app.log.0")).unwrap();
    assert_eq!(bench.lines(), 130);
    File::create(bench.path("app.log")).unwrap();
    bench.write("app.log", 5);
    assert_eq!(bench.lines(), 135);
    assert_eq!(bench.doubt(), (1, 0));
}

#[test]
fn a_link_that_is_switched_and_files_with_two_names() {
    let mut bench = Bench::watching("app.log");
    bench.write("a.txt", 100);
    std::os::unix::fs::symlink("a.txt", bench.path("app.log")).unwrap();
    bench.step();
    bench.write("a.txt", 10);
    bench.write("b.txt", 90);
    fs::remove_file(bench.path("app.log")).unwrap();
    std::os::unix::fs::symlink("b.txt", bench.path("app.log")).unwrap();
    assert_eq!(bench.lines(), 200);

    let mut bench = Bench::watching("*.log");
    bench.write("a.log", 10);
    fs::hard_link(bench.path("a.log"), bench.path("b.log")).unwrap();
    std::os::unix::fs::symlink("a.log", bench.path("c.log")).unwrap();
    assert_eq!(bench.lines(), 10);
}
