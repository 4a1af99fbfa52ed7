//! Thresholds as the file writes them, against the signals of an area.

mod label;
mod limit;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

pub use label::threshold_of_one;
pub use limit::Limit;

use crate::catalogue::{Area, Direction, Exception, Key, Severity, Signal};
use crate::config::nearest;
use crate::engine;

/// Thresholds by signal, for example `longest_query: 5s`, `connections: { warning: 15, critical:
/// 18 }`, `active_queries: off`. One value is for the lowest severity that the signal has by
/// default. The signals of an area, their units and their defaults stand in the metric reference.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(transparent)]
pub struct Thresholds(pub BTreeMap<String, Setting>);

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Setting {
    /// The threshold of the lowest severity, or `off` for no alert of any severity.
    One(Limit),
    Each(Limits),
}

/// A threshold for each severity. What is left out keeps its default.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct Limits {
    /// Threshold of the advice, or `off`; for signals that are advice by default.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<Limit>,
    /// Threshold of the warning, or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Limit>,
    /// Threshold of the critical alert, or `off`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<Limit>,
    /// Thresholds of single things, by name or pattern: `{ /data: 95%, "/mnt/*": off }`. A container
    /// is called by its name, by its service, or by `project/service`. A name goes before a
    /// pattern, a longer pattern before a shorter one; what an entry leaves out is as for all.
    #[serde(skip_serializing_if = "BTreeMap::is_empty")]
    pub except: BTreeMap<String, Own>,
}

/// What one thing has for itself.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged)]
pub enum Own {
    One(Limit),
    Each(OwnLimits),
}

/// A threshold for each severity. What is left out is as for all things.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(default, deny_unknown_fields)]
pub struct OwnLimits {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub info: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub warning: Option<Limit>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub critical: Option<Limit>,
}

/// Mistakes by key below `thresholds`.
type Mistakes = Vec<(String, String)>;

impl Thresholds {
    /// The thresholds in force for a target of this area, and mistakes by key.
    pub fn resolve(&self, area: &Area) -> (engine::Thresholds, Mistakes) {
        let mut mistakes = Vec::new();
        for key in self.0.keys() {
            if area.signal(key).is_none() {
                let names = area.signals.iter().map(|signal| signal.name);
                mistakes.push((key.clone(), unknown_signal(area, nearest(key, names))));
            }
        }
        let mut resolved = engine::Thresholds::default();
        for signal in area.signals {
            let setting = self.0.get(signal.name);
            resolved.general.extend(general(signal, setting, &mut mistakes));
            if let Some(Setting::Each(limits)) = setting {
                exceptions(signal, &limits.except, &mut resolved, &mut mistakes);
            }
        }
        (resolved, mistakes)
    }
}

fn general(
    signal: &Signal,
    setting: Option<&Setting>,
    mistakes: &mut Mistakes,
) -> Vec<engine::Threshold> {
    if let Some(Setting::Each(Limits { info: Some(_), .. })) = setting
        && signal.advice.is_none()
    {
        mistakes.push((format!("{}.info", signal.name), not_advice(signal)));
    }
    let mut found = Vec::new();
    for severity in signal.severities() {
        let limit = setting.and_then(|setting| setting.of(signal, severity));
        let configured = limit.is_some();
        let value = match limit {
            None => signal.default_of(severity).and_then(|default| default.value),
            Some(limit) => limit.parse(signal).unwrap_or_else(|message| {
                mistakes.push((signal.name.to_owned(), message));
                None
            }),
        };
        if let Some(value) = value {
            found.push(engine::Threshold { signal: signal.name, severity, value, configured });
        }
    }
    // Advice by default says nothing more where a warning of the user's comes first.
    if let [info, next, ..] = found.as_slice()
        && info.severity == Severity::Info
        && !info.configured
        && out_of_order(signal, &[(info.severity, info.value), (next.severity, next.value)])
            .is_some()
    {
        found.remove(0);
    }
    let values: Vec<_> = found.iter().map(|one| (one.severity, one.value)).collect();
    mistakes.extend(out_of_order(signal, &values).map(|why| (signal.name.to_owned(), why)));
    found
}

