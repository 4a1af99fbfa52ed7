//! The pages of services and targets, from a stack that is made up, with names that are none.

use std::sync::Arc;
use std::time::SystemTime;

use super::super::stack::tests::{example, snapshot};
use super::super::{service, target};
use super::*;
use crate::check::Verdict;
use crate::collectors::docker;
use crate::engine::Board;
use crate::failure::{Failure, Reason};
use crate::http::{Door, Hosts, Lock};
use crate::overview::Mood;

fn server() -> Server {
    let hosts = Arc::new(Hosts::new(Vec::new()));
    let names = (hosts, Arc::new(Door::default()), Arc::new(Lock::open()));
    Server::new(Arc::new(Board::default()), "/metrics", 2, names, Arc::new(|| Ok(())))
}

fn finding(labels: &[(&'static str, &str)]) -> Finding {
    Finding {
        area: "docker",
        target: "docker".into(),
        signal: docker::AREA.signal("memory").unwrap(),
        labels: labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
        value: Some(0.95),
        threshold: Some(0.9),
        verdict: Verdict::Warning,
    }
}

/// Of the example, and with this name for a service and its project.
fn present<'a>(server: &'a Server, name: &str) -> Present<'a> {
    let mut stack = example();
    let worker = &mut stack.projects[2].services[8];
    (worker.project, worker.service) = (name.into(), name.into());
    worker.state = name.into();
    worker.containers = vec![name.into(), "two".into()];
    let labels = |container| [("name", container), ("project", name), ("service", name)];
    let findings = vec![finding(&labels(name)), finding(&labels("two")), finding(&labels("other"))];
    let mut snapshot = snapshot(name);
    let docker = Snapshot::looked(
        snapshot.at,
        vec![(&docker::AREA, "docker", None, Ok(crate::catalogue::Batch::new()))],
    );
    snapshot.entries.extend(docker.entries);
    let at = snapshot.at;
    for finding in &findings {
        server.board.chart.note(finding.number(), at, 0.95);
    }
    let report = Report { at, findings, blind: Vec::new(), idle: Vec::new() };
    let view = View { at: stack.at, clock: Clock::utc() };
    Present { server, snapshot, report, stack, view }
}

#[test]
fn a_service_has_its_numbers_its_thresholds_and_its_errors() {
    let server = server();
    let now = present(&server, "worker");
    let shown = service::show(&now, "worker", "worker").unwrap();
    assert_eq!(
        (shown.title.as_str(), shown.tone),
        ("worker (worker)", Tone::Critical),
        "it is down, whatever is judged of it"
    );
    let html = shown.main.into_string();
    for text in [
        "<h1>worker (worker) <span class=\"state down\">worker</span></h1>",
        "Last 24 hours: down since 11:45, up else",
        "Used part of its memory limit <span class=\"dim\">two</span>",
        "Last hour: 95%",
        "<a href=\"/target/logs/shop%2Fworker\">",
        "How it is read",
    ] {
        assert!(html.contains(text), "{text}\n{html}");
    }
    assert!(service::show(&now, "worker", "none").is_none());
}

#[test]
fn a_page_of_what_cannot_be_seen_is_not_green() {
    let server = server();
    let look = |outcome| {
        Snapshot::looked(SystemTime::now(), vec![(&docker::AREA, "docker", None, outcome)])
    };
    let tones = |snapshot: Snapshot, mood| {
        let mut now = present(&server, "worker");
        (now.snapshot, now.report.findings) = (snapshot, Vec::new());
        now.report.blind = judge(&now.snapshot).blind;
        now.stack.projects[2].services[8].mood = mood;
        let service = service::show(&now, "worker", "worker").unwrap();
        let docker = target::show(&now, "docker", "docker").unwrap();
        (service.tone, service.main.into_string().contains("permission denied"), docker.tone)
    };
    let fails = |reason| Err(Failure::new(reason, "permission denied"));
    let (service, says_why, docker) = tones(look(fails(Reason::RIGHTS)), Mood::Unknown);
    assert_eq!((service, says_why, docker), (Tone::Unknown, true, Tone::Critical));
    let (service, _, docker) = tones(look(fails(Reason::PENDING)), Mood::Unknown);
    assert_eq!((service, docker), (Tone::Unknown, Tone::Unknown), "before the first reading");
    let well = || look(Ok(crate::catalogue::Batch::new()));
    assert_eq!(tones(well(), Mood::Up), (Tone::Ok, false, Tone::Ok));
    assert_eq!(tones(well(), Mood::Down).0, Tone::Critical, "its signal may be off");
}

#[test]
fn a_log_has_its_errors() {
    let server = server();
    let now = present(&server, "worker");
    let shown = target::show(&now, "logs", "shop/worker").unwrap();
    let html = shown.main.into_string();
    for text in ["shop/worker <span class=\"dim\">Logs</span>", "timeout after &lt;n&gt; s"] {
        assert!(html.contains(text), "{text}\n{html}");
    }
    assert!(!html.contains("<th scope=\"col\">exception</th>"), "nobody has one: {html}");
    assert!(target::show(&now, "logs", "none").is_none());
}

#[test]
fn names_from_outside_break_no_page_of_theirs() {
    for evil in ["<script>x</script>", "\" onload=\"x", "\u{202e}gpj\u{1b}[2J", "../.."] {
        let server = server();
        let now = present(&server, evil);
        let service = service::show(&now, evil, evil).unwrap();
        let log = target::show(&now, "logs", "shop/worker").unwrap();
        assert!(!service.title.contains(['\u{202e}', '\u{1b}']), "{evil:?}");
        for html in [service.main.into_string(), log.main.into_string()] {
            assert!(!html.contains("<script") && !html.contains("onload=\"x\""), "{evil:?}");
            assert!(!html.contains(['\u{202e}', '\u{1b}']), "{evil:?}: {html}");
            assert!(!html.contains(" style="), "{evil:?}");
        }
    }
}
