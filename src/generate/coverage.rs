//! docs/project/coverage.md: which documented fact is a metric, a panel, an alert and a test.
//!
//! Read from what is there: ids on metrics and signals, and ids in the tests. Panels are read by
//! people, to whom an id says nothing: theirs stand in a table, and a test holds each panel that it
//! names against the dashboards. So this cannot claim what is not there.

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;

use super::NOTICE;
use crate::catalogue::Catalogue;

const FACTS: &str = "docs/project/requirements.tsv";
const PANELS: &str = "tests/coverage.tsv";

pub(super) fn text(catalogue: &Catalogue, root: &Path) -> Result<String, String> {
    let facts = std::fs::read_to_string(root.join(FACTS))
        .map_err(|error| format!("{FACTS}: cannot read: {error}"))?;
    let panels = std::fs::read_to_string(root.join(PANELS))
        .map_err(|error| format!("{PANELS}: cannot read: {error}"))?;
    let panels = panels_by_id(&panels)?;
    let tests = ids_by_file(root, &root.join("tests"), "rs");
    let mut out = format!(
        "# Coverage\n\n<!-- {NOTICE} -->\n\n\
         The facts that five documented stacks tell their operators to watch, and where each one is here. \
         Alerts have generated promtool cases of their own besides the tests named.\n\n\
         | id | fact | metrics | panels | alerts | tests |\n|---|---|---|---|---|---|\n"
    );
    let mut covered = 0;
    let mut rows = 0;
    for line in facts.lines().filter(|line| !line.trim().is_empty()) {
        let (id, fact) = line.split_once('\t').ok_or(format!("{FACTS}: a line without a tab"))?;
        let mut metrics: Vec<_> = catalogue
            .metrics()
            .filter(|(_, facts)| facts.requirements.contains(&id))
            .map(|(_, facts)| format!("`{}`", facts.name))
            .collect();
        let more = metrics.len().saturating_sub(4);
        metrics.truncate(4);
        if more > 0 {
            metrics.push(format!("and {more} more"));
        }
        let alerts: Vec<_> = catalogue
            .signals()
            .filter(|(_, signal)| signal.requirements.contains(&id))
            .map(|(_, signal)| format!("`{}`", signal.alert))
            .collect();
        rows += 1;
        covered += usize::from(!metrics.is_empty());
        let _ = writeln!(
            out,
            "| {id} | {} | {} | {} | {} | {} |",
            fact.replace('|', "\\|"),
            cell(&metrics),
            cell(panels.get(id).map_or(&[], Vec::as_slice)),
            cell(&alerts),
            cell(tests.get(id).map_or(&[], Vec::as_slice)),
        );
    }
    let _ = writeln!(out, "\n{covered} of {rows} facts are metrics.");
    Ok(out)
}

/// The files with panels for a fact, by its id, from lines of id, kind and place.
fn panels_by_id(table: &str) -> Result<BTreeMap<String, Vec<String>>, String> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for line in table.lines().skip(1) {
        let mut columns = line.split('\t');
        let (Some(id), Some("panel"), Some(place)) =
            (columns.next(), columns.next(), columns.next())
        else {
            return Err(format!("{PANELS}: expected id, `panel`, `file: title`: {line}"));
        };
        let file = format!("`{}`", place.split(": ").next().unwrap_or_default());
        let files = found.entry(id.to_owned()).or_default();
        if !files.contains(&file) {
            files.push(file);
        }
    }
    Ok(found)
}

fn cell(entries: &[String]) -> String {
    if entries.is_empty() { "not yet".to_owned() } else { entries.join(" ") }
}

/// The files below a folder that carry an id between square brackets, by id.
fn ids_by_file(root: &Path, folder: &Path, extension: &str) -> BTreeMap<String, Vec<String>> {
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    let mut folders = vec![folder.to_owned()];
    while let Some(folder) = folders.pop() {
        let Ok(entries) = std::fs::read_dir(&folder) else { continue };
        for path in entries.flatten().map(|entry| entry.path()) {
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|ending| ending == extension) {
                let text = std::fs::read_to_string(&path).unwrap_or_default();
                let name = path.strip_prefix(root).unwrap_or(&path).display().to_string();
                for id in ids(&text) {
                    let files = found.entry(id).or_default();
                    if !files.contains(&format!("`{name}`")) {
                        files.push(format!("`{name}`"));
                    }
                }
            }
        }
    }
    for files in found.values_mut() {
        files.sort();
    }
    found
}

/// Every id in groups such as `[P04 P19]`.
pub(crate) fn ids(text: &str) -> Vec<String> {
    let is_id = |word: &&str| {
        word.len() == 3
            && word.starts_with(|c: char| c.is_ascii_uppercase())
            && word.chars().skip(1).all(|c| c.is_ascii_digit())
    };
    let groups = text.split('[').skip(1).filter_map(|rest| rest.split_once(']'));
    let groups = groups.map(|(group, _)| group.split(' ').collect::<Vec<_>>());
    let groups = groups.filter(|words| words.iter().all(&is_id));
    groups.flatten().map(ToOwned::to_owned).collect()
}
