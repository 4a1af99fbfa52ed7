//! The metrics of declared queries.

use super::config::Kind;
use super::sample::{Info, Number, Seen};
use crate::catalogue::metrics;

metrics! { Number {
    labels {
        datname = |n| &n.database, query = |n| &n.query, column = |n| &n.column, row = |n| &n.row,
    }
    /// A number that a declared query has found; row names the columns under labels. Source: the query under queries in the configuration.
    gauge stack_postgres_query_value [P12 P15] = |n| (n.kind == Kind::Gauge).then_some(n.number);
    /// The same of a column that is declared as a counter. Source: as before.
    counter stack_postgres_query_counted_total = |n| (n.kind == Kind::Counter).then_some(n.number);
} }

metrics! { Seen {
    labels { datname = |s| &s.database, query = |s| &s.query }
    /// Whether a declared query has answered the last time that it ran. Source: its run in the database.
    gauge stack_postgres_query_up = |s| s.up();
    /// 1 for the reason why it has not. Source: its run in the database.
    gauge stack_postgres_query_failure {reason} = |s| s.reason().into_iter().map(|reason| (reason.as_str(), 1.0));
    /// Rows that it has found, those beyond its limit included; 0 where there is none. Source: its answer.
    gauge stack_postgres_query_rows [P12 P15] = |s| s.answer().map(|answer| answer.rows);
    /// How long it took the last time, in seconds. Source: its run in the database.
    gauge stack_postgres_query_duration_seconds = |s| s.took;
    /// Time since it has last answered, in seconds. Source: its run in the database.
    gauge stack_postgres_query_age_seconds = |s| s.age;
} }

metrics! { Info {
    labels { query = |i| &i.query, help = |i| &i.help }
    /// 1 for what the configuration says of a query. Source: help in the configuration.
    gauge stack_postgres_query_info = |_i| 1.0;
} }
