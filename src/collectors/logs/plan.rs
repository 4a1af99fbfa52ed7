//! From the section `logs` to sources.

use std::sync::Arc;
use std::time::Duration;

use jiff::tz::TimeZone;

use super::config::Logs;
use super::hours::Hours;
use super::input::{self, Around};
use super::presets;
use super::rules::cost::Cost;
use super::rules::{self, Rules};
use super::scan::Scanner;
use super::source::{Reader, Source};
use super::{AREA, Section};
use crate::config::Dur;
use crate::engine::{Clock, Service, Target};
use crate::plan::{Common, Plan, Thresholds};

/// Sources ask for a reading themselves; this is for what nobody tells of.
const PERIOD: Duration = Duration::from_secs(5);

/// A mistake by its key under the target.
pub type Mistakes = Vec<(String, String)>;

pub const DEADLINE: Duration = Duration::from_secs(5);
/// What one reading may take of it, for slow disks and rules: rows that come later are dropped.
const SHARE: f64 = 0.2;
const TIME: Duration = Duration::from_millis(500);

pub fn plan(section: Option<&Section>, plan: &mut Plan) {
    let Some(section) = section else {
        plan.missed("no log is named", "name the files of a program under `logs:`");
        return;
    };
    let engine = plan.address("docker", "docker").ok();
    let around = Around { engine, stdin: plan.memory.shared() };
    for (name, logs) in section {
        let (source, mistakes) = source(name, logs, &around);
        for (key, message) in mistakes {
            plan.mistake(name, &key, message);
        }
        let kept: Arc<super::source::Kept> = plan.memory.of(AREA.name, name);
        let wake = Arc::clone(&kept.wake.notify);
        let place = source.input.place();
        let (watcher, storage) = (plan.memory.shared(), plan.memory.storage());
        let reader = Reader { source: Arc::new(source), kept, watcher, storage };
        let mut target = Target::new(&AREA, name, place, logs.for_reader(), reader);
        target.clock = Clock::Every(PERIOD);
        target.wake = Some(wake);
        let common = Common {
            timeout: logs.timeout,
            thresholds: &logs.thresholds,
            service: logs.service.as_deref().or_else(|| logs.one_service()),
        };
        plan.declare(target, &common);
    }
    only_one_reads_stdin(section, plan);
}

fn only_one_reads_stdin(section: &Section, plan: &mut Plan) {
    let readers: Vec<_> = section.iter().filter(|(_, logs)| logs.stdin).collect();
    for (name, _) in readers.iter().skip(1) {
        plan.mistake(name, "stdin", "another log has the standard input already");
    }
}

impl Logs {
    /// The service whose output is read, if it is one.
    fn one_service(&self) -> Option<&str> {
        self.compose_service.as_deref().filter(|name| Service::parse(name).is_ok())
    }

    /// What the reader is made from: other thresholds need no other one.
    fn for_reader(&self) -> Self {
        Self { service: None, timeout: None, thresholds: Thresholds::default(), ..self.clone() }
    }

    /// What each rule costs on a sample of lines, and the bytes a second of all of them.
    pub fn costs(&self, sample: &[u8]) -> (Vec<Cost>, f64) {
        rules::cost::costs(&presets::written(&self.presets, &self.rules), sample)
    }

    /// What the presets could do with.
    pub fn hints(&self) -> Vec<String> {
        presets::hints(&self.presets, &self.rules)
    }
}

