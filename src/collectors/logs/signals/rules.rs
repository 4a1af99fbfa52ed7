//! What rules find, those of the presets by name.

use std::time::Duration;

use super::ONE_LINE;
use crate::catalogue::{Default, Direction, Match, Signal, Unit, level};

const QUIET: (&str, &[Match], &[&str]) = ("stack_log_catching_up", &[], &[]);

pub const RATE_LIMITED: Signal = Signal {
    name: "rate_limited",
    alert: "LogRateLimited",
    measure: level("stack_log_match_run_seconds").select(&[Match::is("rule", &["rate_limit"])]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(120.0, "L02"),
    critical: Default::off("it cures itself, or the quota is spent until tomorrow"),
    // The run lasts as long as the documented cure before it is breached: no further wait.
    hold: Duration::ZERO,
    requirements: &["L02"],
    summary: "A provider goes on refusing requests for too many of them.",
    subject: "How long the rate limit has been hit",
    hint: "longer than the one or two minutes it takes to cure itself: a spent quota or a dead key",
    next: "look at the provider's usage page; change to a spare key or a cheaper model",
};

pub const CORRUPTION: Signal = Signal {
    name: "corruption",
    alert: "LogDatabaseCorruption",
    measure: level("stack_log_matches_total")
        .select(&[Match::is("rule", &["corruption"])])
        .increase()
        .sum_by(&["rule"]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("one is too many, see critical"),
    critical: Default::guide(0.0, "P08"),
    hold: Duration::ZERO,
    requirements: &["P08"],
    summary: "A database says that its data is corrupt.",
    subject: "Lines about corrupt data in the last five minutes",
    hint: "stop the programs that write before anything else: each write can make it worse",
    next: "docker compose stop the writers; then copy the data directory, and only then repair",
};

pub const TROUBLE: Signal = Signal {
    name: "trouble_lines",
    alert: "LogTrouble",
    measure: level("stack_log_matches_total")
        .select(&[Match::is(
            "rule",
            &[
                "migration_failed",
                "connection_failed",
                "permission_denied",
                "pool_exhausted",
                "sync_locked",
                "sync_row_error",
            ],
        )])
        .increase()
        .sum_by(&["rule"]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::guide(0.0, "L24"),
    critical: Default::off(ONE_LINE),
    hold: Duration::ZERO,
    requirements: &["L24", "L04"],
    summary: "A program logs a trouble that its guide names.",
    subject: "Lines of rule {{ $labels.rule }} in the last five minutes",
    hint: "the rule's name says which: a failed migration, missing rights, an exhausted pool, a lock",
    next: "grep for the text of the rule in the newest file; docs/configuration.md has the presets",
};

pub const TTS: Signal = Signal {
    name: "tts_errors",
    alert: "LogTtsFailures",
    measure: level("stack_log_matches_total")
        .select(&[Match::is("rule", &["tts_failed"])])
        .increase()
        .sum_by(&["rule"])
        .unless(QUIET.0, QUIET.1, QUIET.2),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(3.0, "one failed sentence is tried again; the guide names no number"),
    critical: Default::off(ONE_LINE),
    hold: Duration::ZERO,
    requirements: &["L03"],
    summary: "Speech cannot be made.",
    subject: "Failures of speech synthesis in the last five minutes",
    hint: "the provider's server is not reached from here, or the library is too old for it",
    next: "docker compose exec the program: edge-tts --text test --write-media /dev/null",
};

pub const TASK_FAILED: Signal = Signal {
    name: "task_failures",
    alert: "LogTaskFailures",
    measure: level("stack_log_matches_total")
        .select(&[Match::is("rule", &["task_failed"])])
        .increase()
        .sum_by(&["rule"]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "a failed task is work that was not done"),
    critical: Default::off("tasks can be run again"),
    hold: Duration::ZERO,
    requirements: &["Q07"],
    summary: "Tasks of a worker fail.",
    subject: "Failed tasks in the last five minutes",
    hint: "the worker's log has the reason and the task's name just around the line",
    next: "docker compose logs --tail 200 worker",
};

pub const TASK_SLOW: Signal = Signal {
    name: "slow_tasks",
    alert: "LogTaskSlow",
    measure: level("stack_log_value_over_limit_total")
        .increase()
        .sum_by(&["rule", "value", "split"])
        .per("stack_log_value_observations_total", &["rule", "value", "split"]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(0.05, "Q07"),
    critical: Default::off("slow is not down"),
    hold: Duration::from_mins(10),
    requirements: &["Q07", "L14"],
    summary: "Tasks or requests take longer than they should.",
    subject: "Share of {{ $labels.rule }} {{ $labels.split }} over its limit",
    hint: "more than one in twenty over the upper end of its range: the 95th percentile is beyond it",
    next: "look at the panel Over the limit; then at what the task waits for: database, provider",
};

pub const UNFINISHED: Signal = Signal {
    name: "unfinished",
    alert: "LogTaskUnfinished",
    measure: level("stack_log_pairs_total")
        .select(&[Match::is("outcome", &["expired"])])
        .increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "what was begun and never ended is lost, or hangs"),
    critical: Default::off(ONE_LINE),
    hold: Duration::ZERO,
    requirements: &["Q07"],
    summary: "What was begun has not ended within its time.",
    subject: "Pairs of rule {{ $labels.rule }} without an end in the last five minutes",
    hint: "the worker was killed in the middle, or the task hangs",
    next: "docker compose logs --tail 500 worker; look for the last started task",
};

pub const UNANSWERED: Signal = Signal {
    name: "unanswered",
    alert: "LogRequestUnanswered",
    measure: level("stack_log_pair_waiting_seconds").select(&[Match::is("rule", &["requests"])]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(300.0, "L08"),
    critical: Default::off("set it where nobody else tells that the bot is mute"),
    hold: Duration::ZERO,
    requirements: &["L08"],
    summary: "A request has had no answer for too long.",
    subject: "How long the oldest request has been waiting",
    hint: "the bot hangs, or its provider does not answer",
    next: "send it a message; journalctl -u the bot, or docker compose logs --tail 100",
};

pub const EXPECTED: Signal = Signal {
    name: "expected_line",
    alert: "LogExpectedLineMissing",
    measure: level("stack_log_expected_overdue_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(0.0, "the rule says by when the line must have come"),
    critical: Default::off("set it where the missing line means lost data"),
    hold: Duration::ZERO,
    requirements: &["L04", "L09"],
    summary: "A line that should have come has not.",
    subject: "How long the line of rule {{ $labels.rule }} is overdue",
    hint: "the job did not run, did not finish, or logs elsewhere",
    next: "look for the job: crontab -l, systemctl list-timers, docker compose ps",
};

pub const BATCH_FAILURES: Signal = Signal {
    name: "batch_failures",
    alert: "LogBatchFailures",
    measure: level("stack_log_values_total")
        .select(&[Match::is("rule", &["batch"]), Match::is("value", &["failed"])])
        .increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "the guide shows failures and names no number"),
    critical: Default::off("failed items can be run again"),
    hold: Duration::ZERO,
    requirements: &["Q08"],
    summary: "A batch has finished with failed items.",
    subject: "Failed items of batches in the last five minutes",
    hint: "the worker's log names the reason just before the line of the outcome",
    next: "docker compose logs --tail 200 worker",
};

pub const WEBSOCKET_DISCONNECTS: Signal = Signal {
    name: "websocket_disconnects",
    alert: "LogWebsocketDisconnects",
    measure: level("stack_log_matches_total")
        .select(&[Match::is("rule", &["websocket_disconnect"])])
        .increase()
        .sum_by(&["rule"])
        .unless(QUIET.0, QUIET.1, QUIET.2),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(50.0, "a deployment cuts every client once"),
    critical: Default::off("clients connect again by themselves"),
    hold: Duration::from_mins(5),
    requirements: &["L22"],
    summary: "WebSocket clients keep losing their connection.",
    subject: "WebSocket disconnects in the last five minutes",
    hint: "a proxy with a short read timeout cuts at 60 s; look at proxy_read_timeout",
    next: "docker compose logs --tail 100 nginx api",
};

pub const REQUESTS_SILENCE: Signal = Signal {
    name: "requests_silence",
    alert: "LogRequestsSilent",
    measure: level("stack_log_match_silence_seconds").select(&[Match::is("rule", &["requests"])]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::off("set the period in which requests are expected"),
    critical: Default::off("see warning"),
    hold: Duration::ZERO,
    requirements: &["L07", "L09"],
    summary: "No new requests have come for too long.",
    subject: "Time since the last request in the log, within the hours of the source",
    hint: "the bot does not receive messages: token, network, or the process hangs",
    next: "systemctl status of the bot; send it a message",
};

pub const MATCHES: Signal = Signal {
    name: "matches",
    alert: "LogMatches",
    measure: level("stack_log_matches_total").increase().sum_by(&["rule"]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("what a rule's match means is known to whoever wrote the rule"),
    critical: Default::off("see warning"),
    hold: Duration::ZERO,
    requirements: &["L02", "L22"],
    summary: "A rule has matched lines of a log.",
    subject: "Matches of {{ $labels.rule }} in the last five minutes",
    hint: "the rule and its threshold are configured under the source in logs",
    next: "grep for the rule's text in the newest file",
};
