//! The report for programs.

use std::time::{SystemTime, UNIX_EPOCH};

use serde_json::{Value, json};

use super::group::Trouble;
use super::report::{Finding, Report, Verdict};

/// The documented shape of `/api/v1/status` and of `check --format json`; `told` are the troubles of
/// the report.
pub fn json(report: &Report, told: &[Trouble]) -> Value {
    let findings = report.findings.iter().map(|finding| {
        json!({
            "area": finding.area,
            "target": finding.target,
            "signal": finding.signal.name,
            "alert": finding.signal.alert,
            "labels": labels(finding),
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
            "verdict": word(blind.verdict),
        })
    });
    let idle = report.idle.iter().map(|idle| {
        json!({ "area": idle.area, "target": idle.target, "signal": idle.signal, "key": idle.key })
    });
    json!({
        "at": epoch(report.at),
        "verdict": report.worst().as_str(),
        "exit_code": report.exit_code(),
        "troubles": told.iter().map(trouble).collect::<Vec<_>>(),
        "findings": findings.collect::<Vec<_>>(),
        "not_visible": blind.collect::<Vec<_>>(),
        "idle_thresholds": idle.collect::<Vec<_>>(),
    })
}

/// What a person is told: the same of several things at once.
fn trouble(trouble: &Trouble) -> Value {
    let findings = trouble.findings.iter().map(|finding| {
        json!({
            "area": finding.area,
            "target": finding.target,
            "signal": finding.signal.name,
            "labels": labels(finding),
            "what": null,
            "title": finding.title(),
        })
    });
    let blind = trouble.blind.iter().map(|blind| {
        json!({
            "area": blind.area,
            "target": blind.target,
            "signal": null,
            "labels": {},
            "what": blind.what,
            "title": blind.sentence(),
        })
    });
    json!({
        "verdict": word(trouble.verdict),
        "alert": trouble.alert,
        "sentence": trouble.sentence,
        "next": trouble.next,
        "members": findings.chain(blind).collect::<Vec<_>>(),
    })
}

fn labels(finding: &Finding) -> Value {
    let labels = finding.labels.iter();
    let labels = labels.map(|(name, value)| ((*name).to_owned(), Value::from(value.as_str())));
    labels.collect::<serde_json::Map<_, _>>().into()
}

fn word(verdict: Verdict) -> &'static str {
    if verdict == Verdict::Ok { "unknown" } else { verdict.as_str() }
}

/// Seconds since 1970.
pub fn epoch(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64()
}
