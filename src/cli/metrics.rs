//! `metrics`: the catalogue on the terminal, or for programs; all of it, or what has some words in it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::args::{CheckFormat, Metrics};
use super::{BAD_USAGE, print, tell};
use crate::catalogue::{Area, Kind, MetricFacts, Signal};
use crate::collectors::CATALOGUE;
use crate::load;

/// Nothing has the words.
const NOTHING: u8 = 1;

pub(super) fn run(arguments: &Metrics) -> u8 {
    let only: Vec<String> = arguments.only.iter().cloned().collect();
    if let Err(message) = load::areas(&only) {
        tell(&format!("--only: {message}"));
        return BAD_USAGE;
    }
    let words: Vec<String> = arguments.words.iter().map(|word| word.to_lowercase()).collect();
    let areas =
        CATALOGUE.areas().filter(|area| only.is_empty() || only.contains(&area.name.into()));
    let found: Vec<Part> = areas.map(|area| Part::of(area, &words)).filter(Part::is_some).collect();
    match arguments.format {
        CheckFormat::Table => print(&found.iter().map(Part::text).collect::<String>()),
        CheckFormat::Json => print(&json(&found)),
    }
    if found.is_empty() {
        tell("nothing in the catalogue has these words; fewer or shorter ones find more");
        return NOTHING;
    }
    0
}

/// What of an area was asked for.
struct Part {
    area: &'static Area,
    metrics: Vec<MetricFacts>,
    signals: Vec<&'static Signal>,
}

impl Part {
    fn of(area: &'static Area, words: &[String]) -> Self {
        let tables = area.tables.iter().flat_map(|table| (table.facts)());
        let metrics = tables.filter(|facts| {
            has(words, &format!("{} {} {}", facts.name, facts.labels.join(" "), facts.help))
        });
        let signals = area.signals.iter().filter(|signal| {
            let measure = signal.measure.promql(area);
            has(words, &format!("{} {} {measure} {}", signal.name, signal.alert, signal.hint))
        });
        Self { area, metrics: metrics.collect(), signals: signals.collect() }
    }

    fn is_some(&self) -> bool {
        !self.metrics.is_empty() || !self.signals.is_empty()
    }

    fn text(&self) -> String {
        let mut out = format!("{}\n\n", self.area.title.to_uppercase());
        for facts in &self.metrics {
            let labels = facts.labels.join(", ");
            let _ = writeln!(out, "{} ({}) {{{labels}}}", facts.name, kind(facts.kind));
            let _ = writeln!(out, "    {}", facts.help);
        }
        for signal in &self.signals {
            let _ = writeln!(out, "\nsignal {} -> alert {}", signal.name, signal.alert);
            let _ = writeln!(out, "    {}", signal.measure.promql(self.area));
            for severity in signal.severities() {
                let value = signal.default_of(severity).and_then(|default| default.value);
                let value = value.map_or_else(
                    || "off".to_owned(),
                    |value| signal.unit.threshold(value, signal.direction),
                );
                let operator = signal.direction.operator();
                let _ = writeln!(out, "    {}: {operator} {value}", severity.as_str());
            }
        }
        out + "\n"
    }
}

fn has(words: &[String], text: &str) -> bool {
    let text = text.to_lowercase();
    words.iter().all(|word| text.contains(word.as_str()))
}

const fn kind(kind: Kind) -> &'static str {
    match kind {
        Kind::Gauge => "gauge",
        Kind::Histogram => "histogram",
        Kind::Counter | Kind::EstablishedCounter => "counter",
    }
}

fn json(parts: &[Part]) -> String {
    let metrics =
        parts.iter().flat_map(|part| part.metrics.iter().map(|facts| metric(part, facts)));
    let signals = parts.iter().flat_map(|part| part.signals.iter().map(|one| signal(part, one)));
    let document = json!({
        "metrics": metrics.collect::<Vec<_>>(),
        "signals": signals.collect::<Vec<_>>(),
    });
    format!("{}\n", serde_json::to_string_pretty(&document).unwrap_or_default())
}

fn metric(part: &Part, facts: &MetricFacts) -> Value {
    json!({
        "area": part.area.name,
        "name": facts.name,
        "type": kind(facts.kind),
        "labels": facts.labels,
        "help": facts.help,
    })
}

/// Thresholds are in base units, as in the metrics; `null` is off.
fn signal(part: &Part, signal: &Signal) -> Value {
    let thresholds = signal.severities().map(|severity| {
        let value = signal.default_of(severity).and_then(|default| default.value);
        (severity.as_str().to_owned(), json!(value))
    });
    json!({
        "area": part.area.name,
        "name": signal.name,
        "alert": signal.alert,
        "expression": signal.measure.promql(part.area),
        "operator": signal.direction.operator(),
        "thresholds": thresholds.collect::<serde_json::Map<_, _>>(),
    })
}
