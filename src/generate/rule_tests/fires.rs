//! The alert as people get it: `breached` is just beyond the threshold and fires, with exact labels
//! and annotations, not before its hold time; `fine` is at the threshold or just before it;
//! `silent` has no data; `off` is far beyond but has no threshold; `muted` is beyond it where the
//! measure is to keep quiet; `idle` counts on while the counter that it is divided by stands still;
//! `alone` lacks the other conditions.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use super::series::{Case, Course, Place};
use super::{alert_labels, example_labels};
use crate::generate::annotations::{Filled, says_changes};
use crate::generate::known::Known;
use crate::generate::links::{EXAMPLE_HOST, EXAMPLE_URL};
use crate::generate::{changed, rules::place_labels, rules::quoted};

pub(super) fn write(out: &mut String, case: &Case, runbook_base: &str) {
    let (name, severity) = (case.signal.name, case.severity.as_str());
    let _ = writeln!(out, "  - name: {name} {severity}\n    interval: 1m\n    input_series:");
    let measure = &case.signal.measure;
    let (bad, good) = (Course::Steady(case.bad), Course::Steady(case.good));
    let mut places = vec![(case.at("breached"), Some(bad)), (case.at("fine"), Some(good))];
    places.push((case.at("silent"), None));
    if measure.unless.is_some() {
        places.push((Place { muted: true, ..case.at("muted") }, Some(bad)));
    }
    if measure.changes_divisor(case.area) {
        places.push((Place { idle: true, ..case.at("idle") }, Some(bad)));
    }
    if measure.others().next().is_some() {
        places.push((Place { alone: true, ..case.at("alone") }, Some(bad)));
    }
    let of = (case.area.name, case.signal.name, severity);
    for (place, course) in places {
        *out += &case.limit_of(&place, of, &home(case), case.threshold);
        *out += &course.map_or_else(String::new, |course| case.measured(&place, course));
    }
    *out += &case.measured(&case.at("off"), bad);
    *out += &case.reason("breached");
    *out += &around_it(case);
    let _ = writeln!(out, "    alert_rule_test:");
    let (alert, hold) = (case.signal.alert, case.hold());
    if hold > 0 {
        // A change of any size is above a threshold of nothing as soon as there is one.
        let first = if case.threshold == 0.0 { case.known().min(1) } else { case.known() };
        let early = first + hold - 1;
        let _ = writeln!(
            out,
            "      - eval_time: {early}m\n        alertname: {alert}\n        exp_alerts: []"
        );
    }
    let _ = writeln!(
        out,
        "      - eval_time: {}m\n        alertname: {alert}\n        exp_alerts:",
        case.due()
    );
    expected(out, case, runbook_base);
}

/// Where the targets of the case live, as far as the alert says it.
fn home(case: &Case) -> Vec<(&'static str, String)> {
    let labels = place_labels(case.area, case.signal.is_up()).iter();
    labels.zip(["shop", "db", "postgres/main"]).map(|(name, is)| (*name, is.to_owned())).collect()
}

/// The labels of the alert but those of its rule.
fn labels(case: &Case) -> BTreeMap<&'static str, String> {
    let measure = &case.signal.measure;
    let mut labels = example_labels(case.area, measure.metric, &[measure.select]);
    let kept = alert_labels(case.area, case.signal);
    labels.retain(|name, _| kept.contains(name));
    labels.extend([("instance", "breached".to_owned()), ("target", case.target.to_owned())]);
    labels
}

/// What the message says besides: of the machine, of what has changed, of what else is known.
fn around_it(case: &Case) -> String {
    let steps = case.steps();
    let mut all = vec![(
        format!(
            "stack_exporter_info{{instance=\"breached\", hostname=\"{EXAMPLE_HOST}\", external_url=\"{EXAMPLE_URL}\"}}"
        ),
        "1".to_owned(),
    )];
    if says_changes(case.severity) {
        let changed = changed::series("breached", case.due()).into_iter();
        all.extend(changed.map(|(series, at)| (series, at.to_string())));
    }
    let labels = labels(case);
    for known in Known::of(case.area, case.signal) {
        all.extend(known.series(case.area, &|name| labels.get(name).cloned()));
    }
    let mut out = String::new();
    for (series, value) in all {
        let _ = write!(out, "      - series: '{series}'\n        values: '{value}x{steps}'\n");
    }
    out
}

fn expected(out: &mut String, case: &Case, runbook_base: &str) {
    let labels = labels(case);
    let label = |name: &str| labels.get(name).cloned().unwrap_or_default();
    let filled = Filled {
        area: case.area,
        signal: case.signal,
        severity: case.severity,
        label: &label,
        value: case.bad,
        threshold: case.threshold,
        minutes: case.due(),
    };
    let annotations = filled.texts(runbook_base);
    let mut all = labels.clone();
    all.extend(home(case));
    all.extend([
        ("area", case.area.name.to_owned()),
        ("severity", case.severity.as_str().to_owned()),
        ("signal", case.signal.name.to_owned()),
    ]);
    let _ = writeln!(out, "          - exp_labels:");
    for (name, value) in all {
        let _ = writeln!(out, "              {name}: \"{value}\"");
    }
    let _ = writeln!(out, "            exp_annotations:");
    for (name, text) in annotations {
        let _ = writeln!(out, "              {name}: {}", quoted(&text));
    }
}
