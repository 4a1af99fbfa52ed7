//! What a person is told: findings that are one trouble as one, with one sentence.

use std::cmp::{Ordering, Reverse};
use std::collections::BTreeMap;

use super::judge::tells;
use super::report::{Blind, Finding, Report, Verdict};
use crate::catalogue::{Direction, Signal};
use crate::engine::title;
use crate::text::printable;

/// So many things a sentence names; what is critical is named up to [`MOST`].
const NAMES: usize = 4;
/// So many commands stand for all where none covers them; of what is critical up to [`MOST`].
const COMMANDS: usize = 2;
/// So many names and commands at most, whatever happens.
const MOST: usize = 10;
/// So many values of a label stand in a command about all things.
const VALUES: usize = 100;

/// One trouble: of one thing, or the same of several, or something that cannot be seen.
pub struct Trouble<'a> {
    pub verdict: Verdict,
    /// The alert that tells it, which is also its runbook; empty for a part that cannot be seen, of
    /// which none does.
    pub alert: &'static str,
    /// "worker (shop) restarts again and again", or "6 containers have no bound on their log: api, db,
    /// ..."; starts as it is, without a full stop.
    pub sentence: String,
    /// The things that it is about, the worst first; none where it cannot be seen.
    pub findings: Vec<&'a Finding>,
    /// What cannot be seen, and what a finding tells already.
    pub blind: Vec<&'a Blind>,
    /// The commands that a person would run next, each once; a few of them where there are many things.
    pub next: Vec<String>,
}

impl<'a> Trouble<'a> {
    fn empty(verdict: Verdict, alert: &'static str) -> Self {
        let (sentence, findings, blind, next) = Default::default();
        Self { verdict, alert, sentence, findings, blind, next }
    }

    /// The command of each thing, each once.
    pub fn commands(&self) -> Vec<String> {
        let mut all: Vec<String> = self.findings.iter().map(|finding| finding.next()).collect();
        if self.findings.is_empty() {
            all.extend(self.blind.iter().map(|blind| blind.remedy()));
        }
        let mut seen = Vec::new();
        all.retain(|command| {
            !seen.contains(command) && {
                seen.push(command.clone());
                true
            }
        });
        all
    }

    /// What it is about, each with the values of its labels.
    fn things(&self) -> Vec<Thing<'a>> {
        if self.findings.is_empty() {
            return self.blind.iter().map(|blind| Thing::Blind(blind)).collect();
        }
        self.findings.iter().map(|finding| Thing::Finding(finding)).collect()
    }

    fn signal(&self) -> Option<&'static Signal> {
        let blind = || self.blind.iter().find_map(|blind| blind.up);
        self.findings.first().map(|finding| finding.signal).or_else(blind)
    }

    /// Says it, once all of it is together.
    fn told(mut self, report: &Report) -> Self {
        self.findings.sort_by(|one, other| worse(one, other));
        let things = self.things();
        let many = self.signal().and_then(|signal| signal.many);
        let names = many.map_or_else(Vec::new, |many| names(many.thing, &things, report));
        self.sentence = match many {
            Some(many) if names.len() > 1 => {
                format!("{}: {}", many.told(names.len()), listed(&names, self.verdict))
            }
            _ => self.alone(),
        };
        self.next = self.commands();
        match many.and_then(|many| many.next) {
            Some(all) if self.next.len() > 1 && self.verdict != Verdict::Critical => {
                self.next = vec![all.fill_command_all(&|label| values(&things, label))];
            }
            _ => self.next.truncate(most(self.verdict, COMMANDS)),
        }
        self
    }

    /// The sentence about one thing, or of what cannot be seen.
    fn alone(&self) -> String {
        if let Some(finding) = self.findings.first() {
            return finding.title();
        }
        let Some(first) = self.blind.first() else { return String::new() };
        let detail = printable(&first.failure.detail);
        if let Some(up) = first.up.filter(|_| first.what.is_none() && first.verdict > Verdict::Ok) {
            let name = |label: &str| Thing::Blind(first).shown(label);
            return format!("{}: {detail}", up.title.fill(&name));
        }
        let target = title(first.area, &first.target);
        if first.what.is_none() {
            return format!("{} cannot be seen: {detail}", printable(&target));
        }
        let parts: Vec<String> = self.blind.iter().filter_map(|blind| blind.what.clone()).collect();
        let parts = listed(&parts, Verdict::Ok);
        format!("{}: cannot see {} because {detail}", printable(&target), printable(&parts))
    }
}

/// A thing with a trouble.
#[derive(Clone, Copy)]
enum Thing<'a> {
    Finding(&'a Finding),
    Blind(&'a Blind),
}

impl Thing<'_> {
    fn label(self, name: &str) -> String {
        match self {
            Self::Finding(finding) => finding.label(name),
            Self::Blind(blind) if name == "target" => blind.target.clone(),
            Self::Blind(_) => String::new(),
        }
    }

    fn shown(self, name: &str) -> String {
        printable(&self.label(name)).into_owned()
    }
}