/// The source as far as its settings are right, and what is wrong with them.
pub fn source(name: &str, logs: &Logs, around: &Around) -> (Source, Mistakes) {
    let (rules, mut mistakes) = Rules::compile(&presets::written(&logs.presets, &logs.rules));
    let (forms, format, wrong) = logs.reading();
    mistakes.extend(wrong);
    let input = input::plan(logs, around, &mut mistakes);
    let hours = logs.hours.as_ref().map(|hours| Hours::parse(hours));
    let hours = hours.and_then(|hours| match hours {
        Ok(hours) => Some(hours),
        Err(message) => {
            mistakes.push(("hours".into(), message));
            None
        }
    });
    let scanner = Scanner {
        rules,
        format,
        forms,
        reading: serde_json::to_string(&(&logs.format, &logs.forms)).unwrap_or_default(),
        levels: true,
        access: presets::access(&logs.presets),
        errors: true,
        warnings: false,
    };
    let source = Source {
        name: name.to_owned(),
        input,
        scanner,
        hours,
        zone: TimeZone::system(),
        time: TIME.min(logs.timeout.map_or(DEADLINE, Dur::get).mul_f64(SHARE)),
        samples: logs.error_samples,
        addresses: logs.client_addresses,
    };
    (source, mistakes)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config;
    use crate::engine::{Board, Collector as _, Memory};
    use crate::failure::Reason;

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
forms: { files: [/a.log], format: jsn, forms: { own: { line: "(" } } }
hours: { files: [/a.log], hours: "8-22" }
docker: { files: ["/var/lib/docker/containers/*/*.log", "/x/0a1b-json.log", "/x/app-json.logs"] }
both: { files: [/a.log], container: web, stdin: true }
nowhere: { container: web, engine: "ssh://host" }
service: { compose_service: a/b/c }
pipe: { stdin: true }
right: { files: ["/a/*.log"], presets: [python], rules: { r: { literal: "${x}" } } }
"#,
        );
        let memory = Memory::default();
        let mut plan = Plan::new(&|_| None, &memory);
        plan.section("logs", &AREA);
        super::plan(Some(&section), &mut plan);
        let mut found: Vec<_> =
            plan.mistakes.iter().map(|m| format!("{}: {}", m.path, m.message)).collect();
        found.sort();
        let mut wanted = [
            "logs.bot.rules.one: needs either `literal` or `regex`",
            "logs.bot.rules.three.values: `n` is no named group of `regex`, such as `(?<n>...)`",
            "logs.bot.rules.two.regex: is no regular expression: unclosed group",
            "logs.bot.files[0]: must be an absolute path, such as `/srv/bot/logs/*.log`",
            "logs.bot.files[1]: is no pattern of file names: unclosed character class; missing ']'",
            "logs.bot.thresholds.silense: unknown signal (did you mean `silence`?)",
            "logs.empty.files: names no file, write for example `/srv/bot/*.log`; or name a `container`, a `compose_service`, the `journal` or `stdin`",
            "logs.docker.files[0]: is a file of Docker's own, with JSON around each line of the program: write `container: NAME` or `compose_service: NAME` instead of `files`, which reads it and unpacks it",
            "logs.docker.files[1]: is a file of Docker's own, with JSON around each line of the program: write `container: NAME` or `compose_service: NAME` instead of `files`, which reads it and unpacks it",
            "logs.hours.hours: must be two times of the day such as `08:00-22:00`",
            "logs.both.container: one source has one kind of input, and `files` is named",
            "logs.both.stdin: one source has one kind of input, and `files` is named",
            "logs.forms.format: no form is called `jsn`; did you mean `json`?",
            "logs.forms.forms.own.line: unclosed group",
            "logs.nowhere.engine: SSH is not supported: use the socket, or a proxy by `tcp://`",
            "logs.service.compose_service: expected `service` or `project/service`",
            "logs.pipe.stdin: another log has the standard input already",
        ];
        wanted.sort_unstable();
        assert_eq!(found, wanted);
        assert_eq!(plan.targets.len(), 10);
        assert!(plan.targets.iter().all(|target| target.clock == Clock::Every(PERIOD)));
    }

    #[tokio::test]
    async fn other_thresholds_leave_the_reader_alone() {
        let board = Board::default();
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
            source: Arc::new(source("a", logs, &Around::default()).0),
            kept: memory.of(AREA.name, "a"),
            watcher: memory.shared(),
            storage: memory.storage(),
        };
        let now = std::time::SystemTime::now;
        let before = reader(&logs);
        let raw = before.fetch().await.unwrap();
        let failure = before.sample(raw, now()).err().unwrap();
        assert_eq!(failure.reason, Reason::NOT_FOUND);
        std::fs::write(&file, "ERROR x\n").unwrap();
        assert_eq!(before.fetch().await.unwrap().tally.bytes, 8);
        std::fs::write(&file, "ERROR x\nERROR y\n").unwrap();
        let after = reader(&Logs { timeout: Some(config::Dur::from(PERIOD)), ..logs });
        let raw = after.fetch().await.unwrap();
        assert_eq!(raw.tally.bytes, 16);
        assert!(after.sample(raw, now()).unwrap().gaps().is_empty());
    }
}
