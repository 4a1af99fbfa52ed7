//! The metrics of what is within one database: tables, indexes, vacuums, statements. The names are
//! `postgres_exporter`'s.

use super::statements::Statement;
use super::tables::{Index, OwnShare, PHASES, Rest, Scanned, Table, TableSize, Vacuum};
use crate::catalogue::metrics;

metrics! { Table {
    labels {
        server = |t| &t.name.server, datname = |t| &t.name.database,
        schemaname = |t| &t.name.schema, relname = |t| &t.name.table,
    }
    /// Sequential scans of the table. Source: pg_stat_user_tables.seq_scan.
    established pg_stat_user_tables_seq_scan [P06] = |t| t.get("seq_scan");
    /// Rows that they read. Source: pg_stat_user_tables.seq_tup_read.
    established pg_stat_user_tables_seq_tup_read [P06] = |t| t.get("seq_tup_read");
    /// Scans by an index. Source: pg_stat_user_tables.idx_scan.
    established pg_stat_user_tables_idx_scan [P06] = |t| t.count("idx_scan");
    /// Rows that these read. Source: pg_stat_user_tables.idx_tup_fetch.
    established pg_stat_user_tables_idx_tup_fetch = |t| t.count("idx_tup_fetch");
    /// Inserted rows. Source: pg_stat_user_tables.n_tup_ins.
    established pg_stat_user_tables_n_tup_ins = |t| t.get("n_tup_ins");
    /// Updated rows. Source: pg_stat_user_tables.n_tup_upd.
    established pg_stat_user_tables_n_tup_upd = |t| t.get("n_tup_upd");
    /// Deleted rows. Source: pg_stat_user_tables.n_tup_del.
    established pg_stat_user_tables_n_tup_del = |t| t.get("n_tup_del");
    /// Updated rows that needed no new entry in an index. Source: pg_stat_user_tables.n_tup_hot_upd.
    established pg_stat_user_tables_n_tup_hot_upd = |t| t.get("n_tup_hot_upd");
    /// Rows in use, as the server estimates. Source: pg_stat_user_tables.n_live_tup.
    gauge pg_stat_user_tables_n_live_tup = |t| t.get("n_live_tup");
    /// Rows that vacuum has still to remove, as the server estimates. Source: pg_stat_user_tables.n_dead_tup.
    gauge pg_stat_user_tables_n_dead_tup = |t| t.get("n_dead_tup");
    /// Rows changed since the table was last analyzed. Source: pg_stat_user_tables.n_mod_since_analyze.
    gauge pg_stat_user_tables_n_mod_since_analyze = |t| t.get("n_mod_since_analyze");
    /// When it was last vacuumed by hand, in seconds since the epoch; 0 if never. Source: pg_stat_user_tables.last_vacuum.
    gauge pg_stat_user_tables_last_vacuum = |t| t.get("vacuumed_at").unwrap_or(0.0);
    /// When it was last vacuumed by the server, in seconds since the epoch; 0 if never. Source: pg_stat_user_tables.last_autovacuum.
    gauge pg_stat_user_tables_last_autovacuum = |t| t.get("autovacuumed_at").unwrap_or(0.0);
    /// When it was last analyzed by hand, in seconds since the epoch; 0 if never. Source: pg_stat_user_tables.last_analyze.
    gauge pg_stat_user_tables_last_analyze = |t| t.get("analyzed_at").unwrap_or(0.0);
    /// When it was last analyzed by the server, in seconds since the epoch; 0 if never. Source: pg_stat_user_tables.last_autoanalyze.
    gauge pg_stat_user_tables_last_autoanalyze = |t| t.get("autoanalyzed_at").unwrap_or(0.0);
    /// Times that it was vacuumed by hand. Source: pg_stat_user_tables.vacuum_count.
    established pg_stat_user_tables_vacuum_count = |t| t.get("vacuum_count");
    /// Times that it was vacuumed by the server. Source: pg_stat_user_tables.autovacuum_count.
    established pg_stat_user_tables_autovacuum_count = |t| t.get("autovacuum_count");
    /// Times that it was analyzed by hand. Source: pg_stat_user_tables.analyze_count.
    established pg_stat_user_tables_analyze_count = |t| t.get("analyze_count");
    /// Times that it was analyzed by the server. Source: pg_stat_user_tables.autoanalyze_count.
    established pg_stat_user_tables_autoanalyze_count = |t| t.get("autoanalyze_count");
    /// Blocks of the table that were read from outside the server's memory. Source: pg_statio_user_tables.heap_blks_read.
    established pg_statio_user_tables_heap_blocks_read = |t| t.get("heap_blks_read");
    /// Blocks of the table found in the server's memory. Source: pg_statio_user_tables.heap_blks_hit.
    established pg_statio_user_tables_heap_blocks_hit = |t| t.get("heap_blks_hit");
    /// Blocks of its indexes that were read from outside. Source: pg_statio_user_tables.idx_blks_read.
    established pg_statio_user_tables_idx_blocks_read = |t| t.count("idx_blks_read");
    /// Blocks of its indexes found in memory. Source: pg_statio_user_tables.idx_blks_hit.
    established pg_statio_user_tables_idx_blocks_hit = |t| t.count("idx_blks_hit");
    /// Blocks of its long values that were read from outside. Source: pg_statio_user_tables.toast_blks_read.
    established pg_statio_user_tables_toast_blocks_read = |t| t.count("toast_blks_read");
    /// Blocks of its long values found in memory. Source: pg_statio_user_tables.toast_blks_hit.
    established pg_statio_user_tables_toast_blocks_hit = |t| t.count("toast_blks_hit");
    /// Blocks of the index of its long values that were read from outside. Source: pg_statio_user_tables.tidx_blks_read.
    established pg_statio_user_tables_tidx_blocks_read = |t| t.count("tidx_blks_read");
    /// Blocks of the index of its long values found in memory. Source: pg_statio_user_tables.tidx_blks_hit.
    established pg_statio_user_tables_tidx_blocks_hit = |t| t.count("tidx_blks_hit");
} }

