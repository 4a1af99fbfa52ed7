//! What containers use of what they may, and how well that is seen.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Match, Signal, Unit, level};

pub const MEMORY: Signal = Signal {
    name: "memory",
    alert: "DockerMemoryNearLimit",
    measure: level("stack_container_memory_limit_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(0.9, "C08"),
    critical: Default::off("the kill itself is oom_killed"),
    hold: Duration::from_mins(5),
    requirements: &["C04", "C08"],
    summary: "A container is near its memory limit.",
    subject: "Memory of {{ $labels.name }} in parts of its limit",
    hint: "page cache is not in it: this memory cannot be given back, and soon the kernel kills",
    next: "docker stats --no-stream; docker top NAME",
};

pub const MEMORY_PREDICTED: Signal = Signal {
    name: "memory_predicted",
    alert: "DockerMemoryGrows",
    measure: level("stack_container_memory_limit_ratio").predict(),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(1.0, "C16"),
    critical: Default::off("there are hours left"),
    hold: Duration::from_mins(30),
    requirements: &["C16"],
    summary: "A container will reach its memory limit within four hours.",
    subject: "Memory of {{ $labels.name }} in four hours, in parts of its limit",
    hint: "by the trend of the last hour; a leak, if it never falls again",
    next: "docker stats --no-stream; docker top NAME",
};

pub const CPU: Signal = Signal {
    name: "cpu",
    alert: "DockerCpuNearLimit",
    measure: level("container_cpu_usage_seconds_total")
        .rate()
        .per("stack_container_cpu_limit_cores", &["name"]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(0.8, "C08"),
    critical: Default::off("slowness alone wakes nobody"),
    hold: Duration::from_mins(15),
    requirements: &["C04", "C08"],
    summary: "A container is near its CPU limit.",
    subject: "CPU of {{ $labels.name }} in parts of its limit",
    hint: "it is throttled at the limit and answers late",
    next: "docker stats --no-stream; docker top NAME",
};

pub const THROTTLED: Signal = Signal {
    name: "throttled",
    alert: "DockerThrottled",
    measure: level("container_cpu_cfs_throttled_periods_total")
        .rate()
        .per("container_cpu_cfs_periods_total", &["id"]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.25, "in a quarter of its periods it had to wait"),
    critical: Default::off("slowness alone wakes nobody"),
    hold: Duration::from_mins(15),
    requirements: &["C18"],
    summary: "A container has to wait for CPU time at its limit.",
    subject: "Part of the periods in which {{ $labels.name }} was throttled",
    hint: "its average may look harmless: short bursts meet the limit and answers come late",
    next: "docker stats --no-stream; docker inspect --format '{{.HostConfig.NanoCpus}}' NAME",
};

pub const THREADS: Signal = Signal {
    name: "container_threads",
    alert: "DockerThreadsNearLimit",
    measure: level("container_threads").per("container_threads_max", &["id"]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.8, "at the limit no process can start, health checks included"),
    critical: Default::off("the health check fails then"),
    hold: Duration::from_mins(5),
    requirements: &["C08"],
    summary: "A container is near its limit of processes and threads.",
    subject: "Threads of {{ $labels.name }} in parts of the limit",
    hint: "threads or child processes leak",
    next: "docker top NAME",
};

pub const STATS_AGE: Signal = Signal {
    name: "stats_age",
    alert: "DockerStatsStale",
    measure: level("stack_target_part_age_seconds")
        .select(&[Match::is("area", &["docker"]), Match::is("part", &["stats"])])
        .sum_by(&[]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(35.0, "the figures are then withdrawn"),
    critical: Default::off("state and health are still seen"),
    hold: Duration::from_mins(2),
    requirements: &["C04"],
    summary: "The Docker Engine gives no figures of CPU and memory.",
    subject: "Age of the figures",
    hint: "limits are not watched meanwhile; the Engine is overloaded or its stats calls hang",
    next: "docker stats --no-stream",
};

pub const ENGINE_SLOW: Signal = Signal {
    name: "list_duration",
    alert: "DockerSlow",
    measure: level("stack_docker_list_duration_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(1.0, "it takes milliseconds; what hangs in the Engine shows here first"),
    critical: Default::off("no answer at all is up"),
    hold: Duration::from_mins(5),
    requirements: &["C01"],
    summary: "The Docker Engine answers slowly.",
    subject: "Time that the Engine took for the list of containers",
    hint: "the disk is slow or full, or a container hangs and holds a lock",
    next: "time docker ps; df -h /var/lib/docker; journalctl -u docker -n 50",
};
