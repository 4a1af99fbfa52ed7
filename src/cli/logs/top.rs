//! The most frequent errors of files.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use super::count::Counter;
use super::progress::Progress;
use super::source::Source;
use super::table::{self, View};
use super::zone;
use crate::cli::args::{CheckFormat, ErrorLevel, LogsTop};
use crate::cli::{print, tell_all};
use crate::collectors::logs::offline::level_names;
use crate::failure::Failure;

/// Columns of a trend.
const BUCKETS: i64 = 24;
/// Some file could not be read.
const INCOMPLETE: u8 = 1;

pub(super) fn run(arguments: &LogsTop) -> u8 {
    let now = zone::seconds(SystemTime::now());
    let report = report(arguments, now);
    tell_all(&report.notes);
    print(&report.text);
    if report.complete { 0 } else { INCOMPLETE }
}

struct Report {
    text: String,
    /// What makes the answer less than one would think.
    notes: Vec<String>,
    /// Every file could be read.
    complete: bool,
}

fn report(arguments: &LogsTop, now: i64) -> Report {
    let mut failures = Vec::new();
    let mut failure = |failure: &Failure| {
        let hint = failure.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        failures.push(format!("{failure}{hint}"));
    };
    let sources = sources(&arguments.files, &mut failure);
    let counted = count(arguments, sources, now, &mut failure);
    let view = View {
        groups: counted.groups(arguments.level),
        all: counted.counter.offline.groups(),
        lines: level_names().into_iter().zip(counted.counter.offline.lines()).collect(),
        files: counted.files,
        since: counted.since.map(zone::time),
        end: zone::time(now),
        width: counted.width,
        limit: arguments.limit,
    };
    let text = match arguments.format {
        CheckFormat::Table => table::text(&view),
        CheckFormat::Json => table::json(&view),
    };
    let complete = failures.is_empty();
    failures.extend(notes(arguments, &counted.counter));
    Report { text, notes: failures, complete }
}

fn sources(paths: &[PathBuf], failure: &mut impl FnMut(&Failure)) -> Vec<Source> {
    let mut sources = Vec::new();
    for path in paths {
        match Source::new(path) {
            Ok(source) => sources.push(source),
            Err(error) => failure(&error),
        }
    }
    sources
}

struct Counted {
    counter: Counter,
    files: usize,
    since: Option<i64>,
    width: Duration,
}

impl Counted {
    fn groups(&self, level: ErrorLevel) -> Vec<crate::collectors::logs::errors::merge::Merged> {
        let mut groups = self.counter.offline.groups().merged();
        groups.retain(|group| group.critical || level == ErrorLevel::Error);
        groups
    }
}

fn count(
    arguments: &LogsTop,
    sources: Vec<Source>,
    now: i64,
    failure: &mut impl FnMut(&Failure),
) -> Counted {
    let since = arguments.since.map(|since| now - i64::try_from(since.as_secs()).unwrap_or(now));
    let mut looker = Counter::new(None, now, Duration::from_hours(1));
    let mut files: Vec<(Option<i64>, Source)> = sources
        .into_iter()
        // What was not touched since holds nothing that is asked for.
        .filter(|source| since.is_none_or(|since| zone::seconds(source.modified) >= since))
        .map(|source| (looker.first(&source), source))
        .collect();
    let begin = |(first, source): &(Option<i64>, Source)| {
        first.unwrap_or_else(|| zone::seconds(source.modified))
    };
    files.sort_by_key(begin);
    let oldest = since.or_else(|| files.first().map(begin)).unwrap_or(now);
    // They are aligned, so the first and the last one are not whole.
    let width = u64::try_from((now - oldest) / (BUCKETS - 1) + 1).unwrap_or(1).max(60);
    let width = Duration::from_secs(width);
    let mut counter = Counter::new(since, now, width);
    let mut progress = Progress::new(files.iter().map(|(_, source)| source.size).sum());
    for (first, source) in &files {
        if let Err(error) = counter.file(source, *first, &mut progress) {
            failure(&error);
        }
    }
    progress.end();
    Counted { counter, files: files.len(), since, width }
}

fn notes(arguments: &LogsTop, counter: &Counter) -> Vec<String> {
    let mut notes = Vec::new();
    for path in &counter.timeless {
        let count = if arguments.since.is_some() { ", so all of them count" } else { "" };
        let path = path.display();
        notes.push(format!(
            "{path}: its lines name no time that is known{count}; shown is when it was changed"
        ));
    }
    if counter.cut > 0 {
        notes.push(format!(
            "{} lines were longer than 64 KiB; their beginnings were read",
            counter.cut
        ));
    }
    let other = counter.offline.groups().other;
    if other > 0 {
        notes.push(format!("{other} errors are of further kinds, which are not told apart"));
    }
    notes
}

#[cfg(test)]
mod tests;
