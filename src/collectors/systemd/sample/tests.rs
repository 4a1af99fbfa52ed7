use std::sync::Arc;

use serde_json::{Value, json};

use super::*;
use crate::collectors::CATALOGUE;
use crate::engine::Snapshot;
use crate::exposition::{Format, encode};
use crate::failure::{Failure, Reason};
use crate::golden;

/// When all cases were read, on both clocks.
const NOW: u64 = 1_800_000_000;
const UP: u64 = 100_000;

fn units(value: Value) -> Vec<fetch::Unit> {
    serde_json::from_value(value).expect("units")
}

fn raw(declared: Value, failed: Value) -> Raw {
    let failed = if failed.is_null() { None } else { Some(Ok(units(failed))) };
    Raw { state: "degraded".into(), units: units(declared), failed, monotonic: UP * 1_000_000 }
}

fn batch(declared: &[config::Unit], raw: Raw) -> Batch {
    sample(declared, raw, SystemTime::UNIX_EPOCH + Duration::from_secs(NOW))
}

fn text(declared: &[config::Unit], raw: Raw) -> String {
    let snapshot = Snapshot::of("systemd", batch(declared, raw));
    encode(&CATALOGUE, Arc::new(snapshot), Format::Classic)
}

#[allow(clippy::needless_pass_by_value, reason = "made for this call each time")]
fn one(unit: Value) -> String {
    text(&[config::Unit::default()], raw(json!([unit]), Value::Null))
}

#[track_caller]
fn has(text: &str, line: &str) {
    assert!(text.lines().any(|it| it == line), "no line {line}\n{text}");
}

/// `units.json` is what the manager said, as [`fetch::Unit`] has it; `failed.json` its failed units.
#[test]
fn golden_cases() {
    golden::run("systemd", |case| {
        let read = |name: &str| {
            let bytes = golden::file(case, name)?;
            Some(serde_json::from_slice::<Value>(&bytes).expect("JSON"))
        };
        let declared = read("units.json").unwrap_or_else(|| json!([]));
        let count = declared.as_array().map_or(0, Vec::len);
        let raw = raw(declared, read("failed.json").unwrap_or_default());
        Ok(batch(&vec![config::Unit::default(); count], raw))
    });
}

/// Each state has a row, and there is no second one. [H01 R04]
#[test]
fn a_unit_is_in_one_state() {
    use State::{
        Done, Failed, Invalid, Masked, Missing, Restarting, Resting, Running, Starting, Stopped,
        Stopping,
    };
    for (load, active, sub, kind, on_demand, state) in [
        ("loaded", "active", "running", "simple", false, Running),
        ("loaded", "reloading", "reload", "notify", false, Running),
        ("loaded", "refreshing", "x", "notify", false, Running),
        ("masked", "active", "running", "simple", false, Running),
        ("not-found", "active", "running", "simple", false, Running),
        ("loaded", "failed", "failed", "simple", true, Failed),
        ("not-found", "failed", "failed", "simple", false, Failed),
        ("loaded", "activating", "auto-restart", "simple", false, Restarting),
        ("loaded", "activating", "auto-restart-queued", "oneshot", false, Restarting),
        ("loaded", "activating", "start", "oneshot", false, Running),
        ("loaded", "activating", "start", "notify", false, Starting),
        ("loaded", "deactivating", "stop-sigterm", "simple", false, Stopping),
        ("not-found", "inactive", "dead", "", true, Missing),
        ("masked", "inactive", "dead", "", false, Masked),
        ("bad-setting", "inactive", "dead", "", false, Invalid),
        ("error", "inactive", "dead", "", false, Invalid),
        ("loaded", "inactive", "dead", "simple", false, Stopped),
        ("loaded", "inactive", "dead", "simple", true, Resting),
        ("loaded", "inactive", "dead", "oneshot", false, Done),
        ("", "", "", "", false, Stopped),
        ("rubbish", "rubbish", "rubbish", "rubbish", false, Stopped),
    ] {
        let unit = units(json!([{ "load": load, "active": active, "sub": sub, "Type": kind }]));
        assert_eq!(State::of(&unit[0], on_demand), state, "{load} {active} {sub}");
        assert!(crate::collectors::systemd::words::STATE.contains(&state.as_str()));
    }
    let stays = units(json!([
        { "load": "loaded", "active": "inactive", "Type": "oneshot", "RemainAfterExit": 1 }
    ]));
    assert_eq!(State::of(&stays[0], false), Stopped, "it says that it wants to be active");
}

