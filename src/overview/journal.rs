//! Since when each trouble lasts, and what has changed of troubles from look to look.

use std::collections::{BTreeMap, BTreeSet};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};

use super::days::Thing;
use super::events::TOGETHER;
use super::{EventKind, epoch, service_of};
use crate::catalogue::Area;
use crate::check::{Finding, Report, Verdict};
use crate::engine::Snapshot;

/// Troubles that are remembered; of more nobody would read.
const MOST: usize = 1000;
/// After a start, what is judged by its change needs this long to be seen again.
pub const WARM: Duration = Duration::from_mins(2);

/// Area, target, and what of it.
pub type Key = (String, String, String);

/// What names a finding from look to look.
pub fn key(finding: &Finding) -> Key {
    (finding.area.to_owned(), finding.target.clone(), finding.subject())
}

#[derive(Clone, Debug, PartialEq)]
struct Trouble {
    verdict: Verdict,
    since: SystemTime,
    thing: Thing,
    /// What is said once it is over.
    clear: String,
    /// Remembered from before the start, and not seen since.
    kept: bool,
}

/// Something that began, changed or is over.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Change {
    pub thing: Thing,
    pub kind: EventKind,
    pub text: String,
    /// The signal, and the labels that tell the thing from others.
    pub subject: String,
    /// For the log: the value, and the verdict.
    pub figure: Option<String>,
    pub verdict: Verdict,
}

impl Change {
    pub fn signal(&self) -> &str {
        signal(&self.subject)
    }
}

/// The troubles of the moment.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Journal {
    troubles: BTreeMap<Key, Trouble>,
    /// Those that are over, each with since when it lasted and when it ended: it may come back.
    over: BTreeMap<Key, [SystemTime; 2]>,
    /// When the first look was.
    first: Option<SystemTime>,
}

impl Journal {
    /// Troubles from before the start of which it is not known yet whether they are over.
    pub fn waiting(&self) -> usize {
        self.troubles.values().filter(|trouble| trouble.kept).count()
    }

    /// Since when the finding has been a trouble, if it is one: also while it was the other verdict,
    /// and while it was over for a few minutes.
    pub fn since(&self, finding: &Finding) -> Option<SystemTime> {
        self.troubles.get(&key(finding)).map(|trouble| trouble.since)
    }

    /// Takes in a report; what has changed.
    pub fn note(&mut self, snapshot: &Snapshot, report: &Report) -> Vec<Change> {
        let first = *self.first.get_or_insert(report.at);
        let warm = report.at.duration_since(first).unwrap_or_default() >= WARM;
        self.over.retain(|_, [_, ended]| is_near(*ended, report.at));
        let mut changes = Vec::new();
        let mut present = BTreeMap::new();
        for finding in report.findings.iter().filter(|f| f.verdict >= Verdict::Warning) {
            if present.len() >= MOST {
                break;
            }
            let key = key(finding);
            let known = self.troubles.remove(&key);
            let trouble = match known {
                Some(known) if known.verdict == finding.verdict => known,
                before => {
                    changes.push(begun(finding, before.as_ref()));
                    let ended = self.over.remove(&key).map(|[since, _]| since);
                    let since = before.map(|before| before.since).or(ended);
                    Trouble {
                        verdict: finding.verdict,
                        since: since.unwrap_or(report.at),
                        thing: thing(finding),
                        clear: finding.clear(),
                        kept: false,
                    }
                }
            };
            present.insert(key, Trouble { kept: false, ..trouble });
        }
        let gone = std::mem::take(&mut self.troubles);
        let seen = Seeing::of(snapshot, report);
        for (key, trouble) in gone {
            match seen.verdict(&key, trouble.kept && !warm) {
                Gone::Over => {
                    changes.push(over(&key, &trouble));
                    if self.over.len() < MOST {
                        self.over.insert(key, [trouble.since, report.at]);
                    }
                }
                // Not visible is not cured: it waits until it can be judged again.
                Gone::Unseen if present.len() < MOST => {
                    present.insert(key, trouble);
                }
                Gone::Unseen | Gone::Silenced | Gone::Forgotten => {}
            }
        }
        self.troubles = present;
        changes
    }
}

fn begun(finding: &Finding, before: Option<&Trouble>) -> Change {
    let title = finding.title();
    let text = match before {
        Some(_) => format!("{title}: {} now", finding.verdict.as_str()),
        None => title,
    };
    Change {
        thing: thing(finding),
        kind: EventKind::Trouble,
        text,
        subject: finding.subject(),
        figure: finding.figure(),
        verdict: finding.verdict,
    }
}

fn over((_, _, subject): &Key, trouble: &Trouble) -> Change {
    Change {
        thing: trouble.thing.clone(),
        kind: EventKind::Clear,
        text: trouble.clear.clone(),
        subject: subject.clone(),
        figure: None,
        verdict: Verdict::Ok,
    }
}

