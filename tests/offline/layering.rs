//! The layers, held by reading the source: what may know what.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::modules;

const SRC: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/src");

/// Every source file below a folder, with its text up to its tests.
fn sources(folder: &Path) -> Vec<(PathBuf, String)> {
    let mut found = Vec::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            let name = path.file_name().unwrap().to_string_lossy().into_owned();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") && name != "tests.rs" {
                let text = std::fs::read_to_string(&path).unwrap();
                let code = text.split("#[cfg(test)]\nmod tests").next().unwrap_or_default();
                found.push((path, code.to_owned()));
            }
        }
    }
    assert!(!found.is_empty(), "{} has no source", folder.display());
    found.sort();
    found
}

fn collectors() -> Vec<PathBuf> {
    let entries = std::fs::read_dir(Path::new(SRC).join("collectors")).unwrap();
    let mut folders: Vec<_> =
        entries.map(|entry| entry.unwrap().path()).filter(|path| path.is_dir()).collect();
    folders.sort();
    folders
}

/// Lines of code, without comments, that hold one of the words.
fn offences(files: &[(PathBuf, String)], words: &[&str]) -> Vec<String> {
    let mut found = Vec::new();
    for (path, code) in files {
        for (number, line) in code.lines().enumerate() {
            let line = line.split("//").next().unwrap_or_default();
            for word in words.iter().filter(|word| line.contains(**word)) {
                found.push(format!("{}:{}: {word}", path.display(), number + 1));
            }
        }
    }
    found
}

fn is_pure(path: &Path) -> bool {
    path.file_name().is_some_and(|name| name == "sample.rs" || name == "metrics.rs")
}

#[test]
fn only_the_exposition_names_prometheus_client() {
    let mut files = sources(Path::new(SRC));
    files.retain(|(path, _)| !path.ends_with("exposition/openmetrics.rs"));
    assert_eq!(offences(&files, &["prometheus_client"]), Vec::<String>::new());
}

#[test]
fn samples_and_metrics_are_pure() {
    for folder in collectors() {
        let files: Vec<_> =
            sources(&folder).into_iter().filter(|(path, _)| is_pure(path)).collect();
        assert!(files.len() >= 2, "{}: sample.rs and metrics.rs", folder.display());
        let words = [
            "async fn",
            ".await",
            "tokio::",
            "reqwest::",
            "std::fs",
            "std::net",
            "SystemTime::now",
            "Instant::now",
            "rusqlite::",
        ];
        assert_eq!(offences(&files, &words), Vec::<String>::new());
    }
}

/// What each module of the root may name besides itself, as ARCHITECTURE.md has it. Who names
/// nobody of ours is the ground.
const KNOWS: &[(&str, &[&str])] = &[
    ("text", &[]),
    ("files", &[]),
    ("failure", &[]),
    ("config", &[]),
    ("catalogue", &["failure", "text"]),
    ("clients", &["failure", "text", "files", "config"]),
    // The kernel's files, which the engine reads of its own process.
    ("clients::kernel", &[]),
    ("engine", &["catalogue", "clients::kernel", "failure", "text", "files"]),
    ("check", &["catalogue", "engine", "failure", "text"]),
    ("overview", &["catalogue", "check", "engine", "failure", "text"]),
    ("plan", &["catalogue", "config", "engine"]),
    (
        "notify",
        &[
            "catalogue",
            "check",
            "clients",
            "config",
            "engine",
            "failure",
            "files",
            "overview",
            "text",
        ],
    ),
    (
        "collectors",
        &[
            "catalogue",
            "clients",
            "clients::kernel",
            "config",
            "engine",
            "failure",
            "files",
            "plan",
            "text",
        ],
    ),
];
/// These are what people and programs touch; they may name all.
const ABOVE: &[&str] = &["exposition", "http", "cli", "generate", "load", "main"];

