//! What is saved, and when.

use std::io;
use std::path::Path;

use super::super::config::Logs;
use super::super::follow::Follow;
use super::super::input::{Around, files};
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

    fn logs(&self, more: &str) -> Logs {
        let path = self.dir.path().join("app.log");
        let yaml = format!("{{ files: [{}], {more} }}", path.display());
        config::load::<Logs>("x.yaml", &yaml, &|_| None).finish().unwrap()
    }

    fn source(&self, more: &str) -> Source {
        let logs = self.logs(more);
        let (source, mistakes) = plan::source("x", &logs, &Around::default());
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
        self.memory.read(source, &self.storage, &News::ALL, || now).unwrap()
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
    let files = files::plan(&world.logs("start: beginning"), &mut Vec::new());
    source.input = Box::new(Follow { open: denied, ..files });
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

/// A source of many files, of which one is written to at a time.
struct Many {
    world: World,
    source: Source,
}

impl Many {
    const FILES: usize = 300;

    fn new() -> Self {
        let mut world = World::new();
        let yaml =
            format!("{{ files: ['{}/*.log'], start: beginning }}", world.dir.path().display());
        let logs = config::load::<Logs>("x.yaml", &yaml, &|_| None).finish().unwrap();
        let (mut source, mistakes) = plan::source("x", &logs, &Around::default());
        assert_eq!(mistakes, []);
        // A busy machine must not end a touch before its time.
        source.time = Duration::from_mins(1);
        for number in 0..Self::FILES {
            std::fs::write(world.dir.path().join(format!("{number}.log")), "INFO a line\n")
                .unwrap();
        }
        let raw = world.read(&source, at(0));
        assert_eq!((raw.report.open, raw.touched), (Self::FILES as u64, false));
        // What their last lines began is complete.
        world.read(&source, at(5));
        Self { world, source }
    }

    fn path(&self, number: usize) -> std::path::PathBuf {
        self.world.dir.path().join(format!("{number}.log"))
    }

    /// A line in one file, and a reading to which that is told.
    fn touch(&mut self, number: usize, second: u64) -> Raw {
        use std::io::Write as _;
        let path = self.path(number);
        let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
        file.write_all(b"ERROR another\n").unwrap();
        let told = Told::Files(BTreeSet::from([path]));
        let news = News { prepared: None, told: &told };
        self.world.memory.read(&self.source, &self.world.storage, &news, || at(second)).unwrap()
    }

    fn state(&self) -> Vec<u8> {
        self.world.storage.load(AREA.name, "x").unwrap().unwrap()
    }

    /// Lines by level, files that are known, and doubts, after a kill.
    fn after_a_kill(&mut self) -> ([u64; 6], u64, u64) {
        self.world.kill();
        let raw = self.world.read(&self.source, at(10_000));
        let doubt =
            raw.tally.doubt.truncated + raw.tally.doubt.overrun + raw.tally.doubt.state_lost;
        (raw.tally.levels, raw.report.open, doubt)
    }
}

#[test]
fn a_touch_adds_what_has_changed_and_a_kill_loses_nothing() {
    let mut many = Many::new();
    let whole = many.state().len();
    for number in 0..10 {
        let raw = many.touch(number % 3, 10 + number as u64);
        assert!(raw.touched && raw.unsaved.is_none());
        assert_eq!(raw.tally.events.errors, number as u64 + 1);
    }
    let added = many.state().len() - whole;
    assert!(added > 0 && added < 10 * 3_000 && whole > 100_000, "{added} bytes to {whole}");
    let saved = Saved::decode(&many.state()).unwrap();
    assert_eq!((saved.tally.levels[3], saved.files.files.len()), (10, Many::FILES));
    let offsets: u64 = saved.files.files.iter().map(|position| position.offset).sum();
    assert_eq!(offsets, (Many::FILES * 12 + 10 * 14) as u64);
    assert_eq!(many.after_a_kill(), ([0, 300, 0, 10, 0, 0], 300, 0));
}

#[test]
fn what_is_not_wholly_added_is_read_again() {
    let mut many = Many::new();
    many.touch(1, 10);
    let first = many.state().len();
    many.touch(2, 11);
    let state = many.state();
    for cut in [first, first + 1, state.len() - 1] {
        many.world.storage.save(AREA.name, "x", &state[..cut]).unwrap();
        let saved = Saved::decode(&many.state()).unwrap();
        assert_eq!(saved.tally.levels[3], 1, "what is there is of the moment before");
        assert_eq!(many.after_a_kill(), ([0, 300, 0, 2, 0, 0], 300, 0), "cut at {cut}");
    }
}

#[test]
fn what_is_added_has_a_bound() {
    let mut many = Many::new();
    let whole = many.state().len();
    for second in 0..2_000 {
        assert!(many.touch(7, 10 + second).touched);
        // Besides: the last that was added, and what the counts have grown by since the first.
        let (now, most) = (many.state().len(), 2 * whole + MAX_ADDED + 16_000);
        assert!(now < most, "{now} of {most}, {whole} whole");
    }
    assert_eq!(many.after_a_kill().0, [0, 300, 0, 2_000, 0, 0]);
}

#[test]
fn what_is_more_than_growth_is_looked_at_and_written_whole() {
    let mut many = Many::new();
    many.touch(1, 10);
    let before = many.state();
    // Another file in its place.
    std::fs::remove_file(many.path(5)).unwrap();
    std::fs::write(many.path(5), "INFO new\n").unwrap();
    assert!(!many.touch(5, 12).touched);
    assert!(!many.state().starts_with(&before));
    assert_eq!(many.after_a_kill().0, [0, 301, 0, 2, 0, 0]);
}
