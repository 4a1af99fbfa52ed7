//! What adds up in a group: starts and ends by number and start time, also over a restart of ours, and
//! the counters of its processes, also of those that are gone.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize};

use super::table::{Counts, Known};

/// Processes of one group that are told apart over a restart.
const MOST: usize = 4096;

/// A process: its number and its start.
pub type Key = (u32, u64);

/// One group.
#[derive(Clone, Debug, Default)]
pub struct Tally {
    pub starts: u64,
    /// Of these the ones after which the oldest process was a new one: all of it has been started.
    pub main_starts: u64,
    pub ends: u64,
    /// Those that were there last. `None` before the first look.
    here: Option<BTreeSet<Key>>,
    /// What all have counted since we look.
    pub counts: Counts,
}

/// What outlives the process.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Saved {
    /// Which start of the machine the processes are of.
    boot: String,
    groups: BTreeMap<String, SavedGroup>,
}

#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
struct SavedGroup {
    starts: u64,
    #[serde(default)]
    main_starts: u64,
    ends: u64,
    here: Vec<Key>,
}

/// All groups, by name.
#[derive(Default)]
pub struct Tallies(BTreeMap<String, Tally>);

impl Tallies {
    pub fn group(&mut self, name: &str) -> &mut Tally {
        if !self.0.contains_key(name) {
            self.0.insert(name.to_owned(), Tally::default());
        }
        self.0.entry(name.to_owned()).or_default()
    }

    /// Goes on from what was kept. Processes of an earlier start of the machine are gone.
    pub fn restore(&mut self, saved: Saved, boot: &str) {
        for (name, saved_group) in saved.groups {
            let tally = self.group(&name);
            if tally.here.is_some() {
                continue;
            }
            let gone = saved_group.here.len() as u64;
            let same = saved.boot == boot;
            tally.starts = saved_group.starts;
            tally.main_starts = saved_group.main_starts;
            tally.ends = saved_group.ends + if same { 0 } else { gone };
            let here = if same { saved_group.here } else { Vec::new() };
            tally.here = Some(here.into_iter().collect());
        }
    }

    /// A group that is no longer declared is not kept.
    pub fn saved<'a>(&self, names: impl Iterator<Item = &'a str>, boot: &str) -> Saved {
        let groups = names.filter_map(|name| {
            let tally = self.0.get(name)?;
            let here = tally.here.iter().flatten().take(MOST).copied().collect();
            let Tally { starts, main_starts, ends, .. } = *tally;
            let kept = SavedGroup { starts, main_starts, ends, here };
            Some((name.to_owned(), kept))
        });
        Saved { boot: boot.to_owned(), groups: groups.collect() }
    }
}

impl Tally {
    /// What is there now. Those of the first look have started before us.
    pub fn look(&mut self, here: BTreeSet<Key>) {
        if let Some(before) = &self.here {
            self.starts += here.difference(before).count() as u64;
            self.ends += before.difference(&here).count() as u64;
            let oldest = here.iter().min_by_key(|(pid, start)| (*start, *pid));
            self.main_starts += u64::from(oldest.is_some_and(|oldest| !before.contains(oldest)));
        }
        self.here = Some(here);
        // Established, so that the first process is an increase.
        self.counts = self.counts.each(Counts::default(), |sum, _| sum.or(Some(0)));
    }

    /// Adds what a process has counted since it was looked at last. Of one that was there before us
    /// that begins with the first look, or our start would seem to be a burst.
    pub fn count(&mut self, before: Option<Counts>, now: Counts, is_born: bool) {
        let before = match before {
            Some(before) => before,
            None if is_born => Counts::default(),
            None => now,
        };
        let grown =
            now.each(before, |now, before| Some(now?.saturating_sub(before.unwrap_or_default())));
        let add = |sum: Option<u64>, more: Option<u64>| {
            Some(sum.unwrap_or_default().saturating_add(more.unwrap_or_default()))
        };
        self.counts = self.counts.each(grown, add);
    }
}

/// The key of a process that is known.
pub fn key(pid: u32, known: &Known) -> Key {
    (pid, known.start)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn look(tally: &mut Tally, here: &[Key]) -> (u64, u64) {
        tally.look(here.iter().copied().collect());
        (tally.starts, tally.ends)
    }

    #[test]
    fn starts_and_ends_by_number_and_start_time() {
        let mut tally = Tally::default();
        assert_eq!(look(&mut tally, &[(1, 10), (2, 20)]), (0, 0), "they were there before us");
        assert_eq!(look(&mut tally, &[(1, 10), (2, 20)]), (0, 0));
        assert_eq!(look(&mut tally, &[(1, 10), (2, 30)]), (1, 1), "the number is used again");
        assert_eq!(look(&mut tally, &[]), (1, 3));
        let mut never = Tally::default();
        assert_eq!(look(&mut never, &[]), (0, 0));
        assert_eq!(look(&mut never, &[(7, 1)]), (1, 0), "the first that ever ran");
    }

    /// Workers come and go under one that stays, and one of many equals follows another.
    #[test]
    fn all_of_it_is_started_when_the_oldest_is_new() {
        let mut tally = Tally::default();
        for (here, main_starts) in [
            (&[(1, 10), (2, 20)][..], 0),
            (&[(1, 10), (3, 30), (4, 40)], 0),
            (&[(3, 30), (4, 40), (5, 50)], 0),
            (&[], 0),
            (&[(6, 60), (7, 61)], 1),
            (&[(1, 70), (8, 71)], 2),
        ] {
            look(&mut tally, here);
            assert_eq!(tally.main_starts, main_starts, "{here:?}");
        }
        assert_eq!(tally.starts, 7);
    }

    #[test]
    fn they_go_on_over_a_restart_of_ours_and_of_the_machine() {
        let mut tallies = Tallies::default();
        look(tallies.group("bot"), &[(1, 5)]);
        look(tallies.group("bot"), &[(1, 10)]);
        look(tallies.group("bot"), &[(1, 10), (2, 20)]);
        look(tallies.group("old"), &[]);
        let saved = tallies.saved(["bot"].into_iter(), "a");
        let written = serde_json::to_string(&saved).unwrap();
        let read = || serde_json::from_str::<Saved>(&written).unwrap();
        assert!(read() == saved && !written.contains("old"));

        let mut next = Tallies::default();
        next.restore(read(), "a");
        assert_eq!(look(next.group("bot"), &[(1, 10), (3, 30)]), (3, 2), "one went, one came");
        assert_eq!(next.group("bot").main_starts, 1);
        let mut next = Tallies::default();
        next.restore(read(), "b");
        assert_eq!(look(next.group("bot"), &[(1, 10)]), (3, 3), "the same number, another boot");
        // What is told already is not told anew.
        next.restore(read(), "b");
        assert_eq!(look(next.group("bot"), &[(1, 10)]), (3, 3));
    }

    #[test]
    fn counters_hold_what_was_counted_while_we_looked() {
        let cpu = |user| Counts { user: Some(user), ..Counts::default() };
        let mut tally = Tally::default();
        tally.look(BTreeSet::new());
        assert_eq!(tally.counts.read, Some(0), "established");
        tally.count(None, cpu(1000), false);
        assert_eq!(tally.counts.user, Some(0), "before us");
        tally.count(Some(cpu(1000)), cpu(1007), false);
        tally.count(None, cpu(5), true);
        assert_eq!(tally.counts.user, Some(12));
        tally.count(Some(cpu(9)), cpu(3), true);
        assert_eq!(tally.counts.user, Some(12), "never back");
    }
}
