select r.application_name, r.client_addr, r.state, r.slot_name, r.pid,
    case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
        else pg_catalog.pg_current_wal_lsn() end - r.replay_lsn as wal_lsn_diff,
    case when pg_catalog.pg_is_in_recovery() then null
        else pg_catalog.pg_current_wal_lsn() end - '0/0'::pg_catalog.pg_lsn as current_wal_lsn,
    r.sent_lsn - '0/0'::pg_catalog.pg_lsn as sent_lsn,
    r.write_lsn - '0/0'::pg_catalog.pg_lsn as write_lsn,
    r.flush_lsn - '0/0'::pg_catalog.pg_lsn as flush_lsn,
    r.replay_lsn - '0/0'::pg_catalog.pg_lsn as replay_lsn,
    extract(epoch from r.write_lag) as write_lag,
    extract(epoch from r.flush_lag) as flush_lag,
    extract(epoch from r.replay_lag) as replay_lag
from (select r.*, s.slot_name from pg_catalog.pg_stat_replication r
    left join pg_catalog.pg_replication_slots s on s.active_pid = r.pid) r
order by r.pid limit 50
