//! The report for people at a terminal: troubles as paragraphs, worst first, and the rest as a count
//! or as a table.

use comfy_table::{CellAlignment, ColumnConstraint, ContentArrangement, Table, Width, presets};
use unicode_width::UnicodeWidthStr;

use super::explain;
use super::group::{Trouble, troubles};
use super::report::{Finding, Report, Verdict};
use super::screen::{Ink, Screen};
use crate::catalogue::Catalogue;
use crate::engine::title;
use crate::text::printable;

/// So many things of one critical trouble are told one by one; `--all` tells each.
const MEMBERS: usize = 10;
/// Between two columns.
const SPACE: u16 = 2;

/// How it is to look.
#[derive(Clone, Copy)]
pub struct Look {
    /// Columns of the terminal.
    pub width: usize,
    pub colour: bool,
    /// Also advice, what is well, and each thing of a trouble.
    pub all: bool,
    pub explain: bool,
    /// For what is explained: the runbooks.
    pub catalogue: &'static Catalogue,
    /// For what is explained: the section of the configuration in which targets of an area are.
    pub section_of: fn(&str) -> Option<&'static str>,
}

/// What is wrong first, each with its command; then one line of counts.
pub fn table(report: &Report, look: Look) -> String {
    let mut screen = Screen::new(look.width, look.colour);
    let all = troubles(report);
    let told = all.iter().filter(|one| look.all || one.verdict != Verdict::Advice);
    for trouble in told {
        screen.gap();
        tell(&mut screen, trouble, look);
    }
    for idle in &report.idle {
        screen.gap();
        let sentence = format!("{}: {}", title(idle.area, &idle.target), idle.sentence());
        screen.headline("NOTE", Ink::Advice, &sentence);
    }
    if look.all {
        rest(&mut screen, report, look.width);
    }
    screen.gap();
    screen.plain(&counts(report, &all, look));
    screen.finish()
}

fn tell(screen: &mut Screen, trouble: &Trouble, look: Look) {
    let (word, ink) = match trouble.verdict {
        Verdict::Critical => ("CRITICAL", Ink::Critical),
        Verdict::Warning => ("WARNING", Ink::Warning),
        Verdict::Advice => ("ADVICE", Ink::Advice),
        Verdict::Ok | Verdict::NeedsHistory => ("UNKNOWN", Ink::Unknown),
    };
    screen.headline(word, ink, &trouble.sentence);
    if let Some(first) = trouble.findings.first() {
        if let Some(figure) = figure(first, trouble.findings.len()) {
            screen.text(&figure);
        }
        screen.text(first.signal.hint);
    }
    let several = trouble.findings.len() > 1 || trouble.blind.len() > 1;
    // Each target that is down has its own reason.
    let down = trouble.blind.iter().filter(|blind| blind.what.is_none()).count();
    let each = look.all || trouble.verdict == Verdict::Critical || down > 1;
    if !(several && each)
        && let Some(first) = trouble.findings.first()
    {
        reasons(screen, trouble, first);
    }
    if several && each {
        members(screen, trouble, if look.all { usize::MAX } else { MEMBERS });
    } else if trouble.findings.is_empty() {
        if let Some(blind) = trouble.blind.first() {
            screen.text(&format!("at: {}", blind.place));
            remedy(screen, blind, false);
        }
    } else {
        for command in &trouble.next {
            screen.command(command, false);
        }
        let (shown, all) = (trouble.next.len(), trouble.commands().len());
        if shown > 1 && all > shown {
            screen.text(&format!("... and {} more, see --all", all - shown));
        }
    }
    if look.explain {
        explain::explain(screen, trouble, look);
    }
}

/// "Used part of the file system: 94%, should be at most 85%".
fn figure(worst: &Finding, of: usize) -> Option<String> {
    if of < 2 {
        return worst.figure();
    }
    (!worst.signal.is_fact()).then(|| {
        let (what, value) = (worst.signal.what, worst.shown_value());
        format!("{what}: {value} at worst, should be {}", worst.shown_threshold())
    })
}

/// Each thing of a trouble with its sentence and its command.
fn members(screen: &mut Screen, trouble: &Trouble, most: usize) {
    for finding in trouble.findings.iter().take(most) {
        match finding.figure() {
            Some(figure) => screen.item(&format!("{}. {figure}", finding.title())),
            None => screen.item(&finding.title()),
        }
        reasons(screen, trouble, finding);
        screen.command(&finding.next(), true);
    }
    let left = most.saturating_sub(trouble.findings.len());
    for blind in trouble.blind.iter().filter(|blind| !blind.told).take(left) {
        let target = title(blind.area, &blind.target);
        screen.item(&format!("{target} ({}): {}", blind.place, blind.sentence()));
        remedy(screen, blind, true);
    }
    let all = trouble.findings.len() + trouble.blind.iter().filter(|blind| !blind.told).count();
    if all > most {
        screen.text(&format!("... and {} more, see --all", all - most));
    }
}

