use std::fs;
use std::os::unix::fs::FileExt as _;
use std::path::PathBuf;
use std::process::Command;

use super::*;
use crate::collectors::logs::scan::level::Level;

/// Files that systemd-journal-remote 252 made of `export`: 200 entries, 120 of `bot.service`, 20 of
/// the same with four lines, 20 of the manager about it, 20 long ones (compressed) and 20 with a bad
/// byte of `web.service`. `c0-k0` is of the old format, `c1-k1` compact and with keyed hashes.
fn fixture(name: &str) -> Vec<u8> {
    let root = env!("CARGO_MANIFEST_DIR");
    let path = format!("{root}/tests/fixtures/logs_journal/{name}.gz");
    Command::new("gzip").args(["-dc", &path]).output().unwrap().stdout
}

const BOTH: [&str; 2] = ["c0-k0.journal", "c1-k1.journal"];

#[derive(Default)]
struct Taken {
    lines: Vec<(Option<Level>, String)>,
    settled: u64,
}

impl Sink<u64> for Taken {
    fn lines(&mut self, stream: &mut u64, piece: &Piece) {
        for line in piece.lines.strip_suffix(b"\n").unwrap().split(|byte| *byte == b'\n') {
            *stream += 1;
            self.lines.push((piece.hint, String::from_utf8_lossy(line).into_owned()));
        }
    }

    fn settle(&mut self, _: &mut u64) {
        self.settled += 1;
    }
}

struct World {
    dir: tempfile::TempDir,
    source: Source,
    positions: Positions<u64>,
    taken: Taken,
}

impl World {
    fn new(unit: Option<&str>, identifier: Option<&str>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir(dir.path().join("a".repeat(32))).unwrap();
        let source = Source {
            directories: vec![dir.path().to_owned()],
            selector: Selector::new(unit, identifier).unwrap(),
            from_start: true,
        };
        Self { dir, source, positions: Positions::default(), taken: Taken::default() }
    }

    fn path(&self, name: &str) -> PathBuf {
        self.dir.path().join("a".repeat(32)).join(name)
    }

    fn step(&mut self) -> Report {
        let report = self.source.step(&mut self.positions, &|| true, &mut self.taken);
        // As over a restart.
        let text = serde_json::to_string(&self.positions).unwrap();
        self.positions = serde_json::from_str(&text).unwrap();
        report
    }

    fn all(&self) -> usize {
        self.taken.lines.len()
    }
}

/// The file as it was after its first entries.
fn after(file: &[u8], entries: u64) -> Vec<u8> {
    let mut file = file.to_vec();
    file[152..160].copy_from_slice(&entries.to_le_bytes());
    file
}

#[test]
fn lines_as_journalctl_tells_them() {
    for name in BOTH {
        for (unit, identifier, lines) in [
            (None, None, 260),
            (Some("bot"), None, 220),
            (Some("bot.service"), Some("bot"), 200),
            (Some("b*.service"), Some("systemd"), 20),
            (None, Some("web"), 40),
            (Some("init.scope"), None, 20),
            (Some("none"), None, 0),
        ] {
            let mut world = World::new(unit, identifier);
            fs::write(world.path(name), fixture(name)).unwrap();
            let report = world.step();
            assert_eq!((report.entries, report.damaged, report.unreadable), (200, 0, 0));
            assert_eq!(
                (world.all(), report.problem),
                (lines, None),
                "{name} {unit:?} {identifier:?}"
            );
            assert_eq!((world.step().entries, world.all()), (0, lines));
        }
    }
}

