//! The board: a slot per target, and the scrape that wakes and waits.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};
use std::time::{Duration, Instant, SystemTime};

use futures_util::future::join_all;
use tokio::task::AbortHandle;

use super::chart::Chart;
use super::clients::Clients;
use super::home::{Homes, Service};
use super::memory::Memory;
use super::messages::Messages;
use super::once::{Asked, Busy, OnDemand};
use super::own::{Build, Info, Serving};
use super::poller;
use super::slot::{Slot, Wait};
use super::snapshot::Snapshot;
use super::target::{Target, TargetId};
use super::{GRACE, Reload, Scrapes};
use crate::catalogue::Place;

/// Something that was looked for without being declared, and why it is not watched.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Missed {
    pub area: &'static str,
    pub why: String,
    pub hint: String,
}

/// All slots in the order of the plan, and their pollers.
pub struct Board {
    grace: Duration,
    slots: RwLock<Vec<Arc<Slot>>>,
    pollers: Mutex<BTreeMap<TargetId, AbortHandle>>,
    reload: Mutex<Reload>,
    reloading: Mutex<()>,
    build: Build,
    info: RwLock<Info>,
    missed: RwLock<Vec<Missed>>,
    scrapes: Mutex<Scrapes>,
    scraped: Mutex<Option<(SystemTime, Instant)>>,
    on_demand: OnDemand,
    pub memory: Memory,
    /// In which services targets live.
    pub homes: Homes,
    /// What the judged numbers were; fed by whoever judges.
    pub chart: Chart,
    /// Kept by the server.
    pub clients: Arc<Clients>,
    /// Kept by who sends messages.
    pub messages: Arc<Messages>,
    /// Lines of the exporter's own log that nobody took.
    pub log_dropped: Arc<AtomicU64>,
}

impl Default for Board {
    fn default() -> Self {
        Self::new(GRACE)
    }
}

impl Board {
    pub fn new(grace: Duration) -> Self {
        Self {
            grace,
            slots: RwLock::default(),
            pollers: Mutex::default(),
            reload: Mutex::new(Reload::now(true)),
            reloading: Mutex::default(),
            build: Build::current(),
            info: RwLock::default(),
            missed: RwLock::default(),
            scrapes: Mutex::default(),
            scraped: Mutex::default(),
            on_demand: OnDemand::default(),
            memory: Memory::default(),
            homes: Homes::default(),
            chart: Chart::default(),
            clients: Arc::default(),
            messages: Arc::default(),
            log_dropped: Arc::default(),
        }
    }

