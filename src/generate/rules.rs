//! The threshold rules of an area.

use std::fmt::Write as _;
use std::time::Duration;

use super::NOTICE;
use super::annotations::{self, Shared};
use crate::catalogue::{Area, Severity, Signal, join_labels};

/// The labels that say where a target lives, which stand at its thresholds and not at an established name.
pub(super) const fn place_labels(area: &Area, signal_is_up: bool) -> &'static [&'static str] {
    match (area.in_service, signal_is_up) {
        (true, true) => &["project", "service", "source"],
        (true, false) => &["project", "service"],
        (false, _) => &[],
    }
}

pub(super) fn text(area: &Area, runbook_base: &str) -> String {
    let mut out = format!("# {NOTICE}\ngroups:\n  - name: stack-{}\n    rules:\n", area.name);
    let mut shared = Shared::default();
    for signal in area.signals {
        for severity in signal.severities() {
            rule(&mut out, area, signal, severity);
            let texts = annotations::templates(area, signal, severity, runbook_base);
            for (name, text) in texts {
                let _ = writeln!(out, "          {name}: {}", shared.once(name, &text));
            }
        }
    }
    out
}

/// All of a rule but its annotations.
fn rule(out: &mut String, area: &Area, signal: &Signal, severity: Severity) {
    let _ = writeln!(out, "      - alert: {}", signal.alert);
    let _ = writeln!(out, "        expr: |-");
    for line in expression(area, signal, severity).lines() {
        let _ = writeln!(out, "          {line}");
    }
    if !signal.hold_of(severity).is_zero() {
        let _ = writeln!(out, "        for: {}m", hold_minutes(signal, severity));
    }
    let kept = kept_minutes(signal);
    if kept > 0 {
        let _ = writeln!(out, "        keep_firing_for: {kept}m");
    }
    let _ = writeln!(out, "        labels:");
    let _ = writeln!(out, "          area: {}", area.name);
    let _ = writeln!(out, "          severity: {}", severity.as_str());
    let _ = writeln!(out, "          signal: {}", signal.name);
    let _ = writeln!(out, "        annotations:");
}

/// The judged value against the threshold of the target; where one thing can have its own, of the
/// thing. The threshold's own labels (`area`, `signal`) stay out of the alert.
fn expression(area: &Area, signal: &Signal, severity: Severity) -> String {
    let value = signal.measure.promql(area);
    let value = [" / on (", " unless on (", " and on ("].iter().fold(value, |value, word| {
        value.replace(word, &format!("\n {}", word.trim_start_matches(' ')))
    });
    let operator = signal.direction.operator();
    let threshold = |more: &str| {
        format!(
            "stack_threshold{{area=\"{}\", signal=\"{}\", severity=\"{}\"{more}}}",
            area.name,
            signal.name,
            severity.as_str()
        )
    };
    let place = place_labels(area, signal.is_up());
    let against = |on: &[&str], more: &str| {
        let (labels, all) = (join_labels(on), join_labels(&[on, place].concat()));
        let taken = place.join(", ");
        format!(
            "{operator} on ({labels}) group_left ({taken})\nmax by ({all}) ({})",
            threshold(more)
        )
    };
    let Some(last) = signal.item.last() else {
        return format!("{value}\n{}", against(&[], ""));
    };
    let indented = value.replace('\n', "\n  ");
    let (own, none) = (format!(", {last}!=\"\""), format!(", {last}=\"\""));
    format!(
        "(\n  ({indented}\n   unless on ({}) {})\n  {}\n)\nor\n(\n  {indented}\n  {}\n)",
        join_labels(signal.item),
        threshold(&own),
        against(&[], &none).replace('\n', "\n  "),
        against(signal.item, &own).replace('\n', "\n  "),
    )
}

/// Rules are held in whole minutes.
pub(super) fn hold_minutes(signal: &Signal, severity: Severity) -> u64 {
    minutes(signal.hold_of(severity))
}

/// And kept in whole minutes.
pub(super) fn kept_minutes(signal: &Signal) -> u64 {
    minutes(signal.kept())
}

fn minutes(time: Duration) -> u64 {
    time.as_secs().div_ceil(60)
}

/// A text in YAML, whatever is in it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}
