//! A YAML document as a tree in which every key and value knows its line.
//!
//! The tree keeps scalars as text, so that nothing is read as a number or dropped before the
//! schema says what the key wants. `Debug` prints shapes only: the text may be a secret.

use std::fmt;

use serde_json::{Map, Number, Value as Json};

pub use super::parse::{parse, parse_foreign};
use super::problem::shown_key;

/// How a scalar was written; only a plain one can be a number, a boolean or null.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Style {
    Plain,
    Quoted,
}

/// A scalar as written, after `${NAME}` is filled in.
#[derive(Clone, PartialEq, Eq)]
pub struct Scalar {
    pub text: String,
    pub style: Style,
    /// Some of the text came from the environment: never show it.
    pub from_env: bool,
    /// A problem was already reported for it: say nothing more.
    pub broken: bool,
}

impl Scalar {
    pub fn new(text: impl Into<String>, style: Style) -> Self {
        Self { text: text.into(), style, from_env: false, broken: false }
    }

    /// The value by the YAML 1.2 core schema.
    pub fn resolve(&self) -> Json {
        match self.style {
            Style::Plain => core_value(&self.text),
            Style::Quoted => Json::String(self.text.clone()),
        }
    }
}

impl fmt::Debug for Scalar {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("<scalar>")
    }
}

/// One key of a map, with its position and its value.
#[derive(Clone, PartialEq, Eq)]
pub struct Entry {
    pub key: String,
    pub line: usize,
    pub column: usize,
    pub value: Node,
}

impl Entry {
    /// The key as printed where nothing vouches for it. Without a value it is not: in
    /// `{password: a,b}` the rest of the password is such a key.
    pub(super) fn shown_key(&self) -> &str {
        match &self.value.value {
            Value::Scalar(scalar) if scalar.resolve().is_null() => "<key>",
            _ => shown_key(&self.key),
        }
    }
}

impl fmt::Debug for Entry {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}@{}: {:?}", self.shown_key(), self.line, self.value)
    }
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Value {
    Scalar(Scalar),
    Seq(Vec<Node>),
    Map(Vec<Entry>),
}

/// A value with its position, both counted from 1.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Node {
    pub value: Value,
    /// A tag of another program's, with its `!`; see `parse_foreign`.
    pub tag: Option<Box<str>>,
    pub line: usize,
    pub column: usize,
}

impl Node {
    /// The keys of a map, in the order of the file; none for anything else.
    pub fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    /// The items of a list; none for anything else.
    pub fn items(&self) -> &[Node] {
        match &self.value {
            Value::Seq(items) => items,
            _ => &[],
        }
    }

    /// The text of a scalar that is a string.
    pub fn as_str(&self) -> Option<&str> {
        match &self.value {
            Value::Scalar(scalar) if scalar.resolve().is_string() => Some(&scalar.text),
            _ => None,
        }
    }

    pub fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    pub fn get(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.value)
    }

    /// The node at a path such as `postgres.main.queries[2].name`.
    pub fn lookup(&self, path: &str) -> Option<&Node> {
        let mut at = (self, path);
        while !at.1.is_empty() {
            let (node, _, rest) = step(at.0, at.1)?;
            at = (node, rest);
        }
        Some(at.0)
    }

    /// The line of the key at `path`, or of its nearest ancestor that exists.
    pub fn line_of(&self, path: &str) -> usize {
        let mut at = (self, path);
        let mut line = self.line;
        while !at.1.is_empty() {
            let Some((node, found, rest)) = step(at.0, at.1) else { break };
            line = found;
            at = (node, rest);
        }
        line
    }

    /// The plain value, by the YAML 1.2 core schema.
    pub fn to_json(&self) -> Json {
        match &self.value {
            Value::Scalar(scalar) => scalar.resolve(),
            Value::Seq(items) => Json::Array(items.iter().map(Node::to_json).collect()),
            Value::Map(entries) => {
                let pairs = entries.iter().map(|entry| (entry.key.clone(), entry.value.to_json()));
                Json::Object(pairs.collect::<Map<_, _>>())
            }
        }
    }
}

/// One segment of a path. A key may hold dots itself (`api.example.com`), so the longest key
/// that fits is taken rather than the text up to the next dot.
fn step<'n, 'p>(node: &'n Node, path: &'p str) -> Option<(&'n Node, usize, &'p str)> {
    match &node.value {
        Value::Scalar(_) => None,
        Value::Seq(items) => {
            let (index, rest) = match path.strip_prefix('[') {
                Some(inner) => inner.split_once(']')?,
                None => path.split_at(path.find(['.', '[']).unwrap_or(path.len())),
            };
            let item = items.get(index.parse::<usize>().ok()?)?;
            Some((item, item.line, rest.strip_prefix('.').unwrap_or(rest)))
        }
        Value::Map(entries) => entries
            .iter()
            .filter_map(|entry| {
                let rest = path.strip_prefix(entry.key.as_str())?;
                let next = rest.strip_prefix('.').unwrap_or(rest);
                let ends = rest.is_empty() || rest.starts_with(['.', '[']);
                ends.then_some((&entry.value, entry.line, next))
            })
            .min_by_key(|(_, _, rest)| rest.len()),
    }
}

