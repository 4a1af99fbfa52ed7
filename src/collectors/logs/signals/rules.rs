//! What rules find, those of the presets by name.

use std::time::Duration;

use super::{KINDS, ONE_LINE};
use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

const QUIET: (&str, &[Match], &[&str]) = ("stack_log_catching_up", &[], &[]);

/// Where the lines are, how often each rule has matched, and the errors by kind.
const MATCHES_NOW: Sentence = Sentence::new(
    "curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E '^place|matches_total'; curl -s http://127.0.0.1:10188/api/v1/details/logs/{target} | jq .errors",
);

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
    title: Sentence::new("A provider goes on refusing requests of {target} for too many of them"),
    many: Many::targets(
        "{count} logs tell of providers that go on refusing requests for too many of them",
    ),
    clear: Sentence::new("No provider refuses requests of {target} for too many of them any more"),
    what: "How long the rate limit has been hit",
    hint: "longer than the minutes it takes to cure itself: a spent quota or a dead key; see the usage page of the provider, change to a spare key or a cheaper model",
    next: MATCHES_NOW,
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
    title: Sentence::new("The log {target} says that data of a database is corrupt"),
    many: Many::targets("{count} logs tell of corrupt data in databases"),
    clear: Sentence::new(
        "The log {target} has said nothing of corrupt data for five minutes; what was damaged still is",
    ),
    what: "Lines about corrupt data in five minutes",
    hint: "stop the programs that write before anything else: each write can make it worse; then copy the data folder, and only then repair",
    next: Sentence::new(
        "dmesg -T | grep -iE 'i/o error|medium error|nvme|ext4|xfs' | tail -20; df -h; docker ps",
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
                "connections_exhausted",
                "deadlock",
                "nginx_critical",
                "permission_denied",
                "pool_exhausted",
                "sync_api_error",
                "sync_locked",
                "sync_row_error",
                "task_unknown",
                "worker_connections",
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
    item: &["rule"],
    requirements: &["L24", "L04"],
    title: Sentence::new("The log {target} tells of a trouble (rule {rule})"),
    many: Many::of("{count} rules have found troubles in logs", "{rule} in {target}"),
    clear: Sentence::new(
        "The log {target} has told of no such trouble for five minutes (rule {rule})",
    ),
    what: "Lines in five minutes",
    hint: "the rule names it: a failed migration, missing rights, no free connections, one that fails, a deadlock, a task that the worker does not know, a row or a call in error, a proxy in need",
    next: MATCHES_NOW,
};

