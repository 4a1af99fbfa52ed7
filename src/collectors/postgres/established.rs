//! Families of `postgres_exporter` that only have its names: kinds and units are its own, too.

use super::server::{
    Archiver, Archiving, Background, Checkpointer, Condition, Horizon, OtherSettings, Receiver,
    Role, Sender, Settings, Slot, Wal,
};
use crate::catalogue::metrics;

metrics! { Background {
    labels { server = |b| &b.0.server }
    /// Checkpoints that came by time. Source: pg_stat_bgwriter.checkpoints_timed; from version 17 on pg_stat_checkpointer.num_timed.
    counter pg_stat_bgwriter_checkpoints_timed_total = |b| b.0.get("checkpoints_timed");
    /// Checkpoints that were asked for, mostly by much being written. Source: pg_stat_bgwriter.checkpoints_req; from version 17 on pg_stat_checkpointer.num_requested.
    counter pg_stat_bgwriter_checkpoints_req_total = |b| b.0.get("checkpoints_req");
    /// Time in milliseconds that checkpoints spent writing. Source: pg_stat_bgwriter.checkpoint_write_time; from version 17 on pg_stat_checkpointer.write_time.
    counter pg_stat_bgwriter_checkpoint_write_time_total = |b| b.0.get("checkpoint_write_time");
    /// Time in milliseconds that checkpoints spent making sure of it. Source: pg_stat_bgwriter.checkpoint_sync_time; from version 17 on pg_stat_checkpointer.sync_time.
    counter pg_stat_bgwriter_checkpoint_sync_time_total = |b| b.0.get("checkpoint_sync_time");
    /// Buffers written by checkpoints. Source: pg_stat_bgwriter.buffers_checkpoint; from version 17 on pg_stat_checkpointer.buffers_written.
    counter pg_stat_bgwriter_buffers_checkpoint_total = |b| b.0.get("buffers_checkpoint");
    /// Buffers written by the background writer. Source: pg_stat_bgwriter.buffers_clean.
    counter pg_stat_bgwriter_buffers_clean_total = |b| b.0.get("buffers_clean");
    /// Times that the background writer stopped for having written too much. Source: pg_stat_bgwriter.maxwritten_clean.
    counter pg_stat_bgwriter_maxwritten_clean_total = |b| b.0.get("maxwritten_clean");
    /// Buffers that sessions wrote themselves. Source: pg_stat_bgwriter.buffers_backend; from version 17 on pg_stat_io.writes.
    counter pg_stat_bgwriter_buffers_backend_total = |b| b.0.get("buffers_backend");
    /// Times that sessions had to make sure of a write themselves. Source: pg_stat_bgwriter.buffers_backend_fsync; from version 17 on pg_stat_io.fsyncs.
    counter pg_stat_bgwriter_buffers_backend_fsync_total = |b| b.0.get("buffers_backend_fsync");
    /// Buffers allocated. Source: pg_stat_bgwriter.buffers_alloc.
    counter pg_stat_bgwriter_buffers_alloc_total = |b| b.0.get("buffers_alloc");
    /// When these statistics were last reset, in seconds since the epoch. Source: pg_stat_bgwriter.stats_reset.
    counter pg_stat_bgwriter_stats_reset_total = |b| b.0.get("reset_at");
} }

metrics! { Checkpointer {
    labels { server = |c| &c.0.server }
    /// Checkpoints that came by time, those skipped included. Source: pg_stat_checkpointer.num_timed.
    counter pg_stat_checkpointer_num_timed_total = |c| c.0.get("num_timed");
    /// Checkpoints that were asked for. Source: pg_stat_checkpointer.num_requested.
    counter pg_stat_checkpointer_num_requested_total = |c| c.0.get("num_requested");
    /// Restart points of a standby that came by time. Source: pg_stat_checkpointer.restartpoints_timed.
    counter pg_stat_checkpointer_restartpoints_timed_total = |c| c.0.get("restartpoints_timed");
    /// Restart points that were asked for. Source: pg_stat_checkpointer.restartpoints_req.
    counter pg_stat_checkpointer_restartpoints_req_total = |c| c.0.get("restartpoints_req");
    /// Restart points that were made. Source: pg_stat_checkpointer.restartpoints_done.
    counter pg_stat_checkpointer_restartpoints_done_total = |c| c.0.get("restartpoints_done");
    /// Time in milliseconds spent writing. Source: pg_stat_checkpointer.write_time.
    counter pg_stat_checkpointer_write_time_total = |c| c.0.get("write_time");
    /// Time in milliseconds spent making sure of it. Source: pg_stat_checkpointer.sync_time.
    counter pg_stat_checkpointer_sync_time_total = |c| c.0.get("sync_time");
    /// Buffers written. Source: pg_stat_checkpointer.buffers_written.
    counter pg_stat_checkpointer_buffers_written_total = |c| c.0.get("buffers_written");
    /// When these statistics were last reset, in seconds since the epoch. Source: pg_stat_checkpointer.stats_reset.
    counter pg_stat_checkpointer_stats_reset_total = |c| c.0.get("checkpointer_reset_at");
} }

