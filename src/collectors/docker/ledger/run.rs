//! The life of one container: starts and ends take turns, whoever tells of them.
//!
//! Events and inspections tell of the same things, a little before or after each other, or not at all. What
//! is counted is known by the order of the times: an end not after a start, or two starts, are old news.

use super::super::container::Container;
use super::super::detail::Detail;
use super::counts::{Counts, Death};
use super::ooms::{Measured, Ooms};

/// An event that tells of a change may still be on its way for this long, in seconds.
const SETTLE: f64 = 2.0;
/// A program that was asked to end has done so by then, in seconds, or it never will.
const PATIENCE: f64 = 600.0;
/// Three restarts within this time make a loop, in seconds.
const LOOP: f64 = 600.0;
/// And the last of them not longer ago than this: the Engine waits a minute at most.
const STILL: f64 = 180.0;

#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a fact of its own")]
pub struct Run {
    running: bool,
    last_start: f64,
    last_end: f64,
    death: Option<Death>,
    /// When it ended by SIGKILL, while that is not counted yet: the reason may still come.
    unsettled: Option<f64>,
    /// When somebody last asked for the end of this run, and when first.
    ordered: Option<f64>,
    first_ordered: f64,
    /// Whether the Engine starts it again after a crash; not known before the first inspection.
    policy_restarts: Option<bool>,
    /// The Engine's count of restarts, and those that were counted here since.
    restart_count: Option<i64>,
    restarted: i64,
    /// Starts that events told of, after an end that nobody asked for: by the policy, or by hand.
    /// That count says which.
    presumed: i64,
    /// Whether one of the starts since then was after an end that somebody asked for.
    renewed: bool,
    /// Starts after an end that was not seen: that count tells whose they were.
    unexplained: u64,
    /// Times of the last three restarts.
    recent: [f64; 3],
    pub by_order: super::order::ByOrder,
    /// Whether we know its container, and this run, from the beginning.
    pub known_container: bool,
    known_run: bool,
    /// The Engine was away during this run. Unless live-restore is on, the run has ended with it.
    orphaned: bool,
    /// It may be the Engine that has stopped it, at its own end.
    suspect: bool,
    ooms: Ooms,
    health: &'static str,
    pub healthy_after: Option<f64>,
}

impl Run {
    /// As it stands when we come: nothing of it is counted.
    pub fn existing(container: &Container, detail: &Detail) -> Self {
        let (started, finished) = (detail.started.unwrap_or(0.0), detail.finished.unwrap_or(0.0));
        let running = container.has_usage();
        Self {
            running,
            last_start: started,
            last_end: if running { 0.0 } else { finished.max(started) },
            restart_count: restarts(container, detail),
            health: container.health,
            known_run: container.health == "starting",
            ..Self::default()
        }
    }

    /// One of which we have heard from the beginning.
    pub fn new() -> Self {
        Self { known_container: true, ..Self::default() }
    }

    /// One whose first event is an end.
    pub fn running_already() -> Self {
        Self { running: true, ..Self::default() }
    }

    pub const fn death(&self) -> Option<Death> {
        self.death
    }

    pub fn is_looping(&self, now: f64) -> bool {
        let [first, .., last] = self.recent;
        first > now - LOOP && last > now - STILL
    }

    pub fn start(&mut self, at: f64, counts: &mut Counts) {
        if self.running {
            // Told by the inspection already; unless the Engine died and told no end: then the
            // next inspection says so.
            if !self.orphaned && at < self.last_start + SETTLE {
                self.last_start = self.last_start.max(at);
            }
        } else if at > self.last_end {
            self.begin(at, counts);
        }
    }

    fn begin(&mut self, at: f64, counts: &mut Counts) {
        let by_policy =
            self.policy_restarts != Some(false) && self.death.is_some_and(Death::is_of_its_own);
        counts.starts += 1;
        self.unexplained += u64::from(matches!(self.death, Some(Death::Unknown | Death::Engine)));
        self.renewed |= self.by_order.start(at, self.death);
        match self.policy_restarts {
            _ if !by_policy => {}
            // There is no inspection that could say more.
            None => {
                self.restarted += 1;
                self.restart(1, at, counts);
            }
            Some(_) => self.presumed += 1,
        }
        self.running = true;
        self.known_run = true;
        (self.orphaned, self.suspect) = (false, false);
        self.last_start = at;
        self.ordered = None;
        self.ooms = Ooms::default();
        self.healthy_after = None;
        self.health = "";
    }

    /// Restarts by the policy, the last of them then.
    fn restart(&mut self, times: i64, at: f64, counts: &mut Counts) {
        counts.restarts += u64::try_from(times).unwrap_or(0);
        for _ in 0..times.min(3) {
            self.recent.rotate_left(1);
            if let Some(last) = self.recent.last_mut() {
                *last = at;
            }
        }
    }

