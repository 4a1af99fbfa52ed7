//! One model of a queue for all kinds of sources, pure.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::Limits;
use super::flow::{Flow, Moved, Passed};

/// Without a time limit for jobs: no progress for longer than this is a stall [Q09].
const PATIENCE: Duration = Duration::from_mins(10);

/// What may be true of a job. The states are disjoint, so their sum is the number of jobs.
#[derive(
    Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum State {
    /// Waits to be taken.
    Pending,
    /// Somebody works on it.
    Processing,
    /// Waits for its time.
    Scheduled,
    /// Failed and will be tried again.
    Retry,
    Completed,
    Failed,
    /// Given up: nobody will try again.
    Dead,
    /// None of these.
    Other,
}

impl State {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Processing => "processing",
            Self::Scheduled => "scheduled",
            Self::Retry => "retry",
            Self::Completed => "completed",
            Self::Failed => "failed",
            Self::Dead => "dead",
            Self::Other => "other",
        }
    }

    /// The usual words of applications and libraries.
    pub fn of_word(word: &str) -> Self {
        match word.trim().to_lowercase().replace([' ', '-'], "_").as_str() {
            "pending" | "queued" | "waiting" | "new" | "created" | "available" | "ready"
            | "todo" | "enqueued" | "submitted" => Self::Pending,
            "processing" | "running" | "in_progress" | "started" | "active" | "executing"
            | "working" => Self::Processing,
            "scheduled" | "delayed" | "deferred" => Self::Scheduled,
            "retry" | "retrying" | "retryable" => Self::Retry,
            "completed" | "complete" | "done" | "success" | "succeeded" | "finished" => {
                Self::Completed
            }
            "failed" | "failure" | "error" | "errored" => Self::Failed,
            "dead" | "discarded" | "abandoned" => Self::Dead,
            _ => Self::Other,
        }
    }
}

/// The state of a queue in one word; exactly one holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Condition {
    /// Nothing to do.
    Idle,
    /// Jobs wait or are worked on, and it goes on.
    Busy,
    /// Jobs wait because as many as allowed are worked on.
    Saturated,
    /// There are jobs, and nothing has gone on for too long.
    Stalled,
    /// Jobs wait and nobody asks for them.
    NoWorkers,
    /// All that is left are jobs that nobody will try again.
    Poisoned,
    /// Somebody has stopped it on purpose.
    Paused,
    /// The source does not say enough, or not yet.
    Unknown,
}

impl Condition {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Idle => "idle",
            Self::Busy => "busy",
            Self::Saturated => "saturated",
            Self::Stalled => "stalled",
            Self::NoWorkers => "no_workers",
            Self::Poisoned => "poisoned",
            Self::Paused => "paused",
            Self::Unknown => "unknown",
        }
    }
}

/// What a source says of one queue. What it does not say stays empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Observed {
    pub queue: String,
    pub jobs: BTreeMap<State, u64>,
    /// Age of the oldest job by state, in seconds since it was made.
    pub oldest: BTreeMap<State, f64>,
    /// For how long each job has been worked on; `None` where not all are known.
    pub processing_ages: Option<Vec<f64>>,
    /// For how long the oldest has been worked on.
    pub oldest_processing: Option<f64>,
    /// Workers that wait for a job.
    pub idle_workers: Option<u64>,
    /// Whether anybody can take jobs at all.
    pub attended: Option<bool>,
    /// It is certain that nobody can, whatever is still worked on.
    pub deserted: bool,
    pub paused: bool,
    /// The number of dead jobs may be wrong for a moment, so it counts once two readings agree.
    pub doubts_dead: bool,
    pub capacity: Option<u64>,
    pub in_flight_limit: Option<u64>,
    /// Numbers of which at least one changes whenever a job is taken or ends.
    pub progress: Option<Vec<u64>>,
    /// Jobs in it and those that have left it, where the source tells both of one moment.
    pub passed: Option<Passed>,
}

