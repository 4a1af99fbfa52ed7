//! What a person is told: findings that are one trouble as one, with one sentence.

use super::report::{Blind, Finding, Report, Verdict};

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
    pub blind: Vec<&'a Blind>,
    /// The commands that a person would run next, each once; a few of them where there are many things.
    pub next: Vec<String>,
}

/// All troubles and all advice, the worst first; each blind spot that a finding tells already is with
/// that finding.
pub fn troubles(report: &Report) -> Vec<Trouble<'_>> {
    let findings = report.findings.iter().filter(|finding| finding.verdict >= Verdict::Advice);
    let mut all: Vec<Trouble> = findings
        .map(|finding| Trouble {
            verdict: finding.verdict,
            alert: finding.signal.alert,
            sentence: finding.title(),
            findings: vec![finding],
            blind: Vec::new(),
            next: vec![finding.next()],
        })
        .collect();
    all.extend(report.blind.iter().filter(|blind| !blind.told).map(|blind| Trouble {
        verdict: blind.verdict,
        alert: blind.up.map_or("", |up| up.alert),
        sentence: blind.sentence(),
        findings: Vec::new(),
        blind: vec![blind],
        next: vec![blind.remedy()],
    }));
    all.sort_by_key(|trouble| std::cmp::Reverse(trouble.verdict));
    all
}
