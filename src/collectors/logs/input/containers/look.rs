//! The I/O of a look at the containers: what is due, within its time.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use futures_util::{StreamExt as _, stream};
use tokio::time::{Instant, timeout_at};

use super::Streams;
use super::find::{self, Found, Nature, Selector, Way};
use super::frames::{Broken, Form};
use super::reading::{Answer, Reading};
use super::state::{Ask, Containers, Known, Poll, Prepared, seconds};
use crate::clients::engine::address::Address;
use crate::clients::engine::client::Client;
use crate::clients::engine::failure::{is_gone, timeout};
use crate::failure::{Failure, Reason};

/// Containers come and go; their number is looked up this often.
const LIST: Duration = Duration::from_secs(2);
const AT_ONCE: usize = 8;
/// New lines of a container and of all of them that are taken in one look.
const LIMIT: usize = 2 << 20;
const LIMIT_OF_ALL: usize = 16 << 20;
/// A log that cannot be read may be readable then.
const LATER: Duration = Duration::from_secs(15);
const SOON: Duration = Duration::from_millis(900);
/// Lines that are asked for by their number, where the Engine tells of no new ones.
const LAST: u32 = 2000;

pub(super) const WHAT: &str = "the log of a container";

/// What is read.
#[derive(Clone, Debug)]
pub struct Source {
    pub address: Address,
    pub selector: Selector,
    pub streams: Streams,
    /// Also what was there before the first look.
    pub from_start: bool,
    /// What stands before the Engine's paths here: `/`, or where the host is mounted.
    pub root: PathBuf,
}

/// The connection and what is known without being asked again. Not for keeping.
#[derive(Default)]
pub struct Link {
    client: Option<Client>,
    listed: Option<Instant>,
    found: Vec<Found>,
    crowded_out: u64,
    natures: BTreeMap<String, Nature>,
    /// When each is due.
    due: BTreeMap<String, Instant>,
    /// Logs that cannot be read, and why.
    unreadable: BTreeMap<String, Failure>,
}

impl Source {
    /// Looks for containers, if it is time, and for new lines of those that are due.
    pub async fn look<S: Clone + Default>(
        &self,
        link: &mut Link,
        memory: &Containers<S>,
        now: SystemTime,
        until: Instant,
    ) -> Prepared {
        let mut prepared = Prepared { turn: memory.turn, ..Prepared::default() };
        if let Err(failure) = self.list(link, memory, until).await.map(|new| {
            prepared.found = new.then(|| link.found.clone());
        }) {
            // What comes back may be another Engine.
            (link.client, link.listed) = (None, None);
            prepared.problem = Some(failure);
            return prepared;
        }
        prepared.crowded_out = link.crowded_out;
        self.poll(link, memory, seconds(now), until, &mut prepared).await;
        prepared.unreadable = link.unreadable.len() as u64;
        if prepared.problem.is_none() {
            prepared.problem = link.unreadable.values().next().cloned();
        }
        prepared
    }

