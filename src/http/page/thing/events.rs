//! What has happened to a thing: starts, ends, deployments, troubles that began and that are over.

use maud::{Markup, html};

use super::super::stack::View;
use super::super::words::{exact, seen, span};
use crate::overview::{Event, EventKind};

/// Events that are shown; the API has them all.
const MOST: usize = 30;

/// The newest first.
pub(in crate::http::page) fn events(all: &[Event], view: &View) -> Markup {
    html! {
        @if !all.is_empty() {
            section #events {
                h2 { "What happened" }
                ol.events {
                    @for event in all.iter().take(MOST) {
                        li {
                            time datetime=(exact(event.at as f64)) title={ (span(view.at - event.at as f64)) " ago" } { (view.clock.moment(event.at as f64)) }
                            " " span.(tone(event)) { (seen(&event.text, 200)) }
                            @if event.times > 1 { span.dim { (often(event, view)) } }
                        }
                    }
                    @if all.len() > MOST { li.dim { (all.len() - MOST) " more: " a href="/api/v1/events" { "as JSON" } } }
                }
            }
        }
    }
}

/// Of several that are told as one: how often, and since when.
fn often(event: &Event, view: &View) -> String {
    let since = view.clock.time(event.since);
    // Its sentence has the number.
    if event.kind == EventKind::Restarted {
        return format!(", since {since}");
    }
    format!(", {} times since {since}", event.times)
}

fn tone(event: &Event) -> &'static str {
    match (event.kind, event.verdict.as_str()) {
        (EventKind::Trouble, "critical") => "critical",
        (EventKind::Trouble, "warning") => "warning",
        (EventKind::Trouble, _) => "unknown",
        (EventKind::Clear, _) => "ok",
        _ => "calm",
    }
}

#[cfg(test)]
mod tests {
    use super::super::super::words::Clock;
    use super::*;

    #[test]
    fn the_newest_are_shown_and_the_others_counted() {
        let event = |at, text: &str| Event {
            at,
            area: "docker".into(),
            target: "docker".into(),
            project: "shop".into(),
            service: "api".into(),
            kind: EventKind::Trouble,
            verdict: "warning".into(),
            since: at,
            times: 1,
            text: text.into(),
        };
        let view = View { at: 1_704_110_400.0, clock: Clock::utc() };
        assert_eq!(events(&[], &view).into_string(), "");
        let mut all = vec![event(1_704_110_340, "api <b>\u{202e} is gone")];
        (all[0].times, all[0].since) = (3, 1_704_110_100);
        all.extend((0..30).map(|n| event(1_704_000_000 - n, "older")));
        let html = events(&all, &view).into_string();
        assert!(html.contains("title=\"1m ago\">2024-01-01 11:59</time>"), "{html}");
        assert!(html.contains("api &lt;b&gt;\\u202e is gone"), "{html}");
        assert!(html.contains("<span class=\"dim\">, 3 times since 11:55</span>"), "{html}");
        assert!(html.contains("<span class=\"warning\">older</span>"), "{html}");
        assert!(html.contains("1 more: "), "{html}");
    }
}
