//! What is set up in a way that will hurt one day.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// How several are told apart.
const CONTAINER: &str = "{name}[ ({project})]";

pub const PORT_EXPOSED: Signal = Signal {
    name: "port_exposed",
    alert: "DockerPortExposed",
    measure: level("stack_container_port_exposed")
        .select(&[Match::is_not("address", &["private"])]),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::guide(0.0, "C03"),
    critical: Default::off("posture wakes nobody"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["name"],
    requirements: &["C03", "C14"],
    title: Sentence::new(
        "Port {port} of container {name}[ ({project})] can be reached from anywhere",
    ),
    many: Many::at_once(
        "{count} ports of containers can be reached from anywhere",
        "{port} of {name}[ ({project})]",
        "docker ps --format '{{.Names}} {{.Ports}}'; ss -ltn",
    ),
    clear: Sentence::new(
        "Port {port} of container {name}[ ({project})] can no longer be reached from anywhere",
    ),
    what: "",
    hint: "Docker goes past the firewall's rules: bind it to 127.0.0.1, or do not publish it",
    next: Sentence::new("docker port {name}; ss -ltn"),
};

pub const PORT_EXPOSED_PRIVATE: Signal = Signal {
    name: "port_exposed_private",
    alert: "DockerPortExposedPrivate",
    measure: level("stack_container_port_exposed").select(&[Match::is("address", &["private"])]),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("posture wakes nobody"),
    advice: Some(Default::guide(0.0, "C14")),
    hold: Hold::both(Duration::from_mins(5)),
    item: &["name"],
    requirements: &["C03", "C14"],
    title: Sentence::new(
        "Port {port} of container {name}[ ({project})] can be reached from a private network",
    ),
    many: Many::at_once(
        "{count} ports of containers can be reached from a private network",
        "{port} of {name}[ ({project})]",
        "docker ps --format '{{.Names}} {{.Ports}}'; ss -ltn; ip -brief address",
    ),
    clear: Sentence::new(
        "Port {port} of container {name}[ ({project})] can no longer be reached from a private network",
    ),
    what: "",
    hint: "whoever is in that network gets at it: bind it to 127.0.0.1, or allow the network under ports in the configuration",
    next: Sentence::new("docker port {name}; ss -ltn; ip -brief address"),
};

pub const MEMORY_LIMIT: Signal = Signal {
    name: "memory_limit_set",
    alert: "DockerMemoryLimitMissing",
    measure: level("stack_container_memory_limit_set"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("posture wakes nobody"),
    advice: Some(Default::guide(1.0, "C11")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &["name"],
    requirements: &["C11"],
    title: Sentence::new("Container {name}[ ({project})] has no memory limit"),
    many: Many::at_once(
        "{count} containers have no memory limit",
        CONTAINER,
        "docker stats --no-stream {name}",
    ),
    clear: Sentence::new("Container {name}[ ({project})] no longer runs without a memory limit"),
    what: "",
    hint: "a leak in it takes the memory of all others: set deploy.resources.limits.memory",
    next: Sentence::new(
        "docker stats --no-stream {name}; docker inspect --format '{{.HostConfig.Memory}}' {name}",
    ),
};

pub const PRIVILEGED: Signal = Signal {
    name: "privileged",
    alert: "DockerPrivileged",
    measure: level("stack_container_privilege_unexpected"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("posture wakes nobody"),
    advice: Some(Default::ours(0.0, "whoever breaks into it has the machine")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &["name"],
    requirements: &[],
    title: Sentence::new("Container {name}[ ({project})] is privileged or has the Engine's socket"),
    many: Many::at_once(
        "{count} containers are privileged or have the Engine's socket",
        CONTAINER,
        "docker inspect --format '{{.Name}} {{.HostConfig.Privileged}} {{range .Mounts}}{{.Source}} {{end}}' {name}",
    ),
    clear: Sentence::new(
        "Container {name}[ ({project})] is no longer privileged and has no socket of the Engine, or is allowed to",
    ),
    what: "",
    hint: "name it under privileged in the configuration if it must be so, or take the right away",
    next: Sentence::new(
        "docker inspect --format '{{.HostConfig.Privileged}} {{range .Mounts}}{{.Source}} {{end}}' {name}",
    ),
};

pub const IMAGE_AGE: Signal = Signal {
    name: "image_age",
    alert: "DockerImageOld",
    measure: level("stack_container_image_age_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("posture wakes nobody"),
    advice: Some(Default::guide(90.0 * 24.0 * 3600.0, "C02")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &["name"],
    requirements: &["C02"],
    title: Sentence::new("Container {name}[ ({project})] runs an old image"),
    many: Many::at_once(
        "{count} containers run old images",
        CONTAINER,
        "docker image inspect --format '{{.RepoTags}} {{.Created}}' $(docker inspect --format '{{.Image}}' {name})",
    ),
    clear: Sentence::new("Container {name}[ ({project})] no longer runs an old image"),
    what: "Time since its image was built",
    hint: "it lacks the security patches since then: pull or build it anew and deploy it",
    next: Sentence::new(
        "docker image inspect --format '{{.RepoTags}} {{.Created}}' $(docker inspect --format '{{.Image}}' {name})",
    ),
};

pub const IMAGE_OUTDATED: Signal = Signal {
    name: "image_outdated",
    alert: "DockerImageOutdated",
    measure: level("stack_container_image_outdated"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("posture wakes nobody"),
    advice: Some(Default::ours(0.0, "it was pulled or built for a reason")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &["name"],
    requirements: &["C02"],
    title: Sentence::new(
        "Container {name}[ ({project})] runs an older image than its tag now means",
    ),
    many: Many::at_once(
        "{count} containers run older images than their tags now mean",
        CONTAINER,
        "docker image inspect --format '{{.RepoTags}} {{.Created}}' $(docker inspect --format '{{.Image}}' {name}); docker images --digests",
    ),
    clear: Sentence::new(
        "Container {name}[ ({project})] no longer runs an older image than its tag means",
    ),
    what: "",
    hint: "a new image was pulled or built and is not deployed: docker compose up -d does it",
    next: Sentence::new(
        "docker image inspect --format '{{.RepoTags}} {{.Created}}' $(docker inspect --format '{{.Image}}' {name}); docker images --digests",
    ),
};

pub const LOG_SIZE: Signal = Signal {
    name: "log_size",
    alert: "DockerLogLarge",
    measure: level("stack_container_log_bytes"),
    direction: Direction::Above,
    unit: Unit::Bytes,
    warning: Default::ours(1_073_741_824.0, "on a small machine a few of them fill the disk"),
    critical: Default::off("a full disk has alerts of its own"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["name"],
    requirements: &[],
    title: Sentence::new("The log files of container {name}[ ({project})] are large"),
    many: Many::at_once(
        "{count} containers have large log files",
        CONTAINER,
        "docker inspect --format '{{.Name}} {{.LogPath}} {{json .HostConfig.LogConfig}}' {name}; df -h /var/lib/docker",
    ),
    clear: Sentence::new("The log files of container {name}[ ({project})] are no longer large"),
    what: "Size of its log files",
    hint: "set max-size and max-file of its log driver and recreate it",
    next: Sentence::new(
        "docker inspect --format '{{.LogPath}} {{json .HostConfig.LogConfig}}' {name}; docker logs --tail 20 {name}; df -h /var/lib/docker",
    ),
};

pub const LOG_UNBOUNDED: Signal = Signal {
    name: "log_bounded",
    alert: "DockerLogUnbounded",
    measure: level("stack_container_log_bounded"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("posture wakes nobody"),
    advice: Some(Default::ours(1.0, "Docker's own default keeps every line for ever")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &["name"],
    requirements: &[],
    title: Sentence::new("Nothing bounds the log of container {name}[ ({project})]"),
    many: Many::at_once(
        "{count} containers have no bound on their log",
        CONTAINER,
        "docker inspect --format '{{.Name}} {{json .HostConfig.LogConfig}}' {name}; docker info --format '{{.LoggingDriver}}'",
    ),
    clear: Sentence::new("Container {name}[ ({project})] no longer writes a log without a bound"),
    what: "",
    hint: "set max-size in its logging, or for all in /etc/docker/daemon.json",
    next: Sentence::new(
        "docker inspect --format '{{json .HostConfig.LogConfig}}' {name}; docker info --format '{{.LoggingDriver}}'",
    ),
};

pub const MEMORY_LIMITS: Signal = Signal {
    name: "memory_limits",
    alert: "DockerMemoryLimitsExceedHost",
    measure: level("stack_docker_memory_limits_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("posture wakes nobody"),
    advice: Some(Default::ours(1.0, "if all took what they may, the machine would have none left")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &["C08"],
    title: Sentence::new("The memory limits of the containers add up to more than the machine has"),
    many: None,
    clear: Sentence::new("The machine has the memory that its containers may take"),
    what: "Sum of the limits in parts of the machine's memory",
    hint: "the limits then protect the containers from themselves, and not the machine from them",
    next: Sentence::new("docker stats --no-stream; free -m"),
};
