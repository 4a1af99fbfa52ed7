//! What is done to a rule: one small mistake each, of the kinds that are made by hand.

use std::ops::Range;

/// A rule with one mistake in it.
#[derive(Clone)]
pub struct Change {
    pub kind: &'static str,
    /// What it was, with what stands before it, and what it is.
    pub what: String,
    pub text: String,
}

/// One mistake in one place of a text.
struct Edit {
    kind: &'static str,
    at: Range<usize>,
    is: String,
}

/// Every mistake in every place.
pub fn all(rule: &str) -> Vec<Change> {
    let begin = rule.find("        expr:").unwrap() + "        expr:".len();
    let expr = begin..begin + next_key(&rule[begin..]);
    let in_expr = edits(&rule[expr.clone()])
        .into_iter()
        .map(|edit| Edit { at: edit.at.start + begin..edit.at.end + begin, ..edit });
    let rest = keys(rule, expr.end);
    in_expr.chain(rest).map(|edit| change(rule, &edit)).collect()
}

fn change(rule: &str, edit: &Edit) -> Change {
    let (before, after) = (&rule[..edit.at.start], &rule[edit.at.end..]);
    let near: Vec<char> = before.chars().rev().take(30).collect();
    let near: String = near.into_iter().rev().collect();
    let was = &rule[edit.at.clone()];
    let what = format!("{near}{was} -> {}", edit.is);
    let what = what.split_whitespace().collect::<Vec<_>>().join(" ");
    Change { kind: edit.kind, what, text: format!("{before}{}{after}", edit.is) }
}

/// Where the next key of the rule begins.
fn next_key(text: &str) -> usize {
    let mut at = 0;
    for (index, line) in text.split_inclusive('\n').enumerate() {
        if index > 0 && line.starts_with("        ") && !line.starts_with("         ") {
            return at;
        }
        at += line.len();
    }
    at
}

/// Words of an expression: what is wrong, what it was and what it is.
const WORDS: [(&str, &str, &str); 24] = [
    ("comparison", "> on", "< on"),
    ("comparison", "< on", "> on"),
    ("boundary", "> on", ">= on"),
    ("boundary", "< on", "<= on"),
    ("comparison", " == ", " != "),
    ("comparison", " > ", " < "),
    ("boundary", " > ", " >= "),
    ("comparison", " < ", " > "),
    ("boundary", " < ", " <= "),
    ("comparison", " >= ", " < "),
    ("boundary", " >= ", " > "),
    ("comparison", " <= ", " > "),
    ("boundary", " <= ", " < "),
    ("aggregation", "max ", "sum "),
    ("aggregation", "sum ", "max "),
    ("aggregation", "count ", "max "),
    ("function", "rate(", "increase("),
    ("function", "increase(", "rate("),
    ("function", "max_over_time(", "min_over_time("),
    ("function", "min_over_time(", "max_over_time("),
    ("operator", "/ on", "* on"),
    ("operator", "and on", "unless on"),
    ("operator", "unless on", "and on"),
    ("literal", "== 1", "== 0"),
];

fn edits(expr: &str) -> Vec<Edit> {
    let mut all = Vec::new();
    for (kind, was, is) in WORDS {
        for (at, _) in expr.match_indices(was) {
            // "> on" is looked for by itself, and not once more as " > ".
            let twice = was.starts_with(' ') && expr[at + was.len()..].starts_with("on ");
            if !twice && !quoted(expr, at) {
                all.push(Edit { kind, at: at..at + was.len(), is: is.to_owned() });
            }
        }
    }
    for (kind, open, close) in [("selector", '{', '}'), ("labels", '(', ')'), ("range", '[', ']')] {
        for (at, _) in expr.match_indices(open).filter(|(at, _)| !quoted(expr, *at)) {
            let end = at + expr[at..].find(close).unwrap();
            let inner = at + 1..end;
            match kind {
                "selector" => all.extend(selector(expr, &inner)),
                "labels" if is_list(expr, at) => all.extend(list(expr, &inner)),
                "range" => all.extend(range(expr, &inner)),
                _ => {}
            }
        }
    }
    all.extend(clauses(expr));
    all
}

/// Whether a place stands in quotes.
fn quoted(text: &str, at: usize) -> bool {
    text[..at].matches('"').count() % 2 == 1
}

/// Each matcher left out, turned around, and with another value; each alternative left out.
fn selector(expr: &str, inner: &Range<usize>) -> Vec<Edit> {
    let mut all = Vec::new();
    let text = &expr[inner.clone()];
    let mut at = inner.start;
    let parts: Vec<&str> = text.split(", ").flat_map(|part| part.split_inclusive("\",")).collect();
    for part in parts {
        at += expr[at..inner.end].find(part).unwrap();
        let matcher = at..at + part.len();
        at = matcher.end;
        let matcher = matcher.start..matcher.end - usize::from(part.ends_with(','));
        let (label, value) = expr[matcher.clone()].split_once('"').unwrap();
        // Whatever it asked for, this asks for nothing.
        let name = label.trim_end_matches(['=', '~', '!']);
        let mut put = |kind, is: String| all.push(Edit { kind, at: matcher.clone(), is });
        put("matcher dropped", format!("{name}=~\".*\""));
        let around = match label.trim_start_matches(name) {
            "=" => "!=",
            "!=" => "=",
            "=~" => "!~",
            _ => "=~",
        };
        put("matcher turned", format!("{name}{around}\"{value}"));
        let value = value.trim_end_matches('"');
        let alternatives: Vec<&str> = value.split('|').collect();
        if alternatives.len() > 1 && !value.contains('(') {
            for gone in &alternatives {
                let rest: Vec<&str> =
                    alternatives.iter().copied().filter(|one| one != gone).collect();
                put("alternative dropped", format!("{label}\"{}\"", rest.join("|")));
            }
        } else if !value.is_empty() && !value.contains('*') {
            put("value changed", format!("{label}\"{value}x\""));
        }
    }
    all
}

