//! What is remembered of each pattern: how large its newest file was in earlier versions, and since
//! when there is none. Pure; the time is given.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::config::Against;
use super::fetch::Seen;

/// Versions that are remembered.
const VERSIONS: usize = 10;

/// By pattern.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct History(BTreeMap<String, Past>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Past {
    /// Sizes of earlier versions, the latest last.
    sizes: Vec<u64>,
    /// The present one.
    version: Option<Version>,
    /// It was found unchanged at least once: else somebody may still have been writing it.
    steady: bool,
    /// Seconds since the epoch.
    absent_since: Option<u64>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Version {
    seconds: u64,
    nanoseconds: u32,
    inode: u64,
    size: u64,
}

impl History {
    /// Takes over what an earlier process has kept, where nothing is known yet.
    pub fn restore(&mut self, kept: Self) {
        for (pattern, past) in kept.0 {
            self.0.entry(pattern).or_insert(past);
        }
    }

    /// Takes in one listing.
    pub fn take(&mut self, seen: &[Seen], at: SystemTime) {
        self.0.retain(|pattern, _| seen.iter().any(|one| one.pattern == *pattern));
        for one in seen {
            let past = self.0.entry(one.pattern.clone()).or_default();
            if one.files > 0 {
                past.absent_since = None;
            } else if one.is_gone() {
                past.absent_since.get_or_insert(seconds(at).0);
            }
            // Of a listing that was cut off another file may be the newest.
            if !one.cut && !one.hidden {
                past.see(one);
            }
        }
    }

    /// For how long none has been there, in seconds; 0 while there is one.
    pub fn missing(&self, seen: &Seen, now: SystemTime) -> Option<u64> {
        if seen.files > 0 {
            return Some(0);
        }
        let since = self.0.get(&seen.pattern)?.absent_since?;
        seen.is_gone().then(|| seconds(now).0.saturating_sub(since))
    }

    /// The size of the newest file in relation to what it was.
    pub fn ratio(&self, pattern: &str, against: Against) -> Option<f64> {
        let past = self.0.get(pattern)?;
        let before = match against {
            Against::Last => past.sizes.last(),
            Against::Largest => past.sizes.iter().max(),
        };
        let before = before.copied().filter(|size| *size > 0)?;
        past.version.as_ref().map(|version| version.size as f64 / before as f64)
    }
}

impl Past {
    fn see(&mut self, seen: &Seen) {
        let Some(newest) = &seen.newest else { return };
        let (seconds, nanoseconds) = seconds(newest.facts.modified);
        let (inode, size) = (newest.facts.inode, newest.facts.size);
        let version = Version { seconds, nanoseconds, inode, size };
        if self.version.as_ref() == Some(&version) {
            self.steady = true;
            return;
        }
        if let Some(before) = self.version.replace(version)
            && std::mem::take(&mut self.steady)
        {
            self.sizes.push(before.size);
            let more = self.sizes.len().saturating_sub(VERSIONS);
            self.sizes.drain(..more);
        }
    }
}

impl Seen {
    /// There is none, and nothing of it was out of sight.
    pub fn is_gone(&self) -> bool {
        self.files == 0 && !self.cut && !self.hidden
    }
}

fn seconds(at: SystemTime) -> (u64, u32) {
    let since = at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default();
    (since.as_secs(), since.subsec_nanos())
}

#[cfg(test)]
mod tests;
