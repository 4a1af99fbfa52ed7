use std::os::unix::fs::symlink;

use super::*;

fn folder() -> (tempfile::TempDir, PathBuf) {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    (dir, root)
}

fn wanted(paths: &[String]) -> Wanted {
    let patterns = paths.iter().map(|text| (text.clone(), Pattern::new(text).unwrap()));
    Wanted {
        patterns: patterns.collect(),
        made_from: Vec::new(),
        owner: None,
        mode: None,
        secret: false,
    }
}

fn write(path: &Path, text: &str, mode: u32) {
    std::fs::create_dir_all(path.parent().unwrap()).unwrap();
    std::fs::write(path, text).unwrap();
    std::fs::set_permissions(path, std::fs::Permissions::from_mode(mode)).unwrap();
}

fn list(wanted: &Wanted) -> Found<Listing> {
    super::list(wanted, Duration::from_mins(1))
}

/// Index, logs over their size, archive, and folders of sessions. [F03] [L17] [F07]
#[test]
fn counts_sizes_and_ages() {
    let (_dir, root) = folder();
    write(&root.join("app.log"), &"x".repeat(5000), 0o644);
    write(&root.join("access.log"), "x", 0o644);
    write(&root.join("archive/app.log.2026-03-01.gz"), "12", 0o644);
    let old = SystemTime::UNIX_EPOCH + Duration::from_hours(24);
    let file = std::fs::File::options().write(true).open(root.join("access.log")).unwrap();
    file.set_modified(old).unwrap();
    let of = |rest: &str| format!("{}/{rest}", root.display());
    let found = list(&wanted(&[of("*.log"), of("archive/*.gz"), of(""), of("none")]));
    assert!(found.missing.is_none());
    let seen = found.value.seen;
    assert_eq!(seen.iter().map(|one| one.files).collect::<Vec<_>>(), [2, 1, 3, 0]);
    assert_eq!(seen.iter().map(|one| one.size).collect::<Vec<_>>(), [5001, 2, 5003, 0]);
    assert_eq!((seen[0].largest, seen[0].oldest), (5000, Some(old)));
    assert_eq!(seen[0].newest.as_ref().unwrap().path, root.join("app.log"));
    assert!(seen[2].disk >= 3 * 512 && seen[3].is_gone() && seen[3].single);
    // A folder is no file, and says so.
    let found = list(&wanted(&[of("archive")]));
    assert_eq!(found.missing.unwrap().reason, Reason::NOT_FOUND);
}

/// `644` and its owner, of an index. [F03]
#[test]
fn rights_and_owners() {
    let (_dir, root) = folder();
    write(&root.join("index.faiss"), "x", 0o644);
    write(&root.join("index.faiss.backup_1"), "x", 0o600);
    let us = std::fs::metadata(root.join("index.faiss")).unwrap().uid();
    let mut all = wanted(&[format!("{}/index.faiss*", root.display())]);
    all.mode = Some(0o644);
    all.owner = Some(us.to_string());
    let found = list(&all);
    assert_eq!(
        (found.value.seen[0].wrong_mode, found.value.seen[0].wrong_owner),
        (Some(1), Some(0))
    );
    all.owner = Some(format!("{}", us + 1));
    assert_eq!(list(&all).value.seen[0].wrong_owner, Some(2));
    all.owner = Some("nobody-is-called-so".into());
    let found = list(&all);
    assert_eq!(found.value.seen[0].wrong_owner, None, "nothing is said of what is not known");
    assert!(found.missing.unwrap().detail.contains("nobody-is-called-so"));
}

fn git(dir: &Path, words: &[&str]) {
    let identity = ["-c", "user.name=n", "-c", "user.email=e"];
    let output = std::process::Command::new("git")
        .current_dir(dir)
        .args(identity)
        .args(words)
        .output()
        .unwrap();
    assert!(output.status.success(), "{words:?}: {}", String::from_utf8_lossy(&output.stderr));
}

/// Readable by all, known to git, and left as copies. [F09]
#[test]
fn a_secret_that_can_be_seen() {
    let (_dir, root) = folder();
    let env = root.join("bot/.env");
    write(&env, "TOKEN=hunter2", 0o600);
    let mut secret = wanted(&[env.display().to_string()]);
    secret.secret = true;
    let look = || list(&secret).value.seen.remove(0).secret.unwrap();
    let fine = Secret { readable: false, tracked: Some(false), copies: 0 };
    assert_eq!(look(), fine);
    for (mode, folder, readable) in
        [(0o644, 0o755, true), (0o644, 0o700, false), (0o640, 0o755, false), (0o604, 0o711, true)]
    {
        write(&env, "TOKEN=hunter2", mode);
        for dir in [&root, &root.join("bot")] {
            std::fs::set_permissions(dir, std::fs::Permissions::from_mode(folder)).unwrap();
        }
        assert_eq!(look(), Secret { readable, ..fine }, "{mode:o} {folder:o}");
    }
    write(&env, "TOKEN=hunter2", 0o600);
    git(&root, &["init", "-q"]);
    assert_eq!(look(), fine, "a repository without an index");
    git(&root, &["add", "bot/.env"]);
    assert_eq!(look(), Secret { tracked: Some(true), ..fine });
    git(&root, &["commit", "-q", "-m", "m"]);
    git(&root, &["worktree", "add", "-q", "tree"]);
    let mut beside = wanted(&[root.join("tree/bot/.env").display().to_string()]);
    beside.secret = true;
    assert_eq!(list(&beside).value.seen[0].secret.unwrap().tracked, Some(true));
    git(&root, &["rm", "-q", "--cached", "bot/.env"]);
    assert_eq!(look(), fine);
    std::fs::write(root.join(".git/index"), "nonsense").unwrap();
    assert_eq!(look(), Secret { tracked: None, ..fine });
    std::fs::remove_file(root.join(".git/index")).unwrap();
    write(&root.join("bot/.env.tmp"), "", 0o600);
    write(&root.join("bot/.env.backup"), "", 0o600);
    write(&root.join("bot/.env.example"), "", 0o600);
    assert_eq!(look(), Secret { copies: 2, ..fine });
    std::fs::remove_file(&env).unwrap();
    assert_eq!(look().copies, 2, "copies are left though it has gone");
}

