//! Alert rules: accepted by promtool, tested, and of one form.

use serde_json::Value;

use crate::support::{at, entries, files, items, stem, succeed, texts, yaml};

const RULES: &str = ".rules.yml";
const TESTS: &str = ".test.yml";

/// One alerting rule and the area that its file is named after.
pub struct Rule {
    pub area: String,
    pub rule: Value,
}

impl Rule {
    pub fn alert(&self) -> &str {
        at(&self.rule, "/alert")
    }

    pub fn label(&self, name: &str) -> &str {
        at(&self.rule["labels"], &format!("/{name}"))
    }

    pub fn expression(&self) -> &str {
        at(&self.rule, "/expr")
    }

    fn annotation(&self, name: &str) -> &str {
        at(&self.rule["annotations"], &format!("/{name}"))
    }

    fn place(&self) -> String {
        format!("{} {} ({})", self.area, self.alert(), self.label("severity"))
    }
}

/// Every rule of every file.
pub fn all() -> Vec<Rule> {
    let mut rules = Vec::new();
    for file in files("alerts", RULES) {
        let area = stem(&file, RULES);
        for group in items(&yaml(&file)["groups"]) {
            let of_group = items(&group["rules"]).iter().cloned();
            rules.extend(of_group.map(|rule| Rule { area: area.to_owned(), rule }));
        }
    }
    rules
}

#[test]
fn promtool_accepts_every_rule() {
    let files = files("alerts", RULES);
    let files = files.iter().map(String::as_str);
    succeed("promtool", &["check", "rules"].into_iter().chain(files).collect::<Vec<_>>());
}

/// Courses over hours are in files of their own. The cases of an area run by alert: `mutation`.
#[test]
fn cases_of_several_areas_pass() {
    let rules = files("alerts", RULES);
    let alone = |file: &String| !rules.iter().any(|rule| stem(rule, RULES) == stem(file, TESTS));
    let several: Vec<_> = files("alerts/tests", TESTS).into_iter().filter(alone).collect();
    assert!(!several.is_empty());
    for file in several {
        succeed("promtool", &["test", "rules", &file]);
    }
}

/// Expected alerts of the tests of an area: name, time, and what is expected.
fn cases(area: &str) -> Vec<Value> {
    let tests = yaml(&format!("alerts/tests/{area}{TESTS}"));
    let tests = items(&tests["tests"]).iter();
    tests.flat_map(|test| items(&test["alert_rule_test"]).to_vec()).collect()
}

#[test]
fn every_alert_is_tested() {
    for rule in all() {
        let cases = cases(&rule.area);
        let of_rule = || cases.iter().filter(|case| at(case, "/alertname") == rule.alert());
        let expected = of_rule().flat_map(|case| items(&case["exp_alerts"]));
        let exact = expected.filter(|alert| {
            let annotations = &alert["exp_annotations"];
            at(&alert["exp_labels"], "/severity") == rule.label("severity")
                && ["summary", "description", "runbook_url"]
                    .iter()
                    .all(|name| !at(annotations, &format!("/{name}")).is_empty())
        });
        assert!(exact.count() > 0, "{}: no case in which it fires", rule.place());
        // Without a hold the series that stay quiet stand in the case that fires: promtool
        // compares whole lists.
        let quiet = of_rule().any(|case| items(&case["exp_alerts"]).is_empty());
        assert!(quiet || rule.rule.get("for").is_none(), "{}: no quiet case", rule.place());
    }
}

#[test]
fn every_test_has_its_rule() {
    let rules = all();
    for file in files("alerts/tests", TESTS) {
        let stem = stem(&file, TESTS);
        // Cases by hand name the rules that they are about.
        let of = texts(&yaml(&file)["rule_files"]).join(" ");
        for case in cases(stem) {
            let name = at(&case, "/alertname");
            let known = rules
                .iter()
                .any(|rule| of.contains(&format!("/{}{RULES}", rule.area)) && rule.alert() == name);
            assert!(known, "{file}: there is no rule {name}");
        }
    }
}

#[test]
fn labels_are_of_one_form() {
    for rule in all() {
        let place = rule.place();
        assert_eq!(rule.label("area"), rule.area, "{place}: area");
        let severities: &[&str] =
            if rule.alert() == "Watchdog" { &["none"] } else { &["info", "warning", "critical"] };
        assert!(severities.contains(&rule.label("severity")), "{place}: severity");
        // A value in a label makes a new alert of each change.
        for (name, value) in entries(&rule.rule["labels"]) {
            let text = value.as_str().unwrap_or_default();
            assert!(!text.is_empty() && !text.contains("{{"), "{place}: label {name}");
        }
        let name = rule.alert();
        let camel = name.starts_with(|c: char| c.is_ascii_uppercase())
            && name.chars().all(|c| c.is_ascii_alphanumeric());
        assert!(camel && name.len() <= 40, "{place}: name");
    }
}

#[test]
fn annotations_are_of_one_form() {
    for rule in all() {
        let place = rule.place();
        let (summary, description) = (rule.annotation("summary"), rule.annotation("description"));
        let begins = summary.starts_with(char::is_uppercase) || summary.starts_with("{{");
        assert!(begins && !summary.contains('\n'), "{place}: summary: {summary}");
        assert!(description.ends_with('.'), "{place}: description: {description}");
        let url = rule.annotation("runbook_url");
        let (base, alert) = url.rsplit_once('/').unwrap_or_default();
        assert_eq!(alert, rule.alert(), "{place}: runbook_url");
        let known = [
            "http",
            "{{ with printf `stack_exporter_info{",
            "{{ with query `stack_exporter_info` }}",
        ];
        let known = known.iter().any(|start| base.starts_with(start));
        assert!(known && base.ends_with("/runbooks"), "{place}: {base}");
        if rule.alert() != "Watchdog" {
            for name in ["next", "all_clear", "host"] {
                assert!(!rule.annotation(name).is_empty(), "{place}: no {name}");
            }
            assert!(!summary.ends_with('.'), "{place}: summary: {summary}");
        }
    }
}

/// All else is a series with a 0, so that what is gone and what never was are not the same.
#[test]
fn two_rules_speak_on_absence() {
    for rule in all() {
        let expr = at(&rule.rule, "/expr");
        let absence = ["absent(", "absent_over_time(", "vector("];
        let speaks = absence.iter().any(|word| expr.contains(word));
        let may = ["ExporterDown", "Watchdog"].contains(&rule.alert());
        assert_eq!(speaks, may, "{}: {expr}", rule.place());
    }
}
