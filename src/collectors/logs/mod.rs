//! Log files: lines by level, and configured patterns as counters and values.
//!
//! | read | from | rights |
//! |---|---|---|
//! | names | a listing of each directory, once a second | read and search on the directory |
//! | lines | the files themselves | read on the files |
//!
//! Cost: one `stat` a file and second, then one pass over what is new for the levels and one for
//! each rule, at most 16 MiB a second and for about 2 s at a time; 256 KiB of memory, and 64 KiB
//! for each file whose last line is not finished. Nothing is written, and no line ever becomes a
//! label but for named groups of a rule that ask for it: 20 texts each, the rest counts as `other`.
//!
//! Every finished line counts once, over renames, deletions and reloads, as long as its bytes exist
//! when they are read. Where that cannot be known `stack_log_doubt_total` says so: a file that
//! was truncated may have lost lines that nobody had read. Positions are lost when the exporter
//! stops: what is written until it runs again is not counted, unless `start` is `beginning`.
//!
//! A source without a single file that can be read is down, with reason `rights` or `not_found`:
//! it was declared, so it is expected, and a source that reads nothing looks just like a healthy
//! program. One that is between two rotated files is not: the old one is held for 30 s.
//!
//! Absent: the time of the last match of a rule that has not matched, of a last line that was
//! never seen, and a last value before the first. Texts that a group has found are shown as 0 for
//! their first minute, so that `increase()` sees their first match.

mod config;
mod follow;
mod hours;
mod metrics;
mod pace;
mod presets;
mod rules;
mod sample;
mod scan;
mod signals;
mod tally;
mod watch;

use std::collections::BTreeMap;
use std::sync::{Arc, PoisonError};
use std::time::{Duration, Instant, SystemTime};

pub use config::Logs;

use crate::catalogue::{Area, Batch, TableEntry};
use crate::engine::{Clock, Collector, Failure, Target, blocking};
use crate::plan::{Common, Plan, Thresholds};

pub type Section = BTreeMap<String, Logs>;

pub static AREA: Area = Area {
    name: "logs",
    title: "Logs",
    tables: &[
        TableEntry::of::<sample::Log>(),
        TableEntry::of::<sample::Matches>(),
        TableEntry::of::<sample::Group>(),
    ],
    signals: signals::SIGNALS,
    runbook: include_str!("../../../docs/runbooks/logs.md"),
};

/// Lines must not be missed, so the files are looked at without being asked.
const PERIOD: Duration = Duration::from_secs(1);

pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(section) = section else {
        plan.missed("no log is named", "name the files of a program under `logs:`");
        return;
    };
    for (name, logs) in section {
        let (source, mistakes) = source(logs);
        for (key, message) in mistakes {
            plan.mistake(name, &key, message);
        }
        let reader = Reader { source: Arc::new(source), kept: plan.memory.of(AREA.name, name) };
        let place = logs.files.join(", ");
        let mut target = Target::new(&AREA, name, place, logs.for_reader(), reader);
        target.clock = Clock::Every(PERIOD);
        let common = Common { timeout: logs.timeout, thresholds: &logs.thresholds };
        plan.declare(target, &common);
    }
}

impl Logs {
    /// What the reader is made from: other thresholds need no other one.
    fn for_reader(&self) -> Self {
        Self { timeout: None, thresholds: Thresholds::default(), ..self.clone() }
    }
}

/// The source as far as its settings are right, and what is wrong with them.
fn source(logs: &Logs) -> (follow::Source, rules::Mistakes) {
    let (rules, mut mistakes) = rules::compile(logs);
    if logs.files.is_empty() {
        mistakes.push(("files".into(), "names no file, write for example `/srv/bot/*.log`".into()));
    }
    let (mut texts, mut patterns) = (Vec::new(), Vec::new());
    for (index, text) in logs.files.iter().enumerate() {
        match follow::find::Pattern::new(text) {
            Ok(pattern) => {
                texts.push(text.clone());
                patterns.push(pattern);
            }
            Err(message) => mistakes.push((format!("files[{index}]"), message)),
        }
    }
    let (start, budget) = (logs.start, follow::BUDGET);
    (follow::Source { texts, patterns, rules, start, open: follow::file::open, budget }, mistakes)
}

/// One source of lines.
struct Reader {
    source: Arc<follow::Source>,
    kept: Arc<follow::Kept>,
}

impl Collector for Reader {
    type Raw = follow::Raw;

