//! Files of several forms, packed and not, as one answer.

use std::io::Write as _;
use std::path::Path;

use clap::Parser as _;
use serde_json::Value;

use super::*;
use crate::cli::args::Args;

/// 2024-02-29T12:00:00Z
const NOON: i64 = 1_709_208_000;

fn arguments(files: &[&Path]) -> LogsTop {
    LogsTop {
        logs: files.iter().map(|path| path.to_path_buf()).collect(),
        since: None,
        limit: 10,
        format: CheckFormat::Json,
        level: ErrorLevel::Error,
    }
}

fn report(arguments: &LogsTop, now: i64) -> Report {
    let runtime = runtime().unwrap();
    let options = Args::try_parse_from(["stack-exporter"]).unwrap().options;
    let asked = asked::asked(&options, &arguments.logs, &runtime).ok().unwrap();
    super::report(arguments, asked, now, &runtime)
}

/// A file whose last change was at noon.
fn write(path: &Path, bytes: &[u8]) {
    std::fs::write(path, bytes).unwrap();
    let file = std::fs::File::options().write(true).open(path).unwrap();
    file.set_modified(zone::time(NOON)).unwrap();
}

fn gzip(text: &str) -> Vec<u8> {
    let mut gzip = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gzip.write_all(text.as_bytes()).unwrap();
    gzip.finish().unwrap()
}

const OLD: &str = "2024-02-27T12:00:00Z [ERROR] app: task 1 failed
2024-02-28T13:00:00Z [ERROR] app: task 2 failed
Traceback (most recent call last):
  File \"/app/a.py\", line 1, in run
ValueError: 2024-01-01 12:00:00 is no time
2024-02-28T13:00:01Z [INFO] app: up
";
const NEW: &str = "{\"timestamp\": \"2024-02-29T11:00:00Z\", \"level\": \"ERROR\", \"logger\": \"app\", \"message\": \"task 3 failed\"}
{\"timestamp\": \"2024-02-29T11:30:00Z\", \"level\": \"CRITICAL\", \"logger\": \"app\", \"message\": \"gone\"}
{\"timestamp\": \"2024-02-29T11:30:00Z\", \"level\": \"ERROR\", \"logger\": \"app\", \"message\": \"task 4 failed\"}";

fn told(report: &Report) -> Vec<(u64, String, String)> {
    let report: Value = serde_json::from_str(&report.text).unwrap();
    let groups = report["groups"].as_array().unwrap();
    let text = |group: &Value, key: &str| group[key].as_str().unwrap().to_owned();
    let tell = |group: &Value| {
        let what = format!("{} {}", text(group, "template"), text(group, "exception"));
        (group["count"].as_u64().unwrap(), what.trim().to_owned(), text(group, "first"))
    };
    groups.iter().map(tell).collect()
}

fn three(first: (u64, &str, &str), rest: &[(u64, &str, &str)]) -> Vec<(u64, String, String)> {
    let own = |(count, what, at): &(u64, &str, &str)| (*count, (*what).into(), (*at).into());
    std::iter::once(&first).chain(rest).map(own).collect()
}

#[test]
fn files_in_the_order_of_time_packed_or_not() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("app.log.1.gz"), dir.path().join("app.log"));
    write(&old, &gzip(OLD));
    write(&new, NEW.as_bytes());
    let asked = arguments(&[&new, &old]);
    let report = report(&asked, NOON);
    assert!(report.complete && report.notes.is_empty(), "{:?}", report.notes);
    let mut found = told(&report);
    found[1..].sort();
    let first = (3, "task * failed", "2024-02-27T12:00:00Z");
    let rest = [
        (1, "gone", "2024-02-29T11:30:00Z"),
        (1, "task * failed ValueError", "2024-02-28T13:00:00Z"),
    ];
    assert_eq!(found, three(first, &rest));
    let value: Value = serde_json::from_str(&report.text).unwrap();
    assert_eq!((value["errors"].as_u64(), value["lines"]["error"].as_u64()), (Some(5), Some(4)));
    assert_eq!(value["lines"]["none"], 3);
    let trend: u64 =
        value["groups"][0]["trend"].as_array().unwrap().iter().filter_map(Value::as_u64).sum();
    assert_eq!(trend, 3, "the trend covers all of the files");
}

