//! What the machine waits for: memory, disks, CPU time that others have.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

pub const MEMORY: Signal = Signal {
    name: "memory_pressure",
    alert: "HostMemoryPressure",
    measure: level("node_pressure_memory_stalled_seconds_total").rate(),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.1, "all programs stand still for a tenth of the time: users feel it"),
    critical: Default::off("what no longer answers is told by probes and health checks"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["H06"],
    title: Sentence::new("The programs of the host stand still for want of memory"),
    many: None,
    clear: Sentence::new("The programs of the host no longer wait for memory"),
    what: "Time in which all that had work waited for memory",
    hint: "the kernel moves memory to and fro instead of working: something has grown beyond what there is",
    next: Sentence::new(
        "cat /proc/pressure/memory; free -m; ps -eo pid,rss,etime,args --sort=-rss | head -10",
    ),
};

pub const IO: Signal = Signal {
    name: "io_pressure",
    alert: "HostIoPressure",
    measure: level("node_pressure_io_stalled_seconds_total").rate(),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.3, "a dump or a build does it for minutes; for longer it is felt"),
    critical: Default::off("what no longer answers is told by probes and health checks"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["H04"],
    title: Sentence::new("The programs of the host stand still for want of their disks"),
    many: None,
    clear: Sentence::new("The programs of the host no longer wait for their disks"),
    what: "Time in which all that had work waited for a disk",
    hint: "look for who reads and writes: a backup, a database without memory, a disk that fails",
    next: Sentence::new("cat /proc/pressure/io; docker stats --no-stream; dmesg | tail -20"),
};

pub const OOM: Signal = Signal {
    name: "oom_kills",
    alert: "HostOomKills",
    measure: level("node_vmstat_oom_kill").increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "the kernel has killed a program to get memory"),
    critical: Default::off("what is down for it is told by those who watch it"),
    advice: None,
    // Who has killed it is known to Docker some seconds later.
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["H06"],
    title: Sentence::new("The kernel has killed programs for want of memory"),
    many: None,
    clear: Sentence::new("The kernel has killed no more programs for want of memory"),
    what: "Kills",
    hint: "the log of the kernel names them, and whether the host or one control group had no memory left",
    next: Sentence::new("dmesg -T | grep -iE 'oom|killed process' | tail -10; free -m"),
};

pub const SWAP: Signal = Signal {
    name: "swapping",
    alert: "HostSwapping",
    // Swap that is full of what nobody uses is well, and so is a page now and then.
    measure: level("node_vmstat_pswpin").rate().and(
        "stack_host_swap_used_ratio",
        Direction::Above,
        0.5,
        &[],
    ),
    direction: Direction::Above,
    unit: Unit::Rate,
    warning: Default::ours(100.0, "400 kB a second come back from a swap that is half full"),
    critical: Default::off("what no longer answers is told by probes and health checks"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &[],
    requirements: &["H06"],
    title: Sentence::new("The host swaps, and its swap fills up"),
    many: None,
    clear: Sentence::new("The host no longer swaps"),
    what: "Pages that come back from swap",
    hint: "programs wait for what was theirs: together they need more memory than there is",
    next: Sentence::new(
        "free -m; vmstat 1 5; grep -H VmSwap /proc/[0-9]*/status | sort -n -k 2 | tail -5",
    ),
};

pub const IOWAIT: Signal = Signal {
    name: "iowait",
    alert: "HostCpuWaitsForDisks",
    measure: level("node_cpu_seconds_total")
        .select(&[Match::is("mode", &["iowait"])])
        .rate()
        .sum_by(&[])
        .per("stack_host_cpu_cores", &[]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.4, "nearly half of the cores have nothing else to do than to wait"),
    critical: Default::off("a slow disk wakes nobody; what it delays is told"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["H04"],
    title: Sentence::new("The cores of the host wait for disks"),
    many: None,
    clear: Sentence::new("The cores of the host no longer wait for disks"),
    what: "Part of the cores' time that is waiting",
    hint: "look for who reads and writes; a disk that fails is slow first",
    next: Sentence::new(
        "vmstat 1 5; ps -eo pid,stat,wchan:20,args | grep ' D' | head; dmesg | tail -20",
    ),
};

pub const STEAL: Signal = Signal {
    name: "steal",
    alert: "HostCpuStolen",
    measure: level("node_cpu_seconds_total")
        .select(&[Match::is("mode", &["steal"])])
        .rate()
        .sum_by(&[])
        .per("stack_host_cpu_cores", &[]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.1, "a tenth of what is paid for is not there"),
    critical: Default::off("nothing can be done about it at night"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["H05"],
    title: Sentence::new("The hypervisor gives the host's CPU time to others"),
    many: None,
    clear: Sentence::new("The host gets its CPU time again"),
    what: "Part of the cores' time that others got",
    hint: "the provider has sold more than there is, or a budget of bursts is used up",
    next: Sentence::new("vmstat 1 5; uptime"),
};

pub const QUEUE: Signal = Signal {
    name: "disk_queue",
    alert: "HostDiskSaturated",
    // That one request is under way all the time says nothing of a disk that can do many.
    measure: level("node_disk_io_time_weighted_seconds_total").rate(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(10.0, "ten requests are in line on average, for half an hour"),
    critical: Default::off("what it delays is told"),
    advice: None,
    hold: Hold::both(Duration::from_mins(30)),
    item: &["device"],
    requirements: &["H04", "H10"],
    title: Sentence::new("The disk {device} has more requests than it can serve"),
    many: Many::of("{count} disks have more requests than they can serve", "{device}"),
    clear: Sentence::new("The disk {device} keeps up again"),
    what: "Requests in line",
    hint: "a backup or an index build is over soon; a database that no longer fits into memory is not",
    next: Sentence::new(
        "grep -w {device} /proc/diskstats; docker stats --no-stream; dmesg | grep {device} | tail",
    ),
};
