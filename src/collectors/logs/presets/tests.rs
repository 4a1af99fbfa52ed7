//! Lines that each rule of a preset takes, and near ones that it leaves alone.

use std::time::{Duration, SystemTime};

use super::super::rules::{Rules, Tallies};
use super::*;

const ALL: [Preset; 13] = Preset::ALL;

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_hours(476_266)
}

fn counted(presets: &[Preset], own: &Written, lines: &str) -> Tallies {
    let (rules, mistakes) = Rules::compile(&written(presets, own));
    assert_eq!(mistakes, []);
    let mut tallies = Tallies::default();
    rules.expect(&mut tallies, now());
    rules.apply(lines.as_bytes(), now(), &mut tallies);
    tallies
}

/// The rules of the preset that take a line.
fn hits(preset: Preset, line: &str) -> Vec<String> {
    let tallies = counted(&[preset], &Written::new(), &format!("{line}\n"));
    let hit = tallies.rules.into_iter().filter(|(_, tally)| tally.matches > 0);
    hit.map(|(name, _)| name).collect()
}

fn own(yaml: &str) -> Written {
    config::load::<Written>("x.yaml", yaml, &|_| None).finish().expect("right rules")
}

#[test]
fn every_file_is_right_and_every_name_is_there_once() {
    let mut names = Vec::new();
    for preset in ALL {
        let loaded = config::load::<Written>("preset", preset.text(), &|_| None).finish();
        names.extend(loaded.expect("right rules").into_keys());
        let (_, mistakes) = Rules::compile(&written(&[preset], &Written::new()));
        assert_eq!(mistakes, [], "{preset:?}");
    }
    let (all, unique) = (names.len(), names.into_iter().collect::<std::collections::BTreeSet<_>>());
    assert_eq!(all, unique.len());
    assert_eq!(Rules::compile(&written(&ALL, &Written::new())).1, []);
}

/// What is counted is told, or it is said why not.
#[test]
fn every_rule_has_an_alert_or_a_reason() {
    let told: Vec<&str> = super::super::AREA
        .signals
        .iter()
        .flat_map(|signal| signal.measure.select)
        .filter(|one| one.label == "rule" && !one.not)
        .flat_map(|one| one.values.iter().copied())
        .collect();
    let reasons = include_str!("../../../../tests/unheard-rules.txt").lines();
    let reasons: Vec<(&str, &str)> = reasons
        .filter(|line| !line.starts_with('#'))
        .map(|line| line.split_once(' ').expect("a name and a reason"))
        .collect();
    let names: Vec<String> = ALL.iter().flat_map(|preset| preset.rules().into_keys()).collect();
    for name in &names {
        let is_reasoned = reasons.iter().any(|(of, _)| of == name);
        assert!(told.contains(&name.as_str()) != is_reasoned, "{name}: an alert or a reason");
    }
    for (name, _) in &reasons {
        assert!(names.iter().any(|of| of == name), "{name}: no preset has it");
    }
    assert!(reasons.is_sorted());
}

/// Verbatim lines of the guides, lines of the libraries, and lines like those that are not meant
/// [L02 L03 L04 L06 L07 L14 L16 L21 L22 L23 L24 P08 Q07 Q08].
#[test]
fn lines_are_taken_and_near_ones_are_not() {
    let cases = include_str!("lines.txt").lines().filter(|line| !line.starts_with('#'));
    let mut seen = 0;
    for case in cases {
        let mut parts = case.splitn(3, '|');
        let mut next = || parts.next().expect("three parts");
        let (preset, wanted, line) = (next().trim(), next(), next());
        let preset = serde_json::from_value::<Preset>(preset.into()).expect("a preset");
        let wanted: Vec<_> = wanted.split_whitespace().collect();
        assert_eq!(hits(preset, line.strip_prefix(' ').expect("a space")), wanted, "{line}");
        seen += 1;
    }
    assert!(seen > 60, "{seen}");
}

