//! Everything that is no service: a row for each target with its numbers, and its things below it.

use maud::{Markup, html};

use super::super::chart::{day, sparkline};
use super::super::words::{anchor, counted, seen, target_path, value};
use super::{NAME, View, head, name, said, state};
use crate::catalogue::{Glance, Unit};
use crate::collectors::CATALOGUE;
use crate::overview::{Figure, Group, Item, Mood, Target};

/// Things of a target that are shown below it; its page has a few more, and the API says how many there
/// are.
const ITEMS: usize = 40;
/// Things in trouble that are shown without being asked for.
const BAD: usize = 4;

pub(super) fn group(group: &Group, view: &View) -> Markup {
    let moods: Vec<Mood> = group.targets.iter().map(|target| target.mood).collect();
    html! {
        section.area id=(anchor("area", group.area)) data-group {
            h2.band { (group.title) " " (head(&moods, None)) }
            ul.targets { @for target in &group.targets { (row(target, view)) } }
        }
    }
}

pub fn row(target: &Target, view: &View) -> Markup {
    let key = format!("{}/{}", target.area, target.target);
    html! {
        li.thing.(target.mood.as_str()) id=(anchor("target", &key)) data-row
            data-project=(seen(&target.project, 300)) data-words=(words(target)) {
            div.name {
                a href=(target_path(target.area, &target.target)) { (name(&target.target, NAME)) }
                @if !target.place.is_empty() { span.under { (name(&target.place, NAME)) } }
            }
            div.how {
                (state(target.mood, said(target.mood)))
                span.under {
                    @if !target.service.is_empty() { (lives(target)) }
                    @else { "for " (view.since(target.since)) }
                }
            }
            @if let Some(why) = &target.why { p.why { (seen(why, 300)) } }
            @else {
                div.figures { @for figure in &target.figures { (number(figure, target.area)) } }
            }
            @if !target.day.steps.is_empty() { div.past { (day(&target.day, &view.clock)) } }
            @if !target.items.is_empty() { (items(target, &anchor("items", &key))) }
        }
    }
}

/// The numbers and all things of a target, on a page of its own.
pub fn in_full(target: &Target) -> Markup {
    html! {
        @if let Some(why) = &target.why { p.why { (seen(why, 300)) } }
        @if !target.figures.is_empty() {
            div.figures { @for figure in &target.figures { (number(figure, target.area)) } }
        }
        @if target.items.len() > 1 || target.items.iter().any(is_bad) {
            section #items {
                h2 { (count(target)) }
                div.items { ul {
                    @for item in &target.items { (one(item)) }
                    (more(target, target.items.len()))
                } }
            }
        }
    }
}

fn lives(target: &Target) -> Markup {
    html! {
        "in " (seen(&target.service, NAME))
        @if !target.project.is_empty() { " (" (seen(&target.project, NAME)) ")" }
    }
}

fn words(target: &Target) -> String {
    let words = [
        target.area,
        target.mood.as_str(),
        &seen(&target.project, 300),
        &seen(&target.service, 300),
    ];
    words.into_iter().filter(|word| !word.is_empty()).collect::<Vec<_>>().join(" ")
}

fn number(figure: &Figure, area: &str) -> Markup {
    let unit = unit(area, figure.signal);
    let show = |of: f64| unit.map_or_else(|| of.to_string(), |unit| value(unit, of));
    let thing: Vec<_> = figure.labels.iter().map(|(_, value)| value.as_str()).collect();
    // Of a yes or no there are no words but the signal's name.
    let plain = figure.signal.replace('_', " ");
    let what = if figure.what.is_empty() { plain.as_str() } else { figure.what };
    html! {
        div.figure {
            span.value.(tone(figure.verdict)) { (seen(&figure.shown, 24)) }
            span.under title=[(!thing.is_empty()).then(|| seen(&thing.join(" "), 300).into_owned())] { (seen(what, 60)) }
            (sparkline(&figure.points, &show))
        }
    }
}

/// In which unit a number is: that of its signal, or of a fact that is shown at a glance.
fn unit(area: &str, name: &str) -> Option<Unit> {
    let area = CATALOGUE.area(area)?;
    let fact = || {
        area.glance.iter().find_map(|glance| match *glance {
            Glance::Fact { metric, unit, .. } if metric == name => Some(unit),
            _ => None,
        })
    };
    area.signal(name).map(|signal| signal.unit).or_else(fact)
}

/// The class of a verdict's word; what is well has none.
fn tone(verdict: &str) -> &'static str {
    match verdict {
        "critical" => "critical",
        "warning" => "warning",
        _ => "calm",
    }
}

fn is_bad(item: &Item) -> bool {
    matches!(item.verdict, "critical" | "warning")
}

/// "120 units"
fn count(target: &Target) -> String {
    let (one, many) = things(target.area);
    counted(target.items_total, one, many)
}

/// How many there are beyond those that are shown.
fn more(target: &Target, shown: usize) -> Markup {
    let more = target.items_total.saturating_sub(shown);
    html! { @if more > 0 { li.dim { (more) " more" } } }
}

fn items(target: &Target, id: &str) -> Markup {
    let bad = target.items_bad;
    // One that is well says nothing more than its target does.
    if target.items_total == 1 && bad == 0 {
        return html! {};
    }
    let open = target.items.iter().filter(|item| is_bad(item)).take(BAD);
    html! {
        div.items {
            @if bad > 0 { ul { @for item in open { (one(item)) } } }
            @if target.items_total > bad.min(BAD) {
                details id=(id) data-fold {
                    summary { (count(target)) @if bad > 0 { ", " (bad) " not well" } }
                    ul {
                        @for item in target.items.iter().take(ITEMS) { (one(item)) }
                        (more(target, target.items.len().min(ITEMS)))
                    }
                }
            }
        }
    }
}

/// What the things of a target are, one and several.
fn things(area: &str) -> (&'static str, &'static str) {
    match area {
        "systemd" => ("unit", "units"),
        "process" => ("group of processes", "groups of processes"),
        "files" => ("place", "places"),
        "backup" => ("backup", "backups"),
        _ => ("part", "parts"),
    }
}

fn one(item: &Item) -> Markup {
    html! {
        li { span.(tone(item.verdict)) { (name(&item.name, NAME)) } " " span.dim { (seen(&item.shown, 80)) } }
    }
}
