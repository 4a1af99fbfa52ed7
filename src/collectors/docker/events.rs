//! The stream of events: what happens between two readings.
//!
//! The Engine keeps 256 events and none over its own restart, so nothing relies on the stream
//! alone: after every connection all containers are inspected, and the ledger sorts out what both
//! tell.

use std::collections::{BTreeSet, VecDeque};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;

use super::api::Event;
use super::client::Client;
use super::ledger::{Effect, Ledger};
use super::lock;
use crate::engine::Failure;

/// What is asked for; a health check alone writes three more events each time it runs. Podman
/// filters by `died` and `remove` where the Engine does by `die` and `destroy`.
const FILTERS: &str = "%7B%22type%22%3A%5B%22container%22%2C%22image%22%5D%2C%22event%22%3A%5B\
    %22create%22%2C%22start%22%2C%22die%22%2C%22died%22%2C%22remove%22%2C%22oom%22%2C%22kill%22%2C%22stop%22%2C\
    %22health_status%22%2C%22destroy%22%2C%22pause%22%2C%22unpause%22%2C%22rename%22%2C\
    %22update%22%2C%22pull%22%2C%22tag%22%2C%22untag%22%2C%22delete%22%2C%22import%22%2C\
    %22load%22%5D%7D";
/// Pauses between attempts.
const PAUSES: [u64; 5] = [1, 2, 5, 10, 30];
/// What is asked of the past is answered within.
const ANSWER: Duration = Duration::from_secs(2);
/// No event is longer.
const LINE: usize = 1 << 20;
/// More than the Engine repeats.
const REMEMBERED: usize = 512;

/// What the events have changed since the last reading.
#[derive(Default)]
pub struct Changes {
    pub containers: BTreeSet<String>,
    /// The stream has begun (again): anything may have changed.
    pub all: bool,
    pub images: bool,
}

/// What the task and the readings share.
pub struct Live {
    ledger: Arc<Mutex<Ledger>>,
    changes: Mutex<Changes>,
    connected: AtomicBool,
    failure: Mutex<Option<Failure>>,
    /// Whether it has ended since it was last asked.
    cut: AtomicBool,
    received: Arc<Received>,
}

/// Over the exporter's life.
#[derive(Default)]
pub struct Received {
    pub events: AtomicU64,
    /// Times that the stream began anew.
    pub gaps: AtomicU64,
    past: Mutex<Past>,
}

pub struct Stream {
    live: Arc<Live>,
    task: JoinHandle<()>,
}

impl Stream {
    pub fn start(client: Client, ledger: Arc<Mutex<Ledger>>, received: Arc<Received>) -> Self {
        let live = Arc::new(Live {
            ledger,
            changes: Mutex::new(Changes { all: true, images: true, ..Changes::default() }),
            connected: AtomicBool::new(false),
            failure: Mutex::default(),
            cut: AtomicBool::new(false),
            received,
        });
        let task = tokio::spawn(follow(client, Arc::clone(&live)));
        Self { live, task }
    }

    /// What has changed since this was last asked. Without the stream anything may have.
    pub fn take_changes(&self) -> Changes {
        let mut changes = std::mem::take(&mut *lock(&self.live.changes));
        changes.all |= !self.is_connected();
        changes.images |= changes.all;
        changes
    }

    /// A reading could make nothing of them: they are for the next one.
    pub fn give_back(&self, mut unused: Changes) {
        let mut changes = lock(&self.live.changes);
        changes.containers.append(&mut unused.containers);
        changes.all |= unused.all;
        changes.images |= unused.images;
    }

    pub fn is_connected(&self) -> bool {
        self.live.connected.load(Ordering::Acquire)
    }

    /// Whether it has ended meanwhile: the Engine may be another one now.
    pub fn was_cut(&self) -> bool {
        self.live.cut.swap(false, Ordering::AcqRel)
    }

    /// Why there is no stream.
    pub fn failure(&self) -> Option<Failure> {
        lock(&self.live.failure).clone()
    }

    /// Whether it goes on; only a defect of ours ends it.
    pub fn is_alive(&self) -> bool {
        !self.task.is_finished()
    }
}

impl Drop for Stream {
    fn drop(&mut self) {
        self.task.abort();
    }
}

async fn follow(client: Client, live: Arc<Live>) {
    let mut pauses = PAUSES.into_iter();
    loop {
        let failure = match read(&client, &live).await {
            Ok(()) => {
                pauses = PAUSES.into_iter();
                live.cut.store(true, Ordering::Release);
                lock(&live.ledger).engine_is_gone();
                None
            }
            Err(failure) => Some(failure),
        };
        live.connected.store(false, Ordering::Release);
        *lock(&live.failure) = failure;
        let pause = pauses.next().unwrap_or(30);
        tokio::time::sleep(Duration::from_secs(pause)).await;
    }
}

/// What was read, for the beginning of the next stream, which repeats some of it.
#[derive(Default)]
struct Past {
    begun: bool,
    newest: i64,
    seen: VecDeque<(i64, String, String)>,
}

