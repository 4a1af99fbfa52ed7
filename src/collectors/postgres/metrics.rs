//! The metrics of a PostgreSQL database. `pg_*` are `postgres_exporter`'s names; their kinds and
//! units are its own, too.

use super::activity::{Application, Group, InDatabase, Sessions, Transactions};
use super::blockers::Blocker;
use super::databases::{Database, Losses, Statistics};
use super::ddl::{Ddl, Waiting};
use super::idle::Idle;
use super::pools::Use;
use super::sample::{Capacity, Server, Size, Up, Version, Waits};
use crate::catalogue::metrics;
use crate::clients::postgres::reasons::{DATABASE_FULL, ROLE_FULL, SERVER_FULL};
use crate::failure::Reason;

metrics! { Up {
    labels { server = |u| &u.server }
    /// Whether a session in the named database answers; 0 also where the server is up and the database does not exist. Source: a query.
    gauge pg_up [P01 P19] = |u| u.up;
} }

metrics! { Server {
    labels { server = |s| &s.place }
    /// When the server was started, in seconds since the epoch; a crash restart does not change it. Source: pg_postmaster_start_time().
    gauge pg_postmaster_start_time_seconds [P01] = |s| s.started;
    /// Time since the server was started, in seconds and by its own clock. Source: pg_postmaster_start_time().
    gauge stack_postgres_uptime_seconds [P01] = |s| s.uptime;
    /// Time since the server recovered from a crash without being started anew, in seconds; absent where it did not. Source: pg_stat_activity.backend_start of the checkpointer.
    gauge stack_postgres_crash_age_seconds [P01] = |s| s.crash_age;
    /// Whether the server is a replica. Source: pg_is_in_recovery().
    gauge pg_replication_is_replica = |s| s.replica;
    /// Time in seconds that replaying is behind what was received; 0 on a primary. It grows on a standby of an idle primary, too. Source: pg_last_xact_replay_timestamp().
    gauge pg_replication_lag_seconds = |s| s.replay_lag;
    /// Time in seconds since the last transaction was replayed; absent where none was. Source: pg_last_xact_replay_timestamp().
    gauge pg_replication_last_replay_seconds = |s| s.last_replay;
    /// Connections that the server allows, reserved ones included. Source: setting max_connections.
    gauge pg_settings_max_connections [P19] = |s| s.max_connections;
    /// Connections kept back for superusers. Source: setting superuser_reserved_connections.
    gauge pg_settings_superuser_reserved_connections [P19] = |s| s.superuser_reserved;
    /// Connections kept back for roles with pg_use_reserved_connections; from version 16 on. Source: setting reserved_connections.
    gauge pg_settings_reserved_connections [P19] = |s| s.reserved;
} }

metrics! { Version {
    labels { server = |v| &v.server, short_version = |v| &v.short, version = |v| &v.text }
    /// 1, with the version of the server in labels. Source: version().
    gauge pg_static = |_v| 1_u8;
} }

metrics! { Capacity {
    labels {}
    /// Connections that an ordinary role can use: the maximum less the reserved ones. Source: settings max_connections, superuser_reserved_connections, reserved_connections.
    gauge stack_postgres_connections_limit [P19] = |c| c.limit;
    /// Connections that are left to an ordinary role: the limit less those that clients hold. Source: pg_stat_activity.backend_type and settings.
    gauge stack_postgres_connections_free [P02 P19] = |c| c.free;
    /// Share of the usable connections that clients hold. Source: pg_stat_activity.backend_type and settings.
    gauge stack_postgres_connections_ratio [P02 P19] = |c| c.ratio;
    /// Whether the last trial log-in succeeded, of which there is one each 30 seconds (`login`); 0 while our own session still works says that applications do not get in. Source: a new connection.
    gauge stack_postgres_login_up [P01] = |c| c.login;
    /// Time that the last trial log-in took, in seconds. Source: a new connection.
    gauge stack_postgres_login_duration_seconds [P01] = |c| c.login_took;
    /// Which limit the last trial log-in ran into: of the server, of the database, or of our own role. Source: SQLSTATE 53300 and the routine that refused.
    gauge stack_postgres_limit_reached {limit} [P02 P19] = |c| c.limits();
    /// Sessions that this exporter may have on the server at once. Source: stack-exporter.
    gauge stack_postgres_own_sessions_limit = |c| c.bound;
    /// Whether the monitoring role is a superuser, which is more than it needs. Source: setting is_superuser.
    gauge stack_postgres_superuser = |c| c.superuser;
} }

