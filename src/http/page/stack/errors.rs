//! The most frequent errors of all logs, as one table.

use std::time::{SystemTime, UNIX_EPOCH};

use maud::{Markup, html};

use super::super::words::{seen, span, target_path};
use super::{NAME, View, name};
use crate::catalogue::{Cell, Detail};
use crate::engine::Snapshot;
use crate::http::bars;
use crate::overview::Group;

/// Kinds of errors that are shown; the page of a log has more, the API has them all.
const SHOWN: usize = 8;
/// An error in a row.
const LONG: usize = 160;

/// One kind of errors.
struct Kind<'a> {
    log: &'a str,
    project: &'a str,
    template: &'a str,
    exception: &'a str,
    count: u64,
    last: SystemTime,
    trend: &'a [u32],
}

pub(super) fn table(snapshot: &Snapshot, logs: &Group, view: &View) -> Markup {
    let mut kinds: Vec<Kind> = Vec::new();
    for entry in &snapshot.entries {
        let log = logs.targets.iter().find(|target| {
            entry
                .target
                .as_ref()
                .is_some_and(|one| one.id.area == "logs" && one.id.name == target.target)
        });
        let Some(log) = log else { continue };
        let details = entry.details().iter().filter(|detail| detail.name == "errors");
        kinds.extend(details.flat_map(|detail| of(detail, &log.target, &log.project)));
    }
    if kinds.is_empty() {
        return html! {};
    }
    kinds.sort_by_key(|kind| (std::cmp::Reverse(kind.count), std::cmp::Reverse(kind.last)));
    html! {
        section.errors data-group {
            h3 { "Most frequent errors" span.count { @if kinds.len() > SHOWN { (SHOWN) " of " (kinds.len()) " kinds" } } }
            div.scroll {
                table {
                    caption.apart { "Errors by kind, what varies in them masked" }
                    thead {
                        tr {
                            th.number scope="col" { "Count" }
                            th scope="col" { "Error" }
                            th scope="col" { "Log" }
                            th.number scope="col" { "Last" }
                            th scope="col" { "Last 24 hours" }
                        }
                    }
                    tbody { @for kind in kinds.iter().take(SHOWN) { (row(kind, view)) } }
                }
            }
        }
    }
}

fn row(kind: &Kind, view: &View) -> Markup {
    let last = kind.last.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let all: u64 = kind.trend.iter().map(|count| u64::from(*count)).sum();
    html! {
        tr data-row data-project=(seen(kind.project, 300)) {
            td.number data-label="Count" { (kind.count) }
            td data-label="Error" {
                span.template { (name(kind.template, LONG)) }
                @if !kind.exception.is_empty() { span.under { (seen(kind.exception, 120)) } }
            }
            td data-label="Log" { a href=(target_path("logs", kind.log)) { (name(kind.log, NAME)) } }
            td.number data-label="Last" { (span(view.at - last)) " ago" }
            td.trend data-label="Last 24 hours" {
                span role="img" aria-label={ (all) " in 24 hours" } title={ (all) " in 24 hours" } { (bars(kind.trend)) }
            }
        }
    }
}

fn of<'a>(detail: &'a Detail, log: &'a str, project: &'a str) -> Vec<Kind<'a>> {
    let place = |name: &str| detail.columns.iter().position(|column| column.name == name);
    let (error, exception, count) = (place("error"), place("exception"), place("count"));
    let (last, trend) = (place("last"), place("trend"));
    let text = |row: &'a Vec<Cell>, at: Option<usize>| match at.and_then(|at| row.get(at)) {
        Some(Cell::Text(text)) => text.as_str(),
        _ => "",
    };
    let kind = |row: &'a Vec<Cell>| {
        let cell = |at: Option<usize>| at.and_then(|at| row.get(at));
        let (Some(Cell::Count(count)), Some(Cell::At(last))) = (cell(count), cell(last)) else {
            return None;
        };
        let trend = if let Some(Cell::Trend(trend)) = cell(trend) { trend.as_slice() } else { &[] };
        let (template, exception) = (text(row, error), text(row, exception));
        Some(Kind { log, project, template, exception, count: *count, last: *last, trend })
    };
    detail.rows.iter().filter_map(kind).collect()
}
