//! Since when each trouble lasts, whether it is told, and what is to be told next: pure, with time given.
//!
//! What is due follows from how things are and what was told last, not from changes. So nothing is
//! lost while messages are held back, and what came and went meanwhile needs none.

use std::cmp::{Ordering, Reverse};
use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime};

use super::alert::{Alert, Labels, Seen};
use super::inhibit::{Inhibition, Muting};
use crate::catalogue::Severity;
use crate::overview::{Gone, Key, WARM};

/// After a start nothing is told for so long: the first readings are a beginning, not news.
const QUIET: Duration = Duration::from_mins(1);
/// What comes together is told together, and what mutes others has come by then.
const GATHER: Duration = Duration::from_secs(30);
/// Troubles that are followed; what is more waits for room.
pub(super) const MOST: usize = 1000;
/// One that was told and is silenced by another is forgotten after so long.
const SILENCED: Duration = Duration::from_hours(24);

/// A moment.
#[derive(Clone, Copy, Debug)]
pub(super) struct Now {
    pub at: SystemTime,
    /// Since the start, by a clock that nobody sets.
    pub clock: Duration,
}

/// What is wanted.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    pub least: Severity,
    /// Never at zero.
    pub repeat: Duration,
}

/// What a message says of a trouble.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Say {
    /// It is there, or worse than it was.
    Began(Severity),
    /// It is there still.
    Lasts(Severity),
    /// It is less bad than was told.
    Better(Severity),
    Over,
}

/// A trouble.
#[derive(Clone)]
pub(super) struct Tracked {
    pub labels: Labels,
    pub title: String,
    pub clear: String,
    pub page: String,
    pub seen: Option<Seen>,
    pub since: SystemTime,
    /// The highest severity that was told, and when.
    pub told: Option<(Severity, SystemTime)>,
    keep: Duration,
    /// Since when the threshold of a severity is breached.
    begun: BTreeMap<Severity, Duration>,
    /// When an alert of a severity was last true, its hold included.
    fires: BTreeMap<Severity, Duration>,
    /// What is to be told, and since when that is so.
    due: Option<(Say, Duration)>,
    /// Remembered from before the start, and not seen since.
    kept: bool,
    silenced: Option<Duration>,
}

impl Tracked {
    fn of(alert: &Alert, now: Now) -> Self {
        Self {
            labels: alert.labels.clone(),
            title: String::new(),
            clear: String::new(),
            page: alert.page.clone(),
            seen: None,
            since: alert.since.unwrap_or(now.at),
            told: None,
            keep: alert.keep,
            begun: BTreeMap::new(),
            fires: BTreeMap::new(),
            due: None,
            kept: false,
            silenced: None,
        }
    }

    /// One that was told before the start.
    pub fn restored(
        (labels, title, clear, page): (Labels, String, String, String),
        keep: Duration,
        since: SystemTime,
        told: (Severity, SystemTime),
    ) -> Self {
        Self {
            labels,
            title,
            clear,
            page,
            seen: None,
            since,
            told: Some(told),
            keep,
            begun: BTreeMap::new(),
            fires: BTreeMap::from([(told.0, Duration::ZERO)]),
            due: None,
            kept: true,
            silenced: None,
        }
    }

    pub const fn keep(&self) -> Duration {
        self.keep
    }

    /// When it was there last.
    pub fn ended(&self, now: Now) -> SystemTime {
        let last = self.fires.values().max().copied().unwrap_or(now.clock);
        now.at.checked_sub(now.clock.saturating_sub(last)).unwrap_or(now.at)
    }

    fn severity(&self) -> Option<Severity> {
        self.told.map(|(severity, _)| severity)
    }

    /// The highest severity of which an alert fires.
    fn level(&self, now: Now) -> Option<Severity> {
        let fires = |at: &Duration| now.clock.saturating_sub(*at) <= self.keep;
        self.fires.iter().rev().find(|(_, at)| fires(at)).map(|(severity, _)| *severity)
    }

