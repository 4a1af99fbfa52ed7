//! `POST /-/reload`.

use std::net::IpAddr;
use std::sync::Arc;

use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, header};

use super::Server;

/// Loads the configuration again; an error is one line per mistake.
pub type Reloader = Arc<dyn Fn() -> Result<(), Vec<String>> + Send + Sync>;

pub(super) async fn serve(
    State(server): State<Server>,
    headers: HeaderMap,
) -> (StatusCode, String) {
    if !same_origin(&headers) {
        return (StatusCode::FORBIDDEN, "refused: the request comes from another site\n".into());
    }
    let reload = Arc::clone(&server.reload);
    match tokio::task::spawn_blocking(move || reload()).await {
        Ok(Ok(())) => (StatusCode::OK, "reloaded\n".into()),
        Ok(Err(mistakes)) => (StatusCode::BAD_REQUEST, mistakes.join("\n") + "\n"),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, "the reload failed\n".into()),
    }
}

/// A page of another site in the operator's browser must not be able to reload us. Tools send
/// neither header.
pub(super) fn same_origin(headers: &HeaderMap) -> bool {
    let text = |name: &str| headers.get(name).map(|value| value.to_str().unwrap_or("invalid"));
    let site = text("sec-fetch-site").is_none_or(|site| matches!(site, "same-origin" | "none"));
    let origin = text(header::ORIGIN.as_str()).is_none_or(|origin| {
        let host = origin.split_once("://").map(|(_, host)| host);
        // Only names that no other site can have made its own: else a page could be served under
        // a name that is pointed here later.
        let ours = host.is_some_and(|host| {
            let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
            name == "localhost" || name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok()
        });
        ours && host == text(header::HOST.as_str())
    });
    site && origin
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_from_here() {
        let headers = |pairs: &[(&'static str, &'static str)]| {
            pairs.iter().map(|(k, v)| (k.parse().unwrap(), v.parse().unwrap())).collect()
        };
        assert!(same_origin(&headers(&[("host", "a:1")])));
        let here = ("host", "127.0.0.1:10188");
        assert!(same_origin(&headers(&[here, ("origin", "http://127.0.0.1:10188")])));
        assert!(!same_origin(&headers(&[("host", "evil:1"), ("origin", "http://evil:1")])));
        assert!(!same_origin(&headers(&[("host", "a:1"), ("origin", "http://evil")])));
        assert!(!same_origin(&headers(&[("host", "a:1"), ("origin", "null")])));
        assert!(!same_origin(&headers(&[("host", "a:1"), ("sec-fetch-site", "cross-site")])));
    }
}
