//! Single containers: how they start, and what their health checks say.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Match, Sentence, Signal, Unit, level};

pub const FAILED_START: Signal = Signal {
    name: "failed_start",
    alert: "DockerFailedStart",
    measure: level("stack_container_failed_start"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("see critical"),
    critical: Default::guide(0.0, "C12"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &[],
    requirements: &["C12"],
    title: Sentence::new("The Engine could not start a container"),
    clear: Sentence::new(""),
    what: "Container {name} ({reason})",
    hint: "the Engine does not try again, whatever the restart policy says",
    next: Sentence::new("docker inspect --format '{{.State.Error}}' NAME"),
};

pub const FAILED: Signal = Signal {
    name: "exited",
    alert: "DockerExitedWithError",
    measure: level("stack_container_failed"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::guide(0.0, "C12"),
    critical: Default::off("a service that is gone is service_down"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &[],
    requirements: &["C12"],
    title: Sentence::new("A job or a container without Compose has ended with an error"),
    clear: Sentence::new(""),
    what: "",
    hint: "nobody starts it again; remove containers that are not needed any more",
    next: Sentence::new(
        "docker logs --tail 50 NAME; docker inspect --format '{{.State.ExitCode}}' NAME",
    ),
};

pub const HEALTH: Signal = Signal {
    name: "container_health",
    alert: "DockerUnhealthy",
    measure: level("stack_container_health").select(&[Match::is("status", &["unhealthy"])]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::guide(0.0, "C06"),
    critical: Default::off("the health checks of the guides pass or fail for little"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &[],
    requirements: &["C06", "C07"],
    title: Sentence::new("A container fails its health check"),
    clear: Sentence::new(""),
    what: "Container {name}",
    hint: "Compose never restarts an unhealthy container by itself",
    next: Sentence::new("docker inspect --format '{{json .State.Health}}' NAME"),
};

pub const STARTING: Signal = Signal {
    name: "starting",
    alert: "DockerStartingTooLong",
    measure: level("stack_container_starting_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(85.0, "C13"),
    critical: Default::off("its health check gives up by itself, and then it is unhealthy"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["C13"],
    title: Sentence::new("A container has not become healthy since its start"),
    clear: Sentence::new(""),
    what: "Time since the start of {name}",
    hint: "it waits for something, or its health check hangs",
    next: Sentence::new(
        "docker logs --tail 50 NAME; docker inspect --format '{{json .State.Health}}' NAME",
    ),
};

pub const SLOW_START: Signal = Signal {
    name: "slow_start",
    alert: "DockerSlowStart",
    measure: level("stack_container_healthy_after_seconds").unless(
        "stack_container_settled",
        &[],
        &["name"],
    ),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(85.0, "C13"),
    critical: Default::off("it is healthy now"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["C13"],
    title: Sentence::new("A container took long to become healthy"),
    clear: Sentence::new(""),
    what: "Time from the start of {name} to its first healthy status",
    hint: "the next deployment and the next crash take as long; this is told for an hour",
    next: Sentence::new("docker logs NAME | head -n 100"),
};

pub const CHECK_DURATION: Signal = Signal {
    name: "health_check_duration",
    alert: "DockerHealthCheckSlow",
    measure: level("stack_container_health_check_duration_seconds")
        .per("stack_container_health_check_timeout_seconds", &["name"]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.5, "the guide wants it below the timeout, at which it has failed"),
    critical: Default::off("a check that fails shows as unhealthy"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &[],
    requirements: &["C07"],
    title: Sentence::new("A health check takes more than half the time that it may"),
    clear: Sentence::new(""),
    what: "Part of its timeout that the health check of {name} takes",
    hint: "the service is slow, or the machine is overloaded",
    next: Sentence::new("docker inspect --format '{{json .State.Health.Log}}' NAME"),
};
