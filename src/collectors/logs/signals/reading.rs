//! Whether the logs are read, all of them, and in time.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// Which files, container or journal it is, and what is in the way.
const WHERE: Sentence =
    Sentence::new("curl -s http://127.0.0.1:10188/debug/logs/{target} | head -12; docker ps -a");

/// How far it is read.
const READING: Sentence = Sentence::new(
    "curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E '^(place|gap)|lag|bytes_total'; uptime; df -h",
);

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
    title: Sentence::new("The log {target} cannot be read at all"),
    many: Many::targets("{count} logs cannot be read at all"),
    clear: Sentence::new("The log {target} is read again"),
    what: "",
    hint: "the folder is not mounted, the program logs elsewhere, or the exporter may not read it",
    next: WHERE,
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
    title: Sentence::new("Some files of the log {target} cannot be read"),
    many: Many::targets("{count} logs have files that cannot be read"),
    clear: Sentence::new("All files of the log {target} are read again"),
    what: "Files that cannot be read",
    hint: "a new file was created without read access for the exporter; create in the file under /etc/logrotate.d says with which rights",
    next: WHERE,
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
    title: Sentence::new("The log {target} is written faster than it is read"),
    many: Many::targets("{count} logs are written faster than they are read"),
    clear: Sentence::new("The log {target} is read as fast as it is written again"),
    what: "Bytes not read yet",
    hint: "a program floods its log, or a rule without a fixed text in it is slow: config check names it",
    next: READING,
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
    title: Sentence::new("Lines of the log {target} are read late"),
    many: Many::targets("{count} logs have lines that are read late"),
    clear: Sentence::new("Lines of the log {target} are read in time again"),
    what: "Age of the oldest bytes that are not read",
    hint: "a slow disk, a flood of lines, or a machine without a free core",
    next: READING,
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
    title: Sentence::new(
        "Something of the log {target} was lost ({reason}), so its counts are a lower bound",
    ),
    many: Many::of(
        "{count} kinds of losses make the counts of logs a lower bound",
        "{target}[ ({reason})]",
    ),
    clear: Sentence::new(
        "Nothing more of the log {target} has been lost ({reason}) for five minutes",
    ),
    what: "Losses in five minutes",
    hint: "lines were gone before they could be read, or the memory of the exporter was: the runbook says what each reason means",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/logs/{target} | grep -E '^(place|gap)|doubt|unknown_bytes'; stack-exporter logs verify {target}",
    ),
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
    title: Sentence::new("A file of the log {target} was truncated, and lines may be lost"),
    many: Many::targets("{count} logs have files that were truncated, and lines may be lost"),
    clear: Sentence::new("No file of the log {target} was truncated for five minutes"),
    what: "Truncations in five minutes",
    hint: "rotate by renaming (create) and not by truncating (copytruncate)",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/logs/{target} | head -12; grep -rn -B 8 copytruncate /etc/logrotate.d",
    ),
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
    title: Sentence::new("A file of the log {target} is larger than it should be"),
    many: Many::targets("{count} logs have files that are larger than they should be"),
    clear: Sentence::new("No file of the log {target} is larger than it should be any more"),
    what: "Size of the largest file",
    hint: "nothing rotates it, or the program writes more than it did",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/logs/{target} | head -12; systemctl status logrotate; df -h",
    ),
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
    title: Sentence::new("Positions and counts of the log {target} cannot be saved"),
    many: Many::targets("{count} logs have positions and counts that cannot be saved"),
    clear: Sentence::new("Positions and counts of the log {target} are saved again"),
    what: "",
    hint: "the disk is full, or the folder of --storage.path cannot be written; counting goes on until the exporter stops",
    next: Sentence::new(
        "curl -s http://127.0.0.1:10188/debug/logs/{target} | head -12; df -h /var/lib/stack-exporter; ls -ld /var/lib/stack-exporter",
    ),
};
