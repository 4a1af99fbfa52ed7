//! JUnit's XML: a test for each signal and thing, as pipelines show tests.

use std::fmt::Write as _;

use crate::check::report::{Blind, Finding, Report, Verdict};
use crate::engine::title;
use crate::text::printable;

/// A warning and something critical fail, what cannot be seen is an error, what only time can tell is
/// skipped; advice passes and says so.
pub fn junit(report: &Report) -> String {
    let failed = |finding: &&Finding| finding.verdict >= Verdict::Warning;
    let failures = report.findings.iter().filter(failed).count();
    let unseen: Vec<&Blind> = report.blind.iter().filter(|blind| !blind.told).collect();
    let skipped = report.count(Verdict::NeedsHistory);
    let tests = report.findings.len() + unseen.len();
    let counts = format!(
        "tests=\"{tests}\" failures=\"{failures}\" errors=\"{}\" skipped=\"{skipped}\"",
        unseen.len()
    );
    let mut out = String::from("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n");
    let _ = writeln!(out, "<testsuites>\n<testsuite name=\"stack-exporter check\" {counts}>");
    for blind in unseen {
        let what = blind.what.as_deref().unwrap_or("can be seen");
        open(&mut out, &title(blind.area, &blind.target), what);
        let _ = writeln!(
            out,
            ">\n<error type=\"{}\" message=\"{}\">{}</error>\n</testcase>",
            escaped(blind.failure.reason.as_str()),
            escaped(&blind.sentence()),
            escaped(&format!("at: {}; do: {}", blind.place, blind.remedy())),
        );
    }
    for finding in &report.findings {
        open(&mut out, &title(finding.area, &finding.target), &finding.subject());
        match finding.verdict {
            Verdict::Ok => out += "/>\n",
            Verdict::NeedsHistory => {
                out += ">\n<skipped message=\"needs history\"/>\n</testcase>\n";
            }
            Verdict::Advice => {
                let _ = writeln!(
                    out,
                    ">\n<system-out>advice: {}</system-out>\n</testcase>",
                    escaped(&told(finding, report))
                );
            }
            bad => {
                let _ = writeln!(
                    out,
                    ">\n<failure type=\"{}\" message=\"{}\">{}</failure>\n</testcase>",
                    bad.as_str(),
                    escaped(&finding.title()),
                    escaped(&told(finding, report)),
                );
            }
        }
    }
    out += "</testsuite>\n</testsuites>\n";
    out
}

fn open(out: &mut String, class: &str, name: &str) {
    let _ = write!(out, "<testcase classname=\"{}\" name=\"{}\"", escaped(class), escaped(name));
}

fn told(finding: &Finding, report: &Report) -> String {
    let figure = finding.figure().map_or_else(String::new, |figure| format!("{figure}\n"));
    let mut lines = vec![format!("{}\n{figure}{}", finding.title(), finding.signal.hint)];
    lines.extend(finding.reasons(report.blind.iter()));
    lines.push(finding.next());
    lines.join("\n")
}

/// For text and attributes. Line breaks are ours; no other control is text in XML.
fn escaped(text: &str) -> String {
    let lines: Vec<_> = text.split('\n').map(printable).collect();
    let mut out = String::new();
    for c in lines.join("\n").chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' => out += "&#10;",
            // No characters of XML, and nothing to be seen.
            '\u{fffe}' | '\u{ffff}' => out.push('\u{fffd}'),
            c => out.push(c),
        }
    }
    out
}
