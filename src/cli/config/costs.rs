//! What the rules of a log cost, for those who wrote them.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use crate::collectors::logs::{self, Logs};
use crate::failure::plain;
use crate::text::printable;

/// So much of a sample is read.
const SAMPLE_BYTES: u64 = 16 << 20;
/// Bytes a second that no log of one machine has: what is faster needs no number, and no advice.
const FAST: f64 = 500e6;

/// The beginning of a file, in whole lines.
pub(super) fn sample(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path);
    file.and_then(|file| file.take(SAMPLE_BYTES).read_to_end(&mut bytes)).map_err(|error| {
        format!("{}: cannot read the sample: {}", path.display(), plain(&error))
    })?;
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// What the rules of a source cost, and what its presets could do with.
pub(super) fn costs(name: &str, logs: &Logs, sample: Option<&[u8]>) -> String {
    let mut out = rules(name, logs, sample);
    for hint in logs.hints() {
        let _ = writeln!(out, "logs.{name}: hint: {hint}");
    }
    out
}

/// Without a sample only the rules that are not of a preset, and no lines: nobody can change the
/// others, and nobody asked for lines of our own sample.
fn rules(name: &str, logs: &Logs, sample: Option<&[u8]>) -> String {
    let mut out = String::new();
    if sample.is_none() && logs.rules.is_empty() {
        return out;
    }
    let (mut costs, all) = logs.costs(sample.unwrap_or(logs::SAMPLE.as_bytes()));
    costs.retain(|cost| sample.is_some() || logs.rules.contains_key(&cost.rule));
    if costs.is_empty() {
        return out;
    }
    let (rules, together) = (count(costs.len(), "rule"), speed(all));
    let _ = writeln!(out, "logs.{name}: {rules}, {together} all together");
    let widest = costs.iter().map(|cost| cost.rule.chars().count()).max().unwrap_or(0);
    for cost in &costs {
        let _ = write!(out, "  {:widest$}  {}, {} alone", cost.rule, cost.way, speed(cost.alone));
        if sample.is_some() {
            let _ = write!(out, "; {}", count(usize::try_from(cost.hits).unwrap_or(0), "line"));
            for (number, line) in &cost.lines {
                let _ = write!(out, "\n    {number}: {}", printable(line));
            }
        }
        out.push('\n');
        if let Some(warning) = cost.warning.as_ref().filter(|_| all < FAST) {
            let _ = writeln!(out, "    warning: {warning}");
        }
    }
    out
}

/// `1 rule`, `2 rules`
fn count(count: usize, what: &str) -> String {
    let ending = if count == 1 { "" } else { "s" };
    format!("{count} {what}{ending}")
}

fn speed(bytes: f64) -> String {
    if bytes >= FAST {
        return format!("over {:.0} MB/s", FAST / 1e6);
    }
    format!("{:.0} MB/s", bytes / 1e6)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn logs(yaml: &str) -> Logs {
        crate::config::load::<Logs>("x.yaml", yaml, &|_| None).finish().expect("right settings")
    }

    #[test]
    fn rules_say_what_they_cost_and_what_they_take() {
        let logs =
            logs("files: [/a]\npresets: [telegram_bot]\nrules: { slow: { regex: '\\d+ ?m' } }");
        let said = costs("bot", &logs, Some("took 12 m\nЗапрос от пользователя\n".as_bytes()));
        for text in [
            "logs.bot: 2 rules, ",
            " all together\n",
            "\n  requests  text `Запрос от пользователя`, ",
            "; 1 line\n    2: Запрос от пользователя\n",
            "  slow      pattern everywhere, ",
            "; 1 line\n    1: took 12 m\n",
            "logs.bot: hint: no rule `answers`",
        ] {
            assert!(said.contains(text), "{text}: {said}");
        }
    }

    /// No fright: nothing of shipped rules, and no speed that nobody needs.
    #[test]
    fn presets_are_no_trouble_of_those_who_use_them() {
        let of = |yaml: &str| costs("bot", &logs(yaml), None);
        assert_eq!(of("files: [/a]"), "");
        assert_eq!(of("files: [/a]\npresets: [python, taskiq, postgres, nginx_access]"), "");
        let own = of("files: [/a]\npresets: [python]\nrules: { slow: { regex: '\\d+ ?m' } }");
        assert!(own.starts_with("logs.bot: 1 rule, ") && own.contains("  slow  pattern"), "{own}");
        assert!(!own.contains("traceback") && !own.contains("lines"), "{own}");
        assert_eq!(speed(4.9e12), "over 500 MB/s");
        assert_eq!(speed(12.4e6), "12 MB/s");
    }

    #[test]
    fn a_sample_ends_with_its_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "a\nb").unwrap();
        assert_eq!(sample(file.path()).unwrap(), b"a\nb\n");
        assert!(sample(Path::new("/no/such/file")).unwrap_err().contains("cannot read the sample"));
    }
}
