//! A section of the file as it is written: what is in force, and what waits behind a `#` until
//! somebody has filled it in.

use std::fmt::Write as _;

use crate::text::printable;

/// One target of a section, or one line of it.
pub(super) struct Entry {
    name: String,
    /// Below its name, each with its own ending comment.
    lines: Vec<String>,
    active: bool,
}

impl Entry {
    pub(super) fn active(name: &str, lines: Vec<String>) -> Self {
        Self { name: key(name), lines, active: true }
    }

    pub(super) fn waiting(name: &str, lines: Vec<String>) -> Self {
        Self { name: key(name), lines, active: false }
    }
}

/// The section with its comment above; with nothing in force its key is a comment, too. Taking
/// `# ` away from a line that waits makes it right.
pub(super) fn section(key: &str, about: &str, entries: &[Entry]) -> String {
    let mut out = String::from("\n");
    for line in about.lines() {
        let _ = writeln!(out, "{}", format!("# {line}").trim_end());
    }
    let any = entries.iter().any(|entry| entry.active);
    let _ = writeln!(out, "{}{key}:", if any { "" } else { "# " });
    for entry in entries {
        let mark = if entry.active { "" } else { "# " };
        let _ = writeln!(
            out,
            "  {mark}{}:{}",
            entry.name,
            if entry.lines.is_empty() { " {}" } else { "" }
        );
        for line in &entry.lines {
            let _ = writeln!(out, "  {mark}  {line}");
        }
    }
    out
}

/// A key: as it is where every reader of YAML takes it for a text.
fn key(name: &str) -> String {
    const WORDS: [&str; 9] = ["y", "n", "yes", "no", "on", "off", "true", "false", "null"];
    let plain = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '.' | '-' | '@');
    let is_text = name.starts_with(|c: char| c.is_ascii_alphabetic())
        && name.chars().all(plain)
        && !WORDS.contains(&name.to_ascii_lowercase().as_str());
    if is_text { name.to_owned() } else { quoted(name) }
}

/// A value from outside: in quotes, of one line, and `$` no variable.
pub(super) fn quoted(text: &str) -> String {
    serde_json::to_string(&text.replace('$', "$$")).unwrap_or_default()
}

/// A text from outside within a comment.
pub(super) fn shown(text: &str) -> String {
    printable(text).into_owned()
}
