//! How fast the clock of messages goes: as every clock, but in a build for tests as fast as these want,
//! so that holds of minutes are seen in seconds. A release build does not know of it.

use std::time::{Duration, Instant};

/// Times as fast as every clock.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pace {
    begun: Instant,
    times: u32,
}

impl Pace {
    pub fn start() -> Self {
        let wanted = || std::env::var("STACK_EXPORTER_TEST_NOTIFY_PACE").ok()?.parse().ok();
        let times = if cfg!(debug_assertions) { wanted().unwrap_or(1) } else { 1 };
        Self { begun: Instant::now(), times: times.max(1) }
    }

    /// Since the start.
    pub fn clock(self) -> Duration {
        self.begun.elapsed() * self.times
    }

    /// A wait by this clock.
    pub fn shorter(self, wait: Duration) -> Duration {
        wait / self.times
    }
}
