//! The metrics of vectors.

use super::sample::{Column, Index, Search};
use crate::catalogue::metrics;

metrics! { Column {
    labels {
        datname = |c| &c.database, schemaname = |c| &c.schema, relname = |c| &c.table,
        attname = |c| &c.name,
    }
    /// Whether a column of vectors has a valid index that finds the nearest ones (hnsw, ivfflat). Source: pg_index, pg_am.
    gauge stack_postgres_vector_column_indexed [P14] = |c| c.indexed;
    /// Rows of its table, as the last vacuum or analyze found them; absent where there was none. Source: pg_class.reltuples.
    gauge stack_postgres_vector_column_rows [P14] = |c| c.rows;
} }

metrics! { Index {
    labels {
        datname = |i| &i.database, schemaname = |i| &i.schema, relname = |i| &i.table,
        indexrelname = |i| &i.name, index = |i| i.method,
    }
    /// Size of the index in bytes, as its build or the last vacuum found it. Source: pg_class.relpages.
    gauge stack_postgres_vector_index_bytes [P14] = |i| i.bytes;
    /// Scans of the index. Source: pg_stat_user_indexes.idx_scan.
    counter stack_postgres_vector_index_scans_total [P14] = |i| i.scans;
    /// 1, with the settings of the index (m, ef_construction, lists) and the distance that it is for in labels. Source: pg_class.reloptions, pg_opclass.
    gauge stack_postgres_vector_index_info {options} [P14] = |i| [(i.described(), 1.0)];
} }

impl Index {
    fn described(&self) -> String {
        match (self.opclass.as_str(), self.options.as_str()) {
            (opclass, "") => opclass.to_owned(),
            (opclass, options) => format!("{opclass}: {options}"),
        }
    }
}

metrics! { Search {
    labels { datname = |s| &s.database, index = |s| s.index }
    /// Searches by distance, by the index of the tables that they name; counted from when they were first seen. Source: pg_stat_statements.calls.
    counter stack_postgres_vector_searches_total [P14] = |s| s.all.calls;
    /// Time in seconds that they took. Source: pg_stat_statements.total_exec_time.
    counter stack_postgres_vector_search_seconds_total [P14] = |s| s.all.seconds;
    /// Searches in a form that no index can serve, though their tables have one. Source: pg_stat_statements.query, looked at on the server.
    counter stack_postgres_vector_searches_past_index_total [P14] = |s| (s.index != "none").then_some(s.past);
} }
