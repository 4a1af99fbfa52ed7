//! The answer of a query, as text.

use serde::{Deserialize, Serialize};

/// Rows with the names of their columns. NULL is `None`.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Rows {
    columns: Vec<String>,
    rows: Vec<Vec<Option<String>>>,
}

/// One row of [`Rows`].
#[derive(Clone, Copy, Debug)]
pub struct Row<'a> {
    columns: &'a [String],
    values: &'a [Option<String>],
}

impl Rows {
    pub(crate) fn new(columns: impl Iterator<Item = String>) -> Self {
        Self { columns: columns.collect(), rows: Vec::new() }
    }

    /// Adds a row and says how many bytes of memory it takes.
    pub(crate) fn push<'v>(&mut self, values: impl Iterator<Item = Option<&'v str>>) -> usize {
        let row: Vec<_> = values.map(|value| value.map(ToOwned::to_owned)).collect();
        let bytes = row
            .iter()
            .map(|value| size_of_val(value) + value.as_ref().map_or(0, String::len))
            .sum();
        self.rows.push(row);
        bytes
    }

    pub fn len(&self) -> usize {
        self.rows.len()
    }

    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    pub fn columns(&self) -> &[String] {
        &self.columns
    }

    pub fn iter(&self) -> impl Iterator<Item = Row<'_>> {
        self.rows.iter().map(|values| Row { columns: &self.columns, values })
    }

    pub fn first(&self) -> Option<Row<'_>> {
        self.iter().next()
    }
}

impl<'a> Row<'a> {
    /// The text of a column; `None` for NULL and for a column that is not there.
    pub fn text(&self, column: &str) -> Option<&'a str> {
        self.at(self.columns.iter().position(|name| name == column)?)
    }

    /// The text of a column by its place.
    pub fn at(&self, index: usize) -> Option<&'a str> {
        self.values.get(index)?.as_deref()
    }

    /// A number; `None` also where the text is none.
    pub fn number<T: std::str::FromStr>(&self, column: &str) -> Option<T> {
        self.text(column)?.parse().ok()
    }

    /// A boolean in the server's text form.
    pub fn flag(&self, column: &str) -> Option<bool> {
        match self.text(column)? {
            "t" | "true" | "on" => Some(true),
            "f" | "false" | "off" => Some(false),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Rows;

    #[test]
    fn null_and_missing_are_both_none() {
        let mut rows = Rows::new(["a", "b", "c"].into_iter().map(str::to_owned));
        rows.push([Some("1"), None, Some("t")].into_iter());
        let row = rows.first().unwrap();
        assert_eq!(row.number::<u64>("a"), Some(1));
        assert_eq!((row.text("b"), row.text("x"), row.at(9)), (None, None, None));
        assert_eq!(row.flag("c"), Some(true));
        let json = serde_json::to_string(&rows).unwrap();
        assert_eq!(serde_json::from_str::<Rows>(&json).unwrap(), rows);
    }
}
