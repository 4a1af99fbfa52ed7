//! The promises of a slow part, in paused time.

use std::sync::atomic::{AtomicU64, Ordering};

use super::*;

const SECOND: Duration = Duration::from_secs(1);
const PACE: Pace = Pace {
    every: Duration::from_mins(1),
    again: Duration::from_secs(15),
    stale_after: Some(Duration::from_secs(100)),
    limit: Duration::from_secs(5),
};

fn part_of(memory: &Memory, address: &'static str, pace: Pace) -> Part<u64> {
    Parts::new(memory, "docker", "docker", address).add("disk", "disk usage", pace)
}

fn part() -> Part<u64> {
    part_of(&Memory::default(), "a", PACE)
}

fn refused() -> Failure {
    Failure::new(Reason::REFUSED, "refused")
}

/// Reads within a reading; the answer counts its reads.
struct Source {
    reads: AtomicU64,
}

impl Source {
    fn new() -> Self {
        Self { reads: AtomicU64::new(0) }
    }

    async fn get(&self, part: &Part<u64>, answer: Result<(), Failure>) -> Latest<u64> {
        let read = |_, _| async {
            let read = self.reads.fetch_add(1, Ordering::SeqCst) + 1;
            answer.map(|()| Found::from(read))
        };
        part.get(Instant::now() + 60 * SECOND, |_| false, read).await
    }

    fn reads(&self) -> u64 {
        self.reads.load(Ordering::SeqCst)
    }
}

fn shown(part: &Part<u64>) -> (Option<u64>, Option<Reason>) {
    let shown = part.showing.take().expect("something was handed out");
    assert_eq!((shown.part, shown.title), ("disk", "disk usage"));
    (shown.read.map(|read| read.elapsed().as_secs()), shown.failure.map(|failure| failure.reason))
}

#[tokio::test(start_paused = true)]
async fn it_is_read_once_a_period_and_sooner_after_a_failure() {
    let (part, source) = (part(), Source::new());
    assert_eq!(source.get(&part, Ok(())).await.value.as_deref(), Some(&1));
    tokio::time::advance(59 * SECOND).await;
    assert_eq!(source.get(&part, Ok(())).await.value.as_deref(), Some(&1), "not due");
    assert_eq!(shown(&part), (Some(59), None));
    tokio::time::advance(SECOND).await;
    let failed = source.get(&part, Err(refused())).await;
    assert_eq!((failed.value.as_deref(), failed.failure), (Some(&1), Some(refused())));
    assert_eq!(shown(&part), (Some(60), Some(Reason::REFUSED)), "told, and the age goes on");
    tokio::time::advance(14 * SECOND).await;
    source.get(&part, Ok(())).await;
    assert_eq!((source.reads(), shown(&part)), (2, (Some(74), Some(Reason::REFUSED))));
    tokio::time::advance(SECOND).await;
    assert_eq!(source.get(&part, Ok(())).await.value.as_deref(), Some(&3));
    assert_eq!(shown(&part), (Some(0), None), "cleared");
    assert!(part.showing.take().is_none(), "told once for each reading that took it");
}

#[tokio::test(start_paused = true)]
async fn what_is_too_old_is_withdrawn_and_told() {
    let (part, source) = (part(), Source::new());
    source.get(&part, Ok(())).await;
    tokio::time::advance(60 * SECOND).await;
    assert!(source.get(&part, Err(refused())).await.value.is_some());
    tokio::time::advance(41 * SECOND).await;
    let old = source.get(&part, Err(refused())).await;
    assert_eq!((old.value, old.failure), (None, Some(refused())));
    assert_eq!(shown(&part), (Some(101), Some(Reason::REFUSED)), "its age is still known");
    assert_eq!(source.get(&part, Ok(())).await.value, None, "a pause after the failure");
    // Without a failure of its own: nobody reads any more.
    let quiet = part_of(&Memory::default(), "a", Pace { every: 1000 * SECOND, ..PACE });
    source.get(&quiet, Ok(())).await;
    tokio::time::advance(101 * SECOND).await;
    let latest = quiet.latest(Instant::now()).await;
    assert_eq!((latest.value, latest.failure.unwrap().reason), (None, Reason::TIMEOUT));
}

#[tokio::test(start_paused = true)]
async fn a_read_that_hangs_is_one_and_has_an_end() {
    let (part, begun) = (part(), AtomicU64::new(0));
    let hang = || {
        part.get(
            Instant::now() + 60 * SECOND,
            |_| true,
            |_, _| {
                begun.fetch_add(1, Ordering::SeqCst);
                std::future::pending()
            },
        )
    };
    let start = Instant::now();
    let (first, second) = tokio::join!(hang(), hang());
    assert_eq!(begun.load(Ordering::SeqCst), 1, "no second one beside it, whoever wants it");
    assert_eq!(start.elapsed().as_secs(), 5);
    assert_eq!(first.failure.map(|failure| failure.reason), Some(Reason::TIMEOUT));
    assert!(second.value.is_none());
    // Given up from outside it is not made again at once, and nothing keeps the next one away.
    tokio::time::advance(15 * SECOND).await;
    assert!(tokio::time::timeout(SECOND, hang()).await.is_err());
    let source = Source::new();
    source.get(&part, Ok(())).await;
    assert_eq!(source.reads(), 0);
    tokio::time::advance(15 * SECOND).await;
    source.get(&part, Ok(())).await;
    assert_eq!(source.reads(), 1);
}

