//! One model of a queue for all kinds of sources, pure.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::config::Limits;
use super::flow::{Flow, Moved, Passed};

/// Without a time limit for jobs: no progress for longer than this is a stall [Q09].
const PATIENCE: Duration = Duration::from_mins(10);

/// Of a source that says how long jobs may take itself, no more than this.
const LONGEST_WAIT: Duration = Duration::from_hours(24);

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
    /// After which a job that was not ended is given to another worker.
    pub ack_wait: Option<Duration>,
    /// Those that are connected, where that can be known.
    pub workers: Option<Workers>,
}

/// Connections that are workers, or may be.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Workers {
    pub connected: u64,
    /// Seconds since any of them was last heard of or given something.
    pub silence: Option<f64>,
    /// Seconds since the newest of them came.
    pub newest: Option<f64>,
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

    /// A worker that has just come gets its time too, though not whoever comes again and again.
    fn begins_anew(&self, still: Duration, patience: Duration) -> bool {
        let newest = self.workers.and_then(|workers| workers.newest);
        newest.is_some_and(|age| age < patience.as_secs_f64()) && still <= 3 * patience
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
        // Whoever had the jobs in work is not there any more, so nobody ends them.
        let gone = self.attended != Some(true)
            && self.workers.is_some_and(|workers| workers.connected == 0);
        let nobody = self.deserted || (self.attended == Some(false) && nothing);
        if gone || (pending > 0 && nobody) {
            // Between two requests of a worker there is a moment without one, or as long as it says.
            return match still {
                Some(still) if still >= worker_interval => Condition::NoWorkers,
                Some(_) => Condition::Busy,
                None => Condition::Unknown,
            };
        }
        if still.is_some_and(|still| still > patience && !self.begins_anew(still, patience)) {
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
            let patience = job.map_or_else(
                || seen.ack_wait.map_or(PATIENCE, |wait| PATIENCE.max(2 * wait.min(LONGEST_WAIT))),
                |job| (2 * job).max(Duration::from_mins(1)),
            );
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
mod tests;
