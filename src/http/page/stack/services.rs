//! The table of services. A column that nobody has anything in is left out.

use maud::{Markup, html};

use super::super::chart::{Texts, bar, day};
use super::super::words::{anchor, bytes, bytes_of, cores, seen, service_path, span, target_path};
use super::{NAME, View, head, name, state};
use crate::overview::{Health, Image, LastError, Mood, Port, Project, Service};

/// Ports that are named; the service's page has them all.
const PORTS: usize = 3;
/// An error in a row.
const ERROR: usize = 90;

const CPU: Texts = Texts { what: "processors", one: cores, of: cores_of };
const MEMORY: Texts = Texts { what: "memory", one: bytes, of: bytes_of };

fn cores_of(used: f64, limit: f64) -> (String, String) {
    (cores(used), format!("of {}", cores(limit)))
}

/// A column: its head, its class, whether a service has something in it, and what.
struct Column {
    head: &'static str,
    class: &'static str,
    has: fn(&Service) -> bool,
    cell: fn(&Service, &View) -> Markup,
}

const COLUMNS: [Column; 9] = [
    Column { head: "State", class: "how", has: |_| true, cell: how },
    Column {
        head: "Since",
        class: "since",
        has: |service| service.since.is_some(),
        cell: |service, view| service.since.map_or_else(|| html! {}, |since| view.since(since)),
    },
    Column {
        head: "CPU",
        class: "usage",
        has: |service| service.cpu_cores.used.is_some() || service.cpu_cores.limit.is_some(),
        cell: |service, _| bar(service.cpu_cores, &CPU),
    },
    Column {
        head: "Memory",
        class: "usage",
        has: |service| service.memory_bytes.used.is_some() || service.memory_bytes.limit.is_some(),
        cell: |service, _| bar(service.memory_bytes, &MEMORY),
    },
    Column {
        head: "Restarts, 24h",
        class: "restarts",
        has: |service| service.restarts.is_some(),
        cell: restarts,
    },
    Column {
        head: "Image",
        class: "image",
        has: |service| service.image.is_some(),
        cell: |service, _| service.image.as_ref().map_or_else(|| html! {}, image),
    },
    Column {
        head: "Ports",
        class: "ports",
        has: |service| !service.ports.is_empty(),
        cell: |service, _| ports(&service.ports),
    },
    Column {
        head: "Last error in its log",
        class: "error",
        has: |service| service.last_error.is_some(),
        cell: |service, view| {
            service.last_error.as_ref().map_or_else(|| html! {}, |error| last_error(error, view))
        },
    },
    Column {
        head: "Last 24 hours",
        class: "past",
        has: |service| !service.day.steps.is_empty(),
        cell: |service, view| day(&service.day, &view.clock),
    },
];

pub(super) fn table(projects: &[Project], view: &View) -> Markup {
    let all: Vec<&Service> = projects.iter().flat_map(|project| &project.services).collect();
    if all.is_empty() {
        return html! {};
    }
    let columns: Vec<&Column> =
        COLUMNS.iter().filter(|column| all.iter().any(|service| (column.has)(service))).collect();
    let moods: Vec<Mood> = all.iter().map(|service| service.mood).collect();
    html! {
        section #services data-group {
            h2 { "Services " (head(&moods, None)) }
            div.scroll {
                table.services {
                    caption.apart { "Services by project" }
                    thead {
                        tr {
                            th scope="col" { "Service" }
                            @for column in &columns { th scope="col" class=(column.class) { (column.head) } }
                        }
                    }
                    @for project in projects.iter().filter(|project| !project.services.is_empty()) {
                        (rows(project, &columns, view))
                    }
                }
            }
        }
    }
}

fn rows(project: &Project, columns: &[&Column], view: &View) -> Markup {
    let moods: Vec<Mood> = project.services.iter().map(|service| service.mood).collect();
    html! {
        tbody id=(anchor("project", &project.name)) data-group {
            tr.band {
                th scope="rowgroup" colspan=(columns.len() + 1) {
                    h3 {
                        @if project.name.is_empty() { "Without a project" } @else { (name(&project.name, NAME)) }
                        " "
                        @if project.name.is_empty() { (head(&moods, Some(("container", "containers")))) }
                        @else { (head(&moods, Some(("service", "services")))) }
                    }
                }
            }
            @for service in &project.services { (row(service, columns, view)) }
        }
    }
}

