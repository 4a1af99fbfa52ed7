//! What is told of real changes.

use std::io::Write as _;

use super::*;

async fn told(wake: &Wake) -> Told {
    let told = tokio::time::timeout(Duration::from_secs(10), wake.notify.notified());
    told.await.expect("it is told");
    let told = wake.take();
    assert_ne!(told, Told::Nothing);
    told
}

fn untold(wake: &Wake) -> bool {
    wake.take() == Told::Nothing
}

/// Until nothing more is told: the kernel's events come one by one.
async fn quiet(wake: &Wake) {
    while tokio::time::timeout(4 * PAUSE, wake.notify.notified()).await.is_ok() {}
    wake.take();
}

#[tokio::test]
async fn sources_are_told_of_their_own_directories_only() {
    let (a, b) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    let watcher = Arc::new(Watcher::default());
    let (one, both): (Arc<Wake>, Arc<Wake>) = Default::default();
    let dirs = |dirs: &[&Path]| dirs.iter().map(|dir| dir.to_path_buf()).collect();
    watcher.watch("one", &one, &dirs(&[a.path()])).unwrap();
    watcher.watch("both", &both, &dirs(&[a.path(), b.path(), Path::new("/no/such")])).unwrap();
    quiet(&one).await;
    quiet(&both).await;
    std::fs::write(b.path().join("x.log"), "x\n").unwrap();
    told(&both).await;
    assert!(untold(&one));
    std::fs::write(a.path().join("x.log"), "x\n").unwrap();
    told(&one).await;
    quiet(&both).await;
    // Asked for a second time: nothing is told for that alone.
    watcher.watch("both", &both, &dirs(&[b.path()])).unwrap();
    assert!(untold(&both));
    std::fs::rename(a.path().join("x.log"), a.path().join("x.log.1")).unwrap();
    told(&one).await;
    assert!(untold(&both));
}

#[tokio::test]
async fn of_a_file_that_is_written_to_its_path_is_told() {
    let dir = tempfile::tempdir().unwrap();
    let (path, other) = (dir.path().join("x.log"), dir.path().join("y.log"));
    for path in [&path, &other] {
        std::fs::write(path, "x\n").unwrap();
    }
    let watcher = Arc::new(Watcher::default());
    let wake = Arc::<Wake>::default();
    watcher.watch("one", &wake, &BTreeSet::from([dir.path().to_owned()])).unwrap();
    quiet(&wake).await;
    let mut file = std::fs::OpenOptions::new().append(true).open(&path).unwrap();
    file.write_all(b"y\n").unwrap();
    assert_eq!(told(&wake).await, Told::Files(BTreeSet::from([path.clone()])));
    quiet(&wake).await;
    std::fs::rename(&path, &other).unwrap();
    assert_eq!(told(&wake).await, Told::All);
    // Asked to tell later: of what is asked for meanwhile the greater.
    quiet(&wake).await;
    wake.tell_in(PAUSE, Told::Files(BTreeSet::new()));
    wake.tell_in(PAUSE, Told::All);
    assert_eq!(told(&wake).await, Told::All);
    wake.tell_in(PAUSE, Told::Files(BTreeSet::new()));
    assert_eq!(told(&wake).await, Told::Files(BTreeSet::new()));
}

#[test]
fn of_too_many_files_all_is_told() {
    let mut events = Events::default();
    for name in 0..MAX_TOLD {
        events.add(1, Some(OsStr::new(&name.to_string())));
        events.add(1, Some(OsStr::new("0")));
    }
    let Told::Files(files) = events.of(1, Path::new("/a")) else { panic!("files") };
    assert_eq!(files.len(), MAX_TOLD);
    events.add(1, Some(OsStr::new("one more")));
    assert_eq!(events.of(1, Path::new("/a")), Told::All);
    assert_eq!(events.of(2, Path::new("/a")), Told::Nothing);
    let mut told = Told::Files(files);
    told.add(Told::Files(BTreeSet::from([PathBuf::from("/b")])));
    assert_eq!(told, Told::All);
}

#[tokio::test]
async fn a_directory_that_goes_and_comes_is_watched_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("logs");
    let watcher = Arc::new(Watcher::default());
    let wake = Arc::<Wake>::default();
    let dirs = BTreeSet::from([path.clone()]);
    for _ in 0..2 {
        std::fs::create_dir(&path).unwrap();
        watcher.watch("x", &wake, &dirs).unwrap();
        quiet(&wake).await;
        std::fs::write(path.join("x.log"), "x\n").unwrap();
        told(&wake).await;
        quiet(&wake).await;
        std::fs::remove_dir_all(&path).unwrap();
        told(&wake).await;
        quiet(&wake).await;
    }
}

#[tokio::test]
async fn a_directory_that_is_still_to_come_is_told_of() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("app/logs");
    let watcher = Arc::new(Watcher::default());
    let wake = Arc::<Wake>::default();
    let dirs = BTreeSet::from([path.clone()]);
    watcher.watch("x", &wake, &dirs).unwrap();
    quiet(&wake).await;
    watcher.watch("x", &wake, &dirs).unwrap();
    assert!(untold(&wake), "nothing is told for being asked again");
    for part in [path.parent().unwrap(), &path] {
        std::fs::create_dir(part).unwrap();
        told(&wake).await;
        watcher.watch("x", &wake, &dirs).unwrap();
        quiet(&wake).await;
    }
    std::fs::write(path.join("x.log"), "x\n").unwrap();
    told(&wake).await;
    // A source that is gone leaves nothing behind.
    drop(wake);
    watcher.watch("other", &Arc::default(), &BTreeSet::new()).unwrap();
    assert!(watcher.lock().directories.is_empty());
}

#[test]
fn lost_events_are_told_to_everybody() {
    let (busy, calm) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
    // Without the thread, so that nobody reads meanwhile.
    let instance = Arc::new(inotify::init(CreateFlags::NONBLOCK).unwrap());
    let watcher = Arc::new(Watcher::default());
    watcher.lock().instance = Some(Arc::clone(&instance));
    let (one, other): (Arc<Wake>, Arc<Wake>) = Default::default();
    watcher.watch("calm", &one, &BTreeSet::from([calm.path().to_owned()])).unwrap();
    watcher.watch("busy", &other, &BTreeSet::from([busy.path().to_owned()])).unwrap();
    assert_eq!((one.take(), other.take()), (Told::All, Told::All));
    let [from, to] = ["1", "2"].map(|name| busy.path().join(name));
    std::fs::write(&from, "").unwrap();
    for _ in 0..20_000 {
        std::fs::rename(&from, &to).unwrap();
        std::fs::rename(&to, &from).unwrap();
    }
    watcher.tell(&read(&instance));
    assert_eq!((one.take(), other.take()), (Told::All, Told::All));
}
