//! Statements for people, with their texts.

use super::Statements;
use crate::catalogue::{Cell, Column, Detail};
use crate::clients::postgres::Row;

/// So many of each kind.
const SHOWN: u32 = 20;
const COLUMNS: [(&str, &str); 9] = [
    ("statement", "Statement"),
    ("calls", "Calls"),
    ("mean_seconds", "Mean"),
    ("total_seconds", "Total"),
    ("rows", "Rows"),
    ("database", "Database"),
    ("user", "User"),
    ("queryid", "Number"),
    ("note", "Note"),
];

/// Those that take most time, and those that take longest on average.
pub fn tables(statements: &Statements) -> [Detail; 2] {
    let of = |title, name, place: &str| {
        let at = |row: &Row| row.number::<u32>(place).filter(|at| *at <= SHOWN);
        let mut rows: Vec<_> =
            statements.rows.iter().filter_map(|row| Some((at(&row)?, row))).collect();
        rows.sort_by_key(|(at, _)| *at);
        Detail {
            title,
            name,
            columns: COLUMNS.map(|(name, title)| Column { name, title }).to_vec(),
            rows: rows.into_iter().map(|(_, row)| cells(row, statements)).collect(),
        }
    };
    [
        of("Statements that take most time", "statements", "place"),
        of("Statements that take longest on average", "statements_by_mean", "mean_place"),
    ]
}

fn cells(row: Row, statements: &Statements) -> Vec<Cell> {
    let text = |column| Cell::Text(row.text(column).unwrap_or_default().to_owned());
    let count = |column| Cell::Count(row.number(column).unwrap_or_default());
    let calls = row.number::<f64>("calls").unwrap_or_default();
    let seconds = row.number::<f64>("seconds").unwrap_or_default();
    let statement = row.number("queryid").and_then(|id: i64| statements.texts.get(&id));
    let note = match statement {
        None => "its text was not read yet",
        Some(text) if text.is_empty() => "the server has no text of it",
        Some(_) => "",
    };
    vec![
        Cell::Text(statement.cloned().unwrap_or_default()),
        count("calls"),
        Cell::Seconds(if calls > 0.0 { seconds / calls } else { 0.0 }),
        Cell::Seconds(seconds),
        count("rows"),
        text("datname"),
        text("username"),
        text("queryid"),
        Cell::Text(note.to_owned()),
    ]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn by_total_and_by_mean() {
        let columns =
            ["username", "datname", "queryid", "calls", "seconds", "rows", "place", "mean_place"];
        let rows = [
            ["app", "shop", "1", "100", "50", "7", "1", "2"],
            ["app", "shop", "2", "2", "4", "1", "2", "1"],
            ["app", "shop", "3", "1", "0.5", "1", "30", "21"],
        ];
        let json = serde_json::json!({ "columns": columns, "rows": rows });
        let rows = serde_json::from_value(json).expect("rows");
        let texts = [(1, "select $1".to_owned()), (2, String::new())].into();
        let [total, mean] = tables(&Statements { rows, texts });
        let ids = |table: &Detail| table.rows.iter().map(|row| row[7].clone()).collect::<Vec<_>>();
        assert_eq!(ids(&total), [Cell::Text("1".into()), Cell::Text("2".into())]);
        assert_eq!(ids(&mean), [Cell::Text("2".into()), Cell::Text("1".into())]);
        let first = &total.rows[0];
        assert_eq!(first[0], Cell::Text("select $1".into()));
        assert_eq!((&first[1], &first[2]), (&Cell::Count(100), &Cell::Seconds(0.5)));
        assert_eq!(mean.rows[0][8], Cell::Text("the server has no text of it".into()));
    }
}