#[test]
fn since_goes_by_the_times_of_the_lines() {
    let dir = tempfile::tempdir().unwrap();
    let (old, new) = (dir.path().join("app.log.1.gz"), dir.path().join("app.log"));
    write(&old, &gzip(OLD));
    write(&new, NEW.as_bytes());
    let mut asked = arguments(&[&old, &new]);
    asked.since = Some(Duration::from_hours(24));
    asked.level = ErrorLevel::Critical;
    assert_eq!(told(&report(&asked, NOON)), three((1, "gone", "2024-02-29T11:30:00Z"), &[]));
    asked.level = ErrorLevel::Error;
    let found = told(&report(&asked, NOON));
    // What follows the line of 13:00 the day before belongs to it.
    assert_eq!(found.iter().map(|one| one.0).collect::<Vec<_>>(), [2, 1, 1]);
    // Files that were not touched since are not read.
    let later = report(&asked, NOON + 2 * 86_400);
    assert_eq!(told(&later), []);
    assert!(later.text.contains("\"files\": 0"));
}

#[test]
fn what_makes_the_answer_less_is_said() {
    let dir = tempfile::tempdir().unwrap();
    let (plain, packed) = (dir.path().join("plain.log"), dir.path().join("x.gz"));
    write(&plain, b"ERROR:app:task 1 failed\nERROR:app:task 2 failed\n");
    let whole = gzip(OLD);
    write(&packed, &whole[..whole.len() - 4]);
    let gone = dir.path().join("gone");
    let mut asked = arguments(&[&plain, &packed, &gone]);
    asked.since = Some(Duration::from_hours(24 * 365));
    asked.format = CheckFormat::Table;
    let report = report(&asked, NOON);
    assert!(!report.complete);
    let notes = report.notes.join("\n");
    for words in ["cannot read", "gone", "what could be read counts", "all of them count"] {
        assert!(notes.contains(words), "{words}: {notes}");
    }
    for words in
        ["4 errors of 2 kinds in 8 lines of 2 files", "app: task * failed (ValueError in a.py:run)"]
    {
        assert!(report.text.contains(words), "{words}: {}", report.text);
    }
}

#[test]
fn warnings_are_kinds_of_their_own() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("app.log");
    let lines = "2024-02-29T10:00:00Z [WARNING] app: disk 81 full
2024-02-29T10:00:01Z [WARNING] app: disk 82 full
UserWarning: from line 7
2024-02-29T10:00:02Z [ERROR] app: task 1 failed
Traceback (most recent call last):
  File \"/app/a.py\", line 1, in run
ValueError: no
2024-02-29T10:00:03Z [INFO] app: up
";
    write(&file, lines.as_bytes());
    let mut asked = arguments(&[&file]);
    let levels = |asked: &LogsTop| {
        let value: Value = serde_json::from_str(&report(asked, NOON).text).unwrap();
        let groups = value["groups"].as_array().unwrap().clone();
        groups
            .iter()
            .map(|one| (one["level"].as_str().unwrap().to_owned(), one["count"].as_u64().unwrap()))
            .collect::<Vec<_>>()
    };
    assert_eq!(levels(&asked), [("error".to_owned(), 1)]);
    asked.level = ErrorLevel::Warning;
    assert_eq!(levels(&asked), [("warning".to_owned(), 2), ("error".to_owned(), 1)]);
    asked.format = CheckFormat::Table;
    let text = report(&asked, NOON).text;
    assert!(text.contains("    2  WARNING app: disk * full\n"), "{text}");
    assert!(text.ends_with("1 error and 2 warnings of 2 kinds in 8 lines of 1 file\n"), "{text}");
    // But for the text itself all fits into 80 columns.
    assert!(text.lines().all(|line| line.chars().count() <= 80), "{text}");
}
