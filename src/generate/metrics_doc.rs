//! docs/metrics.md: every metric and every signal.

use std::fmt::Write as _;

use super::NOTICE;
use crate::catalogue::{
    AHEAD, Area, Catalogue, Default, Kind, Origin, Severity, Signal, TREND, WINDOW,
};
use crate::failure::Reason;

pub(super) fn text(catalogue: &Catalogue) -> String {
    let hours = AHEAD / 3600;
    let mut out = format!(
        "# Metrics and signals\n\n<!-- {NOTICE} -->\n\n\
         Every series of a target has the label `target`. A series that is absent is a fact that is not known: \
         0 always means zero. Established names and their labels are stable; `stack_*` names change only with a \
         line in the changelog. An *established counter* has no `_total`: it is `unknown` in OpenMetrics and \
         `counter` in the classic text format.\n\n\
         A signal is judged by two alerts, one per severity, against `stack_threshold`. A threshold is set under \
         `thresholds:` of the target; `off` withdraws it, and with it the alert, the row of `check` and the line in \
         the panels. What is judged is a level, a change (`rate`, `increase`) over {WINDOW}, or the level {hours} h \
         ahead by the trend of the last {TREND} (`predict_linear`), which `check` cannot tell and shows as \
         \"needs history\"; perhaps summed, perhaps divided, and `unless` another series, being 1, keeps it quiet.\n"
    );
    reasons(&mut out, catalogue);
    for area in catalogue.areas() {
        metrics(&mut out, area);
        signals(&mut out, area);
    }
    out
}

/// The words of `stack_target_failure`, of the status page and of `check`.
fn reasons(out: &mut String, catalogue: &Catalogue) {
    *out += "\n## Reasons\n\nWhy a target, or a part of it, could not be read: the label `reason` of \
             `stack_target_failure`, and every `outcome` of `stack_target_reads_total` but `ok`.\n\n\
             | reason | area | meaning |\n|---|---|---|\n";
    let common = Reason::COMMON.iter().map(|reason| ("every".to_owned(), reason));
    let own = catalogue.areas().flat_map(|area| {
        area.reasons
            .iter()
            .copied()
            .flatten()
            .map(move |reason| (format!("`{}`", area.name), reason))
    });
    for (area, reason) in common.chain(own) {
        let _ = writeln!(out, "| `{}` | {area} | {} |", reason.as_str(), reason.meaning());
    }
}

fn metrics(out: &mut String, area: &Area) {
    let _ = write!(
        out,
        "\n## {} (area `{}`)\n\n| metric | type | labels | meaning and source |\n|---|---|---|---|\n",
        area.title, area.name
    );
    for facts in area.tables.iter().flat_map(|table| (table.facts)()) {
        let kind = match facts.kind {
            Kind::Gauge => "gauge",
            Kind::Histogram => "histogram",
            Kind::Counter => "counter",
            Kind::EstablishedCounter => "established counter",
        };
        let labels: Vec<_> = facts.labels.iter().map(|label| format!("`{label}`")).collect();
        let help = facts.help.replace('|', "\\|");
        let _ = writeln!(out, "| `{}` | {kind} | {} | {help} |", facts.name, labels.join(" "));
    }
}

fn signals(out: &mut String, area: &Area) {
    if area.signals.is_empty() {
        return;
    }
    *out += "\n| signal | alert | judged | info | warning | critical | held | for one |\n|---|---|---|---|---|---|---|---|\n";
    for signal in area.signals {
        let minutes = |severity| signal.hold_of(severity).as_secs() / 60;
        let held = match (minutes(Severity::Warning), minutes(Severity::Critical)) {
            (warning, critical) if warning == critical => format!("{warning} min"),
            (warning, critical) => format!("{warning} min, critical {critical} min"),
        };
        let _ = writeln!(
            out,
            "| `{}` | [{}](runbooks/{}.md) | `{}` {} | {} | {} | {} | {held} | {} |",
            signal.name,
            signal.alert,
            area.name,
            signal.measure.promql(area).replace('|', "\\|"),
            if signal.direction.operator() == ">" { "above" } else { "below" },
            signal.advice.map_or_else(String::new, |advice| default(signal, advice)),
            default(signal, signal.warning),
            default(signal, signal.critical),
            signal.item.iter().map(|label| format!("`{label}`")).collect::<Vec<_>>().join(" "),
        );
    }
}

fn default(signal: &Signal, default: Default) -> String {
    let value = default
        .value
        .map_or_else(|| "off".to_owned(), |value| signal.unit.threshold(value, signal.direction));
    match default.origin {
        Origin::Guide(_) => format!("{value} (guide)"),
        Origin::Ours(why) => format!("{value} (ours: {why})"),
    }
}
