//! The verdicts as classic text of Prometheus, for a textfile collector beside another exporter.

use std::collections::BTreeSet;
use std::fmt::Write as _;

use crate::check::json::epoch;
use crate::check::report::{Report, Verdict};
use crate::text::printable;

/// A series for each finding and for each thing that cannot be seen.
pub fn prometheus(report: &Report) -> String {
    let mut out = String::from(
        "# HELP stack_check_verdict The verdict of check on a signal: 0 ok, 1 advice, 2 warning, 3 critical, -1 not visible, -2 needs history.\n\
         # TYPE stack_check_verdict gauge\n",
    );
    let mut seen = BTreeSet::new();
    for finding in &report.findings {
        let verdict = match finding.verdict {
            Verdict::NeedsHistory => -2,
            Verdict::Ok => 0,
            Verdict::Advice => 1,
            Verdict::Warning => 2,
            Verdict::Critical => 3,
        };
        let (area, target) = (finding.area, finding.target.as_str());
        let mut labels = vec![("area", area), ("target", target), ("signal", finding.signal.name)];
        for (name, value) in &finding.labels {
            if labels.iter().all(|(known, _)| known != name) {
                labels.push((name, value));
            }
        }
        series(&mut out, &mut seen, &labels, verdict);
    }
    for blind in report.blind.iter().filter(|blind| !blind.told) {
        let verdict = match blind.verdict {
            Verdict::Critical => 3,
            Verdict::Warning => 2,
            _ => -1,
        };
        let signal = blind.up.map_or("", |up| up.name);
        let what = blind.what.as_deref().unwrap_or_default();
        let mut labels = vec![("area", blind.area), ("target", &blind.target), ("signal", signal)];
        labels.push(("part", what));
        series(&mut out, &mut seen, &labels, verdict);
    }
    let _ = write!(
        out,
        "# HELP stack_check_exit_code The exit code of check: 0 all well, 1 warning, 2 critical, 3 something cannot be seen.\n\
         # TYPE stack_check_exit_code gauge\n\
         stack_check_exit_code {}\n\
         # HELP stack_check_timestamp_seconds When check was made.\n\
         # TYPE stack_check_timestamp_seconds gauge\n\
         stack_check_timestamp_seconds {}\n",
        report.exit_code(),
        epoch(report.at),
    );
    out
}

/// One line; the same labels never come twice.
fn series(out: &mut String, seen: &mut BTreeSet<String>, labels: &[(&str, &str)], value: i8) {
    let labels: Vec<String> = labels
        .iter()
        .filter(|(_, value)| !value.is_empty())
        .map(|(name, value)| format!("{name}=\"{}\"", escaped(value)))
        .collect();
    let labels = labels.join(",");
    if seen.insert(labels.clone()) {
        let _ = writeln!(out, "stack_check_verdict{{{labels}}} {value}");
    }
}

/// What is not seen is written out first: other backslashes than these are no text of Prometheus.
fn escaped(value: &str) -> String {
    printable(value).replace('\\', "\\\\").replace('"', "\\\"")
}
