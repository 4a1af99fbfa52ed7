//! What is judged on logs. A single line wakes nobody, but for a database that says that it is
//! corrupt; and what is not read, or not exactly, is told before anything is concluded from it.

mod access;
mod lines;
mod reading;
mod rules;

use crate::catalogue::{Sentence, Signal};

/// Why no log signal but one has a critical threshold by default.
const ONE_LINE: &str = "a line in a log alone wakes nobody";

/// The errors of the source by kind, the most frequent first, whatever the source is.
const KINDS: Sentence =
    Sentence::new("curl -s http://127.0.0.1:10188/api/v1/details/logs/{target} | jq .errors");

pub static SIGNALS: &[Signal] = &[
    reading::UP,
    reading::UNREADABLE_FILES,
    reading::LAG,
    reading::LAG_TIME,
    reading::DOUBT,
    reading::TRUNCATED,
    reading::FILE_SIZE,
    reading::UNSAVED,
    lines::CRITICAL,
    lines::ERROR_LINES,
    lines::ERROR_RATIO,
    lines::ERROR_BURST,
    lines::NEW_ERROR_GROUP,
    lines::SILENCE,
    lines::UNRECOGNISED,
    rules::RATE_LIMITED,
    rules::CORRUPTION,
    rules::TROUBLE,
    rules::REFUSED_BY_PROVIDER,
    rules::UPSTREAM,
    rules::TTS,
    rules::TASK_FAILED,
    rules::TASK_SLOW,
    rules::UNFINISHED,
    rules::UNANSWERED,
    rules::EXPECTED,
    rules::BATCH_FAILURES,
    rules::WEBSOCKET_DISCONNECTS,
    rules::REQUESTS_SILENCE,
    rules::MATCHES,
    access::SERVER_ERRORS,
    access::REFUSED,
    access::SLOW,
    access::BUSIEST,
];