/// Why a finding is as it is, where a blind spot says so.
fn reasons(screen: &mut Screen, trouble: &Trouble, finding: &Finding) {
    for reason in finding.reasons(trouble.blind.iter().copied()) {
        screen.text(&reason);
    }
}

/// What to do about what cannot be seen: words, or a command.
fn remedy(screen: &mut Screen, blind: &super::report::Blind, deeper: bool) {
    let remedy = blind.remedy();
    if blind.is_command() {
        screen.command(&remedy, deeper);
    } else {
        screen.text(&format!("do: {remedy}"));
    }
}

/// What is well, and what only time can tell: as a table where it finds room, else as a list.
fn rest(screen: &mut Screen, report: &Report, width: usize) {
    let mut rows: Vec<[String; 4]> = Vec::new();
    for finding in report.findings.iter().filter(|finding| finding.verdict < Verdict::Advice) {
        let place = title(finding.area, &finding.target);
        let cells = [place, finding.topic(), finding.shown_value(), finding.shown_threshold()];
        rows.push(cells.map(|cell| printable(&cell).into_owned()));
    }
    if rows.is_empty() {
        return;
    }
    screen.gap();
    rows.insert(0, ["WELL", "", "", "SHOULD BE"].map(str::to_owned));
    // No column is narrower than its longest word, or that would be broken.
    let least = |at: usize| {
        let words = rows.iter().filter_map(|row| row.get(at)).flat_map(|cell| cell.split(' '));
        words.map(UnicodeWidthStr::width).max().unwrap_or(0) + usize::from(SPACE)
    };
    let least: Vec<usize> = (0..4).map(least).collect();
    if least.iter().sum::<usize>() <= width {
        screen.laid_out(laid_out(&rows, &least, width));
        return;
    }
    for [place, topic, value, bound] in rows.iter().skip(1) {
        screen.plain(&format!("{place}: {topic}: {value}, should be {bound}"));
    }
}

fn laid_out(
    rows: &[[String; 4]],
    least: &[usize],
    width: usize,
) -> impl Iterator<Item = String> + use<> {
    let narrow = |width: usize| u16::try_from(width).unwrap_or(u16::MAX);
    let mut table = Table::new();
    table.load_style(presets::NOTHING).set_content_arrangement(ContentArrangement::Dynamic);
    table.set_width(narrow(width));
    table.add_rows(rows);
    for (at, (column, least)) in table.column_iter_mut().zip(least).enumerate() {
        column.set_constraint(ColumnConstraint::LowerBoundary(Width::Fixed(narrow(*least))));
        column.set_padding((0, SPACE));
        if at == 2 {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    table.lines().collect::<Vec<_>>().into_iter()
}

/// "1 critical, 2 warnings, 3 pieces of advice (--all shows them), 103 ok": one line.
fn counts(report: &Report, all: &[Trouble], look: Look) -> String {
    let full = counted(report, all, look, " (--all shows them)");
    if full.width() <= look.width { full } else { counted(report, all, look, " (--all)") }
}

fn counted(report: &Report, all: &[Trouble], look: Look, hint: &str) -> String {
    let of = |verdict: Verdict| all.iter().filter(|one| one.verdict == verdict).count();
    let many = |count: usize, one: &str, more: &str| match count {
        0 => None,
        1 => Some(format!("1 {one}")),
        count => Some(format!("{count} {more}")),
    };
    let hint = |is_there: bool| if is_there && !look.all { hint } else { "" };
    let (advice, ok) = (of(Verdict::Advice), report.count(Verdict::Ok));
    // What one moment cannot tell counts for nothing.
    let history = if look.all { report.count(Verdict::NeedsHistory) } else { 0 };
    let told = many(advice, "piece of advice", "pieces of advice");
    [
        many(of(Verdict::Critical), "critical", "critical"),
        many(of(Verdict::Warning), "warning", "warnings"),
        many(of(Verdict::Ok), "not visible", "not visible"),
        told.map(|told| format!("{told}{}", hint(true))),
        Some(format!("{ok} ok{}", hint(advice == 0 && ok > 0))),
        many(history, "needs history", "need history"),
    ]
    .into_iter()
    .flatten()
    .collect::<Vec<_>>()
    .join(", ")
}

#[cfg(test)]
mod tests;
