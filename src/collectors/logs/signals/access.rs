//! Requests, from access logs.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// Which log it is, its requests by status, and which containers run.
const REQUESTS: Sentence = Sentence::new(
    "curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E '^place|stack_log_requests_total'; docker ps -a",
);

pub const SERVER_ERRORS: Signal = Signal {
    name: "server_errors",
    alert: "LogServerErrors",
    measure: level("stack_log_request_error_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(0.01, "H09"),
    critical: Default::ours(0.2, "one request in five fails: users feel it"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &[],
    requirements: &["H09", "L21"],
    title: Sentence::new(
        "Too many requests in the log {target} are answered with an error of the server",
    ),
    many: Many::targets(
        "{count} logs have too many requests that are answered with an error of the server",
    ),
    clear: Sentence::new("Requests in the log {target} are answered without so many errors again"),
    what: "Share of status 5xx in the requests of five minutes",
    hint: "502 and 504 mean that the program behind the proxy is gone or slow, 500 that it fails",
    next: REQUESTS,
};

pub const REFUSED: Signal = Signal {
    name: "refused_requests",
    alert: "LogRefusedRequests",
    measure: level("stack_log_requests_total")
        .select(&[Match::is("status", &["401", "403"])])
        .increase()
        .sum_by(&[])
        .unless("stack_log_catching_up", &[], &[]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(20.0, "a burst of refused log-ins; the guide names no number"),
    critical: Default::off("they were refused"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L16"],
    title: Sentence::new("Many requests in the log {target} are refused for want of rights"),
    many: Many::targets("{count} logs have many requests that are refused for want of rights"),
    clear: Sentence::new("Requests in the log {target} are no longer refused so often"),
    what: "Requests answered with 401 or 403 in five minutes",
    hint: "somebody tries passwords, or the key of a client has expired: count the addresses in the newest file",
    next: REQUESTS,
};

pub const SLOW: Signal = Signal {
    name: "slow_requests",
    alert: "LogSlowRequests",
    measure: level("stack_log_request_p95_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(0.5, "H08"),
    critical: Default::off("slow is not down"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &[],
    requirements: &["H08", "L14", "L21"],
    title: Sentence::new("Requests in the log {target} take too long"),
    many: Many::targets("{count} logs have requests that take too long"),
    clear: Sentence::new("Requests in the log {target} no longer take too long"),
    what: "Time within which 95 % of the requests of five minutes were answered",
    hint: "a slow query, a busy worker pool, or a provider that answers late",
    next: Sentence::new(
        "docker stats --no-stream; uptime; curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E '^place|stack_log_request_'",
    ),
};

pub const BUSIEST: Signal = Signal {
    name: "busiest_client",
    alert: "LogBusyClient",
    measure: level("stack_log_busiest_client_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::off("behind a proxy all requests come from one address"),
    critical: Default::off("see warning"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &[],
    requirements: &["L16"],
    title: Sentence::new("One client makes most of the requests in the log {target}"),
    many: Many::targets("{count} logs have one client that makes most of the requests"),
    clear: Sentence::new("No client makes most of the requests in the log {target} any more"),
    what: "Share of the busiest address in the requests of five minutes",
    hint: "a crawler, a client in a loop, or somebody who tries passwords; limit_req in nginx slows one down",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E '^place|client'",
    ),
};
