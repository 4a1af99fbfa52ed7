//! The parts of a backup that have clocks of their own: the look, and reading whole files.

use std::sync::atomic::AtomicBool;
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use tokio::time::Instant;

use super::fetch::{Places, State};
use super::past::Past;
use super::seen::{Elsewhere, Look};
use super::{AREA, config, lock, qdrant, verify};
use crate::clients::http::HttpClient;
use crate::engine::{
    Beside, Form, Found, Keeping, Kept, Latest, Memory, Pace, Part, Parts, blocking,
};
use crate::failure::Failure;

const KEEPING: Keeping = Keeping {
    form: Form { kind: "backup", version: 1 },
    most: 1 << 20,
    pause: Duration::from_secs(10),
};

/// How long one look may take.
const LIMIT: Duration = Duration::from_mins(1);
/// What is elsewhere is waited for only so long, the first time.
const FIRST: Duration = Duration::from_secs(1);

/// From where a look comes.
#[derive(Clone)]
pub enum Source {
    Files,
    Qdrant { http: Arc<HttpClient>, collection: String },
}

/// Work of a target that blocks. Outlives a reload, or each would let go of one more thread.
#[derive(Default)]
pub struct Busy {
    look: Arc<AtomicBool>,
    elsewhere: Arc<AtomicBool>,
    verify: Arc<AtomicBool>,
}

/// Only one file is read at a time on this machine, whichever backup it is of.
#[derive(Default)]
struct Turn(Arc<tokio::sync::Mutex<()>>);

pub struct Slow {
    look: Part<Look>,
    /// Copies, trials and changes, if any are named.
    elsewhere: Option<Part<Elsewhere>>,
    verify: Part<()>,
    /// Bytes a second.
    speed: Option<u64>,
    kept: Kept<Past>,
    pub state: Arc<Mutex<State>>,
    busy: Arc<Busy>,
    turn: Arc<Turn>,
    places: Arc<Places>,
    source: Source,
    background: Mutex<Vec<Beside>>,
}

