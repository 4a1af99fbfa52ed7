use std::collections::BTreeSet;

use unicode_width::UnicodeWidthStr as _;

use super::{Look, table};
use crate::check::report::{Idle, Report, Verdict};
use crate::check::tests::samples::{blind, finding, report, unbounded};
use crate::collectors::{CATALOGUE, section_of};

const LOOK: Look = Look {
    width: 80,
    colour: false,
    all: false,
    explain: false,
    catalogue: &CATALOGUE,
    section_of,
};

fn some() -> Report {
    let disk = |path: &'static str, verdict, value| {
        let labels = [("mountpoint", path), ("device", "sda")];
        let mut disk = finding(("host", "disk"), verdict, value, &labels);
        disk.threshold = Some(0.8);
        disk.target = "host".to_owned();
        disk
    };
    let looping = [("service", "worker"), ("project", "shop")];
    let mut findings = vec![
        finding(("docker", "restart_loop"), Verdict::Critical, 1.0, &looping),
        disk("/", Verdict::Warning, 0.856),
        disk("/data", Verdict::Warning, 0.94),
        disk("/boot", Verdict::Ok, 0.000_001),
    ];
    findings
        .extend(["api", "db", "cron", "web", "mail", "jobs"].map(|name| unbounded("shop", name)));
    let mut trend = unbounded("shop", "cache");
    trend.verdict = Verdict::NeedsHistory;
    trend.value = None;
    findings.push(trend);
    report(findings, vec![blind("nats", "main", None, Verdict::Critical, false)])
}

#[test]
fn troubles_come_first_and_nothing_after_them_but_counts() {
    assert_eq!(
        table(&some(), LOOK),
        "\
CRITICAL  worker (shop) restarts again and again
          its log says why; the Engine tries again for ever, at most once a
          minute
          docker compose -p 'shop' logs --tail 50 worker || docker logs --tail 50 worker

CRITICAL  NATS main does not answer on its monitoring port: connection refused
          at: 127.0.0.1:1
          curl -s http://127.0.0.1:10188/debug/nats/main | head -12; docker ps -a; df -h

WARNING   2 file systems are nearly full: /data, /
          Used part of the file system: 94% at worst, should be at most 80%
          databases stop writing when it is full: unused images and old logs go
          first
          df -h /data /; docker system df

2 critical, 1 warning, 1 piece of advice (--all shows them), 1 ok
"
    );
}

#[test]
fn everything_is_shown_if_asked() {
    let text = table(&some(), Look { all: true, ..LOOK });
    for line in [
        "ADVICE    6 containers have no bound on their log: api, db, cron, web and 2 more",
        "          - The file system at /data (sda) is nearly full. Used part of the file",
        "          - Nothing bounds the log of container jobs (shop)",
        "2 critical, 1 warning, 1 piece of advice, 1 ok, 1 needs history",
    ] {
        assert!(text.lines().any(|there| there == line), "{line}\n{text}");
    }
    let row = text.lines().find(|line| line.contains("/boot")).unwrap();
    assert_eq!(
        row.split_whitespace().collect::<Vec<_>>().join(" "),
        "host disk: /boot <0.01% at most 80%"
    );
}

#[test]
fn no_word_is_broken_at_any_width() {
    let mut all = some();
    let long = "a-name-that-is-longer-than-any-screen-of-a-telephone-and-then-some";
    all.findings.push(unbounded("shop", long));
    let mut well = unbounded("проект", "имя-контейнера-日本語");
    well.verdict = Verdict::Ok;
    all.findings.push(well);
    let mut well = unbounded("shop", long);
    well.verdict = Verdict::Ok;
    all.findings.push(well);
    all.idle.push(Idle {
        area: "docker",
        target: "docker".to_owned(),
        signal: "memory",
        key: "shop/wroker".to_owned(),
    });
    // But for the heads of the columns.
    let words = |text: &str| -> BTreeSet<String> {
        let words = text.split_whitespace().map(|word| word.trim_end_matches([',', ':']));
        words.filter(|word| *word != word.to_uppercase()).map(str::to_owned).collect()
    };
    let wide = words(&table(&all, Look { width: 10_000, all: true, explain: true, ..LOOK }));
    assert!(wide.contains(long) && wide.contains("имя-контейнера-日本語"));
    for width in [1, 20, 40, 59, 60, 80, 132, 200, 5000] {
        let text = table(&all, Look { width, all: true, explain: true, ..LOOK });
        let missing: Vec<_> = wide.difference(&words(&text)).cloned().collect();
        assert!(missing.is_empty(), "{width}: {missing:?}");
    }
    // Commands and longer words aside, nothing is wider than the screen.
    all.findings.retain(|finding| !finding.labels.iter().any(|(_, value)| value == long));
    for width in [40, 80, 200] {
        for line in table(&all, Look { width, all: true, ..LOOK }).lines() {
            let command =
                ["docker ", "df ", "curl "].iter().any(|word| line.trim().starts_with(word));
            assert!(command || line.width() <= width, "{width}: {line}");
        }
    }
}

