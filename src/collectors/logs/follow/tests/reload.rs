//! Reloads of the configuration between two steps.

use super::*;

impl Bench {
    /// The configuration names these files from now on.
    fn names(&mut self, patterns: &[&str]) {
        self.source = source(self.dir.path(), patterns, "rules: { hit: { literal: error } }");
    }
}

#[test]
fn a_file_that_is_not_named_any_more_is_let_go() {
    let mut bench = Bench::watching("old.log");
    bench.write("old.log", 10);
    assert_eq!(bench.lines(), 10);
    bench.names(&["new.log"]);
    for _ in 0..3 {
        bench.write("old.log", 5);
        let raw = bench.step();
        assert_eq!((raw.files.open, raw.files.gone), (0, 0), "and `new.log` is seen to be missing");
    }
    assert_eq!(bench.lines(), 10);
    bench.write("new.log", 3);
    assert_eq!(bench.lines(), 13);
    // Named again, it is read on from where it is by then, as `start` says.
    bench.names(&["new.log", "old.log"]);
    bench.step();
    bench.write("old.log", 4);
    assert_eq!(bench.lines(), 17);
}

#[test]
fn files_that_are_still_named_are_read_on() {
    let mut bench = Bench::watching("app.log");
    let mut rotated = bench.append("app.log");
    write(&mut rotated, 10);
    bench.step();
    // Two rotations at once: the one between is known by its new name only.
    bench.rename("app.log", "app.log.2");
    bench.write("app.log.1", 10);
    bench.write("app.log", 10);
    assert_eq!(bench.lines(), 30);
    bench.names(&["app.log", "other.log"]);
    write(&mut rotated, 1);
    bench.write("app.log.1", 1);
    bench.write("app.log", 1);
    assert_eq!(bench.lines(), 33);
    // Another way to say it, and a rename at the same time.
    bench.write("app.log", 1);
    bench.rename("app.log", "main.log");
    bench.names(&["m*.log"]);
    assert_eq!(bench.lines(), 34);
    bench.write("main.log", 1);
    assert_eq!(bench.lines(), 35);
}
