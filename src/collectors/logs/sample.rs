//! What has been counted, as rows.

use std::time::{Duration, SystemTime};

use super::recent::{quantile, seconds, since};
use super::rows::{Client, ErrorGroup, Log, Requests};
use super::scan::bytes::Content;
use super::scan::request::{BUCKETS, Method, Status};
use super::source::{Raw, Source};
use super::tally::Tally;
use crate::catalogue::{Batch, Cell, Column, Detail, Histogram};
use crate::failure::{Failure, Reason};

pub fn sample(source: &Source, raw: &Raw, now: SystemTime) -> Result<Batch, Failure> {
    if let Some(failure) = &raw.failure {
        return Err(failure.clone());
    }
    let refused = raw.nothing.then(|| refused(source, raw)).flatten();
    if raw.nothing && refused.is_none() {
        return Err(nothing(source, raw));
    }
    let tally = &raw.tally;
    let silent = |since: SystemTime| source.silence(since, now);
    let seen = source.scanner.access.then(|| tally.access.clients.seen(seconds(now) / 60));
    let log = Log {
        silence: silent(tally.last_line.unwrap_or(raw.since)),
        lag: raw.report.oldest_unread.map_or(Duration::ZERO, |at| since(at, now)),
        now,
        catching_up: raw.catching_up,
        saved: raw.unsaved.is_none(),
        access: source.scanner.access,
        times: times(source, tally),
        p95: quantile(0.95, &BUCKETS, &tally.times.sum(now)),
        clients: seen.clone(),
        tally: tally.clone(),
        report: raw.report.clone(),
    };
    let rules = source.scanner.rules.rows(&tally.rules, raw.since, now, &silent);
    let clients = seen.map(|seen| seen.top).unwrap_or_default();
    let clients = clients.into_iter().map(|(address, requests)| Client { address, requests });
    let mut batch = rules
        .fill(Batch::new().with(vec![log]))
        .with(groups(tally))
        .with(requests(source, tally))
        .with(clients.collect())
        .dropped("files", raw.report.crowded_out)
        .dropped("directory entries", raw.report.not_listed)
        .dropped("label values", raw.capped)
        .detail(errors(tally, now));
    if let Some(problem) = raw.report.problem.as_ref().or(refused.as_ref()) {
        batch = batch.gap("a part of the log", problem.clone());
    }
    if let Some(problem) = &raw.unwatched {
        batch = batch.gap("changes of files as they come", problem.clone());
    }
    Ok(match &raw.unsaved {
        Some(problem) => batch.gap("the memory over a restart", problem.clone()),
        None => batch,
    })
}

/// Nothing where no request ever named its time.
fn times(source: &Source, tally: &Tally) -> Option<Histogram> {
    let times = &tally.access.times;
    source.scanner.access.then(|| Histogram::of(&BUCKETS, &times.counts, times.sum()))
}

fn groups(tally: &Tally) -> Vec<ErrorGroup> {
    let mut groups = Vec::new();
    for shown in tally.errors.exported() {
        groups.push(ErrorGroup {
            fingerprint: shown.group.fingerprint.to_string(),
            level: shown.group.level(),
            logger: shown.group.logger.clone(),
            exception: shown.group.exception.clone(),
            count: if shown.series.young { 0 } else { shown.value },
        });
    }
    for (fingerprint, count) in [("other", tally.errors.rest), ("retired", tally.errors.ended)] {
        groups.push(ErrorGroup {
            fingerprint: fingerprint.to_owned(),
            level: "",
            logger: String::new(),
            exception: String::new(),
            count,
        });
    }
    groups
}

fn requests(source: &Source, tally: &Tally) -> Vec<Requests> {
    if !source.scanner.access {
        return Vec::new();
    }
    let row = |method: Method| Requests {
        method: method.as_str(),
        counts: Status::ALL.map(|status| tally.access.requests(method, status)),
    };
    Method::ALL.into_iter().map(row).collect()
}

