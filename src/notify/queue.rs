//! The messages of one way that wait to be delivered, and the task that delivers them.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};
use tokio::sync::Notify;

use super::message::{Message, seconds};
use super::pace::Pace;
use super::way::{Again, Way};
use crate::engine::{Dropped, Messages};

/// Messages that wait; of more the oldest goes.
const ROOM: usize = 100;
/// After so long a message is no news.
const DEADLINE: Duration = Duration::from_hours(2);
/// From a failure to the next attempt, twice as long after each.
const FIRST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_mins(5);
/// A receiver that wants to be left alone for longer is asked again all the same.
const PATIENCE: Duration = Duration::from_mins(10);

/// A message, and since when it waits, in seconds since 1970.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Waiting {
    pub message: Message,
    pub at: u64,
}

/// In the order in which they go out.
pub(super) struct Queue {
    name: &'static str,
    waiting: Mutex<Held>,
    more: Notify,
    counts: Arc<Messages>,
}

#[derive(Default)]
struct Held {
    all: VecDeque<Waiting>,
    /// How many went from the front so far: the front may go while it is on its way.
    gone: u64,
}

impl Queue {
    pub fn new(name: &'static str, counts: Arc<Messages>, kept: Vec<Waiting>) -> Self {
        let queue = Self { name, waiting: Mutex::default(), more: Notify::new(), counts };
        for waiting in kept {
            queue.push(waiting);
        }
        queue
    }

    pub const fn name(&self) -> &'static str {
        self.name
    }

    fn held(&self) -> MutexGuard<'_, Held> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub fn push(&self, waiting: Waiting) {
        let mut held = self.held();
        if held.all.len() >= ROOM {
            held.all.pop_front();
            held.gone += 1;
            self.counts.dropped(self.name, Dropped::QueueFull);
        }
        held.all.push_back(waiting);
        self.counts.pending(self.name, held.all.len());
        drop(held);
        self.more.notify_one();
    }

    /// What waits.
    pub fn all(&self) -> Vec<Waiting> {
        self.held().all.iter().cloned().collect()
    }

    fn front(&self) -> Option<(Waiting, u64)> {
        let held = self.held();
        Some((held.all.front()?.clone(), held.gone))
    }

    /// Takes out the front that was there at `turn`, unless it went meanwhile.
    fn pop(&self, turn: u64) {
        let mut held = self.held();
        if held.gone == turn && held.all.pop_front().is_some() {
            held.gone += 1;
        }
        self.counts.pending(self.name, held.all.len());
    }

    /// Delivers for ever; `changed` hears of each message that went.
    pub async fn deliver(&self, way: &Way, pace: Pace, changed: &Notify) {
        let mut pause = FIRST;
        loop {
            let Some((waiting, turn)) = self.front() else {
                self.more.notified().await;
                continue;
            };
            let age = seconds(SystemTime::now()).saturating_sub(waiting.at);
            if age >= DEADLINE.as_secs() {
                self.give_up(turn, Dropped::Expired, &waiting.message);
                changed.notify_one();
                continue;
            }
            match way.send(&waiting.message).await {
                Ok(()) => {
                    pause = FIRST;
                    if self.counts.sent(self.name).is_some() {
                        tracing::info!(way = self.name, "messages are delivered again");
                    }
                    self.pop(turn);
                    changed.notify_one();
                }
                Err(refused) => {
                    if self.counts.failed(self.name, &refused.failure, SystemTime::now()) {
                        let hint = refused.failure.hint.as_deref().unwrap_or_default();
                        let remedy = if hint.is_empty() { "" } else { "; do: " };
                        tracing::warn!(
                            way = self.name,
                            "a message cannot be delivered: {}{remedy}{hint}",
                            refused.failure
                        );
                    }
                    match refused.again {
                        Again::Never => {
                            self.give_up(turn, Dropped::Refused, &waiting.message);
                            changed.notify_one();
                        }
                        Again::Later(wait) => {
                            let wait = wait.map_or(pause, |wait| wait.clamp(FIRST, PATIENCE));
                            pause = (pause * 2).min(LONGEST);
                            tokio::time::sleep(pace.shorter(wait)).await;
                        }
                    }
                }
            }
        }
    }

    fn give_up(&self, turn: u64, why: Dropped, message: &Message) {
        self.counts.dropped(self.name, why);
        self.pop(turn);
        tracing::warn!(
            way = self.name,
            reason = why.as_str(),
            "a message is given up: {}",
            message.title
        );
    }
}
