//! Builds the located tree from the events of the YAML parser.
//!
//! The parser's own picture of an error quotes the lines around it, secrets included, so only its
//! position and its fixed text are used.

use std::collections::{HashMap, HashSet};

use super::problem::{Problem, join_index, join_key, shown_key};
use super::tree::{Entry, Node, Scalar, Style, Value};
use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, Span, Tag};

/// Nodes in all, aliases expanded: an alias bomb is refused before it costs memory.
const MAX_NODES: usize = 100_000;
/// Characters of all scalars, aliases expanded, for the same reason.
const MAX_BYTES: usize = 16 << 20;
const MAX_DEPTH: usize = 64;

/// Reads one YAML document. An empty text is an empty map.
pub fn parse(text: &str) -> Result<Node, Vec<Problem>> {
    match parse_all(text) {
        (Some(node), problems) if problems.is_empty() => Ok(node),
        (_, problems) => Err(problems),
    }
}

/// Reads a file of another program: several documents, and tags that are that program's business,
/// are taken. Keys that are no strings are left out.
pub fn parse_foreign(text: &str) -> Result<Vec<Node>, Vec<Problem>> {
    let mut builder = Builder { foreign: true, ..Builder::default() };
    builder.read(text).map_err(|problem| vec![problem])?;
    if !builder.problems.is_empty() {
        return Err(builder.problems);
    }
    builder.finished.extend(builder.root);
    Ok(builder.finished)
}

/// As `parse`, but with the tree as well when the problems leave one, so that the rest of the
/// file can be checked in the same run.
pub(super) fn parse_all(text: &str) -> (Option<Node>, Vec<Problem>) {
    let mut builder = Builder::default();
    if let Err(problem) = builder.read(text) {
        builder.problems.push(problem);
        return (None, builder.problems);
    }
    let empty = Node { value: Value::Map(Vec::new()), tag: None, line: 1, column: 1 };
    (Some(builder.root.unwrap_or(empty)), builder.problems)
}

fn scan_problem(error: &ScanError) -> Problem {
    let mark = error.marker();
    let info = error.info();
    let line = mark.line().max(1);
    // This is the one text of the parser that quotes the file.
    if info.starts_with("unexpected character") {
        return Problem::new(line, "", "not valid yaml: unexpected character")
            .with_hint("write a value that starts with `@`, `%` or a backtick in quotes");
    }
    let problem = Problem::new(line, "", format!("not valid yaml: {info}"));
    if info.contains("unknown anchor") {
        return Problem::new(line, "", "alias of an anchor that is not defined above it");
    }
    if info.contains("flow mapping") {
        return problem.with_hint("inside `{ }` write values with braces or commas in quotes");
    }
    problem
}

/// What a subtree costs against the limits.
#[derive(Debug, Clone, Copy, Default)]
struct Cost {
    nodes: usize,
    bytes: usize,
    height: usize,
}

fn cost(node: &Node) -> Cost {
    let mut total = Cost { nodes: 1, bytes: 0, height: 0 };
    let mut add = |inner: Cost| {
        total.nodes += inner.nodes;
        total.bytes += inner.bytes;
        total.height = total.height.max(inner.height + 1);
    };
    match &node.value {
        Value::Scalar(scalar) => total.bytes = scalar.text.len(),
        Value::Seq(items) => items.iter().for_each(|item| add(cost(item))),
        Value::Map(entries) => entries.iter().for_each(|entry| {
            let inner = cost(&entry.value);
            add(Cost { bytes: inner.bytes + entry.key.len(), nodes: inner.nodes + 1, ..inner });
        }),
    }
    total
}

struct Key {
    /// None for a key that is not a string: its value is read and dropped.
    text: Option<String>,
    merge: bool,
    line: usize,
    column: usize,
}

#[derive(Default)]
struct MapFrame {
    entries: Vec<Entry>,
    /// Line of each key seen, for duplicates.
    seen: HashMap<String, usize>,
    key: Option<Key>,
    merge: Option<Node>,
}

enum Shape {
    Seq(Vec<Node>),
    Map(MapFrame),
}

struct Frame {
    shape: Shape,
    tag: Option<Box<str>>,
    anchor: usize,
    line: usize,
    column: usize,
}

#[derive(Default)]
struct Builder {
    frames: Vec<Frame>,
    anchors: HashMap<usize, Node>,
    root: Option<Node>,
    documents: usize,
    nodes: usize,
    bytes: usize,
    problems: Vec<Problem>,
    /// The file is another program's: see `parse_foreign`.
    foreign: bool,
    /// Its documents before the last.
    finished: Vec<Node>,
}

impl Builder {
    fn read(&mut self, text: &str) -> Result<(), Problem> {
        let mut parser = Parser::new_from_str(text);
        while let Some(event) = parser.next_event() {
            let (event, span) = event.map_err(|error| scan_problem(&error))?;
            self.event(event, span)?;
        }
        Ok(())
    }

