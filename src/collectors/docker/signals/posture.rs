//! What is set up in a way that will hurt one day.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Sentence, Signal, Unit, level};

pub const PORT_EXPOSED: Signal = Signal {
    name: "port_exposed",
    alert: "DockerPortExposed",
    measure: level("stack_container_port_exposed"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::guide(0.0, "C03"),
    critical: Default::off("posture wakes nobody"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["C03", "C14"],
    title: Sentence::new("A port of a container can be reached from further away than it should"),
    clear: Sentence::new(""),
    what: "",
    hint: "Docker goes past the firewall's rules: bind it to 127.0.0.1, or do not publish it",
    next: Sentence::new("docker ps --format '{{.Names}} {{.Ports}}'"),
};

pub const MEMORY_LIMIT: Signal = Signal {
    name: "memory_limit_set",
    alert: "DockerMemoryLimitMissing",
    measure: level("stack_container_memory_limit_set"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::guide(1.0, "C11"),
    critical: Default::off("posture wakes nobody"),
    advice: None,
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &["C11"],
    title: Sentence::new("A container has no memory limit"),
    clear: Sentence::new(""),
    what: "",
    hint: "a leak in it takes the memory of all others: set deploy.resources.limits.memory",
    next: Sentence::new("docker inspect --format '{{.HostConfig.Memory}}' NAME"),
};

pub const PRIVILEGED: Signal = Signal {
    name: "privileged",
    alert: "DockerPrivileged",
    measure: level("stack_container_privilege_unexpected"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "whoever breaks into it has the machine"),
    critical: Default::off("posture wakes nobody"),
    advice: None,
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &[],
    title: Sentence::new("A container is privileged or has the Engine's socket"),
    clear: Sentence::new(""),
    what: "",
    hint: "name it under `privileged` if it must be so, or take the right away",
    next: Sentence::new(
        "docker inspect --format '{{.HostConfig.Privileged}} {{json .Mounts}}' NAME",
    ),
};

pub const IMAGE_AGE: Signal = Signal {
    name: "image_age",
    alert: "DockerImageOld",
    measure: level("stack_container_image_age_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(90.0 * 24.0 * 3600.0, "C02"),
    critical: Default::off("posture wakes nobody"),
    advice: None,
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &["C02"],
    title: Sentence::new(
        "A container runs an image without the security patches of the last months",
    ),
    clear: Sentence::new(""),
    what: "Age of the image of {name}",
    hint: "pull or build it anew and deploy it",
    next: Sentence::new("docker compose pull; docker compose up -d"),
};

pub const IMAGE_OUTDATED: Signal = Signal {
    name: "image_outdated",
    alert: "DockerImageOutdated",
    measure: level("stack_container_image_outdated"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "it was pulled or built for a reason"),
    critical: Default::off("posture wakes nobody"),
    advice: None,
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &["C02"],
    title: Sentence::new("A container runs an older image than its tag now means"),
    clear: Sentence::new(""),
    what: "",
    hint: "a new image was pulled or built and is not deployed",
    next: Sentence::new("docker compose up -d"),
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
    item: &[],
    requirements: &[],
    title: Sentence::new("The log files of a container are large"),
    clear: Sentence::new(""),
    what: "Log files of {name}",
    hint: "set max-size and max-file of its log driver and recreate it",
    next: Sentence::new(
        "docker inspect --format '{{.LogPath}} {{json .HostConfig.LogConfig}}' NAME",
    ),
};

pub const LOG_UNBOUNDED: Signal = Signal {
    name: "log_bounded",
    alert: "DockerLogUnbounded",
    measure: level("stack_container_log_bounded"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "Docker's own default keeps every line for ever"),
    critical: Default::off("posture wakes nobody"),
    advice: None,
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &[],
    title: Sentence::new("Nothing bounds the log of a container"),
    clear: Sentence::new(""),
    what: "",
    hint: "set max-size in its `logging` or for all in /etc/docker/daemon.json",
    next: Sentence::new("docker inspect --format '{{json .HostConfig.LogConfig}}' NAME"),
};
