//! The numbers of a row by the names of its columns: which there are differs by the server's version, and
//! what is not there has no series.

use std::sync::Arc;

use crate::clients::postgres::{Row, Rows};

#[derive(Clone, Debug, Default)]
pub struct Values {
    columns: Arc<Vec<String>>,
    numbers: Vec<Option<f64>>,
}

impl Values {
    pub fn get(&self, column: &str) -> Option<f64> {
        let at = self.columns.iter().position(|name| name == column)?;
        self.numbers.get(at).copied().flatten()
    }

    /// Settings: a number per row under the name that stands in it.
    pub fn named(pairs: impl Iterator<Item = (String, f64)>) -> Self {
        let (columns, numbers) = pairs.map(|(name, number)| (name, Some(number))).unzip();
        Self { columns: Arc::new(columns), numbers }
    }
}

/// Each row with its numbers.
pub fn numbers(rows: &Rows) -> impl Iterator<Item = (Row<'_>, Values)> {
    let columns = Arc::new(rows.columns().to_vec());
    rows.iter().map(move |row| {
        let numbers = (0..columns.len()).map(|at| row.at(at).and_then(number)).collect();
        (row, Values { columns: Arc::clone(&columns), numbers })
    })
}

fn number(text: &str) -> Option<f64> {
    match text {
        "t" => Some(1.0),
        "f" => Some(0.0),
        text => text.parse().ok().filter(|number: &f64| number.is_finite()),
    }
}
