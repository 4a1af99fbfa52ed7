//! Text out of a snapshot: OpenMetrics 1.0, or the classic text format 0.0.4.
//!
//! Family-major over all targets in the order of the catalogue: a family appears once, never
//! without a sample, and never with timestamps (they would defeat Prometheus' staleness marks).

mod classic;
mod format;
mod openmetrics;

pub use format::Format;

use std::sync::Arc;

use crate::catalogue::Catalogue;
use crate::engine::Snapshot;

/// Encodes a snapshot. Cannot fail: all I/O and all errors lie before it.
pub fn encode(catalogue: &'static Catalogue, snapshot: Arc<Snapshot>, format: Format) -> String {
    let text = openmetrics::encode(catalogue, snapshot);
    match format {
        Format::OpenMetrics => text,
        Format::Classic => classic::rewrite(catalogue, &text),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::catalogue::examples::{TIMED, Timed};
    use crate::catalogue::{Batch, Histogram};

    #[test]
    fn histograms_add_up_and_end_with_all() {
        let mut seen = Histogram::new(&[0.1, 1.0]);
        for number in [0.05, 0.5, 0.25, 8.0] {
            seen.observe(number);
        }
        let rows = || {
            vec![
                Timed { path: "/a", seen: Some(seen.clone()) },
                Timed { path: "/b", seen: None },
                Timed { path: "/c", seen: Some(Histogram::new(&[1.0])) },
            ]
        };
        let text =
            |format| encode(&TIMED, Arc::new(Snapshot::of("t", Batch::new().with(rows()))), format);
        let lines = "example_duration_seconds_sum{target=\"t\",path=\"/a\"} 8.8
example_duration_seconds_count{target=\"t\",path=\"/a\"} 4
example_duration_seconds_bucket{le=\"0.1\",target=\"t\",path=\"/a\"} 1
example_duration_seconds_bucket{le=\"1.0\",target=\"t\",path=\"/a\"} 3
example_duration_seconds_bucket{le=\"+Inf\",target=\"t\",path=\"/a\"} 4
example_duration_seconds_sum{target=\"t\",path=\"/c\"} 0.0
example_duration_seconds_count{target=\"t\",path=\"/c\"} 0
example_duration_seconds_bucket{le=\"1.0\",target=\"t\",path=\"/c\"} 0
example_duration_seconds_bucket{le=\"+Inf\",target=\"t\",path=\"/c\"} 0
";
        let head = "# HELP example_duration_seconds How long it took.
# TYPE example_duration_seconds histogram
";
        assert_eq!(text(Format::OpenMetrics), format!("{head}{lines}# EOF\n"));
        assert_eq!(text(Format::Classic), format!("{head}{lines}"));
    }
}
