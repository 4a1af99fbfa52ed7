//! The most frequent errors of files.

use std::time::{Duration, SystemTime};

use tokio::runtime::Runtime;

use super::asked::{self, Asked, Log, Unknown};
use super::count::Counter;
use super::progress::Progress;
use super::table::{self, Kind, View};
use super::zone;
use crate::cli::args::{CheckFormat, ErrorLevel, LogsTop, Options};
use crate::cli::{BAD_USAGE, print, runtime, tell, tell_all};
use crate::collectors::logs::errors::Groups;
use crate::collectors::logs::offline::{Container, Journal, level_names};
use crate::failure::Failure;

/// Columns of a trend.
const BUCKETS: i64 = 24;
/// Something could not be read.
const INCOMPLETE: u8 = 1;

pub(super) fn run(options: &Options, arguments: &LogsTop) -> u8 {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => {
            tell(&format!("cannot start: {error}"));
            return INCOMPLETE;
        }
    };
    let asked = match asked::asked(options, &arguments.logs, &runtime) {
        Ok(asked) => asked,
        Err(Unknown(lines)) => {
            tell_all(&lines);
            return BAD_USAGE;
        }
    };
    let report = report(arguments, asked, zone::seconds(SystemTime::now()), &runtime);
    runtime.shutdown_background();
    tell_all(&report.notes);
    print(&report.text);
    if report.complete { 0 } else { INCOMPLETE }
}

struct Report {
    text: String,
    /// What makes the answer less than one would think.
    notes: Vec<String>,
    /// All could be read.
    complete: bool,
}

fn report(arguments: &LogsTop, asked: Asked, now: i64, runtime: &Runtime) -> Report {
    let mut failures = asked.failures;
    let counted = count(arguments, asked.logs, now, &mut failures, runtime);
    let offline = &counted.counter.offline;
    let view = View {
        kinds: counted.kinds(arguments.level),
        errors: offline.groups().total,
        warnings: offline.warnings().map(|groups| groups.total),
        other: offline.groups().other,
        unrecognised: offline.unrecognised(),
        lines: level_names().into_iter().zip(offline.lines()).collect(),
        read: counted.read,
        since: counted.since.map(zone::time),
        end: zone::time(now),
        width: counted.width,
        limit: arguments.limit,
    };
    let text = match arguments.format {
        CheckFormat::Table => table::text(&view),
        CheckFormat::Json => table::json(&view),
    };
    let told = |failure: &Failure| {
        let hint = failure.hint.as_ref().map_or_else(String::new, |hint| format!(" ({hint})"));
        format!("{failure}{hint}")
    };
    let mut all: Vec<String> = failures.iter().map(told).collect();
    all.extend(notes(arguments, &counted.counter));
    Report { text, notes: all, complete: failures.is_empty() }
}

/// How many of each kind of log were read.
#[derive(Clone, Copy, Default)]
pub(super) struct Read {
    pub(super) files: usize,
    pub(super) containers: usize,
    pub(super) journals: usize,
}

struct Counted {
    counter: Counter,
    read: Read,
    since: Option<i64>,
    width: Duration,
}

impl Counted {
    /// What is the same counts as one; the most frequent first.
    fn kinds(&self, least: ErrorLevel) -> Vec<Kind> {
        let offline = &self.counter.offline;
        let errors = offline.groups().merged().into_iter();
        let errors = errors.filter(|group| group.critical || least != ErrorLevel::Critical);
        let warnings = offline.warnings().map(Groups::merged).unwrap_or_default();
        let warnings = warnings.into_iter().map(|group| Kind { is_warning: true, group });
        let errors = errors.map(|group| Kind { is_warning: false, group });
        let mut kinds: Vec<Kind> = errors.chain(warnings).collect();
        kinds.sort_by_key(|kind| std::cmp::Reverse(kind.group.count));
        kinds
    }
}