    /// An error ends the reading; what can be read past goes to `problems`.
    fn event(&mut self, event: Event<'_>, span: Span) -> Result<(), Problem> {
        let (line, column) = (span.start.line().max(1), span.start.col() + 1);
        match event {
            Event::DocumentStart(_) => {
                self.documents += 1;
                if self.foreign {
                    self.finished.extend(self.root.take());
                } else if self.documents > 1 {
                    return Err(Problem::new(line, "", "only one yaml document is allowed"));
                }
                Ok(())
            }
            Event::Alias(id) => self.alias(id, line),
            Event::Scalar(text, style, anchor, tag) => {
                let theirs = self.foreign_tag(tag.as_deref());
                let tag = self.tag(tag.as_deref(), line);
                let style = scalar_style(style, tag);
                let scalar = Scalar::new(text, style);
                self.check_tag(tag, &scalar, line);
                self.add(Node { value: Value::Scalar(scalar), tag: theirs, line, column }, anchor)
            }
            Event::SequenceStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "seq", line);
                let tag = self.foreign_tag(tag.as_deref());
                self.open(Frame { shape: Shape::Seq(Vec::new()), tag, anchor, line, column })
            }
            Event::MappingStart(anchor, tag) => {
                self.collection_tag(tag.as_deref(), "map", line);
                let tag = self.foreign_tag(tag.as_deref());
                self.open(Frame {
                    shape: Shape::Map(MapFrame::default()),
                    tag,
                    anchor,
                    line,
                    column,
                })
            }
            Event::SequenceEnd | Event::MappingEnd => self.close(),
            Event::Nothing | Event::StreamStart | Event::StreamEnd | Event::DocumentEnd => Ok(()),
        }
    }

    fn open(&mut self, frame: Frame) -> Result<(), Problem> {
        self.check_depth(1, frame.line)?;
        self.frames.push(frame);
        Ok(())
    }

    fn close(&mut self) -> Result<(), Problem> {
        let Some(frame) = self.frames.pop() else { return Ok(()) };
        let value = match frame.shape {
            Shape::Seq(items) => Value::Seq(items),
            Shape::Map(mut map) => {
                if let Some(merge) = map.merge.take() {
                    self.merge(&mut map, merge);
                }
                Value::Map(map.entries)
            }
        };
        let (line, column) = (frame.line, frame.column);
        self.add(Node { value, tag: frame.tag, line, column }, frame.anchor)
    }

    fn alias(&mut self, id: usize, line: usize) -> Result<(), Problem> {
        // An anchor is known once its node is complete: a missing one holds this very alias.
        let Some(node) = self.anchors.get(&id) else {
            return Err(Problem::new(line, self.path(), "alias inside its own anchor"));
        };
        let cost = cost(node);
        self.check_depth(cost.height, line)?;
        self.charge(cost, line)?;
        let Some(node) = self.anchors.get(&id).cloned() else { return Ok(()) };
        self.place(node);
        Ok(())
    }

    fn add(&mut self, node: Node, anchor: usize) -> Result<(), Problem> {
        let own = match &node.value {
            Value::Scalar(scalar) => scalar.text.len(),
            _ => 0,
        };
        self.charge(Cost { nodes: 1, bytes: own, height: 0 }, node.line)?;
        if anchor > 0 {
            // The kept copy is paid for too, or nested anchors would multiply for free.
            self.charge(cost(&node), node.line)?;
            self.anchors.insert(anchor, node.clone());
        }
        self.place(node);
        Ok(())
    }

    fn check_depth(&self, more: usize, line: usize) -> Result<(), Problem> {
        if self.frames.len() + more > MAX_DEPTH {
            let message = format!("nested more than {MAX_DEPTH} levels deep");
            return Err(Problem::new(line, "", message));
        }
        Ok(())
    }

    fn charge(&mut self, cost: Cost, line: usize) -> Result<(), Problem> {
        self.nodes += cost.nodes;
        self.bytes += cost.bytes;
        if self.nodes > MAX_NODES || self.bytes > MAX_BYTES {
            let message = format!(
                "too large: more than {MAX_NODES} values or {} MiB of text once aliases are expanded",
                MAX_BYTES >> 20
            );
            return Err(Problem::new(line, "", message));
        }
        Ok(())
    }

    /// Puts a finished node where it belongs: an item, a key, a key's value or the root.
    fn place(&mut self, node: Node) {
        let path = self.path();
        match self.frames.last_mut().map(|frame| &mut frame.shape) {
            None => self.root = Some(node),
            Some(Shape::Seq(items)) => items.push(node),
            Some(Shape::Map(map)) => match map.key.take() {
                None => {
                    let (key, problem) = read_key(map, &node, &path);
                    // A key that is no string is read past, one that is there twice is not.
                    let passed = self.foreign && key.text.is_none() && !is_string(&node);
                    map.key = Some(key);
                    self.problems.extend(problem.filter(|_| !passed));
                }
                Some(Key { merge: true, .. }) => map.merge = Some(node),
                Some(Key { text: Some(key), line, column, .. }) => {
                    map.entries.push(Entry { key, line, column, value: node });
                }
                Some(_) => {}
            },
        }
    }

    /// Adds the keys of `<<` that the map does not have; of several sources the first wins.
    fn merge(&mut self, map: &mut MapFrame, merge: Node) {
        let line = merge.line;
        let sources = match merge.value {
            Value::Seq(items) => items,
            _ => vec![merge],
        };
        let mut known: HashSet<String> = map.seen.keys().cloned().collect();
        for source in sources {
            let Value::Map(entries) = source.value else {
                let path = join_key(&self.path(), "<<");
                let message = "a merge needs an alias of a map, or a list of them";
                self.problems.push(Problem::new(line, path, message));
                continue;
            };
            for entry in entries {
                if known.insert(entry.key.clone()) {
                    map.entries.push(entry);
                }
            }
        }
    }

    fn path(&self) -> String {
        self.frames.iter().fold(String::new(), |path, frame| match &frame.shape {
            Shape::Seq(items) => join_index(&path, items.len()),
            Shape::Map(MapFrame { key: Some(Key { text: Some(key), .. }), .. }) => {
                join_key(&path, shown_key(key))
            }
            Shape::Map(_) => path,
        })
    }

    /// A tag of the program that the file belongs to, such as `!reset`.
    fn foreign_tag(&self, tag: Option<&Tag>) -> Option<Box<str>> {
        let tag = tag.filter(|tag| self.foreign && tag.handle == "!" && !tag.suffix.is_empty())?;
        Some(format!("!{}", tag.suffix).into())
    }

    /// The core name of a tag; any other tag is a problem.
    fn tag(&mut self, tag: Option<&Tag>, line: usize) -> Option<&'static str> {
        const CORE: &str = "tag:yaml.org,2002:";
        let tag = tag?;
        let full = format!("{}{}", tag.handle, tag.suffix);
        let name = full.strip_prefix(CORE).unwrap_or(if full == "!" { "str" } else { "" });
        let names = ["str", "int", "float", "bool", "null", "seq", "map"];
        let known = names.into_iter().find(|known| *known == name);
        if known.is_none() && !self.foreign {
            let problem = Problem::new(line, self.path(), "this tag is not supported");
            self.problems.push(problem.with_hint("only the core tags, such as `!!str`"));
        }
        known
    }

    fn collection_tag(&mut self, tag: Option<&Tag>, want: &str, line: usize) {
        // `!` alone is the non-specific tag: a collection stays what it is.
        if let Some(name) = self.tag(tag, line)
            && name != want
            && name != "str"
        {
            let message = format!("tag `!!{name}` does not fit the value");
            self.problems.push(Problem::new(line, self.path(), message));
        }
    }

    fn check_tag(&mut self, tag: Option<&'static str>, scalar: &Scalar, line: usize) {
        let Some(name) = tag else { return };
        let value = scalar.resolve();
        let fits = match name {
            "str" => true,
            "int" => value.is_i64() || value.is_u64(),
            "float" => value.is_number(),
            "bool" => value.is_boolean(),
            "null" => value.is_null(),
            _ => false,
        };
        if !fits {
            let message = format!("tag `!!{name}` does not fit the value");
            self.problems.push(Problem::new(line, self.path(), message));
        }
    }
}

