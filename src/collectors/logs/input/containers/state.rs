//! What is remembered of the containers of a source, and how it changes. Pure.

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::find::{Found, Way};
use super::marks::Marks;
use super::reading::{Answer, Fresh};
use crate::collectors::logs::follow::Sink;
use crate::failure::Failure;

/// After so long without a new line the newest one is asked for by itself, in seconds.
const CHECK: i64 = 30;

/// All of a source, by their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "S: Default + Deserialize<'de>"))]
pub struct Containers<S> {
    /// What is found later is new, and counts from its beginning.
    pub(super) looked: bool,
    pub(super) known: BTreeMap<String, Known<S>>,
    /// Nothing was listed since a restart: what is gone was not held open.
    #[serde(skip)]
    pub restarted: bool,
    /// Looks that were absorbed. One that was made before the last of them holds lines that are
    /// counted since.
    #[serde(skip)]
    pub(super) turn: u64,
}

/// One container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "S: Default + Deserialize<'de>"))]
pub struct Known<S> {
    name: String,
    /// The same for its life: another way would count all of it again.
    pub(super) way: Way,
    pub(super) marks: Marks,
    /// Where counting begins is known.
    pub(super) begun: bool,
    /// It was running when it was last seen.
    running: bool,
    stdout: S,
    stderr: S,
    /// When the last new line came, and when the newest was last asked for by itself, in seconds.
    pub(super) lively: i64,
    pub(super) checked: i64,
    /// A line that the Engine has, and should have told of.
    suspect: Option<i64>,
    /// It tells of no new lines, though it has some.
    pub(super) stuck: bool,
}

/// What one look has brought.
#[derive(Debug, Default)]
pub struct Prepared {
    /// The containers of the source; nothing if the Engine was not asked this time or had no answer.
    pub found: Option<Vec<Found>>,
    pub(super) polls: Vec<(String, Poll)>,
    /// The turn in which it was asked.
    pub(super) turn: u64,
    /// Why a part of it failed.
    pub problem: Option<Failure>,
    /// Containers whose log cannot be read.
    pub unreadable: u64,
    /// Containers beyond the cap.
    pub crowded_out: u64,
}

/// What was asked of one container.
#[derive(Debug)]
pub(super) enum Poll {
    /// Lines that are new, if all went well.
    Lines(Answer),
    /// The last lines, for the Engine is stuck.
    Last(Answer),
    /// The newest line: counting begins behind it.
    Begin(Option<i64>),
    /// The newest line, to see whether the Engine is stuck.
    Check(Option<i64>),
}

/// What came of it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Absorbed {
    pub lines: u64,
    /// Containers whose lines were thrown away before they were read.
    pub overrun: u64,
    /// Containers that were removed while they ran: what they wrote last is not known.
    pub removed: u64,
    /// Containers of which the Engine tells nothing new, though there is something.
    pub stuck: u64,
    /// There is more to read at once.
    pub more: bool,
    /// Containers of the source, and those that run.
    pub containers: u64,
    pub running: u64,
}

#[cfg(test)]
impl<S> Containers<S> {
    /// The streams of each container that is asked of the Engine: its name, standard output, error.
    pub fn streams(&self) -> impl Iterator<Item = (&str, &S, &S)> {
        let known = self.known.values().filter(|known| known.way == Way::Engine);
        known.map(|known| (known.name.as_str(), &known.stdout, &known.stderr))
    }
}

impl Poll {
    /// The size of the lines in it.
    pub fn size(&self) -> usize {
        match self {
            Self::Lines(answer) | Self::Last(answer) => {
                answer.stdout.block.len() + answer.stderr.block.len()
            }
            Self::Begin(_) | Self::Check(_) => 0,
        }
    }
}

/// A request to be made.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Ask {
    Lines,
    Last,
    Begin,
    Check,
}

impl<S> Containers<S> {
    /// How many are read by asking the Engine.
    pub fn by_engine(&self) -> u64 {
        self.known.values().filter(|known| known.way == Way::Engine).count() as u64
    }
}

impl<S: Default> Containers<S> {
    /// Counts the new lines and remembers that they were counted.
    pub fn absorb(
        &mut self,
        prepared: &Prepared,
        now: SystemTime,
        sink: &mut dyn Sink<S>,
    ) -> Absorbed {
        let now = seconds(now);
        let mut absorbed = Absorbed::default();
        if let Some(found) = &prepared.found {
            self.update(found, now, &mut absorbed);
        }
        let late = prepared.turn != self.turn;
        self.turn += 1;
        absorbed.more |= late && !prepared.polls.is_empty();
        for (id, poll) in prepared.polls.iter().filter(|_| !late) {
            if let Some(known) = self.known.get_mut(id) {
                known.take(poll, now, sink, &mut absorbed);
            }
        }
        if let Some(found) = &prepared.found {
            self.forget(found, sink, &mut absorbed);
        }
        absorbed.containers = self.known.len() as u64;
        absorbed.running = self.known.values().filter(|known| known.running).count() as u64;
        absorbed.stuck = self.known.values().filter(|known| known.stuck).count() as u64;
        absorbed
    }

