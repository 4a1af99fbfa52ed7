//! State over restarts: what comes back, how often it is written, and what goes wrong with files.

use std::path::Path;

use super::*;
use crate::engine::{Memory, Parts, Shown};

const KEEPING: Keeping =
    Keeping { form: Form { kind: "test", version: 2 }, most: 200, pause: Duration::from_mins(1) };

type Names = Vec<String>;

/// A process, from its start to its end.
struct Process {
    memory: Memory,
}

impl Process {
    fn start(dir: &Path) -> Self {
        let memory = Memory::default();
        // The thread that wrote last may hold the directory for a moment longer.
        let end = std::time::Instant::now() + Duration::from_secs(10);
        let storage = loop {
            match Storage::open(dir) {
                Ok(storage) => break storage,
                Err(failure) => assert!(std::time::Instant::now() < end, "{failure}"),
            }
            std::thread::yield_now();
        };
        memory.keep_in(storage);
        Self { memory }
    }

    fn kept(&self, of: &'static str) -> Kept<Names> {
        Parts::new(&self.memory, "docker", "docker", of).keep("services", KEEPING, of.to_owned())
    }
}

async fn restored(kept: &Kept<Names>) -> Option<Names> {
    kept.restored(Instant::now() + Duration::from_secs(5)).await
}

/// Keeps it, and waits until it is written, if it is.
async fn keep(kept: &Kept<Names>, names: &[&str]) -> Shown {
    kept.keep(&names.iter().map(|name| (*name).to_owned()).collect());
    let mut state = kept.inner.0.subscribe();
    let written = state.wait_for(|state| !state.writing);
    tokio::time::timeout(Duration::from_secs(5), written).await.unwrap().unwrap();
    kept.showing.take().unwrap()
}

async fn minute() {
    tokio::time::advance(KEEPING.pause).await;
}

fn file(dir: &Path) -> std::path::PathBuf {
    dir.join("docker-docker.services.state")
}

#[tokio::test(start_paused = true)]
async fn it_comes_back_after_a_restart_and_once() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path());
    let kept = process.kept("a");
    keep(&kept, &["early"]).await;
    assert!(!file(dir.path()).exists(), "what is there is read before anything is written");
    assert_eq!(restored(&kept).await, None);
    minute().await;
    keep(&kept, &["one", "two"]).await;
    drop((process, kept));
    let process = Process::start(dir.path());
    let kept = process.kept("a");
    assert_eq!(restored(&kept).await, Some(vec!["one".to_owned(), "two".to_owned()]));
    assert_eq!(restored(&kept).await, None, "the collector has it now");
    // After a reload with equal settings it goes on, with others it begins anew.
    assert_eq!(restored(&process.kept("a")).await, None);
    assert_eq!(restored(&process.kept("b")).await, None, "of another address");
}

#[tokio::test(start_paused = true)]
async fn it_is_written_when_it_has_changed_and_seldom() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path());
    let kept = process.kept("a");
    restored(&kept).await;
    let text = || std::fs::read_to_string(file(dir.path())).unwrap_or_default();
    minute().await;
    keep(&kept, &["one"]).await;
    assert!(text().contains("one"));
    for n in 0..59 {
        tokio::time::advance(Duration::from_secs(1)).await;
        keep(&kept, &[&format!("n{n}")]).await;
    }
    assert!(text().contains("one"), "a minute is not over");
    minute().await;
    keep(&kept, &["last"]).await;
    assert!(text().contains("last"));
    std::fs::remove_file(file(dir.path())).unwrap();
    minute().await;
    keep(&kept, &["last"]).await;
    assert!(!file(dir.path()).exists(), "the same is not written twice");
}

#[tokio::test(start_paused = true)]
async fn a_damaged_file_is_told_until_there_is_a_new_one() {
    let dir = tempfile::tempdir().unwrap();
    let newer = Form { version: 3, ..KEEPING.form }.encode(&"x").unwrap();
    for (bytes, why) in [(b"rubbish".to_vec(), "damaged"), (newer, "newer exporter")] {
        std::fs::write(file(dir.path()), bytes).unwrap();
        let process = Process::start(dir.path());
        let kept = process.kept("a");
        assert_eq!(restored(&kept).await, None);
        let failure = keep(&kept, &["one"]).await.failure.unwrap();
        assert!(failure.reason == Reason::PARSE && failure.detail.contains(why), "{failure}");
        minute().await;
        keep(&kept, &["one"]).await;
        assert!(keep(&kept, &["one"]).await.failure.is_none());
        drop((process, kept));
        let process = Process::start(dir.path());
        assert_eq!(restored(&process.kept("a")).await, Some(vec!["one".to_owned()]));
    }
}

#[tokio::test(start_paused = true)]
async fn what_cannot_be_written_is_told_and_tried_again() {
    let dir = tempfile::tempdir().unwrap();
    let process = Process::start(dir.path());
    let kept = process.kept("a");
    restored(&kept).await;
    let beside = dir.path().join(".docker-docker.services.state.new");
    std::fs::create_dir(&beside).unwrap();
    minute().await;
    keep(&kept, &["one"]).await;
    assert!(keep(&kept, &["one"]).await.failure.unwrap().detail.contains("regular file"));
    std::fs::remove_dir(&beside).unwrap();
    minute().await;
    keep(&kept, &["one"]).await;
    assert!(keep(&kept, &["one"]).await.failure.is_none());
    minute().await;
    keep(&kept, &[&"x".repeat(300)]).await;
    let failure = keep(&kept, &["one"]).await.failure.unwrap();
    assert!(failure.detail.contains("longer than 200 bytes"), "{failure}");
}

#[tokio::test(start_paused = true)]
async fn without_a_directory_nothing_is_promised() {
    let memory = Memory::default();
    memory.keep_in(Storage::take(None));
    let process = Process { memory };
    let kept = process.kept("a");
    restored(&kept).await;
    minute().await;
    keep(&kept, &["one"]).await;
    assert!(keep(&kept, &["one"]).await.failure.is_none());
}
