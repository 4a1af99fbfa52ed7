//! The metrics of stores. `redis_*` are redis_exporter's names, `mongodb_*` those of Percona's mongodb_exporter.

use super::mongo::sample::{Member, Status, Up as MongoUp};
use super::qdrant::sample::{Collection, Remembered, Server as Qdrant};
use super::redis::sample::{Database, Instance, Link, Server, Up};
use super::sample::{Identity, Memory, Served};
use crate::catalogue::metrics;

metrics! { Identity {
    labels { kind = |i| i.kind, version = |i| &i.version }
    /// Which program the store is, always 1. Source: INFO redis_version or valkey_version; GET / of Qdrant; serverStatus version.
    gauge stack_store_info [B07] = |i| i.always();
} }

metrics! { Served {
    labels {}
    /// Whether the store does its work for clients, beside answering: Qdrant is ready, MongoDB has a primary that is known. Source: /readyz; hello.
    gauge stack_store_serves [B07] = |s| s.serves;
    /// Used part of the connections that the store takes. Source: INFO connected_clients, maxclients; serverStatus connections.
    gauge stack_store_connections_ratio [B07] = |s| s.connections;
} }

metrics! { Memory {
    labels { when_full = |m| m.when_full }
    /// Used part of the memory that the store may use, by what it does when that is full: it refuses writes, evicts any key, or evicts keys that expire and then refuses; absent without a limit. Source: INFO used_memory, maxmemory, maxmemory_policy.
    gauge stack_store_memory_ratio [B07] = |m| m.used;
} }

metrics! { Up {
    labels {}
    /// Whether Redis was read. Source: INFO.
    gauge redis_up [B07 C01] = |u| u.0;
} }

metrics! { Instance {
    labels {
        role = |i| i.role, redis_version = |i| &i.version, redis_mode = |i| i.mode,
        maxmemory_policy = |i| i.policy,
    }
    /// What kind of Redis it is, always 1. Source: INFO role, redis_version, redis_mode, maxmemory_policy.
    gauge redis_instance_info = |i| i.always();
} }

metrics! { Link {
    labels { master_host = |l| &l.host, master_port = |l| &l.port }
    /// Whether the replica has its master; absent on a master. Source: INFO master_link_status.
    gauge redis_master_link_up = |l| l.up;
} }

metrics! { Database {
    labels { db = |d| &d.db }
    /// Keys in the database; absent when it has none. Source: INFO dbN keys.
    gauge redis_db_keys = |d| d.keys;
    /// Keys in the database that expire. Source: INFO dbN expires.
    gauge redis_db_keys_expiring = |d| d.expiring;
} }