/// A plain scalar by the YAML 1.2 core schema. Infinity and not-a-number, which JSON lacks and
/// no key wants, stay text.
pub fn core_value(text: &str) -> Json {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Json::Null,
        "true" | "True" | "TRUE" => return Json::Bool(true),
        "false" | "False" | "FALSE" => return Json::Bool(false),
        _ => {}
    }
    match number(text) {
        Some(number) => Json::Number(number),
        None => Json::String(text.to_owned()),
    }
}

fn number(text: &str) -> Option<Number> {
    for (prefix, radix) in [("0o", 8), ("0x", 16)] {
        if let Some(digits) = text.strip_prefix(prefix) {
            // `from_str_radix` would take a sign here, the core schema does not.
            let plain = digits.starts_with(|c: char| c.is_digit(radix));
            return plain.then(|| u64::from_str_radix(digits, radix).ok())?.map(Number::from);
        }
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    let first = digits.strip_prefix('.').unwrap_or(digits);
    if !first.starts_with(|c: char| c.is_ascii_digit())
        || digits
            .contains(|c: char| !c.is_ascii_digit() && !matches!(c, '.' | 'e' | 'E' | '+' | '-'))
    {
        return None;
    }
    if let Ok(number) = text.parse::<u64>() {
        return Some(Number::from(number));
    }
    if let Ok(number) = text.parse::<i64>() {
        return Some(Number::from(number));
    }
    text.parse::<f64>().ok().and_then(Number::from_f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn core_schema() {
        for (text, want) in [
            ("5", json!(5)),
            ("-5", json!(-5)),
            ("+5", json!(5)),
            ("007", json!(7)),
            ("0o17", json!(15)),
            ("0x1F", json!(31)),
            ("0x+1", json!("0x+1")),
            ("1.5", json!(1.5)),
            (".5", json!(0.5)),
            ("1e3", json!(1000.0)),
            ("1.2.3", json!("1.2.3")),
            ("5s", json!("5s")),
            ("yes", json!("yes")),
            ("on", json!("on")),
            ("True", json!(true)),
            ("~", json!(null)),
            ("-", json!("-")),
            (".inf", json!(".inf")),
            ("1e999", json!("1e999")),
            ("2026-01-02", json!("2026-01-02")),
        ] {
            assert_eq!(core_value(text), want, "{text}");
        }
    }

    #[test]
    fn lookup_and_lines() {
        let yaml = "web:\n  api.example.com:\n    url: x\nlist:\n  - a: 1\n  - a: 2\n";
        let root = parse(yaml).unwrap();
        assert_eq!(root.lookup("web.api.example.com.url").unwrap().as_str(), Some("x"));
        assert_eq!(root.lookup("list[1].a").unwrap().to_json(), json!(2));
        assert_eq!(root.lookup("list.1.a").unwrap().to_json(), json!(2));
        assert!(root.lookup("list[2]").is_none());
        assert_eq!(root.line_of("web.api.example.com.url"), 3);
        assert_eq!(root.line_of("web.api.example.com.timeout"), 2);
        assert_eq!(root.line_of("list[1].a"), 6);
        assert_eq!(root.line_of("nothing.here"), 1);
        assert_eq!(root.get("list").unwrap().items().len(), 2);
    }

    #[test]
    fn foreign_files_may_have_tags_and_several_documents() {
        let yaml = "a: !reset null\nb: !override [1]\n1: x\n---\nc: !reset {}\n";
        assert!(parse(yaml).is_err());
        let read = parse_foreign(yaml).unwrap();
        let tag = |node: usize, key| read[node].get(key).unwrap().tag.as_deref();
        assert_eq!((tag(0, "a"), tag(0, "b")), (Some("!reset"), Some("!override")));
        assert_eq!((tag(1, "c"), read.len()), (Some("!reset"), 2));
        assert_eq!(read[0].entries().len(), 2);
        assert!(parse_foreign("a: 1\na: 2\n").is_err());
        assert!(parse_foreign("").unwrap().is_empty());
    }

    #[test]
    fn quoted_is_text_and_debug_is_blind() {
        let root = parse("a: \"5\"\nb: 5\nc: hunter2\n").unwrap();
        assert_eq!(root.to_json(), json!({"a": "5", "b": 5, "c": "hunter2"}));
        assert!(!format!("{root:?}").contains("hunter2"));
    }
}