/// Whether the parenthesis opens a list of labels.
fn is_list(expr: &str, at: usize) -> bool {
    let before = expr[..at].trim_end();
    ["on", "by", "without", "ignoring", "group_left"]
        .iter()
        .any(|word| before.rsplit(|c: char| !c.is_alphabetic() && c != '_').next() == Some(word))
}

/// Each label left out.
fn list(expr: &str, inner: &Range<usize>) -> Vec<Edit> {
    let labels: Vec<&str> = expr[inner.clone()].split(", ").filter(|one| !one.is_empty()).collect();
    let without = |gone: &&str| {
        let rest: Vec<&str> = labels.iter().copied().filter(|one| one != gone).collect();
        Edit { kind: "label dropped", at: inner.clone(), is: rest.join(", ") }
    };
    labels.iter().map(without).collect()
}

/// Half of it, and twice as much.
fn range(expr: &str, inner: &Range<usize>) -> Vec<Edit> {
    let is = |factor| Edit {
        kind: "range",
        at: inner.clone(),
        is: format!("{}s", seconds(&expr[inner.clone()]) * factor / 2),
    };
    vec![is(1), is(4)]
}

/// "1h30m" in seconds.
fn seconds(text: &str) -> u64 {
    let (mut all, mut number) = (0, 0);
    for c in text.chars() {
        if let Some(digit) = c.to_digit(10) {
            number = number * 10 + u64::from(digit);
            continue;
        }
        let unit = match c {
            's' => 1,
            'm' => 60,
            'h' => 3600,
            'd' => 86_400,
            other => panic!("{text}: {other}"),
        };
        (all, number) = (all + number * unit, 0);
    }
    all
}

/// Each `unless ...` and `and ...` left out, and each side of an `or`.
fn clauses(expr: &str) -> Vec<Edit> {
    let mut all = Vec::new();
    for word in ["unless on", "and on", "\n          or\n"] {
        for (at, _) in expr.match_indices(word).filter(|(at, _)| !quoted(expr, *at)) {
            let end = end_of_clause(expr, at);
            all.push(Edit { kind: "clause dropped", at: at..end, is: String::new() });
            if word.contains("or") {
                // What stands before it: from the beginning of the expression.
                let begin = expr.find('\n').map_or(0, |line| line + 1);
                let at = begin..at + word.len();
                all.push(Edit { kind: "clause dropped", at, is: String::new() });
            }
        }
    }
    all
}

/// Where the parenthesis is closed that the clause stands in.
fn end_of_clause(expr: &str, at: usize) -> usize {
    let mut depth = 0;
    for (index, c) in expr[at..].char_indices() {
        match c {
            '(' => depth += 1,
            ')' if depth == 0 => return at + index,
            ')' => depth -= 1,
            _ => {}
        }
    }
    expr.trim_end().len()
}

/// Holds, labels and annotations.
fn keys(rule: &str, from: usize) -> Vec<Edit> {
    let mut all = Vec::new();
    let mut at = from;
    let mut part = "";
    for line in rule[from..].split_inclusive('\n') {
        let text = line.trim_end();
        let (key, value) = text.split_once(": ").unwrap_or((text.trim_end_matches(':'), ""));
        let value_at = at + text.len() - value.len()..at + text.len();
        let mut put = |kind, at: Range<usize>, is: String| all.push(Edit { kind, at, is });
        match key.trim_start() {
            "for" | "keep_firing_for" if !value.is_empty() => {
                let kind = if key.contains("keep") { "keep_firing_for" } else { "for" };
                put(kind, at..at + line.len(), String::new());
                put(kind, value_at.clone(), format!("{}s", seconds(value) * 2));
                put(kind, value_at, format!("{}s", seconds(value) / 2));
            }
            "labels" | "annotations" => part = key.trim(),
            _ if part == "labels" && !value.is_empty() => {
                put("label changed", value_at, format!("{}x", value.trim_matches('"')));
                put("label gone", at..at + line.len(), String::new());
            }
            // Its last sign, before a quote.
            _ if part == "annotations" && value.len() > 3 && !value.starts_with('>') => {
                let quote = usize::from(text.ends_with('"'));
                let last = at + text.len() - quote;
                put("annotation", last..last, "x".to_owned());
            }
            _ => {}
        }
        at += line.len();
    }
    all
}
