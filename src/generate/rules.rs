//! The threshold rules of an area.

use std::fmt::Write as _;

use super::NOTICE;
use crate::catalogue::{Area, Direction, Severity, Signal, Unit};
use crate::check::capitalised;

/// An alert stays this long after its condition has gone: series that are withdrawn because the
/// target is sick must not resolve it falsely before "target down" takes over.
pub(super) const KEEP_FIRING: &str = "5m";

pub(super) fn text(area: &Area, runbook_base: &str) -> String {
    let mut out = format!("# {NOTICE}\ngroups:\n  - name: stack-{}\n    rules:\n", area.name);
    for signal in area.signals {
        for severity in Severity::ALL {
            rule(&mut out, area, signal, severity, runbook_base);
        }
    }
    out
}

fn rule(out: &mut String, area: &Area, signal: &Signal, severity: Severity, runbook_base: &str) {
    let (name, severity_name) = (signal.name, severity.as_str());
    let facts = signal.requirements.join(" ");
    let _ = match facts.as_str() {
        "" => writeln!(out, "      # No documented fact asks for it."),
        facts => writeln!(out, "      # [{facts}]"),
    };
    let _ = writeln!(out, "      - alert: {}", signal.alert);
    let _ = writeln!(out, "        expr: |-");
    let _ = writeln!(out, "          {}", signal.measure.promql(area));
    let _ = writeln!(
        out,
        "          {} on (instance, target) group_left ()",
        signal.direction.operator()
    );
    let area_name = area.name;
    let _ = writeln!(
        out,
        "          stack_threshold{{area=\"{area_name}\", signal=\"{name}\", severity=\"{severity_name}\"}}"
    );
    if !signal.hold.is_zero() {
        let _ = writeln!(out, "        for: {}m", hold_minutes(signal));
    }
    if !signal.is_up() {
        let _ = writeln!(out, "        keep_firing_for: {KEEP_FIRING}");
    }
    let _ = writeln!(out, "        labels:");
    let _ = writeln!(out, "          area: {area_name}");
    let _ = writeln!(out, "          severity: {severity_name}");
    let _ = writeln!(out, "          signal: {name}");
    let _ = writeln!(out, "        annotations:");
    let _ = writeln!(out, "          summary: {}", signal.summary);
    let _ = writeln!(out, "          description: >-");
    for line in description(area, signal, severity) {
        let _ = writeln!(out, "            {line}");
    }
    let _ = writeln!(
        out,
        "          runbook_url: {}",
        quoted(&format!("{runbook_base}/{}", signal.alert))
    );
}

/// Rules are held in whole minutes.
pub(super) fn hold_minutes(signal: &Signal) -> u64 {
    signal.hold.as_secs().div_ceil(60)
}

fn quoted(text: &str) -> String {
    format!("\"{text}\"")
}

/// The description, a YAML line each; folded, they are one text with spaces between.
fn description(area: &Area, signal: &Signal, severity: Severity) -> Vec<String> {
    let labels = "$labels.instance $labels.target";
    let select = format!(
        "stack_threshold{{area='{}',signal='{}',severity='{}',instance='%s',target='%s'}}",
        area.name,
        signal.name,
        severity.as_str()
    );
    let threshold = format!(
        "{{{{ with printf \"{select}\" {labels} | query }}}}{}{{{{ end }}}}",
        signal.unit.template(". | first | value")
    );
    let mut lines = Vec::new();
    if signal.is_up() {
        lines.push(format!("{} cannot be read.", signal.subject));
        let failure =
            format!("stack_target_failure{{area='{}',instance='%s',target='%s'}} == 1", area.name);
        lines.push(format!(
            "{{{{ range printf \"{failure}\" {labels} | query }}}}Reason: {{{{ .Labels.reason }}}}. {{{{ end }}}}"
        ));
    } else {
        lines.push(format!(
            "{} on {{{{ $labels.target }}}}: {}, should be {}",
            signal.subject,
            signal.unit.template("$value"),
            bound(signal)
        ));
        lines.push(format!("{threshold}."));
    }
    lines.push(format!("{}.", capitalised(signal.hint)));
    lines
}

pub(super) const fn bound(signal: &Signal) -> &'static str {
    match signal.direction {
        Direction::Above => "at most",
        Direction::Below => "at least",
    }
}

/// What the description says once its templates are filled in; the generated tests demand it.
pub(super) fn filled_description(
    signal: &Signal,
    label: &dyn Fn(&str) -> String,
    target: &str,
    value: f64,
    threshold: f64,
) -> String {
    let mut subject = signal.subject.to_owned();
    while let Some((before, rest)) = subject.split_once("{{ $labels.") {
        let Some((name, after)) = rest.split_once(" }}") else { break };
        subject = format!(
            "{before}{}{after}",
            if name == "target" { target.into() } else { label(name) }
        );
    }
    let hint = capitalised(signal.hint);
    if signal.is_up() {
        return format!("{subject} cannot be read. Reason: refused.  {hint}.");
    }
    let unit: Unit = signal.unit;
    format!(
        "{subject} on {target}: {}, should be {} {}. {hint}.",
        unit.show(value),
        bound(signal),
        unit.show(threshold)
    )
}