/// Takes in what single things have for themselves.
fn exceptions(
    signal: &Signal,
    except: &BTreeMap<String, Own>,
    resolved: &mut engine::Thresholds,
    mistakes: &mut Mistakes,
) {
    let mut patterns: BTreeMap<usize, &str> = BTreeMap::new();
    for (name, own) in except {
        let at = format!("{}.except.{name}", signal.name);
        let mut wrong = |why: String| mistakes.push((at.clone(), why));
        if signal.item.is_empty() {
            wrong("this signal judges the target as a whole: there is one threshold for it".into());
            continue;
        }
        let key = match Key::new(name) {
            Ok(key) => key,
            Err(why) => {
                wrong(format!("not a pattern: {why}"));
                continue;
            }
        };
        if let ((false, length), Some(other)) = (key.rank(), patterns.get(&key.rank().1)) {
            let _ = length;
            wrong(format!(
                "as long as `{other}`: which of the two patterns goes first is not clear"
            ));
        }
        if !key.rank().0 {
            patterns.insert(key.rank().1, name);
        }
        let limits = own_limits(signal, own).unwrap_or_else(|why| {
            wrong(why);
            Vec::new()
        });
        if matches!(own, Own::Each(OwnLimits { info: Some(_), .. })) && signal.advice.is_none() {
            wrong(not_advice(signal));
        }
        let exception = Exception { signal: signal.name, key, limits };
        if let Some(why) = out_of_order(signal, &effective(&exception, signal, resolved)) {
            wrong(why);
        }
        resolved.exceptions.push(exception);
    }
}

/// The threshold that one thing has for itself, or what is wrong with it.
pub fn threshold_of(signal: &Signal, own: &Own) -> Result<Vec<(Severity, Option<f64>)>, String> {
    if matches!(own, Own::Each(OwnLimits { info: Some(_), .. })) && signal.advice.is_none() {
        return Err(not_advice(signal));
    }
    let limits = own_limits(signal, own)?;
    let values: Vec<_> = limits.iter().filter_map(|(of, value)| Some((*of, (*value)?))).collect();
    // What is in force for all is not known here.
    out_of_order(signal, &values).map_or(Ok(limits), Err)
}

/// What one thing's own entry says of each severity that it names.
fn own_limits(signal: &Signal, own: &Own) -> Result<Vec<(Severity, Option<f64>)>, String> {
    let said = signal.severities().filter_map(|severity| {
        Some(own.of(signal, severity)?.parse(signal).map(|value| (severity, value)))
    });
    said.collect()
}

/// What is in force for the things of an exception, by severity.
fn effective(
    exception: &Exception,
    signal: &Signal,
    resolved: &engine::Thresholds,
) -> Vec<(Severity, f64)> {
    let value = |severity: Severity| {
        exception.says(severity).unwrap_or_else(|| resolved.general(signal, severity))
    };
    signal.severities().filter_map(|severity| Some((severity, value(severity)?))).collect()
}

/// A lower severity that comes after a higher one would never be seen.
fn out_of_order(signal: &Signal, values: &[(Severity, f64)]) -> Option<String> {
    let behind = |lower: f64, higher: f64| match signal.direction {
        Direction::Above => lower > higher,
        Direction::Below => lower < higher,
    };
    let (low, high) =
        values.iter().zip(values.iter().skip(1)).find(|(low, high)| behind(low.1, high.1))?;
    let show = |(severity, value): &(Severity, f64)| {
        format!("{} `{}`", severity.as_str(), signal.unit.threshold(*value, signal.direction))
    };
    Some(format!("{} lies behind {}", show(low), show(high)))
}

fn not_advice(signal: &Signal) -> String {
    format!("`{}` is no advice: it has `warning` and `critical`", signal.name)
}

fn unknown_signal(area: &Area, nearest: Option<&str>) -> String {
    if let Some(nearest) = nearest {
        return format!("unknown signal (did you mean `{nearest}`?)");
    }
    let names: Vec<_> = area.signals.iter().map(|signal| format!("`{}`", signal.name)).collect();
    format!("unknown signal (known: {})", names.join(", "))
}

/// What one value means for a severity: `off` is for all of them, anything else for the lowest.
fn one<'a>(limit: &'a Limit, signal: &Signal, severity: Severity) -> Option<&'a Limit> {
    (limit.is_off() || severity == signal.lowest()).then_some(limit)
}

/// What is said of a severity, where each is said.
fn each([info, warning, critical]: [Option<&Limit>; 3], severity: Severity) -> Option<&Limit> {
    match severity {
        Severity::Info => info,
        Severity::Warning => warning,
        Severity::Critical => critical,
    }
}

impl Setting {
    fn of(&self, signal: &Signal, severity: Severity) -> Option<&Limit> {
        match self {
            Self::One(limit) => one(limit, signal, severity),
            Self::Each(Limits { info, warning, critical, .. }) => {
                each([info.as_ref(), warning.as_ref(), critical.as_ref()], severity)
            }
        }
    }
}

impl Own {
    fn of(&self, signal: &Signal, severity: Severity) -> Option<&Limit> {
        match self {
            Self::One(limit) => one(limit, signal, severity),
            Self::Each(OwnLimits { info, warning, critical }) => {
                each([info.as_ref(), warning.as_ref(), critical.as_ref()], severity)
            }
        }
    }
}
