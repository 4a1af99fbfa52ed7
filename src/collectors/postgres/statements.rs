//! Single statements: those that take most of the server's time and those that take longest on average, and for
//! an hour those that did. Their texts are for the page and the API alone, and never in a label.

mod fetch;
mod table;
mod text;

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

/// What was read of them.
#[derive(Default)]
pub struct Statements {
    pub rows: Rows,
    /// By number, as they are shown.
    pub texts: BTreeMap<i64, String>,
}

/// A statement that was among the first.
struct One {
    last: Instant,
    /// `None` until it was asked for; empty where the server had none.
    text: Option<String>,
}

/// Which statements were among the first, when last, and their texts.
#[derive(Default)]
pub struct Shown(BTreeMap<i64, One>);

impl Shown {
    /// Their numbers, as a list in SQL.
    pub fn list(&self) -> String {
        list(self.0.keys()).unwrap_or_else(|| "null".to_owned())
    }

    /// Those whose texts were not asked for yet.
    pub fn without_text(&self) -> Option<String> {
        list(self.0.iter().filter(|(_, one)| one.text.is_none()).map(|(id, _)| id))
    }

    /// The texts of those that were asked for: which came, and which have none.
    pub fn learn(&mut self, asked: &str, rows: &Rows) {
        for id in asked.split(", ").filter_map(|id| id.parse::<i64>().ok()) {
            if let Some(one) = self.0.get_mut(&id) {
                one.text = Some(String::new());
            }
        }
        for row in rows.iter() {
            let one = row.number("queryid").and_then(|id: i64| self.0.get_mut(&id));
            if let (Some(one), Some(text)) = (one, row.text("text")) {
                one.text = Some(text::shown(text));
            }
        }
    }

    pub fn texts(&self) -> BTreeMap<i64, String> {
        let text = |(id, one): (&i64, &One)| Some((*id, one.text.clone()?));
        self.0.iter().filter_map(text).collect()
    }

    /// `top` are among the first at once.
    pub fn note(&mut self, rows: &Rows, top: u32, now: Instant) {
        let is_first = |row: &Row| {
            ["place", "mean_place"]
                .iter()
                .any(|place| row.number(place).is_some_and(|at: u32| at <= top))
        };
        for id in rows.iter().filter(is_first).filter_map(|row| row.number("queryid")) {
            self.0.entry(id).or_insert(One { last: now, text: None }).last = now;
        }
        self.0.retain(|_, one| now.duration_since(one.last) < STAYS);
    }
}

fn list<'a>(ids: impl Iterator<Item = &'a i64>) -> Option<String> {
    let all: Vec<String> = ids.map(ToString::to_string).collect();
    (!all.is_empty()).then(|| all.join(", "))
}

pub fn of(batch: Batch, server: &str, raw: &Raw) -> Batch {
    let Some(statements) = &raw.parts.statements.value else { return batch };
    let rows = &statements.rows;
    let text = |row: Row, column: &str| row.text(column).unwrap_or_default().to_owned();
    let statement = |(row, values): (Row, Values)| Statement {
        server: server.to_owned(),
        user: text(row, "username"),
        database: text(row, "datname"),
        id: text(row, "queryid"),
        values,
    };
    let total = rows.first().and_then(|row| row.number::<u64>("total")).unwrap_or_default();
    let mut batch = batch.with(numbers(rows).map(statement).collect());
    for table in table::tables(statements) {
        batch = batch.detail(table);
    }
    batch.dropped("statements", total.saturating_sub(rows.len() as u64))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn rows(places: &[(i64, u32)]) -> Rows {
        let row = |(id, place): &(i64, u32)| [id.to_string(), place.to_string(), "99".into()];
        let rows: Vec<_> = places.iter().map(row).collect();
        let columns = ["queryid", "place", "mean_place"];
        let json = serde_json::json!({ "columns": columns, "rows": rows });
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

    #[tokio::test(start_paused = true)]
    async fn a_text_is_asked_for_once() {
        let mut shown = Shown::default();
        assert_eq!(shown.without_text(), None);
        shown.note(&rows(&[(-7, 1), (8, 2)]), 2, Instant::now());
        let asked = shown.without_text().expect("two");
        assert_eq!(asked, "-7, 8");
        let json = serde_json::json!({ "columns": ["queryid", "text"],
            "rows": [["-7", "select 'hunter2'"], ["9", "select of nobody"]] });
        shown.learn(&asked, &serde_json::from_value(json).expect("rows"));
        assert_eq!(shown.without_text(), None, "also of the one that has none");
        let texts = shown.texts();
        assert_eq!(
            texts.into_iter().collect::<Vec<_>>(),
            [(-7, "select *".into()), (8, String::new())]
        );
        shown.note(&rows(&[(8, 1)]), 2, Instant::now() + STAYS);
        assert_eq!(shown.texts().len(), 1, "forgotten with its statement");
    }
}
