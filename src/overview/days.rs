//! The last day of each thing, in steps of five minutes.
//!
//! Of 400 things at most, some 300 bytes each; the rest is counted. What nobody saw is unknown: while
//! the exporter did not run, while a source could not be read.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Day, Mood};

/// Seconds of a step.
pub const STEP: u64 = 300;
/// Steps of a day.
pub const STEPS: usize = 288;
/// Things whose day is kept.
pub(super) const MOST: usize = 400;
/// Longer names are none of ours.
const LONGEST: usize = 512;

/// What a day is of, and what an event happens to: a service, or a target.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Thing {
    pub area: String,
    pub target: String,
    /// Of a service; empty else.
    #[serde(default)]
    pub project: String,
    #[serde(default)]
    pub service: String,
}

impl Thing {
    fn size(&self) -> usize {
        self.area.len() + self.target.len() + self.project.len() + self.service.len()
    }
}

/// What was seen of a thing.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Seen {
    pub mood: Mood,
    /// Since the last look.
    pub restarts: u32,
}

#[derive(Clone, Debug, Default, PartialEq)]
struct Ring {
    /// In steps since 1970.
    last: u64,
    moods: Vec<Mood>,
    restarts: Vec<(u64, u32)>,
    /// Whether it was there at the last look that could see.
    here: bool,
}

impl Ring {
    fn note(&mut self, now: u64, seen: Seen) {
        // A clock that was far ahead is not waited for.
        if self.last.saturating_sub(now) > STEPS as u64
            || now.saturating_sub(self.last) >= STEPS as u64
        {
            *self = Self::default();
        }
        if self.moods.is_empty() {
            self.moods.reserve_exact(STEPS);
            self.last = now;
            self.moods.push(seen.mood);
        }
        while self.last < now {
            if self.moods.len() >= STEPS {
                self.moods.remove(0);
            }
            self.last += 1;
            self.moods.push(Mood::Unknown);
        }
        if let Some(last) = self.moods.last_mut() {
            *last = (*last).max(seen.mood);
        }
        if seen.restarts > 0 {
            match self.restarts.last_mut().filter(|(step, _)| *step == self.last) {
                Some((_, count)) => *count = count.saturating_add(seen.restarts),
                None => self.restarts.push((self.last, seen.restarts)),
            }
        }
        let first = (self.last + 1).saturating_sub(STEPS as u64);
        self.restarts.retain(|(step, _)| *step >= first);
    }

    /// As it is to be shown at a time.
    fn day(&self, now: u64) -> Day {
        let gone = usize::try_from(now.saturating_sub(self.last)).unwrap_or(STEPS);
        if gone >= STEPS || self.moods.is_empty() {
            return Day::default();
        }
        let over = (self.moods.len() + gone).saturating_sub(STEPS);
        let known = self.moods.iter().skip(over).copied();
        let steps = known.chain(std::iter::repeat_n(Mood::Unknown, gone)).collect();
        let last = now.max(self.last);
        let first = (last + 1).saturating_sub(STEPS as u64);
        let restarts = self.restarts.iter().filter(|(step, _)| *step >= first);
        Day {
            last: last * STEP,
            steps,
            restarts: restarts.map(|(step, count)| (step * STEP, *count)).collect(),
        }
    }
}

/// The days of all things.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Days {
    rings: BTreeMap<Thing, Ring>,
    /// Things of the last look that found no room.
    left_out: u64,
}

impl Days {
    /// Takes in a look at `at`, in seconds since 1970: all that could be seen. `sees` says of what is
    /// not among them whether it would have been seen.
    pub fn note(&mut self, at: u64, look: Vec<(Thing, Seen)>, sees: &dyn Fn(&Thing) -> bool) {
        let now = at / STEP;
        for (_, ring) in self.rings.iter_mut().filter(|(thing, _)| sees(thing)) {
            ring.here = false;
        }
        self.left_out = 0;
        // Those that are known first: what they are not among may make room.
        let (known, new): (Vec<_>, Vec<_>) =
            look.into_iter().partition(|(thing, _)| self.rings.contains_key(thing));
        for (thing, seen) in known.into_iter().chain(new) {
            if !self.rings.contains_key(&thing) && !self.has_room(&thing, now) {
                self.left_out += 1;
                continue;
            }
            let ring = self.rings.entry(thing).or_default();
            ring.note(now, seen);
            ring.here = true;
        }
    }

    /// Makes room by what is not there any more, else by what could not be seen for longest.
    fn has_room(&mut self, thing: &Thing, now: u64) -> bool {
        if thing.size() > LONGEST {
            return false;
        }
        if self.rings.len() < MOST {
            return true;
        }
        let gone = self.rings.iter().filter(|(_, ring)| !ring.here || ring.last < now);
        let oldest = gone.min_by_key(|(_, ring)| (ring.here, ring.last));
        let oldest = oldest.map(|(thing, _)| thing.clone());
        oldest.is_some_and(|oldest| self.rings.remove(&oldest).is_some())
    }

    pub fn day(&self, thing: &Thing, at: u64) -> Day {
        self.rings.get(thing).map(|ring| ring.day(at / STEP)).unwrap_or_default()
    }

    /// The things that were there when they could be seen last, within the last day.
    pub fn known(&self, at: u64) -> impl Iterator<Item = &Thing> {
        let now = at / STEP;
        let fresh = move |ring: &Ring| ring.here && ring.last + STEPS as u64 > now;
        self.rings.iter().filter(move |(_, ring)| fresh(ring)).map(|(thing, _)| thing)
    }

    pub const fn left_out(&self) -> u64 {
        self.left_out
    }

