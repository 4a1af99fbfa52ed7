//! What each line of a sample is to a log: its level, its form, its request, and whether it begins an event.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use crate::collectors::logs::Logs;
use crate::collectors::logs::scan::tried::{Part, Tried};
use crate::text::printable;

/// Lines that are shown, and beyond them those that were not recognised.
const SHOWN: usize = 40;
const UNKNOWN: usize = 10;
/// Characters of a line that are shown.
const TEXT: usize = 100;

/// A table of the first lines, and how many there are of each.
pub(super) fn tried(name: &str, logs: &Logs, sample: &[u8]) -> String {
    let all = logs.tries(sample);
    let count = |part| all.iter().filter(|tried| tried.part == part).count();
    let (events, more, unknown) = (count(Part::Event), count(Part::More), count(Part::Unknown));
    let requests = all.iter().filter(|tried| tried.request.is_some()).count();
    let mut out = format!(
        "logs.{name}: {} lines of the sample: {events} begin an event, {more} go on, {unknown} are not recognised; {requests} requests\n",
        all.len()
    );
    let mut levels: BTreeMap<(&str, &str), usize> = BTreeMap::new();
    for tried in &all {
        *levels.entry((tried.form.as_deref().unwrap_or("-"), tried.level)).or_default() += 1;
    }
    let levels: Vec<_> =
        levels.iter().map(|((form, level), count)| format!("{form} {level} {count}")).collect();
    let _ = writeln!(out, "  forms and levels: {}", levels.join(", "));
    let _ = writeln!(
        out,
        "  {:>5}  {:<8}  {:<14}  {:<10}  {:<14}  text",
        "line", "level", "form", "request", ""
    );
    let later = all.iter().skip(SHOWN).filter(|tried| tried.part == Part::Unknown).take(UNKNOWN);
    for tried in all.iter().take(SHOWN).chain(later) {
        row(&mut out, tried);
    }
    if all.len() > SHOWN {
        let _ = writeln!(
            out,
            "  of the other {} lines only those that are not recognised are shown",
            all.len() - SHOWN
        );
    }
    if unknown > 0 {
        let _ = writeln!(
            out,
            "  hint: what is not recognised is not counted as an error: describe it under `forms:`; `format: python` (or another) \
             makes it part of the event before it, `format: plain` says that it is meant so"
        );
    }
    out
}

fn row(out: &mut String, tried: &Tried) {
    let request = tried
        .request
        .map_or_else(|| "-".to_owned(), |(method, status)| format!("{method} {status}"));
    let form = tried.form.as_deref().unwrap_or("-");
    let text: String =
        printable(&String::from_utf8_lossy(&tried.line)).chars().take(TEXT).collect();
    let (number, level, part) = (tried.number, tried.level, tried.part.as_str());
    let _ =
        writeln!(out, "  {number:>5}  {level:<8}  {form:<14}  {request:<10}  {part:<14}  {text}");
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_line_says_what_it_is() {
        let logs =
            crate::config::load::<Logs>("x.yaml", "files: [/a]", &|_| None).finish().unwrap();
        let sample = "2024-01-01 12:00:00,123 [ERROR] app: x\n  more\n\
            {\"method\":\"GET\",\"status\":404}\nhello\n{\"a\":1}\n";
        let said = tried("bot", &logs, sample.as_bytes());
        let words: Vec<String> = said
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect();
        for wanted in [
            "logs.bot: 5 lines of the sample: 2 begin an event, 1 go on, 2 are not recognised; 1 requests",
            "forms and levels: - none 3, json none 1, python error 1",
            "1 error python - event 2024-01-01 12:00:00,123 [ERROR] app: x",
            "2 none - - goes on more",
            "3 none json GET 404 event {\"method\":\"GET\",\"status\":404}",
            "4 none - - not recognised hello",
            "5 none - - not recognised {\"a\":1}",
        ] {
            assert!(words.iter().any(|line| line == wanted), "{wanted}: {said}");
        }
        assert!(said.contains("hint: what is not recognised"), "{said}");
    }
}