pub const REFUSED_BY_PROVIDER: Signal = Signal {
    name: "provider_refused",
    alert: "LogProviderRefuses",
    measure: level("stack_log_matches_total")
        .select(&[Match::is("rule", &["quota", "api_key"])])
        .increase()
        .sum_by(&["rule"]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::guide(0.0, "L02"),
    critical: Default::off(ONE_LINE),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &["rule"],
    requirements: &["L02"],
    title: Sentence::new("A provider refuses {target} until somebody acts (rule {rule})"),
    many: Many::of("{count} kinds of refusals last until somebody acts", "{rule} in {target}"),
    clear: Sentence::new("No provider has refused {target} for five minutes (rule {rule})"),
    what: "Refusals in five minutes",
    hint: "quota: what was paid for is used up; api_key: the key is wrong, expired or revoked. Neither cures itself, and each request fails: see the page of the provider",
    next: MATCHES_NOW,
};

pub const UPSTREAM: Signal = Signal {
    name: "upstream_failures",
    alert: "LogUpstreamFails",
    measure: level("stack_log_matches_total")
        .select(&[Match::is("rule", &["upstream_failed", "upstream_timed_out"])])
        .increase()
        .sum_by(&["rule"])
        .unless(QUIET.0, QUIET.1, QUIET.2),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(5.0, "a deployment costs a few; the guide names no number"),
    critical: Default::off("whether users get answers is told by probes and status codes"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["rule"],
    requirements: &["L16", "L21"],
    title: Sentence::new(
        "Proxy {target} cannot get answers from the program behind it (rule {rule})",
    ),
    many: Many::of("{count} kinds of requests get no answer behind a proxy", "{rule} in {target}"),
    clear: Sentence::new(
        "Proxy {target} gets answers from the program behind it again (rule {rule})",
    ),
    what: "Failed requests to it in five minutes",
    hint: "upstream_failed: it is down, restarts, or closes connections; upstream_timed_out: it hangs or is slow. Its users see 502 or 504",
    next: Sentence::new(
        "docker ps -a; curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E '^place|matches_total'",
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
    title: Sentence::new("Speech cannot be made by {target}"),
    many: Many::targets("{count} programs cannot make speech"),
    clear: Sentence::new("The failures of speech synthesis of {target} are over"),
    what: "Failures of speech synthesis in five minutes",
    hint: "the server of the provider is not reached from here, or the library is too old for it",
    next: Sentence::new(
        "curl -sI -m 10 https://speech.platform.bing.com | head -1; date; docker ps -a",
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
    title: Sentence::new("Tasks of {target} fail"),
    many: Many::targets("{count} logs have tasks that fail"),
    clear: Sentence::new("No task of {target} has failed for five minutes"),
    what: "Failed tasks in five minutes",
    hint: "the log of the worker has the reason and the name of the task just around the line",
    next: KINDS,
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
    item: &["rule"],
    requirements: &["Q07", "L14"],
    title: Sentence::new("{rule}[ {split}] of {target} too often takes longer than its limit"),
    many: Many::of(
        "{count} kinds of tasks too often take longer than their limit",
        "{rule}[ {split}] of {target}",
    ),
    clear: Sentence::new("{rule}[ {split}] of {target} keeps to its limit again"),
    what: "Share that took longer than its limit in five minutes",
    hint: "more than one in twenty over the upper end of its range: see what it waits for, the database or a provider",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E 'value_(over_limit|observations)_total'; docker stats --no-stream",
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
    item: &["rule"],
    requirements: &["Q07"],
    title: Sentence::new("What was begun in {target} has not ended within its time (rule {rule})"),
    many: Many::of(
        "{count} kinds of work were begun and have not ended within their time",
        "{rule} in {target}",
    ),
    clear: Sentence::new(
        "Nothing that was begun in {target} has run out of its time for five minutes (rule {rule})",
    ),
    what: "Begun and not ended in five minutes",
    hint: "the worker was killed in the middle, or the task hangs",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E '^place|pair'; docker ps -a",
    ),
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
    title: Sentence::new("A request to {target} has had no answer for too long"),
    many: Many::targets("{count} logs have requests that have had no answer for too long"),
    clear: Sentence::new("Requests to {target} are answered again"),
    what: "How long the oldest request has been waiting",
    hint: "the bot hangs, or its provider does not answer: send it a message and see",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/api/v1/details/logs/{target} | jq .errors; docker ps -a",
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
    item: &["rule"],
    requirements: &["L04", "L09"],
    title: Sentence::new("A line that {target} should have written has not come (rule {rule})"),
    many: Many::of("{count} expected lines have not come", "{rule} in {target}"),
    clear: Sentence::new("The line that {target} should write is no longer overdue (rule {rule})"),
    what: "How long it is overdue",
    hint: "the job did not run, did not finish, or logs elsewhere",
    next: Sentence::new("crontab -l; ls /etc/cron.d; systemctl list-timers; docker ps -a"),
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
    title: Sentence::new("A batch of {target} has finished with failed items[ ({split})]"),
    many: Many::of("{count} kinds of batches end with failed items", "{target}[ ({split})]"),
    clear: Sentence::new(
        "No batch of {target} has finished with failed items for five minutes[ ({split})]",
    ),
    what: "Failed items in five minutes",
    hint: "the log of the worker names the reason just before the line of the outcome",
    next: KINDS,
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
    title: Sentence::new("WebSocket clients of {target} keep losing their connection"),
    many: Many::targets("{count} logs have WebSocket clients that keep losing their connection"),
    clear: Sentence::new("WebSocket clients of {target} keep their connection again"),
    what: "Disconnects in five minutes",
    hint: "a proxy with a short read timeout cuts at 60 s: look at proxy_read_timeout",
    next: Sentence::new("grep -rn proxy_read_timeout /etc/nginx; docker ps -a"),
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
    title: Sentence::new("No new request has come to {target} for too long"),
    many: Many::targets("{count} programs have had no new request for too long"),
    clear: Sentence::new("Requests come to {target} again"),
    what: "Time since the last request in the log, within the hours of the source",
    hint: "the bot does not receive messages: token, network, or the process hangs; send it one and see",
    next: Sentence::new(
        "curl -sI -m 10 https://api.telegram.org | head -1; docker ps -a; systemctl --failed",
    ),
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
    item: &["rule"],
    requirements: &["L02", "L22"],
    title: Sentence::new("Rule {rule} has matched lines of the log {target}"),
    many: Many::of("{count} rules have matched lines of logs", "{rule} in {target}"),
    clear: Sentence::new("Rule {rule} no longer matches too many lines of the log {target}"),
    what: "Matches in five minutes",
    hint: "the rule and its threshold are configured under the source in logs",
    next: MATCHES_NOW,
};
