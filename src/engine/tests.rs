//! The promises of the engine, with sources that misbehave on command.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

use super::target::Target;
use super::{Board, Clock, Collector, GRACE, OWN_AREA, Snapshot, samples};
use crate::catalogue::{Batch, metrics};
use crate::failure::{Failure, Reason};

/// What a source does when it is read.
#[derive(Clone, Copy, PartialEq)]
enum Mood {
    Well,
    Hangs,
    Panics,
    /// Fails with another reason each time.
    Fickle,
}

struct Source {
    mood: Arc<std::sync::Mutex<Mood>>,
    reads: Arc<AtomicU64>,
}

struct Row(u64);

metrics! { Row {
    labels {}
    /// Which reading this is.
    gauge stack_test_reading = |row| row.0;
} }

impl Collector for Source {
    type Raw = u64;

    async fn fetch(&self) -> Result<u64, Failure> {
        let read = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
        let mood = *self.mood.lock().unwrap();
        match mood {
            Mood::Hangs => std::future::pending().await,
            Mood::Fickle if read.is_multiple_of(2) => Err(Failure::new(Reason::REFUSED, "refused")),
            Mood::Fickle => Err(Failure::new(Reason::PARSE, "rubbish")),
            Mood::Well | Mood::Panics => {
                tokio::time::sleep(Duration::from_millis(5)).await;
                Ok(read)
            }
        }
    }

    fn sample(&self, read: u64, _: SystemTime) -> Result<Batch, Failure> {
        assert!(*self.mood.lock().unwrap() != Mood::Panics, "a planted defect");
        Ok(Batch::new().with(vec![Row(read)]))
    }
}

struct Handle {
    mood: Arc<std::sync::Mutex<Mood>>,
    reads: Arc<AtomicU64>,
}

fn target(name: &str, mood: Mood) -> (Target, Handle) {
    let (mood, reads) = (Arc::new(std::sync::Mutex::new(mood)), Arc::new(AtomicU64::new(0)));
    let handle = Handle { mood, reads };
    (equal(name, &handle), handle)
}

/// One more target with the same settings and the same source.
fn equal(name: &str, handle: &Handle) -> Target {
    let source = Source { mood: Arc::clone(&handle.mood), reads: Arc::clone(&handle.reads) };
    Target::new(&OWN_AREA, name, String::new(), (), source)
}

/// Lets the last reading grow old enough to be taken again. Paused time would be quicker, but the
/// promise is about real time.
async fn grow_old() {
    tokio::time::sleep(Duration::from_millis(1010)).await;
}

fn up(snapshot: &Snapshot, name: &str) -> Option<f64> {
    let entry = snapshot.entries.iter().find(|entry| entry.name() == name)?;
    samples(&OWN_AREA, entry.sets(), "stack_target_up").first().map(|sample| sample.value)
}

fn reasons(snapshot: &Snapshot, name: &str) -> Vec<String> {
    let entry = snapshot.entries.iter().find(|entry| entry.name() == name).unwrap();
    let failures = samples(&OWN_AREA, entry.sets(), "stack_target_failure");
    failures.iter().map(|sample| sample.label("reason").to_owned()).collect()
}

/// The number of the reading that is shown, or none.
fn shown(snapshot: &Snapshot, name: &str) -> Option<u64> {
    let entry = snapshot.entries.iter().find(|entry| entry.name() == name)?;
    entry.state.as_ref()?.reading.as_ref().map(|reading| reading.series)
}