    /// `told`: whether it is told when somebody orders the end.
    pub fn end(&mut self, at: f64, code: Option<i64>, told: bool, counts: &mut Counts) {
        if !self.running {
            self.last_end = self.last_end.max(at);
        } else if at > self.last_start {
            let ordered = self.is_ordered(at);
            let killed = self.ooms.explain_a_kill() && !ordered;
            let death = Death::of(code, killed, ordered, told);
            self.finish(at, self.with_engine(death, code, ordered), counts);
        }
    }

    /// What is told of the end of a run during which the Engine was away: nobody can have ordered
    /// it since. The Engine itself does, as it stops and as it starts.
    const fn with_engine(&self, death: Death, code: Option<i64>, ordered: bool) -> Death {
        if self.orphaned && !ordered { death.without_engine(code) } else { death }
    }

    /// The Engine is away, or has been.
    pub const fn orphan(&mut self) {
        self.orphaned |= self.running;
    }

    /// It was not.
    pub const fn adopt(&mut self) {
        (self.orphaned, self.suspect) = (false, false);
    }

    /// Whether it goes on, as far as is known.
    pub const fn is_left_alone(&self) -> bool {
        self.running && self.ordered.is_none()
    }

    pub const fn last_start(&self) -> f64 {
        self.last_start
    }

    /// When it was first asked to end, if it has ended since `since`.
    pub fn stopped_since(&self, since: f64) -> Option<f64> {
        let stopped = self.death == Some(Death::Stopped) && !self.running;
        (stopped && self.last_end >= since).then_some(self.first_ordered)
    }

    /// It may have been the Engine that asked for its end.
    pub const fn suspect(&mut self) {
        self.suspect = true;
    }

    /// The Engine has ended, or was started anew.
    pub fn confirm(&mut self) {
        if std::mem::take(&mut self.suspect) && self.death == Some(Death::Stopped) {
            (self.death, self.orphaned) = (Some(Death::Engine), true);
        }
    }

    /// Removed; if it ran, with its end untold.
    pub fn vanished(&mut self, counts: &mut Counts) {
        if self.running {
            self.finish(self.last_start, Death::Unknown, counts);
        }
        let presumed = std::mem::take(&mut self.presumed);
        self.restart(presumed, self.last_start, counts);
    }

    fn finish(&mut self, at: f64, death: Death, counts: &mut Counts) {
        self.settle(f64::INFINITY, counts);
        counts.ooms.child += self.ooms.ended(death);
        self.death = Some(death);
        if death == Death::Killed {
            self.unsettled = Some(at);
        } else {
            tell(death, counts);
        }
        self.running = false;
        self.last_end = at;
    }

    /// Somebody sent a signal that ends a program.
    pub fn order(&mut self, at: f64) {
        if self.orphaned {
            return;
        }
        if self.ordered.replace(at).is_none() {
            self.first_ordered = at;
        }
    }

    fn is_ordered(&self, at: f64) -> bool {
        self.ordered.is_some_and(|ordered| at - ordered < PATIENCE)
    }

    /// The Engine says `stop` after the end that it asked for.
    pub fn stopped(&mut self) {
        if !self.running && !self.orphaned {
            self.death = Some(Death::Stopped);
        }
    }

    /// The Engine says that the memory was not enough. That can come after the end that it led to.
    pub fn oom(&mut self, at: f64, counts: &mut Counts) {
        counts.ooms.notices += 1;
        match self.unsettled.take_if(|end| at - *end < SETTLE) {
            Some(_) => {
                tell(Death::Oom, counts);
                if self.death == Some(Death::Killed) {
                    self.death = Some(Death::Oom);
                }
            }
            None if self.running => self.ooms.notice(at),
            None => {}
        }
    }

    /// Counts an end by SIGKILL once no event can explain it any more.
    pub fn settle(&mut self, now: f64, counts: &mut Counts) {
        if self.unsettled.take_if(|end| now - *end > SETTLE).is_some() {
            tell(Death::Killed, counts);
        }
    }

    /// The kernel's own count, of this run or of one before or after it.
    pub fn measured(&mut self, found: Measured, counts: &mut Counts) {
        let earlier = found.started <= self.last_end;
        let later = self.last_start > 0.0 && found.started > self.last_start;
        if self.running && !earlier && !later {
            counts.ooms.child += self.ooms.measured(found, self.known_run);
        }
    }

    pub fn health(&mut self, status: &'static str, at: f64, counts: &mut Counts) {
        if status == self.health {
            return;
        }
        self.health = status;
        match status {
            "healthy" => counts.health.healthy += 1,
            "unhealthy" => counts.health.unhealthy += 1,
            _ => return,
        }
        if status == "healthy" && self.running && self.known_run && self.last_start > 0.0 {
            self.healthy_after.get_or_insert((at - self.last_start).max(0.0));
        }
    }

