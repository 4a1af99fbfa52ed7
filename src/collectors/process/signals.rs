//! What is judged on processes.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// How several are told apart.
const GROUP: &str = "{groupname}";

/// What a group shows of itself, whatever it is known by.
const TABLE: &str = "curl -s http://127.0.0.1:10188/debug/process/process | head -30; ps -eo pid,ppid,stat,lstart,rss,args --sort=-start_time | head -30";

const ITEM: &[&str] = &["groupname"];

pub static SIGNALS: &[Signal] =
    &[UP, MISSING, LACKING, SURPLUS, MEMORY, LISTENER, FILES, ZOMBIE, BLOCKED, RESTARTS];

const UP: Signal = Signal {
    name: "up",
    alert: "ProcessesUnreadable",
    measure: level("stack_target_up").select(&[Match::is("area", &["process"])]),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "the machine is there, since we run on it; only we cannot see it"),
    critical: Default::off("blindness of ours wakes nobody"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["H02"],
    title: Sentence::new("The exporter cannot read which processes run"),
    many: None,
    clear: Sentence::new("The exporter reads which processes run again"),
    what: "",
    hint: "no process that must run is watched meanwhile",
    next: Sentence::new(
        "ls -ld /proc /proc/1; grep ' /proc ' /proc/mounts; curl -s http://127.0.0.1:10188/debug/process/process | head -12",
    ),
};

