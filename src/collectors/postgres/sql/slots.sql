-- A slot that was never used has no restart_lsn, and its safe_wal_size is nonsense.
select s.*,
    case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
        else pg_catalog.pg_current_wal_lsn() end - '0/0'::pg_catalog.pg_lsn as current_wal_lsn,
    s.confirmed_flush_lsn - '0/0'::pg_catalog.pg_lsn as flush_lsn,
    case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
        else pg_catalog.pg_current_wal_lsn() end - s.restart_lsn as retained
from pg_catalog.pg_replication_slots s
order by s.slot_name limit 50
