use std::path::PathBuf;
use std::time::Duration;

use super::*;
use crate::clients::folder::{Facts, File};

const BEGIN: u64 = 1_700_000_000;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(BEGIN + seconds)
}

/// What a listing has found of a file of this size, written then.
fn seen(size: u64, written: u64) -> Seen {
    let modified = at(written);
    let facts = Facts {
        size,
        disk: size,
        modified,
        changed: modified,
        mode: 0o644,
        uid: 0,
        gid: 0,
        device: 1,
        inode: 2,
        links: 1,
    };
    let file = File { path: PathBuf::from("/f"), real: PathBuf::from("/f"), facts };
    Seen {
        pattern: "/f".into(),
        single: true,
        files: 1,
        size,
        newest: Some(file),
        ..Seen::default()
    }
}

fn gone() -> Seen {
    Seen { pattern: "/f".into(), single: true, ..Seen::default() }
}

fn ratios(history: &History) -> [Option<f64>; 2] {
    [Against::Last, Against::Largest].map(|against| history.ratio("/f", against))
}

/// [F03]
#[test]
fn a_file_shrinks_goes_and_comes() {
    let mut history = History::default();
    let look = |history: &mut History, one: Seen, now: u64| history.take(&[one], at(now));
    look(&mut history, seen(1000, 0), 0);
    assert_eq!(ratios(&history), [None, None], "there was no other version");
    look(&mut history, seen(1000, 0), 60);
    look(&mut history, seen(800, 100), 120);
    assert_eq!(ratios(&history), [Some(0.8), Some(0.8)]);
    look(&mut history, seen(800, 100), 180);
    look(&mut history, seen(720, 200), 240);
    assert_eq!(ratios(&history), [Some(0.9), Some(0.72)]);
    // A rebuild removes it, and what comes is compared with what was.
    look(&mut history, gone(), 300);
    look(&mut history, gone(), 360);
    assert_eq!(history.missing(&gone(), at(400)), Some(100));
    look(&mut history, gone(), 420);
    assert_eq!(history.missing(&gone(), at(420)), Some(120));
    look(&mut history, seen(250, 430), 480);
    assert_eq!(ratios(&history)[1], Some(0.25));
    assert_eq!(history.missing(&seen(250, 430), at(480)), Some(0));
}

#[test]
fn what_is_still_written_is_no_version() {
    let mut history = History::default();
    for step in 0..5 {
        history.take(&[seen(1000, 0)], at(step));
    }
    for step in 1..5 {
        history.take(&[seen(10 * step, 100 + step)], at(60 * step));
    }
    assert_eq!(ratios(&history), [Some(0.04), Some(0.04)], "of what it was before all that");
    // Ten versions on nothing is known of the largest.
    for version in 0..11 {
        history.take(&[seen(40, 1000 + version)], at(1000 + version));
        history.take(&[seen(40, 1000 + version)], at(1000 + version));
    }
    assert_eq!(ratios(&history), [Some(1.0), Some(1.0)]);
    assert!(history.0["/f"].sizes.len() <= VERSIONS);
}

#[test]
fn it_comes_back_after_a_restart() {
    let mut history = History::default();
    history.take(&[seen(1000, 0)], at(0));
    history.take(&[seen(1000, 0)], at(60));
    history.take(&[gone()], at(120));
    let text = serde_json::to_string(&history).unwrap();
    let mut next = History::default();
    next.restore(serde_json::from_str(&text).unwrap());
    assert_eq!(next, history);
    // It had gone before the exporter did.
    next.take(&[gone()], at(1000));
    assert_eq!(next.missing(&gone(), at(1000)), Some(880));
    next.take(&[seen(100, 1001)], at(1060));
    assert_eq!(next.ratio("/f", Against::Last), Some(0.1));
    // What is declared no longer is forgotten.
    next.take(&[], at(1100));
    assert_eq!(next, History::default());
}

#[test]
fn what_cannot_be_seen_is_neither_there_nor_gone() {
    let mut history = History::default();
    let hidden = Seen { hidden: true, ..gone() };
    history.take(std::slice::from_ref(&hidden), at(0));
    assert_eq!(history.missing(&hidden, at(100)), None);
    history.take(&[gone()], at(200));
    history.take(std::slice::from_ref(&hidden), at(300));
    assert_eq!(history.missing(&hidden, at(350)), None);
    history.take(&[gone()], at(400));
    assert_eq!(history.missing(&gone(), at(450)), Some(250), "since it was first seen to be gone");
}
