//! What the rules would raise as alerts, from a report: with the same labels, holds and sentences.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use crate::catalogue::{Severity, Signal};
use crate::check::{Blind, Finding, Report, Trouble, Verdict, breached, troubles};
use crate::engine::{Entry, Snapshot};
use crate::overview::{Key, key, page_of, target_path};

pub(super) type Labels = BTreeMap<String, String>;

/// A finding, or a target that is down.
#[derive(Clone)]
pub(super) enum Seen {
    Finding(Box<Finding>),
    Blind(Box<Blind>),
}

/// What is wrong with one thing.
#[derive(Clone)]
pub(super) struct Alert {
    pub key: Key,
    /// Those of the alert, without its severity; `instance` stands for this exporter.
    pub labels: Labels,
    /// The severities whose threshold is breached, each with how long that must last.
    pub breached: Vec<(Severity, Duration)>,
    /// How long it goes on after its condition has gone, as `keep_firing_for` of the rules has it: what
    /// comes back meanwhile was not over.
    pub keep: Duration,
    /// What is wrong, and that it is over: sentences without a full stop.
    pub title: String,
    pub clear: String,
    /// The path of its page.
    pub page: String,
    /// Since when, where the reading knows.
    pub since: Option<SystemTime>,
    pub seen: Option<Seen>,
}

/// All that breaches the threshold of a warning.
pub(super) fn alerts(snapshot: &Snapshot, report: &Report) -> Vec<Alert> {
    let entries: BTreeMap<(&str, &str), &Entry> = snapshot
        .entries
        .iter()
        .filter_map(|entry| {
            let id = &entry.target.as_ref()?.id;
            Some(((id.area, id.name.as_str()), entry))
        })
        .collect();
    let findings = report.findings.iter().filter(|one| one.verdict >= Verdict::Warning);
    let findings = findings.filter_map(|one| {
        let entry = entries.get(&(one.area, one.target.as_str()))?;
        of_finding(entry, one)
    });
    let blind = report.blind.iter().filter(|one| one.verdict >= Verdict::Warning);
    let blind = blind.filter_map(|one| {
        let entry = entries.get(&(one.area, one.target.as_str()))?;
        of_blind(entry, one, one.up?)
    });
    findings.chain(blind).collect()
}

fn of_finding(entry: &Entry, finding: &Finding) -> Option<Alert> {
    let signal = finding.signal;
    let severities = breached(entry, signal, &finding.labels, finding.value?);
    Some(Alert {
        key: key(finding),
        labels: labels(entry, signal, &finding.labels)?,
        breached: held(signal, severities),
        keep: signal.kept(),
        title: finding.title(),
        clear: finding.clear(),
        page: page_of(finding),
        since: None,
        seen: Some(Seen::Finding(Box::new(finding.clone()))),
    })
}

fn of_blind(entry: &Entry, blind: &Blind, up: &'static Signal) -> Option<Alert> {
    let target = |label: &str| {
        if label == "target" { blind.target.clone() } else { String::new() }
    };
    Some(Alert {
        // As the finding of a target that is up is called.
        key: (blind.area.to_owned(), blind.target.clone(), up.name.to_owned()),
        labels: labels(entry, up, &[])?,
        breached: held(up, breached(entry, up, &[], 0.0)),
        keep: up.kept(),
        title: up.title.fill(&target),
        clear: up.clear.fill(&target),
        page: target_path(blind.area, &blind.target),
        since: Some(blind.since),
        seen: Some(Seen::Blind(Box::new(blind.clone()))),
    })
}

fn held(signal: &Signal, severities: Vec<Severity>) -> Vec<(Severity, Duration)> {
    let told = severities.into_iter().filter(|severity| *severity > Severity::Info);
    told.map(|severity| (severity, signal.hold_of(severity))).collect()
}

/// As the rule gives them; in which service a target lives is told where it is there or not.
fn labels(entry: &Entry, signal: &Signal, own: &[(&'static str, String)]) -> Option<Labels> {
    let target = entry.target.as_ref()?;
    let mut labels: Labels =
        own.iter().map(|(name, value)| ((*name).to_owned(), value.clone())).collect();
    let service = entry.service.as_ref().filter(|_| target.area.in_service);
    let lives = target.lives(service, signal.is_up());
    labels.extend(lives.map(|(name, value)| (name.to_owned(), value.to_owned())));
    let fixed = [
        ("alertname", signal.alert),
        ("signal", signal.name),
        ("area", target.id.area),
        ("target", target.id.name.as_str()),
        ("instance", "here"),
    ];
    labels.extend(fixed.map(|(name, value)| (name.to_owned(), value.to_owned())));
    Some(labels)
}

/// What is told together: those of one alert with one severity, in the sentences of `check`.
pub(super) struct Told {
    pub sentence: String,
    pub why: Vec<String>,
    pub next: Vec<String>,
}

/// The sentences about several things that one alert is about.
pub(super) fn told(seen: Vec<Seen>, severity: Severity, now: SystemTime) -> Vec<Told> {
    let verdict = Verdict::from(severity);
    let mut report = Report { at: now, findings: Vec::new(), blind: Vec::new(), idle: Vec::new() };
    for one in seen {
        match one {
            Seen::Finding(finding) => report.findings.push(Finding { verdict, ..*finding }),
            Seen::Blind(blind) => report.blind.push(Blind { verdict, ..*blind }),
        }
    }
    let one = |trouble: Trouble| Told {
        why: why(&trouble),
        sentence: trouble.sentence,
        next: trouble.next,
    };
    troubles(&report).into_iter().map(one).collect()
}

/// The value against its threshold, and what it means.
fn why(trouble: &Trouble) -> Vec<String> {
    const MOST: usize = 5;
    let mut lines: Vec<String> = Vec::new();
    let several = trouble.findings.len() > 1;
    for finding in trouble.findings.iter().take(MOST) {
        let title = several.then(|| finding.title());
        lines.extend(match (title, finding.figure()) {
            (Some(title), Some(figure)) => Some(format!("{title}. {figure}")),
            (None, figure) => figure,
            (title, None) => title,
        });
    }
    if trouble.findings.len() > MOST {
        lines.push(format!("and {} more", trouble.findings.len() - MOST));
    }
    let finding = trouble.findings.first().map(|finding| finding.signal);
    let signal = finding.or_else(|| trouble.blind.iter().find_map(|blind| blind.up));
    lines.extend(signal.map(|signal| crate::check::capitalised(signal.hint)));
    lines
}