metrics! { Archiver {
    labels { server = |a| &a.0.server }
    /// Files of the write-ahead log that were archived. Source: pg_stat_archiver.archived_count.
    established pg_stat_archiver_archived_count [P09] = |a| a.0.get("archived_count");
    /// Failed attempts to archive one. Source: pg_stat_archiver.failed_count.
    established pg_stat_archiver_failed_count [P09] = |a| a.0.get("failed_count");
    /// Time in seconds since one was archived; absent if none ever was. Source: pg_stat_archiver.last_archived_time.
    gauge pg_stat_archiver_last_archive_age [P09] = |a| a.0.get("last_archive_age");
} }

metrics! { Archiving {
    labels {}
    /// Whether archiving has failed since it last succeeded; absent without an archive. Source: pg_stat_archiver.last_failed_time, last_archived_time.
    gauge stack_postgres_archive_failing [P09] = |a| a.failing;
} }

metrics! { Wal {
    labels { server = |w| &w.0.server }
    /// Files of the write-ahead log. Source: pg_ls_waldir().
    gauge pg_wal_segments = |w| w.0.get("segments");
    /// Size of the write-ahead log in bytes. Source: pg_ls_waldir().
    gauge pg_wal_size_bytes = |w| w.0.get("size");
} }

metrics! { Slot {
    labels {
        server = |s| &s.fact.server, slot_name = |s| &s.name, slot_type = |s| &s.kind,
        database = |s| &s.database,
    }
    /// Whether somebody reads from the slot. Source: pg_replication_slots.active.
    gauge pg_replication_slots_active = |s| s.active;
    /// The same under another established name. Source: pg_replication_slots.active.
    gauge pg_replication_slots_slot_is_active = |s| s.active;
    /// Bytes of the write-ahead log that are kept for the slot; absent once it is lost. Source: pg_replication_slots.restart_lsn.
    gauge pg_replication_slots_pg_wal_lsn_diff = |s| s.fact.get("retained");
    /// Where the write-ahead log is, in bytes. Source: pg_current_wal_lsn().
    gauge pg_replication_slots_slot_current_wal_lsn = |s| s.fact.get("current_wal_lsn");
    /// Up to where the reader of a logical slot has confirmed, in bytes. Source: pg_replication_slots.confirmed_flush_lsn.
    gauge pg_replication_slots_slot_confirmed_flush_lsn = |s| s.fact.get("flush_lsn");
    /// Bytes that can still be written before the slot is lost; absent without a limit. Source: pg_replication_slots.safe_wal_size.
    gauge pg_replication_slots_safe_wal_size_bytes = |s| s.status.as_ref().and(s.fact.get("safe_wal_size"));
    /// 1 with the state in a label. Source: pg_replication_slots.wal_status.
    gauge pg_replication_slots_wal_status {wal_status} = |s| s.status.iter().map(|status| (status, 1_u8));
} }

metrics! { Sender {
    labels {
        server = |s| &s.fact.server, application_name = |s| &s.application,
        client_addr = |s| &s.address, state = |s| &s.state, slot_name = |s| &s.slot,
    }
    /// Bytes that the standby has not replayed yet. Source: pg_stat_replication.replay_lsn.
    gauge pg_stat_replication_pg_wal_lsn_diff = |s| s.fact.get("wal_lsn_diff");
    /// Where the write-ahead log is, in bytes. Source: pg_current_wal_lsn().
    gauge pg_stat_replication_pg_current_wal_lsn_bytes = |s| s.fact.get("current_wal_lsn");
    /// Time in seconds until the standby has replayed what was written, as last measured. Source: pg_stat_replication.replay_lag.
    gauge stack_postgres_standby_replay_lag_seconds = |s| s.fact.get("replay_lag");
} }

metrics! { Receiver {
    labels { server = |r| &r.fact.server, status = |r| &r.status, slot_name = |r| &r.slot }
    /// Where the receiver began, in bytes. Source: pg_stat_wal_receiver.receive_start_lsn.
    established pg_stat_walreceiver_receive_start_lsn = |r| r.fact.get("receive_start_lsn");
    /// The time line on which it began. Source: pg_stat_wal_receiver.receive_start_tli.
    gauge pg_stat_walreceiver_receive_start_tli = |r| r.fact.get("receive_start_tli");
    /// The time line of what was received last. Source: pg_stat_wal_receiver.received_tli.
    gauge pg_stat_walreceiver_received_tli = |r| r.fact.get("received_tli");
    /// When the last message was sent, in seconds since the epoch. Source: pg_stat_wal_receiver.last_msg_send_time.
    established pg_stat_walreceiver_last_msg_send_time = |r| r.fact.get("last_msg_send_time");
    /// When it was received, in seconds since the epoch. Source: pg_stat_wal_receiver.last_msg_receipt_time.
    established pg_stat_walreceiver_last_msg_receipt_time = |r| r.fact.get("last_msg_receipt_time");
    /// Up to where the primary was told, in bytes. Source: pg_stat_wal_receiver.latest_end_lsn.
    established pg_stat_walreceiver_latest_end_lsn = |r| r.fact.get("latest_end_lsn");
    /// When that was, in seconds since the epoch. Source: pg_stat_wal_receiver.latest_end_time.
    established pg_stat_walreceiver_latest_end_time = |r| r.fact.get("latest_end_time");
} }

