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

/// Rows of a table; more make a page that nobody reads and that is fetched every five seconds.
const ROWS: usize = 200;

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
                tbody { @for (target, state) in rows.iter().take(ROWS) { (target_row(target, state, snapshot.at)) } }
            } }
            (more(rows.len(), ROWS))
        }
    }
}

/// Where those are that are not shown.
pub(super) fn more(all: usize, shown: usize) -> Markup {
    let more = all.saturating_sub(shown);
    html! { @if more > 0 { p .dim { "and " (more) " more: " a href="/api/v1/status" { "all of them as JSON" } } } }
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
                tbody { @for finding in fine.iter().take(ROWS) { (value_row(finding)) } }
            } }
            (more(fine.len(), ROWS))
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
                @for missed in missed.iter().take(ROWS) {
                    li data-row {
                        b { (missed.area) } ": " (printable(&missed.why)) ". What to do: " (printable(&missed.hint)) "."
                    }
                }
            }
            (more(missed.len(), ROWS))
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
                @for off in off.iter().take(ROWS) { li data-row { (printable(&off.subject())) @if off.advice { " (advice)" } } }
                @for idle in idle.iter().take(ROWS) {
                    li data-row { (printable(&title(idle.area, &idle.target))) ": " (printable(&idle.sentence())) "." }
                }
            }
            (more(off.len(), ROWS)) (more(idle.len(), ROWS))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::docker;

    #[test]
    fn of_very_many_the_first_are_shown_and_the_rest_is_counted() {
        let finding = |n: usize| Finding {
            area: "docker",
            target: "docker".into(),
            signal: docker::AREA.signal("memory").unwrap(),
            labels: vec![("name", format!("c{n}"))],
            value: Some(0.1),
            threshold: Some(0.9),
            verdict: Verdict::Ok,
        };
        let shown = |count: usize| {
            let findings = (0..count).map(finding).collect();
            let at = SystemTime::UNIX_EPOCH;
            let report = Report { at, findings, blind: Vec::new(), idle: Vec::new() };
            in_bounds(&report).into_string()
        };
        let all = shown(ROWS);
        assert_eq!(all.matches("<tr data-row").count(), ROWS);
        assert!(!all.contains(" more"), "{all}");
        let some = shown(ROWS + 7);
        assert_eq!(some.matches("<tr data-row").count(), ROWS);
        assert!(
            some.contains("207 values") && some.contains("and 7 more: <a href=\"/api/v1/status\">")
        );
    }
}
