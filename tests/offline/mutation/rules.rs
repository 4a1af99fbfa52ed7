//! Rules and their cases as pieces of text, so that a mutant differs from its rule in one place only.

use std::collections::BTreeMap;

use crate::support::{files, read, stem};

const RULES: &str = ".rules.yml";
const FIRST: &str = "      - alert: ";

/// All rules of one alert, and its cases.
pub struct Alert {
    pub area: String,
    pub name: String,
    /// The text of each rule: one a severity.
    pub rules: Vec<String>,
    /// A file of cases that asks for no other alert.
    pub cases: String,
}

pub fn all() -> Vec<Alert> {
    let mut alerts: Vec<Alert> = Vec::new();
    for file in files("alerts", RULES) {
        let area = stem(&file, RULES);
        let cases = read(&format!("alerts/tests/{area}.test.yml"));
        for rule in pieces(&spelled_out(&read(&file)), FIRST) {
            let name = rule[FIRST.len()..].lines().next().unwrap().trim().to_owned();
            match alerts.iter_mut().find(|alert| alert.area == area && alert.name == name) {
                Some(alert) => alert.rules.push(rule),
                None => alerts.push(Alert {
                    area: area.to_owned(),
                    name: name.clone(),
                    rules: vec![rule],
                    cases: cases_of(&cases, &name),
                }),
            }
        }
        for case in pieces(&cases, "  - ").into_iter().skip(1) {
            let asked = |alert: &Alert| alert.area == area && asks(&case, &alert.name);
            assert!(alerts.iter().any(asked), "a case of {area} asks for no alert:\n{case}");
        }
    }
    alerts
}

impl Alert {
    /// A file with these rules, one of them another.
    pub fn file(&self, changed: usize, mutant: &str) -> String {
        let mut text = "groups:\n  - name: mutants\n    rules:\n".to_owned();
        for (index, rule) in self.rules.iter().enumerate() {
            text += if index == changed { mutant } else { rule };
        }
        text
    }
}

/// Texts that rules share, `key: &name text` and `key: *name`, in each of them: a piece stands alone.
fn spelled_out(text: &str) -> String {
    let (mut shared, mut out) = (BTreeMap::new(), String::new());
    for line in text.lines() {
        let (key, value) = line.split_once(": ").unwrap_or((line, ""));
        let value = match (value.strip_prefix('&'), value.strip_prefix('*')) {
            (Some(named), _) => {
                let (name, value) = named.split_once(' ').unwrap();
                shared.insert(name.to_owned(), value.to_owned());
                Some(value)
            }
            (_, Some(name)) => Some(shared[name].as_str()),
            _ => None,
        };
        out += &value.map_or_else(|| line.to_owned(), |value| format!("{key}: {value}"));
        out.push('\n');
    }
    out
}

/// The pieces of a text that begin with a line like this one. Comments belong to what follows them,
/// and say nothing here.
fn pieces(text: &str, first: &str) -> Vec<String> {
    let mut found: Vec<String> = Vec::new();
    for line in text.lines().filter(|line| !line.trim_start().starts_with('#')) {
        if line.starts_with(first) {
            found.push(String::new());
        }
        if let Some(piece) = found.last_mut() {
            *piece += line;
            piece.push('\n');
        }
    }
    found
}

/// Whether a case asks for an alert.
fn asks(text: &str, alert: &str) -> bool {
    text.contains(&format!("alertname: {alert}\n"))
        || text.contains(&format!("alertname=\"{alert}\""))
}

/// The head of the file, and of each case what asks for this alert.
fn cases_of(text: &str, alert: &str) -> String {
    let interval = text.lines().find(|line| line.starts_with("evaluation_interval")).unwrap();
    let mut cases = format!("rule_files: [rules.yml]\n{interval}\ntests:\n");
    for case in pieces(text, "  - ").into_iter().filter(|case| asks(case, alert)) {
        let (series, questions) = case.split_at(case.find("_test:\n").unwrap());
        cases += series;
        // A question is an item of one of the two lists; what is no item is the head of a list.
        let mut question = String::new();
        for line in questions.split_inclusive('\n').chain(["      - "]) {
            let head = line.ends_with("_test:\n");
            if head || line.starts_with("      - ") {
                if !question.starts_with("      - ") || asks(&question, alert) {
                    cases += &question;
                }
                question.clear();
            }
            question += line;
        }
    }
    cases
}
