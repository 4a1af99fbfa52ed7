-- Builds of indexes that run; which table it is shows only with pg_monitor.
select n.nspname as schemaname, c.relname, i.relname as indexrelname, p.phase, p.command,
    p.lockers_total, p.lockers_done, p.blocks_total, p.blocks_done, p.tuples_total, p.tuples_done,
    p.partitions_total, p.partitions_done,
    extract(epoch from pg_catalog.clock_timestamp() - a.query_start) as age,
    count(*) over () as total
from pg_catalog.pg_stat_progress_create_index p
    join pg_catalog.pg_class c on c.oid = p.relid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_class i on i.oid = p.index_relid
    left join pg_catalog.pg_stat_activity a on a.pid = p.pid
where p.datname = pg_catalog.current_database()
order by a.query_start, p.pid limit 20