    fn note(&mut self, alert: &Alert, now: Now) {
        let level = self.level(now).max(self.severity());
        self.labels.clone_from(&alert.labels);
        (self.title, self.clear) = (alert.title.clone(), alert.clear.clone());
        (self.page, self.seen) = (alert.page.clone(), alert.seen.clone());
        (self.kept, self.silenced) = (false, None);
        self.begun.retain(|severity, _| alert.breached.iter().any(|(other, _)| other == severity));
        for (severity, hold) in &alert.breached {
            let begun = *self.begun.entry(*severity).or_insert(now.clock);
            // What goes on needs no new hold.
            if level >= Some(*severity) || now.clock.saturating_sub(begun) >= *hold {
                self.fires.insert(*severity, now.clock);
            }
        }
    }

    /// Goes on as it was, since it cannot be judged.
    fn freeze(&mut self, now: Now) {
        self.begun.clear();
        let keep = self.keep;
        for at in self.fires.values_mut().filter(|at| now.clock.saturating_sub(**at) <= keep) {
            *at = now.clock;
        }
        // What was told and is not over yet is none that has ended meanwhile.
        if let Some(told) = self.severity() {
            self.fires.entry(told).and_modify(|at| *at = now.clock).or_insert(now.clock);
        }
    }

    /// It was not among the troubles of this look. Whether it is forgotten.
    fn miss(&mut self, gone: Gone, now: Now) -> bool {
        match gone {
            Gone::Over => {
                self.begun.clear();
                self.silenced = None;
                self.told.is_none() && self.level(now).is_none()
            }
            Gone::Unseen => {
                self.freeze(now);
                self.fires.is_empty()
            }
            Gone::Silenced => {
                self.begun.clear();
                let since = *self.silenced.get_or_insert(now.clock);
                self.told.is_none() || now.clock.saturating_sub(since) >= SILENCED
            }
            Gone::Forgotten => true,
        }
    }

    fn say(&self, now: Now, wanted: Wanted) -> Option<Say> {
        match (self.told, self.level(now)) {
            (None, Some(level)) => (level >= wanted.least).then_some(Say::Began(level)),
            (Some((told, at)), Some(level)) => {
                let age = now.at.duration_since(at).unwrap_or_default();
                let again = !wanted.repeat.is_zero() && age >= wanted.repeat;
                match level.cmp(&told) {
                    Ordering::Greater => (level >= wanted.least).then_some(Say::Began(level)),
                    Ordering::Less => Some(Say::Better(level)),
                    Ordering::Equal => {
                        (again && level == Severity::Critical).then_some(Say::Lasts(level))
                    }
                }
            }
            (Some(_), None) => self.silenced.is_none().then_some(Say::Over),
            (None, None) => None,
        }
    }

    /// The labels with the severity that counts for what mutes it.
    fn with_severity(&self, severity: Option<Severity>) -> Labels {
        let mut labels = self.labels.clone();
        let severity = severity.map_or("", Severity::as_str).to_owned();
        labels.insert("severity".to_owned(), severity);
        labels
    }
}

/// What one message tells: troubles of one alert with one thing to say of them.
pub(super) struct Due {
    pub say: Say,
    pub alert: String,
    pub keys: Vec<Key>,
}

/// All troubles.
#[derive(Default)]
pub(super) struct Tracker {
    all: BTreeMap<Key, Tracked>,
}

impl Tracker {
    pub fn is_empty(&self) -> bool {
        self.all.is_empty()
    }

    pub fn get(&self, key: &Key) -> Option<&Tracked> {
        self.all.get(key)
    }

    /// Those that were told, which are remembered over a restart.
    pub fn told(&self) -> impl Iterator<Item = (&Key, &Tracked)> {
        self.all.iter().filter(|(_, one)| one.told.is_some())
    }

