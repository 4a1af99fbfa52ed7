//! The threshold rules of an area.

use std::fmt::Write as _;

use super::NOTICE;
use crate::catalogue::{Area, Severity, Signal, join_labels};
use crate::check::capitalised;

/// An alert stays this long, in minutes, after its condition has gone: series that are withdrawn because
/// the target is sick must not resolve it falsely before "target down" takes over.
const KEEP_FIRING: u64 = 5;

/// Those that mute others are held until what they mute has ended: a change looks back over five minutes
/// and is held for five, and began at least two before. And what may be muted by one that ends soon ends
/// sooner.
const KEPT: [(&str, u64); 6] = [
    ("DockerServiceDown", 8),
    ("DockerRestartLoop", 8),
    ("DockerOomKilled", 8),
    ("DockerFailedStart", 8),
    ("HostDiskFull", 8),
    ("DockerUnhealthy", 1),
];

/// How long an alert stays, in minutes. That a target is down, which mutes others, is over when it has
/// answered for two: what began with it is told by then, and a target that answers now and then is not
/// told again and again.
pub(super) fn kept_minutes(signal: &Signal) -> u64 {
    if signal.is_up() {
        return if signal.critical.value.is_some() { 2 } else { 0 };
    }
    let own = KEPT.iter().find(|(alert, _)| *alert == signal.alert);
    own.map_or(KEEP_FIRING, |(_, minutes)| *minutes)
}

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
    for signal in area.signals {
        for severity in signal.severities() {
            rule(&mut out, area, signal, severity, runbook_base);
        }
    }
    out
}

fn rule(out: &mut String, area: &Area, signal: &Signal, severity: Severity, runbook_base: &str) {
    let facts = signal.requirements.join(" ");
    let _ = match facts.as_str() {
        "" => writeln!(out, "      # No documented fact asks for it."),
        facts => writeln!(out, "      # [{facts}]"),
    };
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
    for (name, text) in annotations(area, signal, severity, runbook_base) {
        let _ = writeln!(out, "          {name}: {}", quoted(&text));
    }
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
    signal.hold_of(severity).as_secs().div_ceil(60)
}

/// A text in YAML, whatever is in it.
pub(super) fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// What the message says, as templates: what is wrong, what helps, the next command, and that it is
/// over.
fn annotations(
    area: &Area,
    signal: &Signal,
    severity: Severity,
    runbook_base: &str,
) -> [(&'static str, String); 5] {
    [
        ("summary", signal.title.template()),
        ("description", description(area, signal, severity)),
        ("next", signal.next.command_template()),
        ("all_clear", signal.clear.template()),
        ("runbook_url", format!("{runbook_base}/{}", signal.alert)),
    ]
}

fn description(area: &Area, signal: &Signal, severity: Severity) -> String {
    let hint = capitalised(signal.hint);
    if signal.is_up() {
        let failure = format!(
            "max by (reason) (stack_target_failure{{area=\"{}\",instance=%q,target=%q}}) == 1",
            area.name
        );
        return format!(
            "{{{{ range printf `{failure}` $labels.instance $labels.target | query }}}}\
             Reason: {{{{ .Labels.reason }}}}. {{{{ end }}}}{hint}."
        );
    }
    if signal.is_probe() {
        let failure = "max by (phase, reason) (stack_probe_failure{instance=%q,target=%q}) == 1";
        return format!(
            "{{{{ range printf `{failure}` $labels.instance $labels.target | query }}}}\
             Phase: {{{{ .Labels.phase }}}}, reason: {{{{ .Labels.reason }}}}. {{{{ end }}}}{hint}."
        );
    }
    if signal.is_fact() {
        return format!("{hint}.");
    }
    format!(
        "{}: {}, should be {} {}. {hint}.",
        signal.what,
        signal.unit.template("$value"),
        signal.bound(),
        threshold(area, signal, severity),
    )
}

/// The threshold in force: the thing's own if it has one, else that of all things.
fn threshold(area: &Area, signal: &Signal, severity: Severity) -> String {
    let query = |labels: &[&str], more: &str| {
        let names: Vec<_> = ["instance", "target"].iter().chain(labels).collect();
        let matchers: Vec<_> = names.iter().map(|name| format!("{name}=%q")).collect();
        let values: Vec<_> = names.iter().map(|name| format!("$labels.{name}")).collect();
        format!(
            "printf `stack_threshold{{area=\"{}\",signal=\"{}\",severity=\"{}\",{}{more}}}` {} | query",
            area.name,
            signal.name,
            severity.as_str(),
            matchers.join(","),
            values.join(" ")
        )
    };
    let show = signal.unit.template(". | first | value");
    let Some(last) = signal.item.last() else {
        return format!("{{{{ with {} }}}}{show}{{{{ end }}}}", query(&[], ""));
    };
    format!(
        "{{{{ with {} }}}}{show}{{{{ else }}}}{{{{ with {} }}}}{show}{{{{ end }}}}{{{{ end }}}}",
        query(signal.item, ""),
        query(&[], &format!(",{last}=\"\"")),
    )
}

/// What the annotations say once their templates are filled in; the generated tests demand it.
pub(super) fn filled_annotations(
    signal: &Signal,
    label: &dyn Fn(&str) -> String,
    (value, threshold): (f64, f64),
    runbook_base: &str,
) -> [(&'static str, String); 5] {
    let hint = capitalised(signal.hint);
    let description = match (signal.is_up(), signal.is_fact()) {
        (true, _) => format!("Reason: refused. {hint}."),
        _ if signal.is_probe() => format!("Phase: connect, reason: refused. {hint}."),
        (_, true) => format!("{hint}."),
        _ => format!(
            "{}: {}, should be {} {}. {hint}.",
            signal.what,
            signal.unit.show(value),
            signal.bound(),
            signal.unit.show(threshold)
        ),
    };
    let runbook = runbook_base.replace("{{ $labels.instance }}", &label("instance"));
    [
        ("summary", signal.title.fill(label)),
        ("description", description),
        ("next", signal.next.fill_command(label)),
        ("all_clear", signal.clear.fill(label)),
        ("runbook_url", format!("{runbook}/{}", signal.alert)),
    ]
}
