//! Rules as they are written, checked and made ready.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use super::expect::Schedule;
use super::matcher::Matcher;
use super::written::{self, Amount, Kind, Unit, Value};

const MAX_RULES: usize = 100;
const MAX_NAME: usize = 64;
/// Expected texts of one group.
const MAX_TEXTS: usize = 100;
const MAX_BUCKETS: usize = 30;
/// Memory of all patterns.
const MEMORY: usize = 16 << 20;
/// Upper bounds for times in seconds.
const BOUNDS: [f64; 14] =
    [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 300.0];

/// A mistake in the rules, by the key under the target.
pub type Mistakes = Vec<(String, String)>;
/// The key under the rule, and what is wrong.
type Mistake = (String, String);

/// A compiled rule.
pub struct Rule {
    pub name: String,
    pub matcher: Matcher,
    pub not: Option<Matcher>,
    pub labels: Vec<Group>,
    pub split: Option<Group>,
    pub values: Vec<Number>,
    pub expect: Option<Schedule>,
    pub pair: Option<Pair>,
    /// Groups that are read; 0 if none is.
    pub slots: usize,
    /// What the rule means for pairs: their place, whether it starts them, and the group of the
    /// identifier.
    pub parts: Vec<(usize, bool, Option<usize>)>,
}

/// A named group whose texts are told apart.
pub struct Group {
    pub name: String,
    pub group: usize,
    pub expected: Vec<String>,
}

/// A named group that is a number.
pub struct Number {
    pub name: String,
    pub group: usize,
    pub unit: Option<Unit>,
    pub kind: Option<Kind>,
    pub bounds: Option<Vec<f64>>,
    limit: Option<f64>,
    limits: Vec<(String, f64)>,
}

pub struct Pair {
    pub timeout: Duration,
}

impl Number {
    pub fn limit(&self, split: &str) -> Option<f64> {
        let own = self.limits.iter().find(|(text, _)| text == split).map(|(_, limit)| *limit);
        own.or(self.limit)
    }

    pub fn is_limited(&self) -> bool {
        self.limit.is_some() || !self.limits.is_empty()
    }
}

/// The rules by name, and all that is wrong with them.
pub fn compile(written: &BTreeMap<String, written::Rule>) -> (Vec<Rule>, Mistakes) {
    let (mut rules, mut mistakes) = (Vec::new(), Vec::new());
    if written.len() > MAX_RULES {
        mistakes.push(("rules".into(), format!("at most {MAX_RULES} rules, presets included")));
    }
    let mut memory = 0;
    for (name, rule) in written.iter().take(MAX_RULES) {
        match Rule::new(name, rule, written) {
            Ok(rule) => {
                memory += rule.matcher.memory();
                rules.push(rule);
            }
            Err((key, message)) => {
                let dot = if key.is_empty() { "" } else { "." };
                mistakes.push((format!("rules.{name}{dot}{key}"), message));
            }
        }
    }
    if memory > MEMORY {
        mistakes.push(("rules".into(), "the patterns together are too large".into()));
        rules.clear();
    }
    join(&mut rules, written);
    (rules, mistakes)
}

/// Tells both rules of each pair what they are to it.
fn join(rules: &mut [Rule], written: &BTreeMap<String, written::Rule>) {
    for start in 0..rules.len() {
        let Some(rule) = rules.get(start) else { continue };
        let Some(pair) = written.get(&rule.name).and_then(|rule| rule.pair.as_ref()) else {
            continue;
        };
        let Some(end) = rules.iter().position(|rule| rule.name == pair.end) else { continue };
        for (place, is_start) in [(start, true), (end, false)] {
            let Some(rule) = rules.get_mut(place) else { continue };
            let group = pair.id.as_ref().and_then(|id| rule.matcher.group(id));
            rule.parts.push((start, is_start, group));
            if group.is_some() {
                rule.slots = rule.matcher.groups;
            }
        }
    }
}

impl Rule {
    fn new(
        name: &str,
        written: &written::Rule,
        all: &BTreeMap<String, written::Rule>,
    ) -> Result<Self, Mistake> {
        if name.is_empty() || name.len() > MAX_NAME || name.contains(char::is_control) {
            return Err((
                String::new(),
                format!("a name of a rule has 1 to {MAX_NAME} characters"),
            ));
        }
        // The end of a pair is a rule that does not say so itself.
        let ids: BTreeSet<&str> = all
            .iter()
            .filter_map(|(other, rule)| {
                rule.pair.as_ref().filter(|pair| other == name || pair.end == name)
            })
            .filter_map(|pair| pair.id.as_deref())
            .collect();
        let captures = !written.labels.is_empty()
            || !written.values.is_empty()
            || written.split.is_some()
            || !ids.is_empty();
        let matcher = matcher(written, captures)?;
        let not = written.not.as_ref().map(|not| Matcher::literal(not, written.ignore_case));
        let not = not.transpose().map_err(|why| ("not".to_owned(), why))?;
        let groups = Groups { matcher: &matcher, written };
        groups.check(&ids)?;
        let labels = groups.labels()?;
        let split = written.split.as_ref().map(|split| groups.split(split)).transpose()?;
        let values = written.values.all();
        let values = values.iter().map(|(name, value)| groups.number(name, value));
        let values = values.collect::<Result<Vec<_>, _>>()?;
        let expect = written.expect.as_ref().map(Schedule::new).transpose();
        let expect = expect.map_err(|(key, message)| (key.to_owned(), message))?;
        let pair = written.pair.as_ref().map(|pair| ends(name, pair, all)).transpose()?;
        let slots = if captures { matcher.groups } else { 0 };
        let name = name.to_owned();
        Ok(Self {
            name,
            not,
            labels,
            split,
            values,
            expect,
            pair,
            slots,
            parts: Vec::new(),
            matcher,
        })
    }
}

