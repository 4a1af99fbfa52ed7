//! Feeds a snapshot to `prometheus_client`. The only file that names the crate besides the
//! server's own counters.

use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

use prometheus_client::collector::Collector;
use prometheus_client::encoding::{
    DescriptorEncoder, EncodeLabelSet, LabelSetEncoder, MetricEncoder,
};
use prometheus_client::metrics::MetricType;
use prometheus_client::registry::Registry;

use crate::catalogue::{Catalogue, Histogram, Kind, Known, MetricFacts, Sink, TableEntry};
use crate::engine::Snapshot;

pub(super) fn encode(catalogue: &'static Catalogue, snapshot: Arc<Snapshot>) -> String {
    let mut registry = Registry::default();
    registry.register_collector(Box::new(Constants { catalogue, snapshot }));
    let mut text = String::new();
    // Writing to a String cannot fail, and the collector below returns no error of its own.
    let _ = prometheus_client::encoding::text::encode(&mut text, &registry);
    text
}

/// All metrics of all targets as constants: nothing is kept, so nothing has to be forgotten.
struct Constants {
    catalogue: &'static Catalogue,
    snapshot: Arc<Snapshot>,
}

impl fmt::Debug for Constants {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Constants")
    }
}

impl Collector for Constants {
    fn encode(&self, mut encoder: DescriptorEncoder) -> fmt::Result {
        for (_, table) in self.catalogue.tables() {
            for (index, facts) in (table.facts)().iter().enumerate() {
                self.family(&mut encoder, table, index, facts)?;
            }
        }
        Ok(())
    }
}

impl Constants {
    fn family(
        &self,
        encoder: &mut DescriptorEncoder,
        table: &TableEntry,
        index: usize,
        facts: &MetricFacts,
    ) -> fmt::Result {
        let row_type = (table.row_type)();
        let state = FamilyState::Waiting(encoder);
        let mut family =
            Family { facts, target: "", state, result: Ok(()), named: BTreeMap::new() };
        for entry in &self.snapshot.entries {
            family.target = entry.name();
            for set in entry.sets().filter(|set| set.row_type() == row_type) {
                set.emit(index, &mut family);
            }
        }
        family.write_named()?;
        family.result
    }
}

/// Writes the header with the first sample, so that no family stands there empty.
struct Family<'a, 'e> {
    facts: &'a MetricFacts,
    target: &'a str,
    state: FamilyState<'a, 'e>,
    result: fmt::Result,
    /// Samples of families that the source names, by the end of their names.
    named: BTreeMap<String, Vec<Named>>,
}

/// A sample that waits for the others of its name.
struct Named {
    target: String,
    labels: Vec<(&'static str, String)>,
    more: Vec<(String, String)>,
    value: f64,
}

enum FamilyState<'a, 'e> {
    Waiting(&'a mut DescriptorEncoder<'e>),
    Writing(MetricEncoder<'a>),
    Broken,
}

impl Sink for Family<'_, '_> {
    fn sample(&mut self, labels: Known, more: &[(&str, &str)], value: f64) {
        let set = LabelSet { target: self.target, labels, more };
        if let Err(error) = self.write(&set, Shown::Value(value)) {
            self.result = Err(error);
        }
    }

    fn named(&mut self, name: &str, labels: Known, more: &[(&str, &str)], value: f64) {
        let owned = |(name, value): &(&str, &str)| ((*name).to_owned(), (*value).to_owned());
        self.named.entry(name.to_owned()).or_default().push(Named {
            target: self.target.to_owned(),
            labels: labels.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            more: more.iter().map(owned).collect(),
            value,
        });
    }

