//! What rules find, those of the presets by name.

use std::time::Duration;

use super::ONE_LINE;
use crate::catalogue::{Default, Direction, Hold, Match, Sentence, Signal, Unit, level};

const QUIET: (&str, &[Match], &[&str]) = ("stack_log_catching_up", &[], &[]);

pub const RATE_LIMITED: Signal = Signal {
    name: "rate_limited",
    alert: "LogRateLimited",
    measure: level("stack_log_match_run_seconds").select(&[Match::is("rule", &["rate_limit"])]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(120.0, "L02"),
    critical: Default::off("it cures itself, or the quota is spent until tomorrow"),
    advice: None,
    // The run lasts as long as the documented cure before it is breached: no further wait.
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L02"],
    title: Sentence::new("A provider goes on refusing requests for too many of them"),
    clear: Sentence::new(""),
    what: "How long the rate limit has been hit",
    hint: "longer than the one or two minutes it takes to cure itself: a spent quota or a dead key",
    next: Sentence::new(
        "look at the provider's usage page; change to a spare key or a cheaper model",
    ),
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
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["P08"],
    title: Sentence::new("A database says that its data is corrupt"),
    clear: Sentence::new(""),
    what: "Lines about corrupt data in the last five minutes",
    hint: "stop the programs that write before anything else: each write can make it worse",
    next: Sentence::new(
        "docker compose stop the writers; then copy the data directory, and only then repair",
    ),
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
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L24", "L04"],
    title: Sentence::new("A program logs a trouble that its guide names"),
    clear: Sentence::new(""),
    what: "Lines of rule {rule} in the last five minutes",
    hint: "the rule's name says which: a failed migration, missing rights, an exhausted pool, a lock",
    next: Sentence::new(
        "grep for the text of the rule in the newest file; docs/configuration.md has the presets",
    ),
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
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L03"],
    title: Sentence::new("Speech cannot be made"),
    clear: Sentence::new(""),
    what: "Failures of speech synthesis in the last five minutes",
    hint: "the provider's server is not reached from here, or the library is too old for it",
    next: Sentence::new(
        "docker compose exec the program: edge-tts --text test --write-media /dev/null",
    ),
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
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["Q07"],
    title: Sentence::new("Tasks of a worker fail"),
    clear: Sentence::new(""),
    what: "Failed tasks in the last five minutes",
    hint: "the worker's log has the reason and the task's name just around the line",
    next: Sentence::new("docker compose logs --tail 200 worker"),
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
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &[],
    requirements: &["Q07", "L14"],
    title: Sentence::new("Tasks or requests take longer than they should"),
    clear: Sentence::new(""),
    what: "Share of {rule} {split} over its limit",
    hint: "more than one in twenty over the upper end of its range: the 95th percentile is beyond it",
    next: Sentence::new(
        "look at the panel Over the limit; then at what the task waits for: database, provider",
    ),
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
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["Q07"],
    title: Sentence::new("What was begun has not ended within its time"),
    clear: Sentence::new(""),
    what: "Pairs of rule {rule} without an end in the last five minutes",
    hint: "the worker was killed in the middle, or the task hangs",
    next: Sentence::new("docker compose logs --tail 500 worker; look for the last started task"),
};

pub const UNANSWERED: Signal = Signal {
    name: "unanswered",
    alert: "LogRequestUnanswered",
    measure: level("stack_log_pair_waiting_seconds").select(&[Match::is("rule", &["requests"])]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(300.0, "L08"),
    critical: Default::off("set it where nobody else tells that the bot is mute"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L08"],
    title: Sentence::new("A request has had no answer for too long"),
    clear: Sentence::new(""),
    what: "How long the oldest request has been waiting",
    hint: "the bot hangs, or its provider does not answer",
    next: Sentence::new(
        "send it a message; journalctl -u the bot, or docker compose logs --tail 100",
    ),
};

pub const EXPECTED: Signal = Signal {
    name: "expected_line",
    alert: "LogExpectedLineMissing",
    measure: level("stack_log_expected_overdue_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(0.0, "the rule says by when the line must have come"),
    critical: Default::off("set it where the missing line means lost data"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L04", "L09"],
    title: Sentence::new("A line that should have come has not"),
    clear: Sentence::new(""),
    what: "How long the line of rule {rule} is overdue",
    hint: "the job did not run, did not finish, or logs elsewhere",
    next: Sentence::new("look for the job: crontab -l, systemctl list-timers, docker compose ps"),
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
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["Q08"],
    title: Sentence::new("A batch has finished with failed items"),
    clear: Sentence::new(""),
    what: "Failed items of batches in the last five minutes",
    hint: "the worker's log names the reason just before the line of the outcome",
    next: Sentence::new("docker compose logs --tail 200 worker"),
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
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["L22"],
    title: Sentence::new("WebSocket clients keep losing their connection"),
    clear: Sentence::new(""),
    what: "WebSocket disconnects in the last five minutes",
    hint: "a proxy with a short read timeout cuts at 60 s; look at proxy_read_timeout",
    next: Sentence::new("docker compose logs --tail 100 nginx api"),
};

pub const REQUESTS_SILENCE: Signal = Signal {
    name: "requests_silence",
    alert: "LogRequestsSilent",
    measure: level("stack_log_match_silence_seconds").select(&[Match::is("rule", &["requests"])]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::off("set the period in which requests are expected"),
    critical: Default::off("see warning"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L07", "L09"],
    title: Sentence::new("No new requests have come for too long"),
    clear: Sentence::new(""),
    what: "Time since the last request in the log, within the hours of the source",
    hint: "the bot does not receive messages: token, network, or the process hangs",
    next: Sentence::new("systemctl status of the bot; send it a message"),
};

pub const MATCHES: Signal = Signal {
    name: "matches",
    alert: "LogMatches",
    measure: level("stack_log_matches_total").increase().sum_by(&["rule"]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("what a rule's match means is known to whoever wrote the rule"),
    critical: Default::off("see warning"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L02", "L22"],
    title: Sentence::new("A rule has matched lines of a log"),
    clear: Sentence::new(""),
    what: "Matches of {rule} in the last five minutes",
    hint: "the rule and its threshold are configured under the source in logs",
    next: Sentence::new("grep for the rule's text in the newest file"),
};
