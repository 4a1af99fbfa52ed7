//! Which files patterns name, and reloads of the configuration between two steps.

use super::look::Names;
use super::*;

#[test]
fn patterns_find_what_they_name() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().display().to_string();
    for path in ["a/x.log", "a/b/y.log", "a/b/z.txt", "c/x.log", "c/x.log.gz"] {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "x\n").unwrap();
    }
    std::os::unix::fs::symlink(dir.path(), dir.path().join("a/loop")).unwrap();
    std::os::unix::fs::symlink("nowhere", dir.path().join("a/dangling.log")).unwrap();
    let found = |pattern: &str| {
        let patterns = [Pattern::new(&format!("{root}/{pattern}")).unwrap()];
        let mut names = Names::default();
        let look = names.look(&patterns, BTreeSet::new(), SystemTime::now());
        assert!(look.problem.is_none());
        for name in ["a/x.log", "a/b/y.log", "a/b/z.txt", "c/x.log"] {
            let path = dir.path().join(name);
            let is = look.files.values().any(|found| found.path == path);
            assert_eq!(patterns[0].names(&path), is, "{pattern} names {name}");
        }
        let paths = look.files.values().map(|found| found.path.strip_prefix(dir.path()).unwrap());
        let mut paths: Vec<_> = paths.map(|path| path.display().to_string()).collect();
        paths.sort();
        (paths.join(" "), look.skipped.compressed)
    };
    assert_eq!(found("**/*.log"), ("a/b/y.log a/x.log c/x.log".to_owned(), 0));
    assert_eq!(found("*/x.log"), ("a/x.log c/x.log".to_owned(), 0));
    assert_eq!(found("c/x.*"), ("c/x.log".to_owned(), 1));
    assert_eq!(found("a/b/{y.log,z.txt}"), ("a/b/y.log a/b/z.txt".to_owned(), 0));
    assert_eq!(found("nowhere/*.log"), (String::new(), 0));
}

#[test]
fn names_are_kept_while_nothing_changes_and_no_longer() {
    let mut bench = Bench::new("*.log");
    bench.write("a.log", 1);
    bench.now = SystemTime::now() + Duration::from_secs(10);
    bench.step();
    bench.step();
    for round in 1..20 {
        bench.write(&format!("{round}.log"), 1);
        assert_eq!(bench.lines(), 2 * round - 1);
        bench.rename(&format!("{round}.log"), "b.log.1");
        bench.write(&format!("{round}.log"), 1);
        assert_eq!(bench.lines(), 2 * round);
        bench.remove("b.log.1");
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
        let report = bench.step();
        assert_eq!((report.open, report.gone), (0, 0), "and `new.log` is seen to be missing");
    }
    assert_eq!(bench.lines(), 10);
    bench.write("new.log", 3);
    assert_eq!(bench.lines(), 13);
    // Named again, it is read on from where it is by then, as `start` says.
    bench.names(&["new.log", "old.log"]);
    bench.step();
    bench.write("old.log", 4);
    assert_eq!((bench.lines(), bench.doubt()), (17, (0, 0)));
}

#[test]
fn files_that_are_still_named_are_read_on() {
    let mut bench = Bench::watching("app.log");
    let mut rotated = bench.append("app.log");
    bench.put(&mut rotated, 10);
    bench.step();
    // Two rotations at once: the one between is known by its new name only.
    bench.rename("app.log", "app.log.2");
    bench.write("app.log.1", 10);
    bench.write("app.log", 10);
    assert_eq!(bench.lines(), 30);
    bench.names(&["app.log", "other.log"]);
    bench.put(&mut rotated, 1);
    bench.write("app.log.1", 1);
    bench.write("app.log", 1);
    assert_eq!(bench.lines(), 33);
    // Another way to say it, and a rename at the same time.
    bench.write("app.log", 1);
    bench.rename("app.log", "main.log");
    bench.names(&["m*.log"]);
    assert_eq!(bench.lines(), 34);
    bench.write("main.log", 1);
    assert_eq!((bench.lines(), bench.doubt()), (35, (0, 0)));
}

#[test]
fn a_second_pattern_is_as_start_says() {
    let mut bench = Bench::watching("app.log");
    bench.write("app.log", 10);
    bench.text("app.log", "ERROR: an er");
    bench.step();
    bench.write("other.txt", 70);
    bench.names(&["app.log", "*.txt"]);
    bench.text("app.log", "ror\nERROR: second error\n");
    assert_eq!(bench.lines(), 12);
    bench.write("new.txt", 5);
    assert_eq!(bench.lines(), 17);
}

#[test]
fn what_is_deleted_is_read_out_though_no_pattern_names_it_any_more() {
    let mut bench = Bench::watching("a/app.log");
    fs::create_dir(bench.path("a")).unwrap();
    bench.write("a/app.log", 10);
    bench.step();
    let mut file = bench.append("a/app.log");
    bench.put(&mut file, 10);
    bench.remove("a/app.log");
    bench.step();
    bench.put(&mut file, 10);
    bench.names(&["b/app.log"]);
    assert_eq!((bench.lines(), bench.doubt()), (30, (0, 0)));
}