/// [F06]
#[test]
fn what_it_is_made_from() {
    let (_dir, root) = folder();
    write(&root.join("cache.pkl"), "x", 0o644);
    write(&root.join("docs/a.txt"), "x", 0o644);
    let newer = SystemTime::now() + Duration::from_secs(90);
    write(&root.join("docs/b.txt"), "x", 0o644);
    std::fs::File::options()
        .write(true)
        .open(root.join("docs/b.txt"))
        .unwrap()
        .set_modified(newer)
        .unwrap();
    let mut cache = wanted(&[format!("{}/cache.pkl", root.display())]);
    cache.made_from = vec![Pattern::new(&format!("{}/docs/", root.display())).unwrap()];
    assert_eq!(list(&cache).value.source, Some(newer));
}

#[test]
fn what_is_out_of_sight_is_not_gone() {
    let (_dir, root) = folder();
    write(&root.join("real"), "x", 0o644);
    symlink("/proc/self/status", root.join("link")).unwrap();
    let of = |rest: &str| format!("{}/{rest}", root.display());
    let found = list(&wanted(&[of("link"), of("real")]));
    assert!(!found.value.seen[0].is_gone() && found.missing.is_some());
    assert_eq!(found.value.seen[1].files, 1, "the others go on");
    let late = super::list(&wanted(&[of("real")]), Duration::ZERO);
    assert!(!late.value.seen[0].is_gone());
    assert_eq!(late.missing.unwrap().reason, Reason::TIMEOUT);
}

/// Behind counts from the first newer data, whatever comes after it; the file itself may lie there. [F06]
#[test]
fn behind_since_the_first_that_is_newer() {
    let (_dir, root) = folder();
    let at = |name: &str, hours: u64| {
        write(&root.join(name), "x", 0o644);
        let file = std::fs::File::options().write(true).open(root.join(name)).unwrap();
        let then = SystemTime::UNIX_EPOCH + Duration::from_hours(hours);
        file.set_modified(then).unwrap();
        then
    };
    at("data/cache.pkl", 10);
    at("data/old", 5);
    let mut all = wanted(&[format!("{}/data/cache.pkl", root.display())]);
    all.made_from = vec![Pattern::new(&format!("{}/data/", root.display())).unwrap()];
    assert_eq!(list(&all).value.seen[0].newer, None);
    let first = at("data/a", 20);
    let last = at("data/b/c", 30);
    let found = list(&all);
    assert_eq!((found.value.seen[0].newer, found.value.source), (Some(first), Some(last)));
    assert!(found.missing.is_none());
    // The file alone is nothing that it could be made from.
    for name in ["data/old", "data/a", "data/b/c"] {
        std::fs::remove_file(root.join(name)).unwrap();
    }
    assert_eq!(list(&all).value.source, None);
}

#[test]
fn what_is_not_all_is_told() {
    let (_dir, root) = folder();
    let deep = format!("data/{}x", "d/".repeat(20));
    write(&root.join(&deep), "x", 0o644);
    write(&root.join("one"), "x", 0o644);
    let mut all = wanted(&[format!("{}/one", root.display())]);
    all.made_from = vec![Pattern::new(&format!("{}/data/", root.display())).unwrap()];
    assert!(list(&all).missing.unwrap().detail.contains("nested too deep"));
    let found = list(&wanted(&[format!("{}/data/", root.display())]));
    assert!(found.missing.is_some() && found.value.seen[0].cut);
    for number in 0..=SECRETS {
        write(&root.join(format!("keys/{number}")), "x", 0o600);
    }
    let mut keys = wanted(&[format!("{}/keys/*", root.display())]);
    keys.secret = true;
    assert!(list(&keys).missing.unwrap().detail.contains("only 20 secrets of 21"));
    std::fs::remove_file(root.join("keys/0")).unwrap();
    assert!(list(&keys).missing.is_none());
    // A listing of what it is made from that has no time.
    let none = super::list(&all, Duration::ZERO);
    assert!(none.missing.is_some());
}
