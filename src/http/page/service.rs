//! `/service/{project}/{service}`: one service of Compose, or a container by itself.

use axum::extract::{Path, State};
use axum::response::Response;
use maud::{Markup, html};

use super::chart::day_in_words;
use super::link;
use super::stack::{self, View};
use super::thing::{Present, Shown, Thing, events, readings};
use super::words::{bytes, bytes_of, cores, seen, span, target_path};
use crate::catalogue::Key;
use crate::check::{Finding, Off};
use crate::collectors::CATALOGUE;
use crate::http::{Server, details};
use crate::overview::{Health, Service, Target, Usage};

const DOCKER: &str = "docker";

pub(in crate::http) async fn page(
    State(server): State<Server>,
    Path((project, name)): Path<(String, String)>,
) -> Response {
    let project = if project == "-" { String::new() } else { project };
    let now = Present::of(&server);
    match show(&now, &project, &name) {
        Some(shown) => now.page(&shown),
        None => now.missing("such service"),
    }
}

/// `None` where there is no such service.
pub(super) fn show(now: &Present, project: &str, name: &str) -> Option<Shown> {
    let mut all = now.stack.projects.iter().flat_map(|one| &one.services);
    let service = all.find(|one| one.project == project && one.service == name)?;
    let entry = now.entry(DOCKER, DOCKER)?;
    let is_mine = |finding: &Finding| finding.area == DOCKER && is_of(finding, service);
    let thing = now.thing(entry, &is_mine, &|off| speaks_of(off, service));
    // What keeps Docker from being seen keeps its services from being seen.
    let (troubles, tone) =
        now.troubles(&is_mine, &|area, target| area == DOCKER && target == DOCKER);
    let main = body(service, &thing, now, &troubles);
    Some(Shown { title: title(service), tone: tone.max(service.mood.into()), main })
}

/// "worker (shop)".
fn title(service: &Service) -> String {
    let name = seen(&service.service, 64);
    if service.project.is_empty() {
        name.into_owned()
    } else {
        format!("{name} ({})", seen(&service.project, 64))
    }
}

fn body(service: &Service, thing: &Thing, now: &Present, troubles: &Markup) -> Markup {
    let view = &now.view;
    html! {
        section.head {
            h1 { (title(service)) " " (stack::state(service.mood, &seen(state(service), 64))) }
            (day_in_words(&service.day, &view.clock))
        }
        (troubles)
        (facts(service, view))
        (thing.sections(view))
        (events(&now.server.overview.events(&|event| event.project == service.project && event.service == service.service), view))
        @for target in living(service, now) { (lives(target, now, view)) }
        (readings(thing.entry, &now.server.telemetry_path, view))
    }
}

fn state(service: &Service) -> &str {
    if service.state.is_empty() { service.mood.as_str() } else { &service.state }
}

fn facts(service: &Service, view: &View) -> Markup {
    html! {
        section #facts-of-it {
            h2 { "As it is" }
            dl.facts-list {
                @if let Some(since) = service.since { dt { "Since" } dd { (view.since(since)) " (" (view.clock.moment(since)) ")" } }
                @if let Some(health) = service.health { dt { "Health check" } dd { (checked(health)) } }
                @if service.replicas_wanted > 0 || service.replicas_running > 0 {
                    dt { "Replicas" } dd { (service.replicas_running) " of " (service.replicas_wanted) " run" }
                }
                (usage("CPU", service.cpu_cores, |value| format!("{} cores", cores(value)), |used, limit| format!("{} of {} cores", cores(used), cores(limit))))
                (usage("Memory", service.memory_bytes, bytes, |used, limit| { let (used, of) = bytes_of(used, limit); format!("{used} {of}") }))
                @if let Some(count) = service.restarts { dt { "Restarts in 24 hours" } dd { (count) } }
                @if let Some(image) = &service.image {
                    dt { "Image" } dd { code { (seen(&image.name, 300)) }
                        @if let Some(age) = image.age_seconds { ", built " (span(age)) " ago" }
                        @if image.outdated { ", " b.warning { "outdated: its tag means another image by now" } } }
                }
                @if !service.ports.is_empty() {
                    dt { "Ports" } dd { @for port in &service.ports {
                        span.port { (seen(&port.port, 32)) " " @if port.exposed { b.warning { (seen(&port.address, 32)) ", further than it should" } } @else { (seen(&port.address, 32)) } }
                    } }
                }
                @if !service.containers.is_empty() {
                    dt { "Containers" } dd { @for name in &service.containers { code { (seen(name, 128)) } " " } }
                }
                @if let Some(error) = &service.last_error {
                    dt { "Last error in its log" } dd {
                        span.template { (seen(&error.text, 300)) }
                        span.under { (span(view.at - error.at)) " ago, " (error.count) " of this kind, in the log "
                            a href=(target_path("logs", &error.log)) { (seen(&error.log, 64)) } }
                    }
                }
            }
        }
    }
}

const fn checked(health: Health) -> &'static str {
    match health {
        Health::Healthy => "healthy",
        Health::Starting => "starting",
        Health::Unhealthy => "unhealthy",
    }
}

fn usage(
    what: &str,
    usage: Usage,
    one: impl Fn(f64) -> String,
    of: impl Fn(f64, f64) -> String,
) -> Markup {
    let text = match (usage.used, usage.limit) {
        (Some(used), Some(limit)) => of(used, limit),
        (Some(used), None) => format!("{}, no limit", one(used)),
        (None, Some(limit)) => format!("{} at most", one(limit)),
        (None, None) => return html! {},
    };
    html! { dt { (what) } dd { (text) } }
}

/// Databases, logs and others that live in it.
fn living<'a>(service: &Service, now: &'a Present) -> Vec<&'a Target> {
    let is_in = |target: &&Target| {
        let named = !service.service.is_empty() && target.service == service.service;
        let logged = target.area == "logs"
            && service.last_error.as_ref().is_some_and(|error| error.log == target.target);
        (named && target.project == service.project) || logged
    };
    now.stack.groups.iter().flat_map(|group| &group.targets).filter(is_in).collect()
}

fn lives(target: &Target, now: &Present, view: &View) -> Markup {
    let title = CATALOGUE.area(target.area).map_or(target.area, |area| area.title);
    html! {
        section.area {
            h2.band { @if target.area == "logs" { "Its log" } @else { (title) " in it" } }
            ul.targets { (stack::target(target, view)) }
            @if let Some(entry) = now.entry(target.area, &target.target) { (details::of(entry, now.snapshot.at)) }
        }
    }
}

fn is_of(finding: &Finding, service: &Service) -> bool {
    match link::service_of(finding) {
        Some((project, name)) if project.is_empty() => {
            (service.project.is_empty() && name == service.service)
                || service.containers.contains(&name)
        }
        Some((project, name)) => project == service.project && name == service.service,
        None => false,
    }
}

/// Whether what is switched off is so for all, or for this one.
fn speaks_of(off: &Off, service: &Service) -> bool {
    let Some(key) = &off.key else { return true };
    let Ok(key) = Key::new(key) else { return false };
    let of_project = format!("{}/{}", service.project, service.service);
    key.is(&service.service)
        || key.is(&of_project)
        || service.containers.iter().any(|name| key.is(name))
}
