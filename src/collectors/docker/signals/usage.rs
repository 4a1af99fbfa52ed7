//! What containers use of what they may, and how well that is seen.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Sentence, Signal, Unit, level};

pub const MEMORY: Signal = Signal {
    name: "memory",
    alert: "DockerMemoryNearLimit",
    measure: level("stack_container_memory_limit_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(0.9, "C08"),
    critical: Default::off("the kill itself is oom_killed"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["C04", "C08"],
    title: Sentence::new("A container is near its memory limit"),
    clear: Sentence::new(""),
    what: "Memory of {name} in parts of its limit",
    hint: "page cache is not in it: this memory cannot be given back, and soon the kernel kills",
    next: Sentence::new("docker stats --no-stream; docker top NAME"),
};

pub const MEMORY_PREDICTED: Signal = Signal {
    name: "memory_predicted",
    alert: "DockerMemoryGrows",
    measure: level("stack_container_memory_limit_ratio").predict(),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(1.0, "C16"),
    critical: Default::off("there are hours left"),
    advice: None,
    hold: Hold::both(Duration::from_mins(30)),
    item: &[],
    requirements: &["C16"],
    title: Sentence::new("A container will reach its memory limit within four hours"),
    clear: Sentence::new(""),
    what: "Memory of {name} in four hours, in parts of its limit",
    hint: "by the trend of the last hour; a leak, if it never falls again",
    next: Sentence::new("docker stats --no-stream; docker top NAME"),
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
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["C04", "C08"],
    title: Sentence::new("A container is near its CPU limit"),
    clear: Sentence::new(""),
    what: "CPU of {name} in parts of its limit",
    hint: "it is throttled at the limit and answers late",
    next: Sentence::new("docker stats --no-stream; docker top NAME"),
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
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["C18"],
    title: Sentence::new("A container has to wait for CPU time at its limit"),
    clear: Sentence::new(""),
    what: "Part of the periods in which {name} was throttled",
    hint: "its average may look harmless: short bursts meet the limit and answers come late",
    next: Sentence::new(
        "docker stats --no-stream; docker inspect --format '{{.HostConfig.NanoCpus}}' NAME",
    ),
};

pub const THREADS: Signal = Signal {
    name: "container_threads",
    alert: "DockerThreadsNearLimit",
    measure: level("container_threads").per("container_threads_max", &["id"]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.8, "at the limit no process can start, health checks included"),
    critical: Default::off("the health check fails then"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["C08"],
    title: Sentence::new("A container is near its limit of processes and threads"),
    clear: Sentence::new(""),
    what: "Threads of {name} in parts of the limit",
    hint: "threads or child processes leak",
    next: Sentence::new("docker top NAME"),
};

pub const STATS_AGE: Signal = Signal {
    name: "stats_age",
    alert: "DockerStatsStale",
    measure: level("stack_docker_stats_age_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(35.0, "the figures are then withdrawn"),
    critical: Default::off("state and health are still seen"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["C04"],
    title: Sentence::new("The Docker Engine gives no figures of CPU and memory"),
    clear: Sentence::new(""),
    what: "Age of the figures",
    hint: "limits are not watched meanwhile; the Engine is overloaded or its stats calls hang",
    next: Sentence::new("docker stats --no-stream"),
};

pub const ENGINE_SLOW: Signal = Signal {
    name: "list_duration",
    alert: "DockerSlow",
    measure: level("stack_docker_list_duration_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(1.0, "it takes milliseconds; what hangs in the Engine shows here first"),
    critical: Default::off("no answer at all is up"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["C01"],
    title: Sentence::new("The Docker Engine answers slowly"),
    clear: Sentence::new(""),
    what: "Time that the Engine took for the list of containers",
    hint: "the disk is slow or full, or a container hangs and holds a lock",
    next: Sentence::new("time docker ps; df -h /var/lib/docker; journalctl -u docker -n 50"),
};
