-- Left by a CREATE INDEX CONCURRENTLY that failed. A build that runs makes its index invalid as well, and where
-- we may not see of which table it is, it may be any. An index of partitions without one each is no storage.
select pg_catalog.current_database() as database, n.nspname as schemaname, t.relname, i.relname as indexrelname,
    i.relpages::pg_catalog.int8 * 8192 as bytes, count(*) over () as total,
    sum(i.relpages::pg_catalog.int8 * 8192) over () as total_bytes
from pg_catalog.pg_index x
    join pg_catalog.pg_class i on i.oid = x.indexrelid and i.relkind = 'i'
    join pg_catalog.pg_class t on t.oid = x.indrelid and t.relpersistence <> 't'
    join pg_catalog.pg_namespace n on n.oid = i.relnamespace
where not x.indisvalid
    and not exists (select 1 from pg_catalog.pg_stat_progress_create_index p
        where p.datname = pg_catalog.current_database() and (p.relid is null or p.relid = x.indrelid))
order by i.relpages desc, i.oid limit 10
