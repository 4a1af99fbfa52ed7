//! Findings and blind spots for tests, of signals that there are.

use std::time::SystemTime;

use crate::catalogue::Signal;
use crate::check::report::{Blind, Finding, Report, Verdict};
use crate::collectors::CATALOGUE;
use crate::failure::{Failure, Reason};

fn signal(area: &str, name: &str) -> &'static Signal {
    CATALOGUE.area(area).and_then(|area| area.signal(name)).unwrap()
}

pub(in crate::check) fn finding(
    (area, name): (&'static str, &str),
    verdict: Verdict,
    value: f64,
    labels: &[(&'static str, &str)],
) -> Finding {
    let labels = labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect();
    let (signal, target) = (signal(area, name), "docker".to_owned());
    Finding { area, target, signal, labels, value: Some(value), threshold: Some(1.0), verdict }
}

pub(in crate::check) fn unbounded(project: &str, name: &str) -> Finding {
    let labels = [("name", name), ("project", project)];
    finding(("docker", "log_bounded"), Verdict::Advice, 0.0, &labels)
}

pub(in crate::check) fn blind(
    area: &'static str,
    target: &str,
    what: Option<&str>,
    verdict: Verdict,
    told: bool,
) -> Blind {
    Blind {
        area,
        target: target.to_owned(),
        place: "127.0.0.1:1".to_owned(),
        what: what.map(str::to_owned),
        failure: Failure::new(Reason::REFUSED, "connection refused"),
        since: SystemTime::UNIX_EPOCH,
        verdict,
        up: what.is_none().then(|| signal(area, "up")),
        told,
    }
}

pub(in crate::check) fn report(findings: Vec<Finding>, blind: Vec<Blind>) -> Report {
    Report { at: SystemTime::UNIX_EPOCH, findings, blind, idle: Vec::new() }
}
