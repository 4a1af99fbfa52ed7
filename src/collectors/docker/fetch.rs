//! A reading: the list, an inspection of what has changed, what is used, and the Compose files
//! beside them. GET requests only.

use std::collections::BTreeSet;
use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use tokio::time::Instant;

use super::address::Address;
use super::api::{Inspection, Summary};
use super::client::{About, Client, Engine};
use super::compose::Files;
use super::container::{ById, Container, Naming};
use super::detail::{Detail, Sockets};
use super::events::{Changes, Received, Stream};
use super::exclude::{Aside, Exclude};
use super::facts::Usage;
use super::failure;
use super::gather::gather;
use super::inspections::Inspections;
use super::kernel::{self, Kernel};
use super::known::known;
use super::ledger::{Counted, Key, Ledger, Measured};
use super::lock;
use super::processes::Patterns;
use super::raw::{Raw, StreamState};
use super::sample::CAP;
use super::services::{Past, lost};
use super::slow::Slow;
use super::stats::Skipped;
use super::time;
use crate::engine::Beside;
use crate::failure::{Failure, Reason};

/// Inspections under way at a time: each has a connection of its own and takes 0.1 ms.
const AT_ONCE: usize = 8;

/// What outlives a reload.
#[derive(Default)]
pub struct Lasting {
    pub skipped: Arc<Skipped>,
    pub ledger: Arc<Mutex<Ledger>>,
    pub received: Arc<Received>,
}

impl Lasting {
    fn stream_state(&self, stream: &Stream) -> StreamState {
        StreamState {
            connected: stream.is_connected(),
            failure: stream.failure(),
            events: self.received.events.load(Ordering::Relaxed),
            gaps: self.received.gaps.load(Ordering::Relaxed),
        }
    }

    fn skipped(&self) -> [(&'static str, u64); 3] {
        let Skipped { inspections, stats, files } = self.skipped.as_ref();
        [("inspect", inspections), ("stats", stats), ("files", files)]
            .map(|(call, count)| (call, count.load(Ordering::Relaxed)))
    }
}

/// What to read and how.
pub struct Setting {
    pub address: Address,
    pub deadline: Duration,
    pub naming: Naming,
    /// Containers that nobody wants to see.
    pub exclude: Arc<Exclude>,
    pub patterns: Patterns,
    /// Of the Engine, beside the usual ones.
    pub sockets: Sockets,
    /// Zero is never.
    pub disk_usage_interval: Duration,
}

pub(super) struct Connection {
    pub client: Client,
    pub engine: Engine,
    /// Asked until it is told.
    about: Mutex<Option<About>>,
    stream: Stream,
    _walker: Option<Beside>,
    /// Where stats are too slow for a reading, once they are needed.
    pub background: Mutex<Option<Beside>>,
}

pub struct Reader {
    pub setting: Setting,
    files: Files,
    pub(super) kernel: Kernel,
    pub(super) lasting: Arc<Lasting>,
    pub(super) slow: Slow,
    inspections: Inspections,
    /// Services of which a container was left out.
    aside: Mutex<Vec<Key>>,
    connection: Mutex<Option<Arc<Connection>>>,
}

/// The limits of the parts of a reading.
#[derive(Clone, Copy)]
pub(super) struct Limits {
    /// Of what all else needs.
    pub half: Instant,
    /// Of inspections, so that the figures have time left.
    details: Instant,
    pub end: Instant,
}

impl Limits {
    /// They leave the deadline time to say what happened.
    fn from_now(deadline: Duration) -> Self {
        let started = Instant::now();
        Self {
            half: started + deadline / 2,
            details: started + deadline.mul_f64(0.65),
            end: started + deadline.mul_f64(0.85),
        }
    }
}

/// By the Engine's clock, as in all that it tells.
struct Times {
    /// When the list was asked for.
    then: f64,
    /// When the kernel's files were looked at.
    looked: f64,
    /// Since when the Engine has been running, by our clock.
    since: Option<f64>,
    /// How far its clock is ahead of ours.
    ahead: f64,
}

impl Reader {
    pub fn new(
        setting: Setting,
        files: Files,
        kernel: Kernel,
        (lasting, slow): (Arc<Lasting>, Slow),
    ) -> Self {
        Self {
            setting,
            files,
            kernel,
            lasting,
            slow,
            inspections: Inspections::default(),
            aside: Mutex::default(),
            connection: Mutex::default(),
        }
    }

