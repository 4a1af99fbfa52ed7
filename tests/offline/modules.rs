//! Which module names which, read from the source's tokens: imports with their braces and renames,
//! chains of `super`, and paths in the middle of the code and of macros. Comments, texts and tests
//! do not count.

use std::collections::{BTreeMap, BTreeSet};

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};

use crate::support::sources;

pub type Path = Vec<String>;

/// A place that names something of this crate.
pub struct Edge {
    pub file: String,
    pub line: usize,
    /// The module that names.
    pub from: Path,
    /// What is named, from the crate's root.
    pub to: Path,
}

pub struct Function {
    pub file: String,
    pub name: String,
    pub lines: usize,
}

#[derive(Default)]
pub struct Source {
    pub edges: Vec<Edge>,
    pub functions: Vec<Function>,
}

/// All of `src/` but files of tests.
pub fn read() -> Source {
    let files: Vec<(String, String)> =
        sources().into_iter().filter(|(path, _)| !is_test(path)).collect();
    let modules: BTreeSet<Path> = files.iter().map(|(path, _)| module(path)).collect();
    let mut source = Source::default();
    for (file, text) in &files {
        source.add(file, &module(file), text, &modules);
    }
    source
}

fn is_test(path: &str) -> bool {
    path.ends_with("/tests.rs") || path.contains("/tests/")
}

fn module(file: &str) -> Path {
    let inner = file.strip_prefix("src/").unwrap_or(file).trim_end_matches(".rs");
    let inner = inner.trim_end_matches("/mod");
    match inner {
        "lib" | "main" => Vec::new(),
        _ => inner.split('/').map(ToOwned::to_owned).collect(),
    }
}

impl Source {
    pub fn add(&mut self, file: &str, module: &[String], text: &str, modules: &BTreeSet<Path>) {
        let tokens: TokenStream = text.parse().unwrap_or_else(|error| panic!("{file}: {error}"));
        let mut reader = Reader { file, modules, names: BTreeMap::new(), found: self };
        // First the imports: a name may be used above the line that brings it.
        for only_imports in [true, false] {
            reader.walk(tokens.clone(), module, only_imports);
        }
    }
}

struct Reader<'a> {
    file: &'a str,
    modules: &'a BTreeSet<Path>,
    /// What a name of an import stands for.
    names: BTreeMap<String, Path>,
    found: &'a mut Source,
}

fn is(token: Option<&TokenTree>, word: &str) -> bool {
    token.is_some_and(|token| token.to_string() == word)
}

fn group(token: Option<&TokenTree>, delimiter: Delimiter) -> Option<&Group> {
    match token {
        Some(TokenTree::Group(group)) if group.delimiter() == delimiter => Some(group),
        _ => None,
    }
}

impl Reader<'_> {
    fn walk(&mut self, tokens: TokenStream, module: &[String], only_imports: bool) {
        let tokens: Vec<TokenTree> = tokens.into_iter().collect();
        let mut at = 0;
        while let Some(token) = tokens.get(at) {
            let rest = &tokens[at..];
            at += match token {
                TokenTree::Punct(_) if is_cfg_test(rest) => item(rest),
                TokenTree::Ident(word) if word == "use" && !is(rest.get(1), "<") => {
                    let end = rest.iter().position(|token| is(Some(token), ";")).unwrap_or(0);
                    if only_imports {
                        self.import(&rest[1..end], &mut Vec::new(), module, word);
                    }
                    end + 1
                }
                TokenTree::Ident(word) if word == "mod" => {
                    let body = group(rest.get(2), Delimiter::Brace);
                    if let (Some(name), Some(body)) = (rest.get(1), body) {
                        let inner: Path =
                            module.iter().cloned().chain([name.to_string()]).collect();
                        self.walk(body.stream(), &inner, only_imports);
                    }
                    3
                }
                TokenTree::Ident(word) => {
                    if word == "fn" && !only_imports {
                        self.function(word, rest);
                    }
                    let before = at.checked_sub(1).and_then(|before| tokens.get(before));
                    let starts = !is(before, ":") && !is(before, ".");
                    let path = if starts { path(rest) } else { Vec::new() };
                    if path.len() > 1 && !only_imports {
                        self.name(&path, module, word);
                    }
                    (3 * path.len()).saturating_sub(2).max(1)
                }
                TokenTree::Group(group) => {
                    self.walk(group.stream(), module, only_imports);
                    1
                }
                _ => 1,
            };
        }
    }

    fn function(&mut self, word: &Ident, rest: &[TokenTree]) {
        let Some(name) = rest.get(1).filter(|token| matches!(token, TokenTree::Ident(_))) else {
            return;
        };
        let upto = rest.iter().position(|token| is(Some(token), ";")).unwrap_or(rest.len());
        let body = rest[..upto].iter().find_map(|token| group(Some(token), Delimiter::Brace));
        if let Some(body) = body {
            let lines = body.span_close().end().line - word.span().start().line + 1;
            let (file, name) = (self.file.to_owned(), name.to_string());
            self.found.functions.push(Function { file, name, lines });
        }
    }

    /// A tree of an import, below the path that led there.
    fn import(&mut self, tree: &[TokenTree], above: &mut Path, module: &[String], at: &Ident) {
        let start = above.len();
        let mut rest = tree;
        while let Some(token) = rest.first() {
            match token {
                TokenTree::Ident(word) if word == "as" => break,
                TokenTree::Ident(word) => above.push(word.to_string()),
                TokenTree::Group(inner) => {
                    let all: Vec<TokenTree> = inner.stream().into_iter().collect();
                    for part in all.split(|token| is(Some(token), ",")) {
                        if !part.is_empty() {
                            self.import(part, above, module, at);
                        }
                    }
                    return above.truncate(start);
                }
                TokenTree::Punct(_) | TokenTree::Literal(_) => {}
            }
            rest = &rest[1..];
        }
        if above.last().is_some_and(|last| last == "self") {
            above.pop();
        }
        if let Some(to) = self.resolve(above, module) {
            let name = if is(rest.first(), "as") { rest.get(1) } else { None };
            let name = name.map(ToString::to_string).or_else(|| above.last().cloned());
            self.names.insert(name.unwrap_or_default(), to.clone());
            self.edge(to, module, at);
        }
        above.truncate(start);
    }

    fn name(&mut self, path: &[String], module: &[String], at: &Ident) {
        let to = self.resolve(path, module).or_else(|| {
            let (first, rest) = path.split_first()?;
            Some(self.names.get(first)?.iter().chain(rest).cloned().collect())
        });
        if let Some(to) = to {
            self.edge(to, module, at);
        }
    }

    /// From the crate's root; none for what is not of this crate.
    fn resolve(&self, path: &[String], module: &[String]) -> Option<Path> {
        let mut whole = module.to_vec();
        let mut rest = path;
        match path.first()?.as_str() {
            "crate" => {
                whole.clear();
                rest = &rest[1..];
            }
            "self" => rest = &rest[1..],
            "super" => {
                while rest.first().is_some_and(|word| word == "super") {
                    whole.pop();
                    rest = &rest[1..];
                }
            }
            first => {
                let inner: Path = module
                    .iter()
                    .map(String::as_str)
                    .chain([first])
                    .map(ToOwned::to_owned)
                    .collect();
                if !self.modules.contains(&inner) {
                    return None;
                }
            }
        }
        whole.extend(rest.iter().cloned());
        Some(whole)
    }

    fn edge(&mut self, to: Path, from: &[String], at: &Ident) {
        let (file, line) = (self.file.to_owned(), at.span().start().line);
        self.found.edges.push(Edge { file, line, from: from.to_vec(), to });
    }
}

