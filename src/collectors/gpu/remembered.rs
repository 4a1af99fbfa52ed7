//! Which GPUs there were within the last day: one that is gone is told by that. Known over restarts, bounded,
//! and over after a day, for a GPU may have been taken out.

use std::collections::BTreeMap;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::model::{Gpu, State};

const DAY: u64 = 86_400;
const MOST: usize = 64;

/// GPUs by their UUID.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Remembered(BTreeMap<String, Known>);

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct Known {
    index: Option<u32>,
    name: String,
    bus: String,
    /// Minutes since 1970: the file is not written for each second.
    seen: u64,
}

/// The state of one GPU.
pub struct Seen {
    pub uuid: String,
    pub index: Option<u32>,
    pub name: String,
    pub bus: String,
    pub state: State,
}

impl Remembered {
    /// Takes in what there is now. A number that a GPU had first stays, so its series go on.
    pub fn take(&mut self, now: SystemTime, gpus: &[Gpu]) {
        let now = now.duration_since(SystemTime::UNIX_EPOCH).map_or(0, |now| now.as_secs());
        for gpu in gpus {
            if !self.0.contains_key(&gpu.uuid) && self.0.len() >= MOST {
                continue;
            }
            let known = self
                .0
                .entry(gpu.uuid.clone())
                .or_insert_with(|| Known { index: gpu.index, ..Known::default() });
            // A quarter of an hour more or less is no matter, and a write to the disk is.
            let minutes = now / 60;
            if gpu.state == State::Ok && minutes.abs_diff(known.seen) >= 15 {
                known.seen = minutes;
            }
            if !gpu.name.is_empty() {
                known.name.clone_from(&gpu.name);
            }
            if !gpu.bus.is_empty() {
                known.bus.clone_from(&gpu.bus);
            }
        }
        let here = |uuid: &str| gpus.iter().any(|gpu| gpu.uuid == uuid);
        // Also what a clock that was wrong has left in the future.
        let fresh = |known: &Known| (known.seen * 60).abs_diff(now) < DAY;
        self.0.retain(|uuid, known| here(uuid) || fresh(known));
    }

    /// Those that are there, and those that were within a day.
    pub fn all<'a>(&'a self, gpus: &'a [Gpu]) -> impl Iterator<Item = Seen> + 'a {
        self.0.iter().map(|(uuid, known)| {
            let here = gpus.iter().find(|gpu| gpu.uuid == *uuid);
            Seen {
                uuid: uuid.clone(),
                index: known.index,
                name: known.name.clone(),
                bus: known.bus.clone(),
                state: here.map_or(State::Gone, |gpu| gpu.state),
            }
        })
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn at(hours: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_hours(1_000_000 + hours)
    }

    fn gpu(uuid: &str, index: u32) -> Gpu {
        Gpu { uuid: uuid.to_owned(), index: Some(index), ..Gpu::default() }
    }

    fn states(of: &Remembered, gpus: &[Gpu]) -> Vec<(String, Option<u32>, State)> {
        of.all(gpus).map(|seen| (seen.uuid, seen.index, seen.state)).collect()
    }

    #[test]
    fn a_gpu_that_is_gone_is_told_for_a_day_and_keeps_its_number() {
        let mut all = Remembered::default();
        all.take(at(0), &[gpu("a", 0), gpu("b", 1)]);
        let left = [gpu("b", 0)];
        all.take(at(1), &left);
        let expected = [("a".into(), Some(0), State::Gone), ("b".into(), Some(1), State::Ok)];
        assert_eq!(states(&all, &left), expected);
        let lost = [Gpu { state: State::Lost, ..gpu("b", 0) }];
        all.take(at(25), &lost);
        // One that is lost is there, however long.
        assert_eq!(states(&all, &lost), [("b".into(), Some(1), State::Lost)]);
        let text = serde_json::to_string(&all).unwrap();
        assert_eq!(serde_json::from_str::<Remembered>(&text).unwrap(), all);
    }

    #[test]
    fn they_are_bounded_and_a_wrong_clock_leaves_nothing() {
        let mut all = Remembered::default();
        all.take(at(0), &(0..200).map(|n| gpu(&n.to_string(), n)).collect::<Vec<_>>());
        assert_eq!(all.0.len(), MOST);
        all.take(at(100), &[]);
        assert_eq!(all.0.len(), 0);
        all.take(at(9000), &[gpu("a", 0)]);
        all.take(at(0), &[]);
        assert_eq!(all.0.len(), 0);
    }
}
