//! What containers use of what they may, and how well that is seen.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// How several are told apart.
const CONTAINER: &str = "{name}[ ({project})]";
const LIMITED: &str = "{name}[ ({container_label_com_docker_compose_project})]";

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
    item: &["name"],
    requirements: &["C04", "C08"],
    title: Sentence::new("Container {name}[ ({project})] is near its memory limit"),
    many: Many::at_once(
        "{count} containers are near their memory limit",
        CONTAINER,
        "docker stats --no-stream {name}",
    ),
    clear: Sentence::new("Container {name}[ ({project})] is no longer near its memory limit"),
    what: "Used part of its memory limit",
    hint: "page cache is not in it: this memory cannot be given back, and soon the kernel kills",
    next: Sentence::new(
        "docker stats --no-stream {name}; docker top {name} -eo pid,rss,etime,args",
    ),
};

pub const MEMORY_PREDICTED: Signal = Signal {
    name: "memory_predicted",
    alert: "DockerMemoryGrows",
    // A container that warms up is steep: far from its limit, or in the first hour of its run. What is
    // left of that in the trend is gone before the hold is over.
    measure: level("stack_container_memory_limit_ratio")
        .predict()
        .and("stack_container_memory_limit_ratio", Direction::Above, 0.5, &["name"])
        .and("stack_container_settled", Direction::Above, 0.0, &["name"]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::guide(1.0, "C16"),
    critical: Default::off("there are hours left"),
    advice: None,
    hold: Hold::both(Duration::from_mins(30)),
    item: &["name"],
    requirements: &["C16"],
    title: Sentence::new(
        "The memory of container {name}[ ({project})] grows towards its limit and will reach it within hours",
    ),
    many: Many::at_once(
        "{count} containers grow towards their memory limit and will reach it within hours",
        CONTAINER,
        "docker stats --no-stream {name}",
    ),
    clear: Sentence::new(
        "The memory of container {name}[ ({project})] no longer grows towards its limit",
    ),
    what: "Part of its memory limit that it will use in four hours, by its trend",
    hint: "a leak, if it never falls again: plan a restart before the line meets the limit",
    next: Sentence::new(
        "docker stats --no-stream {name}; docker top {name} -eo pid,rss,etime,args; docker logs --since 1h {name} | tail -50",
    ),
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
    item: &["name"],
    requirements: &["C04", "C08"],
    title: Sentence::new(
        "Container {name}[ ({container_label_com_docker_compose_project})] is near its CPU limit",
    ),
    many: Many::at_once(
        "{count} containers are near their CPU limit",
        LIMITED,
        "docker stats --no-stream {name}",
    ),
    clear: Sentence::new(
        "Container {name}[ ({container_label_com_docker_compose_project})] is no longer near its CPU limit",
    ),
    what: "Used part of its CPU limit",
    hint: "it is throttled at the limit and answers late",
    next: Sentence::new(
        "docker stats --no-stream {name}; docker top {name} -eo pid,pcpu,etime,args",
    ),
};

pub const THROTTLED: Signal = Signal {
    name: "throttled",
    alert: "DockerThrottled",
    // Short bursts of one that is idle meet the limit as well, and nobody waits for them.
    measure: level("container_cpu_cfs_throttled_periods_total")
        .rate()
        .per("container_cpu_cfs_periods_total", &["id"])
        .and_rate(
            ("container_cpu_usage_seconds_total", "stack_container_cpu_limit_cores"),
            0.5,
            &["name"],
        ),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("slowness alone wakes nobody"),
    advice: Some(Default::ours(0.25, "in a quarter of its periods it had to wait")),
    hold: Hold::both(Duration::from_mins(15)),
    item: &["name"],
    requirements: &["C18"],
    title: Sentence::new(
        "Container {name}[ ({container_label_com_docker_compose_project})] has to wait for CPU time at its limit",
    ),
    many: Many::at_once(
        "{count} containers have to wait for CPU time at their limit",
        LIMITED,
        "docker inspect --format '{{.Name}} {{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}' {name}",
    ),
    clear: Sentence::new(
        "Container {name}[ ({container_label_com_docker_compose_project})] no longer has to wait for CPU time so often",
    ),
    what: "Part of its CPU periods in which it had to wait",
    hint: "it uses more than half of its CPU limit on average, and its bursts meet the limit: answers come late",
    next: Sentence::new(
        "docker inspect --format '{{.HostConfig.NanoCpus}} {{.HostConfig.CpuQuota}}' {name}; docker top {name} -eo pid,nlwp,pcpu,args",
    ),
};

pub const THREADS: Signal = Signal {
    name: "container_threads",
    alert: "DockerThreadsNearLimit",
    measure: level("container_threads").per("container_threads_max", &["id"]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("the health check fails then"),
    advice: Some(Default::ours(0.8, "at the limit no process can start, health checks included")),
    hold: Hold::both(Duration::from_mins(5)),
    item: &["name"],
    requirements: &["C08"],
    title: Sentence::new(
        "Container {name}[ ({container_label_com_docker_compose_project})] is near its limit of processes and threads",
    ),
    many: Many::at_once(
        "{count} containers are near their limit of processes and threads",
        LIMITED,
        "docker inspect --format '{{.Name}} {{.HostConfig.PidsLimit}}' {name}",
    ),
    clear: Sentence::new(
        "Container {name}[ ({container_label_com_docker_compose_project})] is no longer near its limit of processes and threads",
    ),
    what: "Used part of its processes and threads",
    hint: "threads or child processes leak, or the limit is lower than the number of workers takes",
    next: Sentence::new(
        "docker top {name} -eo pid,ppid,nlwp,stat,comm; docker inspect --format '{{.HostConfig.PidsLimit}}' {name}",
    ),
};

pub const STATS_AGE: Signal = Signal {
    name: "stats_age",
    alert: "DockerStatsStale",
    measure: level("stack_target_part_age_seconds")
        .select(&[Match::is("area", &["docker"]), Match::is("part", &["stats"])]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(35.0, "the figures are then withdrawn"),
    critical: Default::off("state and health are still seen"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["C04"],
    title: Sentence::new("The Docker Engine gives no figures of CPU and memory"),
    many: None,
    clear: Sentence::new("The Docker Engine gives figures of CPU and memory again"),
    what: "Age of the figures",
    hint: "limits are not watched meanwhile; the Engine is overloaded or its stats calls hang",
    next: Sentence::new("time timeout 20 docker stats --no-stream; journalctl -u docker -n 50"),
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
    many: None,
    clear: Sentence::new("The Docker Engine answers quickly again"),
    what: "Time that it took for the list of containers",
    hint: "the disk is slow or full, or a container hangs and holds a lock",
    next: Sentence::new("time docker ps; df -h /var/lib/docker; journalctl -u docker -n 50"),
};
