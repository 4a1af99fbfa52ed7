use super::super::report::{Report, Verdict};
use super::{Trouble, troubles};
use crate::check::tests::samples::{blind, finding, report, unbounded};

fn sentences(report: &Report) -> Vec<String> {
    let all = troubles(report);
    for verdict in [Verdict::Advice, Verdict::Warning, Verdict::Critical] {
        let there = all.iter().filter(|trouble| trouble.verdict == verdict).count();
        assert_eq!(report.count(verdict), there);
    }
    let unseen = all.iter().filter(|trouble| trouble.verdict == Verdict::Ok).count();
    assert_eq!(report.not_visible(), unseen);
    all.into_iter().map(|trouble| trouble.sentence).collect()
}

#[test]
fn the_same_of_several_things_is_one_trouble_and_one_command() {
    let names = ["api", "db", "cron", "web", "mail", "cache", "queue"];
    let all = report(names.map(|name| unbounded("shop", name)).into(), Vec::new());
    let told = troubles(&all);
    let [Trouble { sentence, next, findings, .. }] = told.as_slice() else { panic!() };
    assert_eq!(sentence, "7 containers have no bound on their log: api, db, cron, web and 3 more");
    assert_eq!(
        next.as_slice(),
        [
            "docker inspect --format '{{.Name}} {{json .HostConfig.LogConfig}}' api db cron web mail cache queue; \
             docker info --format '{{.LoggingDriver}}'"
        ]
    );
    assert_eq!(findings.len(), 7);
    assert_eq!(told[0].commands().len(), 7);
    let all = report(names[..5].iter().map(|name| unbounded("shop", name)).collect(), Vec::new());
    assert!(sentences(&all)[0].ends_with(": api, db, cron, web, mail"), "no `and 1 more`");
    let all = report((0..40).map(|at| unbounded("shop", &format!("c{at}"))).collect(), Vec::new());
    assert!(troubles(&all)[0].next[0].contains(" c38 c39;"), "each is in the command");
}

#[test]
fn of_one_thing_it_is_the_sentence_of_the_alert() {
    let all = report(vec![unbounded("shop", "api")], Vec::new());
    assert_eq!(sentences(&all), ["Nothing bounds the log of container api (shop)"]);
    // Two findings on one thing are no two things.
    let twice = || {
        let labels = [("name", "api"), ("project", "shop"), ("port", "80")];
        finding(("docker", "port_exposed"), Verdict::Warning, 1.0, &labels)
    };
    let all = report(vec![twice(), twice()], Vec::new());
    let told = "Port 80 of container api (shop) can be reached from anywhere";
    assert_eq!(sentences(&all), [told]);
}

#[test]
fn a_name_is_short_where_it_is_clear() {
    let mut well = unbounded("blog", "api");
    well.verdict = Verdict::Ok;
    let all = report(vec![unbounded("shop", "api"), unbounded("shop", "db"), well], Vec::new());
    assert_eq!(
        sentences(&all),
        ["2 containers have no bound on their log: api (shop), db"],
        "there is another api"
    );
    let evil = report(vec![unbounded("", "a\u{1b}[2J;rm"), unbounded("", "b")], Vec::new());
    assert_eq!(sentences(&evil), ["2 containers have no bound on their log: a\\u001b[2J;rm, b"]);
    assert!(troubles(&evil)[0].next[0].contains("a??2J?rm b"));
}