impl Past {
    /// Whether the event is new.
    fn note(&mut self, event: &Event) -> bool {
        let key = (event.nanos, event.actor.id.clone(), event.action.clone());
        if self.seen.contains(&key) {
            return false;
        }
        if self.seen.len() >= REMEMBERED {
            self.seen.pop_front();
        }
        self.seen.push_back(key);
        self.newest = self.newest.max(event.nanos);
        true
    }

    fn path(&self) -> String {
        let since = match self.newest {
            0 => String::new(),
            nanos => format!("&since={}", instant(nanos)),
        };
        format!("/events?filters={FILTERS}{since}")
    }
}

fn instant(nanos: i64) -> String {
    format!("{}.{:09}", nanos / 1_000_000_000, nanos % 1_000_000_000)
}

/// Whether the Engine still has the newest event that we know: then it is the one of before, for
/// none outlives a restart.
async fn is_the_same(client: &Client, newest: i64) -> bool {
    let (at, mut text) = (instant(newest), Vec::new());
    let path = format!("/events?filters={FILTERS}&since={at}&until={at}");
    let Ok(mut pieces) = client.stream("events", &path).await else { return false };
    while let Ok(Some(piece)) = pieces.next().await {
        text.extend_from_slice(piece.as_ref());
        if text.len() > LINE {
            break;
        }
    }
    let events = text.split(|byte| *byte == b'\n').map(serde_json::from_slice::<Event>);
    events.flatten().any(|event| event.nanos == newest)
}

/// One connection, until its end. `Err`: there was none.
async fn read(client: &Client, live: &Live) -> Result<(), Failure> {
    let (path, newest) = {
        let past = lock(&live.received.past);
        (past.path(), past.newest)
    };
    let same = tokio::time::timeout(ANSWER, is_the_same(client, newest));
    let same = newest > 0 && same.await.unwrap_or(false);
    let mut pieces = client.stream("events", &path).await?;
    // Before what it repeats: somebody may have stopped a container meanwhile.
    if same {
        lock(&live.ledger).engine_is_the_same();
    } else if newest > 0 {
        lock(&live.ledger).engine_is_another();
    }
    if std::mem::replace(&mut lock(&live.received.past).begun, true) {
        live.received.gaps.fetch_add(1, Ordering::Relaxed);
    }
    *lock(&live.failure) = None;
    {
        let mut changes = lock(&live.changes);
        (changes.all, changes.images) = (true, true);
    }
    live.connected.store(true, Ordering::Release);
    let mut rest = Vec::new();
    // An error in the middle is an end as any other.
    while let Ok(Some(piece)) = pieces.next().await {
        rest.extend_from_slice(piece.as_ref());
        let whole = rest.iter().rposition(|byte| *byte == b'\n').map_or(0, |last| last + 1);
        for line in rest.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
            // A line that is no event says nothing; the next inspection will.
            if let Ok(event) = serde_json::from_slice::<Event>(line)
                && lock(&live.received.past).note(&event)
            {
                live.take(&event);
            }
        }
        rest.drain(..whole);
        if rest.len() > LINE {
            break;
        }
    }
    Ok(())
}

impl Live {
    fn take(&self, event: &Event) {
        self.received.events.fetch_add(1, Ordering::Relaxed);
        let effect = lock(&self.ledger).event(event);
        let mut changes = lock(&self.changes);
        match effect {
            Effect::Changed(id) => {
                changes.containers.insert(id);
            }
            Effect::Images => changes.images = true,
            Effect::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_repeated_is_not_new() {
        let mut past = Past::default();
        assert!(!past.path().contains("since"));
        let event =
            |nanos, action: &str| Event { nanos, action: action.into(), ..Event::default() };
        assert!(past.note(&event(5_000_000_007, "die")));
        assert!(past.note(&event(5_000_000_007, "start")), "at the same time, but another");
        assert!(!past.note(&event(5_000_000_007, "die")));
        assert!(past.note(&event(4_999_999_999, "oom")), "the order of events is not strict");
        assert!(past.path().ends_with("&since=5.000000007"));
        for nanos in 0..2000 {
            past.note(&event(nanos, "x"));
        }
        assert_eq!(past.seen.len(), REMEMBERED);
    }

    #[test]
    fn the_filters_are_an_encoded_json() {
        let mut bytes = Vec::new();
        let mut rest = FILTERS.as_bytes().iter().copied();
        while let Some(byte) = rest.next() {
            if byte == b'%' {
                let digits = [rest.next().unwrap(), rest.next().unwrap()];
                bytes.push(u8::from_str_radix(std::str::from_utf8(&digits).unwrap(), 16).unwrap());
            } else {
                bytes.push(byte);
            }
        }
        let filters: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
        assert_eq!(filters["type"], serde_json::json!(["container", "image"]));
        let actions = filters["event"].as_array().unwrap();
        assert!(!actions.iter().any(|action| action.as_str().unwrap().starts_with("exec")));
    }
}
