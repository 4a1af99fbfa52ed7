//! Messages without Prometheus: what the rules would tell, told by the exporter itself, by the section
//! `notify`. Without that section nothing of this is made: no task, no state.
//!
//! ```text
//! look (every 5 s) --alert--> tracker: holds, ends, what is told --inhibit, budget--> message
//!   message --> a queue for each way --> way (form, answer) --> the receiver
//! ```
//! `alert` says what the rules would raise, `tracker` what is to be told of it, `inhibit` what mutes it.
//! What is told is remembered over a restart (`saved`), so nothing is told twice and no end is lost.

mod alert;
mod budget;
mod compose;
mod inhibit;
mod message;
mod mistakes;
mod pace;
mod queue;
mod saved;
#[cfg(test)]
mod tests;
mod tracker;
mod way;

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::Notify as Bell;
use tokio::task::AbortHandle;

pub use mistakes::mistakes;

use self::alert::alerts;
use self::budget::{Allowed, Budget};
use self::inhibit::Inhibition;
use self::message::{Message, seconds};
use self::pace::Pace;
use self::queue::{Queue, Waiting};
use self::saved::Saved;
use self::tracker::{Now, Tracker, Wanted};
use self::way::Way;
use crate::catalogue::Severity;
use crate::check::Report;
use crate::config::notify::{Heartbeat, Least, Notify};
use crate::engine::{Board, Snapshot};
use crate::failure::Failure;
use crate::overview::{PERIOD, Seeing};

/// The name under which signs of life are counted.
const HEARTBEAT: &str = "heartbeat";
/// The end of the process is not put off for longer by a disk that hangs.
const END: Duration = Duration::from_secs(2);
/// Who has not judged for so long gives no sign of life.
const ALIVE: Duration = Duration::from_mins(1);

/// From one look at everything to the next.
pub fn period() -> Duration {
    Pace::start().shorter(PERIOD)
}

/// The messages of this exporter, as the configuration in force wants them.
pub struct Notifier {
    board: Arc<Board>,
    running: Mutex<Option<Running>>,
}

struct Running {
    config: Notify,
    inner: Arc<Inner>,
    tasks: Vec<AbortHandle>,
}

impl Drop for Running {
    fn drop(&mut self) {
        self.tasks.iter().for_each(AbortHandle::abort);
    }
}

/// What the tasks share.
struct Inner {
    board: Arc<Board>,
    pace: Pace,
    wanted: Wanted,
    per_hour: usize,
    rules: Inhibition,
    state: Mutex<State>,
    queues: Vec<Arc<Queue>>,
    changed: Bell,
}

#[derive(Default)]
struct State {
    tracker: Tracker,
    budget: Budget,
    looked: Option<Instant>,
}

impl Notifier {
    pub fn new(board: Arc<Board>) -> Self {
        Self { board, running: Mutex::default() }
    }

    fn running(&self) -> MutexGuard<'_, Option<Running>> {
        self.running.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Goes on by another configuration. What was told stays told, and what waits goes on waiting.
    pub fn apply(&self, config: Option<&Notify>) {
        let mut running = self.running();
        if running.as_ref().map(|running| &running.config) == config {
            return;
        }
        let storage = self.board.memory.storage();
        let before = running.take().map(|before| before.inner.saved());
        let Some(config) = config else {
            self.board.messages.keep(&[]);
            // Switched on again one day, it begins anew.
            if before.is_some() {
                note_saved(Saved::default().save(&storage));
            }
            return;
        };
        let saved = before.unwrap_or_else(|| {
            Saved::load(&storage).unwrap_or_else(|failure| {
                tracing::warn!("what was told before the start is not known: {failure}");
                Saved::default()
            })
        });
        *running = Some(Running::start(Arc::clone(&self.board), config, saved));
    }

    /// Takes in a look at everything, and has told what is due.
    pub fn look(&self, snapshot: &Snapshot, report: &Report) {
        let inner = self.running().as_ref().map(|running| Arc::clone(&running.inner));
        if let Some(inner) = inner {
            inner.look(snapshot, report);
        }
    }

    /// The last write, at the end.
    pub async fn end(&self) {
        let Some(running) = self.running().take() else { return };
        let inner = Arc::clone(&running.inner);
        drop(running);
        let save = tokio::task::spawn_blocking(move || inner.save());
        // Whether it is done or not, nobody is left who could be told.
        let _ = tokio::time::timeout(END, save).await;
    }
}

