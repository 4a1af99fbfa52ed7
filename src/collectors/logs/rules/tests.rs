use std::time::Duration;

use super::*;

mod chance;
mod counts;
mod mistakes;
mod pairs;

fn at(seconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1_714_557_600 + seconds)
}

/// Rules from JSON, which is YAML to the types.
fn written(json: &str) -> BTreeMap<String, written::Rule> {
    serde_json::from_str(json).expect("rules")
}

fn rules(json: &str) -> Rules {
    let (rules, mistakes) = Rules::compile(&written(json));
    assert_eq!(mistakes, []);
    rules
}

/// Rows of a source that is looked at since 0, with all of its time as silence.
fn rows(rules: &Rules, tallies: &Tallies, seconds: u64) -> rows::Rows {
    let silence = |since: SystemTime| at(seconds).duration_since(since).unwrap_or_default();
    rules.rows(tallies, at(0), at(seconds), &silence)
}

/// Lines that a rule matches, as their numbers.
fn hits(rule: &str, lines: &str) -> Vec<usize> {
    let rules = rules(&format!("{{\"r\": {rule}}}"));
    let mut found = Vec::new();
    let mut tallies = Tallies::default();
    for (number, line) in lines.split_inclusive('\n').enumerate() {
        let before = tallies.rules.get("r").map_or(0, |tally| tally.matches);
        rules.apply(line.as_bytes(), at(0), &mut tallies);
        if tallies.rules["r"].matches > before {
            found.push(number);
        }
    }
    let mut whole = Tallies::default();
    rules.apply(lines.as_bytes(), at(0), &mut whole);
    assert_eq!(whole.rules["r"].matches, found.len() as u64, "{rule}: a block is its lines");
    found
}
