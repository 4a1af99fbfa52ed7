//! The report as text for people and as JSON for programs.

use std::fmt::Write as _;
use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::report::{Blind, Finding, Report, Verdict};
use crate::catalogue::Direction;
use crate::engine::title;
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

    pub fn shown_value(&self) -> String {
        self.value.map_or_else(|| "needs history".to_owned(), |v| self.signal.unit.show(v))
    }

    /// "at most 5s".
    pub fn shown_threshold(&self) -> String {
        let bound = match self.signal.direction {
            Direction::Above => "at most",
            Direction::Below => "at least",
        };
        self.threshold.map_or_else(String::new, |t| format!("{bound} {}", self.signal.unit.show(t)))
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
            (None, Some(up)) => up.next.to_owned(),
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
        if finding.verdict >= Verdict::Warning {
            let _ = writeln!(out, "          hint: {}", finding.signal.hint);
            let _ = writeln!(out, "          next: {}", finding.signal.next);
        }
    }
    let count = |verdict| report.count(verdict);
    let _ = writeln!(
        out,
        "{} critical, {} warning, {} not visible, {} ok, {} need history",
        count(Verdict::Critical),
        count(Verdict::Warning),
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
            "hint": finding.signal.hint,
            "next": finding.signal.next,
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
    json!({
        "at": epoch(report.at),
        "verdict": report.worst().as_str(),
        "exit_code": report.exit_code(),
        "findings": findings.collect::<Vec<_>>(),
        "not_visible": blind.collect::<Vec<_>>(),
    })
}

fn epoch(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
