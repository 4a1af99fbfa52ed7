//! What all pages have in common: the head of the document, the way to the other pages, the landmarks.
//!
//! Texts from outside go through `text::printable` before they stand in a page: markup escapes what
//! HTML would take for its own, and not what turns the direction of what follows.

use maud::{DOCTYPE, Markup, PreEscaped, html};

use super::assets;
use crate::check::Verdict;
use crate::overview::Mood;

/// How bad it is, as word, colour and sign: never colour alone. The worst last.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(in crate::http) enum Tone {
    Ok,
    Advice,
    /// It cannot be seen, or not yet.
    Unknown,
    Warning,
    Critical,
}

impl Tone {
    pub(in crate::http) const ALL: [Self; 5] =
        [Self::Ok, Self::Advice, Self::Unknown, Self::Warning, Self::Critical];

    /// The class of the style sheet, and the name of the icon.
    pub(in crate::http) const fn class(self) -> &'static str {
        match self {
            Self::Ok => "ok",
            Self::Advice => "advice",
            Self::Unknown => "unknown",
            Self::Warning => "warning",
            Self::Critical => "critical",
        }
    }

    pub(in crate::http) const fn word(self) -> &'static str {
        match self {
            Self::Ok => "Well",
            Self::Advice => "Advice",
            Self::Unknown => "Not visible",
            Self::Warning => "Warning",
            Self::Critical => "Critical",
        }
    }
}

impl From<Verdict> for Tone {
    fn from(verdict: Verdict) -> Self {
        match verdict {
            Verdict::Critical => Self::Critical,
            Verdict::Warning => Self::Warning,
            Verdict::Advice => Self::Advice,
            Verdict::NeedsHistory => Self::Unknown,
            Verdict::Ok => Self::Ok,
        }
    }
}

impl From<Mood> for Tone {
    fn from(mood: Mood) -> Self {
        match mood {
            Mood::Down => Self::Critical,
            Mood::Degraded => Self::Warning,
            Mood::Unknown => Self::Unknown,
            Mood::Idle | Mood::Up | Mood::Deploying => Self::Ok,
        }
    }
}

/// What a page says of itself.
pub(in crate::http) struct Frame<'a> {
    /// The words of the tab, fit to be shown.
    pub title: &'a str,
    pub tone: Tone,
    /// The machine's name, fit to be shown; empty where it is not known.
    pub machine: &'a str,
    /// Where the metrics are.
    pub metrics: &'a str,
    /// Whether it shows readings, so that it is fetched again and again.
    pub live: bool,
    /// Projects by which its rows can be filtered; `None` for a page without rows.
    pub projects: Option<&'a [String]>,
}

/// A whole page.
pub(in crate::http) fn layout(frame: &Frame, main: &Markup) -> Markup {
    html! {
        (DOCTYPE)
        html lang="en" {
            head {
                meta charset="utf-8";
                meta name="viewport" content="width=device-width, initial-scale=1";
                meta name="color-scheme" content="light dark";
                title { (frame.title) }
                link rel="icon" type="image/svg+xml" href=(assets::icon_path(frame.tone));
                @if frame.live {
                    noscript { meta http-equiv="refresh" content="30"; }
                }
                style { (PreEscaped(assets::STYLE)) }
                script src=(*assets::SCRIPT_PATH) defer {}
            }
            body data-machine=(frame.machine) data-live[frame.live] {
                a .skip href="#main" { "Skip to content" }
                header .top {
                    nav aria-label="Pages" {
                        a .home href="/" { "stack-exporter" @if !frame.machine.is_empty() { " on " b { (frame.machine) } } }
                        a href="/runbooks/" { "Runbooks" }
                        a href=(frame.metrics) { "Metrics" }
                        a href="/api/v1/status" { "JSON" }
                    }
                    @if let Some(projects) = frame.projects { (filter(projects)) }
                }
                // Filled by the script when the exporter does not answer any more.
                p #lost role="status" {}
                main #main tabindex="-1" { (main) }
                footer .dim {
                    "stack-exporter " (env!("CARGO_PKG_VERSION"))
                }
            }
        }
    }
}

/// One input for projects and words; without the script it is not there.
fn filter(projects: &[String]) -> Markup {
    html! {
        search .filter {
            label for="filter" { "Filter" }
            input #filter type="search" list="projects" autocomplete="off" spellcheck="false"
                placeholder="words or project:name";
            output #found for="filter" {}
            datalist #projects {
                @for project in projects { option value={ "project:" (project) } {} }
            }
        }
    }
}
