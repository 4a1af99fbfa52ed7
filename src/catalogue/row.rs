//! What a reading consists of: rows of one type or more, as data.

use std::any::TypeId;

use super::detail::Detail;
use super::exception::Exception;
use super::histogram::Histogram;
use super::metric::Table;
use super::place::Place;
use crate::failure::Failure;

/// One observed thing (a container, a stream, a file system). Plain data, made by a collector's
/// `sample.rs`, described by the table in its `metrics.rs`.
pub trait Row: Send + Sync + Sized + 'static {
    const TABLE: &'static Table<Self>;

    /// Labels that only the configuration names. They follow the row's own on every series of the
    /// row; one whose name is not legal, or stands there already, does not get out.
    fn more_labels(&self) -> &[(String, String)] {
        &[]
    }
}

/// Labels of a sample whose names the catalogue knows.
pub type Known<'a> = &'a [(&'static str, &'a str)];

/// Receives samples: the labels of the row (without `target`), those that the configuration adds,
/// which no judgement looks at, and the value.
pub trait Sink {
    fn sample(&mut self, labels: Known, more: &[(&str, &str)], value: f64);
    /// Nothing judges a histogram, so only those that show or count series need it.
    fn histogram(&mut self, _labels: Known, _more: &[(&str, &str)], _seen: &Histogram) {}
    /// A gauge whose name ends in what the source calls it; nothing judges those either.
    fn named(&mut self, _name: &str, _labels: Known, _more: &[(&str, &str)], _value: f64) {}
    /// A counter of this name is below zero: no honest source says so, and there is no sample.
    fn refused(&mut self, _metric: &'static str) {}
}

/// Rows of one type whose type has been forgotten.
pub trait RowSet: Send + Sync {
    fn row_type(&self) -> TypeId;
    /// Number of rows.
    fn len(&self) -> usize;
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Number of metrics in the table.
    fn metrics(&self) -> usize;
    /// Hands every sample of the metric with this index in the table to `sink`.
    fn emit(&self, metric: usize, sink: &mut dyn Sink);
}

impl<R: Row> RowSet for Vec<R> {
    fn row_type(&self) -> TypeId {
        TypeId::of::<R>()
    }

    fn len(&self) -> usize {
        Vec::len(self)
    }

    fn metrics(&self) -> usize {
        R::TABLE.metrics.len()
    }

    fn emit(&self, metric: usize, sink: &mut dyn Sink) {
        let Some(metric) = R::TABLE.metrics.get(metric) else { return };
        for row in self {
            R::TABLE.emit(metric, row, sink);
        }
    }
}

/// A part of a target that could not be read while the rest could.
#[derive(Clone, Debug)]
pub struct Gap {
    /// What cannot be seen, in the operator's words: "JetStream (/jsz)".
    pub what: String,
    pub failure: Failure,
}

/// All that one reading of one target yielded.
#[derive(Default)]
pub struct Batch {
    rows: Vec<Box<dyn RowSet>>,
    gaps: Vec<Gap>,
    /// Things that a cap kept out, by the name of the cap.
    dropped: Vec<(&'static str, u64)>,
    details: Vec<Detail>,
    exceptions: Vec<Exception>,
    places: Vec<Place>,
}

impl Batch {
    pub fn new() -> Self {
        Self::default()
    }

    #[must_use]
    pub fn with<R: Row>(mut self, rows: Vec<R>) -> Self {
        if !rows.is_empty() {
            self.rows.push(Box::new(rows));
        }
        self
    }

    #[cfg(test)]
    pub(crate) fn push(&mut self, rows: Box<dyn RowSet>) {
        self.rows.push(rows);
    }

    /// Notes a part that could not be read.
    #[must_use]
    pub fn gap(mut self, what: impl Into<String>, failure: Failure) -> Self {
        self.gaps.push(Gap { what: what.into(), failure });
        self
    }

    /// Notes how many things a cap kept out of this reading.
    #[must_use]
    pub fn dropped(mut self, cap: &'static str, count: u64) -> Self {
        self.dropped.push((cap, count));
        self
    }

    /// Adds a table for people.
    #[must_use]
    pub fn detail(mut self, detail: Detail) -> Self {
        self.details.push(detail);
        self
    }

    /// Notes a threshold that a thing has brought along for itself, in a label of its own.
    #[must_use]
    pub fn excepting(mut self, exceptions: Vec<Exception>) -> Self {
        self.exceptions.extend(exceptions);
        self
    }

    pub fn exceptions(&self) -> &[Exception] {
        &self.exceptions
    }

    /// Notes services by which other areas find out where their targets live.
    #[must_use]
    pub fn placing(mut self, places: Vec<Place>) -> Self {
        self.places.extend(places);
        self
    }

    pub fn places(&self) -> &[Place] {
        &self.places
    }

    pub fn details(&self) -> &[Detail] {
        &self.details
    }

    pub fn gaps(&self) -> &[Gap] {
        &self.gaps
    }

    pub fn drops(&self) -> &[(&'static str, u64)] {
        &self.dropped
    }

    pub fn sets(&self) -> impl Iterator<Item = &dyn RowSet> {
        self.rows.iter().map(AsRef::as_ref)
    }
}
