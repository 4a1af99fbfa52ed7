//! Class B: exact, or doubt.

use std::os::unix::fs::FileExt as _;

use super::*;

/// Lines before, lines that are not read when the copy is made, lines after.
fn copytruncate(pattern: &str, before: usize, unread: usize, after: usize) -> Bench {
    let mut bench = Bench::watching(pattern);
    bench.write("app.log", before);
    bench.step();
    bench.write("app.log", unread);
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.write("app.log", after);
    bench.step();
    bench
}

#[test]
fn case_07_to_10_copytruncate() {
    for pattern in ["app.log", "app.log*"] {
        for (before, unread, after) in [
            (100, 0, 50),
            (100, 10, 0),
            (100, 10, 50),
            (100, 0, 100),
            (100, 0, 150),
            (1, 0, 1),
            (1, 1, 3),
        ] {
            let mut bench = copytruncate(pattern, before, unread, after);
            let all = (before + unread + after) as u64;
            assert_eq!(bench.lines(), all, "{pattern} {before} {unread} {after}");
            bench.quiet();
            bench.write("app.log", 1);
            assert_eq!(bench.lines(), all + 1, "{pattern} {before} {unread} {after}");
            assert_eq!(bench.doubt(), (1, 0), "{pattern} {before} {unread} {after}");
            assert_eq!((bench.unknown, bench.unterminated), (0, 0));
        }
    }
}

#[test]
fn case_08b_a_backlog_is_read_on_in_the_copy() {
    let mut bench = Bench::watching("app.log");
    bench.follow.budget = file::CHUNK;
    bench.write("app.log", 50_000);
    bench.step();
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.write("app.log", 50);
    while !bench.step().caught_up {}
    assert_eq!((bench.lines(), bench.doubt()), (50_050, (1, 0)));
}

#[test]
fn case_11_the_same_content_again_is_never_too_much() {
    for again in [10, 50, 100, 150] {
        let mut bench = Bench::watching("app.log");
        bench.text("app.log", "ERROR: some error\n".repeat(100));
        bench.step();
        bench.truncate("app.log", 0);
        bench.text("app.log", "ERROR: some error\n".repeat(again));
        let lines = bench.lines();
        assert!(lines <= 100 + again as u64, "{again}: {lines}");
        assert!(lines >= 100, "{again}: {lines}");
        // Shorter shows, and so does the size of none between.
        assert_eq!(bench.doubt().0, u64::from(again < 100), "{again}");
        bench.truncate("app.log", 0);
        bench.step();
        bench.text("app.log", "ERROR: some error\n".repeat(again));
        assert_eq!(bench.lines(), lines + again as u64, "seen at its shortest");
    }
}

#[test]
fn case_12_a_shortened_file_is_not_read_again() {
    for lines in [3, 10, 100, 1000] {
        let mut bench = Bench::watching("app.log");
        bench.write("app.log", lines);
        bench.step();
        bench.truncate("app.log", bench.size("app.log") * 9 / 10);
        assert_eq!((bench.lines(), bench.doubt()), (lines as u64, (1, 0)));
        bench.text("app.log", "\n");
        bench.write("app.log", 10);
        let counted = bench.lines();
        assert!(counted <= lines as u64 + 11 && counted >= lines as u64 + 10, "{counted}");
        assert_eq!(bench.doubt(), (1, 0));
    }
}

#[test]
fn case_12b_an_editor_that_changes_the_end() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 1000);
    bench.step();
    let file = OpenOptions::new().write(true).open(bench.path("app.log")).unwrap();
    file.write_all_at(b"changed", bench.size("app.log") - 20).unwrap();
    bench.write("app.log", 3);
    assert_eq!((bench.lines(), bench.doubt()), (1000, (1, 0)));
    bench.write("app.log", 3);
    assert_eq!((bench.lines(), bench.doubt()), (1003, (1, 0)));
}

#[test]
fn case_18b_a_copy_that_a_pattern_names_is_not_read() {
    let mut bench = Bench::watching("app.log*");
    bench.write("app.log", 100);
    bench.step();
    // While it is being made.
    let text = fs::read(bench.path("app.log")).unwrap();
    for end in [0, 10, 27, 1000, text.len()] {
        fs::write(bench.path("app.log.1"), &text[..end]).unwrap();
        assert_eq!((bench.lines(), bench.doubt()), (100, (0, 0)), "{end}");
    }
    bench.truncate("app.log", 0);
    bench.write("app.log", 50);
    assert_eq!((bench.lines(), bench.doubt()), (150, (1, 0)));
    bench.rename("app.log.1", "app.log.2");
    bench.copy("app.log", "app.log.1");
    bench.step();
    bench.restart();
    bench.step();
    bench.write("app.log", 5);
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.write("app.log", 7);
    assert_eq!((bench.lines(), bench.doubt()), (162, (2, 0)));
}

