//! States over restarts, second exporters, odd files.

use std::os::unix::fs::MetadataExt as _;

use super::disk::write;
use super::*;

#[test]
fn what_is_saved_is_there_after_a_restart() {
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path().join("a/b");
    let storage = Storage::open(&dir).unwrap();
    assert_eq!(storage.load("logs", "bot").unwrap(), None);
    for text in ["one", "two"] {
        storage.save("logs", "bot", text.as_bytes()).unwrap();
        assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), text.as_bytes());
    }
    storage.save("logs", "../Бот", b"three").unwrap();
    drop(storage);
    let storage = Storage::open(&dir).unwrap();
    assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), b"two");
    assert_eq!(storage.load("logs", "../Бот").unwrap().unwrap(), b"three");
    assert_eq!(storage.strangers("logs", ["../Бот"].into_iter()), [dir.join("logs-bot.state")]);
    storage.remove("logs", "bot").unwrap();
    storage.remove("logs", "bot").unwrap();
    assert_eq!(storage.load("logs", "bot").unwrap(), None);
    let mode = |path: &Path| std::fs::metadata(path).unwrap().mode() & 0o777;
    assert_eq!(mode(&dir), 0o700);
    for entry in std::fs::read_dir(&dir).unwrap() {
        assert_eq!(mode(&entry.unwrap().path()), 0o600);
    }
}

#[test]
fn case_36_a_second_exporter_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let first = Storage::open(dir.path()).unwrap();
    let failure = Storage::open(dir.path()).err().unwrap();
    assert!(failure.detail.ends_with("another exporter uses it"), "{failure}");
    assert!(failure.hint.is_some());
    drop(first);
    assert!(Storage::open(dir.path()).is_ok());
}

#[test]
fn case_32_a_save_that_fails_leaves_the_last_one_and_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let storage = Storage::open(dir.path()).unwrap();
    storage.save("logs", "bot", b"one").unwrap();
    // A directory in the place of the file that is written first: root may write anywhere else.
    let beside = dir.path().join(".logs-bot.state.new");
    std::fs::create_dir(&beside).unwrap();
    let failure = storage.save("logs", "bot", b"two").unwrap_err();
    assert!(failure.detail.contains("logs-bot.state"), "{failure}");
    assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), b"one");
    std::fs::remove_dir(&beside).unwrap();
    storage.save("logs", "bot", b"two").unwrap();
    // What is no file is not written to.
    let device = write(Path::new("/dev/full"), b"x", false).unwrap_err();
    assert_eq!(device.kind(), io::ErrorKind::InvalidInput);
    assert!(Storage::open(Path::new("/proc/no/such")).is_err());
}

#[test]
fn what_is_added_stands_behind_what_was_saved() {
    let dir = tempfile::tempdir().unwrap();
    for storage in [Storage::open(dir.path()).unwrap(), Storage::memory()] {
        let added = storage.dir().map(|_| storage.append("logs", "bot", b"x").unwrap_err());
        assert!(added.is_none_or(|failure| failure.detail.contains("logs-bot.state")));
        storage.save("logs", "bot", b"one").unwrap();
        for _ in 0..2 {
            storage.append("logs", "bot", b"+two").unwrap();
        }
        assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), b"one+two+two");
        storage.save("logs", "bot", b"three").unwrap();
        assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), b"three");
        storage.flush();
    }
}

#[test]
fn memory_needs_no_directory() {
    let storage = Storage::memory();
    assert_eq!(storage.load("logs", "bot").unwrap(), None);
    storage.save("logs", "bot", b"one").unwrap();
    assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), b"one");
    assert!(storage.dir().is_none() && storage.strangers("logs", std::iter::empty()).is_empty());
    storage.flush();
}

#[test]
fn any_name_makes_a_safe_file_name() {
    for (name, file) in [
        ("bot", "logs-bot.state"),
        ("", "logs-.state"),
        ("..", "logs-...state"),
        ("a/b", "logs-a%2fb.state"),
        ("a%2fb", "logs-a%252fb.state"),
        ("я\n", "logs-%d1%8f%0a.state"),
    ] {
        assert_eq!(file_name("logs", name), file);
    }
    let long = |end: &str| file_name("logs", &format!("{}{end}", "ж".repeat(200)));
    assert!(long("a").len() < 230 && long("a") != long("b"));
}

