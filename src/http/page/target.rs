//! `/target/{area}/{target}`: everything that is no service, and Docker itself.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::chart::day_in_words;
use super::link;
use super::stack;
use super::thing::{Present, Shown, events, readings};
use super::words::{anchor, seen, service_path};
use crate::check::Finding;
use crate::engine::{Entry, State as Read, title};
use crate::http::{Server, details};
use crate::overview::{Event, Mood, Target};

pub(in crate::http) async fn page(
    State(server): State<Server>,
    Path((area, name)): Path<(String, String)>,
) -> Response {
    let now = Present::of(&server);
    match show(&now, &area, &name) {
        Some(shown) => now.page(&shown),
        None => now.missing("such target"),
    }
}

/// `None` where there is no such target.
pub(super) fn show(now: &Present, area: &str, name: &str) -> Option<Shown> {
    let entry = now.entry(area, name)?;
    // What is said of services has its place on their pages.
    let is_mine = |finding: &Finding| {
        finding.area == area && finding.target == name && link::service_of(finding).is_none()
    };
    let thing = now.thing(entry, &is_mine, &|_| true);
    let is_it = |of: &str, target: &str| of == area && target == name;
    let (troubles, tone) = now.troubles(&is_mine, &is_it);
    let mut all = now.stack.groups.iter().flat_map(|group| &group.targets);
    let shown = all.find(|one| one.area == area && one.target == name);
    let mood = shown.map_or_else(|| mood(entry), |shown| shown.mood);
    let happened =
        |event: &Event| event.area == area && event.target == name && event.service.is_empty();
    let main = html! {
        section.head { (heading(entry, shown, mood, now)) }
        (troubles)
        @if let Some(target) = shown { (stack::target_in_full(target)) }
        (thing.sections(&now.view))
        (events(&now.server.overview.events(&happened), &now.view))
        (details::of(entry, now.snapshot.at))
        (readings(entry, &now.server.telemetry_path, &now.view))
    };
    let title = seen(&title(area, name), 80).into_owned();
    Some(Shown { title, tone: tone.max(mood.into()), main })
}

/// Of one that has no row.
fn mood(entry: &Entry) -> Mood {
    match entry.state.as_ref().and_then(Read::up) {
        None => Mood::Unknown,
        Some(true) => Mood::Up,
        Some(false) => Mood::Down,
    }
}

fn heading(entry: &Entry, shown: Option<&Target>, mood: Mood, now: &Present) -> Markup {
    let Some(target) = &entry.target else { return html! {} };
    html! {
        h1 {
            (seen(&target.id.name, 80)) " " span.dim { (target.area.title) } " "
            (stack::state(mood, stack::said(mood)))
        }
        @if let Some(shown) = shown {
            @if !shown.service.is_empty() {
                p { "It lives in " a href=(service_path(&shown.project, &shown.service)) { (seen(&shown.service, 64)) }
                    @if !shown.project.is_empty() { " (" (seen(&shown.project, 64)) ")" } "." }
            }
            (day_in_words(&shown.day, &now.view.clock))
        } @else if now.stack.projects.iter().any(|one| !one.services.is_empty()) {
            p { "Its services: " @for project in &now.stack.projects {
                a href={ "/#" (anchor("project", &project.name)) } {
                    @if project.name.is_empty() { "without a project" } @else { (seen(&project.name, 64)) }
                } " "
            } }
        }
    }
}
