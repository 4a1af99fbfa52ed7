//! A message: what it says, before any way gives it its form.

use std::time::{Duration, SystemTime};

use jiff::Timestamp;
use jiff::tz::TimeZone;
use serde::{Deserialize, Serialize};

use crate::check::epoch;
use crate::text::printable;

/// Signs of a title.
const TITLE: usize = 120;
/// Signs of the machine's name in it.
const MACHINE: usize = 40;
/// Bytes of a text, links included: Telegram and ntfy take some more.
const TEXT: usize = 3500;
/// Bytes of it for commands.
const NEXT: usize = 1000;
/// Signs of one line of it.
const LINE: usize = 600;

/// What has happened.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Status {
    Firing,
    /// It lasts.
    Repeated,
    /// Less bad than it was.
    Better,
    Resolved,
    /// How it stands, in place of single messages.
    Summary,
    Test,
}

/// One message. Nothing in it is a secret; all of it may have names from outside in it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Message {
    pub status: Status,
    /// `critical` or `warning`; empty where it says nothing.
    pub severity: String,
    /// One line of 120 signs at most.
    pub title: String,
    /// The name of the alert; empty where there is none.
    pub alert: String,
    pub machine: String,
    /// Why, and what it means, a sentence each.
    pub why: Vec<String>,
    /// The next commands.
    pub next: Vec<String>,
    /// Seconds since 1970.
    pub since: Option<u64>,
    pub until: Option<u64>,
    /// Addresses; empty where there is none.
    pub page: String,
    pub runbook: String,
}

impl Message {
    /// All but the title, as plain text.
    pub fn text(&self) -> String {
        let mut links = Vec::new();
        let zone = TimeZone::system();
        links.extend(match (self.since, self.until) {
            (Some(since), Some(until)) => {
                Some(format!("From {} to {}", moment(since, &zone), moment(until, &zone)))
            }
            (Some(since), None) => Some(format!("Since {}", moment(since, &zone))),
            (None, _) => None,
        });
        for (name, link) in [("Page", &self.page), ("Runbook", &self.runbook)] {
            links.extend((!link.is_empty()).then(|| format!("{name}: {link}")));
        }
        let links = links.join("\n");
        let next = self.next.iter().map(|command| format!("Next: {}", printable(command)));
        // Whole lines only: half a command is none.
        let next = fitting(next, NEXT);
        let why = self.why.iter().map(|line| sentence(&cut(line, LINE)));
        let rest = links.len() + next.iter().map(String::len).sum::<usize>() + next.len();
        let mut text = fitting(why, TEXT.saturating_sub(rest + 1));
        text.extend(next);
        text.push(links);
        text.retain(|line| !line.is_empty());
        text.join("\n")
    }
}

/// "CRITICAL: worker (shop) restarts again and again · db1".
pub(super) fn title(word: &str, sentence: &str, tail: &str, machine: &str) -> String {
    let end = match machine {
        "" => tail.to_owned(),
        machine => format!("{tail} · {}", cut(&printable(machine), MACHINE)),
    };
    let room = TITLE.saturating_sub(word.len() + 2 + end.chars().count());
    format!("{word}: {}{end}", cut(&printable(sentence), room))
}

/// The first lines, as many as have room together.
fn fitting(lines: impl Iterator<Item = String>, mut room: usize) -> Vec<String> {
    let fits = |line: &String| {
        let left = room.checked_sub(line.len() + 1);
        room = left.unwrap_or_default();
        left.is_some()
    };
    lines.take_while(fits).collect()
}

/// A text of so many signs at most.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let begin: String = text.chars().take(most.saturating_sub(1)).collect();
    format!("{}…", begin.trim_end())
}

/// With its full stop.
fn sentence(text: &str) -> String {
    let text = printable(text);
    if text.ends_with(['.', '…', '?', '!']) { text.into_owned() } else { format!("{text}.") }
}

/// "2026-01-31 02:10 CET".
fn moment(at: u64, zone: &TimeZone) -> String {
    let at = Timestamp::from_second(i64::try_from(at).unwrap_or_default()).unwrap_or_default();
    at.to_zoned(zone.clone()).strftime("%Y-%m-%d %H:%M %Z").to_string()
}

/// "12m", "3h", "2d": coarse, as it stands in a title.
pub(super) fn span(time: Duration) -> String {
    match time.as_secs() {
        seconds @ 0..60 => format!("{seconds}s"),
        seconds @ 60..7200 => format!("{}m", seconds / 60),
        seconds @ 7200..172_800 => format!("{}h", seconds / 3600),
        seconds => format!("{}d", seconds / 86_400),
    }
}

/// Seconds since 1970.
#[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time")]
pub(super) fn seconds(at: SystemTime) -> u64 {
    epoch(at).max(0.0) as u64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_title_is_one_line_of_120_signs_and_names_the_machine() {
        assert_eq!(
            title("CRITICAL", "worker (shop) restarts again and again", "", "db1"),
            "CRITICAL: worker (shop) restarts again and again · db1"
        );
        let long = title("RESOLVED", &"ж".repeat(500), ", after 12m", "db1");
        assert_eq!(long.chars().count(), TITLE);
        assert!(long.ends_with("ж…, after 12m · db1"), "{long}");
        let odd = title("WARNING", "a\r\nBcc: all@example.org\u{202e}", "", "");
        assert_eq!(odd, "WARNING: a\\r\\nBcc: all@example.org\\u202e");
        let most = title("CRITICAL", "s", "", &"m".repeat(500));
        assert!(most.chars().count() <= TITLE, "{most}");
    }

    #[test]
    fn a_text_keeps_its_links_and_whole_commands() {
        let mut message = Message {
            status: Status::Firing,
            severity: "critical".into(),
            title: String::new(),
            alert: "X".into(),
            machine: "db1".into(),
            why: vec!["Used: 93%, should be at most 90%".into(), "It helps.".into()],
            next: vec!["df -h /".into()],
            since: Some(0),
            until: None,
            page: "http://db1:10188/".into(),
            runbook: "http://db1:10188/runbooks/X".into(),
        };
        let text = message.text();
        assert!(
            text.starts_with(
                "Used: 93%, should be at most 90%.\nIt helps.\nNext: df -h /\nSince 1970-01-01"
            ),
            "{text}"
        );
        assert!(
            text.ends_with("\nPage: http://db1:10188/\nRunbook: http://db1:10188/runbooks/X"),
            "{text}"
        );
        message.why = vec!["ж".repeat(5000); 20];
        message.next = vec!["a\nb".into()];
        let text = message.text();
        assert!(text.len() <= TEXT && text.ends_with("/runbooks/X"), "{}", text.len());
    }

    #[test]
    fn spans_are_coarse() {
        for (seconds, shown) in
            [(59, "59s"), (60, "1m"), (7199, "119m"), (7200, "2h"), (172_800, "2d")]
        {
            assert_eq!(span(Duration::from_secs(seconds)), shown);
        }
    }
}