#[test]
fn a_directory_where_none_is_configured() {
    let dir = tempfile::tempdir().unwrap();
    let (system, none) = (dir.path().join(NAME), Path::new("/proc"));
    let given = |name: &str| (name == "STATE_DIRECTORY").then(|| "/a:/b".to_owned());
    assert_eq!(Storage::dir_below(dir.path(), &given), Some(PathBuf::from("/a")));
    let user = |name: &str| (name == "XDG_STATE_HOME").then(|| "/x".to_owned());
    assert_eq!(Storage::dir_below(dir.path(), &user), Some(system));
    assert_eq!(Storage::dir_below(none, &user), Some(PathBuf::from("/x/stack-exporter")));
    let home = |name: &str| (name == "HOME").then(|| "/h".to_owned());
    let there = PathBuf::from("/h/.local/state/stack-exporter");
    assert_eq!(Storage::dir_below(none, &home), Some(there));
    assert_eq!(Storage::dir_below(none, &|_| None), None);
}

fn fifo(path: &Path) {
    let mode = rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR;
    let kind = rustix::fs::FileType::Fifo;
    rustix::fs::mknodat(rustix::fs::CWD, path, kind, mode, 0).unwrap();
}

/// Waits for nobody: a test that hangs is one that fails.
fn soon<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> T {
    let (done, result) = std::sync::mpsc::channel();
    std::thread::spawn(move || done.send(work()));
    result.recv_timeout(std::time::Duration::from_secs(20)).expect("it hangs")
}

#[test]
fn what_was_taken_is_had_when_the_other_has_ended() {
    let dir = tempfile::tempdir().unwrap();
    let first = Storage::open(dir.path()).unwrap();
    first.save("logs", "bot", b"one").unwrap();
    let second = Storage::take(Some(dir.path()));
    assert_eq!(second.load("logs", "bot").unwrap_err().reason, Reason::TAKEN);
    assert!(second.dir().is_none());
    drop(first);
    assert_eq!(second.load("logs", "bot").unwrap().unwrap(), b"one");
    second.save("logs", "bot", b"two").unwrap();
    // It is ours now: a third one is refused.
    assert_eq!(
        Storage::take(Some(dir.path())).load("logs", "bot").unwrap_err().reason,
        Reason::TAKEN
    );
    drop(second);
    assert_eq!(Storage::open(dir.path()).unwrap().load("logs", "bot").unwrap().unwrap(), b"two");
}

#[test]
fn what_could_not_be_saved_is_saved_when_it_can_be() {
    let dir = tempfile::tempdir().unwrap();
    let (path, odd) = (dir.path().join("state"), dir.path().to_owned());
    // A file where the directory would be.
    std::fs::write(&path, "").unwrap();
    let storage = Storage::take(Some(&path));
    assert_eq!(storage.load("logs", "bot").unwrap(), None);
    assert!(storage.save("logs", "bot", b"one").is_err());
    assert_eq!(storage.load("logs", "bot").unwrap().unwrap(), b"one", "kept in memory");
    std::fs::remove_file(&path).unwrap();
    storage.save("logs", "bot", b"two").unwrap();
    assert_eq!(storage.dir(), Some(path.clone()));
    drop(storage);
    assert_eq!(Storage::open(&path).unwrap().load("logs", "bot").unwrap().unwrap(), b"two");
    assert!(odd.exists());
}

#[test]
fn pipes_in_the_directory_are_told_and_not_waited_for() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().to_owned();
    fifo(&path.join("lock"));
    let storage = soon({
        let path = path.clone();
        move || Storage::take(Some(&path))
    });
    let failure = storage.save("logs", "bot", b"one").unwrap_err();
    assert!(failure.detail.contains("lock is a pipe, expected a regular file"), "{failure}");
    std::fs::remove_file(path.join("lock")).unwrap();
    storage.save("logs", "bot", b"one").unwrap();

    fifo(&path.join("logs-odd.state"));
    let storage = Arc::new(storage);
    let load = |storage: &Arc<Storage>| {
        let storage = Arc::clone(storage);
        soon(move || storage.load("logs", "odd"))
    };
    let failure = load(&storage).unwrap_err();
    assert!(failure.detail.contains("it is a pipe, expected a regular file"), "{failure}");
    std::fs::remove_file(path.join("logs-odd.state")).unwrap();
    assert_eq!(load(&storage).unwrap(), None);

    fifo(&path.join(".logs-odd.state.new"));
    let saved = soon(move || storage.save("logs", "odd", b"one"));
    assert!(saved.unwrap_err().detail.contains("pipe"), "the half written file");
}
