//! The report as text for people and as JSON for programs.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::report::{Blind, Finding, Report, Verdict};
use crate::catalogue::Direction;
use crate::engine::{Number, title};
use crate::text::printable;

/// Labels that tell a person nothing: what stands beside it anyway, and identities for machines. A
/// container is known by its name.
const UNTOLD: [&str; 13] = [
    "area",
    "id",
    "image",
    "container_label_com_docker_compose_project",
    "container_label_com_docker_compose_service",
    "cpu",
    "server",
    "server_id",
    "server_name",
    "cluster",
    "domain",
    "account",
    "datid",
];

impl Finding {
    /// "longest_query datname=tasktracker": the signal and the labels that tell values apart.
    pub fn subject(&self) -> String {
        let fixed = |label: &str| {
            let select = self.signal.measure.select.iter();
            select.clone().any(|matcher| matcher.label == label && matcher.values.len() == 1)
        };
        let shown = self.labels.iter().filter(|(name, _)| !UNTOLD.contains(name) && !fixed(name));
        let labels = shown.map(|(name, value)| format!(" {name}={}", printable(value)));
        std::iter::once(self.signal.name.to_owned()).chain(labels).collect()
    }

    /// The value of a label of the thing, or of its target; empty if it has none.
    pub(super) fn label(&self, name: &str) -> String {
        if name == "target" {
            return self.target.clone();
        }
        let found = self.labels.iter().find(|(label, _)| *label == name);
        found.map_or_else(String::new, |(_, value)| value.clone())
    }

    /// The same, fit to be shown.
    fn shown(&self, name: &str) -> String {
        printable(&self.label(name)).into_owned()
    }

    /// Under which its value is kept for people.
    pub fn number(&self) -> Number {
        let labels = self.labels.iter();
        Number {
            area: self.area.to_owned(),
            target: self.target.clone(),
            signal: self.signal.name.to_owned(),
            labels: labels.map(|(name, value)| ((*name).to_owned(), value.clone())).collect(),
        }
    }

    /// What is wrong: the summary of the alert.
    pub fn title(&self) -> String {
        self.signal.title.fill(&|name| self.shown(name))
    }

    /// That it is over, as the alert says it.
    pub fn clear(&self) -> String {
        self.signal.clear.fill(&|name| self.shown(name))
    }

    /// The next command that a person would run.
    pub fn next(&self) -> String {
        self.signal.next.fill_command(&|name| self.label(name))
    }

    /// "Used part of the file system: 93%, should be at most 90%"; `None` for a yes or no.
    pub fn figure(&self) -> Option<String> {
        let bound = self.shown_threshold();
        (!self.signal.is_fact())
            .then(|| format!("{}: {}, should be {bound}", self.signal.what, self.shown_value()))
    }

    pub fn shown_value(&self) -> String {
        let Some(value) = self.value else { return "needs history".to_owned() };
        if self.signal.is_fact() {
            return if value == 0.0 { "no" } else { "yes" }.to_owned();
        }
        self.signal.unit.show(value)
    }

    /// "at most 5s"; of a yes or no, the one that is right.
    pub fn shown_threshold(&self) -> String {
        let Some(threshold) = self.threshold else { return String::new() };
        match (self.signal.is_fact(), self.signal.direction) {
            (true, Direction::Above) => "no".to_owned(),
            (true, Direction::Below) => "yes".to_owned(),
            (false, _) => {
                format!("{} {}", self.signal.bound(), self.signal.unit.show(threshold))
            }
        }
    }
}

impl Blind {
    /// "cannot see X because Y".
    pub fn sentence(&self) -> String {
        let what = self.what.as_deref().unwrap_or("it");
        format!("cannot see {what} because {}", self.failure.detail)
    }

    /// What to do about it: the reason's own hint, else the signal's next command.
    pub fn remedy(&self) -> String {
        match (&self.failure.hint, self.up) {
            (Some(hint), _) => hint.clone(),
            (None, Some(up)) => up.next.fill_command(&|name| match name {
                "target" => self.target.clone(),
                _ => String::new(),
            }),
            (None, None) => format!("see /debug/{}/{} of the exporter", self.area, self.target),
        }
    }
}

