//! Whether the logs are read, all of them, and in time.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Match, Sentence, Signal, Unit, level};

pub const UP: Signal = Signal {
    name: "up",
    alert: "LogsUnreadable",
    measure: level("stack_target_up").select(&[Match::is("area", &["logs"])]),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "a log that is not read looks like a program without errors"),
    critical: Default::off("no user feels that a log is not read"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["L01", "L05", "L10", "L18"],
    title: Sentence::new("A log source cannot be read at all"),
    clear: Sentence::new(""),
    what: "",
    hint: "the folder is not mounted, the program logs elsewhere, or the exporter may not read it",
    next: Sentence::new(
        "ls -l on the folder that the status page shows, as the user of the exporter",
    ),
};

pub const UNREADABLE_FILES: Signal = Signal {
    name: "unreadable_files",
    alert: "LogFileUnreadable",
    measure: level("stack_log_files").select(&[Match::is("state", &["unreadable"])]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "its lines are missing in every count"),
    critical: Default::off("no user feels that a log is not read"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["L01", "L05"],
    title: Sentence::new("Some of the files of a log source cannot be read"),
    clear: Sentence::new(""),
    what: "Files that cannot be read",
    hint: "a new file was created without read access for the exporter",
    next: Sentence::new("ls -l the folder; look at create in the file under /etc/logrotate.d"),
};

pub const LAG: Signal = Signal {
    name: "lag",
    alert: "LogLag",
    measure: level("stack_log_lag_bytes"),
    direction: Direction::Above,
    unit: Unit::Bytes,
    warning: Default::ours(52_428_800.0, "50 MiB are read in a second where nothing hinders"),
    critical: Default::off("the lines come late, they are not lost"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["L01"],
    title: Sentence::new("A log is written faster than it is read"),
    clear: Sentence::new(""),
    what: "Bytes not read yet",
    hint: "a program floods its log, or a rule without a fixed text in it is slow",
    next: Sentence::new("ls -lS the folder; stack-exporter config check names the slow rule"),
};

pub const LAG_TIME: Signal = Signal {
    name: "lag_time",
    alert: "LogLate",
    measure: level("stack_log_lag_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(10.0, "lines are read within a second where nothing hinders"),
    critical: Default::off("the lines come late, they are not lost"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["L01"],
    title: Sentence::new("Lines of a log are read late"),
    clear: Sentence::new(""),
    what: "Age of the oldest bytes that are not read",
    hint: "a slow disk, a flood of lines, or a machine without a free core",
    next: Sentence::new("look at the panel Unread bytes, and at the host's CPU and disk"),
};

pub const DOUBT: Signal = Signal {
    name: "doubt",
    alert: "LogCountsInexact",
    measure: level("stack_log_doubt_total")
        .select(&[Match::is_not("reason", &["truncated", "cut", "value"])])
        .increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "whoever reads the counts must know that they are a lower bound"),
    critical: Default::off("no user feels it"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L05"],
    title: Sentence::new("The counts of a log are a lower bound since something was lost"),
    clear: Sentence::new(""),
    what: "Events of kind {reason} in the last five minutes",
    hint: "lines were gone before they could be read, or the exporter's own memory of them was",
    next: Sentence::new("stack-exporter logs verify; the runbook says what each reason means"),
};

pub const TRUNCATED: Signal = Signal {
    name: "truncated",
    alert: "LogTruncated",
    measure: level("stack_log_doubt_total")
        .select(&[Match::is("reason", &["truncated"])])
        .increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("copytruncate makes one at each rotation"),
    critical: Default::off("see warning"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["L05", "L11"],
    title: Sentence::new("A log file was truncated, and lines may be lost"),
    clear: Sentence::new(""),
    what: "Truncations in the last five minutes",
    hint: "rotate by renaming (create) and not by truncating (copytruncate)",
    next: Sentence::new("look at the file under /etc/logrotate.d"),
};

pub const FILE_SIZE: Signal = Signal {
    name: "file_size",
    alert: "LogFileLarge",
    measure: level("stack_log_largest_file_bytes"),
    direction: Direction::Above,
    unit: Unit::Bytes,
    warning: Default::guide(104_857_600.0, "L17"),
    critical: Default::off("the disk has alerts of its own"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["L17", "L11"],
    title: Sentence::new("A log file is larger than it should be"),
    clear: Sentence::new(""),
    what: "Size of the largest file",
    hint: "nothing rotates it, or the program writes more than it did",
    next: Sentence::new("ls -lS the folder; look for the file under /etc/logrotate.d"),
};

pub const UNSAVED: Signal = Signal {
    name: "state_saved",
    alert: "LogStateUnsaved",
    measure: level("stack_log_state_saved"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "a restart would count what is written until then not or anew"),
    critical: Default::off("counting goes on until the next restart"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["L05"],
    title: Sentence::new("Positions and counts of a log cannot be saved"),
    clear: Sentence::new(""),
    what: "",
    hint: "the disk is full, or the folder of --storage.path cannot be written",
    next: Sentence::new("df -h and ls -ld on the folder that the status page names"),
};
