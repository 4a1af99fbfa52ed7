//! What rules, panels and tests of rules ask for by value is what the program can write. A rule
//! that waits for a word that nobody writes is deaf, and its test, made with the same word, green.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;

use promql_parser::label::{MatchOp, Matcher};
use promql_parser::parser::{Expr, VectorSelector, parse};
use promql_parser::util::{ExprVisitor, walk_expr};
use serde_json::Value;
use stack_exporter::collectors::CATALOGUE;

use crate::support::{at, entries, files, items, read, root, stem, yaml};

/// Labels that no area has for itself, with values of the configuration and of Prometheus.
const OPEN: [&str; 3] = ["instance", "job", "target"];
/// Labels of single metrics that are open, or in parts: hashes beside two words.
const OPEN_OF: [(&str, &str); 4] = [
    // By area and target: where another is read through this one.
    ("stack_threshold", "source"),
    ("stack_log_error_group_events_total", "fingerprint"),
    ("stack_exporter_info", "hostname"),
    ("stack_exporter_info", "external_url"),
];
/// What generated tests write where the rule asks for nothing, and where it must not be taken.
const EXAMPLES: [&str; 3] = ["x", "another", "decoy"];
/// Labels that a user gives to targets, in tests of rules.
const OF_TARGETS: [&str; 1] = ["env"];

/// A condition on a label's value, and where it stands.
struct Asked {
    place: String,
    metric: String,
    label: String,
    values: Vec<String>,
}

#[derive(Default)]
struct Selectors(Vec<VectorSelector>);

impl ExprVisitor for Selectors {
    type Error = ();

    fn pre_visit(&mut self, expr: &Expr) -> Result<bool, ()> {
        match expr {
            Expr::VectorSelector(selector) => self.0.push(selector.clone()),
            Expr::MatrixSelector(matrix) => self.0.push(matrix.vs.clone()),
            _ => {}
        }
        Ok(true)
    }
}

/// The single words of a condition; an empty one asks for the label to be absent.
fn words(matcher: &Matcher) -> Vec<String> {
    let plain = |text: &&str| !text.is_empty() && !matches!(*text, ".+" | ".*");
    match matcher.op {
        MatchOp::Equal | MatchOp::NotEqual => vec![matcher.value.as_str()],
        MatchOp::Re(_) | MatchOp::NotRe(_) => matcher.value.split('|').collect(),
    }
    .into_iter()
    .filter(plain)
    .map(ToOwned::to_owned)
    .collect()
}

fn asked(place: &str, expr: &str) -> Vec<Asked> {
    let parsed = parse(expr).unwrap_or_else(|error| panic!("{place}: {error}: {expr}"));
    let mut selectors = Selectors::default();
    walk_expr(&mut selectors, &parsed).unwrap();
    let of = |selector: &VectorSelector| {
        let matchers = &selector.matchers.matchers;
        let named = matchers.iter().find(|matcher| matcher.name == "__name__");
        let metric = selector.name.clone().or(named.map(|matcher| matcher.value.clone()));
        let metric = metric.unwrap_or_default();
        let conditions = matchers.iter().filter(|matcher| matcher.name != "__name__");
        conditions
            .map(|matcher| Asked {
                place: format!("{place}: {metric}"),
                metric: metric.clone(),
                label: matcher.name.clone(),
                values: words(matcher),
            })
            .collect::<Vec<_>>()
    };
    selectors.0.iter().flat_map(of).collect()
}

/// The dashboards' variables, filled in: with times where a range stands, else with anything.
fn filled_in(expr: &str) -> String {
    let mut text = expr.replace("$__rate_interval", "20s").replace("$__interval", "5s");
    text = text.replace("$__range", "1m");
    let variable = regex::Regex::new(r"\$\{\w+(:\w+)?\}|\$\w+").unwrap();
    variable.replace_all(&text, ".+").into_owned()
}

fn of_rules() -> Vec<Asked> {
    let mut all = Vec::new();
    for file in files("alerts", ".rules.yml") {
        for group in items(&yaml(&file)["groups"]) {
            for rule in items(&group["rules"]) {
                let place = format!("{file}: {}", at(rule, "/alert"));
                all.extend(asked(&place, at(rule, "/expr")));
            }
        }
    }
    all
}

