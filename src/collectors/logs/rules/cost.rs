//! What each rule costs, measured on lines.

use std::collections::BTreeMap;
use std::time::{Duration, Instant, SystemTime};

use super::matcher::line;
use super::written;
use super::{Rules, Tallies};

/// Lines of the documented formats, for those who have no sample.
pub const SAMPLE: &str = include_str!("sample.log");
/// A block, as a file is read.
const BLOCK: usize = 1 << 18;
/// How long one measurement takes, at least.
const ENOUGH: Duration = Duration::from_millis(10);
/// Lines that are shown of each rule.
const SHOWN: usize = 3;
/// A rule that takes the speed down to a part as small as this is worth a warning.
const SLOW: f64 = 4.0;

/// What one rule costs.
#[derive(Debug)]
pub struct Cost {
    pub rule: String,
    /// How it is looked for, in words.
    pub way: String,
    /// Bytes a second of this rule alone, and of all others without it.
    pub alone: f64,
    pub without: f64,
    /// Lines of the sample that it matches, and the first of them with their numbers.
    pub hits: u64,
    pub lines: Vec<(usize, String)>,
    /// Whether it makes the whole several times slower, or would be much faster with a text.
    pub warning: Option<String>,
}

/// The costs of all rules on a sample of whole lines, and the bytes a second of all together.
pub fn costs(written: &BTreeMap<String, written::Rule>, sample: &[u8]) -> (Vec<Cost>, f64) {
    let many = sample.repeat(BLOCK.div_ceil(sample.len().max(1)));
    let (lines, sample) = (sample, many.as_slice());
    let all = speed(&Rules::compile(written).0, sample);
    let costs = written.keys().map(|name| {
        let mut others = written.clone();
        let mut one = BTreeMap::new();
        if let Some(mut rule) = others.remove(name) {
            // A pair needs its end, which is paid for by itself.
            rule.pair = None;
            one.insert(name.clone(), rule);
        }
        for rule in others.values_mut() {
            rule.pair = None;
        }
        let (rules, _) = Rules::compile(&one);
        let (alone, without) = (speed(&rules, sample), speed(&Rules::compile(&others).0, sample));
        let (hits, lines) = hits(&rules, lines);
        let way = rules.way();
        let warning = warning(&rules, all, without);
        Cost { rule: name.clone(), way, alone, without, hits, lines, warning }
    });
    (costs.collect(), all)
}

fn warning(rules: &Rules, all: f64, without: f64) -> Option<String> {
    let slower = without / all.max(1.0);
    let bare = rules.all.first().is_some_and(|rule| rule.matcher.literals().is_empty());
    if bare && slower >= 1.5 {
        return Some(format!(
            "no fixed text of three letters or more that each line must hold: all rules together are {slower:.1} times slower for it"
        ));
    }
    (slower >= SLOW).then(|| format!("all rules together are {slower:.1} times slower for it"))
}

/// Bytes a second, the best of three.
fn speed(rules: &Rules, sample: &[u8]) -> f64 {
    if sample.is_empty() {
        return 0.0;
    }
    let once = || {
        let (mut tallies, now) = (Tallies::default(), SystemTime::UNIX_EPOCH);
        let (begun, mut bytes) = (Instant::now(), 0);
        while begun.elapsed() < ENOUGH {
            for block in blocks(sample) {
                rules.apply(block, now, &mut tallies);
            }
            bytes += sample.len();
        }
        bytes as f64 / begun.elapsed().as_secs_f64()
    };
    (0..3).map(|_| once()).fold(0.0, f64::max)
}

/// Blocks of whole lines, as a file is read.
fn blocks(sample: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut rest = sample;
    std::iter::from_fn(move || {
        let window = rest.get(..BLOCK).unwrap_or(rest);
        let cut = memchr::memrchr(b'\n', window).map_or(rest.len(), |newline| newline + 1);
        let (block, after) = rest.split_at_checked(cut).filter(|(block, _)| !block.is_empty())?;
        rest = after;
        Some(block)
    })
}

fn hits(rules: &Rules, sample: &[u8]) -> (u64, Vec<(usize, String)>) {
    let (mut tallies, now) = (Tallies::default(), SystemTime::UNIX_EPOCH);
    let (mut hits, mut lines) = (0, Vec::new());
    for (number, whole) in sample.split_inclusive(|byte| *byte == b'\n').enumerate() {
        rules.apply(whole, now, &mut tallies);
        let matches = tallies.rules.values().map(|tally| tally.matches).sum();
        if matches > hits && lines.len() < SHOWN {
            let text = whole.strip_suffix(b"\n").unwrap_or(whole);
            lines.push((number + 1, shown(line(text, 0, text.len()))));
        }
        hits = matches;
    }
    (hits, lines)
}

/// A line for a terminal.
fn shown(line: &[u8]) -> String {
    let text = String::from_utf8_lossy(line);
    text.chars().filter(|char| !char.is_control()).take(160).collect()
}

impl Rules {
    /// How the first rule is looked for.
    fn way(&self) -> String {
        let Some(rule) = self.all.first() else { return String::new() };
        let mut texts: Vec<String> = rule
            .matcher
            .literals()
            .iter()
            .map(|literal| format!("`{}`", String::from_utf8_lossy(&literal.bytes)))
            .collect();
        // The escaped spellings of JSON tell nobody anything.
        if texts.iter().any(|text| !text.contains("\\u")) {
            texts.retain(|text| !text.contains("\\u"));
        }
        match texts.as_slice() {
            [] => rule.matcher.way().to_owned(),
            [one] => format!("{} {one}", rule.matcher.way()),
            [one, more @ ..] => format!("{} {one} or {} more", rule.matcher.way(), more.len()),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_rule_has_its_way_its_price_and_its_lines() {
        let written = r#"{"bare": {"regex": "\\d{9}"},
            "call": {"regex": "Task (?<task>\\w+) completed in (?<ms>\\d+) ms", "labels": ["task"], "values": ["ms"]},
            "few": {"regex": "Rate limit exceeded|QueuePool limit", "pair": {"end": "text"}},
            "line": {"regex": "\\S+ of size \\d+"},
            "text": {"literal": "UPSTREAM", "ignore_case": true}}"#;
        let written = serde_json::from_str(written).unwrap();
        let (costs, all) = costs(&written, SAMPLE.as_bytes());
        assert!(all > 0.0 && costs.iter().all(|cost| cost.alone > 0.0 && cost.without > 0.0));
        let ways: Vec<_> =
            costs.iter().map(|cost| (cost.rule.as_str(), cost.way.as_str(), cost.hits)).collect();
        let wanted = [
            ("bare", "pattern everywhere", 0),
            ("call", "pattern from `Task `", 1),
            ("few", "text `QueuePool limit` or 1 more", 2),
            ("line", "pattern in lines with ` of size `", 1),
            ("text", "text `upstream`", 1),
        ];
        assert_eq!(ways, wanted);
        let (number, text) = &costs[1].lines[0];
        assert!(*number == 2 && text.ends_with("Task score_message_task completed in 212 ms"));
        assert!(costs[2..].iter().all(|cost| cost.warning.is_none()), "{costs:?}");
    }

    #[test]
    fn no_sample_costs_nothing() {
        let written = serde_json::from_str(r#"{"a": {"literal": "abc"}}"#).unwrap();
        let (costs, all) = costs(&written, b"");
        assert_eq!((all, costs[0].alone, costs[0].hits), (0.0, 0.0, 0));
    }
}
