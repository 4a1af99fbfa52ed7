//! What is judged on units. A unit is in one state (`stack_unit_state`), and each state has one alert.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// How several are told apart.
const UNIT: &str = "{name}[ ({target})]";
const ALL_STATUS: &str = "systemctl status {name} # target {target}: of a user add --user";

const STATUS: Sentence = Sentence::new(
    "systemctl status {name}; journalctl -u {name} -n 50 --no-pager # target {target}: of a user add --user",
);

/// A yes or no on the state of a declared unit.
const fn state(
    name: &'static str,
    alert: &'static str,
    states: &'static [Match],
    critical: Default,
) -> Signal {
    Signal {
        name,
        alert,
        measure: level("stack_unit_state").select(states),
        direction: Direction::Above,
        unit: Unit::Bool,
        warning: Default::off("see critical"),
        critical,
        advice: None,
        hold: Hold::both(Duration::from_mins(2)),
        item: &["name"],
        requirements: &["H01", "R04", "R05"],
        title: Sentence::new("Unit {name} is {state}"),
        many: None,
        clear: Sentence::new("Unit {name} is no longer {state}"),
        what: "",
        hint: "",
        next: STATUS,
    }
}

pub static SIGNALS: &[Signal] = &[
    Signal {
        name: "up",
        alert: "SystemdUnreadable",
        measure: level("stack_target_up").select(&[Match::is("area", &["systemd"])]),
        direction: Direction::Below,
        unit: Unit::Bool,
        warning: Default::ours(1.0, "units may be well, but nobody can tell"),
        critical: Default::off("what cannot be asked may well be running"),
        advice: None,
        hold: Hold::both(Duration::from_mins(5)),
        item: &[],
        requirements: &["H01"],
        title: Sentence::new("The manager systemd cannot be asked about its units ({target})"),
        many: Many::targets("{count} systemd managers cannot be asked about their units"),
        clear: Sentence::new("The manager systemd ({target}) can be asked about its units again"),
        what: "",
        hint: "until then nothing tells whether a unit runs",
        next: Sentence::new(
            "ls -l /run/dbus/system_bus_socket; busctl status org.freedesktop.systemd1 | head -5; systemctl is-system-running",
        ),
    },
    Signal {
        title: Sentence::new("Unit {name} does not run, it is {state}"),
        many: Many::at_once("{count} units do not run", UNIT, ALL_STATUS),
        clear: Sentence::new("Unit {name} is no longer {state}"),
        hint: "it ended without an error or was stopped, and was not started again; a timer may have nothing more planned",
        ..state(
            "unit_stopped",
            "UnitStopped",
            &[Match::is("state", &["stopped"])],
            Default::guide(0.0, "R04"),
        )
    },
    Signal {
        title: Sentence::new("Unit {name} has failed"),
        many: Many::at_once("{count} units have failed", UNIT, ALL_STATUS),
        clear: Sentence::new("Unit {name} is no longer failed"),
        hint: "it ended with an error and systemd does not start it again: its result says how, its log why",
        ..state(
            "unit_failed",
            "UnitFailed",
            &[Match::is("state", &["failed"])],
            Default::guide(0.0, "R04"),
        )
    },
    Signal {
        title: Sentence::new("Unit {name} cannot run, its unit file is {state}"),
        many: Many::at_once(
            "{count} units cannot run because of their unit files",
            UNIT,
            ALL_STATUS,
        ),
        clear: Sentence::new("The unit file of {name} is no longer {state}"),
        hint: "never installed, renamed, removed by an upgrade, or with a mistake in it",
        next: Sentence::new(
            "systemctl cat {name}; systemd-analyze verify {name}; systemctl list-unit-files | head -50 # target {target}: of a user add --user",
        ),
        ..state(
            "unit_missing",
            "UnitMissing",
            &[Match::is("state", &["missing", "invalid"])],
            Default::guide(0.0, "R04"),
        )
    },
    Signal {
        title: Sentence::new("Unit {name} is masked, so nothing can start it"),
        many: Many::at_once(
            "{count} units are masked, so nothing can start them",
            UNIT,
            ALL_STATUS,
        ),
        clear: Sentence::new("Unit {name} is no longer masked"),
        hint: "somebody has forbidden it: ask who and why before you unmask it, or take it out of the exporter's file",
        next: Sentence::new(
            "systemctl status {name}; ls -l /etc/systemd/system/{name} /run/systemd/system/{name}; last -n 5 # target {target}: of a user add --user",
        ),
        ..state(
            "unit_masked",
            "UnitMasked",
            &[Match::is("state", &["masked"])],
            Default::ours(0.0, "a declared unit that cannot run is down"),
        )
    },
    Signal {
        title: Sentence::new(
            "Unit {name} has not been ready for minutes: it starts, stops or waits for a restart",
        ),
        many: Many::at_once(
            "{count} units have not been ready for minutes: they start, stop or wait for a restart",
            UNIT,
            ALL_STATUS,
        ),
        clear: Sentence::new("Unit {name} no longer starts, stops or waits for a restart"),
        // In one sum: it may go from one of these states to the next and back.
        measure: level("stack_unit_state")
            .select(&[Match::is("state", &["starting", "stopping", "restarting"])])
            .sum_by(&["name"]),
        hint: "it waits for another unit or for its next start, does not say that it is ready, or does not end",
        next: Sentence::new(
            "systemctl list-jobs; systemctl status {name}; journalctl -u {name} -n 50 --no-pager # target {target}: of a user add --user",
        ),
        // A start may take 90 s by default, and what it waits for as long.
        hold: Hold::both(Duration::from_mins(5)),
        ..state(
            "unit_stuck",
            "UnitStuck",
            &[Match::is("state", &["starting", "stopping", "restarting"])],
            Default::ours(0.0, "a declared unit that does not get ready is down"),
        )
    },
    Signal {
        name: "restarts",
        alert: "UnitLooping",
        measure: level("node_systemd_service_restart_total").increase(),
        direction: Direction::Above,
        unit: Unit::Count,
        warning: Default::ours(0.0, "each one is an end that Restart= hides"),
        critical: Default::ours(4.0, "who starts again each minute is not there for anybody"),
        advice: None,
        hold: Hold::both(Duration::from_mins(1)),
        item: &["name"],
        requirements: &["H01", "R04"],
        title: Sentence::new("Service {name} has ended by itself, and systemd has restarted it"),
        many: Many::at_once(
            "{count} services have ended by themselves and were restarted by systemd",
            UNIT,
            ALL_STATUS,
        ),
        clear: Sentence::new("No restart of {name} by systemd for five minutes"),
        what: "Restarts in five minutes",
        hint: "it ends by itself; a restart by hand is not counted here",
        next: STATUS,
    },
    Signal {
        name: "timer_overdue",
        alert: "UnitTimerOverdue",
        measure: level("stack_unit_timer_overdue_seconds"),
        direction: Direction::Above,
        unit: Unit::Seconds,
        warning: Default::ours(0.0, "the timer, or `every`, says by when it must have run"),
        critical: Default::off("set it where a run that is left out means lost data"),
        advice: None,
        hold: Hold::both(Duration::from_mins(5)),
        item: &["name"],
        requirements: &["H01"],
        title: Sentence::new("A run of timer {name} is overdue"),
        many: Many::at_once(
            "{count} timers have runs that are overdue",
            UNIT,
            "systemctl list-timers --all {name} # target {target}: of a user add --user",
        ),
        clear: Sentence::new("No run of timer {name} is overdue any more"),
        what: "How long it is overdue",
        hint: "the timer is stopped, the machine slept, or the last run has not ended yet",
        next: Sentence::new(
            "systemctl list-timers --all {name}; systemctl status {name}; systemctl list-jobs # target {target}: of a user add --user",
        ),
    },
    Signal {
        name: "timer_run_failed",
        alert: "UnitTimerRunFailed",
        measure: level("stack_unit_timer_run_failed"),
        direction: Direction::Above,
        unit: Unit::Bool,
        warning: Default::ours(0.0, "what the timer is there for was not done"),
        critical: Default::off("the next run may make good for it"),
        advice: None,
        hold: Hold::both(Duration::from_mins(1)),
        item: &["name"],
        requirements: &["H01", "R04"],
        title: Sentence::new("The last run of timer {name} has failed"),
        many: Many::at_once(
            "{count} timers have a last run that failed",
            UNIT,
            "systemctl list-timers --all {name} # target {target}: of a user add --user",
        ),
        clear: Sentence::new("The last run of timer {name} has not failed"),
        what: "",
        hint: "the timer runs on, but its service ended with an error",
        next: Sentence::new(
            "systemctl list-timers --all {name}; systemctl status $(systemctl show -P Unit {name}) # target {target}: of a user add --user",
        ),
    },
    Signal {
        name: "other_failed",
        alert: "UnitOtherFailed",
        measure: level("stack_unit_other_failed"),
        direction: Direction::Above,
        unit: Unit::Bool,
        warning: Default::ours(0.0, "something of the machine is not as its distribution wants it"),
        critical: Default::off("nobody has declared that it matters"),
        advice: None,
        hold: Hold::both(Duration::from_mins(5)),
        item: &["name"],
        requirements: &["R04"],
        title: Sentence::new("Unit {name}, which nobody declared, has failed"),
        many: Many::at_once(
            "{count} units that nobody declared have failed",
            UNIT,
            "systemctl --failed # target {target}: of a user add --user",
        ),
        clear: Sentence::new("Unit {name}, which nobody declared, is no longer failed"),
        what: "",
        hint: "mend it, or after a look `systemctl reset-failed`; a unit that matters belongs under `units`",
        next: Sentence::new(
            "systemctl --failed; systemctl status {name} # target {target}: of a user add --user",
        ),
    },
];