/// The entry of the table that a path belongs to.
fn entry(path: &[String]) -> Option<String> {
    match path {
        [first, second, ..] if first == "clients" && second == "kernel" => {
            Some("clients::kernel".to_owned())
        }
        [first, ..] => Some(first.clone()),
        [] => None,
    }
}

#[test]
fn nobody_names_what_is_above() {
    let source = modules::read();
    assert!(source.edges.len() > 1000, "{}", source.edges.len());
    let known: BTreeSet<&str> =
        KNOWS.iter().map(|(module, _)| *module).chain(ABOVE.iter().copied()).collect();
    let (mut wrong, mut used) = (BTreeSet::new(), BTreeSet::new());
    for edge in &source.edges {
        let (Some(from), Some(to)) = (entry(&edge.from), entry(&edge.to)) else { continue };
        let allowed = KNOWS.iter().find(|(module, _)| *module == from);
        let Some((_, allowed)) = allowed else { continue };
        used.insert((from.clone(), to.clone()));
        if from != to && known.contains(to.as_str()) && !allowed.contains(&to.as_str()) {
            wrong.insert(format!("{}:{}: {}", edge.file, edge.line, edge.to.join("::")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
    for (from, allowed) in KNOWS {
        let idle: Vec<_> = allowed
            .iter()
            .filter(|to| !used.contains(&((*from).to_owned(), (**to).to_owned())))
            .collect();
        assert!(idle.is_empty(), "{from} names none of {idle:?}: take it out of the table");
    }
}

/// Neither another area, nor what knows all areas.
#[test]
fn a_collector_knows_no_other() {
    let mut wrong = BTreeSet::new();
    for edge in modules::read().edges {
        if let ([a, from, ..], [b, to, ..]) = (&edge.from[..], &edge.to[..])
            && a == "collectors"
            && b == "collectors"
            && from != to
        {
            wrong.insert(format!("{}:{}: {}", edge.file, edge.line, edge.to.join("::")));
        }
    }
    assert!(wrong.is_empty(), "{wrong:#?}");
}

#[test]
fn files_and_functions_stay_small_and_every_module_says_what_it_is() {
    for (path, code) in sources(Path::new(SRC)) {
        let lines = code.lines().count();
        assert!(lines <= 400, "{} has {lines} lines", path.display());
        assert!(code.starts_with("//!"), "{} does not say what it is", path.display());
    }
    let main = std::fs::read_to_string(Path::new(SRC).join("main.rs")).unwrap();
    assert!(main.lines().count() <= 40);
    let functions = modules::read().functions;
    assert!(functions.len() > 1000, "{}", functions.len());
    let long = functions.iter().filter(|function| function.lines > 60);
    let long: Vec<_> = long.map(|f| format!("{}: {}: {}", f.file, f.name, f.lines)).collect();
    assert!(long.is_empty(), "{long:#?}");
}

#[test]
fn a_metric_name_is_typed_once() {
    let all = sources(Path::new(SRC));
    for (_, facts) in stack_exporter::collectors::CATALOGUE.metrics() {
        let declared = ["gauge", "counter", "established", "histogram", "names"]
            .map(|kind| format!("{kind} {} ", facts.name));
        let count: usize = all
            .iter()
            .flat_map(|(_, code)| code.lines())
            .filter(|line| declared.iter().any(|text| line.trim_start().starts_with(text.as_str())))
            .count();
        assert_eq!(count, 1, "{} is declared {count} times", facts.name);
    }
}

#[test]
fn no_allow_without_a_reason_and_no_printing() {
    let files = sources(Path::new(SRC));
    for (path, code) in &files {
        for (at, _) in code.match_indices("#[allow(") {
            let text = &code[at..(at + 300).min(code.len())];
            let end = text.find(")]").unwrap_or(text.len());
            assert!(text[..end].contains("reason"), "{}: {}", path.display(), &text[..end]);
        }
    }
    assert_eq!(
        offences(&files, &["println!", "eprintln!", "static mut", "lazy_static"]),
        Vec::<String>::new()
    );
}