    fn histogram(&mut self, labels: Known, more: &[(&str, &str)], seen: &Histogram) {
        let set = LabelSet { target: self.target, labels, more };
        if let Err(error) = self.write(&set, Shown::Histogram(seen)) {
            self.result = Err(error);
        }
    }
}

impl Family<'_, '_> {
    fn write_named(&mut self) -> fmt::Result {
        let FamilyState::Waiting(encoder) = &mut self.state else { return Ok(()) };
        for (name, samples) in std::mem::take(&mut self.named) {
            let name = format!("{}_{name}", self.facts.name);
            let kind = MetricType::Gauge;
            let mut writer = encoder.encode_descriptor(&name, self.facts.help, None, kind)?;
            for sample in &samples {
                let labels = sample.labels.iter().map(|(name, value)| (*name, value.as_str()));
                let labels: Vec<_> = labels.collect();
                let more = sample.more.iter().map(|(name, value)| (name.as_str(), value.as_str()));
                let more: Vec<_> = more.collect();
                let set = LabelSet { target: &sample.target, labels: &labels, more: &more };
                gauge(&mut writer.encode_family(&set)?, sample.value)?;
            }
        }
        Ok(())
    }
}

/// We have no exemplars.
type NoExemplar = [(String, String); 0];

/// What stands behind the labels.
#[derive(Clone, Copy)]
enum Shown<'a> {
    Value(f64),
    Histogram(&'a Histogram),
}

impl Family<'_, '_> {
    fn write(&mut self, set: &LabelSet, shown: Shown) -> fmt::Result {
        let state = std::mem::replace(&mut self.state, FamilyState::Broken);
        let mut writer = match state {
            FamilyState::Broken => return Err(fmt::Error),
            FamilyState::Writing(writer) => writer,
            FamilyState::Waiting(encoder) => {
                let (name, kind) = match self.facts.kind {
                    Kind::Gauge => (self.facts.name, MetricType::Gauge),
                    Kind::Histogram => (self.facts.name, MetricType::Histogram),
                    Kind::EstablishedCounter => (self.facts.name, MetricType::Unknown),
                    // The crate appends `_total` itself.
                    Kind::Counter => {
                        (self.facts.name.trim_end_matches("_total"), MetricType::Counter)
                    }
                };
                encoder.encode_descriptor(name, self.facts.help, None, kind)?
            }
        };
        if set.is_empty() {
            self.shown(&mut writer, shown)?;
        } else {
            self.shown(&mut writer.encode_family(set)?, shown)?;
        }
        self.state = FamilyState::Writing(writer);
        Ok(())
    }

    fn shown(&self, writer: &mut MetricEncoder, shown: Shown) -> fmt::Result {
        match shown {
            Shown::Value(value) => self.value(writer, value),
            Shown::Histogram(seen) => writer.encode_histogram::<NoExemplar>(
                seen.sum(),
                seen.count(),
                &seen.buckets(),
                None,
            ),
        }
    }

    fn value(&self, writer: &mut MetricEncoder, value: f64) -> fmt::Result {
        match (self.facts.kind, whole(value)) {
            (Kind::Counter, Some(whole)) if whole >= 0 => {
                writer.encode_counter::<NoExemplar, u64, u64>(&whole.unsigned_abs(), None)
            }
            (Kind::Counter, _) => writer.encode_counter::<NoExemplar, f64, f64>(&value, None),
            _ => gauge(writer, value),
        }
    }
}

fn gauge(writer: &mut MetricEncoder, value: f64) -> fmt::Result {
    match whole(value) {
        Some(whole) => writer.encode_gauge(&whole),
        None => writer.encode_gauge(&value),
    }
}

/// Bytes and counts read better as `1048576` than as `1048576.0`.
fn whole(value: f64) -> Option<i64> {
    /// Largest integer up to which every f64 integer is exact.
    const EXACT: f64 = 9_007_199_254_740_992.0;
    #[allow(clippy::cast_possible_truncation, reason = "checked to be a whole number in range")]
    (value.fract() == 0.0 && value.abs() < EXACT).then_some(value as i64)
}

/// `target` first, then the labels of the row, then those that the configuration adds.
struct LabelSet<'a> {
    target: &'a str,
    labels: Known<'a>,
    more: &'a [(&'a str, &'a str)],
}

impl LabelSet<'_> {
    fn is_empty(&self) -> bool {
        self.target.is_empty() && self.labels.is_empty() && self.more.is_empty()
    }
}

impl EncodeLabelSet for LabelSet<'_> {
    fn encode(&self, encoder: &mut LabelSetEncoder) -> fmt::Result {
        use prometheus_client::encoding::EncodeLabel;
        if !self.target.is_empty() {
            ("target", self.target).encode(encoder.encode_label())?;
        }
        for (name, value) in self.labels.iter().chain(self.more) {
            (*name, *value).encode(encoder.encode_label())?;
        }
        Ok(())
    }
}
