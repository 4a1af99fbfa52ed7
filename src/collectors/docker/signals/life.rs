//! Single containers: how they start, and what their health checks say.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// How several are told apart.
const CONTAINER: &str = "{name}[ ({project})]";

pub const FAILED_START: Signal = Signal {
    name: "failed_start",
    alert: "DockerFailedStart",
    measure: level("stack_container_failed_start"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::off("see critical"),
    critical: Default::guide(0.0, "C12"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &["name"],
    requirements: &["C12"],
    title: Sentence::new("The Engine could not start container {name}[ ({project})] ({reason})"),
    many: Many::at_once(
        "{count} containers could not be started by the Engine",
        CONTAINER,
        "docker inspect --format '{{.Name}} {{.State.Error}}' {name}",
    ),
    clear: Sentence::new("No failed start is left of container {name}[ ({project})]"),
    what: "",
    hint: "the Engine does not try again, whatever the restart policy says: cure the reason, then start it",
    next: Sentence::new("docker inspect --format '{{.State.Error}}' {name}"),
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
    item: &["name"],
    requirements: &["C12"],
    title: Sentence::new("Container {name}[ ({project})] has ended with an error"),
    many: Many::at_once(
        "{count} containers have ended with an error",
        CONTAINER,
        "docker inspect --format '{{.Name}} {{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}' {name}",
    ),
    clear: Sentence::new("Container {name}[ ({project})] has been started again or removed"),
    what: "",
    hint: "a job or a container without Compose: nobody starts it again; remove it if it is not needed any more",
    next: Sentence::new(
        "docker inspect --format '{{.State.ExitCode}} {{.State.OOMKilled}} {{.State.FinishedAt}}' {name}; docker logs --tail 50 {name}",
    ),
};

pub const HEALTH: Signal = Signal {
    name: "container_health",
    alert: "DockerUnhealthy",
    measure: level("stack_container_health").select(&[Match::is("status", &["unhealthy"])]),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::guide(0.0, "C06"),
    critical: Default::ours(0.0, "after a quarter of an hour nothing has cured it by itself"),
    advice: None,
    hold: Hold { warning: Duration::from_mins(1), critical: Duration::from_mins(15) },
    item: &["name"],
    requirements: &["C06", "C07"],
    title: Sentence::new("Container {name}[ ({project})] fails its health check"),
    many: Many::at_once(
        "{count} containers fail their health checks",
        CONTAINER,
        "docker inspect --format '{{.Name}}{{println}}{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{println}}{{end}}' {name}",
    ),
    clear: Sentence::new("Container {name}[ ({project})] no longer fails its health check"),
    what: "",
    hint: "neither Compose nor the Engine restarts it: the output of its last checks names the failure",
    next: Sentence::new(
        "docker inspect --format '{{range .State.Health.Log}}{{.ExitCode}} {{.Output}}{{println}}{{end}}' {name}; docker logs --tail 50 {name}",
    ),
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
    item: &["name"],
    requirements: &["C13"],
    title: Sentence::new("Container {name}[ ({project})] has not become healthy since its start"),
    many: Many::at_once(
        "{count} containers have not become healthy since their start",
        CONTAINER,
        "docker inspect --format '{{.Name}} {{json .State.Health}}' {name}",
    ),
    clear: Sentence::new("Container {name}[ ({project})] is no longer starting"),
    what: "Time since its start",
    hint: "it waits for something, or its health check hangs",
    next: Sentence::new(
        "docker logs --tail 50 {name}; docker inspect --format '{{json .State.Health}}' {name}",
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
    item: &["name"],
    requirements: &["C13"],
    title: Sentence::new("Container {name}[ ({project})] took long to become healthy"),
    many: Many::of("{count} containers took long to become healthy", CONTAINER),
    clear: Sentence::new(
        "The slow start of container {name}[ ({project})] is an hour ago, or another start came after it",
    ),
    what: "Time from its start to its first healthy status",
    hint: "the next deployment and the next crash take as long; this is told for an hour",
    next: Sentence::new("docker logs {name} 2>&1 | head -n 100"),
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
    item: &["name"],
    requirements: &["C07"],
    title: Sentence::new(
        "The health check of container {name}[ ({project})] is close to its timeout",
    ),
    many: Many::at_once(
        "{count} containers have health checks that are close to their timeout",
        CONTAINER,
        "docker inspect --format '{{.Name}}{{println}}{{range .State.Health.Log}}{{.Start}} {{.End}}{{println}}{{end}}' {name}; uptime",
    ),
    clear: Sentence::new(
        "The health check of container {name}[ ({project})] is no longer close to its timeout",
    ),
    what: "Part of its timeout that the health check takes",
    hint: "the service is slow, or the machine is overloaded; at its timeout the check has failed",
    next: Sentence::new(
        "docker inspect --format '{{range .State.Health.Log}}{{.Start}} {{.End}}{{println}}{{end}}' {name}; uptime",
    ),
};