const MISSING: Signal = Signal {
    name: "missing",
    alert: "ProcessMissing",
    measure: level("stack_process_up"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("see critical"),
    critical: Default::guide(1.0, "H02"),
    advice: None,
    // A restart takes its time; and no sooner than a service that is down, which mutes it, is told.
    hold: Hold::both(Duration::from_mins(2)),
    item: ITEM,
    requirements: &["H01", "H02", "H03", "R04"],
    title: Sentence::new("No process of {groupname} runs"),
    many: Many::of("{count} programs do not run", GROUP),
    clear: Sentence::new("{groupname} runs again"),
    what: "",
    hint: "it has ended and was not started again, or it is known by something that has changed",
    next: Sentence::new(TABLE),
};

const LACKING: Signal = Signal {
    name: "lacking",
    alert: "ProcessTooFew",
    measure: level("stack_process_lacking").and("stack_process_up", Direction::Above, 0.0, ITEM),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "the configuration says how many there must be"),
    critical: Default::off("the others go on working"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: ITEM,
    requirements: &["H02"],
    title: Sentence::new("{groupname} has fewer processes than it should"),
    many: Many::of("{count} programs have fewer processes than they should", GROUP),
    clear: Sentence::new("{groupname} has enough processes again"),
    what: "Processes that are missing",
    hint: "a worker has ended and its parent has not started another",
    next: Sentence::new(TABLE),
};

const SURPLUS: Signal = Signal {
    name: "surplus",
    alert: "ProcessTooMany",
    measure: level("stack_process_surplus"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "the configuration says how many there may be"),
    critical: Default::off("more than enough work"),
    advice: None,
    // A rolling restart has both for a while.
    hold: Hold::both(Duration::from_mins(5)),
    item: ITEM,
    requirements: &["H02"],
    title: Sentence::new("{groupname} has more processes than it should"),
    many: Many::of("{count} programs have more processes than they should", GROUP),
    clear: Sentence::new("{groupname} has no more processes than it should"),
    what: "Processes too many",
    hint: "it was started twice, or an old one has not ended: two bots take each other's messages",
    next: Sentence::new(TABLE),
};

const MEMORY: Signal = Signal {
    name: "memory",
    alert: "ProcessMemoryHigh",
    measure: level("namedprocess_namegroup_memory_bytes")
        .select(&[Match::is("memtype", &["resident"])])
        .sum_by(ITEM)
        .per("stack_process_memory_limit_bytes", ITEM),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(1.0, "H03"),
    critical: Default::off("the memory of the host is watched by itself"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: ITEM,
    requirements: &["H02", "H03", "R04", "R05"],
    title: Sentence::new("{groupname} has more memory than it should"),
    many: Many::of("{count} programs have more memory than they should", GROUP),
    clear: Sentence::new("{groupname} has no more memory than it should"),
    what: "Resident memory as part of what the configuration allows",
    hint: "what grows without end is a leak: it comes back after a restart, at the same pace",
    next: Sentence::new("ps -eo pid,rss,etime,args --sort=-rss | head -15; free -m"),
};

const LISTENER: Signal = Signal {
    name: "listener",
    alert: "ProcessNotListening",
    measure: level("stack_listener_up"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("see critical"),
    critical: Default::guide(1.0, "B06"),
    advice: None,
    // A program that loads a model first takes its time.
    hold: Hold::both(Duration::from_mins(2)),
    item: &["groupname", "port"],
    requirements: &["B06"],
    title: Sentence::new("{groupname} does not listen on port {port}[ of {address}]"),
    many: Many::of("{count} ports are not listened on", "{port} of {groupname}[ ({address})]"),
    clear: Sentence::new("{groupname} listens on port {port}[ of {address}] again"),
    what: "",
    hint: "it does not run, has not come up, or somebody else has taken the port",
    next: Sentence::new(
        "ss -ltnp 'sport = :{port}'; curl -s http://127.0.0.1:10188/debug/process/process | head -30",
    ),
};

const FILES: Signal = Signal {
    name: "files",
    alert: "ProcessFilesLow",
    measure: level("namedprocess_namegroup_worst_fd_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.8, "what leaks descriptors goes on to do so: there is time to act"),
    critical: Default::ours(0.95, "without any it can open no file and take no connection"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: ITEM,
    requirements: &["R04", "R05"],
    title: Sentence::new("A process of {groupname} has nearly as many files open as it may"),
    many: Many::of("{count} programs have nearly as many files open as they may", GROUP),
    clear: Sentence::new("The processes of {groupname} may open files again"),
    what: "Open files as part of the limit",
    hint: "connections or files are not closed, or the limit of 1024 is too low for its work",
    next: Sentence::new(
        "for p in /proc/[0-9]*; do echo $(ls $p/fd 2>/dev/null | wc -l) $p $(cat $p/comm); done | sort -rn | head",
    ),
};

const ZOMBIE: Signal = Signal {
    name: "zombie",
    alert: "ProcessZombie",
    measure: level("stack_process_zombie_age_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(600.0, "a parent that asks at all has asked by then"),
    critical: Default::off("a zombie takes nothing but its number"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: ITEM,
    requirements: &["H02"],
    title: Sentence::new("{groupname} does not ask about a process of its own that has ended"),
    many: Many::of(
        "{count} programs do not ask about processes of their own that have ended",
        GROUP,
    ),
    clear: Sentence::new("{groupname} has no ended processes that nobody has asked about"),
    what: "Age of the oldest zombie",
    hint: "its parent hangs, or never waits; numbers of processes are used up one by one",
    next: Sentence::new("ps -eo pid,ppid,stat,lstart,comm | awk '$3 ~ /Z/' | head -20"),
};

const BLOCKED: Signal = Signal {
    name: "blocked",
    alert: "ProcessBlocked",
    measure: level("stack_process_blocked_age_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(120.0, "after so long the kernel itself speaks of a hung task"),
    critical: Default::off("what users feel of it is watched where they feel it"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: ITEM,
    requirements: &["R04"],
    title: Sentence::new("A process of {groupname} hangs in the kernel"),
    many: Many::of("{count} programs have processes that hang in the kernel", GROUP),
    clear: Sentence::new("No process of {groupname} hangs in the kernel"),
    what: "Time without getting on",
    hint: "a disk or a network file system does not answer; it cannot even be killed",
    next: Sentence::new(
        "ps -eo pid,stat,wchan:32,args | awk '$2 ~ /D/' | head; dmesg | tail -20; cat /proc/pressure/io",
    ),
};

const RESTARTS: Signal = Signal {
    name: "restarts",
    alert: "ProcessRestartLoop",
    measure: level("stack_process_main_starts_total").increase().and(
        "stack_process_wanted",
        Direction::Above,
        0.0,
        ITEM,
    ),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(3.0, "once is a deployment, twice a mistake in it"),
    critical: Default::off("that it does not run is told by itself"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: ITEM,
    requirements: &["H02", "R04"],
    title: Sentence::new("{groupname} is started again and again"),
    many: Many::of("{count} programs are started again and again", GROUP),
    clear: Sentence::new("{groupname} has not been started again for five minutes"),
    what: "Starts of all of it in five minutes",
    hint: "it ends soon after each start; workers that come and go under one that stays do not count",
    next: Sentence::new(TABLE),
};
