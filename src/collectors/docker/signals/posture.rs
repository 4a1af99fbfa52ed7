//! What is set up in a way that will hurt one day.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Signal, Unit, level};

pub const PORT_EXPOSED: Signal = Signal {
    name: "port_exposed",
    alert: "DockerPortExposed",
    measure: level("stack_container_port_exposed"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::guide(0.0, "C03"),
    critical: Default::off("posture wakes nobody"),
    hold: Duration::from_mins(5),
    requirements: &["C03", "C14"],
    summary: "A port of a container can be reached from further away than it should.",
    subject: "Port {{ $labels.port }} of {{ $labels.name }} (bound to {{ $labels.address }})",
    hint: "Docker goes past the firewall's rules: bind it to 127.0.0.1, or do not publish it",
    next: "docker ps --format '{{.Names}} {{.Ports}}'",
};

pub const MEMORY_LIMIT: Signal = Signal {
    name: "memory_limit_set",
    alert: "DockerMemoryLimitMissing",
    measure: level("stack_container_memory_limit_set"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::guide(1.0, "C11"),
    critical: Default::off("posture wakes nobody"),
    hold: Duration::from_hours(1),
    requirements: &["C11"],
    summary: "A container has no memory limit.",
    subject: "Container {{ $labels.name }}",
    hint: "a leak in it takes the memory of all others: set deploy.resources.limits.memory",
    next: "docker inspect --format '{{.HostConfig.Memory}}' NAME",
};

pub const PRIVILEGED: Signal = Signal {
    name: "privileged",
    alert: "DockerPrivileged",
    measure: level("stack_container_privilege_unexpected"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "whoever breaks into it has the machine"),
    critical: Default::off("posture wakes nobody"),
    hold: Duration::from_hours(1),
    requirements: &[],
    summary: "A container is privileged or has the Engine's socket.",
    subject: "Container {{ $labels.name }}",
    hint: "name it under `privileged` if it must be so, or take the right away",
    next: "docker inspect --format '{{.HostConfig.Privileged}} {{json .Mounts}}' NAME",
};

pub const IMAGE_AGE: Signal = Signal {
    name: "image_age",
    alert: "DockerImageOld",
    measure: level("stack_container_image_age_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(90.0 * 24.0 * 3600.0, "C02"),
    critical: Default::off("posture wakes nobody"),
    hold: Duration::from_hours(1),
    requirements: &["C02"],
    summary: "A container runs an image without the security patches of the last months.",
    subject: "Age of the image of {{ $labels.name }}",
    hint: "pull or build it anew and deploy it",
    next: "docker compose pull; docker compose up -d",
};

pub const IMAGE_OUTDATED: Signal = Signal {
    name: "image_outdated",
    alert: "DockerImageOutdated",
    measure: level("stack_container_image_outdated"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "it was pulled or built for a reason"),
    critical: Default::off("posture wakes nobody"),
    hold: Duration::from_hours(1),
    requirements: &["C02"],
    summary: "A container runs an older image than its tag now means.",
    subject: "Container {{ $labels.name }}",
    hint: "a new image was pulled or built and is not deployed",
    next: "docker compose up -d",
};

pub const LOG_SIZE: Signal = Signal {
    name: "log_size",
    alert: "DockerLogLarge",
    measure: level("stack_container_log_bytes"),
    direction: Direction::Above,
    unit: Unit::Bytes,
    warning: Default::ours(1_073_741_824.0, "on a small machine a few of them fill the disk"),
    critical: Default::off("a full disk has alerts of its own"),
    hold: Duration::from_mins(5),
    requirements: &[],
    summary: "The log files of a container are large.",
    subject: "Log files of {{ $labels.name }}",
    hint: "set max-size and max-file of its log driver and recreate it",
    next: "docker inspect --format '{{.LogPath}} {{json .HostConfig.LogConfig}}' NAME",
};

pub const LOG_UNBOUNDED: Signal = Signal {
    name: "log_bounded",
    alert: "DockerLogUnbounded",
    measure: level("stack_container_log_bounded"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "Docker's own default keeps every line for ever"),
    critical: Default::off("posture wakes nobody"),
    hold: Duration::from_hours(1),
    requirements: &[],
    summary: "Nothing bounds the log of a container.",
    subject: "Container {{ $labels.name }}",
    hint: "set max-size in its `logging` or for all in /etc/docker/daemon.json",
    next: "docker inspect --format '{{json .HostConfig.LogConfig}}' NAME",
};
