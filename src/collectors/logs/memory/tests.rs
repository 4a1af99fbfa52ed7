//! What is saved, and when.

use std::io;
use std::path::Path;

use super::super::config::Logs;
use super::super::plan;
use super::*;
use crate::config;

/// A program's log and its source, over restarts.
struct World {
    dir: tempfile::TempDir,
    storage: Storage,
    memory: Memory,
}

fn at(seconds: u64) -> SystemTime {
    SystemTime::now() + Duration::from_secs(3600 + seconds)
}

impl World {
    fn new() -> Self {
        let dir = tempfile::tempdir().unwrap();
        Self { dir, storage: Storage::memory(), memory: Memory::default() }
    }

    fn source(&self, more: &str) -> Source {
        let path = self.dir.path().join("app.log");
        let yaml = format!("{{ files: [{}], {more} }}", path.display());
        let logs = config::load::<Logs>("x.yaml", &yaml, &|_| None).finish().unwrap();
        let (source, mistakes) = plan::source("x", &logs, None);
        assert_eq!(mistakes, []);
        source
    }

    fn write(&self, text: &str) {
        use std::io::Write as _;
        let path = self.dir.path().join("app.log");
        let mut file = std::fs::OpenOptions::new().create(true).append(true).open(path).unwrap();
        file.write_all(text.as_bytes()).unwrap();
    }

    fn read(&mut self, source: &Source, now: SystemTime) -> Raw {
        self.memory.read(source, &self.storage, None, || now).unwrap()
    }

    fn kill(&mut self) {
        self.memory = Memory::default();
    }
}

const PAIR: &str = "rules: { begun: { regex: 'begin (?<id>\\w+)', \
     pair: { end: done, id: id, timeout: 60s } }, done: { regex: 'end (?<id>\\w+)' } }";

#[test]
fn what_time_alone_has_changed_is_saved_before_it_is_shown() {
    let mut world = World::new();
    let source = world.source(PAIR);
    world.write("");
    let begun = at(0);
    world.read(&source, begun);
    world.write("begin a\n");
    for second in 1..61 {
        world.read(&source, begun + Duration::from_secs(second));
    }
    let expired = |raw: &Raw| raw.tally.rules.rules["begun"].pairs.expired;
    assert_eq!(expired(&world.read(&source, begun + Duration::from_secs(62))), 1);
    world.kill();
    // Its end comes while nobody looks, and is no end any more.
    world.write("end a\n");
    let raw = world.read(&source, begun + Duration::from_secs(70));
    assert_eq!((expired(&raw), raw.tally.rules.rules["begun"].pairs.finished), (1, 0));
}

#[test]
fn a_rule_is_watched_since_it_is_there() {
    let mut world = World::new();
    world.write("");
    let begun = at(0);
    let (before, after) = (world.source(""), world.source("rules: { x: { literal: y } }"));
    for second in 0..9 {
        world.read(&before, begun + Duration::from_secs(second));
    }
    world.read(&after, begun + Duration::from_secs(10));
    world.kill();
    let raw = world.read(&after, begun + Duration::from_secs(100));
    let watched = raw.tally.rules.rules["x"].watched;
    assert_eq!(watched, Some(begun + Duration::from_secs(10)));
}

#[test]
fn a_file_that_cannot_be_read_is_not_waited_for() {
    fn denied(_: &Path) -> io::Result<std::fs::File> {
        Err(io::ErrorKind::PermissionDenied.into())
    }
    let mut world = World::new();
    let mut source = world.source("start: beginning");
    world.write("ERROR x\n");
    if let Input::Files(follow) = &mut source.input {
        follow.open = denied;
    }
    let raw = world.read(&source, at(0));
    assert_eq!((raw.report.unreadable, raw.report.lag), (1, 8));
    // Else it would be tried without end, and rules of bursts would keep quiet for ever.
    assert!(raw.report.caught_up && raw.failure.is_none());
    assert!(!world.read(&source, at(1000)).catching_up);
}

#[test]
fn a_clock_that_was_years_ahead_leaves_no_silence_unseen() {
    let mut world = World::new();
    let source = world.source("start: beginning");
    world.write("ERROR x\n");
    world.read(&source, at(1_000_000_000));
    let now = at(0);
    let raw = world.read(&source, now);
    assert_eq!(raw.tally.last_line, Some(now));
}

#[test]
fn what_another_place_holds_already_is_no_burst() {
    let mut world = World::new();
    world.write("INFO x\n");
    let begun = at(0);
    let other = World::new();
    other.write(&"ERROR x\n".repeat(100));
    for second in 0..3 {
        let source = world.source("start: beginning");
        world.read(&source, begun + Duration::from_secs(second * 400));
    }
    let now = begun + Duration::from_secs(1201);
    let raw = world.read(&other.source("start: beginning"), now);
    assert_eq!(raw.tally.events.errors, 100);
    assert!(raw.catching_up && raw.tally.pace.recent_errors(now) == 0);
}