fn of_panels() -> Vec<Asked> {
    fn exprs(value: &Value, found: &mut Vec<String>) {
        if let Some(expr) = value["expr"].as_str() {
            found.push(filled_in(expr));
        }
        entries(value).for_each(|(_, inner)| exprs(inner, found));
        for inner in items(value) {
            exprs(inner, found);
        }
    }
    let mut all = Vec::new();
    for file in files("dashboards", ".json") {
        let mut found = Vec::new();
        exprs(&serde_json::from_str(&read(&file)).unwrap(), &mut found);
        assert!(!found.is_empty(), "{file}");
        all.extend(found.iter().flat_map(|expr| asked(&file, expr)));
    }
    all
}

fn of_tests() -> Vec<Asked> {
    let mut all = Vec::new();
    for file in files("alerts/tests", ".test.yml") {
        for test in items(&yaml(&file)["tests"]) {
            for input in items(&test["input_series"]) {
                let place = format!("{file}: {}", at(test, "/name"));
                all.extend(asked(&place, at(input, "/series")));
            }
        }
    }
    all
}

/// Labels that alerts have: of the rules, and what stands in their expressions.
fn of_alerts(label: &str) -> Option<BTreeSet<String>> {
    let mut values = BTreeSet::new();
    for file in files("alerts", ".rules.yml") {
        for group in items(&yaml(&file)["groups"]) {
            for rule in items(&group["rules"]) {
                let value = match label {
                    "alertname" => at(rule, "/alert"),
                    "severity" | "area" => at(&rule["labels"], &format!("/{label}")),
                    _ => return None,
                };
                values.insert(value.to_owned());
            }
        }
    }
    Some(values)
}

/// What may stand there, or nothing where anything may.
fn allowed(metric: &str, label: &str) -> Option<BTreeSet<String>> {
    if matches!(metric, "ALERTS" | "ALERTS_FOR_STATE") {
        let states = ["firing", "pending"].map(ToOwned::to_owned);
        return if label == "alertstate" { Some(states.into()) } else { of_alerts(label) };
    }
    match label {
        "area" => Some(CATALOGUE.areas().map(|area| area.name.to_owned()).collect()),
        "severity" => Some(["info", "warning", "critical"].map(ToOwned::to_owned).into()),
        "signal" if metric == "stack_threshold" => {
            Some(CATALOGUE.signals().map(|(_, signal)| signal.name.to_owned()).collect())
        }
        _ => CATALOGUE.words(metric, label),
    }
}

fn is_open(metric: &str, label: &str) -> bool {
    let mut items = CATALOGUE.signals().flat_map(|(_, signal)| signal.item);
    OPEN.contains(&label)
        || CATALOGUE.is_open(label)
        // A thing with a threshold of its own has the thing's labels.
        || metric == "stack_threshold" && items.any(|item| *item == label)
        || label.starts_with("container_label_")
        || OPEN_OF.contains(&(metric, label))
        || of_alerts(label).is_none() && metric == "ALERTS"
        // Labels of Prometheus and Alertmanager are theirs.
        || ["prometheus_", "alertmanager_"].iter().any(|start| metric.starts_with(start))
}

fn holds(all: &[Asked], tests: bool) {
    let mut wrong = BTreeSet::new();
    for one in all {
        let base =
            ["_bucket", "_sum", "_count"].iter().find_map(|end| one.metric.strip_suffix(end));
        let metric = if allowed(&one.metric, &one.label).is_none() { base } else { None };
        let metric = metric.unwrap_or(&one.metric);
        match allowed(metric, &one.label) {
            _ if tests && one.values.iter().all(|value| EXAMPLES.contains(&value.as_str())) => {}
            _ if tests && OF_TARGETS.contains(&one.label.as_str()) => {}
            Some(list) => {
                wrong.extend(one.values.iter().filter(|value| !list.contains(*value)).map(
                    |value| format!("{}: {}={value:?} is never written", one.place, one.label),
                ));
            }
            None if is_open(metric, &one.label) => {}
            None => {
                wrong.insert(format!(
                    "{}: {}={:?}: neither in the area's words.rs nor open",
                    one.place, one.label, one.values
                ));
            }
        }
    }
    assert!(wrong.is_empty(), "{} wrong\n{}", wrong.len(), Vec::from_iter(wrong).join("\n"));
}

#[test]
fn rules_wait_for_words_that_are_written() {
    let all = of_rules();
    assert!(all.len() > 200);
    holds(&all, false);
}

#[test]
fn panels_show_words_that_are_written() {
    let all = of_panels();
    assert!(all.len() > 200);
    holds(&all, false);
}

