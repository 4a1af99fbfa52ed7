//! What is remembered of a backup: what was found in its files, how large the earlier ones were, and
//! since when it has been watched. Pure: the time is given.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use serde::{Deserialize, Serialize};

use super::seen::{Id, Look, Mark, Seen};
use super::whole::{Fault, Verdict};

/// Generations that are looked at one by one. Of more the number is told.
pub const MOST: usize = 64;
/// The past of a size.
const SIZES: usize = 10;
/// Fewer are no past.
const FEWEST: usize = 3;
/// A file that was written to in this time may still be.
const FRESH: Duration = Duration::from_mins(1);

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
pub struct Past {
    /// When it was looked at for the first time.
    pub since: Option<SystemTime>,
    /// Of the oldest that was ever seen.
    #[serde(default)]
    pub earliest: Option<SystemTime>,
    /// Of the latest that was ever still: a file that is overwritten is not, for a while.
    #[serde(default)]
    pub last: Option<SystemTime>,
    /// Files whose time lies ahead, and when they were seen first.
    #[serde(default)]
    ahead: Vec<(Id, SystemTime)>,
    /// Sizes of those that were whole as far as known, the oldest first.
    sizes: Vec<(SystemTime, u64)>,
    marks: Vec<Mark>,
    /// What was seen last, by its path.
    #[serde(skip)]
    before: BTreeMap<PathBuf, Id>,
    /// Files that are being written to.
    #[serde(skip)]
    growing: Vec<Id>,
}

impl Past {
    /// Takes in what was known before the start.
    pub fn remember(&mut self, kept: Self) {
        let since = self.since.into_iter().chain(kept.since).min();
        let mut marks = kept.marks;
        marks.retain(|mark| self.mark(mark.id).is_none());
        marks.append(&mut self.marks);
        let mut sizes = kept.sizes;
        sizes.retain(|(at, _)| self.sizes.iter().all(|(other, _)| other != at));
        sizes.append(&mut self.sizes);
        self.earliest = self.earliest.into_iter().chain(kept.earliest).min();
        self.last = self.last.max(kept.last);
        for (id, first) in kept.ahead {
            match self.ahead.iter_mut().find(|(other, _)| *other == id) {
                Some((_, at)) => *at = first.min(*at),
                None => self.ahead.push((id, first)),
            }
        }
        (self.since, self.marks, self.sizes) = (since, marks, sizes);
    }

    /// Takes in a look: which files grow, and what is no longer there.
    /// A time of more than `within` ahead is not believed.
    pub fn look(&mut self, look: &mut Look, now: SystemTime, within: Duration) {
        self.since.get_or_insert(now);
        self.date(look, now, within);
        self.earliest = self.earliest.into_iter().chain(look.oldest).min();
        let grows = |seen: &&Seen| {
            let before = self.before.get(seen.key());
            let fresh = now.duration_since(seen.id.modified).map(|age| age < FRESH);
            match fresh {
                // Nobody knows what a time to come means: it is still if it was so before.
                Err(_) => before != Some(&seen.id),
                Ok(true) => true,
                Ok(false) => before.is_some_and(|before| before.size != seen.id.size),
            }
        };
        self.growing = look.newest.iter().filter(grows).map(|seen| seen.id).collect();
        let seen = look.newest.iter().take(MOST);
        self.before = seen.map(|seen| (seen.key().to_owned(), seen.id)).collect();
        let still = look.newest.iter().filter(|seen| !self.grows(seen.id));
        self.last = self.last.max(still.map(|seen| seen.at).max());
        if look.complete {
            let there = |mark: &Mark| look.newest.iter().any(|seen| seen.id == mark.id);
            self.marks.retain(there);
        }
    }

