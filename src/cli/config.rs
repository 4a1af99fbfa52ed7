//! `config check`, `config show`, `config schema`.

use std::fmt::Write as _;
use std::io::Read as _;
use std::path::Path;

use super::args::{ConfigCommand, Options};
use super::{BAD_USAGE, print, tell, tell_all};
use crate::catalogue::Severity;
use crate::collectors::Config;
use crate::collectors::logs::{self, Logs};
use crate::engine::Memory;
use crate::http::Lock;
use crate::load;
use crate::text::printable;

/// So much of a sample is read.
const SAMPLE_BYTES: u64 = 16 << 20;

pub(super) fn run(options: &Options, command: &ConfigCommand) -> u8 {
    if matches!(command, ConfigCommand::Schema) {
        let schema = schemars::schema_for!(Config);
        print(&format!("{}\n", serde_json::to_string_pretty(&schema).unwrap_or_default()));
        return 0;
    }
    let file = options.config_file.as_deref();
    // All mistakes at once, of both files.
    let web_file = options.web_config_file.as_deref();
    let web = web_file.map(Lock::check).transpose();
    let web_mistakes = web.as_ref().err().cloned().unwrap_or_default();
    let checked = match load::load(file, &load::environment, &Memory::default()) {
        Ok(checked) if web_mistakes.is_empty() => checked,
        outcome => {
            tell_all(&outcome.err().unwrap_or_default());
            tell_all(&web_mistakes);
            return BAD_USAGE;
        }
    };
    let ConfigCommand::Check(options) = command else {
        print(&show(&checked));
        return 0;
    };
    let sample = match options.sample.as_deref().map(sample).transpose() {
        Ok(sample) => sample,
        Err(message) => {
            tell(&message);
            return BAD_USAGE;
        }
    };
    print(&format!("ok: {} targets\n", checked.targets.len()));
    if let (Ok(Some(asked)), Some(file)) = (web, web_file) {
        print(&format!("ok: {}: {asked}\n", file.display()));
    }
    for (name, logs) in checked.config.logs.iter().flatten() {
        print(&costs(name, logs, sample.as_deref()));
    }
    0
}

/// The beginning of a file, in whole lines.
fn sample(path: &Path) -> Result<Vec<u8>, String> {
    let mut bytes = Vec::new();
    let file = std::fs::File::open(path);
    file.and_then(|file| file.take(SAMPLE_BYTES).read_to_end(&mut bytes))
        .map_err(|error| format!("{}: cannot read the sample: {error}", path.display()))?;
    if bytes.last().is_some_and(|last| *last != b'\n') {
        bytes.push(b'\n');
    }
    Ok(bytes)
}

/// What the rules of a source cost. Without a sample of its own, no lines are shown.
fn costs(name: &str, logs: &Logs, sample: Option<&[u8]>) -> String {
    let (costs, all, hints) = logs.costs(sample.unwrap_or(logs::SAMPLE.as_bytes()));
    let mut out = String::new();
    if costs.is_empty() {
        return out;
    }
    let megabytes = |speed: f64| format!("{:.0} MB/s", speed / 1e6);
    let _ = writeln!(out, "logs.{name}: {} rules, {} together", costs.len(), megabytes(all));
    let widest = costs.iter().map(|cost| cost.rule.chars().count()).max().unwrap_or(0);
    for cost in &costs {
        let (alone, without) = (megabytes(cost.alone), megabytes(cost.without));
        let _ = write!(
            out,
            "  {:widest$}  {alone} alone, {without} without it, {}",
            cost.rule, cost.way
        );
        if sample.is_some() {
            let _ = write!(out, "; {} lines", cost.hits);
            for (number, line) in &cost.lines {
                let _ = write!(out, "\n    {number}: {}", printable(line));
            }
        }
        out.push('\n');
        if let Some(warning) = &cost.warning {
            let _ = writeln!(out, "    warning: {warning}");
        }
    }
    for hint in hints {
        let _ = writeln!(out, "  hint: {hint}");
    }
    out
}

/// The configuration in force; every target with its deadline and its thresholds.
fn show(checked: &load::Checked) -> String {
    let mut out = serde_json::to_string_pretty(&checked.config).unwrap_or_default();
    for target in &checked.targets {
        let seconds = target.deadline.as_secs_f64();
        let _ = write!(
            out,
            "\n# {} at {} ({}), deadline {seconds} s",
            target.id,
            printable(&target.place),
            target.origin
        );
        for threshold in &target.thresholds.general {
            let severity: Severity = threshold.severity;
            let Some(signal) = target.area.signal(threshold.signal) else { continue };
            let origin = if threshold.configured { "configured" } else { "default" };
            let value = signal.unit.threshold(threshold.value, signal.direction);
            let name = threshold.signal;
            let _ = write!(out, "\n#   {name} {} {value} ({origin})", severity.as_str());
        }
        for exception in &target.thresholds.exceptions {
            let Some(signal) = target.area.signal(exception.signal) else { continue };
            let name = printable(exception.key.as_str());
            for (severity, value) in &exception.limits {
                let show = |value: f64| signal.unit.threshold(value, signal.direction);
                let value = value.map_or_else(|| "off".to_owned(), show);
                let (of, severity) = (exception.signal, severity.as_str());
                let _ = write!(out, "\n#   {of} {severity} {value} (configured, for {name})");
            }
        }
    }
    out + "\n"
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
            " together\n",
            "\n  requests  ",
            " text `Запрос от пользователя`",
            "; 1 lines\n    2: Запрос от пользователя\n",
            "pattern everywhere; 1 lines\n    1: took 12 m\n",
            "  hint: no rule `answers`",
        ] {
            assert!(said.contains(text), "{text}: {said}");
        }
        // Nobody asked for the lines of our own sample.
        assert!(!costs("bot", &logs, None).contains("lines"));
        assert_eq!(costs("bot", &self::logs("files: [/a]"), None), "");
    }

    #[test]
    fn a_sample_ends_with_its_line() {
        let file = tempfile::NamedTempFile::new().unwrap();
        std::fs::write(file.path(), "a\nb").unwrap();
        assert_eq!(sample(file.path()).unwrap(), b"a\nb\n");
        assert!(sample(Path::new("/no/such/file")).unwrap_err().contains("cannot read the sample"));
    }
}