/// A table: what is wrong first, with a hint and the next command under each failure.
pub fn table(report: &Report) -> String {
    let mut out = String::new();
    for blind in &report.blind {
        let verdict = if blind.verdict == Verdict::Ok { "unknown" } else { blind.verdict.as_str() };
        let title = title(blind.area, &blind.target);
        let sentence = blind.sentence();
        let (title, sentence) = (printable(&title), printable(&sentence));
        let _ = writeln!(out, "{:<9} {title}  {sentence}", verdict.to_uppercase());
        let _ = writeln!(out, "          at: {}", printable(&blind.place));
        let _ = writeln!(out, "          do: {}", printable(&blind.remedy()));
    }
    let width = |text: &dyn Fn(&Finding) -> String, most: usize| {
        report.findings.iter().map(|f| text(f).chars().count()).max().unwrap_or(0).min(most)
    };
    let places = width(&|finding| title(finding.area, &finding.target), 32);
    let subjects = width(&Finding::subject, 60);
    let values = width(&Finding::shown_value, 16);
    for finding in &report.findings {
        let verdict = match finding.verdict {
            Verdict::Ok => "ok".to_owned(),
            Verdict::NeedsHistory => "-".to_owned(),
            bad => bad.as_str().to_uppercase(),
        };
        let line = format!(
            "{verdict:<9} {:<places$}  {:<subjects$}  {:>values$}  {}",
            title(finding.area, &finding.target),
            finding.subject(),
            finding.shown_value(),
            finding.shown_threshold(),
        );
        let _ = writeln!(out, "{}", line.trim_end());
        if finding.verdict >= Verdict::Advice {
            let _ = writeln!(out, "          {}", finding.title());
            let _ = writeln!(out, "          hint: {}", finding.signal.hint);
            let _ = writeln!(out, "          next: {}", finding.next());
        }
    }
    for idle in &report.idle {
        let (title, sentence) = (title(idle.area, &idle.target), idle.sentence());
        let _ = writeln!(out, "{:<9} {}  {}", "-", printable(&title), printable(&sentence));
    }
    let count = |verdict| report.count(verdict);
    let _ = writeln!(
        out,
        "{} critical, {} warning, {} advice, {} not visible, {} ok, {} need history",
        count(Verdict::Critical),
        count(Verdict::Warning),
        count(Verdict::Advice),
        report.not_visible(),
        count(Verdict::Ok),
        count(Verdict::NeedsHistory),
    );
    out
}

/// A sentence of its own.
pub fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or_else(String::new, |first| first.to_uppercase().chain(chars).collect())
}

/// The documented shape of `/api/v1/status` and of `check --format json`.
pub fn json(report: &Report) -> Value {
    let findings = report.findings.iter().map(|finding| {
        let labels: serde_json::Map<_, _> = finding
            .labels
            .iter()
            .map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())))
            .collect();
        json!({
            "area": finding.area,
            "target": finding.target,
            "signal": finding.signal.name,
            "alert": finding.signal.alert,
            "labels": labels,
            "value": finding.value,
            "threshold": finding.threshold,
            "direction": finding.signal.direction.operator(),
            "verdict": finding.verdict.as_str(),
            "title": finding.title(),
            "hint": finding.signal.hint,
            "next": finding.next(),
        })
    });
    let blind = report.blind.iter().map(|blind| {
        json!({
            "area": blind.area,
            "target": blind.target,
            "place": blind.place,
            "what": blind.what,
            "reason": blind.failure.reason.as_str(),
            "detail": blind.failure.detail,
            "remedy": blind.remedy(),
            "since": epoch(blind.since),
            "verdict": if blind.verdict == Verdict::Ok { "unknown" } else { blind.verdict.as_str() },
        })
    });
    let idle = report.idle.iter().map(|idle| {
        json!({ "area": idle.area, "target": idle.target, "signal": idle.signal, "key": idle.key })
    });
    json!({
        "at": epoch(report.at),
        "verdict": report.worst().as_str(),
        "exit_code": report.exit_code(),
        "findings": findings.collect::<Vec<_>>(),
        "not_visible": blind.collect::<Vec<_>>(),
        "idle_thresholds": idle.collect::<Vec<_>>(),
    })
}

fn epoch(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
