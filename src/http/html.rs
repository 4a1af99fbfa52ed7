//! The frame of a page: no outside asset, readable on a phone and in the dark.

use std::time::{Duration, SystemTime};

use crate::text::{is_unseen, printable};

/// The one style sheet. It stands in each page, and the content security policy has its hash.
pub(super) const STYLE: &str = include_str!("page.css");

/// Text for an HTML document; also safe in attributes. A line break is a space there.
pub(super) fn escape(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '&' => out += "&amp;",
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '"' => out += "&quot;",
            '\'' => out += "&#39;",
            '\n' => out.push('\n'),
            '\t' => out.push(' '),
            c if is_unseen(c) => out += &printable(c.encode_utf8(&mut [0; 4])),
            c => out.push(c),
        }
    }
    out
}

/// A whole page. `body` is HTML, `title` is text.
pub(super) fn page(title: &str, body: &str) -> String {
    format!(
        "<!doctype html>\n<html lang=\"en\"><head><meta charset=\"utf-8\">\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\
         <title>{}</title><link rel=\"icon\" href=\"data:,\"><style>{STYLE}</style></head>\
         <body><a class=\"skip\" href=\"#main\">Skip to content</a><main id=\"main\">{body}</main></body></html>\n",
        escape(title),
    )
}

/// "3m 12s", coarse enough to read at a glance.
pub(super) fn ago(since: SystemTime, now: SystemTime) -> String {
    let seconds = now.duration_since(since).unwrap_or(Duration::ZERO).as_secs();
    match seconds {
        0..60 => format!("{seconds}s"),
        60..3600 => format!("{}m {}s", seconds / 60, seconds % 60),
        3600..86_400 => format!("{}h {}m", seconds / 3600, seconds / 60 % 60),
        _ => format!("{}d {}h", seconds / 86_400, seconds / 3600 % 24),
    }
}

#[cfg(test)]
mod tests {
    use super::escape;

    #[test]
    fn names_from_outside_are_shown_as_they_are() {
        let name = "<b>'x'\u{202e}drow\u{9b}2J\u{200f}\u{1b}";
        let want = "&lt;b&gt;&#39;x&#39;\\u202edrow\\u009b2J\\u200f\\u001b";
        assert_eq!(escape(name), want);
    }
}
