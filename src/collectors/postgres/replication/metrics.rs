//! The metrics of replication and of index builds.

use super::{IndexBuild, STATUSES, SlotStatus, Streaming, Written};
use crate::catalogue::metrics;

metrics! { Streaming {
    labels {}
    /// Whether a standby gets the log of its primary right now; absent on a primary, and on a standby that only reads an archive. Source: pg_stat_wal_receiver.status, setting primary_conninfo.
    gauge stack_postgres_receiver_streaming = |s| s.streaming;
} }

metrics! { SlotStatus {
    labels { slot_name = |s| &s.slot }
    /// 1 for what the server does with the log that a slot needs, and 0 for the rest: reserved, extended over max_wal_size, unreserved and so lost soon, or lost; absent of a slot that was never used. Source: pg_replication_slots.wal_status.
    gauge stack_postgres_slot_wal_status {wal_status} = |s| STATUSES.map(|status| (status, status == s.status));
} }

metrics! { Written {
    labels {}
    /// Bytes written into the write-ahead log since the server was made; of a standby those that it has got. Source: pg_current_wal_lsn(), pg_last_wal_receive_lsn().
    counter stack_postgres_wal_written_bytes_total = |w| w.bytes;
} }

metrics! { IndexBuild {
    labels {
        datname = |b| &b.database, schemaname = |b| &b.schema, relname = |b| &b.table,
        indexrelname = |b| &b.index,
    }
    /// 1 with what a running build of an index does at the moment. Source: pg_stat_progress_create_index.phase.
    gauge stack_postgres_index_build_phase {phase} = |b| [(b.phase, 1_u8)];
    /// Done share of this phase; absent where the phase does not count. Source: pg_stat_progress_create_index.
    gauge stack_postgres_index_build_ratio = |b| b.share;
    /// For how long the build has been running, in seconds. Source: pg_stat_activity.query_start.
    gauge stack_postgres_index_build_age_seconds = |b| b.age;
} }
