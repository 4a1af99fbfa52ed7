//! Files as an input.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::Duration;

use super::super::config::Logs;
use super::super::follow::find::{Pattern, may_copy, pattern};
use super::super::follow::report::Report;
use super::super::follow::{self, Follow};
use super::super::offline::Whole;
use super::super::plan::Mistakes;
use super::{Input, Places, Step, Told};
use crate::clients::folder::{Bounds, list};

/// How much of the folders is looked at for all that there is, and files that are taken of one pattern.
const ENTRIES: usize = 100_000;
const TIME: Duration = Duration::from_secs(10);
const MOST: usize = 1000;

impl Input for Follow {
    fn place(&self) -> String {
        self.texts.join(", ")
    }

    fn missing(&self) -> &'static str {
        "no such file"
    }

    fn advice(&self) -> &'static str {
        "is the folder mounted into the exporter's container, and does the program log there?"
    }

    fn is_watched(&self) -> bool {
        true
    }

    fn touch(&self, places: &mut Places, paths: &BTreeSet<PathBuf>, step: Step) -> Option<Report> {
        let Step { now, in_time, sink, .. } = step;
        Self::touch(self, &mut places.files, paths, now, in_time, sink)
    }

    fn step(&self, places: &mut Places, step: Step) -> Report {
        Self::step(self, &mut places.files, step.now, step.in_time, step.sink)
    }

    fn whole(&self) -> Told<'_> {
        Box::pin(std::future::ready({
            let files = all(self);
            if files.is_empty() { Err(self.nothing()) } else { Ok(Whole::Files(files)) }
        }))
    }
}

/// The files that a source names, as far as they can be read.
pub fn plan(logs: &Logs, mistakes: &mut Mistakes) -> Follow {
    let (mut texts, mut patterns) = (Vec::new(), Vec::new());
    for (index, text) in logs.files.iter().enumerate() {
        match of_program(text) {
            Ok(pattern) => {
                texts.push(text.clone());
                patterns.push(pattern);
            }
            Err(message) => mistakes.push((format!("files[{index}]"), message)),
        }
    }
    let (open, budget) = (follow::file::open, follow::BUDGET);
    let held = follow::MAX_HELD;
    Follow { texts, patterns, start: logs.start, open, budget, held }
}

/// The pattern, unless it is of what Docker writes: JSON around each line, in pieces.
fn of_program(text: &str) -> Result<Pattern, String> {
    if text.ends_with("-json.log") || text.contains("/docker/containers/") {
        return Err("is a file of Docker's own, with JSON around each line of the program: write \
             `container: NAME` or `compose_service: NAME` instead of `files`, which reads it and unpacks it"
            .into());
    }
    pattern(text)
}

/// All files of a source, with what rotation has made of them.
fn all(follow: &Follow) -> Vec<PathBuf> {
    let mut files = BTreeSet::new();
    for pattern in &follow.patterns {
        let (found, _) = list(pattern, &mut Bounds::new(ENTRIES, TIME), MOST);
        for file in found {
            files.extend(rotated(&file.path));
            files.insert(file.path);
        }
    }
    files.into_iter().collect()
}

/// What rotation has made of a file, packed or not.
fn rotated(file: &Path) -> Vec<PathBuf> {
    let Some(folder) = file.parent() else { return Vec::new() };
    let names = std::fs::read_dir(folder).into_iter().flatten().flatten();
    let paths = names.map(|name| name.path()).filter(|path| may_copy(path, file));
    paths.filter(|path| path.is_file()).take(MOST).collect()
}
