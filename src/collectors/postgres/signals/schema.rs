//! What is judged of tables: indexes that do not help, vacuum that does not come, sequences that end, extensions.

use std::time::Duration;

use super::DATABASE;
use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// How tables are told apart.
const TABLE: &str = "{schemaname}.{relname} in {datname}[ ({target})]";

/// A week: what runs once a week has run.
const LONG: f64 = 604_800.0;

/// Indexes of one kind, the largest first.
const LISTED: Sentence = Sentence::new(
    "curl -s http://127.0.0.1:10188/debug/postgres/{target} | grep -F useless_index_bytes | grep -F '{kind}'",
);

pub const INDEX_INVALID: Signal = Signal {
    name: "index_invalid",
    alert: "PostgresIndexInvalid",
    measure: level("stack_postgres_useless_indexes").select(&[Match::is("kind", &["invalid"])]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(
        0.0,
        "no query uses it, each write pays for it, and someone waits for it",
    ),
    critical: Default::off("what is slow without it is told by itself"),
    advice: None,
    // A build that runs is no trouble, and is left out; so is a table without rows for a moment.
    hold: Hold::both(Duration::from_hours(1)),
    item: &["datname"],
    requirements: &["P06", "P17"],
    title: Sentence::new("Indexes in {datname} (PostgreSQL {target}) were never finished"),
    many: Many::of("{count} databases have indexes that were never finished", DATABASE),
    clear: Sentence::new("No index in {datname} (PostgreSQL {target}) is unfinished any more"),
    what: "Invalid indexes",
    hint: "a CREATE INDEX CONCURRENTLY failed, mostly of rows that are there twice, a deadlock or a cancel: drop the index and build it again, or REINDEX it CONCURRENTLY",
    next: Sentence::new(
        "psql -d {datname} -c 'select indrelid::regclass, indexrelid::regclass from pg_index where not indisvalid'",
    ),
};

pub const INDEX_UNUSED: Signal = Signal {
    name: "index_unused",
    alert: "PostgresIndexUnused",
    measure: level("stack_postgres_useless_indexes_bytes")
        .select(&[Match::is("kind", &["unused"])])
        .and("stack_postgres_statistics_age_seconds", Direction::Above, LONG, &["datname"]),
    direction: Direction::Above,
    unit: Unit::Bytes,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("nothing is broken"),
    advice: Some(Default::ours(
        104_857_600.0,
        "100 MiB that each write has to keep, in a week without one read",
    )),
    hold: Hold::both(Duration::from_mins(15)),
    item: &["datname"],
    requirements: &["P06", "P17"],
    title: Sentence::new("Indexes in {datname} (PostgreSQL {target}) are never read"),
    many: Many::of("{count} databases have indexes that are never read", DATABASE),
    clear: Sentence::new(
        "Indexes in {datname} (PostgreSQL {target}) that are never read are few or gone",
    ),
    what: "Size of indexes that nothing has read for a week or longer",
    hint: "look before you drop one: a standby may read it, it may be new, or be for a report that comes once a quarter, or for deletes from the table it refers to",
    next: LISTED,
};

pub const INDEX_DUPLICATE: Signal = Signal {
    name: "index_duplicate",
    alert: "PostgresIndexDuplicate",
    measure: level("stack_postgres_useless_indexes").select(&[Match::is("kind", &["duplicate"])]),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("nothing is broken"),
    advice: Some(Default::ours(0.0, "each write pays twice, and no query gains")),
    hold: Hold::both(Duration::from_mins(15)),
    item: &["datname"],
    requirements: &["P06", "P17"],
    title: Sentence::new("Indexes in {datname} (PostgreSQL {target}) are there twice"),
    many: Many::of("{count} databases have indexes that are there twice", DATABASE),
    clear: Sentence::new("No index in {datname} (PostgreSQL {target}) is there twice any more"),
    what: "Indexes that are the same as another one",
    hint: "same table, same columns in the same order, same condition: `same_as` is the one that stays, the other can be dropped",
    next: LISTED,
};

pub const VACUUM_DUE: Signal = Signal {
    name: "vacuum_due",
    alert: "PostgresVacuumBehind",
    measure: level("stack_postgres_table_vacuum_due_ratio"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(
        2.0,
        "autovacuum looks each minute; twice its own limit for an hour is no delay",
    ),
    critical: Default::off(
        "it is harmful in days, and the ids that run out are told by themselves",
    ),
    advice: None,
    hold: Hold::both(Duration::from_hours(1)),
    item: &["schemaname", "relname"],
    requirements: &["P04"],
    title: Sentence::new(
        "Vacuum does not keep up with {schemaname}.{relname} in {datname} (PostgreSQL {target})",
    ),
    many: Many::of("{count} tables wait longer for vacuum than they should", TABLE),
    clear: Sentence::new(
        "Vacuum keeps up with {schemaname}.{relname} in {datname} (PostgreSQL {target}) again",
    ),
    what: "Dead rows, in parts of those at which vacuum begins",
    hint: "an open transaction, a slot or a prepared transaction holds it back, it is turned off for this table, a lock ends it again and again, or all its workers are busy",
    next: Sentence::new(
        "psql -d {datname} -c 'select relid::regclass, n_live_tup, n_dead_tup, last_autovacuum from pg_stat_user_tables order by n_dead_tup desc limit 5' -c 'select pid, state, age(backend_xmin), now() - xact_start as open from pg_stat_activity where backend_xmin is not null order by 3 desc limit 5' -c 'select pid, relid::regclass, phase from pg_stat_progress_vacuum'",
    ),
};

pub const AUTOVACUUM: Signal = Signal {
    name: "autovacuum",
    alert: "PostgresAutovacuumOff",
    measure: level("stack_postgres_autovacuum_enabled"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(
        1.0,
        "tables grow without end, and plans get worse, unless somebody vacuums by hand",
    ),
    critical: Default::off("the ids that run out are told by themselves"),
    advice: None,
    hold: Hold::both(Duration::from_hours(1)),
    item: &["datname"],
    requirements: &["P04"],
    title: Sentence::new("PostgreSQL {target} does not vacuum {datname} by itself"),
    many: Many::of("{count} databases are not vacuumed by their servers", DATABASE),
    clear: Sentence::new("PostgreSQL {target} vacuums {datname} by itself again"),
    what: "",
    hint: "`autovacuum` or `track_counts` is off, mostly since a large import: alter system reset autovacuum; alter system reset track_counts; select pg_reload_conf()",
    next: Sentence::new(
        "psql -d {datname} -c \"select name, setting, source, sourcefile from pg_settings where name in ('autovacuum', 'track_counts')\"",
    ),
};

pub const TABLE_AUTOVACUUM: Signal = Signal {
    name: "table_autovacuum",
    alert: "PostgresTableAutovacuumOff",
    measure: level("stack_postgres_table_autovacuum_off"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("nothing is broken"),
    advice: Some(Default::ours(0.0, "set for an import and forgotten, it makes the table grow")),
    hold: Hold::both(Duration::from_mins(15)),
    item: &["schemaname", "relname"],
    requirements: &["P04"],
    title: Sentence::new(
        "Autovacuum is off for {schemaname}.{relname} in {datname} (PostgreSQL {target})",
    ),
    many: Many::of("{count} tables are left out by autovacuum", TABLE),
    clear: Sentence::new(
        "Autovacuum is not off any more for {schemaname}.{relname} in {datname} (PostgreSQL {target})",
    ),
    what: "",
    hint: "dead rows stay, and the planner does not learn of new ones; where it is meant, silence it for this table",
    next: Sentence::new(
        "psql -d {datname} -c 'select oid::regclass, reloptions from pg_class where array_to_string(reloptions, $$ $$) like $$%autovacuum_enabled%$$'",
    ),
};

pub const SEQUENCE: Signal = Signal {
    name: "sequence",
    alert: "PostgresSequenceEnds",
    measure: level("stack_postgres_sequence_used_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.75, "changing the type of a large column takes a plan"),
    critical: Default::ours(0.9, "at its end no row can be added to the table any more"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &["schemaname", "sequencename"],
    requirements: &["P04"],
    title: Sentence::new(
        "Sequence {schemaname}.{sequencename} in {datname} (PostgreSQL {target}) nears its end[: {relname}.{column}]",
    ),
    many: Many::of(
        "{count} sequences near their ends",
        "{schemaname}.{sequencename} in {datname}[ ({target})]",
    ),
    clear: Sentence::new(
        "Sequence {schemaname}.{sequencename} in {datname} (PostgreSQL {target}) is far from its end again",
    ),
    what: "Used part of the numbers",
    hint: "most are an `integer` id: after 2147483647 each INSERT fails. Make the column `bigint`, which rewrites the table under a lock, or fill a second column beside it and swap; negative numbers win time",
    next: Sentence::new(
        "psql -d {datname} -c 'select schemaname, sequencename, data_type, last_value, max_value from pg_sequences order by last_value desc nulls last limit 10'",
    ),
};

pub const SEQUENCES_UNREADABLE: Signal = Signal {
    name: "sequences_unreadable",
    alert: "PostgresSequencesUnreadable",
    measure: level("stack_postgres_sequences_unreadable"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("nothing is broken"),
    advice: Some(Default::ours(0.0, "nobody would see one of them end")),
    hold: Hold::both(Duration::from_mins(15)),
    item: &["datname"],
    requirements: &["P04"],
    title: Sentence::new(
        "Sequences in schema {schemaname} of {datname} (PostgreSQL {target}) cannot be read by the monitoring role",
    ),
    many: Many::of(
        "{count} schemas have sequences that cannot be read",
        "{schemaname} in {datname}[ ({target})]",
    ),
    clear: Sentence::new(
        "The sequences in schema {schemaname} of {datname} (PostgreSQL {target}) can be read",
    ),
    what: "Sequences that may not be read",
    hint: "pg_monitor does not include them: the role that monitors needs SELECT on the sequences, and on those to come; or else set `sequences_unreadable: off`",
    next: Sentence::new(
        "psql -d {datname} -c 'grant select on all sequences in schema {schemaname} to monitor' -c 'alter default privileges in schema {schemaname} grant select on sequences to monitor'",
    ),
};

pub const EXTENSIONS_OUTDATED: Signal = Signal {
    name: "extensions_outdated",
    alert: "PostgresExtensionsOutdated",
    measure: level("stack_postgres_extensions_outdated"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("nothing is broken"),
    advice: Some(Default::ours(0.0, "the image has moved on, and the database has not")),
    hold: Hold::both(Duration::from_mins(15)),
    item: &["datname"],
    requirements: &["P14"],
    title: Sentence::new(
        "Extensions of {datname} (PostgreSQL {target}) are of another version than the server has",
    ),
    many: Many::of(
        "{count} databases have extensions of another version than their server",
        DATABASE,
    ),
    clear: Sentence::new(
        "The extensions of {datname} (PostgreSQL {target}) are as the server has them",
    ),
    what: "Extensions of another version",
    hint: "the server was updated, and they stay as they were until ALTER EXTENSION ... UPDATE: read what the new version says of indexes, and do it at a quiet hour",
    next: Sentence::new(
        "psql -d {datname} -c 'select name, installed_version, default_version from pg_available_extensions where installed_version <> default_version'",
    ),
};

pub const TABLE_SCANNED: Signal = Signal {
    name: "table_scanned",
    alert: "PostgresTableScanned",
    measure: level("stack_postgres_large_table_scanned_rows_total").rate(),
    direction: Direction::Above,
    unit: Unit::Rate,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("what is slow of it is told by itself"),
    advice: Some(Default::ours(10_000.0, "a table of 10,000 rows once a second, for an hour")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &["schemaname", "relname"],
    requirements: &["P06"],
    title: Sentence::new(
        "{schemaname}.{relname} in {datname} (PostgreSQL {target}) is read from end to end again and again",
    ),
    many: Many::of("{count} tables are read from end to end again and again", TABLE),
    clear: Sentence::new(
        "{schemaname}.{relname} in {datname} (PostgreSQL {target}) is not read from end to end so often any more",
    ),
    what: "Rows read by scans of the whole table",
    hint: "mostly a query looks for something that no index has, such as `topic_id IS NULL`: find it in pg_stat_statements, and see its plan with EXPLAIN",
    next: Sentence::new(
        "psql -d {datname} -c 'select relid::regclass, seq_scan, seq_tup_read, idx_scan, n_live_tup from pg_stat_user_tables order by seq_tup_read desc limit 5' -c 'select calls, mean_exec_time, left(query, 80) as query from pg_stat_statements order by total_exec_time desc limit 10'",
    ),
};
