//! A look as rows, and as a table for people.

use std::time::SystemTime;

use super::judge::{Terms, judge};
use super::past::Past;
use super::seen::{Elsewhere, Look};
use crate::catalogue::{Batch, Cell, Column, Detail};

/// Generations in the table.
const ROWS: usize = 12;

pub fn sample(
    terms: &Terms,
    (look, elsewhere): (&Look, Option<&Elsewhere>),
    past: &Past,
    now: SystemTime,
) -> Batch {
    Batch::new()
        .with(vec![judge(terms, (look, elsewhere), past, now)])
        .detail(detail(terms, look, past))
}

/// Names of files stand here alone, and in no label.
pub fn detail(terms: &Terms, look: &Look, past: &Past) -> Detail {
    let rows = look.newest.iter().take(ROWS).map(|seen| {
        let mut state = if past.grows(seen.id) {
            "being written".to_owned()
        } else {
            match past.verdict(seen, terms.smallest) {
                Some(verdict) => verdict.text(),
                None => "not looked at yet".to_owned(),
            }
        };
        if past.is_ahead(seen.id) {
            state += "; its own time lies ahead, so that of the first look counts";
        }
        vec![
            Cell::Text(seen.name.clone()),
            Cell::At(seen.at),
            Cell::Count(seen.id.size),
            Cell::Text(state),
        ]
    });
    let column = |name, title| Column { name, title };
    Detail {
        title: "Newest generations",
        name: "generations",
        columns: vec![
            column("name", "name"),
            column("written", "written"),
            column("size_bytes", "bytes"),
            column("state", "state"),
        ],
        rows: rows.collect(),
    }
}
