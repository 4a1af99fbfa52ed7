//! What systemd said, as rows.

use std::time::{Duration, SystemTime};

use super::config;
use super::fetch::{self, Raw};
use super::lists::{self, word};
use crate::catalogue::{Batch, Cell, Column, Detail};
use crate::text::short;

/// Failed units beyond this are counted only: a machine whose disk is full can have hundreds.
const CAP: usize = 20;

/// `CLD_EXITED`, `CLD_KILLED` and `CLD_DUMPED` of `waitid`.
const EXITED: u64 = 1;
const KILLED: [u64; 2] = [2, 3];

pub struct Manager {
    pub state: &'static str,
    pub failed: Option<usize>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum State {
    Running,
    Done,
    Resting,
    Starting,
    Stopping,
    Restarting,
    Stopped,
    Failed,
    Missing,
    Invalid,
    Masked,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Running => "running",
            Self::Done => "done",
            Self::Resting => "resting",
            Self::Starting => "starting",
            Self::Stopping => "stopping",
            Self::Restarting => "restarting",
            Self::Stopped => "stopped",
            Self::Failed => "failed",
            Self::Missing => "missing",
            Self::Invalid => "invalid",
            Self::Masked => "masked",
        }
    }

    fn of(unit: &fetch::Unit, on_demand: bool) -> Self {
        let oneshot = unit.text("Type") == "oneshot";
        match (unit.active.as_str(), unit.load.as_str()) {
            // It has nothing more to start: its times are over, or none of them ever came.
            ("active", _) if unit.sub == "elapsed" && plans(unit).next().is_none() => {
                if on_demand {
                    Self::Resting
                } else {
                    Self::Stopped
                }
            }
            // What runs goes on running when its file is taken away or masked.
            ("active" | "reloading" | "refreshing", _) => Self::Running,
            ("failed", _) => Self::Failed,
            ("activating", _) if unit.sub.starts_with("auto-restart") => Self::Restarting,
            ("activating", _) if oneshot => Self::Running,
            ("activating" | "maintenance", _) => Self::Starting,
            ("deactivating", _) => Self::Stopping,
            (_, "not-found") => Self::Missing,
            (_, "masked") => Self::Masked,
            (_, "bad-setting" | "error") => Self::Invalid,
            // It waits for others, and nothing of its own has begun.
            _ if matches!(unit.job.as_str(), "start" | "restart") => Self::Starting,
            _ if on_demand => Self::Resting,
            _ if oneshot && unit.number("RemainAfterExit") != Some(1) => Self::Done,
            _ => Self::Stopped,
        }
    }
}

/// Next runs of a timer: by the calendar, and by the clock that counts from a start.
fn plans(unit: &fetch::Unit) -> impl Iterator<Item = u64> {
    let times = ["NextElapseUSecRealtime", "NextElapseUSecMonotonic"];
    times.into_iter().filter_map(|name| unit.some(name))
}

pub struct Unit {
    pub name: String,
    pub active: String,
    service: &'static str,
}

impl Unit {
    pub fn service_type(&self) -> &str {
        self.service
    }

    pub fn states(&self) -> impl Iterator<Item = (&'static str, bool)> {
        lists::ACTIVE.iter().map(|state| (*state, *state == self.known()))
    }

    /// The two words beside the five are kinds of being active.
    fn known(&self) -> &str {
        match self.active.as_str() {
            "reloading" | "refreshing" => "active",
            other => other,
        }
    }
}

pub struct Facts {
    pub name: String,
    pub state: State,
    pub sub: &'static str,
    pub result: Option<&'static str>,
    pub exit_code: Option<u64>,
    pub exit_signal: Option<u64>,
    pub restarts: Option<u64>,
    pub started: Option<f64>,
    pub memory: Option<u64>,
    pub cpu: Option<f64>,
    pub tasks: Option<u64>,
}

impl Facts {
    pub fn up(&self) -> bool {
        matches!(self.state, State::Running | State::Done | State::Resting)
    }

    fn of(unit: &fetch::Unit, on_demand: bool) -> Self {
        let code = unit.number("ExecMainCode");
        let status = unit.number("ExecMainStatus");
        let killed = code.is_some_and(|code| KILLED.contains(&code));
        let result = unit.text("Result");
        Self {
            name: unit.name.clone(),
            state: State::of(unit, on_demand),
            sub: word(lists::SUB, &unit.sub),
            result: (!result.is_empty()).then(|| word(lists::RESULT, result)),
            exit_code: status.filter(|_| code == Some(EXITED)),
            exit_signal: status.filter(|_| killed),
            restarts: unit.number("NRestarts"),
            started: unit
                .some("ActiveEnterTimestamp")
                .filter(|_| matches!(unit.active.as_str(), "active" | "reloading" | "refreshing"))
                .map(seconds),
            memory: unit.number("MemoryCurrent"),
            cpu: unit.number("CPUUsageNSec").map(|nanos| nanos as f64 / 1e9),
            tasks: unit.number("TasksCurrent"),
        }
    }
}

pub struct Timer {
    pub name: String,
    pub last: Option<f64>,
    pub next: Option<f64>,
    pub overdue: Option<f64>,
    pub run_failed: Option<bool>,
}

