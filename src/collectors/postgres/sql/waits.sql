-- waitstart came with version 14; in a row made to JSON it may be missing.
select l.pid, a.datname,
    -- Asked of those alone who wait: it takes all locks of the server for a moment.
    pg_catalog.array_to_string(pg_catalog.pg_blocking_pids(l.pid), ' ') as by,
    -- Who changes a table, or waits for old snapshots to build an index beside it.
    a.backend_type is distinct from 'autovacuum worker' and (l.locktype = 'virtualxid' or l.locktype = 'relation'
        and l.mode in ('AccessExclusiveLock', 'ExclusiveLock', 'ShareRowExclusiveLock', 'ShareLock',
            'ShareUpdateExclusiveLock')) as ddl,
    extract(epoch from pg_catalog.clock_timestamp() -
        case when pg_catalog.to_jsonb(l) ? 'waitstart'
            then (pg_catalog.to_jsonb(l) ->> 'waitstart')::timestamptz
            else a.query_start end) as waited
from pg_catalog.pg_locks l join pg_catalog.pg_stat_activity a on a.pid = l.pid
where not l.granted