    pub fn slots(&self) -> Vec<Arc<Slot>> {
        self.slots.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Makes the running targets equal to `targets`: starts new ones, stops those that are gone
    /// and leaves alone what has not changed, with its slot, counters and connections.
    pub fn apply(&self, targets: Vec<Target>) {
        // Held until the slots are written: a second caller must see what this one has made.
        let mut pollers = self.pollers.lock().unwrap_or_else(PoisonError::into_inner);
        let old: BTreeMap<TargetId, Arc<Slot>> =
            self.slots().into_iter().map(|slot| (slot.id.clone(), slot)).collect();
        let mut running = BTreeMap::new();
        let mut slots = Vec::new();
        for target in targets.into_iter().map(Arc::new) {
            let known = old.get(&target.id);
            let kept = known.filter(|slot| slot.target().same_collector(&target));
            let slot = match (kept, known) {
                (Some(slot), _) => {
                    if let Some(poller) = pollers.remove(&target.id) {
                        running.insert(target.id.clone(), poller);
                    }
                    slot.replace_target(Arc::clone(&target));
                    Arc::clone(slot)
                }
                (None, known) => {
                    if let Some(poller) = pollers.remove(&target.id) {
                        poller.abort();
                    }
                    let slot = Arc::new(match known {
                        Some(old) => Slot::heir(&target, old),
                        None => Slot::new(Arc::clone(&target)),
                    });
                    let task = poller::run(Arc::clone(&slot), Arc::clone(&target), self.grace);
                    running.insert(target.id.clone(), tokio::spawn(task).abort_handle());
                    slot
                }
            };
            slots.push(slot);
        }
        for poller in std::mem::take(&mut *pollers).into_values() {
            poller.abort();
        }
        *pollers = running;
        self.memory.retain(|id| slots.iter().any(|slot| slot.id == *id));
        *self.slots.write().unwrap_or_else(PoisonError::into_inner) = slots;
        drop(pollers);
    }

    /// One reload at a time, from reading the file to the last poller: else an older file could
    /// win over a newer one.
    pub fn reloading(&self) -> MutexGuard<'_, ()> {
        self.reloading.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Says which machine this is.
    pub fn introduce(&self, info: Info) {
        *self.info.write().unwrap_or_else(PoisonError::into_inner) = info;
    }

    /// Which machine this is.
    pub fn info(&self) -> Info {
        self.info.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Says what was looked for and is not watched.
    pub fn miss(&self, missed: Vec<Missed>) {
        *self.missed.write().unwrap_or_else(PoisonError::into_inner) = missed;
    }

    /// What was looked for and is not watched.
    pub fn missed(&self) -> Vec<Missed> {
        self.missed.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// Notes how a reload of the configuration went.
    pub fn note_reload(&self, successful: bool) {
        let mut reload = self.reload.lock().unwrap_or_else(PoisonError::into_inner);
        *reload = if successful { Reload::now(true) } else { reload.failed() };
    }

    /// Counts a scrape.
    pub fn note_scrape(&self, served: bool) {
        if served {
            let now = Some((SystemTime::now(), Instant::now()));
            *self.scraped.lock().unwrap_or_else(PoisonError::into_inner) = now;
        }
        let mut scrapes = self.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
        if served {
            scrapes.served += 1;
        } else {
            scrapes.refused += 1;
        }
    }

    /// When the last scrape was served.
    pub fn last_scrape(&self) -> Option<(SystemTime, Instant)> {
        *self.scraped.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Wakes what is due, waits until it is done or `grace` is over, and returns what is there.
    /// A target that was late last time is woken but not waited for.
    pub async fn scrape(&self, areas: &[String], grace: Option<Duration>) -> Snapshot {
        let wanted =
            |slot: &Arc<Slot>| areas.is_empty() || areas.iter().any(|area| area == slot.id.area);
        let slots: Vec<_> = self.slots().into_iter().filter(wanted).collect();
        let asked: Vec<_> = slots.iter().filter_map(|slot| Some((slot, slot.request()?))).collect();
        let (asked, waits): (Vec<_>, Vec<_>) = asked.into_iter().unzip();
        let waits = waits.into_iter().map(Wait::done);
        let grace = grace.unwrap_or(self.grace).min(self.grace);
        if tokio::time::timeout(grace, join_all(waits)).await.is_err() && grace == self.grace {
            // Only the full grace says that a target is late; a scraper in a hurry does not.
            for slot in asked {
                slot.mark_late(grace);
            }
        }
        self.snapshot_of(&slots)
    }

    /// Reads a target that is not on the board, now, within its deadline and this patience. Its
    /// failure is data; nothing of it stays, on the board or in the log.
    pub async fn once(&self, target: Target, patience: Duration) -> Result<Snapshot, Busy> {
        let (target, state) = self.on_demand.read(target, patience).await?;
        Ok(Snapshot::alone(target, state))
    }

    /// One target of the board and nothing else, read if its reading is not fresh: what scrapes
    /// show of it, after a wait for this one alone. `None` if there is no such target.
    pub async fn ask(&self, id: &TargetId, patience: Duration) -> Option<Snapshot> {
        let slot = self.slots().into_iter().find(|slot| slot.id == *id)?;
        if let Some((wait, _)) = slot.ask() {
            // Who has no more patience takes what is there.
            let _ = tokio::time::timeout(patience, wait.done()).await;
        }
        Some(Snapshot::alone(slot.target(), slot.state()))
    }

    /// Counts a request for a reading on demand.
    pub fn note_probe(&self, asked: Asked) {
        self.on_demand.note(asked);
    }

    /// What is on the board, without asking for more.
    pub fn snapshot(&self) -> Snapshot {
        self.snapshot_of(&self.slots())
    }

    /// The service of each target, by what the areas that know services have read last.
    fn services(&self, slots: &[Arc<Slot>]) -> Vec<Option<Service>> {
        let readings: Vec<_> =
            self.slots().iter().filter_map(|slot| slot.state().reading).collect();
        let places: Vec<&Place> =
            readings.iter().flat_map(|reading| reading.batch.places()).collect();
        slots.iter().map(|slot| self.homes.of(&slot.target(), &places)).collect()
    }

    fn snapshot_of(&self, slots: &[Arc<Slot>]) -> Snapshot {
        let reload = *self.reload.lock().unwrap_or_else(PoisonError::into_inner);
        let scrapes = *self.scrapes.lock().unwrap_or_else(PoisonError::into_inner);
        let serving = Serving {
            connections: self.clients.open(),
            refused: self.clients.refusals(),
            lock: self.clients.lock(),
            probes: self.on_demand.counts(),
            log_dropped: self.log_dropped.load(Ordering::Relaxed),
            history: self.chart.counts(),
        };
        let services = self.services(slots);
        let own = (reload, scrapes, serving, self.messages.rows());
        Snapshot::new(slots, &services, (&self.build, self.info()), own)
    }

    /// Whether every target has been read once, well or badly.
    pub fn ready(&self) -> bool {
        self.slots().iter().all(|slot| slot.state().up().is_some())
    }
}
