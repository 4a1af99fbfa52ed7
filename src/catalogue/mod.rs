//! What the exporter can say: metrics, and signals that judge them.
//!
//! A collector declares its metrics once, in a table ([`Table`]) that belongs to a row type, and the
//! judgements on them as [`Signal`]s. Everything else is derived from the two: the exposition, the
//! metric reference, the threshold rules and their tests, the rows of `check`, the status page.

mod area;
mod detail;
#[cfg(test)]
pub(crate) mod examples;
mod exception;
mod glance;
mod histogram;
mod many;
mod measure;
mod metric;
mod place;
mod row;
mod sentence;
mod signal;
mod unit;
mod value;
pub mod words;

pub use area::{Area, Catalogue, TableEntry};
pub use detail::{Cell, Column, Detail};
pub use exception::{Called, Exception, Key};
pub use glance::Glance;
pub use histogram::Histogram;
pub use many::Many;
pub use measure::{AHEAD, And, Fold, Match, Measure, TREND, Unless, WINDOW, join_labels, level};
pub(crate) use metric::metrics;
pub use metric::{Give, Kind, Label, Metric, MetricFacts, Read, Table, is_label_name};
pub use place::Place;
pub use row::{Batch, Gap, Known, Row, RowSet, Sink};
pub use sentence::Sentence;
pub use signal::{Default, Direction, Hold, Origin, Severity, Signal, Unit};
pub use value::Value;
