//! What the pages of one service and of one target have in common: its numbers over time, what is wanted
//! of them, what is not judged, and how it is read.

mod events;
mod numbers;
mod readings;
#[cfg(test)]
mod tests;
mod thresholds;

use axum::http::StatusCode;
use axum::response::{Html, IntoResponse as _, Response};
use maud::{Markup, html};

use super::layout::{Frame, Tone, layout};
use super::stack::View;
use super::troubles::{self, Past};
use super::words::{Clock, seen};
use crate::check::{Finding, Off, Report, judge, switched_off};
use crate::engine::{Entry, Line, Number, Snapshot};
use crate::http::Server;
use crate::overview::Stack;
use crate::text::printable;

pub(super) use events::events;
pub(super) use readings::readings;

/// Everything as it is now, from which a page takes its part.
pub(super) struct Present<'a> {
    pub server: &'a Server,
    pub snapshot: Snapshot,
    pub report: Report,
    pub stack: Stack,
    pub view: View,
}

/// What a page is about: some findings of one entry of the snapshot.
pub(super) struct Thing<'a> {
    pub entry: &'a Entry,
    pub findings: Vec<&'a Finding>,
    pub lines: Vec<(Number, [Line; 2])>,
    pub off: Vec<Off>,
}

/// What stands on a page of its own.
pub(super) struct Shown {
    pub title: String,
    pub tone: Tone,
    pub main: Markup,
}

impl<'a> Present<'a> {
    pub(super) fn of(server: &'a Server) -> Self {
        let snapshot = server.board.snapshot();
        let report = judge(&snapshot);
        let stack = server.overview.stack(&snapshot, &report);
        let view = View { at: stack.at, clock: Clock::system() };
        Self { server, snapshot, report, stack, view }
    }

    pub(super) fn entry(&self, area: &str, target: &str) -> Option<&Entry> {
        let is_it = |entry: &&Entry| {
            entry.target.as_ref().is_some_and(|one| one.id.area == area && one.id.name == target)
        };
        self.snapshot.entries.iter().find(is_it)
    }

    /// The part of an entry whose findings these are; `off` says which keys speak of it.
    pub(super) fn thing(
        &'a self,
        entry: &'a Entry,
        is_mine: &dyn Fn(&Finding) -> bool,
        off: &dyn Fn(&Off) -> bool,
    ) -> Thing<'a> {
        let id = entry.target.as_ref().map(|target| (target.id.area, target.id.name.as_str()));
        let (area, name) = id.unwrap_or_default();
        let of = |finding: &&Finding| finding.area == area && finding.target == name;
        let findings = self.report.findings.iter().filter(of).filter(|one| is_mine(one)).collect();
        let all = switched_off(&self.snapshot).into_iter();
        Thing {
            entry,
            findings,
            lines: self.server.board.chart.of(area, name),
            off: all.filter(|one| one.area == area && one.target == name && off(one)).collect(),
        }
    }

    /// What is wrong with it, as on the first page.
    pub(super) fn troubles(
        &self,
        is_mine: &dyn Fn(&Finding) -> bool,
        blind: &dyn Fn(&str, &str) -> bool,
    ) -> (Markup, Tone) {
        let report = Report {
            at: self.report.at,
            findings: self.report.findings.iter().filter(|one| is_mine(one)).cloned().collect(),
            blind: self
                .report
                .blind
                .iter()
                .filter(|one| blind(one.area, &one.target))
                .cloned()
                .collect(),
            idle: Vec::new(),
        };
        let told = crate::check::troubles(&report);
        let past = Past {
            now: self.snapshot.at,
            overview: &self.server.overview,
            chart: &self.server.board.chart,
        };
        let tone = told.iter().map(troubles::tone).max().unwrap_or(Tone::Ok);
        (troubles::render(&told, &past), tone)
    }

    /// A whole page.
    pub(super) fn page(&self, shown: &Shown) -> Response {
        let machine = seen(&self.stack.machine, 64);
        let frame = Frame {
            title: &format!("{} · {machine}", shown.title),
            tone: shown.tone,
            machine: &machine,
            metrics: &self.server.telemetry_path,
            live: true,
            projects: None,
        };
        Html(layout(&frame, &shown.main).into_string()).into_response()
    }

    /// There is no such thing, or not any more.
    pub(super) fn missing(&self, what: &str) -> Response {
        let main = html! {
            h1 { "There is no " (what) }
            p { "It was removed or renamed, or it never was there. " a href="/" { "All that is watched" } "." }
        };
        let shown = Shown { title: "not found".to_owned(), tone: Tone::Unknown, main };
        (StatusCode::NOT_FOUND, self.page(&shown)).into_response()
    }
}

impl Thing<'_> {
    /// What tells the value of a finding from others of this thing: "cursor_lost"; nothing where there
    /// is no other.
    pub(super) fn which(&self, finding: &Finding) -> String {
        let subject = finding.subject();
        let told = finding.labels.iter().filter(|(name, value)| {
            subject.contains(&format!(" {name}={}", printable(value)))
                && self.findings.iter().any(|other| {
                    other.labels.iter().any(|(of, another)| of == name && another != value)
                })
        });
        let values: Vec<_> = told.map(|(_, value)| seen(value, 60)).collect();
        values.join(", ")
    }

    /// Charts, thresholds, and what is not judged.
    pub(super) fn sections(&self, view: &View) -> Markup {
        html! {
            (numbers::section(self, view))
            (thresholds::section(self))
        }
    }
}