/// [H01]
#[test]
fn one_that_waits_for_its_start_is_starting_and_a_timer_without_a_plan_is_stopped() {
    let state = |unit: Value, on_demand| State::of(&units(json!([unit]))[0], on_demand);
    for kind in ["simple", "oneshot"] {
        for on_demand in [false, true] {
            let waits =
                json!({ "load": "loaded", "active": "inactive", "job": "start", "Type": kind });
            assert_eq!(state(waits, on_demand), State::Starting);
        }
    }
    let stops = json!({ "load": "loaded", "active": "inactive", "job": "stop" });
    assert_eq!(state(stops, false), State::Stopped);
    let masked = json!({ "load": "masked", "active": "inactive", "job": "start" });
    assert_eq!(state(masked, false), State::Masked);

    let over = |next: u64| {
        json!({ "load": "loaded", "active": "active", "sub": "elapsed",
            "NextElapseUSecRealtime": next, "NextElapseUSecMonotonic": u64::MAX })
    };
    assert_eq!(state(over(u64::MAX), false), State::Stopped);
    assert_eq!(state(over(0), true), State::Resting, "once was all that is wanted");
    assert_eq!(state(over(ago(-60)), false), State::Running);
}

/// [H01]
#[test]
fn an_exit_code_is_no_signal_and_neither_is_there_before_the_end() {
    let ended = |code: u64, status: u64| {
        one(
            json!({ "name": "a.service", "active": "failed", "ExecMainCode": code, "ExecMainStatus": status }),
        )
    };
    let exit = ended(1, 3);
    has(&exit, "stack_unit_exit_code{target=\"systemd\",name=\"a.service\"} 3");
    assert!(!exit.contains("stack_unit_exit_signal{"), "{exit}");
    for code in [2, 3] {
        let killed = ended(code, 9);
        has(&killed, "stack_unit_exit_signal{target=\"systemd\",name=\"a.service\"} 9");
        assert!(!killed.contains("stack_unit_exit_code{"), "{killed}");
    }
    let running = ended(0, 0);
    assert!(!running.contains("stack_unit_exit_"), "{running}");
}

/// What systemd does not know is the largest number there is. [H02 H03]
#[test]
fn what_is_not_known_is_absent() {
    let unknown = one(json!({
        "name": "a.service", "active": "active", "MemoryCurrent": u64::MAX, "TasksCurrent": u64::MAX,
        "CPUUsageNSec": u64::MAX, "ActiveEnterTimestamp": 0,
    }));
    for name in ["memory_bytes", "tasks", "cpu_seconds_total", "start_time_seconds"] {
        assert!(!unknown.contains(&format!("stack_unit_{name}{{")), "{unknown}");
    }
    let known = one(json!({
        "name": "a.service", "active": "active", "MemoryCurrent": 1_048_576, "TasksCurrent": 4,
        "CPUUsageNSec": 1_500_000_000, "ActiveEnterTimestamp": 1_700_000_000_000_000_u64, "NRestarts": 2,
    }));
    has(&known, "stack_unit_memory_bytes{target=\"systemd\",name=\"a.service\"} 1048576");
    has(&known, "stack_unit_cpu_seconds_total{target=\"systemd\",name=\"a.service\"} 1.5");
    has(&known, "stack_unit_tasks{target=\"systemd\",name=\"a.service\"} 4");
    has(&known, "stack_unit_start_time_seconds{target=\"systemd\",name=\"a.service\"} 1700000000");
    has(&known, "node_systemd_service_restart_total{target=\"systemd\",name=\"a.service\"} 2");
}

/// Words from outside never become labels.
#[test]
fn unknown_words_are_other() {
    let text = one(json!({
        "name": "a.service", "active": "odd\"", "sub": "odd\"", "Result": "odd\"", "Type": "odd\"",
    }));
    assert!(!text.contains("odd"), "{text}");
    has(&text, "stack_unit_sub_state{target=\"systemd\",name=\"a.service\",sub=\"other\"} 1");
    has(&text, "stack_unit_result{target=\"systemd\",name=\"a.service\",result=\"other\"} 1");
}

#[allow(clippy::needless_pass_by_value, reason = "made for this call each time")]
fn timer(every: Option<u64>, properties: Value) -> Timer {
    let mut unit = json!({ "name": "b.timer", "active": "active", "sub": "waiting" });
    for (key, value) in properties.as_object().unwrap() {
        unit[key] = value.clone();
    }
    let clock = Clock { now: NOW as f64, monotonic: UP as f64 };
    Timer::of(&units(json!([unit]))[0], every.map(Duration::from_secs), clock)
}

fn ago(seconds: i64) -> u64 {
    u64::try_from(i64::try_from(NOW).unwrap() - seconds).unwrap() * 1_000_000
}