metrics! { Server {
    labels {}
    /// Time since the server started. Source: INFO uptime_in_seconds.
    gauge redis_uptime_in_seconds = |s| s.number("uptime_in_seconds");
    /// Time at which the server started, in seconds since 1970. Source: INFO uptime_in_seconds.
    gauge redis_start_time_seconds = |s| s.started;
    /// Connections of clients, the exporter's own included. Source: INFO connected_clients.
    gauge redis_connected_clients [B07] = |s| s.number("connected_clients");
    /// Clients that wait in a blocking command. Source: INFO blocked_clients.
    gauge redis_blocked_clients = |s| s.number("blocked_clients");
    /// Connections that the server takes. Source: INFO maxclients.
    gauge redis_max_clients = |s| s.number("maxclients");
    /// The same, by the name that rules of others ask for. Source: INFO maxclients.
    gauge redis_config_maxclients = |s| s.number("maxclients");
    /// Memory in use, in bytes. Source: INFO used_memory.
    gauge redis_memory_used_bytes [B07] = |s| s.number("used_memory");
    /// Resident memory of the process, in bytes. Source: INFO used_memory_rss.
    gauge redis_memory_used_rss_bytes = |s| s.number("used_memory_rss");
    /// Memory that it may use, in bytes; 0 is no limit. Source: INFO maxmemory.
    gauge redis_memory_max_bytes [B07] = |s| s.number("maxmemory");
    /// Keys that were removed to make room. Source: INFO evicted_keys.
    counter redis_evicted_keys_total = |s| s.number("evicted_keys");
    /// Keys that have expired. Source: INFO expired_keys.
    counter redis_expired_keys_total = |s| s.number("expired_keys");
    /// Lookups of keys that were there. Source: INFO keyspace_hits.
    counter redis_keyspace_hits_total = |s| s.number("keyspace_hits");
    /// Lookups of keys that were not there. Source: INFO keyspace_misses.
    counter redis_keyspace_misses_total = |s| s.number("keyspace_misses");
    /// Commands so far. Source: INFO total_commands_processed.
    counter redis_commands_processed_total = |s| s.number("total_commands_processed");
    /// Connections so far. Source: INFO total_connections_received.
    counter redis_connections_received_total = |s| s.number("total_connections_received");
    /// Connections that were refused since there were too many. Source: INFO rejected_connections.
    counter redis_rejected_connections_total [B07] = |s| s.number("rejected_connections");
    /// Bytes received. Source: INFO total_net_input_bytes.
    counter redis_net_input_bytes_total = |s| s.number("total_net_input_bytes");
    /// Bytes sent. Source: INFO total_net_output_bytes.
    counter redis_net_output_bytes_total = |s| s.number("total_net_output_bytes");
    /// Answers that were errors, by their first word; words that are not listed are other. From version 6.2 on. Source: INFO errorstat_*.
    counter redis_errors_total {err} [B07] = |s| s.errors();
    /// Writes since the last snapshot. Source: INFO rdb_changes_since_last_save.
    gauge redis_rdb_changes_since_last_save = |s| s.number("rdb_changes_since_last_save");
    /// Time of the last snapshot that was written, in seconds since 1970; before the first, that of the start. Source: INFO rdb_last_save_time.
    gauge redis_rdb_last_save_timestamp_seconds [B07] = |s| s.number("rdb_last_save_time");
    /// Whether the last snapshot could be written. Source: INFO rdb_last_bgsave_status.
    gauge redis_rdb_last_bgsave_status [B07] = |s| s.info.is_well("rdb_last_bgsave_status");
    /// Whether writes are appended to a log. Source: INFO aof_enabled.
    gauge redis_aof_enabled = |s| s.number("aof_enabled");
    /// Whether the last write to that log went well. Source: INFO aof_last_write_status.
    gauge redis_aof_last_write_status [B07] = |s| s.info.is_well("aof_last_write_status");
    /// Whether that log could be rewritten the last time. Source: INFO aof_last_bgrewrite_status.
    gauge redis_aof_last_bgrewrite_status = |s| s.info.is_well("aof_last_bgrewrite_status");
    /// Replicas that are connected. Source: INFO connected_slaves.
    gauge redis_connected_slaves = |s| s.number("connected_slaves");
} }

metrics! { Qdrant {
    labels {}
    /// Collections of Qdrant. Source: GET /collections.
    gauge stack_store_collections = |q| q.collections;
} }

metrics! { Collection {
    labels { collection = |c| &c.name }
    /// Whether the collection is there; 0 for a declared one that is not. Source: GET /collections.
    gauge stack_store_collection_up [B07] = |c| c.up;
    /// The state of the collection, always 1; the other states are absent: green, yellow (it is optimised), grey (it waits for a write to be optimised), red (operations have failed). Source: GET /collections/NAME status.
    gauge stack_store_collection_status {status} [B07] = |c| c.status.map(|status| (status, 1)).into_iter();
    /// Points of the collection, about. Source: GET /collections/NAME points_count.
    gauge stack_store_collection_points [B07] = |c| c.points;
    /// Vectors that are indexed; small segments are searched without an index. Source: GET /collections/NAME indexed_vectors_count.
    gauge stack_store_collection_indexed_vectors = |c| c.indexed;
    /// Segments of the collection. Source: GET /collections/NAME segments_count.
    gauge stack_store_collection_segments = |c| c.segments;
} }

metrics! { Remembered {
    labels { collection = |r| &r.name }
    /// Points in parts of the most that the collection had within a day; 0 when it is gone or empty, 1 while it never had 20. Source: points_count.
    gauge stack_store_collection_points_ratio [B07] = |r| r.left;
} }

metrics! { MongoUp {
    labels {}
    /// Whether MongoDB answers. Source: hello.
    gauge mongodb_up [B07 C01] = |u| u.0;
} }

metrics! { Member {
    labels { set = |m| &m.set }
    /// What the server is, always 1; the other roles are absent: standalone, primary, secondary, arbiter, mongos, starting (of a replica set, and neither primary nor secondary). Source: hello.
    gauge stack_store_mongo_role {role} [B07] = |m| [(m.role, 1)];
} }

metrics! { Status {
    labels {}
    /// Connections of clients by kind; available are those that are left. Source: serverStatus connections.
    gauge mongodb_ss_connections {conn_type} = |s| s.connections();
    /// Time since the server started, in seconds. Source: serverStatus uptime.
    gauge mongodb_ss_uptime = |s| s.uptime;
    /// Resident memory in MiB. Source: serverStatus mem.resident.
    gauge mongodb_ss_mem_resident = |s| s.resident;
    /// Operations since the start. Source: serverStatus opcounters.
    established mongodb_ss_opcounters {legacy_op_type} = |s| s.operations();
} }
