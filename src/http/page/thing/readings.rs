//! How a target is read: when, how long it takes, how often it failed, and where more is to be seen.

use std::time::{SystemTime, UNIX_EPOCH};

use maud::{Markup, html};

use super::super::link;
use super::super::stack::View;
use super::super::words::{counted, part, seen, span};
use crate::engine::{Clock, Entry, State, Target};

/// `metrics` is where the metrics are.
pub(in crate::http::page) fn readings(entry: &Entry, metrics: &str, view: &View) -> Markup {
    let (Some(target), Some(state)) = (&entry.target, &entry.state) else { return html! {} };
    let (area, name) = (target.id.area, target.id.name.as_str());
    html! {
        section #readings {
            h2 { "How it is read" }
            dl.facts-list {
                dt { "Where" } dd { @if target.place.is_empty() { "this machine" } @else { code { (seen(&target.place, 300)) } } }
                dt { "Watched because of" } dd { (origin(target)) }
                dt { "Last reading" } dd { (last(state, view)) }
                dt { "Readings so far" } dd { (outcomes(state)) }
                dt { "Clock" } dd { (clock(target)) }
                (parts(state))
                dt { "Settings" } dd { code { "stack-exporter config show" } " prints them, secrets left out" }
                dt { "More" } dd {
                    a href={ "/debug/" (part(area)) "/" (part(name)) } { "everything read, as text" } ", "
                    a href=(link::details(area, name)) { "tables as JSON" } ", "
                    a href={ (metrics) "?collect[]=" (part(area)) } { "its area's metrics" } ", "
                    a href="/runbooks/" { "runbooks" }
                }
            }
        }
    }
}

fn origin(target: &Target) -> Markup {
    html! {
        @match target.origin {
            "file" => "the configuration file",
            origin => (origin),
        }
    }
}

fn last(state: &State, view: &View) -> Markup {
    let seconds = |at: SystemTime| at.duration_since(UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    html! {
        @if let Some(reading) = &state.reading {
            (span(view.at - seconds(reading.at))) " ago, "
            @if let Some(took) = state.took { "took " (took.as_millis()) " ms, " }
            (counted(usize::try_from(reading.series).unwrap_or(usize::MAX), "series", "series"))
        } @else if let Some(failure) = &state.failure {
            (seen(&failure.detail, 300)) span.dim { " (" (failure.reason.as_str()) ")" }
            @if let Some(took) = state.took { ", after " (took.as_millis()) " ms" }
        }
    }
}

/// "1041 well, 3 refused".
fn outcomes(state: &State) -> String {
    let all = state.reads.iter().filter(|(word, count)| **word == "ok" || **count > 0);
    let word = |word: &str| if word == "ok" { "well".to_owned() } else { word.replace('_', " ") };
    all.map(|(of, count)| format!("{count} {}", word(of))).collect::<Vec<_>>().join(", ")
}

fn clock(target: &Target) -> String {
    let deadline = span(target.deadline.as_secs_f64());
    match target.clock {
        Clock::Scrape => format!("at each scrape and every 30s, for {deadline} at most"),
        Clock::Every(every) => {
            format!("every {} by itself, for {deadline} at most", span(every.as_secs_f64()))
        }
    }
}

/// What is read on a clock of its own, and what cannot be seen.
fn parts(state: &State) -> Markup {
    let Some(reading) = &state.reading else { return html! {} };
    html! {
        @if !reading.parts.is_empty() {
            dt { "Slow parts" }
            dd {
                @for (index, part) in reading.parts.iter().enumerate() {
                    @if index > 0 { ", " }
                    (part.title) " "
                    @match part.read {
                        Some(read) => { (span(read.elapsed().as_secs_f64())) " ago" },
                        None => "not yet",
                    }
                }
            }
        }
        @if !reading.batch.gaps().is_empty() {
            dt { "Not visible" }
            dd { ul { @for gap in reading.batch.gaps() {
                li { (seen(&gap.what, 160)) ": " (seen(&gap.failure.detail, 300)) }
            } } }
        }
    }
}
