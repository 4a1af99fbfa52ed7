//! What is judged on what a store holds: whether it is saved, replicated, and still there.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

pub(super) const SNAPSHOT: Signal = Signal {
    name: "snapshot",
    alert: "RedisSnapshotFails",
    measure: level("redis_rdb_last_bgsave_status"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("see critical"),
    critical: Default::ours(
        1.0,
        "what was written since is lost with the process, and writes may be refused",
    ),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["B07"],
    title: Sentence::new("Redis {target} could not write its last snapshot"),
    many: Many::targets("{count} Redis servers could not write their last snapshots"),
    clear: Sentence::new("Redis {target} writes its snapshots again"),
    what: "",
    hint: "mostly its disk is full, its folder is gone or not its own, or the machine has too little memory for a fork",
    next: Sentence::new(
        "redis-cli CONFIG GET dir; df -h; redis-cli INFO persistence | grep rdb_; docker logs --tail 30 redis",
    ),
};

pub(super) const APPEND_LOG: Signal = Signal {
    name: "append_log",
    alert: "RedisAppendFails",
    measure: level("redis_aof_last_write_status"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("see critical"),
    critical: Default::ours(1.0, "nothing that is written now outlives the process"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &[],
    requirements: &["B07"],
    title: Sentence::new("Redis {target} cannot write its append-only file"),
    many: Many::targets("{count} Redis servers cannot write their append-only files"),
    clear: Sentence::new("Redis {target} writes its append-only file again"),
    what: "",
    hint: "mostly its disk is full: it takes no writes until there is room",
    next: Sentence::new(
        "df -h; redis-cli INFO persistence | grep aof_; docker logs --tail 30 redis",
    ),
};

pub(super) const REJECTED: Signal = Signal {
    name: "rejected",
    alert: "RedisRejectsClients",
    measure: level("redis_rejected_connections_total").increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "each one is a client that did not get in"),
    critical: Default::off("the exporter itself is not let in then, which is told as down"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &[],
    requirements: &["B07"],
    title: Sentence::new("Redis {target} has turned clients away"),
    many: Many::targets("{count} Redis servers have turned clients away"),
    clear: Sentence::new("Redis {target} has turned no client away for five minutes"),
    what: "Refused connections in five minutes",
    hint: "it had as many clients as maxclients allows: mostly one application does not give connections back",
    next: Sentence::new(
        "redis-cli CLIENT LIST | grep -o ' addr=[^: ]*' | sort | uniq -c; redis-cli CONFIG GET maxclients",
    ),
};

pub(super) const REPLICATION: Signal = Signal {
    name: "replication",
    alert: "RedisReplicationDown",
    measure: level("redis_master_link_up"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "the replica shows older data from then on"),
    critical: Default::off("the master goes on"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &[],
    title: Sentence::new("Replica {target} has lost its master {master_host}:{master_port}"),
    many: Many::targets("{count} replicas of Redis have lost their masters"),
    clear: Sentence::new("Replica {target} has its master {master_host}:{master_port} again"),
    what: "",
    hint: "the master is down, its password has changed (masterauth), or the network between them is cut",
    next: Sentence::new(
        "redis-cli INFO replication; redis-cli -h {master_host} -p {master_port} PING",
    ),
};

pub(super) const COLLECTION: Signal = Signal {
    name: "collection",
    alert: "QdrantCollectionMissing",
    measure: level("stack_store_collection_up"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("see critical"),
    critical: Default::ours(1.0, "it was declared since something searches in it"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["collection"],
    requirements: &["B07"],
    title: Sentence::new("Collection {collection} of Qdrant {target} is not there"),
    many: Many::of("{count} collections of Qdrant are not there", "{collection}[ ({target})]"),
    clear: Sentence::new("Collection {collection} of Qdrant {target} is there again"),
    what: "",
    hint: "it was deleted, or Qdrant runs on an empty volume: restore a snapshot",
    next: Sentence::new(
        "curl -s http://127.0.0.1:6333/collections; docker inspect --format '{json .Mounts}' qdrant",
    ),
};

pub(super) const RED: Signal = Signal {
    name: "collection_red",
    alert: "QdrantCollectionRed",
    measure: level("stack_store_collection_status").select(&[Match::is("status", &["red"])]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("see critical"),
    critical: Default::ours(0.0, "operations have failed, and Qdrant could not mend it by itself"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &["collection"],
    requirements: &["B07"],
    title: Sentence::new(
        "Collection {collection} of Qdrant {target} is red: operations have failed",
    ),
    many: Many::of("{count} collections of Qdrant are red", "{collection}[ ({target})]"),
    clear: Sentence::new("Collection {collection} of Qdrant {target} is no longer red"),
    what: "Collections in the state red",
    hint: "mostly the disk is full, or memory ran out while it optimised: its log says which",
    next: Sentence::new(
        "curl -s http://127.0.0.1:6333/collections/{collection} | head -c 600; df -h; docker logs --tail 50 qdrant",
    ),
};

pub(super) const GREY: Signal = Signal {
    name: "collection_grey",
    alert: "QdrantCollectionGrey",
    measure: level("stack_store_collection_status").select(&[Match::is("status", &["grey"])]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "searches stay slow until somebody writes"),
    critical: Default::off("it answers, if slowly"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &["collection"],
    requirements: &["B07"],
    title: Sentence::new("Collection {collection} of Qdrant {target} waits to be optimised"),
    many: Many::of(
        "{count} collections of Qdrant wait to be optimised",
        "{collection}[ ({target})]",
    ),
    clear: Sentence::new(
        "Collection {collection} of Qdrant {target} no longer waits to be optimised",
    ),
    what: "Collections in the state grey",
    hint: "after a restart Qdrant goes on with its work on an index only when something is written",
    next: Sentence::new("curl -s http://127.0.0.1:6333/collections/{collection} | head -c 600"),
};

pub(super) const POINTS_LOST: Signal = Signal {
    name: "points_lost",
    alert: "QdrantPointsLost",
    measure: level("stack_store_collection_points_ratio"),
    direction: Direction::Below,
    unit: Unit::Ratio,
    warning: Default::ours(0.5, "half of what was there within a day is gone"),
    critical: Default::ours(0.1, "nearly all of it, or the collection itself"),
    advice: None,
    // A collection that is filled anew comes back sooner, as a rule.
    hold: Hold::both(Duration::from_mins(15)),
    item: &["collection"],
    requirements: &["B07"],
    title: Sentence::new("Collection {collection} of Qdrant {target} has lost points"),
    many: Many::of("{count} collections of Qdrant have lost points", "{collection}[ ({target})]"),
    clear: Sentence::new("Collection {collection} of Qdrant {target} has its points again"),
    what: "Points that are left of the most within a day",
    hint: "it was deleted or emptied, or is filled anew and that has stopped: without a cause restore a snapshot; what was meant is told for a day",
    next: Sentence::new(
        "curl -s http://127.0.0.1:6333/collections; docker logs --since 1h qdrant | grep -iE 'delete|drop'",
    ),
};
