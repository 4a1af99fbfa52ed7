//! Values of flags: what they may be, and what is said if they are not.

use std::time::Duration;

use rustix::fs::Mode;

use crate::collectors::CATALOGUE;
use crate::config::Dur;

/// The words that `--only` knows are those of the catalogue.
pub(super) fn only(what: &str) -> String {
    let names: Vec<_> = CATALOGUE.areas().map(|area| area.name).collect();
    format!("{what}: {}", names.join(", "))
}

/// Rights of a file in octal, as chmod(1) has them.
pub(super) fn mode(text: &str) -> Result<Mode, String> {
    let bits = u32::from_str_radix(text, 8).ok().filter(|bits| *bits <= 0o777);
    bits.map(Mode::from).ok_or_else(|| "expected rights in octal, such as `660`".into())
}

/// An address that is a part of every message: of plain characters, and without a password.
pub(super) fn external_url(text: &str) -> Result<String, String> {
    let rest = text.strip_prefix("https://").or_else(|| text.strip_prefix("http://"));
    let plain = |c: char| c.is_ascii_alphanumeric() || "-._~:/[]%".contains(c);
    match rest {
        Some(rest) if !rest.trim_matches('/').is_empty() && rest.chars().all(plain) => {
            Ok(text.to_owned())
        }
        _ => Err("expected an address such as `https://monitor.example.org`".into()),
    }
}

/// A path of its own for the metrics.
pub(super) fn path(text: &str) -> Result<String, String> {
    const OURS: [&str; 8] =
        ["/-/", "/api/", "/assets/", "/debug/", "/runbooks", "/probe", "/service/", "/target/"];
    if !text.starts_with('/') || text.len() < 2 || text.contains(['{', '}', '?', '#', ' ']) {
        return Err("expected a path such as `/metrics`".into());
    }
    if OURS.iter().any(|ours| text.starts_with(ours)) {
        return Err("this path has another meaning here".into());
    }
    Ok(text.to_owned())
}

pub(super) fn duration(text: &str) -> Result<Duration, String> {
    text.parse::<Dur>().map(Dur::get).map_err(|error| error.to_string())
}