#[test]
fn a_priority_is_the_hint_of_the_first_line() {
    let mut world = World::new(Some("bot"), None);
    fs::write(world.path(BOTH[1]), fixture(BOTH[1])).unwrap();
    world.step();
    assert_eq!(world.taken.lines[0], (Some(Level::Info), "request 0 done in 0 ms".into()));
    let texts: Vec<_> =
        world.taken.lines[6..11].iter().map(|(level, text)| (*level, text.as_str())).collect();
    assert_eq!(
        texts,
        [
            (Some(Level::Error), "task 6 failed"),
            (None, "Traceback (most recent call last):"),
            (None, "  File \"a.py\", line 1, in f"),
            (None, "ValueError: 6"),
            (Some(Level::Info), "Started bot.service - 7"),
        ]
    );
    // Each process has a stream of its own, as long as there are not many.
    let streams = &world.positions.streams;
    assert_eq!((streams["bot.service[7]"], streams["init.scope[1]"], streams.len()), (80, 20, 50));
    let mut world = World::new(Some("web"), None);
    fs::write(world.path(BOTH[1]), fixture(BOTH[1])).unwrap();
    world.step();
    assert_eq!(world.taken.lines[0], (Some(Level::Warning), "x".repeat(1500) + "8"));
    assert_eq!(world.taken.lines[1], (None, "bad \u{fffd} byte 9".into()));
}

#[test]
fn a_file_that_grows_is_read_entry_by_entry() {
    for name in BOTH {
        let (mut world, whole) = (World::new(None, None), fixture(name));
        let mut entries = 0;
        for count in [0, 1, 2, 3, 10, 64, 65, 199, 200, 200] {
            fs::write(world.path("system.journal"), after(&whole, count)).unwrap();
            let report = world.step();
            entries += report.entries;
            assert_eq!((entries, report.waiting, report.lost), (count, 0, 0));
        }
        assert_eq!((world.all(), world.taken.settled > 0), (260, true));
        // Under another name.
        fs::rename(world.path("system.journal"), world.path("system@1.journal")).unwrap();
        assert_eq!((world.step().entries, world.all()), (0, 260));
    }
}

#[test]
fn from_now_on() {
    let (mut world, whole) = (World::new(None, None), fixture(BOTH[0]));
    world.source.from_start = false;
    fs::write(world.path("system.journal"), after(&whole, 100)).unwrap();
    assert_eq!((world.step().entries, world.all()), (0, 0));
    fs::write(world.path("system.journal"), &whole).unwrap();
    assert_eq!((world.step().entries, world.all()), (100, 130));
}

#[test]
fn case_45_an_entry_of_two_files_counts_once() {
    let mut world = World::new(None, None);
    fs::write(world.path("run.journal"), fixture(BOTH[0])).unwrap();
    world.step();
    // The same entries in another file, as after a flush to the disk.
    fs::write(world.path("var.journal"), fixture(BOTH[1])).unwrap();
    assert_eq!((world.step().entries, world.all()), (200, 260));
}

#[test]
fn case_45_what_was_thrown_away_unread_is_told() {
    let whole = fixture(BOTH[0]);
    for (read, archived, lost) in [(64, true, 1), (200, false, 1), (200, true, 0)] {
        let mut world = World::new(None, None);
        let mut file = after(&whole, read);
        file[16] = if archived { 2 } else { 1 };
        fs::write(world.path("a.journal"), &file).unwrap();
        world.step();
        // More came while nobody looked.
        file = after(&whole, 200);
        file[16] = if archived { 2 } else { 1 };
        fs::write(world.path("a.journal"), &file).unwrap();
        let late = world.source.step(&mut world.positions, &|| false, &mut world.taken);
        assert_eq!(late.waiting, 200 - read);
        fs::remove_file(world.path("a.journal")).unwrap();
        let report = world.step();
        assert_eq!((report.lost, report.files), (lost, 0), "{read} {archived}");
        assert_eq!(world.step().lost, 0);
    }
}

#[test]
fn a_step_ends_in_time_and_goes_on() {
    let mut world = World::new(None, None);
    fs::write(world.path(BOTH[0]), fixture(BOTH[0])).unwrap();
    let asked = std::cell::Cell::new(0);
    let twice = || {
        asked.set(asked.get() + 1);
        asked.get() < 3
    };
    let report = world.source.step(&mut world.positions, &twice, &mut world.taken);
    assert_eq!((report.entries, report.waiting), (128, 72));
    assert_eq!((world.step().entries, world.all()), (72, 260));
}

