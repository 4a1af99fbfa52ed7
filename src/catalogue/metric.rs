//! The table of metrics of a row type, and the macro that writes it in two lines a metric.

use super::histogram::Histogram;
use super::row::{Known, Row, Sink};
use crate::text::short;

/// The longest value of a label, in bytes: it stands in every series of its thing.
const LABEL: usize = 1024;

/// The type of a metric as scrapers see it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    Gauge,
    /// The name ends in `_total`.
    Counter,
    /// A counter whose established name lacks `_total`: `unknown` in OpenMetrics, `counter` in the
    /// classic text format.
    EstablishedCounter,
    /// Series `_bucket`, `_sum` and `_count`.
    Histogram,
}

/// A label of a row type: its name, typed once, and where its value stands.
pub struct Label<R> {
    pub name: &'static str,
    pub read: fn(&R) -> &str,
}

/// One metric of a row type.
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

/// How the numbers of a metric are got from a row.
pub enum Read<R> {
    /// One value, or one per value of the `extra` label.
    Values(fn(&R, Give)),
    Histogram(fn(&R) -> Option<&Histogram>),
    /// A family of its own for each name that the source has: the metric's name, `_`, and what is given.
    Names(fn(&R, Give)),
}

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
        let labels: Vec<(&'static str, &str)> = self
            .labels
            .iter()
            .map(|label| (label.name, (label.read)(row)))
            .filter(|(_, value)| !value.is_empty())
            .collect();
        let more = self.legal(metric, row.more_labels());
        if labels.iter().all(|(_, value)| value.len() <= LABEL)
            && more.iter().all(|(_, value)| value.len() <= LABEL)
        {
            return give(metric, row, &labels, &more, sink);
        }
        let labels: Vec<_> =
            labels.iter().map(|(name, value)| (*name, short(value, LABEL))).collect();
        let labels: Vec<_> = labels.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        let more: Vec<_> = more.iter().map(|(name, value)| (*name, short(value, LABEL))).collect();
        let more: Vec<_> = more.iter().map(|(name, value)| (*name, value.as_ref())).collect();
        give(metric, row, &labels, &more, sink);
    }

    /// Those of the configuration's labels that a scraper takes: it throws the whole answer away
    /// for one bad name or one that stands there twice. An empty value is an absent label.
    fn legal<'a>(
        &self,
        metric: &Metric<R>,
        more: &'a [(String, String)],
    ) -> Vec<(&'a str, &'a str)> {
        let taken = |name: &str| {
            metric.extra == Some(name) || self.labels.iter().any(|label| label.name == name)
        };
        let mut legal: Vec<(&str, &str)> = Vec::new();
        for (name, value) in more {
            let twice = taken(name) || legal.iter().any(|(other, _)| other == name);
            if !twice && !value.is_empty() && is_label_name(name) {
                legal.push((name, value));
            }
        }
        legal
    }
}

