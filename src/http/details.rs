//! Tables that targets have for people: on the status page, and at
//! `/api/v1/details/<area>/<target>`.

use std::time::SystemTime;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use maud::{Markup, html};
use serde_json::{Map, Value};

use super::Server;
use super::page::{ago, link};
use crate::catalogue::{Cell, Detail, Unit};
use crate::engine::{Entry, Target};
use crate::text::printable;

/// Rows of a table on the page; the API has them all.
const SHOWN: usize = 10;

/// All tables of one target by name, each a list of rows with the columns as keys. Documented in
/// docs/status-api.md.
pub(super) async fn json(
    State(server): State<Server>,
    Path((area, name)): Path<(String, String)>,
) -> (StatusCode, Json<Value>) {
    let snapshot = server.board.snapshot();
    let found = snapshot.entries.iter().find(|entry| {
        entry.target.as_ref().is_some_and(|t| t.id.area == area && t.id.name == name)
    });
    let Some(entry) = found else {
        let error = serde_json::json!({ "error": "no such target; / has the list" });
        return (StatusCode::NOT_FOUND, Json(error));
    };
    let tables: Map<String, Value> =
        entry.details().iter().map(|detail| (detail.name.to_owned(), table_json(detail))).collect();
    (StatusCode::OK, Json(tables.into()))
}

fn table_json(detail: &Detail) -> Value {
    let row = |cells: &Vec<Cell>| {
        let keys = detail.columns.iter().map(|column| column.name.to_owned());
        Value::Object(keys.zip(cells.iter().map(cell_json)).collect())
    };
    detail.rows.iter().map(row).collect()
}

fn cell_json(cell: &Cell) -> Value {
    match cell {
        Cell::Text(text) => text.as_str().into(),
        Cell::Count(count) => (*count).into(),
        Cell::Seconds(seconds) => (*seconds).into(),
        Cell::At(at) => {
            at.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64().into()
        }
        Cell::Trend(counts) => counts.clone().into(),
    }
}

/// The tables of a target, those without rows left out.
pub(super) fn of(entry: &Entry, now: SystemTime) -> Markup {
    let Some(target) = &entry.target else { return html! {} };
    html! {
        @for detail in entry.details().iter().filter(|detail| !detail.rows.is_empty()) {
            section data-group data-key={ (target.id.area) "/" (printable(&target.id.name)) "/" (detail.name) } {
                h2 { (detail.title) }
                div .scroll { (table(target, detail, now)) }
            }
        }
    }
}

fn table(target: &Target, detail: &Detail, now: SystemTime) -> Markup {
    let rows: Vec<_> = detail.rows.iter().take(SHOWN).collect();
    let shown = rows.len();
    // A column in which nobody has anything says nothing.
    let columns: Vec<_> = detail
        .columns
        .iter()
        .enumerate()
        .filter(|(at, _)| rows.iter().any(|row| row.get(*at).is_some_and(|cell| !is_empty(cell))))
        .collect();
    html! {
        table {
            caption {
                (shown) " of " (detail.rows.len()) ", "
                a href=(link::details(target.id.area, &target.id.name)) { "all as JSON" }
            }
            thead { tr { @for (_, column) in &columns { th scope="col" { (column.title) } } } }
            tbody {
                @for row in rows {
                    tr data-row data-words=(printable(&target.id.to_string())) {
                        @for (column, cell) in columns.iter().filter_map(|(at, column)| Some((column, row.get(*at)?))) {
                            td data-label=(column.title) .number[matches!(cell, Cell::Count(_) | Cell::Seconds(_))] { (cell_html(cell, now)) }
                        }
                    }
                }
            }
        }
    }
}

fn is_empty(cell: &Cell) -> bool {
    matches!(cell, Cell::Text(text) if text.is_empty())
}

fn cell_html(cell: &Cell, now: SystemTime) -> Markup {
    html! {
        @match cell {
            Cell::Text(text) => (printable(text)),
            Cell::Count(count) => (count),
            Cell::Seconds(seconds) => (Unit::Seconds.told(*seconds)),
            Cell::At(at) => { (ago(*at, now)) " ago" },
            Cell::Trend(counts) => {
                @let all: u64 = counts.iter().map(|count| u64::from(*count)).sum();
                span title={ (all) " in all" } { (bars(counts)) }
            },
        }
    }
}

/// Counts as a line of bars: the highest one full, none at all a dot.
pub fn bars(counts: &[u32]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = u64::from(counts.iter().copied().max().unwrap_or(0));
    let bar = |count: &u32| match u64::from(*count) {
        0 => '·',
        count => {
            let level = usize::try_from((count * 8).div_ceil(most)).unwrap_or(8);
            BARS.get(level.saturating_sub(1)).copied().unwrap_or('█')
        }
    };
    counts.iter().map(bar).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::Column;

    #[test]
    fn bars_show_the_highest_full_and_nothing_as_nothing() {
        assert_eq!(bars(&[0, 1, 4, 8]), "·▁▄█");
        assert_eq!(bars(&[0, 0]), "··");
        assert_eq!(bars(&[1, u32::MAX]), "▁█");
        assert_eq!(bars(&[]), "");
    }

    #[test]
    fn a_row_has_the_columns_as_keys() {
        let detail = Detail {
            title: "Errors",
            name: "errors",
            columns: vec![
                Column { name: "template", title: "Error" },
                Column { name: "count", title: "Count" },
            ],
            rows: vec![vec![Cell::Text("<b>".into()), Cell::Count(3)]],
        };
        assert_eq!(table_json(&detail), serde_json::json!([{ "template": "<b>", "count": 3 }]));
        let shown = cell_html(&Cell::Text("<b>\u{202e}".into()), SystemTime::now());
        assert_eq!(shown.into_string(), "&lt;b&gt;\\u202e");
    }
}
