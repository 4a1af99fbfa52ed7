select v.*, n.nspname as schemaname, c.relname, pg_catalog.current_database() as database,
    a.backend_type = 'autovacuum worker' as automatic, extract(epoch from a.xact_start) as started
from pg_catalog.pg_stat_progress_vacuum v
    join pg_catalog.pg_class c on c.oid = v.relid
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    left join pg_catalog.pg_stat_activity a on a.pid = v.pid
where v.datname = pg_catalog.current_database()
order by v.pid limit 20
