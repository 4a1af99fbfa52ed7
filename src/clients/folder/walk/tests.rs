use std::os::unix::fs::symlink;

use super::*;

fn bounds() -> Bounds {
    Bounds::new(1_000_000, Duration::from_mins(1))
}

/// What a pattern below `root` finds, by its path there.
fn found(root: &Path, pattern: &str) -> (Vec<String>, Walked) {
    let pattern = Pattern::new(&format!("{}/{pattern}", root.display())).unwrap();
    let mut names = Vec::new();
    let walked = walk(&pattern, &mut bounds(), &mut |entry| {
        let path = entry.path();
        names.push(path.strip_prefix(root).unwrap().display().to_string());
    });
    names.sort();
    assert_eq!(walked.files, names.len() as u64);
    (names, walked)
}

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    (dir, root)
}

fn write(path: &Path, size: u64) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::File::create(path).unwrap().set_len(size).unwrap();
}

fn set_modified(path: &Path, seconds: u64) {
    let at = SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
    std::fs::File::options().write(true).open(path).unwrap().set_modified(at).unwrap();
}

#[test]
fn one_level_several_and_all_below() {
    let (_dir, root) = folder();
    for path in ["a.log", "b.log", ".c.log", "x.txt", "sub/d.log", "sub/deep/e.log", "more/f.log"] {
        write(&root.join(path), 1);
    }
    std::fs::create_dir(root.join("folder.log")).unwrap();
    for (pattern, expected, others) in [
        ("a.log", &["a.log"][..], 0),
        ("nowhere.log", &[], 0),
        ("nowhere/*.log", &[], 0),
        ("a.log/x", &[], 0),
        ("*.log", &[".c.log", "a.log", "b.log"], 1),
        ("*/*.log", &["more/f.log", "sub/d.log"], 0),
        ("sub/**/*.log", &["sub/d.log", "sub/deep/e.log"], 0),
        ("**/e.log", &["sub/deep/e.log"], 0),
        ("**/deep/*", &["sub/deep/e.log"], 0),
        ("sub/", &["sub/d.log", "sub/deep/e.log"], 0),
        ("sub", &[], 1),
    ] {
        let (names, walked) = found(&root, pattern);
        assert_eq!(
            (names.as_slice(), walked.others),
            (&expected.iter().map(ToString::to_string).collect::<Vec<_>>()[..], others),
            "{pattern}"
        );
        assert!(walked.complete(), "{pattern}");
    }
}

#[test]
fn a_hundred_thousand_are_counted_and_more_are_told() {
    let (_dir, root) = folder();
    for number in 0..1000 {
        write(&root.join(format!("{number}.bin")), number);
    }
    let pattern = Pattern::new(&format!("{}/*.bin", root.display())).unwrap();
    let mut total = 0;
    let mut bounds = bounds();
    let walked = walk(&pattern, &mut bounds, &mut |entry| total += entry.facts.size);
    assert_eq!((walked.files, total, walked.cut), (1000, 499_500, None));
    assert_eq!(bounds.entries, 999_000);
    let walked = walk(&pattern, &mut Bounds::new(999, Duration::from_mins(1)), &mut |_| {});
    assert_eq!((walked.files, walked.cut), (999, Some(Cut::Entries)));
    let walked = walk(&pattern, &mut Bounds::new(999, Duration::ZERO), &mut |_| {});
    assert_eq!((walked.files, walked.cut), (0, Some(Cut::Time)));
    let late = Bounds { entries: 10 * GLANCE, until: Instant::now() + Duration::from_millis(50) };
    let slow = walk(&pattern, &mut late.clone(), &mut |_| while Instant::now() < late.until {});
    assert!(slow.cut == Some(Cut::Time) && slow.files <= 2 * GLANCE as u64, "{slow:?}");
}

