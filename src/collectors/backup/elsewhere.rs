//! Copies, trials and changes: read on a clock of their own, for a share that hangs takes nothing else
//! down.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use super::fetch::{Places, State, problem, today};
use super::seen::{Elsewhere, Seen};
use crate::clients::folder::{self, Bounds};
use crate::engine::Found;
use crate::failure::Failure;
use crate::text::printable;

/// Entries of folders that a look goes through, and its time.
const ENTRIES: usize = 200_000;
const TIME: Duration = Duration::from_secs(30);

impl State {
    /// The generations whose copies are looked for: up to the first that had time to be copied.
    pub fn to_find(&self, within: Duration, now: SystemTime) -> Vec<Seen> {
        let mut seen = Vec::new();
        for one in self.look.newest.iter().filter(|one| !self.past.grows(one.id)) {
            seen.push(one.clone());
            if now.duration_since(one.at).is_ok_and(|age| age >= within) {
                break;
            }
        }
        seen
    }
}

impl Places {
    /// Whether anything is elsewhere.
    pub fn has_elsewhere(&self) -> bool {
        !self.newer_than.is_empty() || self.stamp.is_some() || !self.copies.is_empty()
    }

    /// One look at what lies elsewhere. Blocks.
    pub fn elsewhere(&self, of: &[Seen]) -> Found<Elsewhere> {
        let (mut value, mut missing) = (Elsewhere::default(), None);
        let mut bounds = Bounds::new(ENTRIES, TIME);
        for pattern in &self.newer_than {
            let (newest, walked) = folder::list(&pattern.on(today()), &mut bounds, 1);
            let changed = newest.first().map(|file| file.facts.modified);
            value.changed = value.changed.max(changed);
            missing = missing.or_else(|| problem(walked));
        }
        if let Some(stamp) = &self.stamp {
            match std::fs::metadata(stamp).and_then(|about| about.modified()) {
                Ok(modified) => value.restored = Some(modified),
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    let shown = printable(&stamp.to_string_lossy()).into_owned();
                    missing.get_or_insert_with(|| Failure::io(&shown, &error));
                }
            }
        }
        if !self.copies.is_empty() {
            let copies = of.iter().map(|seen| (seen.id, self.copies_of(seen, &mut missing)));
            value.copies = copies.collect::<BTreeMap<_, _>>();
        }
        Found { value, missing }
    }

    /// In how many folders it is once more; nothing, if one of them cannot be looked into.
    fn copies_of(&self, seen: &Seen, missing: &mut Option<Failure>) -> Option<usize> {
        let mut copies = Some(0);
        for folder in &self.copies {
            match std::fs::metadata(folder.join(&seen.below)) {
                Ok(about) => {
                    let same = about.is_file() && about.len() == seen.id.size;
                    copies = copies.map(|copies| copies + usize::from(same));
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => {
                    let shown = printable(&folder.to_string_lossy()).into_owned();
                    missing.get_or_insert_with(|| Failure::io(&shown, &error));
                    copies = None;
                }
            }
        }
        copies
    }
}

#[cfg(test)]
mod tests;
