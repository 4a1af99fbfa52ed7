//! The metrics of what is wrong with tables, and of which server it is.

use super::sample::{
    Autovacuum, Extension, Extensions, Index, Indexes, Machine, Off, Over, Sequence, Sequences,
};
use crate::catalogue::metrics;

metrics! { Indexes {
    labels { datname = |i| &i.database, kind = |i| i.kind }
    /// Indexes that cost and do not help: never finished, never read since the server counts, or there twice. Of those never read absent on a standby. Source: pg_index, pg_stat_user_indexes.idx_scan.
    gauge stack_postgres_useless_indexes [P06 P17] = |i| i.count;
    /// Size in bytes of all of them, as the last vacuum or analyze found it. Source: pg_class.relpages.
    gauge stack_postgres_useless_indexes_bytes [P06 P17] = |i| i.bytes;
} }

metrics! { Index {
    labels {
        datname = |i| &i.database, schemaname = |i| &i.schema, relname = |i| &i.table,
        indexrelname = |i| &i.name, kind = |i| i.kind, same_as = |i| &i.like,
    }
    /// Size in bytes of one of these indexes, as the last vacuum or analyze found it; the ten largest of each kind, read every five minutes. Source: pg_class.relpages.
    gauge stack_postgres_useless_index_bytes [P06 P17] = |i| i.bytes;
} }

metrics! { Autovacuum {
    labels { datname = |a| &a.database }
    /// Tables with more dead rows than those at which autovacuum begins, by their own settings; absent on a standby. Source: pg_stat_user_tables.n_dead_tup, pg_class.reloptions.
    gauge stack_postgres_tables_vacuum_due = |a| a.due;
    /// Tables with more changed rows than those at which they are analyzed; absent on a standby. Source: pg_stat_user_tables.n_mod_since_analyze.
    gauge stack_postgres_tables_analyze_due = |a| a.analyze_due;
    /// Tables for which autovacuum is turned off. Source: autovacuum_enabled in pg_class.reloptions.
    gauge stack_postgres_tables_autovacuum_off = |a| a.off;
    /// Whether the server vacuums tables by itself; absent on a standby. Source: settings autovacuum, track_counts.
    gauge stack_postgres_autovacuum_enabled = |a| a.works;
    /// For how long the server has counted what is read in the database, in seconds; a crash begins it anew. Source: stats_reset in pg_stat_database and pg_stat_bgwriter.
    gauge stack_postgres_statistics_age_seconds [P17] = |a| a.counting;
} }

metrics! { Over {
    labels { datname = |o| &o.database, schemaname = |o| &o.schema, relname = |o| &o.table }
    /// Dead rows of a table as parts of those at which autovacuum begins, by its own settings; of the ten that are furthest over it, and of over 10,000 rows. Source: pg_stat_user_tables.n_dead_tup, pg_class.reloptions.
    gauge stack_postgres_table_vacuum_due_ratio = |o| o.over;
} }

metrics! { Off {
    labels { datname = |o| &o.database, schemaname = |o| &o.schema, relname = |o| &o.table }
    /// 1 for a table for which autovacuum is turned off, the ten largest. Source: autovacuum_enabled in pg_class.reloptions.
    gauge stack_postgres_table_autovacuum_off = |_o| 1_u8;
} }

metrics! { Sequence {
    labels {
        datname = |s| &s.database, schemaname = |s| &s.schema, sequencename = |s| &s.name,
        relname = |s| &s.table, column = |s| &s.column,
    }
    /// Used share of what a sequence can count, or of what the column that it feeds can hold if that is less; the ten furthest of the thousand with most rows inserted, read every five minutes, and none that may not be read. Source: pg_sequence_last_value(), pg_sequence, pg_attribute.
    gauge stack_postgres_sequence_used_ratio = |s| s.used;
} }

metrics! { Sequences {
    labels { datname = |s| &s.database, schemaname = |s| &s.schema }
    /// Sequences of a schema. Source: pg_sequence.
    gauge stack_postgres_sequences = |s| s.count;
    /// Sequences that the monitoring role may not read: how far they are is not known. Source: has_sequence_privilege().
    gauge stack_postgres_sequences_unreadable = |s| s.unreadable;
} }

metrics! { Extension {
    labels {
        datname = |e| &e.database, extname = |e| &e.name, extversion = |e| &e.version,
        available = |e| &e.available,
    }
    /// 1 for each extension of the database, with its version and that which the server's files would install. Source: pg_extension, pg_available_extensions.
    gauge stack_postgres_extension_info = |_e| 1_u8;
} }

metrics! { Extensions {
    labels { datname = |e| &e.database }
    /// Extensions whose version is not that which the server's files would install. Source: pg_extension, pg_available_extensions.
    gauge stack_postgres_extensions_outdated = |e| e.outdated;
} }

metrics! { Machine {
    labels {}
    /// 1 with the number that the server was given when it was made. Source: pg_control_system().
    gauge stack_postgres_system_info {system_identifier} [P01] = |m| m.id.iter().map(|id| (id, 1_u8));
    /// Time in seconds since another server was found behind the same address; absent where there was none. Source: pg_control_system().
    gauge stack_postgres_system_changed_age_seconds [P01] = |m| m.changed_age;
    /// Whether blocks have checksums, without which damage is not noticed. Source: setting data_checksums.
    gauge stack_postgres_data_checksums [P08] = |m| m.checksums;
    /// Files of the write-ahead log that wait for the archive; absent without one. Source: pg_ls_archive_statusdir().
    gauge stack_postgres_archive_ready_files [P09] = |m| m.ready;
    /// Time in seconds that the oldest of them has waited, 0 without one. Source: pg_ls_archive_statusdir().
    gauge stack_postgres_archive_ready_age_seconds [P09] = |m| m.oldest;
} }