fn count(
    arguments: &LogsTop,
    logs: Vec<Log>,
    now: i64,
    failures: &mut Vec<Failure>,
    runtime: &Runtime,
) -> Counted {
    let since = arguments.since.map(|since| now - i64::try_from(since.as_secs()).unwrap_or(now));
    let mut looker = Counter::new(None, now, Duration::from_hours(1));
    let mut logs: Vec<(Option<i64>, Log)> = logs
        .into_iter()
        // What was not touched since holds nothing that is asked for.
        .filter(|log| since.is_none_or(|since| log.newest().is_none_or(|newest| newest >= since)))
        .map(|log| (log.oldest(&mut looker, runtime), log))
        .collect();
    let begin = |(first, log): &(Option<i64>, Log)| first.or_else(|| log.newest()).unwrap_or(now);
    logs.sort_by_key(begin);
    let oldest = since.or_else(|| logs.first().map(begin)).unwrap_or(now);
    // They are aligned, so the first and the last one are not whole.
    let width = u64::try_from((now - oldest) / (BUCKETS - 1) + 1).unwrap_or(1).max(60);
    let width = Duration::from_secs(width);
    let mut counter = Counter::new(since, now, width);
    if arguments.level == ErrorLevel::Warning {
        counter.offline = counter.offline.with_warnings();
    }
    let mut progress = Progress::new(logs.iter().map(|(_, log)| log.size()).sum());
    let mut read = Read::default();
    for (first, log) in logs {
        let outcome = match &log {
            Log::File(source, reading) => {
                read.files += 1;
                counter.offline.read_as(reading);
                counter.file(source, first, &mut progress)
            }
            Log::Container(one, reading) => {
                read.containers += 1;
                counter.offline.read_as(reading);
                container(one, since, &mut counter, runtime)
            }
            Log::Journal(one, reading) => {
                read.journals += 1;
                counter.offline.read_as(reading);
                journal(one, since, &mut counter)
            }
        };
        failures.extend(outcome.err());
    }
    progress.end();
    Counted { counter, read, since, width }
}

impl Log {
    /// When it was changed last, where that is known before it is read.
    fn newest(&self) -> Option<i64> {
        if let Self::File(source, _) = self { Some(zone::seconds(source.modified)) } else { None }
    }

    /// Its first time.
    fn oldest(&self, looker: &mut Counter, runtime: &Runtime) -> Option<i64> {
        match self {
            Self::File(source, _) => looker.first(source),
            // If it cannot be read, that is told when it is.
            Self::Container(container, _) => runtime.block_on(container.oldest()).ok().flatten(),
            Self::Journal(journal, _) => journal.oldest(),
        }
    }

    fn size(&self) -> u64 {
        if let Self::File(source, _) = self { source.size } else { 0 }
    }
}

fn container(
    container: &Container,
    since: Option<i64>,
    counter: &mut Counter,
    runtime: &Runtime,
) -> Result<(), Failure> {
    let mut last = 0;
    let read = runtime.block_on(container.read(since, &mut |line| match line {
        Some((line, seconds)) => {
            last = seconds;
            counter.give(line, seconds);
        }
        None => counter.offline.end(zone::time(last)),
    }));
    let whole = read.map_err(|failure| Failure {
        detail: format!("{}: {}", container.name(), failure.detail),
        ..failure
    })?;
    if !whole {
        counter.bounded.push(container.name().to_owned());
    }
    Ok(())
}

fn journal(journal: &Journal, since: Option<i64>, counter: &mut Counter) -> Result<(), Failure> {
    let mut last = 0;
    let report = journal.all(since, &mut |taken, seconds| {
        last = seconds;
        counter.entry(taken, seconds);
    });
    counter.offline.end(zone::time(last));
    if report.waiting > 0 {
        counter.bounded.push("the journal".to_owned());
    }
    report.problem.map_or(Ok(()), Err)
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
    for name in &counter.bounded {
        notes.push(format!("{name}: not all of it was read, it is too large; --since takes less"));
    }
    if counter.cut > 0 {
        notes.push(format!(
            "{} lines were longer than 64 KiB; their beginnings and ends were read",
            counter.cut
        ));
    }
    let unrecognised = counter.offline.unrecognised();
    if unrecognised > 0 {
        let lines = if unrecognised == 1 { "line is" } else { "lines are" };
        notes.push(format!(
            "{} {lines} in no form that is known, so what they tell is not counted; `stack-exporter config check \
             --sample FILE` shows them, `format:` or `forms:` of a source says how they are meant",
            table::grouped(unrecognised)
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