metrics! { Scanned {
    labels { datname = |s| &s.name.database, schemaname = |s| &s.name.schema, relname = |s| &s.name.table }
    /// Rows that scans of the whole table have read, of tables with over 10,000 rows. Source: pg_stat_user_tables.seq_tup_read, n_live_tup.
    counter stack_postgres_large_table_scanned_rows_total [P06] = |s| s.rows;
} }

metrics! { TableSize {
    labels {
        server = |t| &t.name.server, datname = |t| &t.name.database,
        schemaname = |t| &t.name.schema, relname = |t| &t.name.table,
    }
    /// Size of the table in bytes without its indexes, read every five minutes; absent while it is locked. Source: pg_table_size().
    gauge pg_stat_user_tables_table_size_bytes [P16] = |t| t.table_bytes;
    /// Size of its indexes in bytes, read every five minutes; absent while one of them is locked. Source: pg_indexes_size().
    gauge pg_stat_user_tables_index_size_bytes [P16] = |t| t.index_bytes;
} }

metrics! { Rest {
    labels { datname = |r| &r.database }
    /// Tables that are too small to be told of one by one. Source: pg_class.
    gauge stack_postgres_other_tables = |r| r.count;
    /// Size in bytes of all of these together, as the last vacuum or analyze found it. Source: pg_class.relpages.
    gauge stack_postgres_other_tables_bytes [P16] = |r| r.bytes;
} }

metrics! { Index {
    labels {
        server = |i| &i.name.server, datname = |i| &i.name.database,
        schemaname = |i| &i.name.schema, relname = |i| &i.name.table,
        indexrelname = |i| &i.index,
    }
    /// Blocks of the index that were read from outside the server's memory. Source: pg_statio_user_indexes.idx_blks_read.
    counter pg_statio_user_indexes_idx_blks_read_total = |i| i.values.get("idx_blks_read");
    /// Blocks of the index found in the server's memory. Source: pg_statio_user_indexes.idx_blks_hit.
    counter pg_statio_user_indexes_idx_blks_hit_total = |i| i.values.get("idx_blks_hit");
} }