fn scalar_style(style: ScalarStyle, tag: Option<&str>) -> Style {
    match (tag, style) {
        (Some("str"), _) => Style::Quoted,
        (Some(_), _) | (None, ScalarStyle::Plain) => Style::Plain,
        _ => Style::Quoted,
    }
}

fn is_string(node: &Node) -> bool {
    matches!(&node.value, Value::Scalar(scalar) if scalar.resolve().is_string())
}

fn read_key(map: &mut MapFrame, node: &Node, path: &str) -> (Key, Option<Problem>) {
    let (line, column) = (node.line, node.column);
    let bad = Key { text: None, merge: false, line, column };
    let Value::Scalar(scalar) = &node.value else {
        return (bad, Some(Problem::new(line, path, "a key must be a string")));
    };
    if !is_string(node) {
        let problem = Problem::new(line, path, "a key must be a string");
        return (bad, Some(problem.with_hint("write the key in quotes")));
    }
    let merge = scalar.text == "<<" && scalar.style == Style::Plain;
    if let Some(first) = map.seen.get(&scalar.text) {
        let problem = Problem::new(line, join_key(path, shown_key(&scalar.text)), "duplicate key")
            .with_hint(format!("first on line {first}"));
        return (bad, Some(problem));
    }
    map.seen.insert(scalar.text.clone(), line);
    (Key { text: Some(scalar.text.clone()), merge, line, column }, None)
}