#[test]
fn case_18d_a_copy_that_goes_its_own_way() {
    let mut bench = Bench::watching("app*.log");
    bench.write("app.log", 100);
    bench.step();
    bench.copy("app.log", "app-2.log");
    assert_eq!(bench.lines(), 100);
    bench.write("app-2.log", 10);
    bench.write("app.log", 10);
    bench.step();
    assert_eq!((bench.lines(), bench.doubt()), (120, (1, 0)));
}

#[test]
fn a_copy_of_what_nobody_has_seen() {
    let mut bench = Bench::watching("app.log");
    bench.text("app.log", "");
    bench.step();
    bench.write("app.log", 10);
    bench.copy("app.log", "app.log.1");
    bench.truncate("app.log", 0);
    bench.write("app.log", 5);
    assert_eq!((bench.lines(), bench.doubt()), (5, (1, 0)));
    assert_eq!(bench.unknown, 270);
    // A mere copy is none.
    let mut bench = Bench::watching("app.log");
    bench.text("app.log", "");
    bench.step();
    bench.write("app.log", 10);
    bench.copy("app.log", "app.log.1");
    assert_eq!((bench.lines(), bench.doubt()), (10, (0, 0)));
}

#[test]
fn a_truncation_without_a_copy_tells_what_is_lost() {
    let mut bench = Bench::watching("app.log");
    bench.follow.budget = file::CHUNK;
    bench.write("app.log", 50_000);
    bench.text("app.log", "an unfinished line");
    bench.step();
    let (all, read) = (bench.size("app.log"), bench.counts.bytes);
    bench.truncate("app.log", 0);
    bench.write("app.log", 1);
    let before = bench.counts.lines;
    assert_eq!((bench.lines(), bench.doubt()), (before + 1, (1, 0)));
    assert_eq!(bench.unknown, all - read);
}

#[test]
fn case_27_holes() {
    for before in [0, 100] {
        let mut bench = Bench::watching("app.log");
        bench.write("app.log", before);
        bench.step();
        bench.truncate("app.log", 0);
        let file = OpenOptions::new().write(true).open(bench.path("app.log")).unwrap();
        let begun = std::time::Instant::now();
        file.write_all_at(bench.some(50).as_bytes(), 1 << 40).unwrap();
        bench.counts.keep = true;
        assert_eq!(bench.lines(), before as u64 + 50);
        assert!(begun.elapsed() < Duration::from_millis(500), "{:?}", begun.elapsed());
        assert!(bench.counts.texts.iter().all(|line| line.len() == 27));
        bench.restart();
        bench.write("app.log", 50);
        assert_eq!(bench.lines(), before as u64 + 100);
        assert_eq!(bench.step().lag, 0);
        // Zeros that are there, and a hole that ends in the middle of a block.
        let mut bench = Bench::watching("app.log");
        bench.text("app.log", [vec![0; 777], bench.some(1).into_bytes(), vec![0; 5000]].concat());
        bench.step();
        bench.text("app.log", bench.some(1));
        assert_eq!((bench.lines(), bench.counts.bytes), (2, 54));
        assert_eq!(bench.doubt(), (0, 0));
    }
}

/// The newest lines are written back: each line counts at most once, and doubt says that something was done.
#[test]
fn lines_that_stay_in_an_edited_file_do_not_count_again() {
    type Edit = fn(&Bench);
    let edits: [(&str, Edit); 3] = [
        ("tail -n 50 app.log > t; cat t > app.log", |bench| {
            let kept = lines_of(bench).split_off(50).concat();
            std::fs::write(bench.path("app.log"), kept).unwrap();
        }),
        ("sed -i 5d app.log", |bench| {
            let mut kept = lines_of(bench);
            kept.remove(4);
            std::fs::write(bench.path("sedX"), kept.concat()).unwrap();
            std::fs::rename(bench.path("sedX"), bench.path("app.log")).unwrap();
        }),
        ("sed -i 1d app.log", |bench| {
            std::fs::write(bench.path("sedX"), lines_of(bench).split_off(1).concat()).unwrap();
            std::fs::rename(bench.path("sedX"), bench.path("app.log")).unwrap();
        }),
    ];
    for (name, edit) in edits {
        for unread in [0, 7] {
            let mut bench = Bench::watching("app.log");
            bench.write("app.log", 100);
            bench.step();
            bench.write("app.log", unread);
            edit(&bench);
            bench.write("app.log", 10);
            bench.step();
            bench.quiet();
            let wanted = 110 + unread as u64;
            assert_eq!((bench.lines(), bench.doubt().0), (wanted, 1), "{name} {unread}");
            bench.write("app.log", 3);
            assert_eq!(bench.lines(), wanted + 3, "{name} {unread}");
        }
    }
}

fn lines_of(bench: &Bench) -> Vec<Vec<u8>> {
    let text = std::fs::read(bench.path("app.log")).unwrap();
    text.split_inclusive(|byte| *byte == b'\n').map(<[u8]>::to_vec).collect()
}
