//! The stream of events: what happens between two readings.
//!
//! The Engine keeps 256 events and none over its own restart, so nothing relies on the stream
//! alone: after every connection all containers are inspected, and the ledger sorts out what both
//! tell.

use std::collections::hash_map::DefaultHasher;
use std::collections::{BTreeSet, VecDeque};
use std::hash::{Hash as _, Hasher as _};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::task::JoinHandle;
use tokio::time::{Instant, timeout_at};

use super::api::Event;
use super::client::{Client, Pieces};
use super::container::is_id;
use super::ledger::{Effect, Ledger};
use super::{lock, time};
use crate::clients::json;
use crate::failure::{Failure, Reason};

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
/// An event that has begun to come is there within.
const REST: Duration = Duration::from_secs(10);
/// More than the Engine repeats.
const REMEMBERED: usize = 512;
/// Containers that change between two readings; of more all are looked at.
const CHANGED: usize = 1000;
/// How far an Engine's clock may be ahead of ours, in seconds. What is later would be waited for.
const AHEAD: f64 = 86_400.0;

/// What the events have changed since the last reading.
#[derive(Default)]
pub struct Changes {
    pub containers: BTreeSet<String>,
    /// The stream has begun (again), or there were too many: anything may have changed.
    pub all: bool,
    pub images: bool,
    /// Events that could not be remembered, or make no sense.
    pub lost: u64,
}

impl Changes {
    fn add(&mut self, id: String) {
        if self.containers.len() < CHANGED || self.containers.contains(&id) {
            self.containers.insert(id);
        } else {
            self.all = true;
        }
    }
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
        for id in std::mem::take(&mut unused.containers) {
            changes.add(id);
        }
        changes.all |= unused.all;
        changes.lost += unused.lost;
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
            Ok(End::Theirs) => {
                pauses = PAUSES.into_iter();
                live.cut.store(true, Ordering::Release);
                lock(&live.ledger).engine_is_gone();
                None
            }
            // The Engine is there, but what it says is not to be read on.
            Ok(End::Ours(failure)) => {
                live.cut.store(true, Ordering::Release);
                Some(failure)
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
    /// Time, and a hash of the rest: ids and actions are as long as the other side likes.
    seen: VecDeque<(i64, u64)>,
}

impl Past {
    /// Whether the event is new.
    fn note(&mut self, event: &Event) -> bool {
        let mut hasher = DefaultHasher::new();
        (&event.actor.id, &event.action).hash(&mut hasher);
        let key = (event.nanos, hasher.finish());
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
    let events = text.split(|byte| *byte == b'\n').map(json::from_slice::<Event>);
    events.flatten().any(|event| event.value.nanos == newest)
}

/// Why a stream that went on does so no more.
enum End {
    /// The other side has ended it, or is gone.
    Theirs,
    Ours(Failure),
}

/// One connection, until its end. `Err`: there was none.
async fn read(client: &Client, live: &Live) -> Result<End, Failure> {
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
    Ok(lines(&mut pieces, live).await)
}

/// Takes events until the end of the stream.
async fn lines(pieces: &mut Pieces, live: &Live) -> End {
    let mut rest = Vec::new();
    // Since when a line has been coming.
    let mut since = Instant::now();
    loop {
        let piece = if rest.is_empty() {
            pieces.next().await
        } else {
            match timeout_at(since + REST, pieces.next()).await {
                Ok(piece) => piece,
                Err(_) => return End::Ours(odd("an event that does not come to its end")),
            }
        };
        // An error in the middle is an end as any other.
        let Ok(Some(piece)) = piece else { return End::Theirs };
        if rest.is_empty() {
            since = Instant::now();
        }
        let newline = piece.iter().rposition(|byte| *byte == b'\n');
        let whole = newline.map_or(0, |last| rest.len() + last + 1);
        rest.extend_from_slice(&piece);
        for line in rest.get(..whole).unwrap_or_default().split(|byte| *byte == b'\n') {
            // A line that is no event says nothing; the next inspection will.
            if let Ok(event) = json::from_slice::<Event>(line) {
                live.hear(&event.value);
            }
        }
        rest.drain(..whole);
        if whole > 0 {
            since = Instant::now();
        }
        if rest.len() > LINE {
            return End::Ours(odd("an event of over 1 MiB"));
        }
    }
}

fn odd(what: &str) -> Failure {
    let failure = Failure::new(Reason::PROTOCOL, format!("events: {what}"));
    failure.hint("is this a Docker Engine? The stream is begun anew after a pause")
}

impl Live {
    /// Takes an event unless it was taken before, or makes no sense.
    fn hear(&self, event: &Event) {
        let seconds = event.nanos as f64 / 1e9;
        let nobody = event.kind == "container" && !is_id(&event.actor.id);
        if nobody || seconds <= 0.0 || seconds > time::now() + AHEAD {
            let mut changes = lock(&self.changes);
            changes.lost += 1;
            // It was meant to say something.
            changes.all = true;
        } else if lock(&self.received.past).note(event) {
            self.take(event);
        }
    }

    fn take(&self, event: &Event) {
        self.received.events.fetch_add(1, Ordering::Relaxed);
        let effect = lock(&self.ledger).event(event);
        let mut changes = lock(&self.changes);
        match effect {
            Effect::Changed(id) => changes.add(id),
            Effect::TooMany => {
                changes.all = true;
                changes.lost += 1;
            }
            Effect::Images => changes.images = true,
            Effect::Nothing => {}
        }
    }
}

#[cfg(test)]
mod tests;
