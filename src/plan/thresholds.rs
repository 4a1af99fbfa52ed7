//! Thresholds as the file writes them, against the signals of an area.

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::catalogue::{Area, Direction, Severity, Signal, Unit};
use crate::config::{Dur, Size, nearest};
use crate::engine::Threshold;

/// Thresholds by signal, for example `longest_query: 5s`, `connections: { warning: 15, critical:
/// 18 }`, `active_queries: off`. One value is the warning's. The signals of an area, their units
/// and their defaults stand in the metric reference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Thresholds(pub BTreeMap<String, Setting>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// The warning's threshold, or `off` for no alert of any severity.
    One(Limit),
    Both(Limits),
}

/// One threshold for each severity. What is left out keeps its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Threshold of the warning, or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Limit>,
    /// Threshold of the critical alert, or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<Limit>,
}

/// A number, or a text with a unit: `5s`, `512MiB`, `90%`, `off`.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Limit {
    Number(f64),
    #[schemars(extend("x-show-value" = true))]
    Text(String),
}

impl Thresholds {
    /// The thresholds in force for a target of this area, and mistakes by key.
    pub fn resolve(&self, area: &Area) -> (Vec<Threshold>, Vec<(String, String)>) {
        let mut mistakes = Vec::new();
        for key in self.0.keys() {
            if area.signal(key).is_none() {
                let names = area.signals.iter().map(|signal| signal.name);
                mistakes.push((key.clone(), unknown_signal(area, nearest(key, names))));
            }
        }
        let mut thresholds: Vec<Threshold> = Vec::new();
        for signal in area.signals {
            let first = thresholds.len();
            for severity in Severity::ALL {
                let setting = self.0.get(signal.name).and_then(|setting| setting.of(severity));
                let configured = setting.is_some();
                let value = match setting {
                    None => signal.default_of(severity).value,
                    Some(limit) => limit.parse(signal).unwrap_or_else(|message| {
                        mistakes.push((signal.name.to_owned(), message));
                        None
                    }),
                };
                if let Some(value) = value {
                    thresholds.push(Threshold { signal: signal.name, severity, value, configured });
                }
            }
            if let Some([warning, critical]) = thresholds.get(first..)
                && let Some(message) = out_of_order(signal, warning.value, critical.value)
            {
                mistakes.push((signal.name.to_owned(), message));
            }
        }
        (thresholds, mistakes)
    }
}

/// A warning that comes after the critical alert would never be seen.
fn out_of_order(signal: &Signal, warning: f64, critical: f64) -> Option<String> {
    let behind = match signal.direction {
        Direction::Above => warning > critical,
        Direction::Below => warning < critical,
    };
    let show = |value| signal.unit.show(value);
    behind.then(|| format!("warning `{}` lies behind critical `{}`", show(warning), show(critical)))
}

fn unknown_signal(area: &Area, nearest: Option<&str>) -> String {
    if let Some(nearest) = nearest {
        return format!("unknown signal (did you mean `{nearest}`?)");
    }
    let names: Vec<_> = area.signals.iter().map(|signal| format!("`{}`", signal.name)).collect();
    format!("unknown signal (known: {})", names.join(", "))
}

impl Setting {
    fn of(&self, severity: Severity) -> Option<&Limit> {
        match (self, severity) {
            // `off` alone silences the signal everywhere, at both severities.
            (Self::One(limit), _) if limit.is_off() => Some(limit),
            (Self::One(limit), Severity::Warning) => Some(limit),
            (Self::One(_), Severity::Critical) => None,
            (Self::Both(limits), Severity::Warning) => limits.warning.as_ref(),
            (Self::Both(limits), Severity::Critical) => limits.critical.as_ref(),
        }
    }
}

impl Limit {
    fn is_off(&self) -> bool {
        matches!(self, Self::Text(text) if text == "off")
    }

    /// The value in the signal's base unit; `None` for `off`.
    fn parse(&self, signal: &Signal) -> Result<Option<f64>, String> {
        if self.is_off() {
            return Ok(None);
        }
        match (signal.unit, self) {
            (Unit::Seconds, Self::Text(text)) => {
                let duration: Dur = text.parse().map_err(message)?;
                Ok(Some(duration.get().as_secs_f64()))
            }
            (Unit::Bytes, Self::Text(text)) => {
                let size: Size = text.parse().map_err(message)?;
                Ok(Some(size.get() as f64))
            }
            (Unit::Seconds, Self::Number(_)) => Err("needs a unit, for example `5s`".into()),
            (Unit::Bytes, Self::Number(_)) => Err("needs a unit, for example `512MiB`".into()),
            (Unit::Ratio, Self::Text(text)) => percent(text).map(Some),
            (Unit::Ratio, Self::Number(n)) if !(0.0..=1.0).contains(n) => {
                Err("a ratio lies between 0 and 1, or is written as `90%`".into())
            }
            (_, Self::Number(n)) if n.is_finite() => Ok(Some(*n)),
            (_, _) => Err("expected a number or `off`".into()),
        }
    }
}

#[allow(clippy::needless_pass_by_value, reason = "for `map_err`")]
fn message(error: impl std::fmt::Display) -> String {
    error.to_string()
}

fn percent(text: &str) -> Result<f64, String> {
    let number = text.strip_suffix('%').and_then(|number| number.trim().parse::<f64>().ok());
    match number {
        Some(number) if (0.0..=100.0).contains(&number) => Ok(number / 100.0),
        _ => Err("expected a ratio: `0.9`, `90%` or `off`".into()),
    }
}