/// Tasks over the upper end of their guide's range [Q07].
#[test]
fn tasks_are_split_and_judged_by_their_own_limits() {
    let lines = "Task score_message_task completed, execution_time_ms=300\n\
        Task score_message_task completed, execution_time_ms=301\n\
        Task execute_analysis_run completed, execution_time_ms=299000\n\
        Task unheard_of completed, execution_time_ms=9000000\n";
    let tallies = counted(&[Preset::Taskiq], &Written::new(), lines);
    let found = |task: &str| {
        let share =
            tallies["task_finished"].shares.iter().find(|share| share.text == task).unwrap();
        (share.matches, share.values[0].over, share.values[0].count)
    };
    assert_eq!(tallies["task_finished"].shares.len(), 11);
    assert_eq!(
        (found("score_message_task"), found("execute_analysis_run")),
        ((2, 1, 2), (1, 0, 1))
    );
    assert_eq!((found("other"), found("process_message")), ((1, 0, 1), (0, 0, 0)));
}

/// In each spelling it is the same time of the same task [Q07].
#[test]
fn the_time_of_a_task_is_read_in_any_spelling() {
    for line in [
        "Task score_message_task completed, execution_time_ms=1234.5",
        "task=score_message_task execution_time_ms=1,234.5",
        "{'task_name': 'app.tasks:score_message_task', 'execution_time_ms': 1234.5}",
        "{\"execution_time_ms\": 1234.5, \"task_name\": \"app.tasks:score_message_task\"}",
        "{\"executionTimeMs\":1234.5,\"taskName\":\"score_message_task\"}",
        "Task score_message_task done, execution time: 1.2345 s",
        "Task score_message_task done, execution time: 1234.5ms",
    ] {
        let tallies = counted(&[Preset::Taskiq], &Written::new(), &format!("{line}\n"));
        let shares = &tallies["task_finished"].shares;
        let share = shares.iter().find(|share| share.text == "score_message_task").unwrap();
        assert!((share.values[0].sum - 1.2345).abs() < 1e-9, "{line}: {:?}", share.values);
        assert_eq!((share.matches, share.values[0].over), (1, 1), "{line}");
    }
    // Of what unit nobody knows.
    assert_eq!(hits(Preset::Taskiq, "Task score_message_task done, execution_time: 1.2"), [""; 0]);
}

/// Seconds unless the line says otherwise [L14].
#[test]
fn response_times_are_read_with_their_unit() {
    for (line, seconds) in [
        ("response_time: 0.9", 0.9),
        ("response_time=812ms", 0.812),
        ("{\"response_time\": \"812.5 ms\"}", 0.8125),
        ("response_time = 1,234 ms, ok", 1.234),
        ("response_time=250\u{b5}s", 0.00025),
        ("response_time=3 small things", 3.0),
    ] {
        let tallies = counted(&[Preset::ResponseTime], &Written::new(), &format!("{line}\n"));
        let sum = tallies["response_time"].shares[0].values[0].sum;
        assert!((sum - seconds).abs() < 1e-9, "{line}: {sum}");
    }
}

/// The answer is a setting [L08].
#[test]
fn requests_wait_once_the_answer_is_given() {
    let lines = "Запрос от пользователя 1\n";
    let without = counted(&[Preset::TelegramBot], &Written::new(), lines);
    assert_eq!((without["requests"].matches, without["requests"].pairs.open()), (1, 0));
    assert_eq!(
        hints(&[Preset::TelegramBot], &Written::new()),
        [
            "no rule `answers`, so a line of `requests` without one is not noticed: write `answers: { literal: ... }`"
        ]
    );
    let own = own("answers: { literal: Ответ отправлен }");
    assert_eq!(hints(&[Preset::TelegramBot], &own), [""; 0]);
    let with = counted(&[Preset::TelegramBot], &own, lines);
    assert_eq!((with["requests"].matches, with["requests"].pairs.open()), (1, 1));
    let answered = counted(&[Preset::TelegramBot], &own, &format!("{lines}Ответ отправлен\n"));
    assert_eq!((answered["requests"].pairs.finished, answered["requests"].pairs.open()), (1, 0));
}

#[test]
fn a_rule_of_the_file_replaces_or_changes_the_preset() {
    let own = own("sync_ok: { expect: { every: 1h } }\nsync_locked: { literal: LOCKED }\n");
    let rules = written(&[Preset::SheetsSync], &own);
    let ready = Preset::SheetsSync.rules();
    assert_eq!(rules["sync_ok"].regex, ready["sync_ok"].regex);
    assert!(rules["sync_ok"].expect.is_some() && ready["sync_ok"].expect.is_none());
    assert_eq!(rules["sync_locked"], own["sync_locked"]);
    assert!(access(&[Preset::NginxAccess]) && !access(&[Preset::Taskiq]));
}
