//! Before and after every answer: whether the name is ours, whether one may ask at all, and what a
//! browser may do with the answer.

use std::sync::LazyLock;

use axum::extract::{Request, State};
use axum::http::{HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse as _, Response};

use super::Server;
use super::lock::Peer;
use super::page::style_hash;
use crate::engine::Refusal;

/// Says what to do, and nothing of what was asked for.
const NOT_OURS: &str = "refused: this name is not one of the exporter's, so a page of another site may be \
                        behind the request. Add the name to `allowed_hosts` in the section `web` of the \
                        configuration file, or use the machine's address in numbers\n";

/// Our own script and icons, the one style sheet that stands in the page and is known by its hash, and
/// nothing else; a page asks nobody but us, and nothing is sent or framed.
static POLICY: LazyLock<String> = LazyLock::new(|| {
    let style = style_hash();
    format!(
        "default-src 'none'; script-src 'self'; style-src {style}; img-src 'self' data:; connect-src 'self'; \
         base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )
});

pub(super) async fn guard(State(server): State<Server>, request: Request, next: Next) -> Response {
    let mut response = if server.hosts.take(request.uri(), request.headers()) {
        let peer = request.extensions().get::<Peer>().copied().unwrap_or_default();
        match server.lock.admit(request.headers(), peer).await {
            Ok(()) => next.run(request).await,
            Err(turned) => {
                if let Some(why) = turned.refusal() {
                    server.turned_away.note(why);
                }
                turned.answer()
            }
        }
    } else {
        server.turned_away.note(Refusal::Host);
        (StatusCode::MISDIRECTED_REQUEST, NOT_OURS).into_response()
    };
    let headers = response.headers_mut();
    if let Ok(policy) = HeaderValue::from_str(&POLICY) {
        headers.insert(header::CONTENT_SECURITY_POLICY, policy);
    }
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::X_FRAME_OPTIONS, "DENY"),
        (header::REFERRER_POLICY, "no-referrer"),
    ] {
        headers.insert(name, HeaderValue::from_static(value));
    }
    server.lock.dress(headers);
    response
}
