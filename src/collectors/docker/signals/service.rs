//! Services: whether they run, and how they live.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Match, Sentence, Signal, Unit, level};

/// A service that does not run has an alert of its own, or none because somebody stopped it.
const NOT_RUNNING: &[Match] = &[Match::is_not("state", &["running", "degraded"])];

pub const UP: Signal = Signal {
    name: "up",
    alert: "DockerDown",
    measure: level("stack_target_up").select(&[Match::is("area", &["docker"])]),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("an Engine that does not answer is never just a warning"),
    critical: Default::guide(1.0, "C01"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &[],
    requirements: &["C01"],
    title: Sentence::new("The Docker Engine does not answer"),
    clear: Sentence::new(""),
    what: "",
    hint: "containers may go on running, but nobody restarts or sees them",
    next: Sentence::new("systemctl status docker; journalctl -u docker -n 50"),
};

pub const DOWN: Signal = Signal {
    name: "service_down",
    alert: "DockerServiceDown",
    measure: level("stack_service_state")
        .select(&[Match::is("state", &["crashed", "down", "missing", "created"])]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("see critical"),
    critical: Default::guide(0.0, "C01"),
    advice: None,
    // A cold start takes 85 seconds, in which services wait for one another.
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["C01", "C12"],
    title: Sentence::new("A Compose service has no running container"),
    clear: Sentence::new(""),
    what: "Service {service} of {project} ({state})",
    hint: "nobody stopped it: it ended by itself or with the Engine, was removed, or never started",
    next: Sentence::new("docker compose ps -a; docker compose logs --tail 50"),
};

pub const STOPPED: Signal = Signal {
    name: "service_stopped",
    alert: "DockerServiceStopped",
    measure: level("stack_service_state").select(&[Match::is("state", &["stopped", "paused"])]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "stopped by hand: whoever did it knows, unless it was forgotten"),
    critical: Default::off("nobody is to be woken for what somebody did"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["C01"],
    title: Sentence::new("A Compose service has been stopped by hand"),
    clear: Sentence::new(""),
    what: "Service {service} of {project} ({state})",
    hint: "start it again, or take it out of the Compose file",
    next: Sentence::new("docker compose ps -a; docker compose up -d"),
};

pub const REPLICAS_MISSING: Signal = Signal {
    name: "service_replicas_missing",
    alert: "DockerReplicasMissing",
    measure: level("stack_service_replicas_missing"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "the rest carries the load that all were wanted for"),
    critical: Default::off("none left is service_down"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["C01"],
    title: Sentence::new("A Compose service has fewer replicas than wanted"),
    clear: Sentence::new(""),
    what: "Replicas missing of {service} of {project}",
    hint: "look at the exit code of the container that is gone",
    next: Sentence::new("docker compose ps -a"),
};

pub const RESTART_LOOP: Signal = Signal {
    name: "restart_loop",
    alert: "DockerRestartLoop",
    measure: level("stack_service_restart_loop"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::off("see critical"),
    critical: Default::guide(0.0, "C12"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &[],
    requirements: &["C12"],
    title: Sentence::new("A container ends again and again after it was started"),
    clear: Sentence::new(""),
    what: "",
    hint: "its log says why; the Engine tries again for ever, at most once a minute",
    next: Sentence::new("docker logs --tail 50 NAME"),
};

pub const RESTARTS: Signal = Signal {
    name: "restarts",
    alert: "DockerRestarts",
    measure: level("stack_service_restarts_total").increase().unless(
        "stack_service_restart_loop",
        &[],
        &["project", "service"],
    ),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "each one is a crash that the restart policy hides"),
    critical: Default::off("a loop is restart_loop"),
    advice: None,
    // A loop shows itself by then.
    hold: Hold::both(Duration::from_mins(1)),
    item: &[],
    requirements: &["C05", "C12"],
    title: Sentence::new("A container has been restarted by its restart policy"),
    clear: Sentence::new(""),
    what: "Restarts of {service} in five minutes",
    hint: "it ended by itself; a restart by hand is not counted here",
    next: Sentence::new("docker logs --tail 50 NAME"),
};

pub const OOM_MAIN: Signal = Signal {
    name: "oom_killed",
    alert: "DockerOomKilled",
    measure: level("stack_service_oom_kills_total")
        .select(&[Match::is("process", &["main"])])
        .increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("see critical"),
    critical: Default::guide(0.0, "C10"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["C10"],
    title: Sentence::new("The kernel has ended a container for want of memory"),
    clear: Sentence::new(""),
    what: "Kills in five minutes that ended a container of {service}",
    hint: "raise its memory limit, or find the leak",
    next: Sentence::new("docker inspect --format '{{json .State}}' NAME; dmesg | tail -n 50"),
};

pub const OOM_CHILD: Signal = Signal {
    name: "oom_killed_child",
    alert: "DockerOomKilledChild",
    measure: level("stack_service_oom_kills_total")
        .select(&[Match::is("process", &["child"])])
        .increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::guide(0.0, "C10"),
    critical: Default::off("the container goes on; its errors have alerts of their own"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["C10"],
    title: Sentence::new("The kernel has killed a process inside a container for want of memory"),
    clear: Sentence::new(""),
    what: "Kills in five minutes inside {service}",
    hint: "a worker or backend is gone and its work with it, though the container runs on",
    next: Sentence::new("docker top NAME; docker stats --no-stream; dmesg | tail -n 50"),
};

pub const PROCESS_MISSING: Signal = Signal {
    name: "process",
    alert: "DockerProcessMissing",
    measure: level("stack_service_processes").unless(
        "stack_service_state",
        NOT_RUNNING,
        &["project", "service"],
    ),
    direction: Direction::Below,
    unit: Unit::Count,
    warning: Default::off("see critical"),
    critical: Default::guide(1.0, "C15"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["C15"],
    title: Sentence::new("A process that must run inside a container is not there"),
    clear: Sentence::new(""),
    what: "Processes like {pattern} in {service}",
    hint: "the container may run on without it: look at its log and restart it",
    next: Sentence::new("docker top NAME; docker logs --tail 50 NAME"),
};
