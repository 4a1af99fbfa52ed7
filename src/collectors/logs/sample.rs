//! What has been counted, as rows.

use std::time::{Duration, SystemTime};

use super::follow::{Files, Raw};
use super::rules::Rule;
use super::tally::{Count, RuleTally, Tally, since};
use crate::catalogue::Batch;
use crate::engine::{Failure, Reason};

/// A text that a group has found is shown as 0 for this long, or its first match would be invisible
/// to `increase()`. At least one scrape falls into it.
const BIRTH: Duration = Duration::from_mins(1);

/// A source as a whole.
pub struct Log {
    pub tally: Tally,
    pub files: Files,
    pub silence: Duration,
}

/// A rule.
pub struct Matches {
    pub rule: String,
    pub tally: RuleTally,
    pub silence: Duration,
    pub run: Duration,
    /// The declared values, by name.
    pub values: Vec<String>,
}

/// A named group of a rule.
pub struct Group {
    pub rule: String,
    pub label: String,
    pub counts: Vec<(String, u64)>,
}

pub fn sample(
    patterns: &[String],
    rules: &[Rule],
    raw: &Raw,
    now: SystemTime,
) -> Result<Batch, Failure> {
    if raw.files.open + raw.files.gone == 0 {
        return Err(nothing(patterns, &raw.files));
    }
    let (mut matches, mut groups) = (Vec::new(), Vec::new());
    for rule in rules {
        let Some(tally) = raw.tally.rules.get(&rule.name) else { continue };
        for (label, _) in &rule.labels {
            let counts = tally.labels.get(label).into_iter().flatten();
            let counts = counts.map(|(text, count)| (text.clone(), shown(count, now))).collect();
            groups.push(Group { rule: rule.name.clone(), label: label.clone(), counts });
        }
        matches.push(Matches {
            rule: rule.name.clone(),
            tally: tally.clone(),
            silence: since(tally.last_match().unwrap_or(raw.since), now),
            run: tally.run(now),
            values: rule.values.iter().map(|(name, _)| name.clone()).collect(),
        });
    }
    let silence = since(raw.tally.last_line.unwrap_or(raw.since), now);
    let log = Log { tally: raw.tally.clone(), files: raw.files.clone(), silence };
    let batch = Batch::new()
        .with(vec![log])
        .with(matches)
        .with(groups)
        .dropped("files", raw.files.crowded_out)
        .dropped("directory entries", raw.files.not_listed)
        .dropped("label values", raw.capped);
    Ok(match &raw.files.problem {
        Some(problem) => batch.gap("some of the log files", problem.clone()),
        None => batch,
    })
}

fn shown(count: &Count, now: SystemTime) -> u64 {
    if since(count.born, now) < BIRTH { 0 } else { count.matches }
}

/// Why there is no file to read.
fn nothing(patterns: &[String], files: &Files) -> Failure {
    if let Some(problem) = &files.problem {
        return problem.clone();
    }
    let patterns = patterns.join(", ");
    if files.skipped > 0 {
        let detail = format!("{patterns}: only files that hold no lines of text");
        return Failure::new(Reason::NotFound, detail)
            .hint("compressed files, UTF-16, pipes and directories are not read");
    }
    Failure::new(Reason::NotFound, format!("{patterns}: no such file")).hint(
        "is the folder mounted into the exporter's container, and does the program log there?",
    )
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use super::super::config::{Logs, Start};
    use super::super::follow::State;
    use super::*;
    use crate::{config, golden};

    /// `config.yaml` is the source as the file would have it, but for the name of its log:
    /// `input.log` of the case.
    fn read(case: &Path) -> Result<Batch, Failure> {
        let yaml = golden::file(case, "config.yaml").expect("a configuration");
        let text = String::from_utf8(yaml).expect("UTF-8");
        let loaded = config::load::<Logs>("config.yaml", &text, &|_| None);
        let mut logs = loaded.finish().expect("a right configuration");
        for file in &mut logs.files {
            *file = case.join(&file).display().to_string();
        }
        logs.start = Start::Beginning;
        let (mut source, mistakes) = super::super::source(&logs);
        assert_eq!(mistakes, []);
        // The messages of a failure must not depend on where the repository lies.
        source.texts = vec!["input.log".to_owned()];
        let (mut state, start) = (State::default(), SystemTime::UNIX_EPOCH);
        let now = start + Duration::from_secs(1_714_557_601);
        let raw = source.step(&mut state, now, || true);
        sample(&source.texts, &source.rules, &raw, start + Duration::from_secs(1_714_557_691))
    }

    #[test]
    fn golden_cases() {
        golden::run("logs", read);
    }
}