fn matcher(written: &written::Rule, captures: bool) -> Result<Matcher, Mistake> {
    let ignore_case = written.ignore_case;
    let (key, matcher) = match (&written.literal, &written.regex) {
        (Some(text), None) if text.contains(['\n', '\r']) => {
            ("literal", Err("a rule sees one line at a time".to_owned()))
        }
        (Some(text), None) => ("literal", Matcher::literal(text, ignore_case)),
        (None, Some(pattern)) => ("regex", Matcher::new(pattern, ignore_case, captures)),
        _ => ("", Err("needs either `literal` or `regex`".to_owned())),
    };
    matcher.map_err(|why| (key.to_owned(), why))
}

fn ends(
    name: &str,
    pair: &written::Pair,
    all: &BTreeMap<String, written::Rule>,
) -> Result<Pair, Mistake> {
    if pair.end == name {
        return Err(("pair.end".into(), "must be another rule".into()));
    }
    if !all.contains_key(&pair.end) {
        let known: Vec<_> = all.keys().filter(|other| *other != name).map(String::as_str).collect();
        return Err(("pair.end".into(), format!("names no rule; there are: {}", known.join(", "))));
    }
    Ok(Pair { timeout: pair.timeout() })
}

/// The named groups of a rule.
struct Groups<'a> {
    matcher: &'a Matcher,
    written: &'a written::Rule,
}

impl Groups<'_> {
    fn check(&self, ids: &BTreeSet<&str>) -> Result<(), Mistake> {
        for id in ids {
            self.group("pair.id", id)?;
        }
        Ok(())
    }

    fn group(&self, key: &str, name: &str) -> Result<usize, Mistake> {
        self.matcher.group(name).ok_or_else(|| {
            let message =
                format!("`{name}` is no named group of `regex`, such as `(?<{name}>...)`");
            (key.to_owned(), message)
        })
    }

    fn labels(&self) -> Result<Vec<Group>, Mistake> {
        let mut labels = Vec::new();
        for (name, expected) in self.written.labels.all() {
            let group = self.group("labels", name)?;
            if expected.len() > MAX_TEXTS {
                let message = format!("at most {MAX_TEXTS} texts");
                return Err((format!("labels.{name}"), message));
            }
            // What is split by a group needs no second count of it.
            if self.written.split.as_deref() != Some(name) {
                labels.push(Group { name: name.to_owned(), group, expected: expected.to_vec() });
            }
        }
        Ok(labels)
    }

    fn split(&self, name: &str) -> Result<Group, Mistake> {
        let group = self.group("split", name)?;
        let labels = self.written.labels.all();
        let expected = labels.iter().find(|(label, _)| *label == name);
        let expected = expected.map(|(_, texts)| texts.to_vec()).unwrap_or_default();
        Ok(Group { name: name.to_owned(), group, expected })
    }

    fn number(&self, name: &str, value: &Value) -> Result<Number, Mistake> {
        let group = self.group("values", name)?;
        let key = |key: &str| format!("values.{name}.{key}");
        let base = |at: &str, amount: &Amount| {
            let message = "is a duration, so `unit` must be `s`, `ms`, `us` or `min`";
            amount.base(value.unit).ok_or_else(|| (key(at), message.to_owned()))
        };
        let limit = value.limit.as_ref().map(|limit| base("limit", limit)).transpose()?;
        if !value.limits.is_empty() && self.written.split.is_none() {
            return Err((key("limits"), "are by the texts of `split`, which is missing".into()));
        }
        let limits =
            value.limits.iter().map(|(text, limit)| Ok((text.clone(), base("limits", limit)?)));
        let limits = limits.collect::<Result<Vec<_>, Mistake>>()?;
        let bounds = value.buckets.iter().map(|bound| base("buckets", bound));
        let bounds = bounds.collect::<Result<Vec<_>, _>>()?;
        let rising = bounds.windows(2).all(|pair| matches!(pair, [a, b] if a < b));
        let bounds = match value.kind {
            Some(Kind::Histogram) if bounds.is_empty() && value.unit.is_some_and(Unit::is_time) => {
                Some(BOUNDS.to_vec())
            }
            Some(Kind::Histogram) if bounds.is_empty() => {
                return Err((
                    key("buckets"),
                    "a histogram of other than times needs its bounds".into(),
                ));
            }
            Some(Kind::Histogram) if !rising || bounds.len() > MAX_BUCKETS => {
                return Err((
                    key("buckets"),
                    format!("must be at most {MAX_BUCKETS} rising numbers"),
                ));
            }
            Some(Kind::Histogram) => Some(bounds),
            _ if bounds.is_empty() => None,
            _ => return Err((key("buckets"), "go with `kind: histogram`".into())),
        };
        let (unit, kind) = (value.unit, value.kind);
        Ok(Number { name: name.to_owned(), group, unit, kind, bounds, limit, limits })
    }
}