    pub async fn fetch(&self) -> Result<Raw, Failure> {
        let (raw, files) = tokio::join!(self.engine(), self.files.read());
        if let Err(failure) = &raw
            && failure.reason != Reason::TIMEOUT
        {
            if is_gone(failure) {
                lock(&self.lasting.ledger).engine_is_gone();
            }
            // The Engine may come back as another version. With the connection its tasks end.
            *lock(&self.connection) = None;
        }
        let mut raw = raw?;
        raw.files = files;
        Ok(raw)
    }

    async fn engine(&self) -> Result<Raw, Failure> {
        let limits = Limits::from_now(self.setting.deadline);
        let connection = self.connection(limits.half).await?;
        self.slow.remember(&self.lasting.ledger, limits.half).await;
        let client = &connection.client;
        // Taken before the list: what changes from here on counts for the next reading.
        let changes = connection.stream.take_changes();
        let (then, asked) = (time::now(), Instant::now());
        let list = async {
            let path = "/containers/json?all=true";
            let list = client.get::<Vec<Summary>>("list of containers", path, limits.half).await;
            (list, asked.elapsed())
        };
        let ((list, took), about) = tokio::join!(list, connection.about(limits.half));
        let then = then + about.ahead;
        let mut aside = Aside::new(&self.setting.exclude, lock(&self.aside).clone());
        let (mut containers, mut out) = match list {
            Ok(list) => known(list, &self.setting.naming, &mut aside),
            Err(failure) => {
                connection.stream.give_back(changes);
                return Err(failure);
            }
        };
        let ((uninspected, looked, used, since), images) = tokio::join!(
            async {
                let until = (time::now() + about.ahead, limits.details);
                let uninspected = self.inspect(client, &mut containers, &changes, until).await;
                self.inspections.retain(&containers);
                // The list has no name of an image whose tag has moved on.
                aside.take_from(&mut containers);
                let looked = time::now() + about.ahead;
                let used = self.used(&connection, &containers, &about, limits).await;
                (uninspected, looked, used, self.since(&containers, limits).await)
            },
            self.slow.images(client, changes.images, limits.end),
        );
        let times = Times { then, looked, since, ahead: about.ahead };
        let seen = (aside, &changes, &times);
        let (counted, past) = self.count(&containers, &used.kernel, &connection, seen);
        out.events = changes.lost;
        Ok(Raw {
            engine: connection.engine.clone(),
            about,
            took,
            containers,
            uninspected,
            source: used.source,
            stats: used.stats,
            kernel: used.kernel,
            commands: used.commands,
            images,
            disk: self.slow.walked().await,
            counted,
            past,
            stream: self.lasting.stream_state(&connection.stream),
            files: Vec::new(),
            skipped: self.lasting.skipped(),
            out,
        })
    }

    async fn connection(&self, until: Instant) -> Result<Arc<Connection>, Failure> {
        let kept = lock(&self.connection).clone();
        let kept = kept.filter(|connection| connection.stream.is_alive());
        if let Some(kept) = kept.as_ref().filter(|kept| !kept.stream.was_cut()) {
            return Ok(Arc::clone(kept));
        }
        let (client, engine) = Client::connect(&self.setting.address, until).await?;
        // After a gap it may be another Engine; usually it is not.
        if let Some(kept) = kept.filter(|kept| kept.engine == engine) {
            return Ok(kept);
        }
        let Lasting { ledger, received, .. } = self.lasting.as_ref();
        let mut book = lock(ledger);
        book.set(!engine.is_podman, &self.setting.naming.aliases);
        book.leave_out(&self.setting.exclude);
        drop(book);
        let stream = Stream::start(client.clone(), Arc::clone(ledger), Arc::clone(received));
        let connection = Arc::new(Connection {
            _walker: self.slow.walk(&client, engine.sizes_on_request),
            client,
            engine,
            about: Mutex::default(),
            stream,
            background: Mutex::default(),
        });
        *lock(&self.connection) = Some(Arc::clone(&connection));
        Ok(connection)
    }