#[test]
fn colours_only_where_they_are_wanted() {
    let plain = table(&some(), LOOK);
    let coloured = table(&some(), Look { colour: true, ..LOOK });
    assert!(!plain.contains('\u{1b}'));
    assert!(
        coloured.contains("\u{1b}[1;31mCRITICAL\u{1b}[0m  worker (shop) restarts"),
        "{coloured}"
    );
    let mut stripped = coloured;
    for code in ["1;31", "1;33", "1;35", "1;36", "32", "0"] {
        stripped = stripped.replace(&format!("\u{1b}[{code}m"), "");
    }
    assert_eq!(stripped, plain);
}

#[test]
fn it_is_explained_if_asked() {
    let text = table(&some(), Look { explain: true, width: 10_000, ..LOOK });
    for part in [
        "It means:",
        "What helps:",
        "It should be at most 80%",
        "`host: { thresholds: { disk: 80% } }`, or `off` in place of the value; for this one alone `disk: { except: { /data: off } }`",
        "`docker: { thresholds: { restart_loop: off } }`; for this one alone `restart_loop: { except: { shop/worker: off } }`",
    ] {
        assert!(text.contains(part), "{part}\n{text}");
    }
}

#[test]
fn each_target_that_is_down_and_each_part_tells_its_reason() {
    let down = |target: &str, why: &str| {
        let mut down = blind("nats", target, None, Verdict::Warning, false);
        down.failure.detail = why.into();
        down
    };
    let mut endpoint =
        finding(("nats", "endpoint_up"), Verdict::Warning, 0.0, &[("endpoint", "jsz")]);
    endpoint.target = "c".to_owned();
    let part = blind("nats", "c", Some("consumers (/jsz)"), Verdict::Ok, true);
    let unseen = vec![down("a", "no route"), down("b", "timed out"), part];
    let all = report(vec![endpoint], unseen);
    let text = table(&all, Look { width: 1000, ..LOOK });
    for reason in
        ["no route", "timed out", "cannot see consumers (/jsz) because connection refused"]
    {
        assert!(text.contains(reason), "{reason}: {text}");
    }
}

#[test]
fn what_is_breached_never_looks_as_its_threshold() {
    let mut disk = finding(("host", "disk"), Verdict::Warning, 0.8004, &[("mountpoint", "/")]);
    disk.threshold = Some(0.8);
    assert!(disk.figure().unwrap().ends_with(": 80.04%, should be at most 80%"));
    disk.value = Some(0.8);
    disk.verdict = Verdict::Ok;
    assert!(disk.figure().unwrap().ends_with(": 80%, should be at most 80%"));
}

/// However much there is to count.
#[test]
fn the_counts_are_one_line() {
    let mut all = some();
    let part = "block I/O of containers";
    all.blind.push(blind("docker", "docker", Some(part), Verdict::Ok, false));
    all.findings.extend((0..1000).map(|_| {
        let mut well = unbounded("shop", "well");
        well.verdict = Verdict::Ok;
        well
    }));
    let text = table(&all, LOOK);
    let last = text.lines().last();
    let wanted = "2 critical, 1 warning, 1 not visible, 1 piece of advice (--all), 1001 ok";
    assert_eq!(last, Some(wanted));
    assert!(text.contains("\n\n2 critical"), "{text}");
}

#[test]
fn where_all_is_well_one_line_says_so() {
    let mut all = some();
    all.blind.clear();
    all.findings.retain(|finding| finding.verdict == Verdict::Ok);
    assert_eq!(table(&all, LOOK), "1 ok (--all shows them)\n");
}
