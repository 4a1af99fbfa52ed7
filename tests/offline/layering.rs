//! The layers, held by reading the source: what may know what.

use std::path::{Path, PathBuf};

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

#[test]
fn a_collector_knows_no_other_and_nothing_behind_it() {
    let folders = collectors();
    for folder in &folders {
        let name = |path: &PathBuf| path.file_name().unwrap().to_string_lossy().into_owned();
        let mut words: Vec<String> = folders
            .iter()
            .filter(|other| *other != folder)
            .map(|other| format!("collectors::{}", name(other)))
            .collect();
        words.extend(
            ["crate::http", "crate::exposition", "crate::check", "crate::cli::", "crate::generate"]
                .map(ToOwned::to_owned),
        );
        let words: Vec<&str> = words.iter().map(String::as_str).collect();
        assert_eq!(offences(&sources(folder), &words), Vec::<String>::new());
    }
}

#[test]
fn nothing_points_backwards() {
    let rules: [(&str, &[&str]); 6] = [
        (
            "catalogue",
            &[
                "crate::http",
                "crate::exposition",
                "crate::collectors",
                "crate::plan",
                "crate::check",
            ],
        ),
        (
            "engine",
            &["crate::http", "crate::exposition", "crate::plan", "crate::cli::", "crate::check"],
        ),
        ("exposition", &["crate::http", "crate::collectors", "crate::plan", "crate::check"]),
        (
            "config",
            &[
                "crate::engine",
                "crate::collectors",
                "crate::catalogue",
                "crate::plan",
                "crate::http",
            ],
        ),
        ("clients", &["crate::collectors", "crate::catalogue", "crate::plan", "crate::http"]),
        // The engine's own facts come from there.
        ("clients/kernel", &["crate::engine", "crate::config", "crate::clients::engine"]),
    ];
    for (module, words) in rules {
        assert_eq!(offences(&sources(&Path::new(SRC).join(module)), words), Vec::<String>::new());
    }
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
}

#[test]
fn a_metric_name_is_typed_once() {
    let all = sources(Path::new(SRC));
    for (_, facts) in stack_exporter::collectors::CATALOGUE.metrics() {
        let declared = ["gauge", "counter", "established", "histogram"]
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