#[test]
fn each_critical_thing_keeps_its_command_and_the_worst_is_first() {
    let down = |service: &'static str, value| {
        let labels = [("service", service), ("project", "shop"), ("state", "crashed")];
        finding(("docker", "service_down"), Verdict::Critical, value, &labels)
    };
    let names = ["a", "b", "c", "d", "e", "f"];
    let all = report(names.map(|name| down(name, 1.0)).into(), Vec::new());
    let told = troubles(&all);
    assert_eq!(told[0].sentence, "6 services have no running container: a, b, c, d, e, f");
    assert_eq!(told[0].next.len(), 6);
    let full = |path: &'static str, value| {
        let labels = [("mountpoint", path), ("device", "sda")];
        finding(("host", "disk"), Verdict::Warning, value, &labels)
    };
    let all = report(vec![full("/", 0.86), full("/data", 0.94)], Vec::new());
    let told = troubles(&all);
    assert_eq!(told[0].sentence, "2 file systems are nearly full: /data, /");
    assert_eq!(told[0].next, ["df -h /data /; docker system df"]);
    // By its own threshold.
    let mut strict = full("/strict", 0.5);
    strict.threshold = Some(0.2);
    let all = report(vec![full("/", 1.1), strict], Vec::new());
    assert_eq!(sentences(&all), ["2 file systems are nearly full: /strict, /"]);
    // Of few without a command for all, the first two.
    let down = |name: &'static str| {
        let labels = [("service", name), ("project", "shop")];
        finding(("docker", "restarts"), Verdict::Warning, 1.0, &labels)
    };
    let all = report(["a", "b", "c"].map(down).into(), Vec::new());
    let told = troubles(&all);
    assert_eq!((told[0].next.len(), told[0].commands().len()), (2, 3));
}

#[test]
fn one_alert_with_two_verdicts_is_two_troubles_the_worse_first() {
    let full = |path: &'static str, verdict, value| {
        let labels = [("mountpoint", path), ("device", "sda")];
        finding(("host", "disk"), verdict, value, &labels)
    };
    let all = report(
        vec![
            unbounded("", "x"),
            full("/", Verdict::Warning, 0.86),
            full("/d", Verdict::Critical, 0.99),
        ],
        vec![blind("host", "host", Some("the disks' names"), Verdict::Ok, false)],
    );
    assert_eq!(
        sentences(&all),
        [
            "The file system at /d (sda) is nearly full",
            "The file system at / (sda) is nearly full",
            "host: cannot see the disks' names because connection refused",
            "Nothing bounds the log of container x"
        ]
    );
}

#[test]
fn what_is_down_and_its_parts_are_one_and_what_a_finding_tells_is_no_second() {
    let down = |target: &str| blind("nats", target, None, Verdict::Critical, false);
    let all = report(
        Vec::new(),
        vec![
            blind("nats", "a", Some("consumers (/jsz)"), Verdict::Ok, false),
            down("a"),
            blind("nats", "b", Some("clients (/connz)"), Verdict::Ok, false),
            blind("nats", "b", Some("consumers (/jsz)"), Verdict::Ok, false),
        ],
    );
    assert_eq!(
        sentences(&all),
        [
            "NATS a does not answer on its monitoring port: connection refused",
            "nats b: cannot see clients (/connz), consumers (/jsz) because connection refused"
        ]
    );
    let all = report(Vec::new(), vec![down("a"), down("b")]);
    assert_eq!(sentences(&all), ["2 NATS servers do not answer on their monitoring port: a, b"]);
    assert_eq!(troubles(&all)[0].next.len(), 2, "each critical one's own");

    let mut endpoint = finding(
        ("nats", "endpoint_up"),
        Verdict::Critical,
        0.0,
        &[("endpoint", "jsz"), ("server_id", "x")],
    );
    endpoint.target = "a".to_owned();
    let told = blind("nats", "a", Some("consumers (/jsz)"), Verdict::Ok, true);
    let all = report(vec![endpoint], vec![told]);
    assert_eq!(sentences(&all).len(), 1);
    assert_eq!(troubles(&all)[0].blind.len(), 1);
}

#[test]
fn a_target_that_nobody_judges_is_told_by_its_name() {
    let all = report(Vec::new(), vec![blind("nats", "a", None, Verdict::Ok, false)]);
    assert_eq!(sentences(&all), ["nats a cannot be seen: connection refused"]);
}
