//! The metrics of systemd. `node_systemd_*` is node_exporter's, `systemd_timer_*` systemd_exporter's.

use super::sample::{Failed, Manager, Timer, Unit};
use crate::catalogue::metrics;

metrics! { Manager {
    labels {}
    /// The state of the system as a whole, always 1; the other states are absent. Source: SystemState of the manager.
    gauge stack_systemd_state {state} [H01] = |m| [(m.state, 1)];
    /// Failed units of the machine, declared or not; absent with `any_failed: false`. Source: ListUnitsFiltered.
    gauge stack_systemd_failed_units [R04] = |m| m.failed;
} }

metrics! { Unit {
    labels { name = |u| &u.name, type = |u| u.service_type() }
    /// Whether the declared unit is in this state; the type is that of a service. Source: ActiveState.
    gauge node_systemd_unit_state {state} [H01] = |u| u.states();
} }

metrics! { super::sample::Facts {
    labels { name = |u| &u.name }
    /// Whether the declared unit does what it is there for: it is active, or rests as it may (a finished oneshot, `on_demand`). 0 when it does not exist. Source: LoadState, ActiveState, Type.
    gauge stack_unit_up [H01 R04 R05] = |u| u.up();
    /// The one thing to be said of the declared unit, always 1; the other states are absent: running, done (a oneshot that has ended well), resting (`on_demand`), starting (also: waits for others first), stopping, restarting (it ended and waits for its next start), stopped (of a timer also: nothing more is planned), failed, missing (no unit file), invalid (a unit file with mistakes), masked. Source: LoadState, ActiveState, SubState, Job.
    gauge stack_unit_state {state} [H01 R04] = |u| [(u.state.as_str(), 1)];
    /// The sub state of the unit, always 1; `other` for words that are not known here. Source: SubState.
    gauge stack_unit_sub_state {sub} [H01] = |u| [(u.sub, 1)];
    /// How the unit ended last, always 1; `other` for words that are not known here. Source: Result.
    gauge stack_unit_result {result} [H01] = |u| u.result.map(|result| (result, 1)).into_iter();
    /// Exit code of the main process when it ended last; absent while it has not ended by itself. Source: ExecMainCode, ExecMainStatus.
    gauge stack_unit_exit_code [H01] = |u| u.exit_code;
    /// Signal that killed the main process when it ended last. Source: ExecMainCode, ExecMainStatus.
    gauge stack_unit_exit_signal [H01] = |u| u.exit_signal;
    /// Starts by `Restart=` since the service was last started by somebody. Source: NRestarts.
    counter node_systemd_service_restart_total [H01] = |u| u.restarts;
    /// Time at which the unit became active, in seconds since 1970; absent while it is not. Source: ActiveEnterTimestamp.
    gauge stack_unit_start_time_seconds [H01] = |u| u.started;
    /// Memory of the unit's control group, in bytes, caches included. Source: MemoryCurrent.
    gauge stack_unit_memory_bytes [H02 H03] = |u| u.memory;
    /// CPU time of the unit's control group. Source: CPUUsageNSec.
    counter stack_unit_cpu_seconds_total [H02] = |u| u.cpu;
    /// Tasks (threads) of the unit's control group. Source: TasksCurrent.
    gauge stack_unit_tasks [H02] = |u| u.tasks;
} }

metrics! { Timer {
    labels { name = |t| &t.name }
    /// Time at which the timer last started its unit, in seconds since 1970; absent if it never did. Source: LastTriggerUSec.
    gauge systemd_timer_last_trigger_seconds [H01] = |t| t.last;
    /// Time at which the timer will start its unit next, in seconds since 1970; absent if it will not. Source: NextElapseUSecRealtime, NextElapseUSecMonotonic.
    gauge stack_unit_timer_next_seconds [H01] = |t| t.next;
    /// For how long a run is overdue, in seconds, 0 if it is not: by `every`, else by what the timer has planned. Source: LastTriggerUSec, NextElapseUSecRealtime, NextElapseUSecMonotonic.
    gauge stack_unit_timer_overdue_seconds [H01] = |t| t.overdue;
    /// Whether the last run that the timer started has failed. Source: ActiveState and Result of its unit.
    gauge stack_unit_timer_run_failed [H01] = |t| t.run_failed;
} }

metrics! { Failed {
    labels { name = |f| &f.name }
    /// A failed unit that is not declared, always 1, for 20 units at most. Source: ListUnitsFiltered.
    gauge stack_unit_other_failed [R04] = |f| f.always();
} }
