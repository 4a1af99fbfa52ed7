//! `metrics`: the catalogue on the terminal.

use std::fmt::Write as _;

use super::args::Metrics;
use super::{BAD_USAGE, print, tell};
use crate::catalogue::Kind;
use crate::collectors::CATALOGUE;
use crate::load;

pub(super) fn run(arguments: &Metrics) -> u8 {
    let only: Vec<String> = arguments.only.iter().cloned().collect();
    if let Err(message) = load::areas(&only) {
        tell(&format!("--only: {message}"));
        return BAD_USAGE;
    }
    let mut out = String::new();
    for area in CATALOGUE.areas().filter(|area| only.is_empty() || only.contains(&area.name.into()))
    {
        let _ = writeln!(out, "{}\n", area.title.to_uppercase());
        for facts in area.tables.iter().flat_map(|table| (table.facts)()) {
            let kind = match facts.kind {
                Kind::Gauge => "gauge",
                Kind::Histogram => "histogram",
                Kind::Counter | Kind::EstablishedCounter => "counter",
            };
            let _ = writeln!(out, "{} ({kind}) {{{}}}", facts.name, facts.labels.join(", "));
            let _ = writeln!(out, "    {}", facts.help);
        }
        for signal in area.signals {
            let _ = writeln!(out, "\nsignal {} -> alert {}", signal.name, signal.alert);
            let _ = writeln!(out, "    {}", signal.measure.promql(area));
            for severity in signal.severities() {
                let value = signal.default_of(severity).and_then(|default| default.value);
                let value = value.map_or_else(
                    || "off".to_owned(),
                    |v| signal.unit.threshold(v, signal.direction),
                );
                let _ = writeln!(
                    out,
                    "    {}: {} {value}",
                    severity.as_str(),
                    signal.direction.operator()
                );
            }
        }
        out.push('\n');
    }
    print(&out);
    0
}