    /// Compares with an inspection. `streaming`: events come, so one may be on its way.
    pub fn observe(
        &mut self,
        container: &Container,
        detail: &Detail,
        now: f64,
        streaming: bool,
        counts: &mut Counts,
    ) {
        self.policy_restarts = Some(!matches!(detail.policy.as_str(), "" | "no"));
        let (started, finished) = (detail.started.unwrap_or(0.0), detail.finished.unwrap_or(0.0));
        let settled = !streaming || started.max(finished) < now - SETTLE;
        if settled {
            self.catch_up(container, detail, started, finished, counts);
        }
        if !streaming && container.is_alive() {
            self.health(container.health, now, counts);
        }
        if self.running && self.healthy_after.is_none() && container.health == "healthy" {
            let first = detail.check.as_ref().and_then(|check| check.first_success);
            self.healthy_after = first.map(|at| at - started).filter(|after| *after >= 0.0);
        }
        if settled {
            self.count_restarts(container, detail, counts);
        }
    }

    fn catch_up(
        &mut self,
        container: &Container,
        detail: &Detail,
        started: f64,
        finished: f64,
        counts: &mut Counts,
    ) {
        // Of a run whose end is known.
        if started <= self.last_end || started == 0.0 {
            return;
        }
        if !self.running {
            self.begin(started, counts);
        } else if self.last_start == 0.0 {
            // Running since before we came, as its first event has told.
            self.last_start = started;
        } else if started > self.last_start {
            // The end before it was never told.
            let before = if finished < started { finished } else { self.last_start };
            let unseen = if self.orphaned { Death::Engine } else { Death::Unknown };
            self.finish(before, unseen, counts);
            self.begin(started, counts);
        }
        if container.has_usage() {
            // It has outlived the Engine.
            self.orphaned = false;
        } else {
            let killed = detail.oom_killed == Some(true);
            let stopped = container.state == "exited" && detail.always_restarts();
            let ordered = self.is_ordered(finished);
            let death = Death::of(detail.exit_code, killed, stopped || ordered, false);
            let death = self.with_engine(death, detail.exit_code, ordered);
            self.finish(finished.max(started).max(self.last_start), death, counts);
        }
    }

    /// The Engine's count grows with each restart by the policy, also between two looks, and a start
    /// by hand sets it to 0.
    fn count_restarts(&mut self, container: &Container, detail: &Detail, counts: &mut Counts) {
        let Some(restarts) = restarts(container, detail) else { return };
        let known = self.restarted + self.presumed;
        let unknown = if self.known_container { 0 } else { restarts - known };
        let grown = restarts - self.restart_count.unwrap_or(unknown);
        if !matches!(container.state.as_str(), "restarting" | "running" | "paused") {
            // Stopped while it waited, or given up: the last may never have come.
            let came = (grown - self.restarted).clamp(0, self.presumed);
            self.presumed -= came;
            self.restarted += came;
            return self.restart(came, self.last_start, counts);
        }
        if grown > 0 {
            let missed = (grown - self.restarted).max(0);
            let untold = u64::try_from(missed - self.presumed).unwrap_or(0);
            let unseen = untold.saturating_sub(self.unexplained);
            counts.starts += unseen;
            counts.died(Death::Unknown, unseen);
            self.restart(missed, self.last_start, counts);
            self.restarted = (self.restarted - grown).max(0);
            self.presumed = (self.presumed - missed).max(0);
        } else if grown < 0 || (self.renewed && grown == 0 && self.presumed > 0) {
            // It was set back, also when it has grown to the same number since.
            // Those before that start by hand, which is none itself, or all before `docker restart`.
            let before = self.presumed - i64::from(!self.renewed);
            self.restart(before.max(restarts).max(0), self.last_start, counts);
            (self.restarted, self.presumed) = (0, 0);
        }
        // It tells of the present run: what is left were starts by hand.
        if self.running && detail.started.is_some_and(|started| started > self.last_end) {
            self.presumed = 0;
        }
        self.restart_count = Some(restarts);
        (self.unexplained, self.renewed) = (0, false);
    }
}

/// Restarts by the policy. The Engine counts one at the end of a run: while it waits that one is
/// still to come.
fn restarts(container: &Container, detail: &Detail) -> Option<i64> {
    let to_come = i64::from(container.state == "restarting");
    detail.restarts.map(|restarts| (restarts - to_come).max(0))
}

/// An end with all that follows from it.
fn tell(death: Death, counts: &mut Counts) {
    counts.ooms.main += u64::from(death == Death::Oom);
    counts.died(death, 1);
}
