//! Services: whether they run, and how they live.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// How several are told apart.
const SERVICE: &str = "{service}[ ({project})]";

/// The log of a service, or of a container without Compose, which is a service of its own name.
const LOG: Sentence = Sentence::new(
    "docker compose -p '{project}' logs --tail 50 {service} || docker logs --tail 50 {service}",
);

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
    many: None,
    clear: Sentence::new("The Docker Engine answers again"),
    what: "",
    hint: "containers may go on running, but nobody restarts or sees them",
    next: Sentence::new(
        "systemctl status docker; journalctl -u docker -n 50; timeout 10 docker ps",
    ),
};

pub const DOWN: Signal = Signal {
    name: "service_down",
    alert: "DockerServiceDown",
    measure: level("stack_service_state")
        .select(&[Match::is("state", &["crashed", "down", "missing", "created"])]),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::off("see critical"),
    critical: Default::guide(0.0, "C01"),
    advice: None,
    // A cold start takes 85 seconds, in which services wait for one another.
    hold: Hold::both(Duration::from_mins(2)),
    item: &["project", "service"],
    requirements: &["C01", "C12"],
    title: Sentence::new("Service {service}[ ({project})] has no running container, it is {state}"),
    many: Many::of("{count} services have no running container", SERVICE),
    clear: Sentence::new("Service {service}[ ({project})] is no longer {state}"),
    what: "",
    hint: "nobody stopped it: it ended by itself or with the Engine, was removed, or never started",
    next: Sentence::new(
        "docker compose -p {project} ps -a; docker compose -p {project} logs --tail 50 {service}",
    ),
};

pub const STOPPED: Signal = Signal {
    name: "service_stopped",
    alert: "DockerServiceStopped",
    measure: level("stack_service_state").select(&[Match::is("state", &["stopped", "paused"])]),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "stopped by hand: whoever did it knows, unless it was forgotten"),
    critical: Default::off("nobody is to be woken for what somebody did"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &["project", "service"],
    requirements: &["C01"],
    title: Sentence::new(
        "Service {service}[ ({project})] is {state} and nobody has started it again",
    ),
    many: Many::of("{count} services are stopped or paused and were not started again", SERVICE),
    clear: Sentence::new("Service {service}[ ({project})] is no longer {state}"),
    what: "",
    hint: "by all that the Engine tells somebody did it: docker compose start or unpause brings it back; if it is not wanted any more, take it out of the Compose file",
    next: Sentence::new("docker compose -p {project} ps -a {service}; last -n 5"),
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
    item: &["project", "service"],
    requirements: &["C01"],
    title: Sentence::new("Service {service}[ ({project})] runs fewer containers than wanted"),
    many: Many::of("{count} services run fewer containers than wanted", SERVICE),
    clear: Sentence::new(
        "Service {service}[ ({project})] no longer runs on fewer containers than wanted",
    ),
    what: "Containers missing",
    hint: "the exit code and the log of the one that is gone say why",
    next: Sentence::new(
        "docker compose -p {project} ps -a {service}; docker compose -p {project} logs --tail 50 {service}",
    ),
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
    item: &["project", "service"],
    requirements: &["C12"],
    title: Sentence::new("{service}[ ({project})] restarts again and again"),
    many: Many::of("{count} services restart again and again", SERVICE),
    clear: Sentence::new("The restart loop of {service}[ ({project})] is over"),
    what: "",
    hint: "its log says why; the Engine tries again for ever, at most once a minute",
    next: LOG,
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
    item: &["project", "service"],
    requirements: &["C05", "C12"],
    title: Sentence::new("The restart policy has restarted {service}[ ({project})]"),
    many: Many::of("{count} services have been restarted by their restart policy", SERVICE),
    clear: Sentence::new("No single restart of {service}[ ({project})] for five minutes"),
    what: "Restarts in five minutes",
    hint: "it ended by itself; a restart by hand is not counted here",
    next: LOG,
};

pub const RESTARTED_OFTEN: Signal = Signal {
    name: "restarted_often",
    alert: "DockerRestartedOften",
    measure: level("stack_service_restarted_often"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "nobody works by hand so often: a script hides a fault"),
    critical: Default::off("it runs in between"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &["project", "service"],
    requirements: &["C05"],
    title: Sentence::new("Somebody or a script restarts {service}[ ({project})] again and again"),
    many: Many::of(
        "{count} services are restarted again and again by somebody or a script",
        SERVICE,
    ),
    clear: Sentence::new("Nobody has restarted {service}[ ({project})] for half an hour"),
    what: "",
    hint: "five times within an hour: mostly a cron job with docker restart, which ends what is in work each time and hides why it was written",
    next: Sentence::new(
        "grep -rnE 'docker|podman' /etc/cron* /var/spool/cron; systemctl list-timers; docker events --since 1h --until 0s --filter event=restart",
    ),
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
    item: &["project", "service"],
    requirements: &["C10"],
    title: Sentence::new("The kernel has killed {service}[ ({project})] for want of memory"),
    many: Many::of("{count} services have been killed by the kernel for want of memory", SERVICE),
    clear: Sentence::new(
        "No container of {service}[ ({project})] has been killed for want of memory for five minutes",
    ),
    what: "Kills in five minutes that ended a container",
    hint: "raise its memory limit, or find the leak; if it did not start again by itself, start it first",
    next: Sentence::new(
        "docker ps -a --filter name={service}; dmesg -T | grep -i 'killed process' | tail -5; docker stats --no-stream",
    ),
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
    item: &["project", "service"],
    requirements: &["C10"],
    title: Sentence::new(
        "The kernel has killed a process inside {service}[ ({project})] for want of memory",
    ),
    many: Many::of(
        "{count} services have lost a process to the kernel for want of memory",
        SERVICE,
    ),
    clear: Sentence::new(
        "No process inside {service}[ ({project})] has been killed for want of memory for five minutes",
    ),
    what: "Kills in five minutes inside its containers",
    hint: "a worker or backend is gone and its work with it, though the container runs on",
    next: Sentence::new(
        "docker compose -p '{project}' top {service} || docker top {service}; dmesg -T | grep -i 'killed process' | tail -5",
    ),
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
    item: &["project", "service"],
    requirements: &["C15"],
    title: Sentence::new("Processes like {pattern} are missing in {service}[ ({project})]"),
    many: Many::of(
        "{count} kinds of processes are missing",
        "{pattern} in {service}[ ({project})]",
    ),
    clear: Sentence::new(
        "Processes like {pattern} are no longer missing in {service}[ ({project})], unless it is down itself",
    ),
    what: "Processes whose command line matches",
    hint: "the container may run on without it: look at its log and restart it",
    next: Sentence::new(
        "docker compose -p '{project}' top {service} || docker top {service}; docker ps -a --filter name={service}",
    ),
};
