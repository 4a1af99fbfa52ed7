//! Which changes of troubles stand in the log: of what comes and goes one line of each kind within ten
//! minutes, and at last how it is.

use std::collections::BTreeMap;
use std::time::SystemTime;

use super::days::Thing;
use super::journal::{Change, is_near};
use crate::check::Verdict;

/// Lines that are remembered: as many as there may be troubles, in each verdict.
const MOST: usize = 3000;

/// A thing, and what of it.
type Key = (Thing, String);

#[derive(Debug, Default)]
pub(super) struct Lines {
    /// When it was told that it is so.
    told: BTreeMap<Key, BTreeMap<Verdict, SystemTime>>,
    /// How it is, where that is not told yet.
    held: BTreeMap<Key, Change>,
}

impl Lines {
    /// Takes in what has changed; what is to be told of it now, and of what was held back.
    pub fn take(&mut self, changes: &[Change], now: SystemTime) -> Vec<Change> {
        self.told.retain(|_, lines| {
            lines.retain(|_, at| is_near(*at, now));
            !lines.is_empty()
        });
        for change in changes {
            self.held.insert((change.thing.clone(), change.subject.clone()), change.clone());
        }
        let mut due = Vec::new();
        for (key, change) in std::mem::take(&mut self.held) {
            let lines = self.told.get(&key);
            let last = lines.and_then(|lines| lines.iter().max_by_key(|(_, at)| **at));
            if last.is_some_and(|(verdict, _)| *verdict == change.verdict) {
                continue;
            }
            if lines.is_some_and(|lines| lines.contains_key(&change.verdict)) {
                self.held.insert(key, change);
                continue;
            }
            if self.told.len() < MOST || lines.is_some() {
                self.told.entry(key).or_default().insert(change.verdict, now);
            }
            due.push(change);
        }
        due
    }
}

#[cfg(test)]
mod tests {
    use std::time::{Duration, UNIX_EPOCH};

    use super::super::EventKind;
    use super::*;

    fn change(verdict: Verdict) -> Change {
        Change {
            thing: Thing::default(),
            kind: if verdict == Verdict::Ok { EventKind::Clear } else { EventKind::Trouble },
            text: String::new(),
            subject: "pending".into(),
            figure: None,
            verdict,
        }
    }

    #[test]
    fn what_swings_is_told_once_in_ten_minutes_and_at_last_as_it_is() {
        let mut lines = Lines::default();
        let mut told = |seconds, verdict: Option<Verdict>| {
            let changes: Vec<Change> = verdict.into_iter().map(change).collect();
            let now = UNIX_EPOCH + Duration::from_secs(seconds);
            lines.take(&changes, now).iter().map(|one| one.verdict).collect::<Vec<_>>()
        };
        let [ok, warning, critical] = [Verdict::Ok, Verdict::Warning, Verdict::Critical];
        assert_eq!(told(0, Some(warning)), [warning]);
        assert_eq!(told(5, Some(critical)), [critical], "worse is told at once");
        for seconds in (10..500).step_by(10) {
            assert_eq!(told(seconds, Some(warning)), []);
            assert_eq!(told(seconds + 5, Some(critical)), []);
        }
        assert_eq!(told(500, Some(ok)), [ok]);
        assert_eq!(told(505, Some(critical)), []);
        assert_eq!(told(605, None), []);
        assert_eq!(
            told(606, None),
            [critical],
            "it is so, and the last line said that it was over"
        );
        assert_eq!(told(5000, None), []);
        assert_eq!(told(5005, Some(ok)), [ok]);
    }
}
