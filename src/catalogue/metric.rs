//! The table of metrics of a row type, and the macro that writes it in two lines a metric.

use super::row::{Row, Sink};

/// The type of a metric as scrapers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    /// The name ends in `_total`.
    Counter,
    /// A counter whose established name lacks `_total`: `unknown` in OpenMetrics, `counter` in the
    /// classic text format.
    EstablishedCounter,
}

/// A label of a row type: its name, typed once, and where its value stands.
pub struct Label<R> {
    pub name: &'static str,
    pub read: fn(&R) -> &str,
}

/// One metric of a row type. `read` hands out one value, or one per value of the `extra` label.
pub struct Metric<R> {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
    pub extra: Option<&'static str>,
    pub requirements: &'static [&'static str],
    pub read: Read<R>,
}

/// Takes the extra label's value (or nothing) and the number.
pub type Give<'a> = &'a mut dyn FnMut(&str, f64);

type Read<R> = fn(&R, Give);

/// Everything that can be said of one kind of observed thing.
pub struct Table<R: 'static> {
    pub labels: &'static [Label<R>],
    pub metrics: &'static [Metric<R>],
}

/// A metric as documentation and checks see it, without its row type.
#[derive(Clone, Debug)]
pub struct MetricFacts {
    pub name: &'static str,
    pub help: &'static str,
    pub kind: Kind,
    pub labels: Vec<&'static str>,
    pub requirements: &'static [&'static str],
}

impl<R: Row> Table<R> {
    pub fn facts(&self) -> Vec<MetricFacts> {
        let row_labels = self.labels.iter().map(|label| label.name);
        self.metrics
            .iter()
            .map(|metric| MetricFacts {
                name: metric.name,
                help: metric.help.trim(),
                kind: metric.kind,
                labels: row_labels.clone().chain(metric.extra).collect(),
                requirements: metric.requirements,
            })
            .collect()
    }

    /// Hands every sample of one metric of one row to `sink`.
    pub(super) fn emit(&self, metric: &Metric<R>, row: &R, sink: &mut dyn Sink) {
        let mut labels: Vec<(&'static str, &str)> = self
            .labels
            .iter()
            .map(|label| (label.name, (label.read)(row)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let plain = labels.len();
        (metric.read)(row, &mut |extra, value| {
            if let Some(name) = metric.extra {
                // The borrow of `extra` ends with this call, so these labels are built afresh.
                let mut all: Vec<(&'static str, &str)> = Vec::with_capacity(plain + 1);
                all.extend_from_slice(&labels);
                all.push((name, extra));
                sink.sample(&all, value);
            } else {
                sink.sample(&labels, value);
            }
        });
        labels.clear();
    }
}

/// Declares the table of a row type. The doc comment of a metric is its HELP text; the identifiers
/// in square brackets are the requirements that the metric serves.
///
/// ```text
/// metrics! { Server {
///     labels { server_id = |s| &s.server_id }
///     /// Open client connections. Source: `/varz` `connections`.
///     gauge gnatsd_varz_connections [N01] = |s| s.connections;
///     /// Requests by endpoint.
///     counter stack_requests_total {endpoint} = |s| s.requests.iter().map(|r| (&r.0, r.1));
/// } }
/// ```
macro_rules! metrics {
    ($row:ty {
        labels { $($label:ident = |$l:ident| $where:expr),* $(,)? }
        $( $(#[doc = $help:literal])+
           $kind:ident $name:ident $({$extra:ident})? $([$($id:ident)+])? = |$r:ident| $value:expr; )*
    }) => {
        impl $crate::catalogue::Row for $row {
            const TABLE: &'static $crate::catalogue::Table<Self> = &$crate::catalogue::Table {
                labels: &[$($crate::catalogue::Label { name: stringify!($label), read: |$l: &$row| $where }),*],
                metrics: &[$($crate::catalogue::Metric {
                    name: stringify!($name),
                    help: concat!($($help),+),
                    kind: $crate::catalogue::metrics!(@kind $kind),
                    extra: $crate::catalogue::metrics!(@extra $($extra)?),
                    requirements: &[$($(stringify!($id)),+)?],
                    read: $crate::catalogue::metrics!(@read $row, ($($extra)?), $r, $value),
                }),*],
            };
        }
    };
    (@kind gauge) => { $crate::catalogue::Kind::Gauge };
    (@kind counter) => { $crate::catalogue::Kind::Counter };
    (@kind established) => { $crate::catalogue::Kind::EstablishedCounter };
    (@extra) => { None };
    (@extra $extra:ident) => { Some(stringify!($extra)) };
    (@read $row:ty, (), $r:ident, $value:expr) => {
        |$r: &$row, give: $crate::catalogue::Give| {
            if let Some(value) = $crate::catalogue::Value::value($value) {
                give("", value);
            }
        }
    };
    (@read $row:ty, ($extra:ident), $r:ident, $values:expr) => {
        |$r: &$row, give: $crate::catalogue::Give| {
            for (label, value) in $values {
                if let Some(value) = $crate::catalogue::Value::value(value) {
                    give(AsRef::<str>::as_ref(&label), value);
                }
            }
        }
    };
}
pub(crate) use metrics;