/// A queue as it is exported.
pub struct QueueRow {
    pub seen: Observed,
    pub capacity: Option<u64>,
    pub in_flight_limit: Option<u64>,
    pub stuck: Option<u64>,
    pub moved: Moved,
    pub condition: Condition,
    /// The conditions that this kind of source can tell.
    pub conditions: &'static [Condition],
}

impl Observed {
    pub fn named(queue: impl Into<String>) -> Self {
        Self { queue: queue.into(), ..Self::default() }
    }

    fn count(&self, state: State) -> Option<u64> {
        self.jobs.get(&state).copied()
    }

    /// Jobs worked on for longer than `limit`; where only the oldest is known, at least one.
    fn stuck(&self, limit: Duration) -> Option<u64> {
        let late = |age: &f64| *age > limit.as_secs_f64();
        if let Some(ages) = &self.processing_ages {
            return Some(ages.iter().filter(|age| late(age)).count() as u64);
        }
        self.oldest_processing.map(|age| u64::from(late(&age)))
    }

    /// `still`: for how long the progress has been seen not to change, at least one reading ago.
    fn condition(
        &self,
        still: Option<Duration>,
        patience: Duration,
        in_flight_limit: Option<u64>,
        worker_interval: Duration,
    ) -> Condition {
        if self.paused {
            return Condition::Paused;
        }
        let Some(pending) = self.count(State::Pending) else { return Condition::Unknown };
        // Some sources cannot tell what is worked on.
        let processing = self.count(State::Processing);
        if pending == 0 && processing.is_none_or(|count| count == 0) {
            return match self.count(State::Dead) {
                Some(1..) => Condition::Poisoned,
                None if self.doubts_dead || processing.is_none() => Condition::Unknown,
                _ => Condition::Idle,
            };
        }
        let nothing = processing.is_none_or(|count| count == 0);
        let nobody = self.deserted || (self.attended == Some(false) && nothing);
        if pending > 0 && nobody {
            // Between two requests of a worker there is a moment without one, or as long as it says.
            return match still {
                Some(still) if still >= worker_interval => Condition::NoWorkers,
                Some(_) => Condition::Busy,
                None => Condition::Unknown,
            };
        }
        if still.is_some_and(|still| still > patience) {
            return Condition::Stalled;
        }
        let at_limit = in_flight_limit.zip(processing).is_some_and(|(limit, held)| held >= limit);
        let all_busy = self.idle_workers == Some(0) && !nothing;
        if pending > 0 && (at_limit || all_busy) { Condition::Saturated } else { Condition::Busy }
    }
}

/// Since when each queue shows no progress. Outlives a reload.
#[derive(Default)]
pub struct History {
    marks: BTreeMap<String, Mark>,
    /// Dead jobs as the source said last, where that may be wrong.
    dead: BTreeMap<String, u64>,
    flows: BTreeMap<String, Flow>,
}

struct Mark {
    progress: Vec<u64>,
    pending: Option<u64>,
    since: SystemTime,
}

impl History {
    /// Notes the progress, and says for how long it has been the same; `None` when it has just
    /// changed or was never seen before.
    fn still(&mut self, seen: &Observed, now: SystemTime) -> Option<Duration> {
        let (progress, pending) = (seen.progress.clone()?, seen.count(State::Pending));
        let mark = self.marks.get_mut(&seen.queue);
        // Fewer that wait is progress too; more that wait is none.
        let same = mark.filter(|mark| mark.progress == progress && mark.pending <= pending);
        let still = same.and_then(|mark| {
            mark.pending = pending;
            now.duration_since(mark.since).ok()
        });
        if still.is_none() {
            self.marks.insert(seen.queue.clone(), Mark { progress, pending, since: now });
        }
        still
    }