    /// Those that fire, the worst first.
    pub fn firing(&self, now: Now) -> Vec<(Severity, &Tracked)> {
        let level = |one: &'_ Tracked| one.level(now);
        let mut all: Vec<_> =
            self.all.values().filter_map(|one| Some((level(one)?, one))).collect();
        all.sort_by_key(|(severity, one)| (Reverse(*severity), one.since));
        all
    }

    /// What was told before the start.
    pub fn restore(&mut self, all: impl Iterator<Item = (Key, Tracked)>) {
        self.all.extend(all.take(MOST));
    }

    /// Takes in a look. `gone` says what became of one that is not in it. How many found no room.
    pub fn look(&mut self, now: Now, alerts: &[Alert], gone: &dyn Fn(&Key, bool) -> Gone) -> usize {
        let mut seen = BTreeSet::new();
        let mut without = 0;
        for alert in alerts {
            if self.all.len() >= MOST && !self.all.contains_key(&alert.key) {
                without += 1;
                continue;
            }
            let new = || Tracked::of(alert, now);
            self.all.entry(alert.key.clone()).or_insert_with(new).note(alert, now);
            seen.insert(&alert.key);
        }
        let cold = now.clock < WARM;
        self.all.retain(|key, one| {
            let forgotten = !seen.contains(key) && one.miss(gone(key, one.kept && cold), now);
            !forgotten
        });
        without
    }

    /// What is to be told now, the worst first.
    pub fn due(&mut self, now: Now, wanted: Wanted, rules: &Inhibition) -> Vec<Due> {
        let firing: Vec<Labels> = self
            .all
            .values()
            .filter(|one| one.silenced.is_none())
            .filter_map(|one| Some(one.with_severity(Some(one.level(now)?))))
            .collect();
        let muting = rules.by(&firing);
        let mut groups: BTreeMap<(Say, String), (Vec<Key>, bool)> = BTreeMap::new();
        for (key, one) in &mut self.all {
            one.due = next(one, now, wanted, &muting);
            let Some((say, since)) = one.due else { continue };
            let alert = one.labels.get("alertname").cloned().unwrap_or_default();
            let group = groups.entry((say, alert)).or_default();
            group.0.push(key.clone());
            group.1 |= now.clock.saturating_sub(since) >= GATHER;
        }
        if now.clock < QUIET {
            return Vec::new();
        }
        let mut due: Vec<Due> = groups
            .into_iter()
            .filter(|(_, (_, ready))| *ready)
            .map(|((say, alert), (keys, _))| Due { say, alert, keys })
            .collect();
        due.sort_by_key(|due| Reverse(urgency(due.say)));
        due
    }

    /// These are told now.
    pub fn tell(&mut self, due: &Due, now: Now) {
        for key in &due.keys {
            let Some(one) = self.all.get_mut(key) else { continue };
            one.due = None;
            match due.say {
                Say::Began(severity) | Say::Lasts(severity) | Say::Better(severity) => {
                    one.told = Some((severity, now.at));
                }
                Say::Over => one.told = None,
            }
        }
        self.all.retain(|_, one| {
            one.told.is_some() || !one.begun.is_empty() || one.level(now).is_some()
        });
    }
}

/// What is due of one, and since when; nothing while another trouble mutes it.
fn next(one: &Tracked, now: Now, wanted: Wanted, muting: &Muting) -> Option<(Say, Duration)> {
    let say = one.say(now, wanted)?;
    if muting.mutes(&one.with_severity(one.level(now).or(one.severity()))) {
        return None;
    }
    let since = one.due.filter(|(before, _)| *before == say).map_or(now.clock, |(_, at)| at);
    Some((say, since))
}

/// Where there is no room for all, what is critical goes first.
const fn urgency(say: Say) -> u8 {
    match say {
        Say::Began(Severity::Critical) => 4,
        Say::Began(_) => 3,
        Say::Over => 2,
        Say::Better(_) => 1,
        Say::Lasts(_) => 0,
    }
}
