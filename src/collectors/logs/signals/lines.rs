//! What the lines themselves say: their levels, and errors by kind.

use std::time::Duration;

use super::{KINDS, ONE_LINE};
use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

pub const CRITICAL: Signal = Signal {
    name: "critical_lines",
    alert: "LogCriticalLines",
    measure: level("stack_log_lines_total").select(&[Match::is("level", &["critical"])]).increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::guide(0.0, "L06"),
    critical: Default::off(ONE_LINE),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L06", "L23"],
    title: Sentence::new("Critical lines are written into the log {target}"),
    many: Many::targets("{count} logs have critical lines"),
    clear: Sentence::new("No critical line was written into the log {target} for five minutes"),
    what: "Critical lines in five minutes",
    hint: "CRITICAL, FATAL or PANIC: the program itself says that it cannot go on like this",
    next: KINDS,
};

pub const ERROR_LINES: Signal = Signal {
    name: "error_lines",
    alert: "LogErrorLines",
    measure: level("stack_log_lines_total")
        .select(&[Match::is("level", &["error"])])
        .increase()
        .unless("stack_log_catching_up", &[], &[]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off(
        "set it to 0 for a program whose levels end at ERROR, so that nothing is ever critical",
    ),
    critical: Default::off("see warning"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L05", "L06"],
    title: Sentence::new("Lines of level ERROR are written into the log {target}"),
    many: Many::targets("{count} logs have lines of level ERROR"),
    clear: Sentence::new(
        "No line of level ERROR was written into the log {target} for five minutes",
    ),
    what: "Lines of level ERROR in five minutes",
    hint: "the program knows no higher level, so any of them may be what others call critical",
    next: KINDS,
};

pub const ERROR_RATIO: Signal = Signal {
    name: "error_ratio",
    alert: "LogErrorRatio",
    // One error among twenty events, or two, are no share of anything.
    measure: level("stack_log_error_ratio").and(
        "stack_log_recent_errors",
        Direction::Above,
        2.0,
        &[],
    ),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(0.01, "H09"),
    critical: Default::off("what users feel of it is told by probes and status codes"),
    advice: None,
    // Longer than the window, so that one error among few events cannot last that long.
    hold: Hold::both(Duration::from_mins(10)),
    item: &[],
    requirements: &["H09", "L20", "L21"],
    title: Sentence::new("Too many of the events in the log {target} are errors"),
    many: Many::targets("{count} logs have too many errors among their events"),
    clear: Sentence::new("The share of errors in the log {target} is as it should be again"),
    what: "Share of errors in the events of five minutes",
    hint: "three or more in five minutes; mostly one kind makes nine tenths of them: compare its first time with the last deployment",
    next: KINDS,
};

pub const ERROR_BURST: Signal = Signal {
    name: "error_burst",
    alert: "LogErrorBurst",
    measure: level("stack_log_error_burst_ratio"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(4.0, "four times the usual, and never fewer than 20 in five minutes"),
    critical: Default::off(ONE_LINE),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L01", "L06", "L13"],
    title: Sentence::new("Many more errors than usual are written into the log {target}"),
    many: Many::targets("{count} logs have many more errors than usual"),
    clear: Sentence::new("The burst of errors in the log {target} is over"),
    what: "Errors of five minutes, in multiples of the median of the last day",
    hint: "what is usual was learned in at least three hours; compare with the time of the last deployment, and with what the program depends on",
    next: KINDS,
};

pub const NEW_ERROR_GROUP: Signal = Signal {
    name: "new_error_groups",
    alert: "LogNewError",
    measure: level("stack_log_error_groups_new"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(
        0.0,
        "an error that was never seen before is worth a look in the morning",
    ),
    critical: Default::off(ONE_LINE),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L13"],
    title: Sentence::new("Errors that were never seen before stand in the log {target}"),
    many: Many::targets("{count} logs have errors that were never seen before"),
    clear: Sentence::new("No new kind of error has come into the log {target} for ten minutes"),
    what: "Kinds of errors first seen in ten minutes",
    hint: "a new version, new data, or a new way to fail of something the program depends on",
    next: KINDS,
};

pub const SILENCE: Signal = Signal {
    name: "silence",
    alert: "LogSilent",
    measure: level("stack_log_silence_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::off("how long a program may be silent depends on the program"),
    critical: Default::off("see warning"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L09"],
    title: Sentence::new("Nothing has been written into the log {target} for too long"),
    many: Many::targets("{count} logs have had nothing new for too long"),
    clear: Sentence::new("Lines are written into the log {target} again"),
    what: "Time since the last line, within the hours of the source",
    hint: "the program hangs, is gone, or logs elsewhere since its last deployment",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/logs/{target} | head -12; docker ps -a; df -h",
    ),
};

pub const UNRECOGNISED: Signal = Signal {
    name: "unrecognised",
    alert: "LogUnrecognised",
    measure: level("stack_log_unrecognised_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("nothing is broken"),
    advice: Some(Default::ours(
        0.5,
        "errors in such lines are not counted, and 0 errors say nothing",
    )),
    hold: Hold::both(Duration::from_mins(10)),
    item: &[],
    requirements: &["L06"],
    title: Sentence::new(
        "Most lines of the log {target} are in no known form, so their errors are not counted",
    ),
    many: Many::targets(
        "{count} logs are mostly in no known form, so their errors are not counted",
    ),
    clear: Sentence::new("Most lines of the log {target} are recognised again"),
    what: "Share of lines that are not recognised",
    hint: "describe them under `forms:`; or say `format: python` (or another) if they go on what stands before, `format: plain` if lines without a level are meant so",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E '^place|unrecognised'; stack-exporter config check --sample FILE",
    ),
};
