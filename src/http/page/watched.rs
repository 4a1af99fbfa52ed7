//! The end of the status page: how targets are read, what is within its bounds, and what is not judged.
//! It is for who asks, so it is folded.

use std::time::SystemTime;

use maud::{Markup, html};

use super::layout::Tone;
use super::link;
use super::when::ago;
use super::words::target_path;
use crate::check::{Finding, Idle, Off, Report, Verdict};
use crate::engine::{Missed, Snapshot, State, Target, title};
use crate::text::printable;

/// All of it.
pub(super) fn render(
    snapshot: &Snapshot,
    report: &Report,
    off: &[Off],
    missed: &[Missed],
) -> Markup {
    html! {
        section #watched aria-labelledby="watched-title" {
            h2 #watched-title { "What is watched" }
            (targets(snapshot))
            (in_bounds(report))
            @if !missed.is_empty() { (not_watched(missed)) }
            @if !off.is_empty() || !report.idle.is_empty() { (not_judged(off, &report.idle)) }
        }
    }
}

fn targets(snapshot: &Snapshot) -> Markup {
    let known =
        |entry: &'_ crate::engine::Entry| Some((entry.target.clone()?, entry.state.clone()?));
    let mut rows: Vec<_> = snapshot.entries.iter().filter_map(known).collect();
    rows.sort_by_key(|(_, state)| state.up().unwrap_or(false));
    html! {
        details #targets data-fold {
            summary { (rows.len()) @if rows.len() == 1 { " target" } @else { " targets" } " and how they are read" }
            div .scroll { table {
                caption { "Targets, sick ones first" }
                thead { tr {
                    th scope="col" { "Target" } th scope="col" { "State" } th scope="col" { "Since" }
                    th scope="col" { "Where" } th scope="col" .number { "Read in" } th scope="col" .number { "Series" }
                } }
                tbody { @for (target, state) in &rows { (target_row(target, state, snapshot.at)) } }
            } }
        }
    }
}

fn target_row(target: &Target, state: &State, now: SystemTime) -> Markup {
    let (tone, word) = match state.up() {
        Some(true) => (Tone::Ok, "up"),
        Some(false) => (Tone::Critical, "down"),
        None => (Tone::Unknown, "not read yet"),
    };
    let name = target.id.to_string();
    html! {
        tr data-row data-key=(printable(&name)) {
            td data-label="Target" { a href=(target_path(target.id.area, &target.id.name)) { (printable(&name)) } }
            td data-label="State" .verdict .(tone.class()) { (word) }
            td data-label="Since" { (ago(state.since, now)) }
            td data-label="Where" { (printable(&target.place)) }
            td data-label="Read in" .number { @if let Some(took) = state.took { (took.as_millis()) " ms" } }
            td data-label="Series" .number { @if let Some(reading) = &state.reading { (reading.series) } }
        }
    }
}

fn in_bounds(report: &Report) -> Markup {
    let fine: Vec<_> = report.findings.iter().filter(|f| f.verdict < Verdict::Advice).collect();
    html! {
        details #in-bounds data-fold {
            summary { (fine.len()) @if fine.len() == 1 { " value" } @else { " values" } " within bounds, or without a past to judge by" }
            div .scroll { table {
                caption { "Value against threshold" }
                thead { tr {
                    th scope="col" { "Target" } th scope="col" { "Signal" }
                    th scope="col" .number { "Value" } th scope="col" { "Threshold" }
                } }
                tbody { @for finding in fine { (value_row(finding)) } }
            } }
        }
    }
}

fn value_row(finding: &Finding) -> Markup {
    html! {
        tr data-row {
            td data-label="Target" { (printable(&title(finding.area, &finding.target))) }
            td data-label="Signal" { a href=(link::runbook(finding.signal.alert)) { (finding.subject()) } }
            td data-label="Value" .number { (finding.shown_value()) }
            td data-label="Threshold" { (finding.shown_threshold()) }
        }
    }
}

/// What was looked for in vain: nothing is known of it, be it well or not.
fn not_watched(missed: &[Missed]) -> Markup {
    html! {
        details data-fold data-key="missed" {
            summary { (missed.len()) " not watched" }
            ul {
                @for missed in missed {
                    li data-row {
                        b { (missed.area) } ": " (printable(&missed.why)) ". What to do: " (printable(&missed.hint)) "."
                    }
                }
            }
        }
    }
}

/// What nobody is told of: that is not the same as well.
fn not_judged(off: &[Off], idle: &[Idle]) -> Markup {
    html! {
        details data-fold data-key="off" {
            summary {
                (off.len()) " switched off"
                @if !idle.is_empty() { ", " (idle.len()) " thresholds that match nothing" }
            }
            // A link to what is in a fold opens it.
            ul #off {
                @for off in off { li data-row { (printable(&off.subject())) @if off.advice { " (advice)" } } }
                @for idle in idle {
                    li data-row { (printable(&title(idle.area, &idle.target))) ": " (printable(&idle.sentence())) "." }
                }
            }
        }
    }
}
