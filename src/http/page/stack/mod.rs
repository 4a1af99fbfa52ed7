//! The stack: services by project, then everything else by area, then what the logs complain about.

mod errors;
mod groups;
mod services;
#[cfg(test)]
pub(super) mod tests;

use maud::{Markup, html};

pub(super) use groups::{in_full as target_in_full, row as target};

use super::words::{Clock, counted, exact, seen, span};
use crate::engine::Snapshot;
use crate::overview::{Mood, Stack};

/// Names are longer only where somebody wants to see what happens then.
const NAME: usize = 64;

/// When the page is of, and whose clock it shows.
pub(super) struct View {
    pub at: f64,
    pub clock: Clock,
}

impl View {
    /// For how long something has been as it is; nothing where that is not known.
    pub(super) fn since(&self, since: f64) -> Markup {
        if since <= 0.0 {
            return html! {};
        }
        html! {
            time datetime=(exact(since)) title={ "since " (self.clock.moment(since)) } {
                (span(self.at - since))
            }
        }
    }
}

/// All of it. The tables of errors are in the snapshot; the rest is the overview.
pub(super) fn markup(stack: &Stack, snapshot: &Snapshot, clock: &Clock) -> Markup {
    let view = View { at: stack.at, clock: clock.clone() };
    html! {
        (services::table(&stack.projects, &view))
        @for group in stack.groups.iter().filter(|group| !group.targets.is_empty()) {
            (groups::group(group, &view))
            @if group.area == "logs" { (errors::table(snapshot, group, &view)) }
        }
    }
}

/// "8 services, 1 down", "3, all up".
fn head(moods: &[Mood], what: Option<(&str, &str)>) -> Markup {
    let count = match what {
        Some((one, many)) => counted(moods.len(), one, many),
        None => moods.len().to_string(),
    };
    let of = |mood| moods.iter().filter(|one| **one == mood).count();
    let told = [Mood::Down, Mood::Degraded, Mood::Deploying, Mood::Unknown, Mood::Idle];
    let told: Vec<_> =
        told.into_iter().map(|mood| (mood, of(mood))).filter(|(_, count)| *count > 0).collect();
    let all = match moods.len() {
        1 => "up",
        _ => "all up",
    };
    html! {
        span.count {
            (count)
            @if told.is_empty() { ", " (all) }
            @for (mood, count) in told { ", " span.(tone(mood)) { (count) " " (said(mood)) } }
        }
    }
}

/// How a mood is called where no better word is known.
pub(super) const fn said(mood: Mood) -> &'static str {
    match mood {
        Mood::Unknown => "not visible",
        Mood::Idle => "stopped",
        Mood::Degraded => "not well",
        Mood::Up | Mood::Deploying | Mood::Down => mood.as_str(),
    }
}

/// The colour of a mood's word: that of a verdict, or none.
const fn tone(mood: Mood) -> &'static str {
    match mood {
        Mood::Down => "critical",
        Mood::Degraded => "warning",
        Mood::Unknown => "unknown",
        Mood::Idle | Mood::Up | Mood::Deploying => "calm",
    }
}

/// A word with the sign of a mood before it.
pub(super) fn state(mood: Mood, word: &str) -> Markup {
    html! { span.state.(mood.as_str()) { (word) } }
}

/// A name from outside, short enough for a row; the whole of it is in the tip.
fn name(text: &str, most: usize) -> Markup {
    let shown = seen(text, most);
    html! {
        @if shown.ends_with('…') { span title=(seen(text, 300)) { (shown) } } @else { (shown) }
    }
}