    async fn fetch(&self) -> Result<follow::Raw, Failure> {
        let (source, kept) = (Arc::clone(&self.source), Arc::clone(&self.kept));
        blocking("log files", &self.kept.busy, move || {
            // A step that panicked has counted what it has counted.
            let mut state = kept.state.lock().unwrap_or_else(PoisonError::into_inner);
            let begun = Instant::now();
            Ok(source.step(&mut state, SystemTime::now(), || begun.elapsed() < follow::TIME))
        })
        .await
    }

    fn sample(&self, raw: follow::Raw, now: SystemTime) -> Result<Batch, Failure> {
        sample::sample(&self.source.texts, &self.source.rules, &raw, now)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::engine::{Memory, Reason};

    fn section(yaml: &str) -> Section {
        let loaded = config::load::<Section>("x.yaml", yaml, &|_| None);
        loaded.finish().expect("no mistake that the types can tell")
    }

    #[test]
    fn mistakes_that_only_the_plan_sees() {
        let section = section(
            r#"
bot:
  files: [logs/*.log, "/a/[.log"]
  rules: { one: {}, two: { regex: "(", labels: [x] }, three: { literal: x, values: [n] } }
  thresholds: { silense: 1h }
empty: { files: [] }
right: { files: ["/a/*.log"], presets: [python], rules: { r: { literal: "${x}" } } }
"#,
        );
        let memory = Memory::default();
        let mut plan = Plan::new(&|_| None, &memory);
        plan.section("logs", &AREA);
        super::plan(Some(&section), &mut plan);
        let found: Vec<_> =
            plan.mistakes.iter().map(|m| format!("{}: {}", m.path, m.message)).collect();
        assert_eq!(
            found,
            [
                "logs.bot.rules.one: needs either `literal` or `regex`",
                "logs.bot.rules.three.values: `n` is no named group of `regex`, such as `(?<n>...)`",
                "logs.bot.rules.two.regex: is no regular expression: unclosed group",
                "logs.bot.files[0]: must be an absolute path, such as `/srv/bot/logs/*.log`",
                "logs.bot.files[1]: is no pattern of file names: unclosed character class; missing ']'",
                "logs.bot.thresholds.silense: unknown signal (did you mean `silence`?)",
                "logs.empty.files: names no file, write for example `/srv/bot/*.log`",
            ]
        );
        assert_eq!(plan.targets.len(), 3);
        assert!(plan.targets.iter().all(|target| target.clock == Clock::Every(PERIOD)));
    }

    #[tokio::test]
    async fn other_thresholds_leave_the_reader_alone() {
        let board = crate::engine::Board::default();
        let mut slots = Vec::new();
        for more in ["", "thresholds: { silence: 1h }", "start: beginning"] {
            let section = section(&format!("a: {{ files: [/no/such/file], {more} }}"));
            let mut plan = Plan::new(&|_| None, &board.memory);
            plan.section("logs", &AREA);
            super::plan(Some(&section), &mut plan);
            assert_eq!(plan.mistakes, []);
            board.apply(plan.targets);
            slots.extend(board.slots());
        }
        assert!(Arc::ptr_eq(&slots[0], &slots[1]));
        assert!(!Arc::ptr_eq(&slots[1], &slots[2]));
    }

    #[test]
    fn mistakes_of_the_types_name_what_is_right() {
        let yaml = "a: { files: [/a], presets: [pyton], start: top, rules: { r: { text: x } } }";
        let said = config::load::<Section>("x.yaml", yaml, &|_| None).finish().unwrap_err();
        let said = said.join("\n");
        for word in ["python", "beginning", "literal"] {
            assert!(said.contains(word), "{said}");
        }
    }

    #[tokio::test]
    async fn a_reader_goes_on_where_the_one_before_the_reload_was() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("app.log");
        let logs = section(&format!("a: {{ files: [{}] }}", file.display())).remove("a").unwrap();
        let memory = Memory::default();
        let reader = |logs: &Logs| Reader {
            source: Arc::new(source(logs).0),
            kept: memory.of(AREA.name, "a"),
        };
        let before = reader(&logs);
        let raw = before.fetch().await.unwrap();
        let failure = before.sample(raw, SystemTime::now()).err().unwrap();
        assert_eq!(failure.reason, Reason::NotFound);
        std::fs::write(&file, "ERROR x\n").unwrap();
        assert_eq!(before.fetch().await.unwrap().tally.bytes, 8);
        std::fs::write(&file, "ERROR x\nERROR y\n").unwrap();
        let after = reader(&Logs { timeout: Some(config::Dur::from(PERIOD)), ..logs });
        let raw = after.fetch().await.unwrap();
        assert_eq!(raw.tally.bytes, 16);
        assert!(after.sample(raw, SystemTime::now()).unwrap().gaps().is_empty());
    }
}