metrics! { OwnShare {
    labels {}
    /// Time in seconds that statements of the monitoring role took on the server, read once a minute; absent without pg_stat_statements. Source: pg_stat_statements.total_exec_time.
    counter stack_postgres_own_statements_seconds_total = |o| o.own;
    /// Time in seconds that all statements took on the server, read once a minute; absent without pg_stat_statements. Source: pg_stat_statements.total_exec_time.
    counter stack_postgres_statements_seconds_total [P03] = |o| o.of_all;
} }

metrics! { Vacuum {
    labels {
        server = |v| &v.name.server, datname = |v| &v.name.database,
        schemaname = |v| &v.name.schema, relname = |v| &v.name.table,
    }
    /// 1 for what a running vacuum of the table does at the moment, and 0 for the rest. Source: pg_stat_progress_vacuum.phase.
    gauge pg_stat_progress_vacuum_phase {phase} = |v| PHASES.map(|phase| (phase, phase == v.phase));
    /// Blocks of the table that it works on. Source: pg_stat_progress_vacuum.heap_blks_total.
    gauge pg_stat_progress_vacuum_heap_blks = |v| v.values.get("heap_blks_total");
    /// Blocks that it has looked through. Source: pg_stat_progress_vacuum.heap_blks_scanned.
    gauge pg_stat_progress_vacuum_heap_blks_scanned = |v| v.values.get("heap_blks_scanned");
    /// Blocks that it has cleaned. Source: pg_stat_progress_vacuum.heap_blks_vacuumed.
    gauge pg_stat_progress_vacuum_heap_blks_vacuumed = |v| v.values.get("heap_blks_vacuumed");
    /// Times that it has gone through the indexes. Source: pg_stat_progress_vacuum.index_vacuum_count.
    gauge pg_stat_progress_vacuum_index_vacuums = |v| v.values.get("index_vacuum_count");
    /// Dead rows that it can note before it has to go through the indexes; absent from version 17 on. Source: pg_stat_progress_vacuum.max_dead_tuples.
    gauge pg_stat_progress_vacuum_max_dead_tuples = |v| v.values.get("max_dead_tuples");
    /// Dead rows that it has noted. Source: pg_stat_progress_vacuum.num_dead_tuples; from version 17 on num_dead_item_ids.
    gauge pg_stat_progress_vacuum_num_dead_tuples = |v| v.values.get("num_dead_tuples").or(v.values.get("num_dead_item_ids"));
    /// When a vacuum of the server's own began on the table, in seconds since the epoch. Source: pg_stat_activity.xact_start.
    gauge pg_stat_activity_autovacuum_timestamp_seconds = |v| v.automatic.then(|| v.values.get("started"));
} }

metrics! { Statement {
    labels {
        server = |s| &s.server, user = |s| &s.user, datname = |s| &s.database, queryid = |s| &s.id,
    }
    /// Times that the statement ran. Source: pg_stat_statements.calls.
    counter pg_stat_statements_calls_total [P03 P05 P18] = |s| s.values.get("calls");
    /// Time in seconds that it took. Source: pg_stat_statements.total_exec_time.
    counter pg_stat_statements_seconds_total [P03 P05 P18] = |s| s.values.get("seconds");
    /// Rows that it returned or changed. Source: pg_stat_statements.rows.
    counter pg_stat_statements_rows_total [P18] = |s| s.values.get("rows");
    /// Time in seconds that it spent reading blocks; 0 while track_io_timing is off. Source: pg_stat_statements.shared_blk_read_time, before version 17 blk_read_time.
    counter pg_stat_statements_block_read_seconds_total = |s| s.values.get("block_read");
    /// Time in seconds that it spent writing blocks; 0 while track_io_timing is off. Source: pg_stat_statements.shared_blk_write_time, before version 17 blk_write_time.
    counter pg_stat_statements_block_write_seconds_total = |s| s.values.get("block_write");
} }
