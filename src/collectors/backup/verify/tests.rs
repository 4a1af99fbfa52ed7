use std::path::PathBuf;
use std::time::SystemTime;

use super::*;
use crate::collectors::backup::seen::{Id, Look};

fn failure() -> Failure {
    Failure::new(Reason::OTHER, "x")
}

#[tokio::test(start_paused = true)]
async fn a_disk_that_hangs_gives_its_turn_up_and_a_slow_one_does_not() {
    let moved = AtomicU64::new(0);
    let begun = Instant::now();
    let hangs = std::future::pending::<Result<(), Failure>>();
    let said = while_it_moves(hangs, &moved, STILL).await.unwrap_err();
    assert_eq!(said.reason, Reason::TIMEOUT);
    assert!(begun.elapsed() <= 2 * STILL, "{:?}", begun.elapsed());
    let slow = async {
        for _ in 0..100 {
            tokio::time::sleep(STILL / 2).await;
            moved.fetch_add(1, Ordering::Relaxed);
        }
        Ok::<_, Failure>(7)
    };
    assert_eq!(while_it_moves(slow, &moved, STILL).await.unwrap(), 7);
    assert!(while_it_moves(async { Err::<(), _>(failure()) }, &moved, STILL).await.is_err());
}

fn seen(path: PathBuf, age: u64) -> Seen {
    let about = std::fs::metadata(&path);
    let modified = about.as_ref().map_or_else(
        |_| SystemTime::now() - Duration::from_hours(age),
        |about| about.modified().unwrap(),
    );
    let (inode, size) = about.map_or((age, 1), |about| {
        use std::os::unix::fs::MetadataExt as _;
        (about.ino(), about.len())
    });
    let (name, below) = (path.display().to_string(), path.clone());
    Seen { id: Id { inode, size, modified }, at: modified, name, path: Some(path), below }
}

fn places() -> Arc<Places> {
    Arc::new(Places {
        files: Vec::new(),
        kind: None,
        newer_than: Vec::new(),
        stamp: None,
        copies: Vec::new(),
        expires: None,
        smallest: 1,
        within: Duration::from_hours(2),
    })
}

/// A newest file that cannot be read is left alone for an hour, and the older ones have their turn.
#[tokio::test]
async fn older_files_are_read_after_one_that_failed() {
    let dir = tempfile::tempdir().unwrap();
    let root = dir.path().canonicalize().unwrap();
    std::fs::write(root.join("older.bin"), vec![7; 5000]).unwrap();
    // There is no way to it, though it was seen.
    let newest = seen(root.join("older.bin/newest.bin"), 0);
    let older = seen(root.join("older.bin"), 1);
    let (bad, good) = (newest.id, older.id);
    let look = Look { newest: vec![newest, older], complete: true, ..Look::default() };
    let state = Arc::new(Mutex::new(State { look: Arc::new(look), ..State::default() }));
    let (busy, turn) = (Arc::default(), Turn::default());
    let read = || verify(places(), Arc::clone(&state), (&busy, &turn), 1_000_000_000);
    assert!(read().await.is_err(), "the newest first");
    let found = read().await.unwrap();
    assert!(found.missing.is_some(), "it is still told that one failed");
    let mut state = lock(&state);
    assert!(state.past.mark(good).is_some_and(|mark| mark.full));
    assert_eq!(state.next(Instant::now()).0, None);
    let later = Instant::now() + REST;
    assert_eq!(state.next(later).0.map(|seen| seen.id), Some(bad), "an hour later, again");
}

/// Whoever waits for its turn for more than a day still reads.
#[tokio::test(start_paused = true)]
async fn waiting_for_a_turn_costs_nothing_of_the_limit() {
    let (state, busy) = (Arc::new(Mutex::new(State::default())), Arc::default());
    let turn = Arc::new(Turn::default());
    let held = turn.lock().await;
    let (other, begun) = (Arc::clone(&turn), Instant::now());
    let task = tokio::spawn(async move { verify(places(), state, (&busy, &other), 1).await });
    tokio::time::sleep(2 * LONG).await;
    assert!(!task.is_finished() && WAIT > 2 * LONG, "the part waits as well");
    drop(held);
    assert!(task.await.unwrap().is_ok() && begun.elapsed() >= 2 * LONG);
}