impl Capacity {
    fn limits(&self) -> [(&'static str, Option<bool>); 3] {
        let is = |which: Reason| self.tried.then(|| self.refused == Some(which));
        [("server", is(SERVER_FULL)), ("database", is(DATABASE_FULL)), ("role", is(ROLE_FULL))]
    }
}

metrics! { Sessions {
    labels {}
    /// All sessions, processes of the server and the asking session included, by type; unknown without the right to see it. Source: pg_stat_activity.backend_type.
    gauge stack_postgres_backends {backend_type} [P02] = |s| s.backends.iter().map(|(kind, count)| (*kind, *count));
    /// Sessions of clients, which are those that take connection slots. Source: pg_stat_activity.backend_type.
    gauge stack_postgres_client_connections [P02 P19] = |s| s.seen.map(|seen| seen.clients);
    /// Clients that execute a statement right now, our own left out. Source: pg_stat_activity.state.
    gauge stack_postgres_active_queries [P03] = |s| s.seen.and_then(|seen| seen.active);
    /// Sessions of this exporter. Source: pg_stat_activity.application_name.
    gauge stack_postgres_own_sessions = |s| s.seen.map(|seen| seen.own);
} }

metrics! { Transactions {
    labels { server = |t| &t.server }
    /// Open transactions of sessions that are not idle, however short; autovacuum left out. Source: pg_stat_activity.xact_start.
    gauge pg_long_running_transactions = |t| t.count;
    /// Age of the oldest of these transactions in seconds; an age and no timestamp in spite of the established name. Source: pg_stat_activity.xact_start.
    gauge pg_long_running_transactions_oldest_timestamp_seconds = |t| t.oldest;
} }

metrics! { InDatabase {
    labels { datname = |d| &d.database }
    /// Connections of clients to the database by state, our own included. Source: pg_stat_activity.state.
    gauge stack_postgres_connections {state} [P02 P11] = |d| d.states.iter().map(|(state, count)| (*state, *count));
    /// Time in seconds that the longest running statement of a client has taken so far; our own, replication and maintenance by the server left out. Source: pg_stat_activity.query_start.
    gauge stack_postgres_longest_query_seconds [P04] = |d| d.longest_query;
    /// Age in seconds of the oldest open transaction of a client, our own left out. Source: pg_stat_activity.xact_start.
    gauge stack_postgres_longest_transaction_seconds [P04] = |d| d.longest_transaction;
    /// Time in seconds that a client has left its transaction open without a statement, the longest of all. Source: pg_stat_activity.state_change.
    gauge stack_postgres_idle_in_transaction_seconds [P07] = |d| d.idle_in_transaction;
} }

metrics! { Group {
    labels {
        server = |g| &g.server, datname = |g| &g.key.database, state = |g| &g.key.state,
        usename = |g| &g.key.user, application_name = |g| &g.key.application,
        backend_type = |g| &g.key.backend_type, wait_event_type = |g| &g.key.wait_type,
        wait_event = |g| &g.key.wait,
    }
    /// Sessions in databases, the asking one left out. Source: pg_stat_activity.
    gauge pg_stat_activity_count [P02 P03 P11 P19] = |g| g.count;
    /// Age of the oldest transaction of these sessions in seconds; 0 without one. Source: pg_stat_activity.xact_start.
    gauge pg_stat_activity_max_tx_duration [P04] = |g| g.longest_transaction;
} }

metrics! { Application {
    labels { application_name = |a| &a.name, usename = |a| &a.user }
    /// Connections of an application, by the name that it gives itself; asyncpg gives none. Source: pg_stat_activity.application_name.
    gauge stack_postgres_application_connections [P11] = |a| a.count;
} }

metrics! { Waits {
    labels { datname = |w| &w.database }
    /// Sessions that wait for a lock. Source: pg_locks.granted.
    gauge stack_postgres_blocked_sessions [P07] = |w| w.sessions;
    /// Time in seconds that a session has waited for a lock, the longest of all. Source: pg_locks.waitstart.
    gauge stack_postgres_longest_lock_wait_seconds [P07] = |w| w.longest;
} }

metrics! { Blocker {
    labels {
        datname = |b| &b.who.database, holder = |b| b.who.holder,
        application_name = |b| &b.who.application, usename = |b| &b.who.user,
        state = |b| &b.who.state,
    }
    /// Sessions that wait for it in the end, for it waits for nobody: a session, or a prepared transaction. Source: pg_blocking_pids().
    gauge stack_postgres_blocker_sessions [P07] = |b| b.behind;
    /// Time in seconds that one of these has waited, the longest of all. Source: pg_locks.waitstart.
    gauge stack_postgres_blocker_wait_seconds [P07] = |b| b.longest;
    /// How long its transaction has been open, in seconds; absent of a prepared one. Source: pg_stat_activity.xact_start.
    gauge stack_postgres_blocker_transaction_seconds [P07] = |b| b.open;
} }

metrics! { Waiting {
    labels { datname = |w| &w.database }
    /// Sessions that wait for a lock to change a table, or for old transactions to build an index beside it. Source: pg_locks.mode.
    gauge stack_postgres_ddl_waiting [P10] = |w| w.sessions;
} }

metrics! { Ddl {
    labels {
        datname = |d| &d.who.database, holder = |d| d.who.holder,
        application_name = |d| &d.who.application, usename = |d| &d.who.user,
        state = |d| &d.who.state,
    }
    /// Time in seconds that a change of a table has waited, the longest of all, by whom it waits for in the end. Source: pg_locks.waitstart, pg_blocking_pids().
    gauge stack_postgres_ddl_wait_seconds [P07 P10] = |d| d.waited;
    /// Sessions that queue behind the change that waits. Source: pg_blocking_pids().
    gauge stack_postgres_ddl_queued_sessions [P07 P10] = |d| d.behind;
} }

metrics! { Use {
    labels { datname = |p| &p.database, pool = |p| &p.name }
    /// Connections of a declared pool. Source: pg_stat_activity, by pools in the configuration.
    gauge stack_postgres_pool_connections [P11] = |p| p.open;
    /// Connections of it that are idle in a transaction. Source: pg_stat_activity.state.
    gauge stack_postgres_pool_idle_in_transaction [P11] = |p| p.idle_in_transaction;
    /// Connections that all its processes may open. Source: pools in the configuration.
    gauge stack_postgres_pool_limit [P11] = |p| p.limit;
    /// Share of these that are open. Source: pg_stat_activity and pools in the configuration.
    gauge stack_postgres_pool_ratio [P11] = |p| p.ratio();
} }

metrics! { Statistics {
    labels { server = |s| &s.server, datid = |s| &s.id, datname = |s| &s.database }
    /// Sessions in the database. Source: pg_stat_database.numbackends.
    gauge pg_stat_database_numbackends [P02] = |s| s.get("numbackends");
    /// Committed transactions. Source: pg_stat_database.xact_commit.
    established pg_stat_database_xact_commit = |s| s.get("xact_commit");
    /// Rolled back transactions. Source: pg_stat_database.xact_rollback.
    established pg_stat_database_xact_rollback = |s| s.get("xact_rollback");
    /// Blocks read from disk or from the cache of the operating system. Source: pg_stat_database.blks_read.
    established pg_stat_database_blks_read = |s| s.get("blks_read");
    /// Blocks found in the shared buffers. Source: pg_stat_database.blks_hit.
    established pg_stat_database_blks_hit = |s| s.get("blks_hit");
    /// Rows that scans have gone through. Source: pg_stat_database.tup_returned.
    established pg_stat_database_tup_returned = |s| s.get("tup_returned");
    /// Rows that were fetched by way of an index. Source: pg_stat_database.tup_fetched.
    established pg_stat_database_tup_fetched = |s| s.get("tup_fetched");
    /// Inserted rows. Source: pg_stat_database.tup_inserted.
    established pg_stat_database_tup_inserted = |s| s.get("tup_inserted");
    /// Updated rows. Source: pg_stat_database.tup_updated.
    established pg_stat_database_tup_updated = |s| s.get("tup_updated");
    /// Deleted rows. Source: pg_stat_database.tup_deleted.
    established pg_stat_database_tup_deleted = |s| s.get("tup_deleted");
    /// Queries cancelled for a conflict with recovery, which only replicas have. Source: pg_stat_database.conflicts.
    established pg_stat_database_conflicts = |s| s.get("conflicts");
    /// Temporary files written by queries. Source: pg_stat_database.temp_files.
    established pg_stat_database_temp_files = |s| s.get("temp_files");
    /// Bytes of temporary files written by queries. Source: pg_stat_database.temp_bytes.
    established pg_stat_database_temp_bytes = |s| s.get("temp_bytes");
    /// Deadlocks found. Source: pg_stat_database.deadlocks.
    established pg_stat_database_deadlocks [P13] = |s| s.get("deadlocks");
    /// Time spent reading blocks, in milliseconds; absent while track_io_timing is off. Source: pg_stat_database.blk_read_time.
    established pg_stat_database_blk_read_time = |s| s.get("blk_read_time");
    /// Time spent writing blocks, in milliseconds; absent while track_io_timing is off. Source: pg_stat_database.blk_write_time.
    established pg_stat_database_blk_write_time = |s| s.get("blk_write_time");
    /// When the statistics were last reset, in seconds since the epoch; absent if never, and after a crash. Source: pg_stat_database.stats_reset.
    established pg_stat_database_stats_reset = |s| s.get("reset_at");
    /// Time spent executing statements, in seconds; from version 14 on. Source: pg_stat_database.active_time.
    counter pg_stat_database_active_time_seconds_total [P03] = |s| s.get("active_time").map(|time| time / 1000.0);
    /// Queries cancelled because their tablespace was dropped on the primary. Source: pg_stat_database_conflicts.confl_tablespace.
    established pg_stat_database_conflicts_confl_tablespace = |s| s.get("confl_tablespace");
    /// Queries cancelled for a lock on the primary. Source: pg_stat_database_conflicts.confl_lock.
    established pg_stat_database_conflicts_confl_lock = |s| s.get("confl_lock");
    /// Queries cancelled for rows that were removed on the primary. Source: pg_stat_database_conflicts.confl_snapshot.
    established pg_stat_database_conflicts_confl_snapshot = |s| s.get("confl_snapshot");
    /// Queries cancelled for buffers that were needed. Source: pg_stat_database_conflicts.confl_bufferpin.
    established pg_stat_database_conflicts_confl_bufferpin = |s| s.get("confl_bufferpin");
    /// Queries cancelled for deadlocks with what was replayed. Source: pg_stat_database_conflicts.confl_deadlock.
    established pg_stat_database_conflicts_confl_deadlock = |s| s.get("confl_deadlock");
    /// Queries cancelled for logical slots that were invalidated; from version 16 on. Source: pg_stat_database_conflicts.confl_active_logicalslot.
    established pg_stat_database_conflicts_confl_active_logicalslot = |s| s.get("confl_active_logicalslot");
} }

metrics! { Idle {
    labels { server = |i| &i.server, state = |i| &i.state, application_name = |i| &i.application }
    /// How long idle sessions have been idle, in seconds. Source: pg_stat_activity.state_change.
    histogram pg_process_idle_seconds = |i| Some(&i.seconds);
} }

impl Statistics {
    fn get(&self, column: &str) -> Option<f64> {
        self.values.get(column).copied()
    }
}

metrics! { Losses {
    labels { datname = |l| &l.database }
    /// Sessions that ended otherwise than by their client's wish; from version 14 on. Source: pg_stat_database.sessions_abandoned, sessions_fatal, sessions_killed.
    counter stack_postgres_sessions_lost_total {reason} = |l| l.reasons();
    /// Blocks with a wrong checksum; absent without checksums. Source: pg_stat_database.checksum_failures.
    counter stack_postgres_checksum_failures_total [P08] = |l| l.checksum_failures;
    /// Time since a block with a wrong checksum was last read, in seconds; absent where there was none. Source: pg_stat_database.checksum_last_failure.
    gauge stack_postgres_checksum_failure_age_seconds [P08] = |l| l.checksum_age;
} }

impl Losses {
    fn reasons(&self) -> [(&'static str, Option<u64>); 3] {
        [("abandoned", self.abandoned), ("fatal", self.fatal), ("killed", self.killed)]
    }
}

/// Ids that the server can tell apart: half of those that 32 bits have.
const IDS: f64 = 2_147_483_648.0;

metrics! { Database {
    labels { server = |d| &d.server, datname = |d| &d.name }
    /// Connections that the database allows; -1 without a limit. Source: pg_database.datconnlimit.
    gauge pg_database_connection_limit [P19] = |d| d.connection_limit;
    /// Age of the oldest transaction id, in transactions in spite of the established name. Source: pg_database.datfrozenxid.
    gauge pg_database_wraparound_age_datfrozenxid_seconds = |d| d.xid_age;
    /// Age of the oldest multixact id, in multixacts in spite of the established name. Source: pg_database.datminmxid.
    gauge pg_database_wraparound_age_datminmxid_seconds = |d| d.mxid_age;
    /// Used share of the transaction ids that there are before the server stops taking writes. Source: pg_database.datfrozenxid.
    gauge stack_postgres_xid_used_ratio [P04] = |d| d.xid_age.map(|age| age as f64 / IDS);
    /// Used share of the multixact ids. Source: pg_database.datminmxid.
    gauge stack_postgres_multixact_used_ratio [P04] = |d| d.mxid_age.map(|age| age as f64 / IDS);
    /// Whether a DROP of the database was interrupted: nobody can connect to it any more, and it can only be dropped. Source: pg_database.datconnlimit.
    gauge stack_postgres_database_invalid = |d| d.invalid;
    /// Sessions in the database as a share of its own limit; absent without one. Source: pg_stat_database.numbackends, pg_database.datconnlimit.
    gauge stack_postgres_database_connections_ratio [P02 P19] = |d| d.full;
    /// Locks held or waited for in the database, by mode; the asking session left out. Source: pg_locks.mode.
    gauge pg_locks_count {mode} [P07] = |d| d.locks.iter().flatten().map(|(mode, count)| (mode, *count));
} }

metrics! { Size {
    labels { server = |s| &s.server, datname = |s| &s.database }
    /// Size of the database on disk in bytes, read every five minutes. Source: pg_database_size().
    gauge pg_database_size_bytes [P16] = |s| s.bytes;
} }