/// What a finding is about: of Docker its service.
fn thing(finding: &Finding) -> Thing {
    let (area, target) = (finding.area.to_owned(), finding.target.clone());
    let (project, service) = service_of(finding).unwrap_or_default();
    Thing { area, target, project, service }
}

/// Whether what was then is one with what is now. What a clock that was set back has is not.
pub(super) fn is_near(then: SystemTime, now: SystemTime) -> bool {
    now.duration_since(then).is_ok_and(|gone| gone <= Duration::from_secs(TOGETHER))
}

/// The signal in a subject.
fn signal(subject: &str) -> &str {
    subject.split(' ').next().unwrap_or_default()
}

/// What became of a trouble that is not among the troubles any more.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Gone {
    Over,
    /// It cannot be judged now.
    Unseen,
    /// Another trouble says all that there is to say, or nothing is to be judged for now.
    Silenced,
    /// Its target is not watched any more.
    Forgotten,
}

/// What can be told of troubles that are not there.
pub struct Seeing<'a> {
    watched: BTreeSet<(&'a str, &'a str)>,
    blind: BTreeSet<(&'a str, &'a str)>,
    well: BTreeSet<Key>,
    /// Signals that need more readings.
    waiting: BTreeSet<(&'a str, &'a str, &'a str)>,
    areas: BTreeMap<&'a str, &'a Area>,
}

impl<'a> Seeing<'a> {
    pub fn of(snapshot: &'a Snapshot, report: &'a Report) -> Self {
        let targets = snapshot.entries.iter().filter_map(|entry| entry.target.as_ref());
        let well =
            |finding: &&Finding| finding.verdict < Verdict::Warning && finding.value.is_some();
        let waiting = |finding: &&Finding| finding.verdict == Verdict::NeedsHistory;
        let all = || report.findings.iter();
        Self {
            areas: targets.clone().map(|target| (target.id.area, target.area)).collect(),
            watched: targets.map(|target| (target.id.area, target.id.name.as_str())).collect(),
            blind: report.blind.iter().map(|one| (one.area, one.target.as_str())).collect(),
            well: all().filter(well).map(key).collect(),
            waiting: all()
                .filter(waiting)
                .map(|one| (one.area, one.target.as_str(), one.signal.name))
                .collect(),
        }
    }

    /// What became of one. While it is `cold`, soon after a start, what is judged by its change may be
    /// missing for lack of readings.
    pub fn verdict(&self, key: &Key, cold: bool) -> Gone {
        let (area, target) = (key.0.as_str(), key.1.as_str());
        if self.well.contains(key) {
            return Gone::Over;
        }
        if !self.watched.contains(&(area, target)) {
            return Gone::Forgotten;
        }
        let waits = self.waiting.contains(&(area, target, signal(&key.2)));
        if cold || waits || self.blind.contains(&(area, target)) {
            return Gone::Unseen;
        }
        let judged = self.areas.get(area).and_then(|area| area.signal(signal(&key.2)));
        // One that keeps quiet under a condition: then nothing is said, neither that it is over.
        let [and, _] = judged.map(|one| one.measure.and).unwrap_or_default();
        if and.is_some() || judged.is_some_and(|one| one.measure.unless.is_some()) {
            return Gone::Silenced;
        }
        // A state that is told while it lasts, or a thing that went: the alert is over too.
        Gone::Over
    }
}

/// A trouble as it is written down.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Written {
    subject: String,
    verdict: String,
    since: f64,
    thing: Thing,
    clear: String,
}

impl Journal {
    pub fn written(&self) -> Vec<Written> {
        let one = |(key, trouble): (&Key, &Trouble)| Written {
            subject: key.2.clone(),
            verdict: trouble.verdict.as_str().to_owned(),
            since: epoch(trouble.since),
            thing: trouble.thing.clone(),
            clear: trouble.clear.clone(),
        };
        self.troubles.iter().map(one).collect()
    }

    /// Takes what was written down before the start, if nothing was looked at yet.
    pub fn restore(&mut self, written: Vec<Written>) {
        if self.first.is_some() {
            return;
        }
        let one = |written: Written| {
            let verdict = [Verdict::Warning, Verdict::Critical]
                .into_iter()
                .find(|verdict| verdict.as_str() == written.verdict)?;
            let since = Duration::try_from_secs_f64(written.since).ok()?;
            let (area, target) = (written.thing.area.clone(), written.thing.target.clone());
            let since = UNIX_EPOCH.checked_add(since)?;
            let Written { thing, clear, subject, .. } = written;
            let trouble = Trouble { verdict, since, thing, clear, kept: true };
            Some(((area, target, subject), trouble))
        };
        self.troubles = written.into_iter().take(MOST).filter_map(one).collect();
    }
}
