//! What a trouble means, from its runbook, and where its threshold comes from.

use super::group::Trouble;
use super::report::{Finding, Verdict};
use super::screen::Screen;
use super::table::Look;
use crate::catalogue::{Catalogue, Origin, Severity, Unit};

/// The section that every runbook has.
const MEANING: &str = "What it means";

/// Meaning, causes, threshold and how to change it.
pub(super) fn explain(screen: &mut Screen, trouble: &Trouble, look: Look) {
    for (heading, title) in [(MEANING, "It means:"), ("What to do", "What helps:")] {
        if let Some(text) = section(look.catalogue, trouble.alert, heading) {
            screen.text(title);
            paragraphs(screen, text);
        }
    }
    if let Some(finding) = trouble.findings.first() {
        screen.text(&origin(finding));
        screen.text(&change(finding, look));
    }
}

/// A section of the alert's runbook. One without sections tells all under its meaning.
fn section(catalogue: &'static Catalogue, alert: &str, heading: &str) -> Option<&'static str> {
    let mut runbooks = catalogue.areas().flat_map(|area| area.runbook.split("\n## "));
    let runbook = runbooks.find(|text| text.lines().next() == Some(alert))?;
    let mut sections = runbook.split("\n### ");
    let whole = sections.next()?.strip_prefix(alert)?.trim();
    let found = sections.find_map(|text| text.strip_prefix(heading)?.strip_prefix('\n'));
    found.map(str::trim).or_else(|| (heading == MEANING && !whole.is_empty()).then_some(whole))
}

/// Markdown as a terminal shows it: paragraphs, lists, and blocks of commands as they are.
fn paragraphs(screen: &mut Screen, text: &str) {
    let mut is_block = false;
    let mut open: Option<(bool, String)> = None;
    let end = |screen: &mut Screen, open: &mut Option<(bool, String)>| match open.take() {
        Some((true, text)) => screen.item(&without_links(&text)),
        Some((false, text)) => screen.text(&without_links(&text)),
        None => {}
    };
    for line in text.lines() {
        let line = line.trim();
        let is_fence = line.starts_with("```");
        let item = line.strip_prefix("- ");
        if is_fence || is_block || item.is_some() || line.is_empty() {
            end(screen, &mut open);
        }
        match (item, &mut open) {
            _ if is_fence => is_block = !is_block,
            _ if is_block => screen.command(line, true),
            (Some(item), _) => open = Some((true, item.to_owned())),
            _ if line.is_empty() => {}
            // A line of the source is none of the text.
            (None, Some((_, text))) => text.extend([" ", line]),
            (None, None) => open = Some((false, line.to_owned())),
        }
    }
    end(screen, &mut open);
}

/// `[text](address)` as `text`.
fn without_links(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, from)) = rest.split_once('[') {
        let link = from.split_once("](").and_then(|(name, after)| {
            let (_, after) = after.split_once(')')?;
            (!name.contains('[')).then_some((name, after))
        });
        out.push_str(before);
        rest = if let Some((name, after)) = link {
            out.push_str(name);
            after
        } else {
            out.push('[');
            from
        };
    }
    out + rest
}

/// Who says what the threshold is.
fn origin(finding: &Finding) -> String {
    let severity = match finding.verdict {
        Verdict::Critical => Severity::Critical,
        Verdict::Advice => Severity::Info,
        _ => Severity::Warning,
    };
    let bound = finding.shown_threshold();
    let default = finding.signal.default_of(severity);
    let is_default = default.and_then(|default| default.value) == finding.threshold;
    match default.map(|default| default.origin).filter(|_| is_default) {
        Some(Origin::Ours(why)) => format!("It should be {bound}, by default: {why}."),
        Some(Origin::Guide(_)) => {
            format!("It should be {bound}, by default: guides for operation have it so.")
        }
        None => format!("It should be {bound}: the configuration or a label of the thing says so."),
    }
}

/// What to write where.
fn change(finding: &Finding, look: Look) -> String {
    let (name, area) = (finding.signal.name, finding.area);
    let value = match finding.threshold {
        _ if finding.signal.unit == Unit::Bool => "off".to_owned(),
        Some(threshold) => finding.signal.unit.show(threshold).replace(' ', ""),
        None => "off".to_owned(),
    };
    let section = (look.section_of)(area).unwrap_or(area);
    let single = look.catalogue.area(area).is_some_and(|area| area.single);
    let inner = format!("thresholds: {{ {name}: {value} }}");
    let whole = if single {
        format!("`{section}: {{ {inner} }}`")
    } else {
        format!("`{section}: {{ {}: {{ {inner} }} }}`", finding.target)
    };
    let off = if value == "off" { "" } else { ", or `off` in place of the value" };
    let one = match key(finding) {
        Some(key) => format!("; for this one alone `{name}: {{ except: {{ {key}: off }} }}`"),
        None => String::new(),
    };
    format!("To change it, in the configuration: {whole}{off}{one}.")
}

/// The key of a thing under `except:`.
fn key(finding: &Finding) -> Option<String> {
    let value = |label: &&str| finding.label(label);
    let parts: Vec<String> = finding.signal.item.iter().map(value).collect();
    let parts: Vec<String> = parts.into_iter().filter(|part| !part.is_empty()).collect();
    (!parts.is_empty()).then(|| parts.join("/"))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collectors::CATALOGUE;

    #[test]
    fn every_alert_has_its_meaning_and_what_helps() {
        for (area, signal) in CATALOGUE.signals() {
            let text = section(&CATALOGUE, signal.alert, MEANING).unwrap_or_default();
            assert!(text.len() > 20 && !text.contains("\n#"), "{}: {text}", signal.alert);
            let helps = section(&CATALOGUE, signal.alert, "What to do").unwrap_or_default();
            assert!(helps.len() > 20 || area.name == "systemd", "{}", signal.alert);
        }
        assert_eq!(section(&CATALOGUE, "NoSuchAlert", MEANING), None);
    }

    #[test]
    fn lines_of_a_paragraph_are_one_and_commands_stay_lines() {
        let mut screen = Screen::new(80, false);
        paragraphs(
            &mut screen,
            "One\ntwo.\n\n- first\n  more\n- second\n\n```sh\nls  -l\ndf\n```\nend",
        );
        let lines = ["One two.", "- first more", "- second", "  ls  -l", "  df", "end"];
        let wanted: String = lines.map(|line| format!("          {line}\n")).concat();
        assert_eq!(screen.finish(), wanted);
    }

    #[test]
    fn links_are_text() {
        let text = "see [the page](../x.md#y) and [this] [that](z).";
        assert_eq!(without_links(text), "see the page and [this] that.");
    }
}
