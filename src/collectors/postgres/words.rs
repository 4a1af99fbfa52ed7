//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use super::{blockers, databases, tables};
use crate::catalogue::words::{Words, listed, open};

pub const WORDS: &[Words] = &[
    listed(
        &["stack_target_part_age_seconds", "stack_target_part_failure"],
        "part",
        &[
            "sizes",
            "login",
            "settings",
            "tables",
            "table_sizes",
            "own",
            "statements",
            "migrations",
            "queries",
        ],
    ),
    listed(
        &[
            "stack_postgres_connections",
            "pg_stat_activity_count",
            "pg_stat_activity_max_tx_duration",
            "stack_postgres_blocker_sessions",
            "stack_postgres_blocker_wait_seconds",
            "stack_postgres_blocker_transaction_seconds",
        ],
        "state",
        &[
            "active",
            "idle",
            "idle in transaction",
            "idle in transaction (aborted)",
            "fastpath function call",
            "disabled",
            "other",
        ],
    ),
    listed(&["pg_locks_count"], "mode", &databases::MODES),
    listed(
        &["stack_target_series_dropped_total"],
        "cap",
        &[
            "databases",
            "activity",
            "applications",
            "blockers",
            "indexes",
            "statements",
            "query_rows",
            "query_databases",
        ],
    ),
    listed(&["pg_stat_progress_vacuum_phase"], "phase", &tables::PHASES),
    listed(&["stack_postgres_limit_reached"], "limit", &["server", "database", "role"]),
    listed(
        &["stack_postgres_horizon_age_transactions"],
        "holder",
        &["session", "prepared_transaction", "slot", "standby"],
    ),
    listed(
        &[
            "stack_postgres_blocker_sessions",
            "stack_postgres_blocker_wait_seconds",
            "stack_postgres_blocker_transaction_seconds",
        ],
        "holder",
        &[blockers::HOLDERS.0, blockers::HOLDERS.1],
    ),
    open("datname"),
    open("server"),
    open("usename"),
    open("application_name"),
    open("rolname"),
    open("schemaname"),
    open("relname"),
    open("indexrelname"),
    open("slot_name"),
    open("user"),
    open("queryid"),
    open("query"),
    open("column"),
    open("row"),
    open("help"),
    open("revision"),
];
