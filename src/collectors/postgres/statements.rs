//! Single statements: those that take most of the server's time, and for an hour those that did.

use std::collections::BTreeMap;
use std::time::Duration;

use tokio::time::Instant;

use super::fetch::Raw;
use super::values::{Values, numbers};
use crate::catalogue::Batch;
use crate::clients::postgres::{Row, Rows};

/// A series that comes and goes is dearer than one that stays.
const STAYS: Duration = Duration::from_hours(1);

/// A statement of a role in a database, by the number that the server has given it.
pub struct Statement {
    pub server: String,
    pub user: String,
    pub database: String,
    pub id: String,
    pub values: Values,
}

/// Which statements were among the first, and when last.
#[derive(Default)]
pub struct Shown(BTreeMap<i64, Instant>);

impl Shown {
    /// Their numbers, as a list in SQL.
    pub fn list(&self) -> String {
        let all: Vec<String> = self.0.keys().map(ToString::to_string).collect();
        if all.is_empty() { "null".to_owned() } else { all.join(", ") }
    }

    /// `top` are among the first at once.
    pub fn note(&mut self, rows: &Rows, top: u32, now: Instant) {
        let first = rows.iter().filter(|row| row.number("place").is_some_and(|at: u32| at <= top));
        self.0.extend(first.filter_map(|row| Some((row.number("queryid")?, now))));
        self.0.retain(|_, seen| now.duration_since(*seen) < STAYS);
    }
}

pub fn of(batch: Batch, server: &str, raw: &Raw) -> Batch {
    let Some(rows) = &raw.parts.statements.value else { return batch };
    let text = |row: Row, column: &str| row.text(column).unwrap_or_default().to_owned();
    let statement = |(row, values): (Row, Values)| Statement {
        server: server.to_owned(),
        user: text(row, "username"),
        database: text(row, "datname"),
        id: text(row, "queryid"),
        values,
    };
    let total = rows.first().and_then(|row| row.number::<u64>("total")).unwrap_or_default();
    batch
        .with(numbers(rows).map(statement).collect())
        .dropped("statements", total.saturating_sub(rows.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(places: &[(i64, u32)]) -> Rows {
        let rows: Vec<_> =
            places.iter().map(|(id, place)| [id.to_string(), place.to_string()]).collect();
        let json = serde_json::json!({ "columns": ["queryid", "place"], "rows": rows });
        serde_json::from_value(json).expect("rows")
    }

    #[tokio::test(start_paused = true)]
    async fn one_that_was_among_the_first_stays_for_an_hour() {
        let mut shown = Shown::default();
        assert_eq!(shown.list(), "null");
        let start = Instant::now();
        shown.note(&rows(&[(-7, 1), (8, 2), (9, 3)]), 2, start);
        assert_eq!(shown.list(), "-7, 8");
        shown.note(&rows(&[(8, 1), (-7, 3)]), 2, start + STAYS / 2);
        assert_eq!(shown.list(), "-7, 8");
        shown.note(&rows(&[(8, 1)]), 2, start + STAYS);
        assert_eq!(shown.list(), "8");
    }
}