/// `a::b::c`, as far as it goes.
fn path(tokens: &[TokenTree]) -> Path {
    let mut words = Vec::new();
    let mut rest = tokens;
    while let Some(TokenTree::Ident(word)) = rest.first() {
        words.push(word.to_string());
        if !is(rest.get(1), ":") || !is(rest.get(2), ":") {
            break;
        }
        rest = &rest[3..];
    }
    words
}

fn is_cfg_test(tokens: &[TokenTree]) -> bool {
    let attribute = group(tokens.get(1), Delimiter::Bracket);
    is(tokens.first(), "#")
        && attribute.is_some_and(|group| group.stream().to_string().replace(' ', "") == "cfg(test)")
}

/// How many tokens an item with its attribute has: to its body or its semicolon.
fn item(tokens: &[TokenTree]) -> usize {
    let is_use = tokens.iter().skip(2).take(4).any(|token| is(Some(token), "use"));
    let end = tokens.iter().skip(2).position(|token| {
        is(Some(token), ";") || !is_use && group(Some(token), Delimiter::Brace).is_some()
    });
    end.map_or(tokens.len(), |end| end + 3)
}

/// The reader itself: what it must see, and what it must not.
#[test]
fn every_way_of_naming_is_seen() {
    let text = "
        use super::super::engine::{self, board::Board as Plate, Slot};
        use crate::{catalogue::*, text as words};
        use child::Thing;
        use std::fmt;
        mod inner { fn f() { super::sibling::g(); } }
        #[cfg(test)] use crate::cli::{a, b};
        #[cfg(test)] mod tests { use crate::http::x; }
        /// crate::check::said
        fn g() {
            let told = \"crate::check::told\";
            metrics! { Row { crate::plan::Plan::new() } }
            words::shown(); engine::now(); Plate::new(); fmt::Debug;
            thing.crate_::no();
        }
    ";
    let here: Path = ["clients", "http"].map(ToOwned::to_owned).into();
    let child: Path = ["clients", "http", "child"].map(ToOwned::to_owned).into();
    let mut source = Source::default();
    source.add("x.rs", &here, text, &BTreeSet::from([here.clone(), child]));
    let seen: BTreeSet<String> = source.edges.iter().map(|edge| edge.to.join("::")).collect();
    let wanted = [
        "catalogue",
        "clients::http::child::Thing",
        "clients::http::sibling::g",
        "engine",
        "engine::Slot",
        "engine::board::Board",
        "engine::board::Board::new",
        "engine::now",
        "plan::Plan::new",
        "text",
        "text::shown",
    ];
    assert_eq!(seen, wanted.map(ToOwned::to_owned).into());
    let lengths: Vec<_> = source.functions.iter().map(|f| (f.name.as_str(), f.lines)).collect();
    assert_eq!(lengths, [("f", 1), ("g", 6)]);
}
