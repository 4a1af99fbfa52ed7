//! `/debug/<area>/<target>`: one target in detail, as text.

use std::fmt::Write as _;
use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::StatusCode;

use super::Server;
use crate::catalogue::{Cell, Detail, Unit};
use crate::collectors::CATALOGUE;
use crate::exposition::{Format, encode};

/// How the target is read, what is wrong, its thresholds, and the samples of its last reading.
pub(super) async fn page(
    State(server): State<Server>,
    Path((area, name)): Path<(String, String)>,
) -> (StatusCode, String) {
    let mut snapshot = server.board.snapshot();
    snapshot.entries.retain(|entry| {
        entry.target.as_ref().is_some_and(|t| t.id.area == area && t.id.name == name)
    });
    let Some(entry) = snapshot.entries.first() else {
        return (StatusCode::NOT_FOUND, "no such target; see / for the list\n".into());
    };
    let (Some(target), Some(state)) = (&entry.target, &entry.state) else {
        return (StatusCode::NOT_FOUND, "no such target\n".into());
    };
    let mut out = format!(
        "target:   {}\nplace:    {}\norigin:   {}\ndeadline: {:?}\nclock:    {:?}\n",
        target.id, target.place, target.origin, target.deadline, target.clock
    );
    let _ = writeln!(out, "reads:    {:?}", state.reads);
    let _ = writeln!(out, "took:     {:?}", state.took.unwrap_or_default());
    if let Some(failure) = &state.failure {
        let hint = failure.hint.as_deref().unwrap_or("none");
        let _ =
            writeln!(out, "failure:  {} ({})\nhint:     {hint}", failure, failure.reason.as_str());
    }
    for gap in state.reading.iter().flat_map(|reading| reading.batch.gaps()) {
        let _ = writeln!(out, "gap:      {}: {}", gap.what, gap.failure);
    }
    for detail in entry.details() {
        tell(&mut out, detail);
    }
    out.push('\n');
    out += &encode(&CATALOGUE, Arc::new(snapshot), Format::Classic);
    (StatusCode::OK, out)
}

/// A table for people, one row a line; a long one is on the status page.
fn tell(out: &mut String, detail: &Detail) {
    const MOST: usize = 20;
    let _ = writeln!(out, "\n{}:", detail.title);
    for row in detail.rows.iter().take(MOST) {
        let cells: Vec<_> = row.iter().filter_map(shown).collect();
        let _ = writeln!(out, "  {}", cells.join(": "));
    }
}

fn shown(cell: &Cell) -> Option<String> {
    match cell {
        Cell::Text(text) => Some(text.clone()),
        Cell::Count(count) => Some(count.to_string()),
        Cell::Seconds(seconds) => Some(Unit::Seconds.told(*seconds)),
        Cell::At(_) | Cell::Trend(_) => None,
    }
}