    async fn inspect(
        &self,
        client: &Client,
        containers: &mut [Container],
        changes: &Changes,
        (now, until): (f64, Instant),
    ) -> Option<Failure> {
        let within_cap = containers.len().min(CAP);
        let containers = containers.get_mut(..within_cap).unwrap_or_default();
        let due = self.inspections.apply(containers, changes, now);
        let mut silent: BTreeSet<String> = due.iter().cloned().collect();
        let (at, sockets) = (Instant::now(), &self.setting.sockets);
        let calls = due.into_iter().map(|id| async move {
            let path = format!("/containers/{id}/json");
            match client.get::<Inspection>("inspection", &path, until).await {
                Ok(found) if found.value.id != id => Err(failure::another("inspection")),
                Ok(found) => {
                    let mut detail = Detail::of(found.value, sockets);
                    detail.more += found.dropped;
                    Ok((id, Some(Arc::new(detail))))
                }
                // Between the list and this: the next list knows.
                Err(failure) if failure::is_gone(&failure) => Ok((id, None)),
                Err(failure) => Err(failure),
            }
        });
        let gathered = gather("inspection", calls.collect(), AT_ONCE, until).await;
        let mut details: ById<Option<Arc<Detail>>> = gathered.answers.into_iter().collect();
        // One may go; if all have, somebody hides them.
        let hidden = details.len() > 1 && details.values().all(Option::is_none);
        if !hidden {
            silent.retain(|id| !details.contains_key(id));
        }
        for container in containers {
            if let Some(Some(detail)) = details.remove(&container.id) {
                self.inspections.keep(container, detail, at);
            }
        }
        self.lasting.skipped.inspections.fetch_add(gathered.skipped, Ordering::Relaxed);
        let refused = || Failure::new(Reason::NOT_FOUND, "inspection: HTTP status 404");
        if let Some(failure) = gathered.failure.or_else(|| hidden.then(refused)) {
            self.inspections.missed(&silent, &failure, Instant::now());
        }
        let (count, failure) = self.inspections.silence()?;
        let detail = format!("{} ({count} of {within_cap})", failure.detail);
        Some(Failure { detail, ..failure })
    }

    /// Brings the ledger up to date, and takes from it what rows need.
    fn count(
        &self,
        containers: &[Container],
        kernel: &kernel::Found,
        connection: &Connection,
        (aside, changes, times): (Aside, &Changes, &Times),
    ) -> (Vec<Counted>, Past) {
        *lock(&self.aside) = aside.services(containers);
        let now = time::now() + times.ahead;
        // After a gap the inspections are all there is.
        let streaming = connection.stream.is_connected() && !changes.all;
        let mut ledger = lock(&self.lasting.ledger);
        for container in containers {
            ledger.observe(container, now, streaming);
            let usage = kernel.usages.get(&container.id);
            if let Some(found) = usage.and_then(|usage| measured(container, usage, times.looked)) {
                ledger.measured(&container.id, found);
            }
        }
        ledger.forget(&aside, containers);
        ledger.keep(containers, times.then);
        let gone = ledger.gone(containers);
        let known = containers.iter().map(|one| (one.id.clone(), ledger.known(&one.id, now)));
        let lost = times.since.map(|since| lost(containers, since + times.ahead));
        let past = Past {
            known: known.collect(),
            lost: lost.unwrap_or_default(),
            seen: ledger.services().map(|(key, seen)| (key.clone(), seen)).collect(),
            uncounted: ledger.over(),
            aside,
        };
        let counted = ledger.counted(now);
        drop(ledger);
        self.slow.gone.keep(&gone);
        (counted, past)
    }
}

/// Whether nobody is where the Engine should be: its containers may have gone with it.
fn is_gone(failure: &Failure) -> bool {
    matches!(failure.reason, Reason::REFUSED | Reason::NOT_FOUND | Reason::PROTOCOL)
}

/// What the kernel says of the run that the inspection tells of: its process was looked at.
fn measured(container: &Container, usage: &Usage, at: f64) -> Option<Measured> {
    let started = container.detail.as_ref()?.started?;
    Some(Measured { started, kills: usage.oom_kills?, ending: usage.ending, at })
}

impl Connection {
    /// The machine, asked for beside the list until it is known.
    async fn about(&self, until: Instant) -> About {
        let known = lock(&self.about).clone();
        if let Some(known) = known {
            return known;
        }
        let told = self.client.about(until).await;
        lock(&self.about).clone_from(&told);
        told.unwrap_or_default()
    }
}