#[test]
fn what_is_no_journal_has_a_reason() {
    let mut world = World::new(None, None);
    fs::remove_dir_all(world.dir.path().join("a".repeat(32))).unwrap();
    let missing = Source { directories: vec![world.dir.path().join("no")], ..world.source.clone() };
    let report = missing.step(&mut world.positions, &|| true, &mut world.taken);
    assert_eq!(report.problem.unwrap().reason, Reason::NOT_FOUND);
    let odd = world.dir.path().join("x.journal");
    let mut newer = fixture(BOTH[0]);
    newer[12] |= 0x80;
    for (content, why) in [(&b"text"[..], "no journal"), (&newer, "newer")] {
        fs::write(&odd, content).unwrap();
        let problem = world.step().problem.unwrap();
        assert!(problem.detail.contains(why), "{problem}");
    }
    fs::remove_file(&odd).unwrap();
    fs::create_dir(&odd).unwrap();
    assert!(world.step().problem.is_some());
}

#[test]
fn what_is_compressed_with_xz_is_told_and_the_rest_is_read() {
    let (mut world, mut file) = (World::new(None, None), fixture(BOTH[1]));
    // A data object that says zstd.
    for object in file.chunks_exact_mut(8).filter(|object| **object == [1, 4, 0, 0, 0, 0, 0, 0]) {
        object[1] = 1;
    }
    fs::write(world.path("a.journal"), file).unwrap();
    let report = world.step();
    assert_eq!((report.unreadable, report.damaged, world.all()), (20, 0, 240));
    let problem = report.problem.unwrap();
    assert!(problem.detail.ends_with("xz, which is not read"), "{problem}");
}

#[test]
fn damage_anywhere_costs_what_it_hits_and_no_more() {
    for name in BOTH {
        let whole = after(&fixture(name), 40);
        let used: Vec<_> = (0..whole.len()).filter(|at| *at < 272 || whole[*at] != 0).collect();
        // All of the header, and a part of the objects: most of the file is empty tables.
        let (head, rest) = used.split_at(272);
        let places = head.iter().chain(rest.iter().step_by(rest.len() / 100));
        let mut world = World::new(None, None);
        let path = world.path("a.journal");
        fs::write(&path, &whole).unwrap();
        let file = fs::OpenOptions::new().write(true).open(&path).unwrap();
        for at in places {
            file.write_at(&[whole[*at] ^ 0xFF], *at as u64).unwrap();
            (world.positions, world.taken) = Default::default();
            let report = world.source.step(&mut world.positions, &|| true, &mut world.taken);
            assert!(report.taken <= 200 && world.all() <= 260, "{at}");
            file.write_at(&[whole[*at]], *at as u64).unwrap();
        }
        for length in (0..rest[rest.len() - 1] as u64).rev().step_by(20_011).chain(0..300) {
            file.set_len(length).unwrap();
            (world.positions, world.taken) = Default::default();
            world.step();
            assert!(world.all() <= 52);
        }
    }
}

#[test]
fn the_export_format_says_the_same() {
    let text = fixture("export");
    let selector = Selector::new(Some("bot"), None).unwrap();
    let (mut lines, mut cut) = (0, 0);
    let length = export::read(&text, &selector, |taken| {
        lines += taken.message.split(|byte| *byte == b'\n').count();
        cut += usize::from(taken.cut);
    });
    assert_eq!((length, lines, cut), (text.len(), 220, 0));
    for end in (0..text.len()).step_by(301) {
        assert!(export::read(&text[..end], &selector, drop) <= end);
    }
    let twice = b"__CURSOR=a\nMESSAGE=x\n\n__CURSOR=a\nMESSAGE=x\n\n__CURSOR=b\nMESSAGE=x\n\n";
    let mut count = 0;
    export::read(twice, &Selector::default(), |_| count += 1);
    assert_eq!(count, 2);
}
