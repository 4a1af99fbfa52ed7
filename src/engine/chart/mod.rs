//! What the judged numbers were: an hour in steps of 15 seconds and two and a half days in steps of
//! five minutes, for people. Nothing is judged by it.
//!
//! Of 400 numbers at most, 1.5 MB; what is more is counted. On the disk it is one file, written every
//! five minutes and at the end.

mod file;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::OWN_AREA;
use super::storage::Storage;
use crate::failure::Failure;

/// Numbers that are kept.
const MOST: usize = 400;
/// Longer names are none of ours; all of them together take a tenth of the points.
const LONGEST: usize = 384;
/// What has not been told for so long goes when there is no room.
const OVER: Duration = Duration::from_hours(1);

const FINE: usize = 240;
const COARSE: usize = 720;
const STEPS: [Duration; 2] = [Duration::from_secs(15), Duration::from_mins(5)];

/// One judged number: of a signal of a target, by the labels that tell it from others.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Number {
    pub area: String,
    pub target: String,
    pub signal: String,
    /// Names and values.
    pub labels: Vec<(String, String)>,
}

impl Number {
    fn size(&self) -> usize {
        let labels: usize = self.labels.iter().map(|(name, value)| name.len() + value.len()).sum();
        self.area.len() + self.target.len() + self.signal.len() + labels
    }
}

/// The newest points of one number, oldest first; not a number where nothing was told.
#[derive(Clone, Debug, PartialEq)]
pub struct Line {
    pub step: Duration,
    /// When the last point was, in steps since 1970.
    last: u64,
    points: Vec<f32>,
    most: usize,
}

impl Line {
    const fn new(step: Duration, most: usize) -> Self {
        Self { step, last: 0, points: Vec::new(), most }
    }

    /// The later of two values of one step stands.
    fn note(&mut self, at: Duration, value: f32) {
        let now = at.as_secs() / self.step.as_secs();
        if self.points.is_empty() || now.saturating_sub(self.last) >= self.most as u64 {
            self.points.clear();
            // All at once, and no more than that.
            self.points.reserve_exact(self.most);
        } else if now <= self.last {
            // A clock that was set back by more writes over what it wrote.
            if let Some(last) = self.points.last_mut() {
                *last = value;
            }
            return;
        } else {
            let gap = usize::try_from(now - self.last - 1).unwrap_or_default();
            let over = (self.points.len() + gap + 1).saturating_sub(self.most);
            self.points.drain(..over.min(self.points.len()));
            let room = self.most - 1 - self.points.len();
            self.points.extend(std::iter::repeat_n(f32::NAN, gap.min(room)));
        }
        self.points.push(value);
        self.last = now;
    }

    /// Seconds since 1970 and the value there, oldest first.
    pub fn points(&self) -> impl Iterator<Item = (u64, f32)> {
        let first = (self.last + 1).saturating_sub(self.points.len() as u64);
        let step = self.step.as_secs();
        let all = self.points.iter().zip(first..).map(move |(value, at)| (at * step, *value));
        all.filter(|(_, value)| value.is_finite())
    }
}

#[derive(Clone, Debug, PartialEq)]
struct Ring {
    fine: Line,
    coarse: Line,
}

impl Default for Ring {
    fn default() -> Self {
        let [fine, coarse] = STEPS;
        Self { fine: Line::new(fine, FINE), coarse: Line::new(coarse, COARSE) }
    }
}

impl Ring {
    fn newest(&self) -> Duration {
        Duration::from_secs(self.fine.last * self.fine.step.as_secs())
    }
}

/// The history of all judged numbers.
#[derive(Default)]
pub struct Chart(Mutex<Rings>);

#[derive(Default)]
struct Rings {
    rings: BTreeMap<Number, Ring>,
    dropped: u64,
}

impl Chart {
    fn rings(&self) -> MutexGuard<'_, Rings> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes what a number is now.
    #[allow(clippy::cast_possible_truncation, reason = "people look at it, on some pixels")]
    pub fn note(&self, number: Number, at: SystemTime, value: f64) {
        let at = at.duration_since(UNIX_EPOCH).unwrap_or_default();
        let mut rings = self.rings();
        if !rings.rings.contains_key(&number) && !rings.has_room(&number, at) {
            rings.dropped += 1;
            return;
        }
        let ring = rings.rings.entry(number).or_default();
        ring.fine.note(at, value as f32);
        ring.coarse.note(at, value as f32);
    }

    /// The lines of a target's numbers, the finer first.
    pub fn of(&self, area: &str, target: &str) -> Vec<(Number, [Line; 2])> {
        let rings = self.rings();
        let mine = rings.rings.iter().filter(|(of, _)| of.area == area && of.target == target);
        mine.map(|(of, ring)| (of.clone(), [ring.fine.clone(), ring.coarse.clone()])).collect()
    }

    /// The coarser line of one number.
    pub fn coarse(&self, number: &Number) -> Option<Line> {
        self.rings().rings.get(number).map(|ring| ring.coarse.clone())
    }

    /// The numbers of which there is a history.
    pub fn numbers(&self) -> Vec<Number> {
        self.rings().rings.keys().cloned().collect()
    }

    /// Numbers that are kept, and values that were left out for want of room.
    pub fn counts(&self) -> (u64, u64) {
        let rings = self.rings();
        (rings.rings.len() as u64, rings.dropped)
    }

    /// Takes what was kept before the start. What is there already is newer.
    pub fn load(&self, storage: &Storage) -> Result<(), Failure> {
        let Some(bytes) = storage.load(OWN_AREA.name, file::NAME)? else { return Ok(()) };
        let found = file::decode(&bytes)?;
        let mut rings = self.rings();
        for (number, ring) in found.into_iter().take(MOST - rings.rings.len().min(MOST)) {
            rings.rings.entry(number).or_insert(ring);
        }
        drop(rings);
        Ok(())
    }

    /// Writes all of it.
    pub fn save(&self, storage: &Storage) -> Result<(), Failure> {
        let bytes = file::encode(&self.rings().rings);
        storage.save(OWN_AREA.name, file::NAME, &bytes)
    }

    #[cfg(test)]
    fn bytes(&self) -> usize {
        let rings = self.rings();
        let ring = |(number, ring): (&Number, &Ring)| {
            let points = ring.fine.points.capacity() + ring.coarse.points.capacity();
            number.size() + size_of::<(Number, Ring)>() + points * size_of::<f32>()
        };
        rings.rings.iter().map(ring).sum()
    }
}

impl Rings {
    /// Makes room if something has not been told for long.
    fn has_room(&mut self, number: &Number, at: Duration) -> bool {
        if number.size() > LONGEST {
            return false;
        }
        if self.rings.len() < MOST {
            return true;
        }
        let oldest = self.rings.iter().min_by_key(|(_, ring)| ring.newest());
        let over = oldest.filter(|(_, ring)| at.saturating_sub(ring.newest()) > OVER);
        let Some(gone) = over.map(|(number, _)| number.clone()) else { return false };
        self.rings.remove(&gone).is_some()
    }
}
