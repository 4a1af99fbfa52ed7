//! Pages for people. `/` is the status page.

mod assets;
mod chart;
mod head;
mod layout;
pub(super) mod link;
pub(super) mod service;
pub(super) mod silence;
mod stack;
pub(super) mod target;
#[cfg(test)]
mod tests;
mod thing;
mod troubles;
mod watched;
mod when;
mod words;

use std::time::SystemTime;

use axum::extract::State;
use axum::response::Html;
use maud::html;

use super::Server;
use crate::check::{judge, switched_off};
use crate::engine::Snapshot;
use crate::overview::Stack;
use crate::text::printable;
use head::Head;
use troubles::Past;

pub(super) use assets::{serve as asset, style_hash};
pub(super) use layout::{Frame, Tone, layout};
pub(super) use when::ago;

/// `/`
pub(super) async fn status(State(server): State<Server>) -> Html<String> {
    let snapshot = server.board.snapshot();
    let report = judge(&snapshot);
    let told = crate::check::troubles(&report);
    let off = switched_off(&snapshot);
    let states = || snapshot.entries.iter().filter_map(|entry| entry.state.as_ref());
    let stack = server.overview.stack(&snapshot, &report);
    let unsent = unsent(&server, snapshot.at);
    let head = Head {
        troubles: &told,
        machine: &stack.machine,
        now: snapshot.at,
        read: last_reading(&snapshot),
        watched: states().count(),
        unread: states().filter(|state| state.up().is_none()).count(),
        off: &off,
        silent: server.overview.silent_since(),
        unsent: &unsent,
        waiting: server.overview.waiting(),
    };
    let past = Past { now: snapshot.at, overview: &server.overview, chart: &server.board.chart };
    let main = html! {
        (head.render())
        (troubles::render(&told, &past))
        (stack::markup(&stack, &snapshot, &words::Clock::system()))
        (watched::render(&snapshot, &report, &off, &server.board.missed()))
    };
    let frame = Frame {
        title: &head.title(),
        tone: head.tone(),
        machine: &printable(&stack.machine),
        metrics: &server.telemetry_path,
        live: true,
        projects: Some(&projects(&stack)),
    };
    Html(layout(&frame, &main).into_string())
}

/// "ntfy, for 3m 12s: connection refused. Do: ..."
fn unsent(server: &Server, now: SystemTime) -> Vec<String> {
    let failing = server.board.messages.failing().into_iter();
    let one = |(way, since, failure): (&str, SystemTime, crate::failure::Failure)| {
        let remedy = failure.hint.as_ref().map(|hint| format!(" Do: {hint}."));
        format!("{way}, for {}: {failure}.{}", ago(since, now), remedy.unwrap_or_default())
    };
    failing.map(one).collect()
}

fn last_reading(snapshot: &Snapshot) -> Option<SystemTime> {
    let states = snapshot.entries.iter().filter_map(|entry| entry.state.as_ref());
    states.filter_map(|state| Some(state.reading.as_ref()?.at)).max()
}

/// Projects that the rows of the page are about.
fn projects(stack: &Stack) -> Vec<String> {
    let named = stack.projects.iter().map(|project| project.name.as_str());
    named.filter(|name| !name.is_empty()).map(|name| printable(name).into_owned()).collect()
}
