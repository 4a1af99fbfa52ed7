//! What becomes of containers when their Engine goes away.
//!
//! Newer Engines stop telling before they stop their containers. Up to Engine 20.10 the stream goes on
//! to the end, and a stop by the Engine looks like one by hand: a signal, an end, a `stop`. But it is
//! one of all that run, at once, and the last that is heard of this Engine.

use super::Ledger;
use super::run::Run;

/// An Engine that stops asks all containers to end within this time, in seconds.
const AT_ONCE: f64 = 2.0;
/// And has ended itself within this time after they have, in seconds.
const LAST: f64 = 30.0;

impl Ledger {
    /// The Engine is not where it was: what ran may have ended with it. Podman is no parent of its
    /// containers.
    pub fn engine_is_gone(&mut self) {
        if !self.tells_orders {
            return;
        }
        let runs = || self.runs.values().map(|life| &life.run);
        let all_stopped = !runs().any(Run::is_left_alone);
        let since = self.newest - LAST;
        let last = runs().filter_map(|run| run.stopped_since(since)).fold(0.0, f64::max);
        // What ran at last was started before the Engine asked the first to end.
        let begun = runs().map(Run::last_start).fold(last - AT_ONCE, f64::max);
        for life in self.runs.values_mut() {
            let run = &mut life.run;
            if all_stopped && run.stopped_since(since).is_some_and(|at| at > begun) {
                run.suspect();
            }
            run.orphan();
        }
    }

    /// It was there all the while; only we did not see it.
    pub fn engine_is_the_same(&mut self) {
        self.runs.values_mut().for_each(|life| life.run.adopt());
    }

    /// There is one that knows nothing of what the one before has told.
    pub fn engine_is_another(&mut self) {
        self.runs.values_mut().for_each(|life| life.run.confirm());
    }
}