/// The kinds of errors for people: nearly equal ones together, the most frequent first.
fn errors(tally: &Tally, now: SystemTime) -> Detail {
    const COLUMNS: &[Column] = &[
        Column { name: "count", title: "Count" },
        Column { name: "level", title: "Level" },
        Column { name: "error", title: "Error" },
        Column { name: "exception", title: "Exception" },
        Column { name: "logger", title: "Logger" },
        Column { name: "first", title: "First" },
        Column { name: "last", title: "Last" },
        Column { name: "trend", title: "Last 24 hours" },
        Column { name: "fingerprint", title: "Fingerprint" },
    ];
    const SAMPLE: Column = Column { name: "sample", title: "Example" };
    let row = |group: super::errors::merge::Merged| {
        let place =
            if group.frame.is_empty() { String::new() } else { format!(" at {}", group.frame) };
        let mut cells = vec![
            Cell::Count(group.count),
            Cell::Text(group.level().to_owned()),
            Cell::Text(group.template.clone()),
            Cell::Text(format!("{}{place}", group.exception)),
            Cell::Text(group.logger.clone()),
            Cell::At(group.first),
            Cell::At(group.last),
            Cell::Trend(group.trend.until(now, None).to_vec()),
            Cell::Text(group.fingerprint.to_string()),
        ];
        if tally.errors.samples {
            cells.push(Cell::Text(group.sample.unwrap_or_default()));
        }
        cells
    };
    let rows = tally.errors.merged().into_iter().map(row).collect();
    // Whole lines are there only where the configuration asks for them.
    let more = tally.errors.samples.then_some(SAMPLE);
    let columns = COLUMNS.iter().copied().chain(more).collect();
    Detail { title: "Errors by kind", name: "errors", columns, rows }
}

/// Why none of the files that are there is read, if that is so: they are no trouble of the source's, but their owner
/// must know.
fn refused(source: &Source, raw: &Raw) -> Option<Failure> {
    let skipped = &raw.report.skipped;
    if raw.report.problem.is_some() || skipped.all() == 0 {
        return None;
    }
    let content = [
        (skipped.compressed, Content::Compressed),
        (skipped.utf16, Content::Utf16),
        (skipped.binary, Content::Binary),
    ];
    let found: Vec<_> = content.into_iter().filter(|(count, _)| *count > 0).collect();
    let place = source.input.place();
    let Some((_, first)) = found.first() else {
        let detail = format!("{place}: none of what is there is a file that is read");
        return Some(Failure::new(Reason::PARSE, detail).hint(
            "pipes, directories, what is below /proc or /sys and links of a stranger are not read",
        ));
    };
    let names: Vec<_> = found.iter().map(|(_, content)| content.describe().0).collect();
    let detail = format!("{place}: only files that hold no lines of text ({})", names.join(", "));
    Some(Failure::new(Reason::PARSE, detail).hint(first.describe().1))
}

/// Why there is nothing to read.
fn nothing(source: &Source, raw: &Raw) -> Failure {
    if let Some(problem) = &raw.report.problem {
        return problem.clone();
    }
    source.input.nothing()
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::config::{Logs, Start};
    use super::super::input::{Around, files};
    use super::super::memory::{Memory, News};
    use super::super::plan;
    use super::*;
    use crate::engine::Storage;
    use crate::{config, golden};

    /// `config.yaml` is the source as the file would have it, but for the name of its log:
    /// `input.log` of the case.
    fn read(case: &Path) -> Result<Batch, Failure> {
        let yaml = golden::file(case, "config.yaml").expect("a configuration");
        let text = String::from_utf8(yaml).expect("UTF-8");
        let loaded = config::load::<Logs>("config.yaml", &text, &|_| None);
        let mut logs = loaded.finish().expect("a right configuration");
        for file in &mut logs.files {
            *file = case.join(&file).display().to_string();
        }
        logs.start = Start::Beginning;
        let (mut source, mistakes) = plan::source("case", &logs, &Around::default());
        assert_eq!(mistakes, []);
        // The messages of a failure must not depend on where the repository lies.
        let mut files = files::plan(&logs, &mut Vec::new());
        files.texts = vec!["input.log".to_owned()];
        source.input = Box::new(files);
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut memory = Memory::default();
        let storage = Storage::memory();
        let clock = 1_714_557_601;
        memory.read(&source, &storage, &News::ALL, || at(clock)).expect("a first reading");
        // Quiet for a while, so that the last event is complete.
        memory.read(&source, &storage, &News::ALL, || at(clock + 5)).expect("a second one");
        // What is new has been shown as 0 for a minute.
        let raw =
            memory.read(&source, &storage, &News::ALL, || at(clock + 90)).expect("a third one");
        sample(&source, &raw, at(clock + 90))
    }

    #[test]
    fn golden_cases() {
        golden::run("logs", read);
    }
}
