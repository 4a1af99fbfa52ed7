//! `/runbooks/<Alert>`: the section of a runbook, embedded, so that it is there when nothing else is.

use axum::extract::Path;
use axum::http::StatusCode;
use axum::response::Html;

use super::html::{escape, page as html_page};
use crate::collectors::CATALOGUE;

/// Of Prometheus and Alertmanager, which are no area of ours.
const WATCHERS: &str = include_str!("../../docs/runbooks/watchers.md");

/// Alert and text of every section.
pub fn sections() -> impl Iterator<Item = (&'static str, &'static str)> {
    let files = CATALOGUE.areas().map(|area| area.runbook).chain([WATCHERS]);
    files.flat_map(|file| file.split("\n## ").skip(1)).filter_map(|part| {
        let (alert, text) = part.split_once('\n')?;
        Some((alert.trim(), text))
    })
}

pub(super) async fn page(Path(alert): Path<String>) -> (StatusCode, Html<String>) {
    let Some((name, text)) = sections().find(|(name, _)| *name == alert) else {
        return (StatusCode::NOT_FOUND, contents("No such runbook"));
    };
    let body = format!("<h1>{}</h1>{}<p><a href=\"/\">Status</a></p>", escape(name), render(text));
    (StatusCode::OK, Html(html_page(name, &body)))
}

pub(super) async fn list() -> Html<String> {
    contents("Runbooks")
}

fn contents(heading: &str) -> Html<String> {
    let links = sections().map(|(name, _)| format!("<a href=\"/runbooks/{name}\">{name}</a>"));
    Html(html_page(heading, &format!("<h1>{heading}</h1>{}", items(links))))
}

/// The little Markdown that our runbooks use: paragraphs, lists, fenced code, inline code.
fn render(text: &str) -> String {
    let mut out = String::new();
    for (index, part) in text.split("```").enumerate() {
        if index % 2 == 1 {
            // The first line names the language.
            let code = part.split_once('\n').map_or(part, |(_, code)| code);
            out += &format!("<pre><code>{}</code></pre>", escape(code));
            continue;
        }
        for block in part.split("\n\n").map(str::trim).filter(|block| !block.is_empty()) {
            out += &block_html(block);
        }
    }
    out
}

fn items(entries: impl Iterator<Item = String>) -> String {
    let mut out = String::from("<ul>");
    for entry in entries {
        out += &format!("<li>{entry}</li>");
    }
    out + "</ul>"
}

fn block_html(block: &str) -> String {
    if block.starts_with("- ") {
        let parts = block.split("\n- ").map(|item| item.trim_start_matches("- "));
        return items(parts.map(inline));
    }
    if let Some(heading) = block.strip_prefix("### ") {
        return format!("<h2>{}</h2>", inline(heading));
    }
    format!("<p>{}</p>", inline(block))
}

fn inline(text: &str) -> String {
    let parts = text.split('`').enumerate().map(|(index, part)| {
        let part = escape(part);
        if index % 2 == 1 { format!("<code>{part}</code>") } else { part.replace("**", "") }
    });
    parts.collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markdown_is_rendered_and_escaped() {
        let html = render("A `b` <c>\n\n- one\n- two\n\n```sh\ncurl a && b\n```\n");
        let expected = "<p>A <code>b</code> &lt;c&gt;</p><ul><li>one</li><li>two</li></ul>\
                        <pre><code>curl a &amp;&amp; b\n</code></pre>";
        assert_eq!(html, expected);
    }
}
