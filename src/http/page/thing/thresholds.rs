//! What is wanted of a thing, where each threshold comes from, and what is not judged.

use maud::{Markup, html};

use super::super::link;
use super::super::words::{self, counted, seen};
use super::Thing;
use crate::catalogue::{Direction, Origin, Severity, Signal};
use crate::check::{Finding, Off};
use crate::engine::{Sample, Source};

pub(super) fn section(thing: &Thing) -> Markup {
    html! {
        @if !thing.findings.is_empty() || !thing.off.is_empty() {
            section #thresholds {
                h2 { "Thresholds" }
                @if !thing.off.is_empty() { (off(&thing.off)) }
                @if !thing.findings.is_empty() {
                    details #threshold-list {
                    summary { (counted(thing.findings.len(), "value", "values")) ", what they are held against, and who says so" }
                    div.scroll {
                        table.thresholds {
                            caption.apart { "Values, their thresholds, and where those come from" }
                            thead { tr {
                                th scope="col" { "Signal" } th.number scope="col" { "Now" }
                                th scope="col" { "Is told when" } th scope="col" { "Comes from" }
                            } }
                            tbody { @for finding in &thing.findings { (row(thing, finding)) } }
                        }
                    }
                    }
                }
            }
        }
    }
}

fn row(thing: &Thing, finding: &Finding) -> Markup {
    let signal = finding.signal;
    let sample = Sample { labels: finding.labels.clone(), value: 0.0 };
    let more = thing.entry.exceptions();
    let all = thing.entry.target.as_ref().map(|target| {
        let limits = target.thresholds.of(more, signal, &sample).into_iter().rev();
        limits
            .map(|(severity, value)| {
                (severity, value, target.thresholds.source(more, signal, &sample, severity))
            })
            .collect::<Vec<_>>()
    });
    let all = all.unwrap_or_default();
    let tone = match finding.verdict {
        crate::check::Verdict::Critical => "critical",
        crate::check::Verdict::Warning => "warning",
        _ => "calm",
    };
    html! {
        tr {
            td data-label="Signal" {
                a href=(link::runbook(signal.alert)) { (signal.name.replace('_', " ")) }
                " " span.dim { (thing.which(finding)) }
            }
            td.number data-label="Now" { span.(tone) { (finding.shown_value()) } }
            td data-label="Is told when" {
                @for (severity, value, _) in &all { span.line-by-line { (when(signal, *severity, *value)) } }
            }
            td data-label="Comes from" {
                @for (severity, _, source) in &all { span.line-by-line { (from(signal, *severity, source)) } }
            }
        }
    }
}

/// "critical above 90%", "warning if no".
fn when(signal: &Signal, severity: Severity, value: f64) -> String {
    let severity = match severity {
        Severity::Info => "advice",
        severity => severity.as_str(),
    };
    let above = signal.direction == Direction::Above;
    match (signal.is_fact(), above) {
        (true, true) => format!("{severity} if yes"),
        (true, false) => format!("{severity} if no"),
        (false, true) => format!("{severity} above {}", words::value(signal.unit, value)),
        (false, false) => format!("{severity} below {}", words::value(signal.unit, value)),
    }
}

fn from(signal: &Signal, severity: Severity, source: &Source) -> Markup {
    html! {
        @match source {
            Source::Configured => "the configuration",
            Source::Named(key) => { "the configuration, for " code { (seen(key, 60)) } },
            Source::Brought => "its own label",
            Source::Default => {
                "default"
                @if let Some(Origin::Ours(why)) = signal.default_of(severity).map(|default| default.origin) {
                    span.dim { ": " (why) }
                }
            },
        }
    }
}

/// What is switched off is not the same as well.
fn off(all: &[Off]) -> Markup {
    html! {
        p { "Switched off: "
            @for (index, off) in all.iter().enumerate() {
                @if index > 0 { ", " }
                (off.signal) @if let Some(key) = &off.key { " for " code { (seen(key, 60)) } }
            }
            "." }
    }
}