fn row(service: &Service, columns: &[&Column], view: &View) -> Markup {
    let key = format!("{}/{}", service.project, service.service);
    html! {
        tr.thing.(service.mood.as_str()) id=(anchor("service", &key)) data-row
            data-project=(seen(&service.project, 300)) data-words=(words(service)) {
            th scope="row" {
                a href=(service_path(&service.project, &service.service)) { (name(&service.service, NAME)) }
                @if service.replicas_wanted > 1 || service.replicas_running > 1 {
                    " " span.(replicas(service)) { (service.replicas_running) " of " (service.replicas_wanted) }
                }
            }
            @for column in columns {
                td data-label=(column.head) class=(column.class) { ((column.cell)(service, view)) }
            }
        }
    }
}

/// The colour of their number: that there are too few is why it is not well.
fn replicas(service: &Service) -> &'static str {
    if service.replicas_running < service.replicas_wanted && service.mood >= Mood::Degraded {
        "replicas warning"
    } else {
        "replicas dim"
    }
}

/// What the filter finds it by besides what is shown.
fn words(service: &Service) -> String {
    let names = service.containers.iter().map(|name| seen(name, 300).into_owned());
    let mut words: Vec<String> = names.take(8).collect();
    words.push(service.mood.as_str().to_owned());
    words.push(seen(&service.project, 300).into_owned());
    words.join(" ")
}

fn how(service: &Service, _: &View) -> Markup {
    let word = if service.state.is_empty() { service.mood.as_str() } else { &service.state };
    html! {
        (state(service.mood, &seen(word, NAME)))
        @match service.health {
            Some(Health::Healthy) => { " " span.dim { "healthy" } },
            Some(Health::Starting) => { " " span.dim { "starting" } },
            Some(Health::Unhealthy) => { " " span.critical { "unhealthy" } },
            _ => {},
        }
    }
}

fn restarts(service: &Service, _: &View) -> Markup {
    html! {
        @match service.restarts {
            Some(0) => span.dim { "0" },
            Some(count) => b { (count) },
            None => {}
        }
    }
}

fn image(image: &Image) -> Markup {
    // From where it is stands on the service's page, and in the tip.
    let shown = short(&image.name);
    let what = shown.rsplit_once('/').map_or(shown, |(_, what)| what);
    html! {
        span title=(seen(&image.name, 300)) { (seen(what, 40)) }
        @if let Some(age) = image.age_seconds {
            " " span.age title={ "built " (span(age)) " ago" } { (span(age)) " old" }
        }
        @if image.outdated { " " b.warning title="Its tag means another image by now" { "outdated" } }
    }
}

/// A digest says nothing to people; the service's page has it.
fn short(image: &str) -> &str {
    image.split_once("@sha256:").map_or(image, |(name, _)| name)
}

fn ports(ports: &[Port]) -> Markup {
    // Those that are open too far first: they must not be among the rest.
    let mut sorted: Vec<&Port> = ports.iter().collect();
    sorted.sort_by_key(|port| !port.exposed);
    html! {
        @for port in sorted.iter().take(PORTS) {
            span.port {
                (seen(port.port.strip_suffix("/tcp").unwrap_or(&port.port), 16)) " "
                @if port.exposed { b.warning title="It can be reached from further away than it should" { (seen(&port.address, 16)) } }
                @else { span.dim { (seen(&port.address, 16)) } }
            }
        }
        @if ports.len() > PORTS { span.dim { (ports.len() - PORTS) " more" } }
    }
}

fn last_error(error: &LastError, view: &View) -> Markup {
    html! {
        a.template href=(target_path("logs", &error.log)) title=(seen(&error.text, 300)) { (seen(&error.text, ERROR)) }
        span.under { (times(error.count)) ", last " (span(view.at - error.at)) " ago" }
    }
}

fn times(count: u64) -> String {
    if count == 1 { "once".to_owned() } else { format!("{count} times") }
}