/// All troubles and all advice, the worst first; each blind spot that a finding tells already is with
/// that finding, and the parts of a target that is down are with it.
pub fn troubles(report: &Report) -> Vec<Trouble<'_>> {
    let mut all: Vec<Trouble> = Vec::new();
    let mut places: BTreeMap<(Verdict, &str, String), usize> = BTreeMap::new();
    let mut at = |all: &mut Vec<_>, verdict, alert, apart: String| {
        *places.entry((verdict, alert, apart)).or_insert_with(|| {
            all.push(Trouble::empty(verdict, alert));
            all.len() - 1
        })
    };
    for finding in report.findings.iter().filter(|finding| finding.verdict >= Verdict::Advice) {
        let apart = finding.signal.many.map_or_else(|| finding.title(), |_| String::new());
        let place = at(&mut all, finding.verdict, finding.signal.alert, apart);
        if let Some(trouble) = all.get_mut(place) {
            trouble.findings.push(finding);
        }
    }
    let mut blind: Vec<&Blind> = report.blind.iter().collect();
    // The whole before its parts.
    blind.sort_by_key(|blind| blind.what.is_some());
    for blind in blind {
        let place = all.iter().position(|trouble| includes(trouble, blind)).unwrap_or_else(|| {
            let up = blind.up.filter(|_| blind.verdict > Verdict::Ok);
            let apart = match up {
                Some(up) if up.many.is_some() => String::new(),
                _ => format!("{}/{}/{}", blind.area, blind.target, blind.failure.detail),
            };
            at(&mut all, blind.verdict, up.map_or("", |up| up.alert), apart)
        });
        if let Some(trouble) = all.get_mut(place) {
            trouble.blind.push(blind);
        }
    }
    let mut all: Vec<Trouble> = all.into_iter().map(|trouble| trouble.told(report)).collect();
    all.sort_by_key(|trouble| Reverse(rank(trouble.verdict)));
    all
}

/// Whether a blind spot is told by this trouble: by one of its findings, or as a part of a target
/// that cannot be seen at all.
fn includes(trouble: &Trouble, blind: &Blind) -> bool {
    let told = blind.told && trouble.findings.iter().any(|finding| tells(finding, blind));
    let whole = |other: &Blind| {
        other.what.is_none() && other.area == blind.area && other.target == blind.target
    };
    told || (blind.what.is_some() && trouble.blind.iter().any(|other| whole(other)))
}

/// What cannot be seen may be anything: it comes after what is known to be wrong, and before advice.
const fn rank(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Critical => 3,
        Verdict::Warning => 2,
        Verdict::Ok | Verdict::NeedsHistory => 1,
        Verdict::Advice => 0,
    }
}

/// The farther beyond its threshold, the earlier.
fn worse(one: &Finding, other: &Finding) -> Ordering {
    // As a part of the threshold: each may have its own.
    let beyond = |finding: &Finding| {
        let (value, limit) = (finding.value?, finding.threshold?);
        Some((value - limit) / limit.abs().max(f64::MIN_POSITIVE))
    };
    let order = beyond(one).partial_cmp(&beyond(other)).unwrap_or(Ordering::Equal);
    let order = order.then(one.value.partial_cmp(&other.value).unwrap_or(Ordering::Equal));
    if one.signal.direction == Direction::Above { order.reverse() } else { order }
}

fn most(verdict: Verdict, usual: usize) -> usize {
    if verdict == Verdict::Critical { MOST } else { usual }
}

/// What the things are called, each once: short where nothing else that is judged in the same way
/// would be called so.
fn names(thing: crate::catalogue::Sentence, things: &[Thing], report: &Report) -> Vec<String> {
    let full = |one: Thing| thing.fill(&|label| one.shown(label));
    let short = |one: Thing| thing.fill_short(&|label| one.shown(label));
    let mut known: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let signals: Vec<&str> = things
        .iter()
        .filter_map(|one| match one {
            Thing::Finding(finding) => Some(finding.signal.alert),
            Thing::Blind(_) => None,
        })
        .collect();
    let judged = report.findings.iter().filter(|one| signals.first() == Some(&one.signal.alert));
    for one in judged.map(Thing::Finding).chain(things.iter().copied()) {
        let fulls = known.entry(short(one)).or_default();
        let name = full(one);
        if !fulls.contains(&name) {
            fulls.push(name);
        }
    }
    let mut all: Vec<String> = Vec::new();
    for one in things {
        let alone = known.get(&short(*one)).is_some_and(|fulls| fulls.len() == 1);
        let name = if alone { short(*one) } else { full(*one) };
        if !all.contains(&name) {
            all.push(name);
        }
    }
    all
}

/// "api, db, cron and 3 more".
fn listed(names: &[String], verdict: Verdict) -> String {
    let most = most(verdict, NAMES);
    // "and 1 more" would take the place of its name.
    let shown = if names.len() <= most + 1 { names.len() } else { most };
    let (shown, rest) = names.split_at(shown);
    match rest.len() {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// The values of a label, each once.
fn values(things: &[Thing], label: &str) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for value in things.iter().map(|one| one.label(label)) {
        if !all.contains(&value) && all.len() < VALUES {
            all.push(value);
        }
    }
    all
}

#[cfg(test)]
mod tests;
