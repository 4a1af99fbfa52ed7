//! What answers of declared queries say, as rows.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use super::config::{Kind, Query};
use crate::catalogue::{Batch, Cell, Column, Detail};
use crate::clients::postgres::{Row, Rows};
use crate::failure::{Failure, Reason};
use crate::text::short;

/// The longest part of a row's name that comes from one column, in bytes.
const PART: usize = 128;
/// Rows of a query that are shown unless it says otherwise.
const ROWS: u32 = 100;
/// Numbers of all queries of a target.
pub const NUMBERS: usize = 5000;
/// Names in a sentence.
const NAMED: usize = 8;

/// An answer, read.
#[derive(Debug, Default, PartialEq)]
pub struct Answer {
    /// Rows that the server gave.
    pub rows: u64,
    pub numbers: Vec<Found>,
    /// Rows that were left out because there are too many.
    pub dropped: u64,
    /// Rows whose labels another row has already.
    pub twice: u64,
    /// Columns with something that is no number, and in how many rows.
    pub odd: BTreeMap<String, u64>,
}

/// One number.
#[derive(Debug, PartialEq)]
pub struct Found {
    pub column: String,
    pub row: String,
    pub kind: Kind,
    pub number: f64,
}

/// A query in a database, as it was read last.
pub struct Seen {
    pub query: String,
    pub database: String,
    /// It has answered, or has not; nothing is known before its first time.
    pub outcome: Option<Result<Arc<Answer>, Failure>>,
    /// How long the last attempt took, in seconds.
    pub took: Option<f64>,
    /// When it last answered, in seconds before now.
    pub age: Option<f64>,
}

/// A number as it is exported.
pub struct Number {
    pub database: String,
    pub query: String,
    pub column: String,
    pub row: String,
    pub kind: Kind,
    pub number: f64,
}

/// What the configuration says of a query.
pub struct Info {
    pub query: String,
    pub help: String,
}

pub fn answer(query: &Query, rows: &Rows) -> Result<Answer, Failure> {
    let columns = rows.columns();
    let wanted = query.values.keys().chain(&query.labels);
    if let Some(missing) = wanted.clone().find(|name| !columns.contains(name)) {
        let has = columns.iter().take(NAMED).map(|name| format!("`{}`", short(name, 63)));
        let has: Vec<String> = has.collect();
        let text = format!("the answer has no column `{missing}`, it has {}", has.join(", "));
        let hint = format!("name it in the query: `... as {missing}`");
        return Err(Failure::new(Reason::PARSE, text).hint(hint));
    }
    let most = query.rows.unwrap_or(ROWS) as usize;
    let mut answer = Answer { rows: rows.len() as u64, ..Answer::default() };
    let mut names = BTreeSet::new();
    for row in rows.iter() {
        let name = name(query, row);
        if names.contains(&name) {
            answer.twice += 1;
            continue;
        }
        if names.len() == most {
            answer.dropped += 1;
            continue;
        }
        for (column, value) in &query.values {
            match row.text(column).map(number) {
                None => {}
                Some(Some(number)) => answer.numbers.push(Found {
                    column: column.clone(),
                    row: name.clone(),
                    kind: value.kind(),
                    number,
                }),
                Some(None) => *answer.odd.entry(column.clone()).or_default() += 1,
            }
        }
        names.insert(name);
    }
    Ok(answer)
}

/// What tells a row from the others: `status=running, kind=mail`.
fn name(query: &Query, row: Row) -> String {
    let parts = query.labels.iter().map(|label| {
        let value = row.text(label).map_or("NULL".into(), |value| short(value, PART));
        format!("{label}={value}")
    });
    parts.collect::<Vec<_>>().join(", ")
}