    /// Of dead jobs that may be none as many count as two readings in a row have said; with the first one
    /// nothing is known of them, unless there are none.
    fn agree_on_dead(&mut self, seen: &mut Observed) {
        let Some(dead) = seen.count(State::Dead).filter(|_| seen.doubts_dead) else { return };
        let before = self.dead.insert(seen.queue.clone(), dead);
        match before.map(|before| before.min(dead)).or((dead == 0).then_some(0)) {
            Some(agreed) => seen.jobs.insert(State::Dead, agreed),
            None => seen.jobs.remove(&State::Dead),
        };
    }

    /// The rows, with limits by queue. Queues that are gone are forgotten.
    pub fn rows(
        &mut self,
        seen: Vec<Observed>,
        conditions: &'static [Condition],
        limits: impl Fn(&str) -> Limits,
        now: SystemTime,
    ) -> Vec<QueueRow> {
        let known = |name: &String| seen.iter().any(|seen| seen.queue == *name);
        self.marks.retain(|name, _| known(name));
        self.dead.retain(|name, _| known(name));
        self.flows.retain(|name, _| known(name));
        let row = |mut seen: Observed| {
            // Of a work queue, which alone has any.
            let has_dead = seen.jobs.contains_key(&State::Dead);
            self.agree_on_dead(&mut seen);
            seen.doubts_dead &= has_dead;
            let limits = limits(&seen.queue);
            let job = limits.job_timeout.map(crate::config::Dur::get);
            let patience = job.map_or(PATIENCE, |job| (2 * job).max(Duration::from_mins(1)));
            let in_flight_limit = limits.max_concurrent.or(seen.in_flight_limit);
            QueueRow {
                capacity: limits.max_queue_size.or(seen.capacity),
                in_flight_limit,
                stuck: job.and_then(|job| seen.stuck(job)),
                moved: self.flows.entry(seen.queue.clone()).or_default().note(&seen, now),
                condition: seen.condition(
                    self.still(&seen, now),
                    patience,
                    in_flight_limit,
                    limits.worker_interval.map_or(Duration::ZERO, crate::config::Dur::get),
                ),
                conditions,
                seen,
            }
        };
        seen.into_iter().map(row).collect()
    }
}

