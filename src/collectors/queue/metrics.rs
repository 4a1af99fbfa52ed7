//! The metrics of queues: the same names for all kinds of sources.

use super::json::Service;
use super::model::QueueRow;
use crate::catalogue::metrics;

metrics! { QueueRow {
    labels { queue = |q| &q.seen.queue }
    /// Jobs by state; a state that the source cannot tell is absent. Source: the field, consumer, table or query that the configuration names.
    gauge stack_queue_jobs {state} [Q02 P12 P15 N02] = |q| q.seen.jobs.iter().map(|(state, count)| (state.as_str(), *count));
    /// Age of the oldest job of a state, in seconds; absent while there is none. Source: /jsz state.first_ts of a work queue, the times in the table, in Redis XRANGE, XPENDING and unacked_index, or in RabbitMQ head_message_timestamp.
    gauge stack_queue_oldest_age_seconds {state} [Q05] = |q| q.seen.oldest.iter().map(|(state, age)| (state.as_str(), *age));
    /// Jobs that may wait. Source: limits.max_queue_size, the preset, /jsz config.max_msgs of a work queue, or RabbitMQ x-max-length.
    gauge stack_queue_capacity_jobs [Q03] = |q| q.capacity;
    /// Part of the places for waiting jobs that is taken, as a ratio. Source: pending jobs and the capacity.
    gauge stack_queue_saturation_ratio [Q03] = |q| q.saturation();
    /// Jobs that may be worked on at the same time. Source: limits.max_concurrent, the preset, or /jsz config.max_ack_pending.
    gauge stack_queue_in_flight_limit [Q03] = |q| q.in_flight_limit;
    /// Jobs that are worked on for longer than job_timeout; 1 for at least one where only the oldest is known. Source: the times in the table, or in Redis XPENDING and unacked_index.
    gauge stack_queue_stuck_jobs [Q05 P12] = |q| q.stuck;
    /// Workers that wait for a job; 0 also while all are busy. Source: /jsz num_waiting, or XINFO CONSUMERS of Redis.
    gauge stack_queue_idle_workers [N04] = |q| q.seen.idle_workers;
    /// Time until no job waits if it goes on as in the last minute, in seconds; +Inf while not fewer wait than a minute ago, absent for the first minute. Source: the pending jobs now and at earlier readings.
    gauge stack_queue_drain_seconds [Q05 Q09] = |q| q.moved.drain;
    /// Jobs that are gone and were neither given out nor ended: the queue was emptied by hand, or lost with its process. Source: the pending jobs and, for http, those that have ended, for jetstream delivered.consumer_seq.
    counter stack_queue_lost_jobs_total [Q05 Q09] = |q| q.moved.lost;
    /// Connections that are workers of the consumer: those with the names of `workers`, the subscribers of a push consumer, else all that can be given jobs, so at most so many. Absent where workers may be connected elsewhere (a cluster, leaf nodes). Source: /connz.
    gauge stack_queue_connected_workers [N04] = |q| q.seen.workers.map(|workers| workers.connected);
    /// Time since any of these connections was last active, in seconds. Workers that only work on what they have are silent too. Source: /connz last_activity.
    gauge stack_queue_workers_silent_seconds [N04] = |q| q.seen.workers.and_then(|workers| workers.silence);
    /// The state of the queue in one word, 1 for the one that holds. Source: the numbers of this queue now and at earlier readings.
    gauge stack_queue_condition {condition} [Q02 Q03 Q05 Q09] = |q| q.conditions();
} }

metrics! { Service {
    labels {}
    /// Whether the service says that its queues are well. Source: the JSON field status.
    gauge stack_queue_healthy [Q01] = |s| s.healthy;
    /// Whether the service says that its queues are being worked on. Source: the JSON field is_running.
    gauge stack_queue_running [Q01] = |s| s.running;
    /// Memory in use as the service sees it, as a ratio. Source: the JSON field resource_usage.memory_percent.
    gauge stack_queue_memory_used_ratio [Q04 Q06] = |s| s.memory;
    /// CPU in use as the service sees it, as a ratio. Source: the JSON field resource_usage.cpu_percent.
    gauge stack_queue_cpu_used_ratio [Q04 Q06] = |s| s.cpu;
} }
