//! `/metrics`: wake what is due, wait the grace, write what is there.

use std::sync::Arc;
use std::time::Duration;

use axum::extract::{RawQuery, State};
use axum::http::{HeaderMap, StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::Server;
use crate::collectors::CATALOGUE;
use crate::engine::Snapshot;
use crate::exposition::{Format, encode};
use crate::load;

/// Time that a scraper needs besides our waiting: encoding and the way back.
const MARGIN: Duration = Duration::from_millis(250);

pub(super) async fn serve(
    State(server): State<Server>,
    RawQuery(query): RawQuery,
    headers: HeaderMap,
) -> Response {
    let Ok(_permit) = server.scrapes.try_acquire() else {
        server.board.note_scrape(false);
        let busy = "too many scrapes at once; see --web.max-requests\n";
        return (StatusCode::SERVICE_UNAVAILABLE, [(header::RETRY_AFTER, "1")], busy)
            .into_response();
    };
    server.board.note_scrape(true);
    let areas = collect_areas(query.as_deref().unwrap_or_default());
    if let Err(message) = load::areas(&areas) {
        return (StatusCode::BAD_REQUEST, format!("collect[]: {message}\n")).into_response();
    }
    answer(server.board.scrape(&areas, patience(&headers)).await, &headers)
}

/// A snapshot in the format that is asked for.
pub(super) fn answer(snapshot: Snapshot, headers: &HeaderMap) -> Response {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let format = Format::negotiate(text(header::ACCEPT));
    let body = encode(&CATALOGUE, Arc::new(snapshot), format);
    ([(header::CONTENT_TYPE, format.content_type())], body).into_response()
}

/// How long this scraper is willing to wait, if it says so.
pub(super) fn patience(headers: &HeaderMap) -> Option<Duration> {
    let text = headers.get("x-prometheus-scrape-timeout-seconds")?.to_str().ok()?;
    let seconds: f64 = text.parse().ok()?;
    Duration::try_from_secs_f64(seconds).ok().map(|timeout| timeout.saturating_sub(MARGIN))
}

/// The values of `collect[]`, whose brackets may be percent-encoded.
fn collect_areas(query: &str) -> Vec<String> {
    let pairs = query.split('&').filter_map(|pair| pair.split_once('='));
    pairs
        .filter(|(key, _)| {
            let key = key.replace("%5B", "[").replace("%5D", "]").replace("%5b", "[");
            key.replace("%5d", "]") == "collect[]"
        })
        .map(|(_, value)| value.to_owned())
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn collect_in_both_spellings() {
        let query = "collect[]=nats&x=y&collect%5B%5D=postgres&collect%5b%5d=host";
        assert_eq!(collect_areas(query), ["nats", "postgres", "host"]);
        assert!(collect_areas("").is_empty());
    }

    #[test]
    fn a_hurried_scraper_shortens_its_own_wait() {
        let mut headers = HeaderMap::new();
        assert_eq!(patience(&headers), None);
        for (text, wait) in
            [("0.5", Some(250)), ("10", Some(9750)), ("0.1", Some(0)), ("x", None), ("-1", None)]
        {
            headers.insert("x-prometheus-scrape-timeout-seconds", text.parse().unwrap());
            assert_eq!(patience(&headers), wait.map(Duration::from_millis), "{text}");
        }
    }
}
