//! Which labels have a closed list of values, and the lists: what rules, panels and tests of rules
//! may ask for. `tests/offline/words.rs` holds them against the code that writes them.

use super::mongo::sample::OPERATIONS;
use super::qdrant::sample::STATES;
use super::redis::sample::{ERRORS, MODES, POLICIES, ROLES};
use crate::catalogue::words::{Words, listed, open};

pub const WORDS: &[Words] = &[
    listed(&["stack_store_info"], "kind", &["redis", "qdrant", "mongo"]),
    listed(&["stack_store_memory_ratio"], "when_full", &["refuses", "evicts", "evicts_expiring"]),
    listed(&["redis_instance_info"], "role", ROLES),
    listed(&["redis_instance_info"], "redis_mode", MODES),
    listed(&["redis_instance_info"], "maxmemory_policy", POLICIES),
    listed(&["redis_errors_total"], "err", ERRORS),
    listed(&["stack_store_collection_status"], "status", STATES),
    listed(
        &["stack_store_mongo_role"],
        "role",
        &["standalone", "primary", "secondary", "arbiter", "mongos", "starting"],
    ),
    listed(
        &["mongodb_ss_connections"],
        "conn_type",
        &["current", "available", "active", "totalCreated"],
    ),
    listed(&["mongodb_ss_opcounters"], "legacy_op_type", OPERATIONS),
    listed(&["stack_target_series_dropped_total"], "cap", &["databases", "collections"]),
    listed(
        &["stack_target_part_age_seconds", "stack_target_part_failure"],
        "part",
        &["remembered_points"],
    ),
    open("version"),
    open("redis_version"),
    open("db"),
    open("master_host"),
    open("master_port"),
    open("collection"),
    open("set"),
];