    /// Returns whether the list is new.
    async fn list<S>(
        &self,
        link: &mut Link,
        memory: &Containers<S>,
        until: Instant,
    ) -> Result<bool, Failure> {
        if link.listed.is_some_and(|at| at.elapsed() < LIST) {
            return Ok(false);
        }
        let client = match &link.client {
            Some(client) => client.clone(),
            None => link.client.insert(Client::connect(&self.address, until).await?.0).clone(),
        };
        let (mut found, crowded_out) = find::list(&client, &self.selector, until).await?;
        let unknown: Vec<_> = found
            .iter()
            .map(|found| found.id.clone())
            .filter(|id| !link.natures.contains_key(id))
            .collect();
        let asked = unknown.into_iter().map(|id| async {
            let nature = find::nature(&client, &id, &self.root, until).await;
            (id, nature)
        });
        let mut answers = stream::iter(asked).buffer_unordered(AT_ONCE);
        while let Some((id, nature)) = answers.next().await {
            match nature {
                Ok(nature) => drop(link.natures.insert(id, nature)),
                // It is asked again with the next list.
                Err(failure) if is_gone(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
        drop(answers);
        found.retain_mut(|found| {
            let Some(nature) = link.natures.get(&found.id) else { return false };
            found.nature = nature.clone();
            found.from_start = self.from_start || memory.looked;
            found.way = memory.known.get(&found.id).map_or_else(|| way(nature), |known| known.way);
            true
        });
        link.update(found, crowded_out);
        Ok(true)
    }

    async fn poll<S: Clone + Default>(
        &self,
        link: &mut Link,
        memory: &Containers<S>,
        now: i64,
        until: Instant,
        prepared: &mut Prepared,
    ) {
        let Some(client) = link.client.clone() else { return };
        let start = Instant::now();
        let mut due: Vec<_> = link
            .found
            .iter()
            .filter(|found| found.way == Way::Engine)
            .filter_map(|found| Some((*link.due.get(&found.id)?, found, memory.of(found, now))))
            .filter(|(at, ..)| *at <= start)
            .collect();
        // Those that wait for the longest come first.
        due.sort_by_key(|(at, ..)| *at);
        let left = AtomicUsize::new(LIMIT_OF_ALL);
        // Collected, for a closure within the stream would have to do for any lifetime.
        let asked: Vec<_> = due
            .into_iter()
            .map(|(_, found, known)| {
                let (client, left) = (&client, &left);
                async move {
                    if left.load(Ordering::Relaxed) == 0 {
                        return None;
                    }
                    let poll = self.ask(client, found, &known, (now, until)).await;
                    let taken = poll.as_ref().map_or(0, Poll::size);
                    let _ = left.fetch_update(Ordering::Relaxed, Ordering::Relaxed, |left| {
                        Some(left.saturating_sub(taken))
                    });
                    Some((found, known, poll))
                }
            })
            .collect();
        let answers: Vec<_> = stream::iter(asked).buffer_unordered(AT_ONCE).collect().await;
        let mut next = Vec::new();
        for (found, known, poll) in answers.into_iter().flatten() {
            let poll = match poll {
                Ok(poll) => poll,
                Err(failure) if is_gone(&failure) => continue,
                Err(failure) => {
                    let pause = if failure.reason == Reason::TIMEOUT { SOON } else { LATER };
                    next.push((found.id.clone(), pause, Some(failure)));
                    continue;
                }
            };
            next.push((found.id.clone(), known.pause(&poll, found, now), None));
            prepared.polls.push((found.id.clone(), poll));
        }
        for (id, pause, failure) in next {
            link.waits(id, start + pause, failure);
        }
    }

    async fn ask<S>(
        &self,
        client: &Client,
        found: &Found,
        known: &Known<S>,
        (now, until): (i64, Instant),
    ) -> Result<Poll, Failure> {
        if found.nature.driver == "none" {
            let failure = Failure::new(Reason::OTHER, format!("{WHAT}: its driver is `none`"));
            return Err(failure.hint("choose a driver that keeps lines: json-file or local"));
        }
        let (out, err) = (self.streams != Streams::Stderr, self.streams != Streams::Stdout);
        let mut path =
            format!("/containers/{}/logs?timestamps=1&stdout={out}&stderr={err}", found.id);
        let floor = known.marks.floor;
        let ask = known.ask(now);
        match ask {
            Ask::Lines if floor == 0 => {}
            Ask::Lines => {
                let (seconds, nanos) = (floor / 1_000_000_000, floor % 1_000_000_000);
                path.push_str(&format!("&since={seconds}.{nanos:09}"));
            }
            Ask::Last => path.push_str(&format!("&tail={LAST}")),
            Ask::Begin | Ask::Check => path.push_str("&tail=1"),
        }
        let local = found.nature.driver == "local";
        let form = if found.nature.tty { Form::Raw { local } } else { Form::Multiplexed };
        let reading = Reading::new(form, &known.marks, LIMIT);
        let answer = read(client, &path, reading, (!found.running, now), until).await?;
        Ok(match ask {
            Ask::Lines => Poll::Lines(answer),
            Ask::Last => Poll::Last(answer),
            Ask::Begin if answer.whole => Poll::Begin(answer.newest),
            Ask::Check if answer.whole => Poll::Check(answer.newest),
            Ask::Begin | Ask::Check => return Err(timeout(WHAT)),
        })
    }
}

/// One answer, as far as it comes in time and there is room for it.
async fn read(
    client: &Client,
    path: &str,
    mut reading: Reading<'_>,
    (ended, now): (bool, i64),
    until: Instant,
) -> Result<Answer, Failure> {
    let opened = timeout_at(until, client.stream(WHAT, path)).await;
    let mut pieces = opened.map_err(|_| timeout(WHAT))??;
    let failure = loop {
        match timeout_at(until, pieces.next()).await {
            Ok(Ok(Some(bytes))) => match reading.feed(bytes.as_ref()) {
                Ok(true) => {}
                Ok(false) => return reading.end(ended, now).map_err(broken),
                Err(why) => break broken(why),
            },
            Ok(Ok(None)) => return reading.end(ended, now).map_err(broken),
            Ok(Err(failure)) => break failure,
            Err(_) => break timeout(WHAT),
        }
    };
    let answer = reading.so_far();
    if answer.lines() > 0 { Ok(answer) } else { Err(failure) }
}

pub(super) fn broken(why: Broken) -> Failure {
    let why = match why {
        Broken::Frame => "a frame that is none",
        Broken::Time => "a line without its time",
        Broken::Engine => "the Engine cannot read it: see its own log",
    };
    Failure::new(Reason::PARSE, format!("{WHAT}: {why}"))
}

/// The file if it can be read, else the Engine.
fn way(nature: &Nature) -> Way {
    let readable = |path: &PathBuf| crate::files::open(path).is_ok();
    if nature.file.as_ref().is_some_and(readable) { Way::File } else { Way::Engine }
}

impl Link {
    /// Forgets when it was listed last.
    #[cfg(test)]
    pub fn list_again(&mut self) {
        self.listed = None;
    }

    fn update(&mut self, found: Vec<Found>, crowded_out: u64) {
        let now = Instant::now();
        for new in &found {
            let old = self.found.iter().find(|old| old.id == new.id);
            // What has just ended has its last lines to tell.
            if new.just_ended || old.is_none_or(|old| old.running != new.running) {
                self.due.insert(new.id.clone(), now);
            }
        }
        let stays = |id: &String| found.iter().any(|found| found.id == *id);
        self.natures.retain(|id, _| stays(id));
        self.due.retain(|id, _| stays(id));
        self.unreadable.retain(|id, _| stays(id));
        (self.found, self.crowded_out, self.listed) = (found, crowded_out, Some(now));
    }

    fn waits(&mut self, id: String, until: Instant, failure: Option<Failure>) {
        match failure {
            Some(failure) => drop(self.unreadable.insert(id.clone(), failure)),
            None => drop(self.unreadable.remove(&id)),
        }
        self.due.insert(id, until);
    }
}

#[cfg(test)]
mod tests;