    /// Gives files of a time to come the time at which they were seen first, or nothing that is written
    /// after them would ever be the newest.
    fn date(&mut self, look: &mut Look, now: SystemTime, within: Duration) {
        let mut ahead = Vec::new();
        for seen in &mut look.newest {
            let known = self.ahead.iter().find(|(id, _)| *id == seen.id).map(|(_, first)| *first);
            let far = seen.id.modified.duration_since(now).is_ok_and(|ahead| ahead > within);
            let Some(first) = known.or_else(|| far.then_some(now)) else { continue };
            seen.at = first.min(seen.id.modified);
            ahead.push((seen.id, first));
        }
        if !look.complete {
            let rest = self.ahead.iter().filter(|(id, _)| ahead.iter().all(|(at, _)| at != id));
            let rest: Vec<_> = rest.take(MOST).copied().collect();
            ahead.extend(rest);
        }
        self.ahead = ahead;
        // In their order where all times are as they should be.
        look.newest.sort_by_key(|seen| std::cmp::Reverse(seen.at));
    }

    /// Whether its time is not that of the file.
    pub fn is_ahead(&self, id: Id) -> bool {
        self.ahead.iter().any(|(ahead, _)| *ahead == id)
    }

    pub fn grows(&self, id: Id) -> bool {
        self.growing.contains(&id)
    }

    pub fn mark(&self, id: Id) -> Option<Mark> {
        self.marks.iter().find(|mark| mark.id == id).copied()
    }

    /// Notes what was found in a file. What reading all of it has shown stays.
    pub fn note(&mut self, mark: Mark) {
        let known = self.mark(mark.id).is_some_and(|known| known.full && !mark.full);
        if !known {
            self.marks.retain(|other| other.id != mark.id);
            self.marks.push(mark);
            // Marks of what has gone are left out at the next look; there are never many.
            let more = self.marks.len().saturating_sub(4 * MOST);
            self.marks.drain(..more);
        }
    }

    /// The files that are still and not known well enough, the newest first.
    pub fn wanting<'a>(&'a self, look: &'a Look, full: bool) -> impl Iterator<Item = &'a Seen> {
        let still = |seen: &&Seen| seen.path.is_some() && !self.grows(seen.id);
        look.newest.iter().take(MOST).filter(still).filter(move |seen| {
            let mark = self.mark(seen.id);
            // What is broken by its ends need not be read.
            mark.is_none_or(|mark| {
                full && !mark.full && !matches!(mark.verdict, Verdict::Broken(..))
            })
        })
    }

    /// Takes the sizes of what is there into the past.
    pub fn measure(&mut self, look: &Look, smallest: u64) {
        for seen in look.newest.iter().take(SIZES + 1) {
            let known = self.sizes.iter().any(|(at, _)| *at == seen.at);
            let sound = !self.is_broken(seen, smallest) && !self.grows(seen.id);
            if !known && sound {
                self.sizes.push((seen.at, seen.id.size));
            }
        }
        self.sizes.sort_unstable();
        let more = self.sizes.len().saturating_sub(SIZES + 1);
        self.sizes.drain(..more);
    }

    pub fn is_broken(&self, seen: &Seen, smallest: u64) -> bool {
        matches!(self.verdict(seen, smallest), Some(Verdict::Broken(..)))
    }

    /// What is known of a file; nothing, if it was not looked at.
    pub fn verdict(&self, seen: &Seen, smallest: u64) -> Option<Verdict> {
        if seen.id.size < smallest.max(1) {
            return Some(Verdict::Broken(Fault::Empty, super::whole::What::File));
        }
        self.mark(seen.id).map(|mark| mark.verdict)
    }

    /// The median of the ones before this moment, of a past that is one.
    pub fn median(&self, before: SystemTime) -> Option<f64> {
        let past = self.sizes.iter().filter(|(at, _)| *at < before);
        let mut sizes: Vec<u64> = past.rev().take(SIZES).map(|(_, size)| *size).collect();
        sizes.sort_unstable();
        let middle = sizes.len() / 2;
        let (upper, lower) = (sizes.get(middle)?, sizes.get(middle.checked_sub(1)?)?);
        if sizes.len() < FEWEST {
            return None;
        }
        let even = sizes.len().is_multiple_of(2);
        Some(if even { f64::midpoint(*lower as f64, *upper as f64) } else { *upper as f64 })
    }
}
