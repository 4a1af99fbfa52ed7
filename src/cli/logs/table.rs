//! Groups of errors as a table or as JSON.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::zone::{Zone, exact};
use crate::collectors::logs::errors::Groups;
use crate::collectors::logs::errors::merge::Merged;
use crate::text::printable;

/// Longest text of an error on a terminal.
const TEXT: usize = 120;

/// What is shown.
pub struct View<'a> {
    pub groups: Vec<Merged>,
    pub all: &'a Groups,
    /// Lines by level.
    pub lines: Vec<(&'static str, u64)>,
    pub files: usize,
    pub since: Option<SystemTime>,
    pub end: SystemTime,
    /// Width of a column of the trend.
    pub width: Duration,
    pub limit: usize,
}

impl View<'_> {
    fn trend(&self, group: &Merged) -> [u32; 24] {
        group.trend.until(self.end, Some(self.width.as_secs()))
    }

    fn shown(&self) -> impl Iterator<Item = &Merged> {
        self.groups.iter().take(self.limit)
    }
}

pub fn text(view: &View) -> String {
    let zone = Zone::default();
    let longest = if std::io::stdout().is_terminal() { TEXT } else { usize::MAX };
    let mut out = String::new();
    let head = ["COUNT", "FIRST", "LAST", "TREND", "FINGERPRINT", "ERROR"];
    if !view.groups.is_empty() {
        let [count, first, last, trend, fingerprint, error] = head;
        let _ = writeln!(
            out,
            "{count:>11}  {first:<16}  {last:<16}  {trend:<24}  {fingerprint:<16}  {error}"
        );
    }
    for group in view.shown() {
        let _ = writeln!(
            out,
            "{:>11}  {}  {}  {}  {}  {}",
            grouped(group.count),
            zone.show(group.first),
            zone.show(group.last),
            spark(&view.trend(group)),
            group.fingerprint,
            cut(&printable(&describe(group)), longest),
        );
    }
    let kinds = view.groups.len();
    let lines: u64 = view.lines.iter().map(|(_, count)| count).sum();
    let files = if view.files == 1 { "file" } else { "files" };
    let since = view.since.map_or_else(String::new, |since| format!(" since {}", zone.show(since)));
    let _ = writeln!(
        out,
        "{} errors of {kinds} kinds in {} lines of {} {files}{since}",
        grouped(view.all.total),
        grouped(lines),
        view.files,
    );
    out
}

/// `logger: template (KeyError in bot.py:run)`
fn describe(group: &Merged) -> String {
    let mut text = String::new();
    if group.critical {
        text += "CRITICAL ";
    }
    if !group.logger.is_empty() {
        let _ = write!(text, "{}: ", group.logger);
    }
    text += &group.template;
    match (&*group.exception, &*group.frame) {
        ("", "") => {}
        ("", frame) => {
            let _ = write!(text, " (in {frame})");
        }
        (class, "") => {
            let _ = write!(text, " ({class})");
        }
        (class, frame) => {
            let _ = write!(text, " ({class} in {frame})");
        }
    }
    text
}

fn cut(text: &str, longest: usize) -> String {
    match text.char_indices().nth(longest) {
        Some((at, _)) => format!("{}…", text.get(..at).unwrap_or_default()),
        None => text.to_owned(),
    }
}

/// `1,234,567`
pub fn grouped(number: u64) -> String {
    let digits = number.to_string();
    let mut out = String::new();
    for (at, digit) in digits.chars().enumerate() {
        if at > 0 && (digits.len() - at).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// A column for each count; none for 0.
fn spark(counts: &[u32]) -> String {
    const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
    let most = u64::from(counts.iter().copied().max().unwrap_or_default());
    let bar = |count: &u32| {
        let height = (u64::from(*count) * 8).div_ceil(most.max(1));
        let at = usize::try_from(height).ok().and_then(|height| height.checked_sub(1));
        at.and_then(|at| BARS.get(at)).copied().unwrap_or(' ')
    };
    counts.iter().map(bar).collect()
}

pub fn json(view: &View) -> String {
    let groups: Vec<Value> = view
        .shown()
        .map(|group| {
            json!({
                "fingerprint": group.fingerprint,
                "level": group.level(),
                "logger": group.logger,
                "exception": group.exception,
                "frame": group.frame,
                "template": group.template,
                "count": group.count,
                "groups": group.groups,
                "first": exact(group.first),
                "last": exact(group.last),
                "trend": view.trend(group),
            })
        })
        .collect();
    let lines: serde_json::Map<String, Value> =
        view.lines.iter().map(|(level, count)| ((*level).to_owned(), (*count).into())).collect();
    let document = json!({
        "files": view.files,
        "since": view.since.map(exact),
        "until": exact(view.end),
        "lines": lines,
        "errors": view.all.total,
        "kinds": view.groups.len(),
        "other": view.all.other,
        "bucket_seconds": view.width.as_secs(),
        "groups": groups,
    });
    format!("{}\n", serde_json::to_string_pretty(&document).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_and_trends() {
        assert_eq!(grouped(0), "0");
        assert_eq!(grouped(999), "999");
        assert_eq!(grouped(1_234_567), "1,234,567");
        assert_eq!(spark(&[0, 1, 4, 8, 7]), " ▁▄█▇");
        assert_eq!(spark(&[0, 0]), "  ");
        assert_eq!(spark(&[1, u32::MAX]), "▁█");
        assert_eq!(cut("Ошибка", 3), "Оши…");
        assert_eq!(cut("Оши", 3), "Оши");
    }
}