/// Hands the samples of one metric of one row on, whose labels are these.
fn give<R: Row>(
    metric: &Metric<R>,
    row: &R,
    labels: Known,
    more: &[(&str, &str)],
    sink: &mut dyn Sink,
) {
    let read = match metric.read {
        Read::Values(read) => read,
        Read::Names(read) => {
            return read(row, &mut |name, value| {
                if is_name_part(name) {
                    sink.named(name, labels, more, value);
                }
            });
        }
        Read::Histogram(read) => {
            if let Some(seen) = read(row) {
                sink.histogram(labels, more, seen);
            }
            return;
        }
    };
    let is_counter = matches!(metric.kind, Kind::Counter | Kind::EstablishedCounter);
    read(row, &mut |extra, value| {
        if is_counter && value < 0.0 {
            sink.refused(metric.name);
        } else if let Some(name) = metric.extra {
            // The borrow of `extra` ends with this call, so these labels are built afresh.
            let extra = short(extra, LABEL);
            let mut all: Vec<(&'static str, &str)> = Vec::with_capacity(labels.len() + 1);
            all.extend_from_slice(labels);
            all.push((name, &extra));
            sink.sample(&all, more, value);
        } else {
            sink.sample(labels, more, value);
        }
    });
}

/// Whether this may end the name of a gauge.
fn is_name_part(text: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    !text.is_empty() && text.chars().all(legal) && !text.ends_with("_total")
}

/// Whether a label that the configuration names may be called so: legal in Prometheus, and none of
/// those that Prometheus and the engine set.
pub fn is_label_name(name: &str) -> bool {
    let legal = |c: char| c.is_ascii_alphanumeric() || c == '_';
    let reserved = ["target", "instance", "job", "le", "quantile"];
    !name.is_empty()
        && !name.starts_with(|c: char| c.is_ascii_digit())
        && !name.starts_with("__")
        && name.chars().all(legal)
        && !reserved.contains(&name)
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
///     /// How long requests took.
///     histogram stack_request_duration_seconds = |s| s.durations.as_ref();
/// } }
/// ```
macro_rules! metrics {
    ($row:ty {
        labels { $($label:ident = |$l:ident| $where:expr),* $(,)? }
        $(more = |$m:ident| $more:expr;)?
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
                    read: $crate::catalogue::metrics!(@read $kind $row, ($($extra)?), $r, $value),
                }),*],
            };
            $(fn more_labels(&self) -> &[(String, String)] {
                let $m = self;
                $more
            })?
        }
    };
    (@kind gauge) => { $crate::catalogue::Kind::Gauge };
    (@kind counter) => { $crate::catalogue::Kind::Counter };
    (@kind names) => { $crate::catalogue::Kind::Gauge };
    (@kind histogram) => { $crate::catalogue::Kind::Histogram };
    (@kind established) => { $crate::catalogue::Kind::EstablishedCounter };
    (@extra) => { None };
    (@extra $extra:ident) => { Some(stringify!($extra)) };
    (@read histogram $row:ty, (), $r:ident, $value:expr) => {
        $crate::catalogue::Read::Histogram(|$r: &$row| $value)
    };
    (@read names $row:ty, (), $r:ident, $values:expr) => {
        $crate::catalogue::Read::Names(|$r: &$row, give: $crate::catalogue::Give| {
            for (name, value) in $values {
                give(name, value);
            }
        })
    };
    (@read $kind:ident $row:ty, (), $r:ident, $value:expr) => {
        $crate::catalogue::Read::Values(|$r: &$row, give: $crate::catalogue::Give| {
            if let Some(value) = $crate::catalogue::Value::value($value) {
                give("", value);
            }
        })
    };
    (@read $kind:ident $row:ty, ($extra:ident), $r:ident, $values:expr) => {
        $crate::catalogue::Read::Values(|$r: &$row, give: $crate::catalogue::Give| {
            for (label, value) in $values {
                if let Some(value) = $crate::catalogue::Value::value(value) {
                    give(AsRef::<str>::as_ref(&label), value);
                }
            }
        })
    };
}
pub(crate) use metrics;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::RowSet;
    use crate::catalogue::examples::Tagged;

    #[test]
    fn a_name_of_the_source_that_would_spoil_the_scrape_does_not_get_out() {
        for (name, legal) in [
            ("work_mem_bytes", true),
            ("a_1", true),
            ("", false),
            ("a b", false),
            ("ä", false),
            ("a_total", false),
        ] {
            assert_eq!(is_name_part(name), legal, "{name}");
        }
    }

    /// Samples as text, one a line.
    #[derive(Default)]
    struct Lines(String);

    impl Sink for Lines {
        fn sample(&mut self, labels: &[(&'static str, &str)], more: &[(&str, &str)], value: f64) {
            let all = labels.iter().chain(more).map(|(name, value)| format!("{name}={value}"));
            self.0 += &format!("{} {value}\n", all.collect::<Vec<_>>().join(","));
        }
    }

    fn lines(metric: usize, more: &[(&str, &str)]) -> String {
        let more = more.iter().map(|(name, value)| ((*name).into(), (*value).into()));
        let rows = vec![Tagged { id: "1".into(), more: more.collect() }];
        let mut sink = Lines::default();
        rows.emit(metric, &mut sink);
        sink.0
    }

    #[test]
    fn labels_of_the_configuration_follow_the_rows_own() {
        let more = [("container_label_team", "blue"), ("_x1", "ä\"")];
        assert_eq!(lines(0, &more), "id=1,container_label_team=blue,_x1=ä\" 1\n");
        assert_eq!(lines(1, &more), "id=1,state=up,container_label_team=blue,_x1=ä\" 1\n");
        assert_eq!(lines(0, &[]), "id=1 1\n");
    }

    #[test]
    fn a_long_label_is_cut_in_every_series() {
        let long = "x".repeat(100_000);
        for (metric, more) in [(0, ("_long", long.as_str())), (1, ("_long", long.as_str()))] {
            let line = lines(metric, &[more]);
            assert!(line.len() < LABEL + 100, "{}", line.len());
            assert!(line.starts_with("id=1,") && line.contains("_long=xxx"));
        }
    }

    #[test]
    fn a_label_that_would_spoil_the_scrape_does_not_get_out() {
        for name in
            ["", "1a", "a-b", "com.docker.x", "ä", "a\"b", "a b", "a\n", "__name__", "target", "id"]
        {
            assert_eq!(lines(0, &[(name, "v")]), "id=1 1\n", "{name:?}");
        }
        assert_eq!(lines(0, &[("a", ""), ("a", "1"), ("a", "2")]), "id=1,a=1 1\n");
        assert_eq!(lines(1, &[("state", "v")]), "id=1,state=up 1\n");
    }
}
