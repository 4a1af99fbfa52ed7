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