    fn update(&mut self, found: &[Found], now: i64, absorbed: &mut Absorbed) {
        for found in found {
            let known =
                self.known.entry(found.id.clone()).or_insert_with(|| Known::new(found, now));
            known.name.clone_from(&found.name);
            known.running = found.running;
            absorbed.more |= !known.begun && known.way == Way::Engine;
        }
        self.looked = true;
    }

    fn forget(&mut self, found: &[Found], sink: &mut dyn Sink<S>, absorbed: &mut Absorbed) {
        self.known.retain(|id, known| {
            let stays = found.iter().any(|found| found.id == *id);
            if !stays && known.way == Way::Engine {
                known.settle(sink);
            }
            // A file that is held open is read to its end.
            let unread = known.running && (known.way == Way::Engine || self.restarted);
            absorbed.removed += u64::from(!stays && unread);
            stays
        });
        self.restarted = false;
    }
}

impl<S: Clone + Default> Containers<S> {
    /// What is remembered of one, also if that is nothing yet.
    pub(super) fn of(&self, found: &Found, now: i64) -> Cow<'_, Known<S>> {
        let known = self.known.get(&found.id).map(Cow::Borrowed);
        known.unwrap_or_else(|| Cow::Owned(Known::new(found, now)))
    }
}

impl<S: Default> Known<S> {
    fn new(found: &Found, now: i64) -> Self {
        Self { way: found.way, begun: found.from_start, lively: now, ..Self::default() }
    }
}

impl<S> Known<S> {
    /// What is to be asked next.
    pub(super) fn ask(&self, now: i64) -> Ask {
        let unchecked = now - self.lively.max(self.checked) >= CHECK;
        match (self.begun, self.stuck) {
            (false, _) => Ask::Begin,
            (_, true) if !unchecked => Ask::Last,
            (_, false) if unchecked && self.lively > 0 && self.suspect.is_none() => Ask::Check,
            _ => Ask::Lines,
        }
    }

    /// How long until it is asked again.
    pub(super) fn pause(&self, poll: &Poll, found: &Found, now: i64) -> Duration {
        // A little less than the seconds at which we are called.
        let seconds = |seconds: u64| Duration::from_millis(1000 * seconds - 100);
        let (Poll::Lines(answer) | Poll::Last(answer)) = poll else { return Duration::ZERO };
        match now - self.lively {
            _ if answer.full => Duration::ZERO,
            _ if answer.lines() > 0 || !answer.whole || !answer.open.is_empty() => seconds(1),
            _ if found.just_ended => seconds(2),
            _ if !found.running => seconds(30),
            ..10 => seconds(1),
            10..60 => seconds(2),
            _ => seconds(5),
        }
    }

    fn take(&mut self, poll: &Poll, now: i64, sink: &mut dyn Sink<S>, absorbed: &mut Absorbed) {
        match poll {
            Poll::Begin(newest) => {
                if let Some(newest) = newest.filter(|_| !self.begun) {
                    self.marks.begin(newest);
                }
                self.begun = true;
            }
            Poll::Check(newest) => {
                self.checked = now;
                self.suspect = newest.filter(|newest| *newest > self.marks.newest);
            }
            Poll::Lines(answer) => {
                self.judge(answer, now);
                self.count(answer, now, sink, absorbed);
            }
            Poll::Last(answer) => {
                let gone = answer.oldest.is_some_and(|oldest| oldest > self.marks.newest);
                absorbed.overrun += u64::from(gone);
                self.count(answer, now, sink, absorbed);
            }
        }
    }

    /// Whether the Engine is stuck: a whole answer does not reach a line that it has.
    fn judge(&mut self, answer: &Answer, now: i64) {
        if !answer.whole {
            return;
        }
        let newest = answer.newest.unwrap_or(0);
        if self.stuck {
            self.checked = now;
            self.stuck = newest < self.marks.newest;
        } else if let Some(suspect) = self.suspect.take() {
            self.stuck = newest < suspect;
        }
    }

    fn count(
        &mut self,
        answer: &Answer,
        now: i64,
        sink: &mut dyn Sink<S>,
        absorbed: &mut Absorbed,
    ) {
        let hand = |fresh: &Fresh, stream: &mut S, sink: &mut dyn Sink<S>| {
            fresh.hand_out(|piece| sink.lines(stream, piece));
        };
        hand(&answer.stdout, &mut self.stdout, sink);
        hand(&answer.stderr, &mut self.stderr, sink);
        absorbed.lines += answer.lines() as u64;
        absorbed.overrun += u64::from(self.marks.absorb(answer, now));
        absorbed.more |= answer.full;
        if answer.lines() > 0 {
            self.lively = now;
        } else if answer.whole {
            self.settle(sink);
        }
    }

    fn settle(&mut self, sink: &mut dyn Sink<S>) {
        sink.settle(&mut self.stdout);
        sink.settle(&mut self.stderr);
    }
}

pub(super) fn seconds(time: SystemTime) -> i64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_secs()).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests;