#[tokio::test(start_paused = true)]
async fn a_panic_stays_in_the_part() {
    let part = part();
    let read = |_, _| async { panic!("a planted defect") };
    let latest = part.get(Instant::now() + SECOND, |_| false, read).await;
    assert_eq!(latest.failure.unwrap().reason, Reason::PANIC);
    assert_eq!(shown(&part), (None, Some(Reason::PANIC)));
    tokio::time::advance(15 * SECOND).await;
    assert_eq!(Source::new().get(&part, Ok(())).await.value.as_deref(), Some(&1));
}

#[tokio::test(start_paused = true)]
async fn before_its_time_what_is_still_good_is_at_hand() {
    let part = part();
    let read = async |wants: u64| {
        let wanted = move |known: Option<&u64>| known.is_none_or(|known| *known < wants);
        let read = move |known: Option<Arc<u64>>, _| async move {
            Ok(Found::from(known.map_or(1, |known| *known + 10)))
        };
        part.get(Instant::now() + SECOND, wanted, read).await.value.map(|value| *value)
    };
    assert_eq!(read(1).await, Some(1));
    assert_eq!(read(1).await, Some(1), "there is what is wanted");
    assert_eq!(read(2).await, Some(11), "more is added to what there is");
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(read(0).await, Some(1), "all anew: adding does not put that off");
}

#[tokio::test(start_paused = true)]
async fn beside_the_readings_it_has_its_own_clock() {
    let (part, reads) = (part(), Arc::new(AtomicU64::new(0)));
    let beside = {
        let reads = Arc::clone(&reads);
        part.beside(move |_| {
            let read = reads.fetch_add(1, Ordering::SeqCst) + 1;
            async move {
                match read {
                    2 => panic!("a planted defect"),
                    3 => std::future::pending().await,
                    read => Ok(Found::from(read)),
                }
            }
        })
    };
    let latest = part.latest(Instant::now() + SECOND).await;
    assert_eq!(latest.value.as_deref(), Some(&1), "the first is waited for");
    // After a failure the pause counts from the begin of that read.
    let start = Instant::now();
    for (at, read, failure) in
        [(60, 2, Some(Reason::PANIC)), (75, 3, Some(Reason::TIMEOUT)), (90, 4, None)]
    {
        tokio::time::sleep_until(start + Duration::from_secs(at) - SECOND).await;
        assert_eq!(reads.load(Ordering::SeqCst), read - 1, "before {at} s");
        tokio::time::sleep(7 * SECOND).await;
        assert_eq!(reads.load(Ordering::SeqCst), read, "after {at} s");
        let latest = part.latest(Instant::now()).await;
        assert_eq!(latest.failure.map(|failure| failure.reason), failure, "read {read}");
    }
    drop(beside);
    tokio::time::sleep(1000 * SECOND).await;
    assert_eq!(reads.load(Ordering::SeqCst), 4, "it ends with its owner");
}

#[tokio::test(start_paused = true)]
async fn a_reload_keeps_it_with_equal_settings_only() {
    let (memory, source) = (Memory::default(), Source::new());
    let old = part_of(&memory, "a", PACE);
    source.get(&old, Ok(())).await;
    let slow = Pace { every: 1000 * SECOND, ..PACE };
    let same = part_of(&memory, "a", slow);
    tokio::time::advance(60 * SECOND).await;
    assert_eq!(source.get(&same, Ok(())).await.value.as_deref(), Some(&1), "on its new clock");
    let other = part_of(&memory, "b", PACE);
    assert_eq!(other.latest(Instant::now()).await.value, None, "nothing of an old address");
    // A read of the old address that ends late is one of the old address.
    source.get(&old, Ok(())).await;
    assert_eq!(other.latest(Instant::now()).await.value, None);
    // A plan that came to nothing has not cost the running collector what it has.
    drop(other);
    assert_eq!(part_of(&memory, "a", PACE).latest(Instant::now()).await.value.as_deref(), Some(&2));
    drop((old, same));
    assert_eq!(part_of(&memory, "a", PACE).latest(Instant::now()).await.value, None);
}

#[tokio::test(start_paused = true)]
async fn what_is_forgotten_is_read_at_once() {
    let (part, source) = (part(), Source::new());
    source.get(&part, Ok(())).await;
    part.forget();
    assert_eq!(part.latest(Instant::now()).await.value, None);
    assert_eq!(source.get(&part, Ok(())).await.value.as_deref(), Some(&2));
}
