//! The threshold of one thing as a label of its own writes it.

use super::{Limit, Own, OwnLimits, threshold_of};
use crate::catalogue::{Severity, Signal};

/// A value as in the file, for the lowest severity that the signal has by default: `95%`, `5s`, `on`,
/// or `off` for all severities; or one for each: `warning:90%,critical:95%`.
pub fn threshold_of_one(
    signal: &Signal,
    text: &str,
) -> Result<Vec<(Severity, Option<f64>)>, String> {
    let own = if text.contains(':') { Own::Each(each(text)?) } else { Own::One(limit(text)) };
    threshold_of(signal, &own)
}

fn each(text: &str) -> Result<OwnLimits, String> {
    let mut limits = OwnLimits::default();
    for part in text.split(',') {
        let (severity, value) = part.split_once(':').unwrap_or((part, ""));
        let place = match severity.trim() {
            "info" => &mut limits.info,
            "warning" => &mut limits.warning,
            "critical" => &mut limits.critical,
            _ => return Err("expected `95%`, or `warning:90%,critical:95%`".into()),
        };
        if place.replace(limit(value)).is_some() {
            return Err("names a severity twice".into());
        }
    }
    Ok(limits)
}

/// A number without a unit is one, as in the file.
fn limit(text: &str) -> Limit {
    let text = text.trim();
    text.parse().map_or_else(|_| Limit::Text(text.to_owned()), Limit::Number)
}
