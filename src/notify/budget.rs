//! How many messages may go out within an hour.

use std::collections::VecDeque;
use std::time::Duration;

const HOUR: Duration = Duration::from_hours(1);

/// What may be sent now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Allowed {
    /// The message itself.
    Message,
    /// In its place one that says how it stands; how long the next ones wait.
    Summary(Duration),
    Nothing,
}

/// Counts messages by a clock that nobody sets.
#[derive(Default)]
pub(super) struct Budget {
    sent: VecDeque<Duration>,
    summary: Option<Duration>,
}

impl Budget {
    /// Takes one message out of those of this hour.
    pub fn take(&mut self, per_hour: usize, clock: Duration) -> Allowed {
        let is_old = |at: &Duration| clock.saturating_sub(*at) >= HOUR;
        while self.sent.front().is_some_and(is_old) {
            self.sent.pop_front();
        }
        if self.sent.len() < per_hour {
            self.sent.push_back(clock);
            return Allowed::Message;
        }
        if self.summary.as_ref().is_none_or(is_old) {
            self.summary = Some(clock);
            let oldest = self.sent.front().copied().unwrap_or_default();
            return Allowed::Summary((oldest + HOUR).saturating_sub(clock));
        }
        Allowed::Nothing
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn beyond_the_bound_there_is_one_message_an_hour() {
        let mut budget = Budget::default();
        let minutes = Duration::from_mins;
        let mut take = |minute| budget.take(2, minutes(minute));
        assert_eq!(take(0), Allowed::Message);
        assert_eq!(take(10), Allowed::Message);
        assert_eq!(take(20), Allowed::Summary(minutes(40)));
        assert_eq!(take(21), Allowed::Nothing);
        assert_eq!(take(60), Allowed::Message, "the first is an hour old");
        assert_eq!(take(61), Allowed::Nothing);
        assert_eq!(take(70), Allowed::Message);
        assert_eq!(take(80), Allowed::Summary(minutes(40)));
    }
}
