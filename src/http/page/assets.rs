//! What pages need besides themselves: the script, and the icons of the tab. The style sheet stands in
//! each page, so that one answer is enough to paint it.

use std::sync::LazyLock;

use axum::extract::Path;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse as _, Response};
use base64::Engine as _;
use maud::{Markup, html};
use sha2::Digest as _;

use super::layout::Tone;

/// The one style sheet; the content security policy has its hash.
pub(in crate::http) const STYLE: &str =
    concat!(include_str!("page.css"), include_str!("stack.css"));

const SCRIPT: &str = include_str!("page.js");

/// Its name changes with script and style, so that it may be kept, and that a page of an older
/// exporter sees that it is one.
pub(in crate::http) static SCRIPT_PATH: LazyLock<String> = LazyLock::new(|| {
    let digest = sha2::Sha256::new().chain_update(SCRIPT).chain_update(STYLE).finalize();
    let name = digest.iter().take(6).fold(0_u64, |name, byte| name << 8 | u64::from(*byte));
    format!("/assets/page.{name:012x}.js")
});

/// How the content security policy names the style sheet.
pub(in crate::http) fn style_hash() -> String {
    let digest = sha2::Sha256::digest(STYLE);
    format!("'sha256-{}'", base64::engine::general_purpose::STANDARD.encode(digest))
}

/// The icon of a tab.
pub(super) fn icon_path(tone: Tone) -> String {
    format!("/assets/{}.svg", tone.class())
}

/// `/assets/<name>`
pub(in crate::http) async fn serve(Path(name): Path<String>) -> Response {
    const DAY: &str = "public, max-age=86400";
    const EVER: &str = "public, max-age=31536000, immutable";
    let kept = |kind: &'static str, cache: &'static str, body: String| {
        ([(header::CONTENT_TYPE, kind), (header::CACHE_CONTROL, cache)], body).into_response()
    };
    if SCRIPT_PATH.strip_prefix("/assets/") == Some(name.as_str()) {
        return kept("text/javascript; charset=utf-8", EVER, SCRIPT.to_owned());
    }
    match Tone::ALL.into_iter().find(|tone| name.strip_suffix(".svg") == Some(tone.class())) {
        Some(tone) => kept("image/svg+xml", DAY, icon(tone).into_string()),
        None => (StatusCode::NOT_FOUND, "no such asset; / leads to all pages\n").into_response(),
    }
}

/// A sign of its own for each, in a colour that is seen on light and on dark tabs.
fn icon(tone: Tone) -> Markup {
    let (colour, sign) = match tone {
        Tone::Ok => ("#1f8a4c", "M4.5 8.5l2.5 2.5 4.5-5.5"),
        Tone::Advice => ("#3a6fd8", "M8 7.2v4.2M8 4.4v.4"),
        Tone::Unknown => ("#7a5cc7", "M5.8 6.3a2.2 2.2 0 1 1 2.9 2.1c-.6.3-.7.6-.7 1.2M8 11.9v.3"),
        Tone::Warning => ("#b87400", "M8 4v5M8 11.6v.4"),
        Tone::Critical => ("#d0342c", "M5 5l6 6M11 5l-6 6"),
    };
    html! {
        svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 16 16" {
            circle cx="8" cy="8" r="8" fill=(colour) {}
            path d=(sign) fill="none" stroke="#fff" stroke-width="2" stroke-linecap="round" stroke-linejoin="round" {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_tone_has_an_icon_of_its_own() {
        let icons: std::collections::BTreeSet<_> =
            Tone::ALL.iter().map(|tone| icon(*tone).into_string()).collect();
        assert_eq!(icons.len(), Tone::ALL.len());
    }

    #[test]
    fn the_style_sheet_loads_nothing() {
        for word in ["url(", "@import", "</"] {
            assert!(!STYLE.contains(word), "{word}");
        }
    }
}