#[test]
fn names_of_any_bytes() {
    let (_dir, root) = folder();
    let odd = OsStr::from_bytes(b"a\xff\n\"\x01.bin");
    write(&root.join(odd), 7);
    write(&root.join(OsStr::from_bytes(b"\xfe/\xfd.bin")), 7);
    let pattern = Pattern::new(&format!("{}/**/*.bin", root.display())).unwrap();
    let (files, walked) = list(&pattern, &mut bounds(), 9);
    assert!(walked.complete() && files.iter().any(|file| file.path == root.join(odd)));
    assert_eq!(files.len(), 2);
    let (files, _) = list(&Pattern::of(&root.join(odd)), &mut bounds(), 9);
    assert_eq!(files.iter().map(|file| file.facts.size).collect::<Vec<_>>(), [7]);
}

#[test]
fn the_newest_come_first_and_no_more_than_wanted() {
    let (_dir, root) = folder();
    for number in 0..50_u64 {
        let path = root.join(format!("{number}"));
        write(&path, number);
        set_modified(&path, 1_000_000 + number * 7 % 50);
    }
    let pattern = Pattern::new(&format!("{}/*", root.display())).unwrap();
    let (files, walked) = list(&pattern, &mut bounds(), 3);
    let times: Vec<_> = files
        .iter()
        .map(|file| file.facts.modified.duration_since(SystemTime::UNIX_EPOCH).unwrap().as_secs())
        .collect();
    assert_eq!((times, walked.files), (vec![1_000_049, 1_000_048, 1_000_047], 50));
}

#[test]
fn facts_of_a_file() {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
    let (_dir, root) = folder();
    let path = root.join("holes");
    write(&path, 10 << 20);
    std::fs::hard_link(&path, root.join("again")).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
    set_modified(&path, 86_400);
    let (files, _) = list(&Pattern::of(&path), &mut bounds(), 1);
    let (facts, meta) = (files[0].facts, std::fs::metadata(&path).unwrap());
    assert_eq!((facts.size, facts.disk, facts.mode, facts.links), (10 << 20, 0, 0o640, 2));
    assert_eq!(
        (facts.uid, facts.gid, facts.inode, facts.device),
        (meta.uid(), meta.gid(), meta.ino(), meta.dev())
    );
    assert_eq!(Some(facts.modified), meta.modified().ok());
    assert!(facts.changed.elapsed().unwrap() < Duration::from_mins(10));
    assert_eq!(moment(-1, 500_000_000), SystemTime::UNIX_EPOCH - Duration::from_millis(500));
}

#[test]
fn links_are_followed_only_if_they_may_be() {
    let (_dir, root) = folder();
    write(&root.join("real/secret"), 5);
    symlink("real/secret", root.join("link")).unwrap();
    symlink("real", root.join("folder")).unwrap();
    symlink("loop", root.join("loop")).unwrap();
    symlink("/proc/self/status", root.join("made_up")).unwrap();
    symlink("real/nothing", root.join("dangling")).unwrap();
    assert_eq!(found(&root, "link").0, ["link"]);
    assert_eq!(found(&root, "folder/*").0, ["folder/secret"]);
    assert_eq!(found(&root, "f*/secret").0, ["folder/secret"]);
    // Not where anything is taken: they could lead in circles.
    assert_eq!(found(&root, "**/secret").0, ["real/secret"]);
    assert!(found(&root, "dangling").1.complete());
    let told = |pattern: &str| found(&root, pattern).1.problem.map(|problem| problem.detail);
    assert!(told("made_up").unwrap().ends_with("the kernel makes up what is there"));
    assert!(told("loop").is_none());
    let proc = walk(&Pattern::new("/proc/*").unwrap(), &mut bounds(), &mut |_| {});
    assert!(proc.files == 0 && proc.problem.is_some());
    // Somebody else's link to what is not theirs.
    let nobody = Some(65_534);
    if std::os::unix::fs::lchown(root.join("link"), nobody, nobody).is_ok() {
        let (names, walked) = found(&root, "link");
        let problem = walked.problem.unwrap();
        assert!(names.is_empty() && problem.reason == Reason::RIGHTS, "{problem:?}");
    }
    let opened = super::super::open(&root.join("folder/secret"));
    assert!(opened.is_err() && super::super::open(&root.join("real/secret")).is_ok());
}