impl Slow {
    /// And what the engine needs to tell of them.
    pub fn of<'a>(
        memory: &'a Memory,
        name: &'a str,
        backup: &config::Backup,
        (places, source): (Places, Source),
    ) -> (Self, Parts<'a, config::Backup>) {
        let settings = identity(backup);
        let refresh = backup.refresh.map_or(Duration::from_mins(1), crate::config::units::Dur::get);
        let every = refresh.max(Duration::from_secs(1));
        let pace = |limit, stale_after| Pace { every, again: every, stale_after, limit };
        // Three looks that fail, and the time that one may take.
        let stale = every.saturating_mul(3).saturating_add(LIMIT.min(every.saturating_mul(10)));
        let mut parts = Parts::new(memory, AREA.name, name, settings.clone());
        let slow = Self {
            look: parts.add("look", "the listing of backups", pace(LIMIT, Some(stale))),
            elsewhere: places.has_elsewhere().then(|| {
                let title = "copies of backups, changes and trials of restoring";
                parts.add("elsewhere", title, pace(LIMIT, Some(stale)))
            }),
            // Each file has its own limit, which begins when it is its turn.
            verify: parts.add("verify", "backups in full", pace(verify::WAIT, None)),
            speed: backup
                .verify
                .as_ref()
                .map(|verify| verify.speed.map_or(20_000_000, crate::config::units::Size::get)),
            kept: parts.keep("remembered", KEEPING, of(backup)),
            state: memory.kept(AREA.name, name, "state", settings),
            busy: memory.of(AREA.name, name),
            turn: memory.shared(),
            places: Arc::new(places),
            source,
            background: Mutex::default(),
        };
        (slow, parts)
    }

    /// The last look; the first one is waited for.
    pub async fn latest(&self, until: Instant) -> Latest<Look> {
        self.begin(until).await;
        let latest = self.look.latest(until).await;
        if self.speed.is_some() {
            // For the engine to tell of it: what it has found stands in the past.
            self.verify.latest(Instant::now()).await;
        }
        let past = lock(&self.state).past.clone();
        self.kept.keep(&past);
        latest
    }

    /// Begins both tasks, once, after what was known before the start.
    async fn begin(&self, until: Instant) {
        if let Some(past) = self.kept.restored(until).await {
            lock(&self.state).past.remember(past);
        }
        let mut background = lock(&self.background);
        if !background.is_empty() {
            return;
        }
        background.push(self.watch());
        background.extend(self.elsewhere.as_ref().map(|part| self.look_elsewhere(part)));
        if let Some(speed) = self.speed {
            background.push(self.read(speed));
        }
    }

    fn watch(&self) -> Beside {
        let (places, state) = (Arc::clone(&self.places), Arc::clone(&self.state));
        let (busy, source) = (Arc::clone(&self.busy.look), self.source.clone());
        self.look.beside(move |_| {
            let (places, state) = (Arc::clone(&places), Arc::clone(&state));
            let (busy, source) = (Arc::clone(&busy), source.clone());
            async move { look(places, state, &busy, source).await }
        })
    }

    /// What was seen elsewhere; nothing, while that hangs.
    pub async fn elsewhere(&self, until: Instant) -> Option<Arc<Elsewhere>> {
        match &self.elsewhere {
            Some(part) => part.latest(until.min(Instant::now() + FIRST)).await.value,
            None => Some(Arc::default()),
        }
    }

    fn look_elsewhere(&self, part: &Part<Elsewhere>) -> Beside {
        let (places, state) = (Arc::clone(&self.places), Arc::clone(&self.state));
        let busy = Arc::clone(&self.busy.elsewhere);
        part.beside(move |_| {
            let (places, state) = (Arc::clone(&places), Arc::clone(&state));
            let busy = Arc::clone(&busy);
            async move {
                let (looked, is_seen) = {
                    let state = lock(&state);
                    (Arc::clone(&state.looked), state.is_seen)
                };
                if !is_seen {
                    looked.notified().await;
                }
                let of = lock(&state).to_find(places.within, SystemTime::now());
                let work = move || Ok(places.elsewhere(&of));
                blocking("what lies elsewhere", &busy, work).await
            }
        })
    }

    fn read(&self, speed: u64) -> Beside {
        let (places, state) = (Arc::clone(&self.places), Arc::clone(&self.state));
        let (busy, turn) = (Arc::clone(&self.busy.verify), Arc::clone(&self.turn.0));
        self.verify.beside(move |_| {
            let (places, state) = (Arc::clone(&places), Arc::clone(&state));
            let (busy, turn) = (Arc::clone(&busy), Arc::clone(&turn));
            async move { verify::verify(places, state, (&busy, &turn), speed).await }
        })
    }
}

/// What the look and the past are of: other thresholds change nothing about that.
fn identity(backup: &config::Backup) -> config::Backup {
    config::Backup {
        thresholds: crate::plan::Thresholds::default(),
        timeout: None,
        ..backup.clone()
    }
}

/// The source in the file that is kept, for people as well.
fn of(backup: &config::Backup) -> String {
    match &backup.qdrant {
        Some(qdrant) => format!("{} {}", qdrant.url.origin(), qdrant.collection),
        None => backup.files.join(" "),
    }
}

async fn look(
    places: Arc<Places>,
    state: Arc<Mutex<State>>,
    busy: &Arc<AtomicBool>,
    source: Source,
) -> Result<Found<Look>, Failure> {
    let answer = match &source {
        Source::Files => None,
        Source::Qdrant { http, collection } => Some(qdrant::fetch(http, collection).await?),
    };
    let work = move || {
        let Some(answer) = answer else { return Ok(places.look(&state)) };
        let now = SystemTime::now();
        let expires = places.expires.and_then(|age| now.checked_sub(age));
        Ok(places.settle(qdrant::look(answer, expires), None, &state, now))
    };
    blocking("the listing of backups", busy, work).await
}