/// For a busy machine; a scrape that waited for what hangs would take the whole grace more.
const MARGIN: Duration = Duration::from_millis(500);

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nine_hanging_targets_cost_the_tenth_nothing() {
    let board = Board::default();
    let (mut targets, mut handles) = (Vec::new(), Vec::new());
    for n in 0..9 {
        let (mut target, _) = target(&format!("hangs{n}"), Mood::Hangs);
        target.deadline = Duration::from_secs(3);
        targets.push(target);
    }
    let (tenth, handle) = target("tenth", Mood::Well);
    targets.push(tenth);
    handles.push(handle);
    board.apply(targets);
    let started = Instant::now();
    let first = board.scrape(&[], None).await;
    let took = started.elapsed();
    assert!(took <= GRACE + MARGIN, "the first scrape took {took:?}");
    assert_eq!((up(&first, "tenth"), shown(&first, "tenth")), (Some(1.0), Some(1)));
    assert_eq!((up(&first, "hangs0"), reasons(&first, "hangs0")), (None, vec!["pending".into()]));
    let mut took = Vec::new();
    for _ in 0..3 {
        grow_old().await;
        let before = handles[0].reads.load(Ordering::SeqCst);
        let started = Instant::now();
        let next = board.scrape(&[], None).await;
        took.push(started.elapsed());
        assert_eq!(up(&next, "tenth"), Some(1.0));
        assert_eq!(handles[0].reads.load(Ordering::SeqCst), before + 1, "not fresh");
    }
    // What hangs would slow each of them, a busy machine one or two.
    assert!(took.iter().any(|took| *took < MARGIN), "the later scrapes took {took:?}");
    // By now the deadline of the hanging ones has passed, and they say why they are down.
    let last = board.snapshot();
    assert_eq!(
        (up(&last, "hangs8"), reasons(&last, "hangs8")),
        (Some(0.0), vec!["timeout".into()])
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_hundred_scrapers_cause_one_reading() {
    let board = Arc::new(Board::default());
    let (target, handle) = target("one", Mood::Well);
    board.apply(vec![target]);
    board.scrape(&[], None).await;
    grow_old().await;
    let before = handle.reads.load(Ordering::SeqCst);
    let scrapers = (0..100).map(|_| {
        let board = Arc::clone(&board);
        tokio::spawn(async move { shown(&board.scrape(&[], None).await, "one") })
    });
    for scraper in scrapers.collect::<Vec<_>>() {
        assert_eq!(scraper.await.unwrap(), Some(1));
    }
    assert_eq!(handle.reads.load(Ordering::SeqCst), before + 1);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_panic_is_a_reason_and_the_cure_takes_one_reading() {
    let board = Board::default();
    let (sick, handle) = target("sick", Mood::Panics);
    let (well, _) = target("well", Mood::Well);
    board.apply(vec![sick, well]);
    let snapshot = board.scrape(&[], None).await;
    assert_eq!(
        (up(&snapshot, "sick"), reasons(&snapshot, "sick")),
        (Some(0.0), vec!["panic".into()])
    );
    assert_eq!(shown(&snapshot, "sick"), None, "series of a sick target are withdrawn");
    assert_eq!(up(&snapshot, "well"), Some(1.0));
    *handle.mood.lock().unwrap() = Mood::Well;
    grow_old().await;
    let snapshot = board.scrape(&[], None).await;
    assert_eq!((up(&snapshot, "sick"), reasons(&snapshot, "sick")), (Some(1.0), vec![]));
}

/// The up series carries no reason, so a `for` on it goes on counting.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_changing_reason_leaves_the_up_series_alone() {
    let board = Board::default();
    let (target, _) = target("fickle", Mood::Fickle);
    board.apply(vec![target]);
    let mut seen = Vec::new();
    for _ in 0..3 {
        let snapshot = board.scrape(&[], None).await;
        let entry = snapshot.entries.iter().find(|entry| entry.name() == "fickle").unwrap();
        let series = samples(&OWN_AREA, entry.sets(), "stack_target_up");
        assert_eq!(series.len(), 1);
        assert_eq!(
            (series[0].labels.clone(), series[0].value),
            (vec![("area", "exporter".into())], 0.0)
        );
        seen.extend(reasons(&snapshot, "fickle"));
        grow_old().await;
    }
    assert_eq!(seen, ["parse", "refused", "parse"]);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_reload_leaves_equal_targets_alone() {
    let board = Board::default();
    let (first, handle) = target("kept", Mood::Well);
    let (gone, _) = target("gone", Mood::Well);
    board.apply(vec![first, gone]);
    board.scrape(&[], None).await;
    let (again, other) = target("kept", Mood::Hangs);
    board.apply(vec![again]);
    assert_eq!(board.slots().len(), 1);
    grow_old().await;
    let snapshot = board.scrape(&[], None).await;
    assert_eq!(up(&snapshot, "kept"), Some(1.0));
    assert_eq!((handle.reads.load(Ordering::SeqCst), other.reads.load(Ordering::SeqCst)), (2, 0));
    let (mut changed, _) = target("kept", Mood::Well);
    changed.deadline = Duration::from_secs(1);
    board.apply(vec![changed]);
    let snapshot = board.scrape(&[], None).await;
    let entry = snapshot.entries.iter().find(|entry| entry.name() == "kept").unwrap();
    let reads = samples(&OWN_AREA, entry.sets(), "stack_target_reads_total");
    let total: f64 = reads.iter().map(|sample| sample.value).sum();
    assert!((total - 3.0).abs() < f64::EPSILON, "counters go on: {total}");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_stream_is_read_by_its_own_clock() {
    let board = Board::default();
    let (mut target, handle) = target("stream", Mood::Well);
    target.clock = Clock::Every(Duration::from_millis(20));
    board.apply(vec![target]);
    let deadline = Instant::now() + Duration::from_secs(5);
    while handle.reads.load(Ordering::SeqCst) < 10 {
        assert!(Instant::now() < deadline, "not read by itself");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
}

/// Several reloads at once must leave a poller for every slot.
#[tokio::test]
async fn a_source_that_tells_of_news_is_read_without_being_asked() {
    let wake = Arc::new(tokio::sync::Notify::new());
    let (mut target, handle) = target("told", Mood::Well);
    target.wake = Some(Arc::clone(&wake));
    let board = Board::default();
    board.apply(vec![target]);
    let read = |times| {
        let reads = Arc::clone(&handle.reads);
        async move {
            let deadline = Instant::now() + Duration::from_secs(5);
            while reads.load(Ordering::SeqCst) < times {
                assert!(Instant::now() < deadline, "no reading {times}");
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        }
    };
    read(1).await;
    wake.notify_one();
    read(2).await;
    // Told twice at once: one more reading is enough, and none is due after it for long.
    wake.notify_one();
    wake.notify_one();
    read(3).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 4)]
async fn reloads_at_once_leave_every_target_alive() {
    let board = Arc::new(Board::default());
    for round in 1..=30_u64 {
        let reloads = (0..4_u64).map(|turn| {
            let board = Arc::clone(&board);
            tokio::spawn(async move {
                let targets = (0..4).map(|n| {
                    let (mut target, _) = target(&format!("t{n}"), Mood::Well);
                    target.deadline = Duration::from_millis(2000 + round * 10 + turn);
                    target
                });
                board.apply(targets.collect());
            })
        });
        for reload in reloads.collect::<Vec<_>>() {
            reload.await.unwrap();
        }
        let snapshot = board.scrape(&[], None).await;
        for n in 0..4 {
            assert_eq!(up(&snapshot, &format!("t{n}")), Some(1.0), "t{n} in round {round}");
        }
    }
}

/// What a stream counted minutes ago must still be judged, as the rule does.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn history_goes_back_further_than_one_reading() {
    let board = Board::default();
    let (mut target, handle) = target("stream", Mood::Well);
    target.clock = Clock::Every(Duration::from_millis(20));
    board.apply(vec![target]);
    board.scrape(&[], None).await;
    let first = board.slots()[0].state().history.front().unwrap().clock;
    let deadline = Instant::now() + Duration::from_secs(5);
    while handle.reads.load(Ordering::SeqCst) < 10 {
        assert!(Instant::now() < deadline, "not read by itself");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    let history = board.slots()[0].state().history;
    assert_eq!((history.front().unwrap().clock, history.len()), (first, 1));
}

/// Longer than anything below takes.
const PATIENCE: Duration = Duration::from_secs(10);

fn reason(snapshot: &Snapshot, name: &str) -> String {
    assert_eq!(up(snapshot, name), Some(0.0));
    reasons(snapshot, name).join(" ")
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn equal_readings_on_demand_are_one_and_nothing_of_them_stays() {
    let board = Board::default();
    let (first, handle) = target("asked", Mood::Well);
    let more = (0..99).map(|_| equal("asked", &handle));
    let asked = std::iter::once(first).chain(more).map(|target| board.once(target, PATIENCE));
    for snapshot in futures_util::future::join_all(asked).await {
        let snapshot = snapshot.expect("one reading has room");
        assert_eq!(snapshot.entries.len(), 1, "nothing of the exporter itself");
        assert_eq!((up(&snapshot, "asked"), shown(&snapshot, "asked")), (Some(1.0), Some(1)));
        let entry = &snapshot.entries[0];
        assert_eq!(samples(&OWN_AREA, entry.sets(), "stack_target_reads_total"), []);
    }
    assert_eq!(handle.reads.load(Ordering::SeqCst), 1);
    assert!(board.slots().is_empty() && board.snapshot().entries.len() == 1);
    board.once(equal("asked", &handle), PATIENCE).await.expect("room");
    assert_eq!(handle.reads.load(Ordering::SeqCst), 2, "what was read before is not shown again");
}

#[tokio::test]
async fn readings_on_demand_have_a_bound() {
    let board = Board::default();
    let ask = |name: &str| board.once(target(name, Mood::Hangs).0, PATIENCE);
    let names: Vec<_> = (0..16).map(|n| format!("hangs{n}")).collect();
    let mut hanging = futures_util::future::join_all(names.iter().map(|name| ask(name)));
    assert!(futures_util::poll!(&mut hanging).is_pending());
    assert!(ask("one more").await.is_err());
    let joined = board.once(target("hangs3", Mood::Hangs).0, Duration::ZERO).await;
    assert_eq!(reason(&joined.expect("no reading of its own"), "hangs3"), "timeout");
    drop(hanging);
    let (well, _) = target("well", Mood::Well);
    let snapshot = board.once(well, PATIENCE).await.expect("those who have gone leave room");
    assert_eq!(up(&snapshot, "well"), Some(1.0));
}

#[tokio::test]
async fn readings_on_demand_end_by_deadline_and_by_patience_each_for_itself() {
    let board = Board::default();
    let (mut long, handle) = target("asked", Mood::Hangs);
    let mut short = equal("asked", &handle);
    (long.deadline, short.deadline) = (Duration::from_millis(200), Duration::from_millis(200));
    let hurried = async {
        let snapshot = board.once(short, Duration::from_millis(10)).await.expect("room");
        (reason(&snapshot, "asked"), handle.reads.load(Ordering::SeqCst))
    };
    let (patient, hurried) = tokio::join!(board.once(long, PATIENCE), hurried);
    assert_eq!(hurried, ("timeout".to_owned(), 1));
    let patient = patient.expect("room");
    let why = patient.entries[0].state.as_ref().and_then(|state| state.failure.as_ref()).unwrap();
    assert_eq!(why.detail, "no complete answer within 0.2 s", "of the reading and not of a wait");
    *handle.mood.lock().unwrap() = Mood::Panics;
    let snapshot = board.once(equal("asked", &handle), PATIENCE).await.expect("room");
    assert_eq!(reason(&snapshot, "asked"), "panic");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_asks_for_one_target_of_the_board_waits_for_it_alone() {
    let board = Board::new(Duration::from_millis(10));
    let (mut slow, handle) = target("slow", Mood::Hangs);
    slow.deadline = Duration::from_millis(100);
    let id = slow.id.clone();
    board.apply(vec![slow]);
    board.scrape(&[], None).await;
    let snapshot = board.ask(&id, PATIENCE).await.expect("it is declared");
    assert_eq!(reason(&snapshot, "slow"), "timeout", "waited for, though it is late");
    assert_eq!(handle.reads.load(Ordering::SeqCst), 1, "the reading that was under way");
    let nobody = super::TargetId { name: "nobody".to_owned(), ..id };
    assert!(board.ask(&nobody, PATIENCE).await.is_none());
}