fn number(text: &str) -> Option<f64> {
    match text.trim() {
        "t" => Some(1.0),
        "f" => Some(0.0),
        text => text.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}

impl Seen {
    /// How it is called: its database is named where it runs in several.
    fn title(&self, several: bool) -> String {
        match (several, self.database.as_str()) {
            (true, database) if !database.is_empty() => {
                format!("query `{}` in database {}", self.query, short(database, 63))
            }
            _ => format!("query `{}`", self.query),
        }
    }

    pub fn up(&self) -> Option<bool> {
        self.outcome.as_ref().map(Result::is_ok)
    }

    pub fn reason(&self) -> Option<Reason> {
        let failure = self.outcome.as_ref()?.as_ref().err()?;
        Some(failure.reason)
    }

    pub fn answer(&self) -> Option<&Answer> {
        self.outcome.as_ref()?.as_ref().ok().map(AsRef::as_ref)
    }
}

/// Adds the numbers, what is known of the queries, and what cannot be seen.
pub fn of(mut batch: Batch, queries: &BTreeMap<String, Query>, seen: Vec<Seen>) -> Batch {
    if queries.is_empty() {
        return batch;
    }
    let (mut numbers, mut dropped) = (Vec::new(), 0);
    for (query, settings) in queries {
        let all: Vec<&Seen> = seen.iter().filter(|one| one.query == *query).collect();
        for (what, failure) in gaps(&all, settings.databases.is_some()) {
            batch = batch.gap(what, failure);
        }
        for one in all {
            let Some(answer) = one.answer() else { continue };
            dropped += answer.dropped + answer.twice;
            for found in &answer.numbers {
                if numbers.len() == NUMBERS {
                    dropped += 1;
                    continue;
                }
                numbers.push(Number {
                    database: one.database.clone(),
                    query: query.clone(),
                    column: found.column.clone(),
                    row: found.row.clone(),
                    kind: found.kind,
                    number: found.number,
                });
            }
        }
    }
    let info = queries.iter().filter_map(|(query, settings)| {
        Some(Info { query: query.clone(), help: settings.help.clone()? })
    });
    let batch = batch.with(numbers).with(info.collect()).dropped("query_rows", dropped);
    let detail = detail(queries, &seen);
    // One whose database is not known has no series of its own: the gap tells of it.
    let known = seen.into_iter().filter(|one| !one.database.is_empty());
    batch.with(known.collect()).detail(detail)
}

/// One gap for a query that fails, however many databases it fails in, and one for each odd column.
fn gaps(seen: &[&Seen], several: bool) -> Vec<(String, Failure)> {
    let mut gaps = Vec::new();
    let mut failed = seen.iter().filter_map(|one| match &one.outcome {
        Some(Err(failure)) => Some((*one, failure.clone())),
        Some(Ok(_)) => None,
        None => {
            let text = "has not run yet: queries before it take long";
            Some((*one, Failure::new(Reason::TIMEOUT, text).hint("wait, or shorten the others")))
        }
    });
    if let Some((first, mut failure)) = failed.next() {
        match failed.count() {
            0 => {}
            more => failure.detail = format!("{}; and in {more} more databases", failure.detail),
        }
        gaps.push((first.title(several), failure));
    }
    for one in seen {
        let Some(answer) = one.answer() else { continue };
        if answer.twice > 0 {
            let text = format!("{} rows have the labels of another row", answer.twice);
            let failure = Failure::new(Reason::PARSE, text)
                .hint("name more columns under `labels`, or group the rows in the query");
            gaps.push((one.title(several), failure));
        }
        for (column, count) in &answer.odd {
            let text = format!("column `{column}` is no number in {count} of {} rows", answer.rows);
            let failure = Failure::new(Reason::PARSE, text).hint(
                "count it or cast it in the query; a time is one as `extract(epoch from ...)`, a text goes under `labels`",
            );
            gaps.push((one.title(several), failure));
        }
    }
    gaps.truncate(NAMED);
    gaps
}

/// A table for people, with what the queries are about.
fn detail(queries: &BTreeMap<String, Query>, seen: &[Seen]) -> Detail {
    const SHOWN: usize = 100;
    let columns = [
        ("query", "Query"),
        ("database", "Database"),
        ("state", "State"),
        ("rows", "Rows"),
        ("help", "What it counts"),
    ];
    let rows = seen.iter().take(SHOWN).map(|one| {
        let state = match &one.outcome {
            Some(Ok(_)) => "ok",
            Some(Err(failure)) => failure.reason.as_str(),
            None => "not run yet",
        };
        let help = queries.get(&one.query).and_then(|query| query.help.clone());
        let rows = one.answer().map_or(Cell::Text("?".into()), |answer| Cell::Count(answer.rows));
        vec![
            Cell::Text(one.query.clone()),
            Cell::Text(one.database.clone()),
            Cell::Text(state.to_owned()),
            rows,
            Cell::Text(help.unwrap_or_default()),
        ]
    });
    Detail {
        title: "Queries of the configuration",
        name: "queries",
        columns: columns.into_iter().map(|(name, title)| Column { name, title }).collect(),
        rows: rows.collect(),
    }
}
