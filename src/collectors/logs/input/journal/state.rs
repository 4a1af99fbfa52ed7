//! What is remembered of the journal.

use std::collections::{BTreeMap, VecDeque};

use std::time::Instant;

use serde::{Deserialize, Serialize};

use super::file::{Entry, Header, Place};
use super::joined::Joined;
use crate::collectors::logs::follow::Sink;

/// Entries that are known by themselves: those that may be in two files.
const MAX_RECENT: usize = 1024;
/// Files that are remembered; journald keeps a hundred at most by default.
pub const MAX_FILES: usize = 1000;
/// What is older by this than the newest entry, in a file that has just appeared, was in another
/// one before: journald copies what it had in memory to the disk. Microseconds.
const COPIED: u64 = 60_000_000;
/// Writers that have a stream of their own.
const MAX_WRITERS: usize = 50;

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, bound(deserialize = "S: Default + Deserialize<'de>"))]
pub struct Positions<S> {
    pub(super) looked: bool,
    /// By the id of the file, which stays when it is renamed.
    #[serde(with = "files")]
    pub(super) files: BTreeMap<u128, Position>,
    /// The newest time of an entry, in microseconds since 1970.
    newest: u64,
    recent: VecDeque<u64>,
    /// By who wrote: the unit, else the identifier, and the number of the process.
    pub streams: BTreeMap<String, S>,
    pub(super) joined: Joined,
    /// Streams by when they were last needed.
    #[serde(skip)]
    turns: BTreeMap<String, u64>,
    #[serde(skip)]
    turn: u64,
    /// When something last came that may go on.
    #[serde(skip)]
    pub(super) last: Option<Instant>,
}

/// One file.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Position {
    /// Entries that were read.
    pub read: u64,
    /// Entries that it had when it was last looked at, and whether more could come.
    pub entries: u64,
    pub archived: bool,
    /// An entry that is older than this may have been in another file.
    pub copied_before: u64,
    /// Where reading goes on. Found again if it is lost.
    #[serde(skip)]
    pub place: Place,
    /// It cannot be read beyond them, which is told once.
    pub stuck: bool,
}

impl<S> Positions<S> {
    /// What is known of a file, or how it begins.
    pub(super) fn position(&mut self, header: &Header, from_start: bool) -> Position {
        let known = self.files.get(&header.file_id).cloned();
        known.unwrap_or_else(|| Position {
            read: if self.looked || from_start { 0 } else { header.entries },
            copied_before: if self.looked { self.newest } else { 0 },
            ..Position::default()
        })
    }

    /// Whether an entry counts: not if another file had it. It is then known. `tail` is the
    /// time of the last entry of its file.
    pub(super) fn is_new(&mut self, position: &Position, entry: &Entry, tail: u64) -> bool {
        let key = entry.hash ^ entry.realtime.rotate_left(32);
        if entry.realtime <= position.copied_before {
            let old = entry.realtime < position.copied_before.saturating_sub(COPIED);
            if old || self.recent.contains(&key) {
                return false;
            }
        }
        // A damaged time must not make all that comes seem old.
        self.newest = self.newest.max(entry.realtime.min(tail));
        if self.recent.len() >= MAX_RECENT {
            self.recent.pop_front();
        }
        self.recent.push_back(key);
        true
    }
}

impl<S: Default> Positions<S> {
    /// The stream of a writer. Where there are many, that which was longest quiet is complete and gives
    /// its place up.
    pub(super) fn stream(&mut self, writer: &str, sink: &mut dyn Sink<S>) -> &mut S {
        self.turn += 1;
        if !self.streams.contains_key(writer) && self.streams.len() >= MAX_WRITERS {
            let turn = |name: &&String| self.turns.get(*name).copied().unwrap_or(0);
            let oldest = self.streams.keys().min_by_key(turn).cloned().unwrap_or_default();
            if let Some(mut stream) = self.streams.remove(&oldest) {
                sink.settle(&mut stream);
            }
            self.turns.remove(&oldest);
        }
        self.turns.insert(writer.to_owned(), self.turn);
        self.streams.entry(writer.to_owned()).or_default()
    }
}

/// Ids as texts: keys of JSON are.
mod files {
    use std::collections::BTreeMap;

    use serde::{Deserialize as _, Deserializer, Serializer};

    use super::Position;

    pub fn serialize<S: Serializer>(
        files: &BTreeMap<u128, Position>,
        serializer: S,
    ) -> Result<S::Ok, S::Error> {
        serializer.collect_map(files.iter().map(|(id, position)| (format!("{id:032x}"), position)))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(
        deserializer: D,
    ) -> Result<BTreeMap<u128, Position>, D::Error> {
        let texts = BTreeMap::<String, Position>::deserialize(deserializer)?;
        let id = |(id, position): (String, Position)| {
            Some((u128::from_str_radix(&id, 16).ok()?, position))
        };
        Ok(texts.into_iter().filter_map(id).collect())
    }
}
