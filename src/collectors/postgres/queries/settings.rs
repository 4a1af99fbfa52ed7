//! What is wrong with declared queries, and the thresholds that stand in them.

use std::collections::BTreeMap;
use std::ops::RangeInclusive;
use std::time::Duration;

use globset::Glob;

use super::config::{Judged, Kind, Query, Value};
use crate::catalogue::{Exception, Key, Signal};
use crate::clients::postgres::not_a_query;
use crate::config::Dur;
use crate::plan::{Own, threshold_of};

const QUERIES: usize = 50;
const VALUES: usize = 16;
const LABELS: usize = 8;
pub const ROWS: u32 = 1000;
const HELP: usize = 200;
const INTERVALS: RangeInclusive<Duration> = Duration::from_secs(5)..=Duration::from_hours(24);
const TIMEOUTS: RangeInclusive<Duration> = Duration::from_millis(100)..=Duration::from_secs(30);
/// As the server has it: longer names are cut off there, and then are others.
const NAME: usize = 63;

/// Mistakes by key below `queries`.
pub fn mistakes(queries: &BTreeMap<String, Query>, signals: &[Signal]) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if queries.len() > QUERIES {
        found.push((String::new(), format!("has {} queries, at most {QUERIES}", queries.len())));
    }
    for (name, query) in queries {
        let mut wrong = |key: &str, message: String| {
            let path = if key.is_empty() { name.clone() } else { format!("{name}.{key}") };
            found.push((path, message));
        };
        let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-');
        if name.is_empty() || name.len() > 64 || !name.chars().all(plain) {
            wrong("", "a query's name is 1 to 64 letters, digits, `_`, `.` and `-`".into());
        }
        of_query(query, &mut wrong);
        of_columns(query, &mut wrong);
        for (column, signal, own) in judged(query, signals) {
            if let Err(why) = threshold_of(signal, own) {
                let side = if signal.name == ABOVE { "above" } else { "below" };
                wrong(&format!("values.{column}.{side}"), why);
            }
        }
    }
    found
}

fn of_query(query: &Query, wrong: &mut impl FnMut(&str, String)) {
    if let Some(message) = not_a_query(&query.sql) {
        wrong("sql", message.into());
    }
    if query.help.as_ref().is_some_and(|help| help.len() > HELP) {
        wrong("help", format!("must have at most {HELP} bytes"));
    }
    let within = |given: Option<Dur>, range: &RangeInclusive<Duration>| {
        given.is_none_or(|given| range.contains(&given.get()))
    };
    if !within(query.interval, &INTERVALS) {
        wrong("interval", "must be from `5s` to `1d`".into());
    }
    if !within(query.timeout, &TIMEOUTS) {
        wrong("timeout", "must be from `100ms` to `30s`".into());
    }
    if query.rows.is_some_and(|rows| !(1..=ROWS).contains(&rows)) {
        wrong("rows", format!("must be from 1 to {ROWS}"));
    }
    if let Some(Err(error)) = query.databases.as_deref().map(Glob::new) {
        wrong("databases", format!("not a pattern: {}", error.kind()));
    }
    let path = query.search_path.iter().flatten();
    if path.clone().any(|schema| schema.is_empty() || schema.len() > NAME) {
        wrong("search_path", format!("a schema's name has 1 to {NAME} bytes"));
    }
}

fn of_columns(query: &Query, wrong: &mut impl FnMut(&str, String)) {
    if query.values.is_empty() || query.values.len() > VALUES {
        wrong("values", format!("needs 1 to {VALUES} columns with numbers"));
    }
    if query.labels.len() > LABELS {
        wrong("labels", format!("has {} columns, at most {LABELS}", query.labels.len()));
    }
    for (at, label) in query.labels.iter().enumerate() {
        let before = query.labels.get(..at).unwrap_or_default();
        if before.contains(label) || query.values.contains_key(label) {
            wrong("labels", format!("`{label}` stands here or under `values` already"));
        }
    }
    let mut names = query.values.keys().chain(&query.labels);
    if names.any(|name| name.is_empty() || name.len() > NAME) {
        wrong("values", format!("a column's name has 1 to {NAME} bytes"));
    }
    for (column, value) in &query.values {
        if let Value::Each(Judged { kind: Kind::Counter, above, below }) = value
            && (above.is_some() || below.is_some())
        {
            let message = "a total that only grows is on one side for ever: judge what is now";
            wrong(&format!("values.{column}"), message.into());
        }
    }
}

const ABOVE: &str = "query_above";
const BELOW: &str = "query_below";

/// Columns with a threshold, by the signal that judges them.
fn judged<'a>(
    query: &'a Query,
    signals: &'a [Signal],
) -> impl Iterator<Item = (&'a str, &'a Signal, &'a Own)> {
    let judged = query.values.iter().filter_map(|(column, value)| match value {
        Value::Kind(_) => None,
        Value::Each(judged) => Some((column.as_str(), judged)),
    });
    let sides = |(column, judged): (&'a str, &'a Judged)| {
        [(column, ABOVE, judged.above.as_ref()), (column, BELOW, judged.below.as_ref())]
    };
    judged.flat_map(sides).filter_map(|(column, name, own)| {
        let signal = signals.iter().find(|signal| signal.name == name)?;
        Some((column, signal, own?))
    })
}

/// The thresholds of single columns, each of its query.
pub fn exceptions(queries: &BTreeMap<String, Query>, signals: &[Signal]) -> Vec<Exception> {
    let mut found = Vec::new();
    for (name, query) in queries {
        for (column, signal, own) in judged(query, signals) {
            // What is wrong is told as a mistake.
            let Ok(limits) = threshold_of(signal, own) else { continue };
            let key = Key::exact(&format!("{name}/{column}"));
            found.push(Exception { signal: signal.name, key, limits });
        }
    }
    found
}