/// [H01]
#[test]
fn a_timer_is_overdue_by_its_own_plan_or_by_what_was_declared() {
    let planned = |properties| timer(None, properties).overdue;
    assert_eq!(planned(json!({ "NextElapseUSecRealtime": ago(-60) })), Some(0.0));
    assert_eq!(planned(json!({ "NextElapseUSecRealtime": ago(600) })), Some(600.0));
    let accurate = json!({ "NextElapseUSecRealtime": ago(600), "AccuracyUSec": 60_000_000 });
    assert_eq!(planned(accurate), Some(540.0), "as late as its accuracy allows is on time");
    assert_eq!(planned(json!({ "NextElapseUSecMonotonic": (UP - 30) * 1_000_000 })), Some(30.0));
    let never = json!({ "NextElapseUSecRealtime": u64::MAX, "NextElapseUSecMonotonic": u64::MAX });
    assert_eq!(planned(never), None, "nothing is planned");
    let runs = json!({ "sub": "running", "NextElapseUSecRealtime": ago(600) });
    assert_eq!(planned(runs), Some(0.0), "while it runs there is no plan");

    let every = |properties| timer(Some(86_400), properties).overdue;
    assert_eq!(every(json!({ "LastTriggerUSec": ago(86_000) })), Some(0.0));
    assert_eq!(every(json!({ "LastTriggerUSec": ago(90_000) })), Some(3600.0));
    let stuck = json!({ "sub": "running", "LastTriggerUSec": ago(90_000) });
    assert_eq!(every(stuck), Some(3600.0), "a run that does not end");
    let fresh = json!({ "LastTriggerUSec": 0, "ActiveEnterTimestamp": ago(90_000) });
    assert_eq!(every(fresh), Some(3600.0), "it never ran since it was started");
    assert_eq!(every(json!({})), None);
}

#[test]
fn the_next_run_is_the_first_of_both_plans_and_the_last_is_absent_if_there_was_none() {
    let both = json!({
        "NextElapseUSecRealtime": ago(-600), "NextElapseUSecMonotonic": (UP + 60) * 1_000_000,
        "LastTriggerUSec": 0,
    });
    let both = timer(None, both);
    assert_eq!((both.next, both.last), (Some(NOW as f64 + 60.0), None));
}

#[test]
fn a_run_has_failed_by_its_result_also_when_it_rests() {
    let run = |active: &str, result: &str| {
        timer(None, json!({ "starts": { "active": active, "Result": result } })).run_failed
    };
    assert_eq!(run("failed", "exit-code"), Some(true));
    assert_eq!(run("inactive", "timeout"), Some(true));
    assert_eq!(run("inactive", "success"), Some(false));
    assert_eq!(run("inactive", ""), Some(false));
    assert_eq!(run("inactive", "exec-condition"), Some(false), "there was nothing to do");
    assert_eq!(timer(None, json!({})).run_failed, None);
}

/// One trouble, one alert: what is declared, or started by a declared timer, has its own. [R04]
#[test]
fn failed_units_are_named_once_and_have_a_cap() {
    let declared = json!([
        { "name": "a.service", "active": "failed" },
        { "name": "b.timer", "active": "active", "Unit": "b.service",
          "starts": { "name": "b.service", "active": "failed" } },
    ]);
    let failed: Vec<_> = (0..500)
        .map(|n| json!({ "name": format!("x{n:03}.service"), "active": "failed" }))
        .collect();
    let mut failed = json!(failed);
    for name in ["a.service", "b.service"] {
        failed.as_array_mut().unwrap().push(json!({ "name": name, "active": "failed" }));
    }
    let two = [config::Unit::default(), config::Unit::default()];
    let batch = batch(&two, raw(declared.clone(), failed.clone()));
    assert_eq!(batch.drops(), [("failed", 480)]);
    let text = text(&two, raw(declared, failed));
    assert_eq!(text.matches("\nstack_unit_other_failed{").count(), 20, "{text}");
    has(&text, "stack_systemd_failed_units{target=\"systemd\"} 502");
    assert!(!text.contains("stack_unit_other_failed{target=\"systemd\",name=\"a.service\"}"));
    assert!(!text.contains("stack_unit_other_failed{target=\"systemd\",name=\"b.service\"}"));
}

#[test]
fn a_unit_that_is_declared_by_another_name_is_told_once() {
    let declared = json!([{ "name": "sshd.service", "active": "failed", "path": "/unit/ssh" }]);
    let failed = json!([
        { "name": "ssh.service", "active": "failed", "path": "/unit/ssh" },
        { "name": "x.service", "active": "failed", "path": "" },
    ]);
    let text = text(&[config::Unit::default()], raw(declared, failed));
    assert_eq!(text.matches("\nstack_unit_other_failed{").count(), 1, "{text}");
    has(&text, "stack_unit_other_failed{target=\"systemd\",name=\"x.service\"} 1");
}

#[test]
fn failed_units_that_cannot_be_listed_are_a_gap() {
    let mut raw = raw(json!([{ "name": "a.service", "active": "active" }]), Value::Null);
    raw.failed = Some(Err(Failure::new(Reason::RIGHTS, "x")));
    let batch = batch(&[config::Unit::default()], raw);
    assert_eq!(batch.gaps().len(), 1);
    let one = one(json!({ "name": "a.service", "active": "active" }));
    assert!(!one.contains("stack_systemd_failed_units{"), "not asked is not 0: {one}");
}
