//! Disks, links and sensors, and what of the kernel's places can run out.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Measure, Sentence, Signal, Unit, level};

pub const FULL_IN: Signal = Signal {
    name: "disk_full_in",
    alert: "HostDiskFillsUp",
    // Half an empty disk that fills is a new disk.
    measure: level("stack_host_filesystem_full_in_seconds").and(
        "stack_host_filesystem_used_ratio",
        Direction::Above,
        0.5,
        &["mountpoint"],
    ),
    direction: Direction::Below,
    unit: Unit::Seconds,
    warning: Default::guide(86_400.0, "H04"),
    critical: Default::ours(7200.0, "what writes to it stops before the morning"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &["mountpoint"],
    requirements: &["H04", "H10"],
    title: Sentence::new("The file system at {mountpoint} ({device}) will be full soon"),
    many: Many::at_once(
        "{count} file systems will be full soon",
        "{mountpoint}",
        "df -h {mountpoint}; docker system df",
    ),
    clear: Sentence::new("The file system at {mountpoint} ({device}) no longer fills up"),
    what: "Time left at the speed of the last hours",
    hint: "something has written steadily for hours: look for what has grown",
    next: Sentence::new(
        "df -h {mountpoint}; find {mountpoint} -xdev -type f -mmin -360 -size +100M -exec ls -lh {} +",
    ),
};

pub const READ_ONLY: Signal = Signal {
    name: "disk_readonly",
    alert: "HostDiskReadOnly",
    measure: level("stack_host_filesystem_turned_readonly"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::off("the critical alert says it"),
    critical: Default::ours(
        0.0,
        "the kernel has closed it after errors: nothing is stored any more",
    ),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &["mountpoint"],
    requirements: &["H04"],
    title: Sentence::new("The file system at {mountpoint} ({device}) can no longer be written to"),
    many: Many::of("{count} file systems can no longer be written to", "{mountpoint}"),
    clear: Sentence::new("The file system at {mountpoint} ({device}) can be written to again"),
    what: "",
    hint: "mostly the disk fails: save what matters before anything else",
    next: Sentence::new(
        "dmesg -T | grep -iE 'error|remount|I/O' | tail -20; grep ' {mountpoint} ' /proc/mounts",
    ),
};

pub const ARRAY: Signal = Signal {
    name: "array_degraded",
    alert: "HostArrayDegraded",
    measure: level("stack_host_array_disks_missing"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("the critical alert says it"),
    critical: Default::ours(0.0, "the next disk that fails may take the data with it"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &["device"],
    requirements: &["H04"],
    title: Sentence::new("The array {device} lacks disks"),
    many: Many::of("{count} arrays lack disks", "{device}"),
    clear: Sentence::new("The array {device} is whole again"),
    what: "Disks that it lacks",
    hint: "see that the newest backup is good, then replace the disk",
    next: Sentence::new("cat /proc/mdstat; mdadm --detail /dev/{device}; dmesg -T | tail -20"),
};

pub const HOT: Signal = Signal {
    name: "temperature",
    alert: "HostHot",
    measure: level("node_hwmon_temp_celsius")
        .per("node_hwmon_temp_crit_celsius", &["chip", "sensor"]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.9, "near the limit that the chip itself calls critical"),
    critical: Default::off("the chip slows itself down, and switches off before it breaks"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["chip", "sensor"],
    requirements: &["H04"],
    title: Sentence::new("The chip {chip} ({sensor}) is nearly too hot"),
    many: Many::of("{count} sensors are nearly too hot", "{chip} {sensor}"),
    clear: Sentence::new("The chip {chip} ({sensor}) has cooled down"),
    what: "Temperature in parts of its critical limit",
    hint: "a fan that stands still, dust, a warm room, or work without end",
    next: Sentence::new(
        "sensors; grep -r . /sys/class/hwmon/*/temp*_input; top -b -n 1 | head -15",
    ),
};

const fn share(errors: &'static str, packets: &'static str) -> Measure {
    level(errors).rate().per(packets, &["device"])
}

pub const RECEIVE: Signal = Signal {
    name: "network_receive_errors",
    alert: "HostNetworkReceiveErrors",
    measure: share("node_network_receive_errs_total", "node_network_receive_packets_total"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.01, "one packet of a hundred arrives broken: connections stutter"),
    critical: Default::off("what is felt of it is told by probes"),
    advice: None,
    hold: Hold::both(Duration::from_mins(30)),
    item: &["device"],
    requirements: &["H10"],
    title: Sentence::new("Packets arrive broken at {device}"),
    many: Many::of("{count} interfaces get broken packets", "{device}"),
    clear: Sentence::new("Packets arrive whole at {device} again"),
    what: "Share of the packets that was broken",
    hint: "a cable, a port of the switch, or the card",
    next: Sentence::new(
        "ip -s -s link show {device}; ethtool {device}; dmesg | grep {device} | tail",
    ),
};

pub const TRANSMIT: Signal = Signal {
    name: "network_transmit_errors",
    alert: "HostNetworkTransmitErrors",
    measure: share("node_network_transmit_errs_total", "node_network_transmit_packets_total"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.01, "one packet of a hundred does not get out: connections stutter"),
    critical: Default::off("what is felt of it is told by probes"),
    advice: None,
    hold: Hold::both(Duration::from_mins(30)),
    item: &["device"],
    requirements: &["H10"],
    title: Sentence::new("Packets do not get out at {device}"),
    many: Many::of("{count} interfaces cannot send all packets", "{device}"),
    clear: Sentence::new("Packets get out at {device} again"),
    what: "Share of the packets that was not sent",
    hint: "a cable, a port of the switch, or the card",
    next: Sentence::new(
        "ip -s -s link show {device}; ethtool {device}; dmesg | grep {device} | tail",
    ),
};

pub const CONNTRACK: Signal = Signal {
    name: "conntrack",
    alert: "HostConntrackFull",
    measure: level("node_nf_conntrack_entries").per("node_nf_conntrack_entries_limit", &[]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.75, "time enough to look for who opens so many"),
    critical: Default::ours(0.95, "new connections are lost without a word at 100 %"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["H10"],
    title: Sentence::new("The host can keep track of few more network connections"),
    many: None,
    clear: Sentence::new("The host can keep track of its network connections again"),
    what: "Used part of the table of connections",
    hint: "clients that do not close, an attack, or a limit that is too low for the load",
    next: Sentence::new(
        "sysctl net.netfilter.nf_conntrack_count net.netfilter.nf_conntrack_max; ss -s; dmesg | grep conntrack | tail -3",
    ),
};

pub const FILES: Signal = Signal {
    name: "open_files",
    alert: "HostFilesNearLimit",
    measure: level("node_filefd_allocated").per("node_filefd_maximum", &[]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.7, "some program does not close what it opens"),
    critical: Default::ours(0.9, "at 100 % no program can open a file or a connection"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["H04"],
    title: Sentence::new("The host can open few more files"),
    many: None,
    clear: Sentence::new("The host can open more files again"),
    what: "Used part of the files that can be open",
    hint: "a program that leaks: the one with the most open files",
    next: Sentence::new(
        "cat /proc/sys/fs/file-nr; for p in /proc/[0-9]*; do echo $(ls $p/fd 2>/dev/null | wc -l) $p; done | sort -n | tail -5",
    ),
};
