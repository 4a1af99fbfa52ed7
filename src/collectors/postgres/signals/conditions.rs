//! What will be a trouble one day: limits that are slowly reached, passwords that end, and what an
//! accident has left behind.

use std::time::Duration;

use super::DATABASE;
use crate::catalogue::{Default, Direction, Hold, Many, Sentence, Signal, Unit, level};

/// Who uses up what is left in one database.
const IN_DATABASE: Sentence = Sentence::new(
    "psql -d postgres -c 'select datname, usename, application_name, state, count(*) from pg_stat_activity where datname is not null group by 1, 2, 3, 4 order by 5 desc'",
);

/// What holds back the clean-up: sessions, prepared transactions, slots.
const HOLDERS: Sentence = Sentence::new(
    "psql -d postgres -c 'select pid, usename, application_name, state, age(backend_xmin) from pg_stat_activity where backend_xmin is not null order by 5 desc limit 5' -c 'select gid, prepared, age(transaction) from pg_prepared_xacts' -c 'select slot_name, active, age(xmin), age(catalog_xmin) from pg_replication_slots'",
);

pub const DATABASE_CONNECTIONS: Signal = Signal {
    name: "database_connections",
    alert: "PostgresDatabaseNearlyFull",
    measure: level("stack_postgres_database_connections_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.9, "as with the server, and a limit of a database is set on purpose"),
    critical: Default::off("that it is full is told by login, with the limit that is reached"),
    advice: None,
    hold: Hold::both(Duration::from_mins(2)),
    item: &["datname"],
    requirements: &["P02", "P19"],
    title: Sentence::new(
        "Database {datname} (PostgreSQL {target}) is running out of the connections that it allows",
    ),
    many: Many::of(
        "{count} databases are running out of the connections that they allow",
        DATABASE,
    ),
    clear: Sentence::new("Database {datname} (PostgreSQL {target}) has connections to spare again"),
    what: "Used part of the database's CONNECTION LIMIT",
    hint: "a pool is larger than the limit, or connections are not given back; the server itself may have many left",
    next: IN_DATABASE,
};

pub const XID: Signal = Signal {
    name: "xid",
    alert: "PostgresTransactionIdsRunOut",
    measure: level("stack_postgres_xid_used_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.5, "five times the age at which the server cleans up by force"),
    critical: Default::ours(0.75, "at the rest the server takes no writes any more"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &["datname"],
    requirements: &["P04"],
    title: Sentence::new("Transaction ids of {datname} (PostgreSQL {target}) run out"),
    many: Many::of("{count} databases run out of transaction ids", DATABASE),
    clear: Sentence::new(
        "Transaction ids of {datname} (PostgreSQL {target}) do not run out any more",
    ),
    what: "Used part of the transaction ids",
    hint: "vacuum does not get through: an open transaction, a prepared one or a slot holds it back, or it is too slow",
    next: HOLDERS,
};

pub const MULTIXACT: Signal = Signal {
    name: "multixact",
    alert: "PostgresMultixactsRunOut",
    measure: level("stack_postgres_multixact_used_ratio"),
    direction: Direction::Above,
    unit: Unit::Ratio,
    warning: Default::ours(0.5, "as with transaction ids"),
    critical: Default::ours(0.75, "at the rest the server takes no writes any more"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &["datname"],
    requirements: &["P04"],
    title: Sentence::new("Multixact ids of {datname} (PostgreSQL {target}) run out"),
    many: Many::of("{count} databases run out of multixact ids", DATABASE),
    clear: Sentence::new(
        "Multixact ids of {datname} (PostgreSQL {target}) do not run out any more",
    ),
    what: "Used part of the multixact ids",
    hint: "many transactions lock the same rows at once, and vacuum does not get through",
    next: HOLDERS,
};

pub const ROLE_EXPIRES: Signal = Signal {
    name: "role_expires",
    alert: "PostgresRoleExpires",
    measure: level("stack_postgres_role_expires_in_seconds"),
    direction: Direction::Below,
    unit: Unit::Seconds,
    warning: Default::ours(604_800.0, "a week is enough to change it in office hours"),
    critical: Default::off("what it is used for fails by itself then, and is told"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["rolname"],
    requirements: &["P01"],
    title: Sentence::new("The password of role {rolname} (PostgreSQL {target}) ends soon"),
    many: Many::of("{count} roles have passwords that end soon", "{rolname}[ ({target})]"),
    clear: Sentence::new(
        "The password of role {rolname} (PostgreSQL {target}) does not end soon any more",
    ),
    what: "Time left",
    hint: "whoever logs in with it is refused from then on, and open sessions go on until they end: set a new one and its end",
    next: Sentence::new(
        "psql -d postgres -c 'select rolname, rolvaliduntil from pg_roles where rolcanlogin'",
    ),
};

pub const INVALID: Signal = Signal {
    name: "database_invalid",
    alert: "PostgresDatabaseInvalid",
    measure: level("stack_postgres_database_invalid"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "nobody can use it, and it takes its space"),
    critical: Default::off("somebody wanted it gone"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["datname"],
    requirements: &["P01"],
    title: Sentence::new("Database {datname} (PostgreSQL {target}) is half removed"),
    many: Many::of("{count} databases are half removed", DATABASE),
    clear: Sentence::new("Database {datname} (PostgreSQL {target}) is not half removed any more"),
    what: "",
    hint: "a DROP DATABASE was interrupted: nobody can connect to it any more, and it can only be dropped",
    next: Sentence::new(
        "psql -d postgres -c 'select datname, datconnlimit from pg_database where datconnlimit = -2'",
    ),
};

pub const CRASHED: Signal = Signal {
    name: "crashed",
    alert: "PostgresCrashed",
    measure: level("stack_postgres_crash_age_seconds"),
    direction: Direction::Below,
    unit: Unit::Seconds,
    warning: Default::ours(3600.0, "told for an hour: longer it would hide the next one"),
    critical: Default::off("the server is back; that it is not would be told"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["P01"],
    title: Sentence::new("PostgreSQL {target} has recovered from a crash"),
    many: Many::targets("{count} PostgreSQL servers have recovered from a crash"),
    clear: Sentence::new("PostgreSQL {target} has not crashed for an hour"),
    what: "Time since the crash",
    hint: "one of its processes was killed, mostly for want of memory: all sessions were ended, and their transactions rolled back",
    next: Sentence::new(
        "docker ps -q --filter expose=5432/tcp | xargs -rn 1 docker logs --since 2h 2>&1 | grep -E 'terminated by signal|not properly shut down'; dmesg -T | grep -i 'killed process' | tail",
    ),
};

pub const RESTARTED: Signal = Signal {
    name: "restarted",
    alert: "PostgresRestarted",
    measure: level("stack_postgres_uptime_seconds"),
    direction: Direction::Below,
    unit: Unit::Seconds,
    warning: Default::off("mostly somebody wanted it; set it to be warned"),
    critical: Default::off("see warning"),
    advice: Some(Default::off(
        "a server that was deployed is as young; 10m tells each start for ten minutes",
    )),
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["P01"],
    title: Sentence::new("PostgreSQL {target} has been started anew"),
    many: Many::targets("{count} PostgreSQL servers have been started anew"),
    clear: Sentence::new("PostgreSQL {target} has been running for a while"),
    what: "Time since its start",
    hint: "all connections were ended, and what it had in memory is cold",
    next: Sentence::new(
        "docker ps -q --filter expose=5432/tcp | xargs -rn 1 docker logs --since 30m 2>&1 | grep -E 'shut down|starting PostgreSQL'",
    ),
};

pub const SETTINGS_PENDING: Signal = Signal {
    name: "settings_pending",
    alert: "PostgresSettingsPending",
    measure: level("stack_postgres_settings_pending"),
    direction: Direction::Above,
    unit: Unit::Count,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("nothing is broken"),
    advice: Some(Default::ours(0.0, "whoever changed it believes that it is in force")),
    hold: Hold::both(Duration::from_hours(1)),
    item: &[],
    requirements: &[],
    title: Sentence::new("PostgreSQL {target} has settings that wait for a restart"),
    many: Many::targets("{count} PostgreSQL servers have settings that wait for a restart"),
    clear: Sentence::new("PostgreSQL {target} has no settings any more that wait for a restart"),
    what: "Settings that were changed and are not in force",
    hint: "they come into force when the server is next started, also by accident: restart it at a quiet hour, or take them back",
    next: Sentence::new(
        "psql -d postgres -c 'select name, setting, sourcefile, sourceline from pg_settings where pending_restart'",
    ),
};

pub const ARCHIVE_FAILING: Signal = Signal {
    name: "archive_failing",
    alert: "PostgresArchiveFails",
    measure: level("stack_postgres_archive_failing"),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "the archive is a backup, and it has a gap that grows"),
    critical: Default::off("the disk that fills with what is not archived is told by the host"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["P09"],
    title: Sentence::new("PostgreSQL {target} cannot archive its write-ahead log"),
    many: Many::targets("{count} PostgreSQL servers cannot archive their write-ahead log"),
    clear: Sentence::new("PostgreSQL {target} archives its write-ahead log again"),
    what: "",
    hint: "what is not archived stays until the disk is full, and a restore gets no further than the last file",
    next: Sentence::new(
        "psql -d postgres -c 'select * from pg_stat_archiver' -c 'show archive_command'",
    ),
};
