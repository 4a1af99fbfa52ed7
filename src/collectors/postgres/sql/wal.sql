select count(*) as segments, sum(size) as size,
    case when pg_catalog.pg_is_in_recovery() then pg_catalog.pg_last_wal_receive_lsn()
        else pg_catalog.pg_current_wal_lsn() end - '0/0'::pg_catalog.pg_lsn as written
from pg_catalog.pg_ls_waldir()
where name ~ '^[0-9A-F]{24}$'
