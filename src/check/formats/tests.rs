use super::{junit, markdown, prometheus};
use crate::check::report::{Finding, Report, Verdict};
use crate::check::tests::samples::{blind, finding, report, unbounded};

const NASTY: &str = "a\"<b>&'c\u{1b}[2J\n`d`\\ @all \u{ffff}";

fn down(service: &str) -> Finding {
    let labels = [("service", service), ("project", "shop"), ("state", "crashed")];
    finding(("docker", "service_down"), Verdict::Critical, 1.0, &labels)
}

fn all() -> Report {
    let mut trend = unbounded("shop", "trend");
    trend.verdict = Verdict::NeedsHistory;
    let mut well = unbounded("shop", "well");
    well.verdict = Verdict::Ok;
    let unseen = vec![
        blind("nats", "main", None, Verdict::Critical, false),
        blind("nats", "other", Some("clients (/connz)"), Verdict::Ok, false),
        blind("nats", "docker", Some("consumers (/jsz)"), Verdict::Ok, true),
    ];
    let endpoint = finding(("nats", "endpoint_up"), Verdict::Critical, 0.0, &[("endpoint", "jsz")]);
    report(vec![down(NASTY), down("db"), unbounded("shop", "api"), trend, well, endpoint], unseen)
}

#[test]
fn junit_is_xml_with_a_test_for_each_signal_and_thing() {
    let text = junit(&all());
    let document = roxmltree::Document::parse(&text).unwrap();
    let suite = document.root_element().first_element_child().unwrap();
    let count = |name: &str| suite.descendants().filter(|node| node.has_tag_name(name)).count();
    for (attribute, tag) in [
        ("tests", "testcase"),
        ("failures", "failure"),
        ("errors", "error"),
        ("skipped", "skipped"),
    ] {
        assert_eq!(suite.attribute(attribute), Some(count(tag).to_string().as_str()), "{tag}");
    }
    assert_eq!((count("testcase"), count("failure"), count("error")), (8, 3, 2));
    let failures: Vec<_> =
        suite.descendants().filter(|node| node.has_tag_name("failure")).collect();
    let nasty = failures[0].attribute("message").unwrap();
    assert!(nasty.contains("a\"<b>&'c\\u001b[2J\\n`d`\\ @all"), "{nasty}");
    let told = failures[1].text().unwrap();
    assert!(told.contains("docker compose -p shop logs --tail 50 db"), "{told}");
    assert!(told.lines().count() >= 3, "sentence, hint, command: {told}");
}

#[test]
fn markdown_stays_text() {
    let text = markdown(&all());
    assert!(text.contains("**Critical**: 2 services have no running container: "), "{text}");
    let prose: Vec<&str> = text.split("```").step_by(2).collect();
    assert!(prose.concat().contains("\\`d\\`") && !prose.concat().contains("@all"), "{text}");
    assert!(prose.concat().contains("see /debug/nats/other of the exporter"), "{text}");
    assert!(text.contains("&lt;b&gt;&amp;"), "{text}");
    assert!(text.contains("- Nothing bounds the log of container api (shop)"), "{text}");
    assert!(text.ends_with("3 critical, 0 warning, 1 not visible, 1 advice, 1 ok\n"), "{text}");
    let fences: Vec<&str> = text.lines().filter(|line| line.starts_with("```")).collect();
    assert_eq!(fences.len() % 2, 0, "{fences:?}");
}

#[test]
fn each_of_several_and_each_reason_is_told() {
    let mut endpoint =
        finding(("nats", "endpoint_up"), Verdict::Critical, 0.0, &[("endpoint", "jsz")]);
    endpoint.target = "main".to_owned();
    let part = blind("nats", "main", Some("consumers (/jsz)"), Verdict::Ok, true);
    let names: Vec<String> = (0..12).map(|at| format!("s{at}")).collect();
    let mut findings: Vec<Finding> = names.iter().map(|name| down(name)).collect();
    findings.push(endpoint);
    let all = report(findings, vec![part]);
    let text = markdown(&all);
    assert!(text.contains("\n- Service s9 (shop) has") && !text.contains("- Service s10"));
    assert!(text.contains("\nand 2 more\n"), "{text}");
    let reason = "cannot see consumers (/jsz) because connection refused";
    assert!(text.contains(reason) && junit(&all).contains(reason), "{text}");
}

#[test]
fn a_series_for_each_finding_and_never_two_alike() {
    let mut all = all();
    all.findings.push(down("db"));
    let text = prometheus(&all);
    let series: Vec<&str> =
        text.lines().filter(|line| line.starts_with("stack_check_verdict{")).collect();
    assert_eq!(series.len(), 8, "{text}");
    for (what, value) in [("db", 3), ("api", 1), ("trend", -2), ("well", 0), ("/connz", -1)] {
        let found = series.iter().find(|line| line.contains(what)).unwrap();
        assert!(found.ends_with(&format!("}} {value}")), "{found}");
    }
    let nasty = series.iter().find(|line| line.contains("<b>")).unwrap();
    assert!(nasty.contains("service=\"a\\\"<b>&'c\\\\u001b[2J\\\\n`d`\\\\ @all"), "{nasty}");
    assert!(text.contains("\nstack_check_exit_code 2\n"));
    assert!(promtool(&text).is_ok_and(|said| said.is_empty()), "{:?}", promtool(&text));
}

/// What promtool says of it; nothing where there is no promtool.
fn promtool(text: &str) -> Result<String, String> {
    use std::io::Write as _;
    use std::process::{Command, Stdio};
    let mut command = Command::new("promtool");
    command.args(["check", "metrics"]).stdin(Stdio::piped());
    let Ok(mut child) = command.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn() else {
        return Ok(String::new());
    };
    child.stdin.take().unwrap().write_all(text.as_bytes()).unwrap();
    let output = child.wait_with_output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr).into_owned();
    if output.status.success() { Ok(said) } else { Err(said) }
}
