//! An area is what one collector watches; the catalogue is the list of all of them.

use std::any::TypeId;
use std::collections::BTreeSet;

use super::glance::Glance;
use super::metric::MetricFacts;
use super::row::Row;
use super::signal::Signal;
use super::words::{Values, Words};
use crate::failure::Reason;

/// The metrics of one row type, with the type forgotten.
pub struct TableEntry {
    pub row_type: fn() -> TypeId,
    pub facts: fn() -> Vec<MetricFacts>,
}

impl TableEntry {
    pub const fn of<R: Row>() -> Self {
        Self { row_type: TypeId::of::<R>, facts: || R::TABLE.facts() }
    }
}

/// What a collector says of itself. `name` is the value of the label `area`.
pub struct Area {
    pub name: &'static str,
    /// For people: the heading in documents and on the status page.
    pub title: &'static str,
    /// Whether there is one target, of the area's name, with its settings in the section itself.
    pub single: bool,
    /// Whether its targets may live in a Compose service, as `service:` of a target says.
    pub in_service: bool,
    pub tables: &'static [TableEntry],
    pub signals: &'static [Signal],
    /// The two or three numbers that say at a glance how a target is.
    pub glance: &'static [Glance],
    /// The reasons of failures that not every area has: `REASONS` of `reasons!`, its own and its clients'.
    pub reasons: &'static [&'static [Reason]],
    /// What rules, panels and tests of rules may ask for in labels of the area's metrics.
    pub words: &'static [Words],
    /// A section per alert, headed `## <Alert>`.
    pub runbook: &'static str,
}

impl Area {
    /// Where a metric of this area stands: its row type and its index in that type's table.
    pub fn locate(&self, metric: &str) -> Option<(TypeId, usize)> {
        self.tables.iter().find_map(|table| {
            let index = (table.facts)().iter().position(|facts| facts.name == metric)?;
            Some(((table.row_type)(), index))
        })
    }

    /// What is known of a metric of this area.
    pub fn facts(&self, metric: &str) -> Option<MetricFacts> {
        let mut all = self.tables.iter().flat_map(|table| (table.facts)());
        all.find(|facts| facts.name == metric)
    }

    pub fn signal(&self, name: &str) -> Option<&'static Signal> {
        self.signals.iter().find(|signal| signal.name == name)
    }
}

/// All areas in the order in which they are shown; the exporter's own area comes first.
pub struct Catalogue {
    areas: &'static [&'static Area],
}

impl Catalogue {
    pub const fn new(areas: &'static [&'static Area]) -> Self {
        Self { areas }
    }

    pub fn areas(&self) -> impl Iterator<Item = &'static Area> {
        self.areas.iter().copied()
    }

    pub fn area(&self, name: &str) -> Option<&'static Area> {
        self.areas().find(|area| area.name == name)
    }

    pub fn tables(&self) -> impl Iterator<Item = (&'static Area, &'static TableEntry)> {
        self.areas().flat_map(|area| area.tables.iter().map(move |table| (area, table)))
    }

    pub fn signals(&self) -> impl Iterator<Item = (&'static Area, &'static Signal)> {
        self.areas().flat_map(|area| area.signals.iter().map(move |signal| (area, signal)))
    }

    pub fn metrics(&self) -> impl Iterator<Item = (&'static Area, MetricFacts)> {
        self.tables()
            .flat_map(|(area, table)| (table.facts)().into_iter().map(move |facts| (area, facts)))
    }

    /// Every word for why something cannot be read: those of all areas first.
    pub fn reasons(&self) -> impl Iterator<Item = Reason> {
        let own = self.areas().flat_map(|area| area.reasons.iter().copied().flatten());
        // Of a client that several areas have, once.
        let mut seen = BTreeSet::new();
        Reason::COMMON.iter().chain(own).copied().filter(move |it| seen.insert(it.as_str()))
    }

    /// The closed list of a label of a metric, if there is one; several areas may add to it.
    pub fn words(&self, metric: &str, label: &str) -> Option<BTreeSet<String>> {
        let all = self.areas().flat_map(|area| area.words);
        let ours = all.filter(|words| words.label == label && words.metrics.contains(&metric));
        let lists: Vec<_> = ours.filter_map(|words| words.values(self)).collect();
        (!lists.is_empty()).then(|| lists.into_iter().flatten().collect())
    }

    /// Whether an area says that anything may stand in the label.
    pub fn is_open(&self, label: &str) -> bool {
        let mut all = self.areas().flat_map(|area| area.words);
        all.any(|words| words.label == label && matches!(words.values, Values::Open))
    }

    /// Where a metric stands.
    pub fn locate(&self, metric: &str) -> Option<(TypeId, usize)> {
        self.areas().find_map(|area| area.locate(metric))
    }
}
