//! Groups of errors as a table or as JSON.

use std::fmt::Write as _;
use std::io::IsTerminal as _;
use std::time::{Duration, SystemTime};

use serde_json::{Value, json};

use super::top::Read;
use super::zone::{Zone, exact};
use crate::collectors::logs::errors::merge::Merged;
use crate::text::printable;

/// What is the same, as one.
pub struct Kind {
    pub is_warning: bool,
    pub group: Merged,
}

impl Kind {
    fn level(&self) -> &'static str {
        if self.is_warning { "warning" } else { self.group.level() }
    }
}

/// What is shown.
pub struct View {
    pub kinds: Vec<Kind>,
    pub errors: u64,
    /// If they were asked for.
    pub warnings: Option<u64>,
    /// Errors of kinds that are not told apart.
    pub other: u64,
    /// Lines of which nothing says what they are.
    pub unrecognised: u64,
    /// Lines by level.
    pub lines: Vec<(&'static str, u64)>,
    pub read: Read,
    pub since: Option<SystemTime>,
    pub end: SystemTime,
    /// Width of a column of the trend.
    pub width: Duration,
    pub limit: usize,
}

impl View {
    fn trend(&self, group: &Merged) -> [u32; 24] {
        group.trend.until(self.end, Some(self.width.as_secs()))
    }

    fn shown(&self) -> impl Iterator<Item = &Kind> {
        self.kinds.iter().take(self.limit)
    }
}

/// Two lines for each kind, of 80 columns at most but for its text, which is cut on a terminal only.
pub fn text(view: &View) -> String {
    let zone = Zone::default();
    let longest = if std::io::stdout().is_terminal() { width() } else { usize::MAX };
    let mut out = String::new();
    if !view.kinds.is_empty() {
        let [first, last, trend] = ["FIRST", "LAST", "TREND"];
        let _ = writeln!(out, "COUNT  ERROR");
        let _ = writeln!(out, "  {first:<16}  {last:<16}  {trend:<24}  FINGERPRINT");
    }
    for kind in view.shown() {
        let group = &kind.group;
        let text = format!("{:>5}  {}", grouped(group.count), printable(&describe(kind)));
        let _ = writeln!(out, "{}", cut(&text, longest.saturating_sub(1)));
        let _ = writeln!(
            out,
            "  {}  {}  {}  {}",
            zone.show(group.first),
            zone.show(group.last),
            spark(&view.trend(group)),
            group.fingerprint,
        );
    }
    let lines: u64 = view.lines.iter().map(|(_, count)| count).sum();
    let since = view.since.map_or_else(String::new, |since| format!(" since {}", zone.show(since)));
    let warnings = view.warnings.map(|count| plural(count, "warning"));
    let warnings = warnings.map_or_else(String::new, |warnings| format!(" and {warnings}"));
    let _ = writeln!(
        out,
        "{}{warnings} of {} in {} of {}{since}",
        plural(view.errors, "error"),
        plural(view.kinds.len() as u64, "kind"),
        plural(lines, "line"),
        places(view.read),
    );
    out
}

/// `2 files, 1 container`
fn places(read: Read) -> String {
    let all = [(read.files, "file"), (read.containers, "container"), (read.journals, "journal")];
    let named = all.into_iter().filter(|(count, _)| *count > 0);
    let named: Vec<_> = named.map(|(count, what)| plural(count as u64, what)).collect();
    if named.is_empty() { "no file".to_owned() } else { named.join(", ") }
}

fn plural(count: u64, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{} {what}{ending}", grouped(count))
}

/// Columns of the terminal.
fn width() -> usize {
    let size = rustix::termios::tcgetwinsize(std::io::stdout()).ok();
    size.map(|size| usize::from(size.ws_col)).filter(|columns| *columns > 0).unwrap_or(80)
}

/// `logger: template (KeyError in bot.py:run)`
fn describe(kind: &Kind) -> String {
    let group = &kind.group;
    let mut text = String::new();
    if kind.level() != "error" {
        text = format!("{} ", kind.level().to_uppercase());
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
        .map(|kind| {
            let group = &kind.group;
            json!({
                "fingerprint": group.fingerprint,
                "level": kind.level(),
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
        "files": view.read.files,
        "containers": view.read.containers,
        "journals": view.read.journals,
        "since": view.since.map(exact),
        "until": exact(view.end),
        "lines": lines,
        "unrecognised": view.unrecognised,
        "errors": view.errors,
        "warnings": view.warnings,
        "kinds": view.kinds.len(),
        "other": view.other,
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