impl Timer {
    fn of(unit: &fetch::Unit, every: Option<Duration>, clock: Clock) -> Self {
        let last = unit.some("LastTriggerUSec").map(seconds);
        // Both may be planned: the first of them counts.
        let monotonic = unit.some("NextElapseUSecMonotonic").map(|at| clock.real(at));
        let next = unit.some("NextElapseUSecRealtime").map(seconds);
        let next = next.into_iter().chain(monotonic).reduce(f64::min);
        let accuracy = unit.number("AccuracyUSec").map_or(0.0, seconds);
        let since = |due: f64| (clock.now - due).max(0.0);
        // One that never ran is waited for from the time at which the timer was started.
        let begun = last.or_else(|| unit.some("ActiveEnterTimestamp").map(seconds));
        let overdue = match every {
            Some(every) => begun.map(|begun| since(begun + every.as_secs_f64())),
            // While its unit runs nothing is planned, and it may run for long.
            None if unit.sub == "running" => Some(0.0),
            None => next.map(|next| since(next + accuracy)),
        };
        let run_failed = unit.starts.as_ref().map(|run| {
            let result = run.text("Result");
            // A condition that says that there is nothing to do is no failure.
            run.active == "failed" || !matches!(result, "" | "success" | "exec-condition")
        });
        Self { name: unit.name.clone(), last, next, overdue, run_failed }
    }
}

pub struct Failed {
    pub name: String,
}

impl Failed {
    /// There is no row of one that has not failed.
    #[allow(clippy::unused_self, reason = "each value of a row is asked of the row")]
    pub const fn always(&self) -> bool {
        true
    }
}

/// Now, by the clock on the wall and by that of timers which count from a start.
#[derive(Clone, Copy)]
struct Clock {
    now: f64,
    monotonic: f64,
}

impl Clock {
    fn real(self, monotonic: u64) -> f64 {
        self.now - self.monotonic + seconds(monotonic)
    }
}

fn seconds(micros: u64) -> f64 {
    micros as f64 / 1e6
}

/// `declared` is in the order in which the units were asked for.
pub fn sample(declared: &[config::Unit], raw: Raw, now: SystemTime) -> Batch {
    let now = now.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
    let clock = Clock { now, monotonic: seconds(raw.monotonic) };
    let (mut units, mut facts, mut timers) = (Vec::new(), Vec::new(), Vec::new());
    for (unit, declared) in raw.units.iter().zip(declared) {
        let of = lists::TYPE.iter().find(|word| **word == unit.text("Type"));
        units.push(Unit {
            name: unit.name.clone(),
            active: unit.active.clone(),
            service: of.copied().unwrap_or_default(),
        });
        facts.push(Facts::of(unit, declared.on_demand));
        if super::is_timer(&unit.name) {
            timers.push(Timer::of(unit, declared.every.map(crate::config::Dur::get), clock));
        }
    }
    let mut batch = Batch::new();
    let mut count = None;
    if let Some(failed) = raw.failed {
        match failed {
            Ok(failed) => {
                count = Some(failed.len());
                let (others, more) = others(&raw.units, &failed);
                batch = batch.with(others).dropped("failed", more);
            }
            Err(failure) => batch = batch.gap("failed units (ListUnitsFiltered)", failure),
        }
    }
    let state = word(lists::SYSTEM, &raw.state);
    let detail = detail(&raw.units, &facts);
    batch
        .with(vec![Manager { state, failed: count }])
        .with(units)
        .with(facts)
        .with(timers)
        .detail(detail)
}

/// Failed units of which nothing else tells, and how many more there are.
fn others(declared: &[fetch::Unit], failed: &[fetch::Unit]) -> (Vec<Failed>, u64) {
    // A unit may be declared by another of its names.
    let same = |one: &fetch::Unit, other: &fetch::Unit| {
        one.name == other.name || !one.path.is_empty() && one.path == other.path
    };
    let told = |failed: &fetch::Unit| {
        declared.iter().any(|unit| {
            same(unit, failed) || unit.starts.as_ref().is_some_and(|run| same(run, failed))
        })
    };
    let others = failed.iter().filter(|unit| !told(unit));
    let mut names: Vec<&str> = others.map(|unit| unit.name.as_str()).collect();
    names.sort_unstable();
    names.dedup();
    let more = names.len().saturating_sub(CAP) as u64;
    let of = |name: &str| Failed { name: short(name, 256).into_owned() };
    (names.into_iter().take(CAP).map(of).collect(), more)
}

fn detail(units: &[fetch::Unit], facts: &[Facts]) -> Detail {
    let columns = [
        ("name", "unit"),
        ("state", "state"),
        ("sub", "sub state"),
        ("result", "last result"),
        ("exit", "last end"),
        ("since", "active since"),
    ];
    let row = |(unit, facts): (&fetch::Unit, &Facts)| {
        let end = match (facts.exit_code, facts.exit_signal) {
            (Some(code), _) => format!("exit code {code}"),
            (_, Some(signal)) => format!("signal {signal}"),
            _ => String::new(),
        };
        let since = facts.started.and_then(|at| Duration::try_from_secs_f64(at).ok());
        let since = since.and_then(|at| SystemTime::UNIX_EPOCH.checked_add(at));
        let text = |text: &str| Cell::Text(text.to_owned());
        vec![
            text(&unit.name),
            text(facts.state.as_str()),
            text(facts.sub),
            text(facts.result.unwrap_or_default()),
            Cell::Text(end),
            since.map_or(Cell::Text(String::new()), Cell::At),
        ]
    };
    Detail {
        title: "Units",
        name: "units",
        columns: columns.map(|(name, title)| Column { name, title }).to_vec(),
        rows: units.iter().zip(facts).map(row).collect(),
    }
}

#[cfg(test)]
mod tests;
