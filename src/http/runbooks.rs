//! `/runbooks/<Alert>`: the section of a runbook, embedded, so that it is there when nothing else is.

use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Html;
use maud::{Markup, html};

use super::Server;
use super::page::{Frame, Tone, layout, silence};
use crate::collectors::CATALOGUE;
use crate::text::{printable, printable_lines};

/// Of Prometheus and Alertmanager, which are no area of ours.
const WATCHERS: &str = include_str!("../../docs/runbooks/watchers.md");

/// Alert and text of every section.
pub fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = CATALOGUE.areas().map(|area| area.runbook).chain([WATCHERS]);
    files.flat_map(sections_of)
}

fn sections_of(file: &'static str) -> impl Iterator<Item = (&'static str, &'static str)> {
    file.split("\n## ").skip(1).filter_map(|part| {
        let (alert, text) = part.split_once('\n')?;
        Some((alert.trim(), text))
    })
}

pub(super) async fn page(
    State(server): State<Server>,
    Path(alert): Path<String>,
) -> (StatusCode, Html<String>) {
    let Some((name, text)) = sections().find(|(name, _)| *name == alert) else {
        return (StatusCode::NOT_FOUND, contents(&server, "No such runbook"));
    };
    let main = html! { h1 { (name) } (render(text)) (silence::section(name)) };
    (StatusCode::OK, framed(&server, name, &main))
}

pub(super) async fn list(State(server): State<Server>) -> Html<String> {
    contents(&server, "Runbooks")
}

fn contents(server: &Server, heading: &str) -> Html<String> {
    let main = html! {
        h1 { (heading) }
        @for area in CATALOGUE.areas() {
            h2 { (area.title) }
            (alerts(area.runbook))
        }
        h2 { "Prometheus and Alertmanager" }
        (alerts(WATCHERS))
    };
    framed(server, heading, &main)
}

fn alerts(runbook: &'static str) -> Markup {
    html! {
        ul { @for (name, _) in sections_of(runbook) { li { a href={ "/runbooks/" (name) } { (name) } } } }
    }
}

fn framed(server: &Server, title: &str, main: &Markup) -> Html<String> {
    let info = server.board.info();
    let frame = Frame {
        title: &format!("{title} · stack-exporter"),
        tone: Tone::Advice,
        machine: &printable(&info.hostname),
        metrics: &server.telemetry_path,
        live: false,
        projects: None,
    };
    Html(layout(&frame, main).into_string())
}

/// The little Markdown that our runbooks use: paragraphs, lists, fenced code, inline code.
fn render(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split("```").enumerate() {
            @if index % 2 == 1 {
                // The first line names the language.
                pre tabindex="0" { code { (printable_lines(part.split_once('\n').map_or(part, |(_, code)| code))) } }
            } @else {
                @for block in part.split("\n\n").map(str::trim).filter(|block| !block.is_empty()) { (rendered(block)) }
            }
        }
    }
}

fn rendered(block: &str) -> Markup {
    html! {
        @if block.starts_with("- ") {
            ul { @for item in block.split("\n- ") { li { (inline(item.trim_start_matches("- "))) } } }
        } @else if let Some(heading) = block.strip_prefix("### ") {
            h2 #(heading.to_lowercase().replace(' ', "-")) { (inline(heading)) }
        } @else {
            p { (inline(block)) }
        }
    }
}

fn inline(text: &str) -> Markup {
    html! {
        @for (index, part) in text.split('`').enumerate() {
            @if index % 2 == 1 { code { (printable_lines(part)) } } @else { (printable_lines(part).replace("**", "")) }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_rendered_and_escaped() {
        let html = render("A `b` <c>\n\n- one\n- two\n\n```sh\ncurl a && b\n```\n").into_string();
        let expected = "<p>A <code>b</code> &lt;c&gt;</p><ul><li>one</li><li>two</li></ul>\
                        <pre tabindex=\"0\"><code>curl a &amp;&amp; b\n</code></pre>";
        assert_eq!(html, expected);
    }

    #[test]
    fn the_watchers_have_alerts_too() {
        let html = alerts(WATCHERS).into_string();
        let first = sections_of(WATCHERS).next().unwrap().0;
        assert!(html.contains(&format!("<a href=\"/runbooks/{first}\">{first}</a>")), "{html}");
    }
}
