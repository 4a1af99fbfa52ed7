//! What is judged on a store.

mod contents;

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// Names of errors by which Redis refuses writes: it is full, cannot save, or has too few replicas.
const REFUSALS: &[&str] = &["OOM", "MISCONF", "NOREPLICAS"];
const READING: Sentence = Sentence::new(
    "curl -s http://127.0.0.1:10188/debug/store/{target} | head -12; docker ps -a; df -h",
);

const UP: Signal = Signal {
    name: "up",
    alert: "StoreDown",
    measure: level("stack_target_up").select(&[Match::is("area", &["store"])]),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("a store that is down is never just a warning"),
    critical: Default::guide(1.0, "B07"),
    advice: None,
    // No sooner than a service that is down, which mutes it, is told.
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["B07", "C01"],
    title: Sentence::new("Store {target} cannot be used"),
    many: Many::targets("{count} stores cannot be used"),
    clear: Sentence::new("Store {target} can be used again"),
    what: "",
    hint: "what keeps its data there fails, unless it is the exporter's login alone that is not accepted",
    next: READING,
};

const SERVES: Signal = Signal {
    name: "serves",
    alert: "StoreNotServing",
    measure: level("stack_store_serves"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("see critical"),
    critical: Default::ours(1.0, "it answers the exporter, and its clients cannot work with it"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &[],
    requirements: &["B07"],
    title: Sentence::new("Store {target} answers and does not serve"),
    many: Many::targets("{count} stores answer and do not serve"),
    clear: Sentence::new("Store {target} serves again"),
    what: "",
    hint: "Qdrant: shards are not loaded yet; MongoDB: the replica set has no primary, so nobody can write",
    next: Sentence::new(
        "curl -s http://127.0.0.1:6333/readyz; mongosh --quiet --eval 'db.hello()'; curl -s http://127.0.0.1:10188/debug/store/{target} | head -12",
    ),
};

const CONNECTIONS: Signal = Signal {
    name: "connections_ratio",
    alert: "StoreConnectionsExhausted",
    measure: level("stack_store_connections_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.8, "no guide names a share; what is left is a pool or two"),
    critical: Default::ours(0.95, "the next pool that grows is refused"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["B07"],
    title: Sentence::new("Store {target} is running out of connections"),
    many: Many::targets("{count} stores are running out of connections"),
    clear: Sentence::new("Store {target} has connections to spare again"),
    what: "Used part of the connections",
    hint: "mostly one application makes connections and does not give them back: restart it",
    next: Sentence::new(
        "redis-cli CLIENT LIST | grep -o ' addr=[^: ]*' | sort | uniq -c; mongosh --quiet --eval 'db.serverStatus().connections'",
    ),
};

const MEMORY: Signal = Signal {
    name: "memory",
    alert: "RedisMemoryFull",
    measure: level("stack_store_memory_ratio").select(&[Match::is("when_full", &["refuses"])]),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.8, "with noeviction writes fail at 100 %"),
    critical: Default::ours(0.95, "a burst away from writes that fail"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["B07"],
    title: Sentence::new("Redis {target} is nearly full, and refuses writes when it is"),
    many: Many::targets("{count} Redis servers are nearly full"),
    clear: Sentence::new("Redis {target} has memory left again"),
    what: "Used part of maxmemory",
    hint: "its policy is noeviction: find what grows, raise maxmemory, or let it evict if it is a cache",
    next: Sentence::new(
        "redis-cli --bigkeys; redis-cli INFO memory | grep -E 'used_memory_human|maxmemory'",
    ),
};

const WRITES_REFUSED: Signal = Signal {
    name: "writes_refused",
    alert: "RedisRefusesWrites",
    measure: level("redis_errors_total").select(&[Match::is("err", REFUSALS)]).increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("see critical"),
    critical: Default::ours(0.0, "each one is a write of an application that was lost"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &[],
    requirements: &["B07"],
    title: Sentence::new("Redis {target} refuses writes with {err}"),
    many: Many::of("{count} ways in which Redis servers refuse writes", "{target} ({err})"),
    clear: Sentence::new("Redis {target} has refused no write with {err} for five minutes"),
    what: "Refused writes in five minutes",
    hint: "OOM: its memory is full; MISCONF: it cannot save to its disk; NOREPLICAS: too few replicas are connected",
    next: Sentence::new(
        "redis-cli INFO memory | grep maxmemory; redis-cli INFO persistence | grep -E 'status|changes'; df -h",
    ),
};

const EVICTIONS: Signal = Signal {
    name: "evictions",
    alert: "RedisEvicts",
    measure: level("redis_evicted_keys_total").rate(),
    direction: Direction::Above,
    unit: Unit::Rate,
    warning: Default::off("a cache that is full evicts, that is what it is for"),
    critical: Default::off("see warning"),
    advice: Some(Default::ours(
        0.0,
        "data that nobody may lose, such as queues or sessions, is lost so",
    )),
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &[],
    title: Sentence::new("Redis {target} removes keys to make room"),
    many: Many::targets("{count} Redis servers remove keys to make room"),
    clear: Sentence::new("Redis {target} removes no keys any more"),
    what: "Removed keys a second",
    hint: "fine for a cache; with queues or sessions in it choose noeviction, or raise maxmemory",
    next: Sentence::new(
        "redis-cli INFO memory | grep -E 'maxmemory|used_memory_human'; redis-cli INFO keyspace",
    ),
};

pub static SIGNALS: &[Signal] = &[
    UP,
    SERVES,
    CONNECTIONS,
    MEMORY,
    WRITES_REFUSED,
    EVICTIONS,
    contents::SNAPSHOT,
    contents::APPEND_LOG,
    contents::REJECTED,
    contents::REPLICATION,
    contents::COLLECTION,
    contents::RED,
    contents::GREY,
    contents::POINTS_LOST,
];