#[test]
fn tests_of_rules_play_words_that_are_written() {
    let all = of_tests();
    assert!(all.len() > 200);
    holds(&all, true);
}

/// The pair of area and signal is one that there is.
#[test]
fn thresholds_that_are_asked_for_exist() {
    for file in files("alerts", ".rules.yml") {
        for group in items(&yaml(&file)["groups"]) {
            for rule in items(&group["rules"]) {
                let mut of_one: BTreeMap<String, BTreeMap<String, Vec<String>>> = BTreeMap::new();
                for one in asked(&file, at(rule, "/expr")) {
                    if one.metric == "stack_threshold" {
                        of_one.entry(one.place).or_default().insert(one.label, one.values);
                    }
                }
                for conditions in of_one.values() {
                    let (Some(areas), Some(signals)) =
                        (conditions.get("area"), conditions.get("signal"))
                    else {
                        continue;
                    };
                    for signal in signals {
                        let there = areas.iter().any(|area| {
                            CATALOGUE.area(area).is_some_and(|area| area.signal(signal).is_some())
                        });
                        assert!(there, "{file}: {}: {areas:?} {signal}", at(rule, "/alert"));
                    }
                }
            }
        }
    }
}

/// Every recorded answer has only values of the lists.
#[test]
fn the_program_writes_what_is_listed() {
    let mut seen = BTreeSet::new();
    let mut wrong = BTreeSet::new();
    for folder in std::fs::read_dir(root().join("tests/fixtures")).unwrap() {
        let Ok(cases) = std::fs::read_dir(folder.unwrap().path()) else { continue };
        for case in cases {
            let file = case.unwrap().path().join("expected.prom");
            let Ok(text) = std::fs::read_to_string(&file) else { continue };
            for line in text.lines().filter(|line| !line.starts_with('#') && line.contains('{')) {
                let series = line.rsplit_once('}').unwrap().0.to_owned() + "}";
                for one in asked(stem(file.to_str().unwrap(), ".prom"), &series) {
                    let Some(list) = CATALOGUE.words(&one.metric, &one.label) else { continue };
                    // Rules of users have names of their own, and so have states of other engines.
                    if matches!(&*one.label, "rule" | "value") || one.values == ["stopped"] {
                        continue;
                    }
                    seen.insert((one.metric.clone(), one.label.clone()));
                    let unknown = one.values.iter().filter(|value| !list.contains(*value));
                    wrong.extend(unknown.map(|value| format!("{}: {value}", one.place)));
                }
            }
        }
    }
    assert!(seen.len() > 10, "{seen:?}");
    assert!(wrong.is_empty(), "{}", Vec::from_iter(wrong).join("\n"));
}

/// Every listed value stands in the code that writes it; the signals that ask for it do not count.
#[test]
fn what_is_listed_stands_in_the_code() {
    fn code(path: &Path, text: &mut String) {
        let name = path.file_name().unwrap().to_string_lossy();
        if path.is_dir() && !matches!(&*name, "signals" | "tests") {
            let mut inside: Vec<_> =
                std::fs::read_dir(path).unwrap().map(|entry| entry.unwrap().path()).collect();
            inside.sort();
            for path in &inside {
                code(path, text);
            }
        } else if name.ends_with(".rs")
            && !matches!(&*name, "signals.rs" | "tests.rs" | "words.rs" | "fake.rs")
        {
            let all = std::fs::read_to_string(path).unwrap();
            text.push_str(all.split("#[cfg(test)]\nmod tests {").next().unwrap());
        }
    }
    let mut texts = BTreeMap::new();
    for folder in ["clients", "collectors", "engine", "notify", "failure.rs"] {
        let mut text = String::new();
        code(&root().join("src").join(folder), &mut text);
        texts.insert(folder, text);
    }
    for words in CATALOGUE.areas().flat_map(|area| area.words) {
        for metric in words.metrics {
            let facts = CATALOGUE.metrics().find(|(_, facts)| facts.name == *metric);
            let (_, facts) = facts.unwrap_or_else(|| panic!("there is no metric {metric}"));
            assert!(facts.labels.contains(&words.label), "{metric} has no label {}", words.label);
        }
        if matches!(words.label, "rule" | "value") {
            continue;
        }
        for value in words.values(&CATALOGUE).unwrap_or_default() {
            let literal = format!("\"{value}\"");
            let there = texts.values().any(|text| text.contains(&literal));
            assert!(there, "{:?} {}: {value} is not written", words.metrics, words.label);
        }
    }
}
