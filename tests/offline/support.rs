//! Files of the repository as text and as YAML, and programs that have to be there.

use std::io::ErrorKind;
use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;
use stack_exporter::config::tree;

pub fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The text of a file of the repository.
pub fn read(path: &str) -> String {
    let file = root().join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| panic!("{path}: {error}"))
}

/// A YAML file of the repository. The product's own reader: strict, and it knows merges.
pub fn yaml(path: &str) -> Value {
    let node = tree::parse(&read(path)).unwrap_or_else(|problems| panic!("{path}: {problems:?}"));
    node.to_json()
}

/// Paths of the files in a folder whose names end so, in order, relative to the repository.
pub fn files(folder: &str, ending: &str) -> Vec<String> {
    let entries =
        std::fs::read_dir(root().join(folder)).unwrap_or_else(|e| panic!("{folder}: {e}"));
    let names = entries.map(|entry| entry.unwrap().file_name().into_string().unwrap());
    let mut found: Vec<_> = names
        .filter(|name| name.ends_with(ending))
        .map(|name| format!("{folder}/{name}"))
        .collect();
    found.sort();
    assert!(!found.is_empty(), "{folder} has no *{ending}");
    found
}

/// Every source file, by its path below the root.
pub fn sources() -> Vec<(String, String)> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join("src")]);
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == "rs") {
                let name = path.strip_prefix(root()).unwrap().display().to_string();
                found.push((name, std::fs::read_to_string(&path).unwrap()));
            }
        }
    }
    found.sort();
    found
}

/// The name of a file without folder and ending.
pub fn stem<'a>(path: &'a str, ending: &str) -> &'a str {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.strip_suffix(ending).unwrap_or(name)
}

/// Runs a program in the repository. One that is missing fails the test: skipping would hide it.
pub fn run(program: &str, args: &[&str]) -> Output {
    let output = Command::new(program).args(args).current_dir(root()).output();
    output.unwrap_or_else(|error| match error.kind() {
        ErrorKind::NotFound => panic!(
            "{program} is missing: apt-get install prometheus prometheus-alertmanager (or sh .ci/setup)"
        ),
        _ => panic!("{program}: {error}"),
    })
}

/// Runs a program that has to succeed, and returns what it printed.
pub fn succeed(program: &str, args: &[&str]) -> String {
    let output = run(program, args);
    let said = said(&output);
    assert!(output.status.success(), "{program} {}:\n{said}", args.join(" "));
    said
}

/// Everything that it printed.
pub fn said(output: &Output) -> String {
    format!(
        "{}{}",
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr)
    )
}

/// A file in a folder that goes with the guard.
pub fn temporary(name: &str, text: &str) -> (tempfile::TempDir, PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join(name);
    std::fs::write(&file, text).unwrap();
    (folder, file)
}

/// The items of a list; none for anything else.
pub fn items(value: &Value) -> &[Value] {
    value.as_array().map_or(&[], Vec::as_slice)
}

/// The texts in a list.
pub fn texts(value: &Value) -> Vec<&str> {
    items(value).iter().filter_map(Value::as_str).collect()
}

/// Keys and values of a map; none for anything else.
pub fn entries(value: &Value) -> impl Iterator<Item = (&str, &Value)> {
    value.as_object().into_iter().flatten().map(|(key, value)| (key.as_str(), value))
}

/// Text at a pointer such as `/labels/severity`; empty if there is none.
pub fn at<'a>(value: &'a Value, pointer: &str) -> &'a str {
    value.pointer(pointer).and_then(Value::as_str).unwrap_or_default()
}

/// Every key of every map within.
pub fn keys(value: &Value) -> Vec<&str> {
    let below = entries(value).flat_map(|(key, value)| [vec![key], keys(value)].concat());
    below.chain(items(value).iter().flat_map(keys)).collect()
}