impl Running {
    fn start(board: Arc<Board>, config: &Notify, mut saved: Saved) -> Self {
        let ways = Way::all(config);
        let signs = config.heartbeat.as_ref().map(|_| HEARTBEAT);
        let names: Vec<_> = ways.iter().map(|way| way.name).chain(signs).collect();
        board.messages.keep(&names);
        let rules = Inhibition::shipped().unwrap_or_else(|why| {
            tracing::error!("a defect: no trouble mutes another in messages: {why}");
            Inhibition::none()
        });
        let mut state = State::default();
        state.tracker.restore(saved.troubles());
        let queue = |way: &Way| {
            let kept = saved.waiting.remove(way.name).unwrap_or_default();
            Arc::new(Queue::new(way.name, Arc::clone(&board.messages), kept))
        };
        let queues: Vec<_> = ways.iter().map(queue).collect();
        let least = match config.severity {
            Least::Critical => Severity::Critical,
            Least::Warning => Severity::Warning,
        };
        let inner = Arc::new(Inner {
            pace: Pace::start(),
            wanted: Wanted { least, repeat: config.repeat.get() },
            per_hour: usize::try_from(config.per_hour).unwrap_or(usize::MAX),
            rules,
            state: Mutex::new(state),
            queues: queues.clone(),
            changed: Bell::new(),
            board,
        });
        let mut tasks = vec![tokio::spawn(keep(Arc::clone(&inner))).abort_handle()];
        for (way, queue) in ways.into_iter().zip(queues) {
            let inner = Arc::clone(&inner);
            let deliver = async move { queue.deliver(&way, inner.pace, &inner.changed).await };
            tasks.push(tokio::spawn(deliver).abort_handle());
        }
        if let Some(heartbeat) = config.heartbeat.clone() {
            tasks.push(tokio::spawn(beat(Arc::clone(&inner), heartbeat)).abort_handle());
        }
        Self { config: config.clone(), inner, tasks }
    }
}

impl Inner {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn look(&self, snapshot: &Snapshot, report: &Report) {
        let now = Now { at: report.at, clock: self.pace.clock() };
        let alerts = alerts(snapshot, report);
        let mut state = self.state();
        state.looked = Some(Instant::now());
        if alerts.is_empty() && state.tracker.is_empty() {
            self.board.messages.held_back(0);
            return;
        }
        let seeing = Seeing::of(snapshot, report);
        let State { tracker, budget, .. } = &mut *state;
        let gone = |key: &_, cold| seeing.verdict(key, cold);
        let mut held_back = tracker.look(now, &alerts, &gone);
        let info = self.board.info();
        let mut messages: Vec<Message> = Vec::new();
        for due in tracker.due(now, self.wanted, &self.rules) {
            match budget.take(self.per_hour, now.clock) {
                Allowed::Message => {
                    messages.extend(compose::message(&due, tracker, now, &info));
                    tracker.tell(&due, now);
                }
                allowed => {
                    held_back += due.keys.len();
                    if let Allowed::Summary(wait) = allowed {
                        let wait = now.at + wait;
                        let firing = tracker.firing(now);
                        messages.push(compose::summary(self.per_hour, wait, &firing, &info));
                    }
                }
            }
        }
        drop(state);
        self.board.messages.held_back(held_back);
        let at = seconds(now.at);
        for message in &messages {
            for queue in &self.queues {
                queue.push(Waiting { message: message.clone(), at });
            }
        }
        if !messages.is_empty() {
            self.changed.notify_one();
        }
    }

    fn saved(&self) -> Saved {
        let waiting = self.queues.iter().map(|queue| (queue.name().to_owned(), queue.all()));
        let waiting: BTreeMap<_, _> = waiting.filter(|(_, all)| !all.is_empty()).collect();
        Saved::of(&self.state().tracker, waiting)
    }

    /// Writes down what was told and what waits; this blocks.
    fn save(&self) -> Result<(), Failure> {
        self.saved().save(&self.board.memory.storage())
    }
}

/// Writes down each change, one at a time: what comes meanwhile is in the next one.
async fn keep(inner: Arc<Inner>) {
    let mut failed = false;
    loop {
        inner.changed.notified().await;
        let of = Arc::clone(&inner);
        let saved = tokio::task::spawn_blocking(move || of.save()).await.unwrap_or(Ok(()));
        let is_new = saved.is_err() && !failed;
        failed = saved.is_err();
        if is_new {
            note_saved(saved);
        }
    }
}

fn note_saved(saved: Result<(), Failure>) {
    if let Err(failure) = saved {
        tracing::warn!("what was told is not kept over a restart: {failure}");
    }
}

/// Gives signs of life, as long as everything is judged.
async fn beat(inner: Arc<Inner>, heartbeat: Heartbeat) {
    let messages = &inner.board.messages;
    loop {
        tokio::time::sleep(inner.pace.shorter(heartbeat.every.get())).await;
        let looked = inner.state().looked;
        if looked.is_none_or(|at| at.elapsed() > ALIVE) {
            continue;
        }
        match way::beat(&heartbeat.to).await {
            Ok(()) => {
                if messages.sent(HEARTBEAT).is_some() {
                    tracing::info!("signs of life arrive again");
                }
            }
            Err(refused) => {
                if messages.failed(HEARTBEAT, &refused.failure, SystemTime::now()) {
                    tracing::warn!("no sign of life can be given: {}", refused.failure);
                }
            }
        }
    }
}

/// Sends a message by each way, and a sign of life; the outcome of each, by its name.
pub async fn test(
    config: &Notify,
    machine: &str,
    page: &str,
) -> Vec<(&'static str, Result<(), Failure>)> {
    let ways = Way::all(config);
    let message = compose::test(machine, page);
    let sent = ways
        .iter()
        .map(async |way| (way.name, way.send(&message).await.map_err(|refused| refused.failure)));
    let mut outcomes = futures_util::future::join_all(sent).await;
    if let Some(heartbeat) = &config.heartbeat {
        let outcome = way::beat(&heartbeat.to).await.map_err(|refused| refused.failure);
        outcomes.push((HEARTBEAT, outcome));
    }
    outcomes
}
