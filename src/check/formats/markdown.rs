//! Markdown for a chat or an issue: what is wrong, with commands to copy.

use std::fmt::Write as _;

use crate::check::group::{Trouble, troubles};
use crate::check::report::{Report, Verdict};
use crate::text::printable;

/// So many commands stand below a trouble.
const COMMANDS: usize = 3;

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
