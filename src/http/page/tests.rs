//! Head and troubles from reports that are made up.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::head::Head;
use super::layout::{Frame, Tone, layout};
use super::troubles::{self, Past};
use crate::check::{Blind, Finding, Off, Report, Verdict, troubles as told};
use crate::collectors::{docker, nats};
use crate::engine::Board;
use crate::failure::{Failure, Reason};
use crate::overview::Overview;

/// What nobody who names a container should be able to do: a tag, an end of an attribute, a turn of
/// direction, a control of a terminal.
const HOSTILE: &str = "<b>\"'&\u{202e}drow\u{9b}2J\u{1b}\u{200f}";

fn finding(signal: &str, service: &str, verdict: Verdict) -> Finding {
    let labels = [("project", "shop"), ("service", service), ("name", service)];
    Finding {
        area: "docker",
        target: "docker".into(),
        signal: docker::AREA.signal(signal).unwrap(),
        labels: labels.map(|(name, value)| (name, value.to_owned())).to_vec(),
        value: Some(1.0),
        threshold: Some(0.0),
        verdict,
    }
}

fn down(target: &str, what: Option<&str>, verdict: Verdict) -> Blind {
    Blind {
        area: "nats",
        target: target.into(),
        place: "http://127.0.0.1:1".into(),
        what: what.map(Into::into),
        failure: Failure::new(Reason::REFUSED, "connection refused"),
        since: SystemTime::now(),
        verdict,
        up: nats::AREA.signals.iter().find(|signal| signal.is_up() && what.is_none()),
        told: false,
    }
}

fn report(findings: Vec<Finding>, blind: Vec<Blind>) -> Report {
    Report { at: SystemTime::now(), findings, blind, idle: Vec::new() }
}

fn off(signal: &'static str, advice: bool) -> Off {
    Off { area: "docker", target: "docker".into(), signal, key: None, advice }
}

/// Tone, sentence, tab and page of a head.
fn head(
    report: &Report,
    off: &[Off],
    change: impl FnOnce(&mut Head),
) -> (Tone, String, String, String) {
    let all = told(report);
    let mut head = Head {
        troubles: &all,
        machine: "db1",
        now: report.at,
        read: Some(report.at),
        watched: 3,
        unread: 0,
        off,
        silent: None,
        unsent: &[],
        waiting: 0,
    };
    change(&mut head);
    (head.tone(), head.sentence(), head.title(), head.render().into_string())
}

fn page(report: &Report) -> String {
    let board = Arc::new(Board::default());
    let overview = Overview::new(Arc::clone(&board));
    overview.note(&board.snapshot(), report);
    for finding in &report.findings {
        for minutes in [30, 20, 10, 0] {
            let at = report.at - Duration::from_mins(minutes);
            board.chart.note(finding.number(), at, f64::from(30 - u32::try_from(minutes).unwrap()));
        }
    }
    let now = report.at + Duration::from_secs(192);
    let past = Past { now, overview: &overview, chart: &board.chart };
    troubles::render(&told(report), &past).into_string()
}

#[test]
fn the_head_says_the_worst_and_the_tab_how_much() {
    let loops = finding("restart_loop", "worker", Verdict::Critical);
    let one = report(vec![finding("exited", "job", Verdict::Warning), loops], Vec::new());
    let (tone, sentence, title, page) = head(&one, &[], |_| ());
    assert_eq!(tone, Tone::Critical);
    assert_eq!(sentence, "worker (shop) restarts again and again, and 1 more trouble");
    assert_eq!(title, "1 critical, 1 warning · db1");
    assert!(page.contains("<span class=\"badge\">Critical</span> worker"), "{page}");
    assert!(page.contains("On <b>db1</b>"), "{page}");

    let blind = report(Vec::new(), vec![down("main", Some("/jsz"), Verdict::Ok)]);
    let (tone, sentence, title, _) = head(&blind, &[], |_| ());
    assert_eq!((tone, title.as_str()), (Tone::Unknown, "1 not visible · db1"));
    assert!(sentence.contains("nats main") && sentence.contains("/jsz"), "{sentence}");
}

#[test]
fn all_is_well_only_if_everything_is_watched_read_and_judged() {
    let well = report(Vec::new(), Vec::new());
    let (tone, sentence, title, page) = head(&well, &[], |_| ());
    assert_eq!((tone, sentence.as_str()), (Tone::Ok, "All is well"));
    assert_eq!(title, "all is well · db1");
    assert!(!page.contains("switched off") && !page.contains("Nobody"), "{page}");

    let (tone, sentence, title, _) = head(&well, &[], |head| head.unread = 1);
    assert_eq!((tone, sentence.as_str()), (Tone::Unknown, "Not everything has been read yet"));
    assert_eq!(title, "not read yet · db1");
    let (tone, sentence, title, _) = head(&well, &[], |head| head.watched = 0);
    assert_eq!((tone, sentence.as_str()), (Tone::Unknown, "Nothing is watched"));
    assert_eq!(title, "nothing is watched · db1");

    let (tone, sentence, title, _) = head(&well, &[], |head| head.waiting = 2);
    let said = "2 troubles from before the restart are not judged yet";
    assert_eq!((tone, sentence.as_str()), (Tone::Unknown, said));
    assert_eq!(title, "not judged yet · db1");

    let off = [off("cpu", false), off("log_bounded", true)];
    let (tone, sentence, _, page) = head(&well, &off, |_| ());
    assert_eq!((tone, sentence.as_str()), (Tone::Ok, "All is well, with 1 threshold switched off"));
    assert!(page.contains("</a>: cpu of docker."), "advice is not missed there: {page}");

    let advice = report(vec![finding("log_bounded", "web", Verdict::Advice)], Vec::new());
    let (tone, sentence, _, page) = head(&advice, &[], |_| ());
    assert_eq!((tone, sentence.as_str()), (Tone::Ok, "All is well"));
    assert!(page.contains(", 1 advice"), "{page}");
}

