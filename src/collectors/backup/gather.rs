//! Takes generations in, one by one, and keeps the newest: pure.

use std::time::SystemTime;

use super::past::MOST;
use super::seen::{Look, Seen};

/// How many newer ones there may be before the older ones are let go.
const SLACK: usize = 2 * MOST;

pub struct Gather {
    look: Look,
    /// Older ones had to be deleted.
    expires: Option<SystemTime>,
    /// Older ones are not among the newest.
    floor: Option<SystemTime>,
}

impl Gather {
    pub fn new(expires: Option<SystemTime>) -> Self {
        let look = Look { complete: true, ..Look::default() };
        Self { look, expires, floor: None }
    }

    /// Counts one; it is made only if it may be among the newest.
    pub fn take(&mut self, modified: SystemTime, make: impl FnOnce() -> Seen) {
        self.look.all += 1;
        self.look.oldest = self.look.oldest.into_iter().chain([modified]).min();
        self.look.expired += u64::from(self.expires.is_some_and(|expires| modified < expires));
        if self.floor.is_none_or(|floor| modified >= floor) {
            self.look.newest.push(make());
            if self.look.newest.len() >= SLACK {
                self.trim();
            }
        }
    }

    fn trim(&mut self) {
        let newest = &mut self.look.newest;
        newest.sort_by(|a, b| b.id.modified.cmp(&a.id.modified).then_with(|| b.name.cmp(&a.name)));
        newest.truncate(MOST);
        if newest.len() == MOST {
            self.floor = newest.last().map(|seen| seen.id.modified);
        }
    }

    pub fn end(mut self) -> Look {
        self.trim();
        self.look
    }
}