metrics! { Role {
    labels { server = |r| &r.server, rolname = |r| &r.name }
    /// Connections that the role is allowed; -1 without a limit. Source: pg_roles.rolconnlimit.
    gauge pg_roles_connection_limit = |r| r.limit;
    /// Time in seconds until the role's password ends, negative after; absent where it does not, and of roles that do not log in. Source: pg_roles.rolvaliduntil.
    gauge stack_postgres_role_expires_in_seconds [P01] = |r| r.expires_in;
} }

metrics! { Horizon {
    labels {}
    /// Age in transactions of what keeps vacuum from removing old rows, by what it is: a session, a prepared transaction, a slot or a standby; 0 without one. Source: pg_stat_activity.backend_xmin, pg_prepared_xacts, pg_replication_slots, pg_stat_replication.
    gauge stack_postgres_horizon_age_transactions {holder} = |h| h.ages.iter().map(|(holder, age)| (holder, *age));
} }

metrics! { Condition {
    labels {}
    /// Settings that were changed and wait for a restart. Source: pg_settings.pending_restart.
    gauge stack_postgres_settings_pending = |c| c.pending_settings;
} }

metrics! { Settings {
    labels { server = |s| &s.0.server }
    /// Memory that all sessions share, in bytes. Source: setting shared_buffers.
    gauge pg_settings_shared_buffers_bytes = |s| s.0.get("shared_buffers_bytes");
    /// Cache of the whole machine that the planner reckons with, in bytes. Source: setting effective_cache_size.
    gauge pg_settings_effective_cache_size_bytes = |s| s.0.get("effective_cache_size_bytes");
    /// Memory of one sort or hash, in bytes. Source: setting work_mem.
    gauge pg_settings_work_mem_bytes = |s| s.0.get("work_mem_bytes");
    /// Memory of one vacuum or index build, in bytes. Source: setting maintenance_work_mem.
    gauge pg_settings_maintenance_work_mem_bytes = |s| s.0.get("maintenance_work_mem_bytes");
    /// Size of the write-ahead log at which a checkpoint is begun, in bytes. Source: setting max_wal_size.
    gauge pg_settings_max_wal_size_bytes = |s| s.0.get("max_wal_size_bytes");
    /// What the planner reckons for a page out of order. Source: setting random_page_cost.
    gauge pg_settings_random_page_cost = |s| s.0.get("random_page_cost");
    /// What the planner reckons for a page in order. Source: setting seq_page_cost.
    gauge pg_settings_seq_page_cost = |s| s.0.get("seq_page_cost");
    /// Processes beside those of sessions that the server may start. Source: setting max_worker_processes.
    gauge pg_settings_max_worker_processes = |s| s.0.get("max_worker_processes");
    /// Those of them that may help with queries. Source: setting max_parallel_workers.
    gauge pg_settings_max_parallel_workers = |s| s.0.get("max_parallel_workers");
    /// Time in seconds from which on a statement is logged; -1 is never. Source: setting log_min_duration_statement.
    gauge pg_settings_log_min_duration_statement_seconds = |s| s.0.get("log_min_duration_statement_seconds");
    /// Age in transactions at which a table is vacuumed by force. Source: setting autovacuum_freeze_max_age.
    gauge pg_settings_autovacuum_freeze_max_age = |s| s.0.get("autovacuum_freeze_max_age");
    /// Locks for each transaction that there is room for. Source: setting max_locks_per_transaction.
    gauge pg_settings_max_locks_per_transaction = |s| s.0.get("max_locks_per_transaction");
    /// Prepared transactions that there is room for. Source: setting max_prepared_transactions.
    gauge pg_settings_max_prepared_transactions = |s| s.0.get("max_prepared_transactions");
} }

metrics! { OtherSettings {
    labels { server = |s| &s.server }
    /// A setting of the server, in seconds or bytes where it is a time or a size, and 1 or 0 where it is a switch; only with `settings: all`. Source: pg_settings.
    names pg_settings = |s| s.values.iter().map(|(name, value)| (name.as_str(), *value));
} }