#[test]
fn that_nobody_scrapes_is_told() {
    let well = report(Vec::new(), Vec::new());
    let page = |silent| head(&well, &[], |head| head.silent = silent).3;
    assert!(!page(None).contains("Nobody has scraped"));
    let page = page(Some(well.at - Duration::from_mins(14)));
    assert!(page.contains("Nobody has scraped the metrics for 14m 0s."), "{page}");
}

#[test]
fn a_trouble_has_its_sentence_number_command_past_and_links() {
    let page =
        page(&report(vec![finding("restart_loop", "worker", Verdict::Critical)], Vec::new()));
    for part in [
        "<span class=\"verdict\">Critical</span> worker (shop) restarts again and again</h3>",
        "<span>Next:</span><code data-text>docker compose -p 'shop' logs --tail 50 worker ",
        "<button class=\"copy\" type=\"button\" aria-label=\"Copy: docker compose -p 'shop' logs --tail 50 worker",
        ">for 3m 12s</span>",
        "<a href=\"/service/shop/worker\">worker (shop)</a>",
        "<a href=\"/runbooks/DockerRestartLoop\">Runbook DockerRestartLoop</a>",
        "<a href=\"/runbooks/DockerRestartLoop#silence\">",
        "data-project=\"shop\"",
    ] {
        assert!(page.contains(part), "{part} in {page}");
    }
    let slow = Finding {
        value: Some(0.95),
        threshold: Some(0.9),
        ..finding("memory", "web", Verdict::Warning)
    };
    let page = self::page(&report(vec![slow], Vec::new()));
    assert!(page.contains("95%, should be at most 90%. <svg"), "number, threshold, past: {page}");
}

#[test]
fn things_of_one_trouble_are_listed_with_their_own_commands() {
    let three = ["api", "db", "web"].map(|name| finding("log_bounded", name, Verdict::Advice));
    let page = page(&report(three.into(), Vec::new()));
    assert!(page.contains("<summary>1 thing that can wait</summary>"), "{page}");
    assert!(page.contains("<summary>Each of the 3</summary>"), "{page}");
    assert_eq!(page.matches("<li>").count(), 3, "{page}");
    for name in ["api", "db", "web"] {
        assert!(page.contains(&format!("href=\"/service/shop/{name}\"")), "{name}: {page}");
    }
}

#[test]
fn what_cannot_be_seen_says_why_where_and_what_helps() {
    let page = page(&report(Vec::new(), vec![down("main", None, Verdict::Critical)]));
    for part in
        ["connection refused", "<code>http://127.0.0.1:1</code>", "/target/nats/main", "NatsDown"]
    {
        assert!(page.contains(part), "{part} in {page}");
    }
}

#[test]
fn names_from_outside_do_nothing_to_the_page() {
    let mut hostile = finding("restart_loop", HOSTILE, Verdict::Critical);
    hostile.labels.iter_mut().for_each(|(_, value)| HOSTILE.clone_into(value));
    let memory = Finding { value: Some(0.95), ..finding("memory", HOSTILE, Verdict::Warning) };
    let place = Blind { place: HOSTILE.into(), ..down(HOSTILE, Some(HOSTILE), Verdict::Ok) };
    let all = report(vec![hostile, memory], vec![place, down(HOSTILE, None, Verdict::Critical)]);
    let (.., title, head) = head(&all, &[], |head| head.machine = HOSTILE);
    let main = page(&all);
    let frame = Frame {
        title: &title,
        tone: Tone::Critical,
        machine: &crate::text::printable(HOSTILE),
        metrics: "/metrics",
        live: true,
        projects: Some(&[]),
    };
    let whole = layout(&frame, &maud::html! { (maud::PreEscaped(head)) (maud::PreEscaped(main)) });
    let whole = whole.into_string();
    assert!(!whole.contains("<b>&quot;") && !whole.contains("<b>\""), "{whole}");
    assert!(whole.contains("&lt;b&gt;&quot;'&amp;\\u202edrow\\u009b2J\\u001b\\u200f"), "{whole}");
    let unseen = |c: char| c != '\n' && crate::text::is_unseen(c);
    assert!(!whole.contains(unseen), "{whole}");
    for forbidden in ["style=", "onclick", "javascript:"] {
        assert!(!whole.contains(forbidden), "{forbidden}");
    }
}
