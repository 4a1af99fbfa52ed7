//! What is due on the machine one day.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Sentence, Signal, Unit, level};

pub const REBOOT: Signal = Signal {
    name: "reboot_required",
    alert: "HostRebootNeeded",
    measure: level("stack_host_reboot_required"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::off("it waits for a quiet day"),
    critical: Default::off("it waits for a quiet day"),
    advice: Some(Default::ours(
        0.0,
        "what was mended in the kernel holds after the next start only",
    )),
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &["H04"],
    title: Sentence::new("The host has to be started anew"),
    many: None,
    clear: Sentence::new("The host has been started anew"),
    what: "",
    hint: "an update of the kernel or of a library that all use is installed, and not in use yet",
    next: Sentence::new("cat /run/reboot-required.pkgs; uname -r; uptime"),
};

pub const REBOOTED: Signal = Signal {
    name: "rebooted",
    alert: "HostRebooted",
    measure: level("stack_host_uptime_seconds"),
    direction: Direction::Below,
    unit: Unit::Seconds,
    warning: Default::off("what did not come back is told by those who watch it"),
    critical: Default::off("what did not come back is told by those who watch it"),
    advice: Some(Default::ours(900.0, "long enough to be read, and over by itself")),
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["H04"],
    title: Sentence::new("The host was started a short time ago"),
    many: None,
    clear: Sentence::new("The host has been running for a while"),
    what: "Time since the start",
    hint: "if nobody did it, find out why: power, a panic of the kernel, the provider",
    next: Sentence::new("last -x -n 5 reboot shutdown; journalctl -b -1 -n 30 --no-pager"),
};

pub const CLOCK: Signal = Signal {
    name: "clock_sync",
    alert: "HostClockNotSynchronised",
    measure: level("stack_host_clock_sync_age_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(21_600.0, "all of them compare once an hour and more often"),
    critical: Default::off("a clock drifts by some seconds a day"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["H04"],
    title: Sentence::new(
        "The clock of the host has not been compared with others for hours, by {source}",
    ),
    many: crate::catalogue::Many::of(
        "{count} clocks have not been compared with others for hours",
        "{source}",
    ),
    clear: Sentence::new("The clock of the host is compared with others again, by {source}"),
    what: "Time since the last comparison",
    hint: "certificates, log-ins and the order of logs depend on it; port 123 is blocked, or the program has ended",
    next: Sentence::new(
        "timedatectl; systemctl status systemd-timesyncd chrony ntpsec; chronyc tracking",
    ),
};

pub const UPDATES: Signal = Signal {
    name: "security_updates",
    alert: "HostSecurityUpdates",
    measure: level("stack_host_security_updates_pending"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("it waits for a quiet day"),
    advice: Some(Default::ours(0.0, "what was mended there is known to all")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &["H04"],
    title: Sentence::new("Security updates of the host are pending"),
    many: None,
    clear: Sentence::new("The host has all security updates that it knows of"),
    what: "Packages",
    hint: "install them on a quiet day, or let unattended-upgrades do it each night",
    next: Sentence::new(
        "apt list --upgradable 2>/dev/null | grep -i security; systemctl status unattended-upgrades",
    ),
};

pub const LISTS: Signal = Signal {
    name: "package_lists",
    alert: "HostPackageListsOld",
    measure: level("stack_host_package_lists_age_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("it waits for a quiet day"),
    advice: Some(Default::ours(
        1_209_600.0,
        "after two weeks without a look nobody knows what is pending",
    )),
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &["H04"],
    title: Sentence::new("Nobody has looked for security updates of the host for weeks"),
    many: None,
    clear: Sentence::new("Somebody has looked for security updates of the host"),
    what: "Age of the lists",
    hint: "the timer of apt does not run, or its archive cannot be reached",
    next: Sentence::new(
        "systemctl list-timers apt-daily.timer; apt-get update; ls -lt /var/lib/apt/lists | head -5",
    ),
};
