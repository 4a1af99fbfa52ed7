//! What is judged of the log of the server: whether it reaches standbys and the archive, what is kept for whom, and
//! whether the server is still the one that it was.

use std::time::Duration;

use crate::catalogue::{Default, Direction, Hold, Many, Match, Sentence, Signal, Unit, level};

/// Who needs the log, and how much of it is kept for him.
const SLOTS: Sentence = Sentence::new(
    "psql -d postgres -c 'select slot_name, slot_type, active, wal_status, safe_wal_size, restart_lsn from pg_replication_slots' -c 'select application_name, client_addr, state, replay_lsn, replay_lag from pg_stat_replication'",
);

pub const RECEIVER: Signal = Signal {
    name: "receiver",
    alert: "PostgresStandbyCutOff",
    measure: level("stack_postgres_receiver_streaming"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::ours(1.0, "it falls behind with each write, while its delay still says 0"),
    critical: Default::off("it still answers; that the primary is down is told by itself"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &[],
    requirements: &["P01"],
    title: Sentence::new("Standby PostgreSQL {target} gets nothing from its primary"),
    many: Many::targets("{count} standbys get nothing from their primaries"),
    clear: Sentence::new("Standby PostgreSQL {target} follows its primary again"),
    what: "",
    hint: "the primary is down or not reachable, refuses the role, or has thrown away what the standby needs: its log says which; in the last case it has to be made anew",
    next: Sentence::new(
        "psql -d postgres -c 'select status, sender_host, last_msg_receipt_time from pg_stat_wal_receiver'; docker ps -q --filter expose=5432/tcp | xargs -rn 1 docker logs --since 15m 2>&1 | grep -E 'FATAL|could not|removed' | tail",
    ),
};

pub const REPLICATION_LAG: Signal = Signal {
    name: "replication_lag",
    alert: "PostgresStandbyLags",
    // Cut off it has none, or one that grows with time alone: of that the other signal tells.
    measure: level("pg_replication_lag_seconds").and(
        "stack_postgres_receiver_streaming",
        Direction::Above,
        0.5,
        &[],
    ),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(300.0, "whoever reads there sees what was five minutes ago"),
    critical: Default::off("how far behind a standby may be is for whoever reads from it to say"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["P01"],
    title: Sentence::new("Standby PostgreSQL {target} is far behind what it has received"),
    many: Many::targets("{count} standbys are far behind"),
    clear: Sentence::new("Standby PostgreSQL {target} has caught up"),
    what: "Delay of replaying",
    hint: "a long query on the standby holds replaying back, its disk is slower than the primary's, or it is meant to be late (recovery_min_apply_delay): then set the limit above that",
    next: Sentence::new(
        "psql -d postgres -c 'select pid, usename, now() - xact_start as open, left(query, 60) as query from pg_stat_activity where backend_type = $$client backend$$ order by 3 desc nulls last limit 5' -c 'show recovery_min_apply_delay' -c 'select pg_last_wal_receive_lsn(), pg_last_wal_replay_lsn()'",
    ),
};

pub const SLOT_RETAINS: Signal = Signal {
    name: "slot_retains",
    alert: "PostgresSlotKeepsLog",
    measure: level("pg_replication_slots_pg_wal_lsn_diff"),
    direction: Direction::Above,
    unit: Unit::Bytes,
    warning: Default::ours(1_073_741_824.0, "1 GiB is what the server keeps for itself by default"),
    critical: Default::off("the disk that fills is told by the host"),
    advice: None,
    hold: Hold::both(Duration::from_mins(15)),
    item: &["slot_name"],
    requirements: &["P09"],
    title: Sentence::new("PostgreSQL {target} keeps much of its log for slot {slot_name}"),
    many: Many::of("{count} slots keep much of the log", "{slot_name}[ ({target})]"),
    clear: Sentence::new("PostgreSQL {target} keeps little of its log for slot {slot_name} again"),
    what: "Log that is kept",
    hint: "nobody reads from it, or too slowly, and the log stays until the disk is full: bring its reader back, or drop the slot if he is gone for good (pg_drop_replication_slot)",
    next: SLOTS,
};

pub const SLOT_LOST: Signal = Signal {
    name: "slot_lost",
    alert: "PostgresSlotLost",
    measure: level("stack_postgres_slot_wal_status")
        .select(&[Match::is("wal_status", &["unreserved", "lost"])]),
    direction: Direction::Above,
    unit: Unit::Bool,
    warning: Default::ours(0.0, "whoever reads from it has to begin anew"),
    critical: Default::off("the server itself is well"),
    advice: None,
    hold: Hold::both(Duration::from_mins(5)),
    item: &["slot_name"],
    requirements: &["P09"],
    title: Sentence::new(
        "Slot {slot_name} of PostgreSQL {target} has lost its log, or is about to",
    ),
    many: Many::of(
        "{count} slots have lost their log, or are about to",
        "{slot_name}[ ({target})]",
    ),
    clear: Sentence::new("Slot {slot_name} of PostgreSQL {target} has the log that it needs"),
    what: "",
    hint: "its reader was away for longer than max_slot_wal_keep_size allows. `unreserved`: bring him back at once; `lost`: make the standby anew, or the subscription, and drop the slot",
    next: SLOTS,
};

pub const ARCHIVE_BACKLOG: Signal = Signal {
    name: "archive_backlog",
    alert: "PostgresArchiveBehind",
    measure: level("stack_postgres_archive_ready_age_seconds"),
    direction: Direction::Above,
    unit: Unit::Seconds,
    warning: Default::ours(1800.0, "a command that hangs never fails; a file takes seconds"),
    critical: Default::off("the disk that fills with what is not archived is told by the host"),
    advice: None,
    hold: Hold::both(Duration::from_mins(10)),
    item: &[],
    requirements: &["P09"],
    title: Sentence::new("PostgreSQL {target} does not get its write-ahead log into the archive"),
    many: Many::targets("{count} PostgreSQL servers do not get their log into the archive"),
    clear: Sentence::new("PostgreSQL {target} has its write-ahead log in the archive"),
    what: "Time that the oldest file has waited",
    hint: "archive_command hangs, is slower than the log grows, or fails: a restore gets no further than the last file in the archive",
    next: Sentence::new(
        "psql -d postgres -c 'select * from pg_stat_archiver' -c 'show archive_command' -c 'select count(*) from pg_ls_archive_statusdir() where name like $$%.ready$$'; ps -ef | grep '[p]ostgres: archiver'",
    ),
};

pub const SYSTEM_CHANGED: Signal = Signal {
    name: "system_changed",
    alert: "PostgresOtherServer",
    measure: level("stack_postgres_system_changed_age_seconds"),
    direction: Direction::Below,
    unit: Unit::Seconds,
    warning: Default::ours(3600.0, "told for an hour: longer it would hide the next one"),
    critical: Default::off("an application that misses its data fails by itself"),
    advice: None,
    hold: Hold::both(Duration::ZERO),
    item: &[],
    requirements: &["P01"],
    title: Sentence::new("Behind the address of PostgreSQL {target} is another server than before"),
    many: Many::targets("{count} addresses lead to other PostgreSQL servers than before"),
    clear: Sentence::new(
        "Behind the address of PostgreSQL {target} has been the same server for an hour",
    ),
    what: "Time since it was found",
    hint: "it was made anew: after an upgrade or a restore that is meant; otherwise its volume is gone and an empty one is in its place, so stop what writes and look for the old one",
    next: Sentence::new(
        "psql -d postgres -c 'select datname, pg_size_pretty(pg_database_size(oid)) from pg_database' -c 'select system_identifier from pg_control_system()'; docker volume ls",
    ),
};

pub const CHECKSUMS: Signal = Signal {
    name: "checksums",
    alert: "PostgresNoChecksums",
    measure: level("stack_postgres_data_checksums"),
    direction: Direction::Below,
    unit: Unit::Bool,
    warning: Default::off("advice; set it to be warned"),
    critical: Default::off("nothing is broken"),
    advice: Some(Default::ours(1.0, "without them a damaged block is read as if it were right")),
    hold: Hold::both(Duration::from_mins(15)),
    item: &[],
    requirements: &["P08"],
    title: Sentence::new("PostgreSQL {target} would not notice damaged blocks"),
    many: Many::targets("{count} PostgreSQL servers would not notice damaged blocks"),
    clear: Sentence::new("PostgreSQL {target} notices damaged blocks"),
    what: "",
    hint: "blocks have no checksums, as by default before version 18: `pg_checksums --enable` adds them while the server is stopped, in minutes for each 100 GB",
    next: Sentence::new("psql -d postgres -c 'show data_checksums' -c 'show data_directory'"),
};
