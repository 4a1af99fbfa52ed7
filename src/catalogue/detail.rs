//! What people want to see of a target besides its metrics: tables for the status page and the API.

use std::time::SystemTime;

/// One table. Its texts never become labels.
#[derive(Clone, Debug)]
pub struct Detail {
    /// What the rows are, in the words of the page; `name` is its key in the API.
    pub title: &'static str,
    pub name: &'static str,
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<Cell>>,
}

/// A column: its key in the API and its head on the page.
#[derive(Clone, Copy, Debug)]
pub struct Column {
    pub name: &'static str,
    pub title: &'static str,
}

#[derive(Clone, Debug, PartialEq)]
pub enum Cell {
    Text(String),
    Count(u64),
    /// A length of time in seconds.
    Seconds(f64),
    At(SystemTime),
    /// Counts of equal times, the oldest first.
    Trend(Vec<u32>),
}