    pub fn written(&self) -> Vec<Written> {
        let one = |(thing, ring): (&Thing, &Ring)| Written {
            thing: thing.clone(),
            last: ring.last,
            moods: ring.moods.iter().map(|mood| mood.letter()).collect(),
            restarts: ring.restarts.clone(),
            here: ring.here,
        };
        self.rings.iter().map(one).collect()
    }

    /// What was written down, at a time `at`. A day of the future is none: whoever wrote it had
    /// another clock.
    pub fn of(written: Vec<Written>, at: u64) -> Self {
        // A clock may be set back a little.
        let latest = at / STEP + STEPS as u64;
        let one = |written: Written| {
            let moods = written.moods.chars().take(STEPS).map(Mood::of_letter).collect();
            let restarts = written.restarts.into_iter().take(STEPS);
            let restarts = restarts.filter(|(step, _)| *step <= written.last).collect();
            let ring = Ring { last: written.last, moods, restarts, here: written.here };
            let is_ours = written.thing.size() <= LONGEST && ring.last <= latest;
            is_ours.then_some((written.thing, ring))
        };
        let rings = written.into_iter().take(MOST).filter_map(one).collect();
        Self { rings, left_out: 0 }
    }
}

/// A day as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Written {
    thing: Thing,
    last: u64,
    /// A letter a step.
    moods: String,
    restarts: Vec<(u64, u32)>,
    here: bool,
}

impl Mood {
    const fn letter(self) -> char {
        match self {
            Self::Unknown => '?',
            Self::Idle => 'i',
            Self::Up => 'u',
            Self::Deploying => 'y',
            Self::Degraded => 'g',
            Self::Down => 'd',
        }
    }

    fn of_letter(letter: char) -> Self {
        Self::ALL.into_iter().find(|mood| mood.letter() == letter).unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn thing(name: &str) -> Thing {
        Thing { area: "nats".into(), target: name.into(), ..Thing::default() }
    }

    fn look(names: &[&str], mood: Mood) -> Vec<(Thing, Seen)> {
        names.iter().map(|name| (thing(name), Seen { mood, restarts: 0 })).collect()
    }

    #[test]
    fn a_step_has_the_worst_that_was_seen_and_a_gap_is_unknown() {
        let mut days = Days::default();
        for (at, mood) in
            [(0, Mood::Up), (10, Mood::Down), (290, Mood::Up), (300, Mood::Up), (1500, Mood::Idle)]
        {
            days.note(STEP * 1000 + at, look(&["a"], mood), &|_| true);
        }
        let day = days.day(&thing("a"), STEP * 1000 + 2100);
        let [down, up, idle, unknown] = [Mood::Down, Mood::Up, Mood::Idle, Mood::Unknown];
        assert_eq!(day.steps, [down, up, unknown, unknown, unknown, idle, unknown, unknown]);
        assert_eq!(day.last, STEP * 1007);
        assert_eq!(days.day(&thing("b"), STEP * 1000), Day::default());
        assert_eq!(days.day(&thing("a"), STEP * 1400), Day::default(), "a day later");
    }

    #[test]
    fn it_is_a_day_and_no_more_and_a_clock_that_jumps_does_no_harm() {
        let mut days = Days::default();
        for step in 0..1000 {
            let seen = Seen { mood: Mood::Up, restarts: 1 };
            days.note(STEP * (5000 + step), vec![(thing("a"), seen)], &|_| true);
        }
        let day = days.day(&thing("a"), STEP * 5999);
        assert_eq!((day.steps.len(), day.restarts.len()), (STEPS, STEPS));
        assert_eq!(days.day(&thing("a"), STEP * 6010).restarts.len(), STEPS - 11);
        // Set back a little: what is written goes on.
        days.note(STEP * 5990, look(&["a"], Mood::Down), &|_| true);
        assert_eq!(days.day(&thing("a"), STEP * 5999).steps.last(), Some(&Mood::Down));
        // It was a year ahead.
        days.note(STEP * 999_999, look(&["a"], Mood::Up), &|_| true);
        days.note(STEP * 6000, look(&["a"], Mood::Up), &|_| true);
        assert_eq!(days.day(&thing("a"), STEP * 6000).steps, [Mood::Up]);
    }

    #[test]
    fn things_have_a_bound_and_what_is_gone_makes_room() {
        let mut days = Days::default();
        let names: Vec<String> = (0..MOST + 3).map(|n| format!("n{n:03}")).collect();
        let all: Vec<&str> = names.iter().map(String::as_str).collect();
        for step in 0..3 {
            days.note(STEP * (1000 + step), look(&all, Mood::Up), &|_| true);
        }
        assert_eq!((days.rings.len(), days.left_out()), (MOST, 3));
        assert_eq!(days.day(&thing("n000"), STEP * 1002).steps.len(), 3, "nobody is pushed out");
        days.note(STEP * 1003, look(&all[3..], Mood::Up), &|_| true);
        assert_eq!((days.rings.len(), days.left_out()), (MOST, 0));
        assert_eq!(days.day(&thing("n000"), STEP * 1003), Day::default());
        let long = "x".repeat(LONGEST);
        days.note(STEP * 1004, look(&[&long], Mood::Up), &|_| true);
        assert_eq!(days.left_out(), 1);
    }

    #[test]
    fn what_lies_in_the_future_is_not_taken_over() {
        let mut days = Days::default();
        days.note(STEP * 1000, look(&["a", "b"], Mood::Up), &|_| true);
        let mut written = days.written();
        written[1].last = u64::MAX;
        written[0].restarts = vec![(1000, 2), (u64::MAX, 1)];
        let days = Days::of(written, STEP * 1000);
        assert_eq!(days.day(&thing("a"), STEP * 1000).restarts, [(STEP * 1000, 2)]);
        assert_eq!(days.day(&thing("b"), STEP * 1000), Day::default());
    }
}
