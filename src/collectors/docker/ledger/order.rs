//! Restarts by somebody's order: how a script that does so is told from a person.

use super::counts::Death;

/// So many within this time are no person, in seconds.
const HOUR: f64 = 3600.0;
/// It has ended this long after the last one, in seconds.
const CALM: f64 = 1800.0;

/// Times of the last five starts after an end that somebody asked for.
#[derive(Clone, Debug, Default)]
pub struct ByOrder([f64; 5]);

impl ByOrder {
    /// Takes a start after that end; whether somebody asked for it.
    pub fn start(&mut self, at: f64, after: Option<Death>) -> bool {
        let ordered = after == Some(Death::Stopped);
        if ordered {
            self.0.rotate_left(1);
            if let Some(last) = self.0.last_mut() {
                *last = at;
            }
        }
        ordered
    }

    /// Such as `docker restart` by cron.
    pub fn is_often(&self, now: f64) -> bool {
        let [first, .., last] = self.0;
        // Without five of them there is a 0.
        first > 0.0 && first > now - HOUR && last > now - CALM
    }
}
