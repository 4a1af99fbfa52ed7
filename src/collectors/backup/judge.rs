//! What is said of a backup: pure, of a look, the past and the time.

use std::time::{Duration, SystemTime};

use super::past::{MOST, Past};
use super::schedule::Schedule;
use super::seen::{Elsewhere, Look, Seen};
use super::whole::{Fault, Verdict};

/// What a backup is measured by.
#[derive(Clone, Debug)]
pub struct Terms {
    pub schedule: Option<Schedule>,
    pub within: Duration,
    pub smallest: u64,
    pub keep: Option<u32>,
    pub copies: usize,
    /// How much older than the last change one may be.
    pub slack: Option<Duration>,
    /// How often restoring is tried.
    pub restore: Option<Duration>,
    pub full: bool,
}

/// What is said of a backup. What is not known, or not asked for, is absent.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Backup {
    pub present: Option<bool>,
    pub generations: Option<u64>,
    pub generations_missing: Option<u64>,
    pub expired: Option<u64>,
    pub age: Option<Duration>,
    pub usable_age: Option<Duration>,
    pub size: Option<u64>,
    pub size_ratio: Option<f64>,
    pub growing: Option<bool>,
    pub overdue: Option<Duration>,
    pub period: Option<Duration>,
    pub valid: Option<bool>,
    pub empty: Option<bool>,
    pub damaged: Option<u64>,
    pub verified: Option<u64>,
    pub behind: Option<Duration>,
    pub restore_tested: Option<bool>,
    pub restore_age: Option<Duration>,
    pub copies_missing: Option<u64>,
    pub exposed: Option<bool>,
}

/// Nothing is younger than nothing.
fn since(then: SystemTime, now: SystemTime) -> Duration {
    now.duration_since(then).unwrap_or_default()
}

pub fn judge(
    terms: &Terms,
    (look, elsewhere): (&Look, Option<&Elsewhere>),
    past: &Past,
    now: SystemTime,
) -> Backup {
    let still: Vec<&Seen> = look.newest.iter().filter(|seen| !past.grows(seen.id)).collect();
    let newest = still.first().copied();
    let verdict = |seen: &Seen| past.verdict(seen, terms.smallest);
    let is_broken = |seen: &Seen| past.is_broken(seen, terms.smallest);
    let broken = still.iter().filter(|seen| is_broken(seen)).count() as u64;
    let older = still.iter().skip(1).filter(|seen| is_broken(seen)).count() as u64;
    let generations = look.all.saturating_sub(broken);
    let usable = still.iter().find(|seen| !is_broken(seen));
    let growing = look.newest.first().map(|seen| past.grows(seen.id));
    let there = look.all > 0;
    let found = newest.and_then(verdict);
    let mut backup = Backup {
        // What was not seen of a folder may hold one.
        present: (there || look.complete).then_some(there),
        generations: look.complete.then_some(generations),
        expired: look.complete.then_some(look.expired),
        age: newest.map(|seen| since(seen.at, now)),
        usable_age: usable.map(|seen| since(seen.at, now)),
        size: newest.map(|seen| seen.id.size),
        growing: if there { growing } else { Some(false).filter(|_| look.complete) },
        valid: found.and_then(valid),
        empty: newest.map(|seen| matches!(verdict(seen), Some(Verdict::Broken(Fault::Empty, _)))),
        damaged: there.then_some(older),
        exposed: look.exposed,
        ..Backup::default()
    };
    backup.size_ratio = newest.and_then(|seen| {
        let median = past.median(seen.at).filter(|median| *median > 0.0)?;
        Some(seen.id.size as f64 / median)
    });
    backup.verified = terms.full.then(|| {
        let full = |seen: &&&Seen| past.mark(seen.id).is_some_and(|mark| mark.full);
        still.iter().take(MOST).filter(full).filter(|seen| !is_broken(seen)).count() as u64
    });
    backup.punctual(terms, look, past, (newest, now));
    backup.kept(terms, look, past, (generations, now));
    backup.elsewhere(terms, (look, elsewhere), &still, now);
    backup
}

fn valid(verdict: Verdict) -> Option<bool> {
    match verdict {
        Verdict::Whole => Some(true),
        Verdict::Broken(..) => Some(false),
        Verdict::Unknown => None,
    }
}

impl Backup {
    /// By its schedule. While there is none, it counts from the last that was there, and of one that
    /// never was from the first look.
    fn punctual(
        &mut self,
        terms: &Terms,
        look: &Look,
        past: &Past,
        (newest, now): (Option<&Seen>, SystemTime),
    ) {
        let Some(schedule) = &terms.schedule else { return };
        let known = newest.is_some() || look.complete;
        let last = newest.map(|seen| seen.at).or(past.last).or(past.since).unwrap_or(now);
        let missed = schedule.missed(last, terms.within, now);
        let next = schedule.next(last);
        let ahead = next.and_then(|next| schedule.next(next)?.duration_since(next).ok());
        self.period = missed.map(|missed| missed.period).or(ahead);
        let overdue = missed.map_or(Duration::ZERO, |missed| since(missed.due + terms.within, now));
        self.overdue = known.then_some(overdue);
    }

    /// As many as there must be, as far as there can be so many by now.
    fn kept(
        &mut self,
        terms: &Terms,
        look: &Look,
        past: &Past,
        (generations, now): (u64, SystemTime),
    ) {
        let (Some(keep), true) = (terms.keep, look.complete) else { return };
        let since = past.since.unwrap_or(now);
        let by = now.checked_sub(terms.within).unwrap_or(now);
        // One that was there before it was watched, and each run since then.
        let earlier = past.earliest.filter(|earliest| *earliest < since);
        let could = terms.schedule.as_ref().map_or(keep, |schedule| {
            let runs = schedule.runs(earlier.unwrap_or(since), by, keep);
            runs.saturating_add(u32::from(earlier.is_some()))
        });
        self.generations_missing = Some(u64::from(keep.min(could)).saturating_sub(generations));
    }

    /// Copies, changes and trials.
    fn elsewhere(
        &mut self,
        terms: &Terms,
        (look, elsewhere): (&Look, Option<&Elsewhere>),
        still: &[&Seen],
        now: SystemTime,
    ) {
        if terms.copies > 0 && look.complete {
            // There was time to copy it.
            let old = |seen: &&&Seen| since(seen.at, now) >= terms.within;
            self.copies_missing = still.iter().find(old).map_or(Some(0), |seen| {
                let copied = (*elsewhere?.copies.get(&seen.id)?)?;
                Some(terms.copies.saturating_sub(copied) as u64)
            });
        }
        // What cannot be seen is not known.
        let Some(elsewhere) = elsewhere else { return };
        if let Some(slack) = terms.slack {
            let last = still.first().map(|seen| seen.at);
            self.behind = match (last, elsewhere.changed) {
                (Some(last), Some(changed)) => Some(since(last, changed).saturating_sub(slack)),
                // Nothing has changed, or there is no backup, which is told as such.
                _ => Some(Duration::ZERO),
            };
        }
        if let Some(every) = terms.restore {
            self.restore_age = elsewhere.restored.map(|at| since(at, now));
            self.restore_tested = Some(self.restore_age.is_some_and(|age| age <= every));
        }
    }
}
