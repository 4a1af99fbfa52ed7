//! What is judged within a database: numbers of declared queries, and migrations.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Sentence, Signal, Unit, level};

/// How numbers of queries are told apart.
const NUMBER: &str = "{query}[, {row}][ ({target})]";
/// How tables of migrations are told apart.
const TABLE: &str = "{schemaname}.{relname} in {datname}[ ({target})]";

const VALUE: &str = "stack_postgres_query_value";
const ITEM: &[&str] = &["query", "column"];
const DECLARED: Default = Default::off("what is too much stands beside the column of the query");

/// The numbers of the query, and what the configuration says of it.
const NUMBERS: Sentence = Sentence::new(
    "curl -s http://127.0.0.1:10188/debug/postgres/{target} | grep -F 'query=\"{query}\"'",
);

/// What the tool has noted.
const NOTED: Sentence =
    Sentence::new("psql -d {datname} -c 'select * from {schemaname}.{relname} limit 50'");

pub const QUERY_ABOVE: Signal = Signal {
    name: "query_above",
    alert: "PostgresQueryAbove",
    measure: level(VALUE),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: DECLARED,
    critical: DECLARED,
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: ITEM,
    requirements: &["P12", "P15"],
    title: Sentence::new(
        "Query {query} finds more {column} in {datname} (PostgreSQL {target}) than there should be[: {row}]",
    ),
    many: Many::of("{count} numbers of queries are higher than they should be", NUMBER),
    clear: Sentence::new(
        "Query {query} finds no more {column} in {datname} (PostgreSQL {target}) than there may be[: {row}]",
    ),
    what: "Number found",
    hint: "the query and its limit are declared under `queries` of this database: run it by hand, and list the rows that it counts",
    next: NUMBERS,
};

pub const QUERY_BELOW: Signal = Signal {
    name: "query_below",
    alert: "PostgresQueryBelow",
    measure: level(VALUE),
    direction: Direction::Below,
    unit: Unit::Count,
    warning: DECLARED,
    critical: DECLARED,
    advice: None,
    hold: Hold::both(Duration::from_mins(1)),
    item: ITEM,
    requirements: &["P12", "P15"],
    title: Sentence::new(
        "Query {query} finds fewer {column} in {datname} (PostgreSQL {target}) than there should be[: {row}]",
    ),
    many: Many::of("{count} numbers of queries are lower than they should be", NUMBER),
    clear: Sentence::new(
        "Query {query} finds as many {column} in {datname} (PostgreSQL {target}) as there should be[: {row}]",
    ),
    what: "Number found",
    hint: "the query and its limit are declared under `queries` of this database: run it by hand, and see what has stopped to come",
    next: NUMBERS,
};

pub const MIGRATION_HEADS: Signal = Signal {
    name: "migration_heads",
    alert: "PostgresMigrationHeads",
    measure: level("stack_postgres_migration_heads"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::guide(1.0, "P10"),
    critical: Default::off("it works on until the next migration"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["datname"],
    requirements: &["P10"],
    title: Sentence::new(
        "The migrations of {datname} (PostgreSQL {target}) have more than one head",
    ),
    many: Many::of("{count} tables of migrations have more than one head", TABLE),
    clear: Sentence::new("The migrations of {datname} (PostgreSQL {target}) have one head again"),
    what: "Heads",
    hint: "two branches were applied side by side, and `alembic upgrade head` refuses from now on: merge them with `alembic merge heads`",
    next: NOTED,
};

pub const MIGRATION_NONE: Signal = Signal {
    name: "migration_none",
    alert: "PostgresMigrationNone",
    measure: level("stack_postgres_migration_heads"),
    direction: Direction::Below,
    unit: Unit::Count,
    warning: Default::guide(1.0, "P10"),
    critical: Default::off("what reads the tables fails by itself"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["datname"],
    requirements: &["P10"],
    title: Sentence::new("The migrations of {datname} (PostgreSQL {target}) are at no revision"),
    many: Many::of("{count} tables of migrations are at no revision", TABLE),
    clear: Sentence::new(
        "The migrations of {datname} (PostgreSQL {target}) are at a revision again",
    ),
    what: "Heads",
    hint: "the table of Alembic is empty: nothing was applied, all was taken back, or a restore has lost it; the next deployment would begin from nothing",
    next: NOTED,
};

pub const MIGRATION_FAILED: Signal = Signal {
    name: "migration_failed",
    alert: "PostgresMigrationFailed",
    measure: level("stack_postgres_migrations_failed"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::ours(0.0, "the next deployment is refused until it is set right"),
    critical: Default::off("what the application needs of it fails by itself, and is told"),
    advice: None,
    // One that runs looks like one that failed, with Prisma.
    hold: Hold::both(Duration::from_mins(10)),
    item: &["datname"],
    requirements: &["P10"],
    title: Sentence::new(
        "A migration of {datname} (PostgreSQL {target}) has failed, says {relname}",
    ),
    many: Many::of("{count} tables of migrations tell of failed ones", TABLE),
    clear: Sentence::new(
        "No migration of {datname} (PostgreSQL {target}) stands as failed in {relname} any more",
    ),
    what: "Failed migrations",
    hint: "half of it may be in force: look at what it has done, set that right, then tell the tool (`flyway repair`, `prisma migrate resolve`)",
    next: NOTED,
};

pub const MIGRATION_EXPECTED: Signal = Signal {
    name: "migration_expected",
    alert: "PostgresMigrationUnexpected",
    measure: level("stack_postgres_migration_expected"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::guide(1.0, "P10"),
    critical: Default::off("what fails of it is told by itself"),
    advice: None,
    // A deployment writes what it wants first, and takes its time.
    hold: Hold::both(Duration::from_mins(10)),
    item: &["datname"],
    requirements: &["P10"],
    title: Sentence::new("{datname} (PostgreSQL {target}) is not at the revision that is expected"),
    many: Many::of("{count} tables of migrations are not at the expected revision", TABLE),
    clear: Sentence::new("{datname} (PostgreSQL {target}) is at the revision that is expected"),
    what: "",
    hint: "a migration was left out, was taken back, or the expected revision was not renewed: the code that runs may not fit the tables",
    next: NOTED,
};

pub const MIGRATION_READABLE: Signal = Signal {
    name: "migration_readable",
    alert: "PostgresMigrationUnreadable",
    measure: level("stack_postgres_migration_readable"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("nothing is broken"),
    advice: Some(Default::ours(1.0, "without it nobody sees two heads or a failed migration")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &["datname"],
    requirements: &["P10"],
    title: Sentence::new(
        "The migrations of {datname} (PostgreSQL {target}) cannot be read by the monitoring role",
    ),
    many: Many::of("{count} tables of migrations cannot be read", TABLE),
    clear: Sentence::new("The migrations of {datname} (PostgreSQL {target}) can be read"),
    what: "",
    hint: "the role that monitors needs USAGE on the schema and SELECT on the table, or else set `migration_readable: off`; row-level security and types of one's own are not read",
    next: Sentence::new(
        "psql -d {datname} -c 'grant usage on schema {schemaname} to monitor' -c 'grant select on {schemaname}.{relname} to monitor'",
    ),
};
