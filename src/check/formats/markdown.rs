//! Markdown for a chat or an issue: what is wrong, with commands to copy.

use std::fmt::Write as _;

use crate::check::group::{Trouble, troubles};
use crate::check::report::{Blind, Report, Verdict};
use crate::engine::title;
use crate::text::printable;

/// So many commands stand below a trouble.
const COMMANDS: usize = 3;
/// So many things of a trouble are told one by one.
const MEMBERS: usize = 10;

/// Troubles with their commands, then advice as a list, then the counts.
pub fn markdown(report: &Report) -> String {
    let mut out = String::from("## stack-exporter check\n\n");
    let all = troubles(report);
    for trouble in all.iter().filter(|trouble| trouble.verdict != Verdict::Advice) {
        tell(&mut out, trouble);
    }
    let advice: Vec<_> = all.iter().filter(|one| one.verdict == Verdict::Advice).collect();
    if !advice.is_empty() {
        out += "Advice:\n\n";
        for trouble in &advice {
            let _ = writeln!(out, "- {}", escaped(&trouble.sentence));
        }
        out.push('\n');
    }
    let count = |verdict| report.count(verdict);
    let _ = writeln!(
        out,
        "{} critical, {} warning, {} not visible, {} advice, {} ok",
        count(Verdict::Critical),
        count(Verdict::Warning),
        report.not_visible(),
        advice.len(),
        count(Verdict::Ok),
    );
    out
}

fn tell(out: &mut String, trouble: &Trouble) {
    let word = match trouble.verdict {
        Verdict::Critical => "Critical",
        Verdict::Warning => "Warning",
        _ => "Not visible",
    };
    let _ = writeln!(out, "**{word}**: {}\n", escaped(&trouble.sentence));
    if let Some(finding) = trouble.findings.first() {
        if let Some(figure) = finding.figure() {
            let _ = writeln!(out, "{}\n", escaped(&figure));
        }
        let _ = writeln!(out, "{}\n", escaped(finding.signal.hint));
    }
    members(out, trouble);
    // What is said to do about what cannot be seen may be words.
    if trouble.findings.is_empty() && !trouble.blind.iter().all(|blind| blind.is_command()) {
        for remedy in &trouble.next {
            let _ = writeln!(out, "{}\n", escaped(remedy));
        }
        return;
    }
    let commands: Vec<_> = trouble.next.iter().take(COMMANDS).map(|one| printable(one)).collect();
    let commands = commands.join("\n");
    // Longer than any run of backticks inside.
    let longest = commands.split(|c| c != '`').map(str::len).max().unwrap_or(0);
    let fence = "`".repeat((longest + 1).max(3));
    let _ = writeln!(out, "{fence}sh\n{commands}\n{fence}\n");
    more(out, trouble.next.len(), COMMANDS);
}

/// Each of several things, and each reason.
fn members(out: &mut String, trouble: &Trouble) {
    let mut all: Vec<String> = Vec::new();
    let several = trouble.findings.len() > 1;
    for finding in &trouble.findings {
        let figure = finding.figure().map_or_else(String::new, |figure| format!(". {figure}"));
        all.extend(several.then(|| format!("{}{figure}", finding.title())));
        all.extend(finding.reasons(trouble.blind.iter().copied()));
    }
    let unseen: Vec<_> = trouble.blind.iter().filter(|blind| !blind.told).collect();
    if !trouble.findings.is_empty() || unseen.len() > 1 {
        let told =
            |blind: &&&Blind| format!("{}: {}", title(blind.area, &blind.target), blind.sentence());
        all.extend(unseen.iter().map(told));
    }
    for member in all.iter().take(MEMBERS) {
        let _ = writeln!(out, "- {}", escaped(member));
    }
    if !all.is_empty() {
        out.push('\n');
    }
    more(out, all.len(), MEMBERS);
}

fn more(out: &mut String, of: usize, shown: usize) {
    if of > shown {
        let _ = writeln!(out, "and {} more\n", of - shown);
    }
}

/// Text that stays text: no link, no heading, no mention of somebody.
fn escaped(text: &str) -> String {
    let mut out = String::new();
    for c in printable(text).chars() {
        match c {
            '<' => out += "&lt;",
            '>' => out += "&gt;",
            '&' => out += "&amp;",
            // A chat would call who is named so.
            '@' => out += "&#64;",
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '|' | '~' | '!' => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}