impl QueueRow {
    /// Part of the places for waiting jobs that is taken.
    pub fn saturation(&self) -> Option<f64> {
        let (pending, capacity) = (self.seen.count(State::Pending)?, self.capacity?);
        (capacity > 0).then(|| pending as f64 / capacity as f64)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn queue(pending: u64, processing: u64, idle_workers: Option<u64>) -> Observed {
        let jobs = [(State::Pending, pending), (State::Processing, processing)];
        Observed {
            jobs: jobs.into(),
            idle_workers,
            attended: idle_workers.map(|workers| workers > 0),
            ..Observed::named("q")
        }
    }

    /// Where nobody can tell what is worked on.
    fn waiting(pending: u64, attended: Option<bool>) -> Observed {
        let jobs = [(State::Pending, pending)].into();
        Observed { jobs, attended, ..Observed::named("q") }
    }

    #[test]
    fn conditions_of_the_table() {
        use Condition::{Busy, Idle, NoWorkers, Saturated, Stalled, Unknown};
        let minutes = Duration::from_mins;
        for (seen, still, limit, want) in [
            (queue(0, 0, Some(1)), Some(minutes(99)), None, Idle),
            (queue(0, 3, Some(1)), Some(minutes(1)), None, Busy),
            (queue(4, 3, Some(1)), None, None, Busy),
            (queue(4, 3, Some(0)), None, None, Saturated),
            (queue(4, 3, None), None, Some(3), Saturated),
            (queue(0, 3, None), None, Some(3), Busy),
            (queue(0, 3, Some(0)), Some(minutes(11)), None, Stalled),
            (queue(4, 0, Some(0)), None, None, Unknown),
            (queue(4, 0, Some(0)), Some(minutes(1)), None, NoWorkers),
            (queue(4, 0, None), Some(minutes(1)), None, Busy),
            (queue(4, 0, None), Some(minutes(11)), None, Stalled),
            (Observed::named("q"), Some(minutes(11)), None, Unknown),
            (waiting(0, Some(false)), Some(minutes(11)), None, Unknown),
            (waiting(4, Some(true)), Some(minutes(1)), None, Busy),
            (waiting(4, Some(true)), Some(minutes(11)), None, Stalled),
            (waiting(4, Some(false)), Some(minutes(1)), None, NoWorkers),
        ] {
            assert_eq!(
                seen.condition(still, PATIENCE, limit, Duration::ZERO),
                want,
                "{seen:?} {still:?}"
            );
        }
    }

    #[test]
    fn standing_still_needs_an_earlier_reading() {
        let mut history = History::default();
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let seen = |n| Observed { progress: Some(vec![n]), ..queue(1, 1, None) };
        assert_eq!(history.still(&seen(1), at(100)), None);
        assert_eq!(history.still(&seen(1), at(160)), Some(Duration::from_mins(1)));
        assert_eq!(history.still(&seen(2), at(170)), None);
        // A clock that was set back begins anew.
        assert_eq!(history.still(&seen(2), at(50)), None);
        assert_eq!(history.still(&seen(2), at(60)), Some(Duration::from_secs(10)));
        let pending = |n| Observed { progress: Some(vec![2]), ..queue(n, 1, None) };
        assert_eq!(history.still(&pending(9), at(70)), Some(Duration::from_secs(20)));
        assert_eq!(history.still(&pending(8), at(80)), None);
        assert_eq!(history.still(&queue(1, 1, None), at(90)), None);
    }

    #[test]
    fn what_is_paused_deserted_or_visited_at_intervals() {
        let minutes = Duration::from_mins;
        let paused = Observed { paused: true, ..queue(7, 0, Some(0)) };
        assert_eq!(
            paused.condition(Some(minutes(99)), PATIENCE, None, minutes(0)),
            Condition::Paused
        );
        let deserted = Observed { deserted: true, ..queue(7, 3, None) };
        let told = |still, interval| deserted.condition(still, PATIENCE, None, interval);
        assert_eq!(told(Some(minutes(1)), minutes(0)), Condition::NoWorkers);
        assert_eq!(told(Some(minutes(1)), minutes(5)), Condition::Busy);
        assert_eq!(told(Some(minutes(6)), minutes(5)), Condition::NoWorkers);
    }

    #[test]
    fn the_dead_count_when_two_readings_agree() {
        let mut history = History::default();
        let conditions = &[];
        let mut read = |dead: u64| {
            let mut seen = Observed { doubts_dead: true, ..queue(0, 0, Some(1)) };
            seen.jobs.insert(State::Dead, dead);
            let rows =
                history.rows(vec![seen], conditions, |_| Limits::default(), SystemTime::now());
            (rows[0].seen.count(State::Dead), rows[0].condition)
        };
        assert_eq!(read(5), (None, Condition::Unknown));
        assert_eq!(read(0), (Some(0), Condition::Idle));
        assert_eq!(read(9), (Some(0), Condition::Idle));
        assert_eq!(read(3), (Some(3), Condition::Poisoned));
    }

    #[test]
    fn words_with_hyphens_and_spaces() {
        for word in ["in-progress", "In Progress", " in_progress "] {
            assert_eq!(State::of_word(word), State::Processing, "{word}");
        }
    }

    #[test]
    fn the_stuck_are_counted_or_at_least_seen() {
        let limit = Duration::from_secs(30);
        let ages = Observed { processing_ages: Some(vec![1.0, 31.0, 99.0]), ..queue(0, 3, None) };
        assert_eq!(ages.stuck(limit), Some(2));
        let oldest = |age| Observed { oldest_processing: Some(age), ..queue(0, 3, None) };
        assert_eq!((oldest(30.0).stuck(limit), oldest(31.0).stuck(limit)), (Some(0), Some(1)));
        assert_eq!(queue(0, 3, None).stuck(limit), None);
    }
}
