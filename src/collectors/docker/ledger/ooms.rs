//! Kills of one run of a container for want of memory.
//!
//! The Engine's `oom` events are no kills: on cgroup v1 there are several for one kill, and some
//! with none (`--oom-kill-disable`, memory that was freed just in time). They say only when to look.
//! The truth is the kernel's count of the run's control group. Where it cannot be read, an event
//! explains an end by SIGKILL and nothing else.

use super::counts::Death;

/// What the kernel said of the present run of a container.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Measured {
    /// When the run that was looked at was started, by its inspection.
    pub started: f64,
    /// Processes that were killed in it.
    pub kills: u64,
    /// Whether its first process is about to end; `None` if it cannot be seen.
    pub ending: Option<bool>,
    /// When that was.
    pub at: f64,
}

/// Whoever lives on after this long, in seconds, has lost a child: one that is killed has the
/// signal at once.
const OUTLIVED: f64 = 1.0;
/// The same where the first process cannot be seen: on a machine that is out of breath its end
/// takes seconds.
const SURELY_OUTLIVED: f64 = 15.0;

#[derive(Clone, Debug, Default)]
pub struct Ooms {
    /// When the Engine last told of one that the kernel's count has not explained yet.
    noticed: Option<f64>,
    /// Since when there are kills that are not told.
    since: f64,
    /// The kernel's count.
    kills: u64,
    /// Of those, the ones that are told, or were before us.
    told: u64,
    /// Whether the kernel was asked before.
    asked: bool,
}

impl Ooms {
    pub fn notice(&mut self, at: f64) {
        self.noticed = Some(at);
    }

    /// Whether an end by SIGKILL that nobody ordered was one for want of memory.
    pub fn explain_a_kill(&self) -> bool {
        self.noticed.is_some() || self.open() > 0
    }

    /// Kills that are not told yet.
    fn open(&self) -> u64 {
        self.kills.saturating_sub(self.told)
    }

    /// Takes in the kernel's count, and gives how many children it has killed for certain.
    /// `whole`: the run is known from its beginning.
    pub fn measured(&mut self, found: Measured, whole: bool) -> u64 {
        if !std::mem::replace(&mut self.asked, true) && !whole {
            // What was before us is not ours to tell.
            self.told = found.kills;
        }
        if found.kills < self.kills {
            // A group that was made anew.
            self.told = 0;
        }
        if found.kills > self.kills {
            self.since = found.at;
        }
        self.kills = found.kills;
        let patience = if found.ending.is_some() { OUTLIVED } else { SURELY_OUTLIVED };
        let outlived = |since: f64| found.ending != Some(true) && found.at - since > patience;
        // Whatever it was for is in the count by now.
        self.noticed = self.noticed.filter(|noticed| !outlived(*noticed));
        if self.open() > 0 && outlived(self.since) {
            return self.tell();
        }
        0
    }

    /// The run has ended: how many children had been killed in it, as far as the kernel has said.
    pub fn ended(&mut self, death: Death) -> u64 {
        let children = self.tell();
        children.saturating_sub(u64::from(death == Death::Oom))
    }

    fn tell(&mut self) -> u64 {
        let open = self.open();
        self.told = self.kills;
        open
    }
}
