//! What is judged of the work that applications give a database: statements, searches for vectors, changes of
//! tables that wait, and pools.

use std::time::Duration;

use crate::catalogue::{
    Default, Direction, Hold, Many, Match, Measure, Sentence, Signal, Unit, level,
};

const STATEMENT: &str = "statement {queryid} of {user} in {datname}[ ({target})]";
const SEARCHES: &str = "{datname}[ ({target})]";
const COLUMN: &str = "{schemaname}.{relname}.{attname} in {datname}[ ({target})]";
const POOL_OF: &str = "{pool} in {datname}[ ({target})]";

/// The statement by its number: its text is in no label.
const TEXT: Sentence = Sentence::new(
    "curl -s http://127.0.0.1:10188/api/v1/details/postgres/{target} | jq '.statements[], .statements_by_mean[] | select(.queryid == \"{queryid}\")'",
);

/// Searches and indexes as the page has them.
const VECTORS: Sentence = Sentence::new(
    "curl -s http://127.0.0.1:10188/api/v1/details/postgres/{target} | jq '.vector_searches, .vector_indexes'",
);

pub const STATEMENT_MEAN: Signal = Signal {
    name: "statement_mean",
    alert: "PostgresSlowStatement",
    measure: level("pg_stat_statements_seconds_total")
        .rate()
        .per("pg_stat_statements_calls_total", &["user", "datname", "queryid"]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(1.0, "P05"),
    critical: Default::off("users' requests that fail of it wake someone by themselves"),
    advice: None,
    // A dump or a report runs once; what is called all the time and takes long is worth a look.
    hold: Hold::both(Duration::from_mins(10)),
    item: &["queryid"],
    requirements: &["P05", "P18"],
    title: Sentence::new(
        "Statement {queryid} of {user} in {datname} (PostgreSQL {target}) takes long each time",
    ),
    many: Many::of("{count} statements take long each time", STATEMENT),
    clear: Sentence::new(
        "Statement {queryid} of {user} in {datname} (PostgreSQL {target}) takes long no more",
    ),
    what: "Mean time of its calls in five minutes",
    hint: "its text is on the page of the database, under the number: mostly it lacks an index, or its table has grown; see what EXPLAIN (ANALYZE) says of it",
    next: TEXT,
};

const fn search_time(index: &'static [Match]) -> Measure {
    level("stack_postgres_vector_search_seconds_total")
        .select(index)
        .rate()
        .per("stack_postgres_vector_searches_total", &["datname", "index"])
}

pub const VECTOR_HNSW: Signal = Signal {
    name: "vector_hnsw",
    alert: "PostgresVectorSearchSlow",
    measure: search_time(&[Match::is("index", &["hnsw"])]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(0.2, "P14"),
    critical: Default::off("it is slow, and it answers"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &["datname"],
    requirements: &["P14"],
    title: Sentence::new("Searches for vectors in {datname} (PostgreSQL {target}) are slow"),
    many: Many::of("{count} databases search slowly for vectors", SEARCHES),
    clear: Sentence::new(
        "Searches for vectors in {datname} (PostgreSQL {target}) are slow no more",
    ),
    what: "Mean time of a search in five minutes, on tables with an index of HNSW",
    hint: "the index is larger than the memory, hnsw.ef_search is high, or the query cannot use the index: only `ORDER BY column <=> value LIMIT n` does",
    next: VECTORS,
};

pub const VECTOR_IVFFLAT: Signal = Signal {
    name: "vector_ivfflat",
    alert: "PostgresIvfflatSearchSlow",
    measure: search_time(&[Match::is("index", &["ivfflat", "both"])]),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::guide(0.5, "P14"),
    critical: Default::off("it is slow, and it answers"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &["datname"],
    requirements: &["P14"],
    title: Sentence::new(
        "Searches for vectors in {datname} (PostgreSQL {target}) are slow, with IVFFlat",
    ),
    many: Many::of("{count} databases search slowly for vectors with IVFFlat", SEARCHES),
    clear: Sentence::new(
        "Searches for vectors in {datname} (PostgreSQL {target}) are slow no more, with IVFFlat",
    ),
    what: "Mean time of a search in five minutes, on tables with an index of IVFFlat",
    hint: "the table has grown since its lists were made, ivfflat.probes is high, or the query cannot use the index: REINDEX with more lists, or change to HNSW",
    next: VECTORS,
};

pub const VECTOR_INDEX: Signal = Signal {
    name: "vector_index",
    alert: "PostgresVectorWithoutIndex",
    // A small table is searched as fast without one, and nothing is lost.
    measure: level("stack_postgres_vector_column_indexed").and(
        "stack_postgres_vector_column_rows",
        Direction::Above,
        10_000.0,
        &["datname", "schemaname", "relname", "attname"],
    ),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("it is slow, and it answers"),
    advice: Some(Default::ours(
        1.0,
        "each search reads all its rows, of which there are 10,000 or more",
    )),
    hold: Hold::both(Duration::from_hours(1)),
    item: &["datname"],
    requirements: &["P14"],
    title: Sentence::new(
        "Column {attname} of {schemaname}.{relname} in {datname} (PostgreSQL {target}) has no index for vectors",
    ),
    many: Many::of("{count} columns of vectors have no index", COLUMN),
    clear: Sentence::new(
        "Column {attname} of {schemaname}.{relname} in {datname} (PostgreSQL {target}) has an index for vectors",
    ),
    what: "",
    hint: "its index was never made, was dropped by a migration, or its build has failed and left it invalid: CREATE INDEX CONCURRENTLY ... USING hnsw, with the operators that the query uses",
    next: Sentence::new(
        "psql -d {datname} -c 'select indexname, indexdef from pg_indexes where schemaname = $${schemaname}$$ and tablename = $${relname}$$'",
    ),
};

pub const VECTOR_FORM: Signal = Signal {
    name: "vector_form",
    alert: "PostgresVectorSearchPastIndex",
    measure: level("stack_postgres_vector_searches_past_index_total").increase(),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("it is slow, and it answers"),
    advice: Some(Default::ours(0.0, "the index is kept up with each write, and never used")),
    hold: Hold::both(Duration::from_mins(15)),
    item: &["datname"],
    requirements: &["P14"],
    title: Sentence::new(
        "Searches for vectors in {datname} (PostgreSQL {target}) have a form that no index can serve",
    ),
    many: Many::of("{count} databases have searches for vectors past their index", SEARCHES),
    clear: Sentence::new(
        "Searches for vectors in {datname} (PostgreSQL {target}) have a form that their index can serve",
    ),
    what: "Such searches in five minutes",
    hint: "an index serves `ORDER BY column <=> value LIMIT n` alone: neither `WHERE 1 - (column <=> value) > x` nor `ORDER BY 1 - (column <=> value) DESC`",
    next: VECTORS,
};

pub const DDL_WAIT: Signal = Signal {
    name: "ddl_wait",
    alert: "PostgresDdlWaits",
    measure: level("stack_postgres_ddl_wait_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(
        30.0,
        "as with lock_wait: whatever needs the table has timed out by then",
    ),
    critical: Default::off("users' requests that fail of it wake someone by themselves"),
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: &["datname"],
    requirements: &["P07", "P10"],
    title: Sentence::new(
        "A change of tables in {datname} (PostgreSQL {target}) waits behind a {holder}[ of {application_name}][ ({usename}, {state})]",
    ),
    many: Many::of(
        "{count} sessions are in the way of changes of tables",
        "[{application_name}, ]{usename} ({state}) in {datname}[ ({target})]",
    ),
    clear: Sentence::new(
        "No change of tables in {datname} (PostgreSQL {target}) waits behind a {holder}[ of {application_name}][ ({usename}, {state})] any more",
    ),
    what: "Time that it has waited",
    hint: "mostly a migration behind a forgotten transaction: all who need the table queue behind it, so end the one in the way, or stop the migration and set a lock_timeout for it",
    next: Sentence::new(
        "psql -d {datname} -c 'select pid, pg_blocking_pids(pid) as blocked_by, usename, application_name, state, now() - xact_start as age, left(query, 60) as query from pg_stat_activity where cardinality(pg_blocking_pids(pid)) > 0 or state like $$idle in%$$ order by xact_start'",
    ),
};

pub const POOL: Signal = Signal {
    name: "pool",
    alert: "PostgresPoolExhausted",
    measure: level("stack_postgres_pool_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.95, "the guide has 15 a process; whoever finds none waits for 30 s"),
    critical: Default::off("users' requests that fail of it wake someone by themselves"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &["pool"],
    requirements: &["P11"],
    title: Sentence::new(
        "Pool {pool} of {datname} (PostgreSQL {target}) has no connections to spare",
    ),
    many: Many::of("{count} pools have no connections to spare", POOL_OF),
    clear: Sentence::new(
        "Pool {pool} of {datname} (PostgreSQL {target}) has connections to spare again",
    ),
    what: "Used part of the pool, its overflow included",
    hint: "requests wait for a connection and fail after the pool's timeout: look for transactions that are left open, calls of other services within them, or a pool that is too small for its processes",
    next: Sentence::new(
        "psql -d {datname} -c 'select usename, application_name, client_addr, state, count(*), max(now() - state_change) as longest from pg_stat_activity where datname = current_database() group by 1, 2, 3, 4 order by 5 desc'",
    ),
};
