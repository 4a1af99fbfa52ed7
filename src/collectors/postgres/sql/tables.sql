-- The largest tables by what the catalogue says of their pages, which is there without a look at
-- any file and without a lock.
with top as materialized (
    select c.oid, n.nspname, c.relname, pg_catalog.row_number() over (order by c.relpages desc, c.oid) as place
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema')
    order by c.relpages desc, c.oid limit {top})
select s.*, pg_catalog.current_database() as database,
    extract(epoch from s.last_vacuum) as vacuumed_at,
    extract(epoch from s.last_autovacuum) as autovacuumed_at,
    extract(epoch from s.last_analyze) as analyzed_at,
    extract(epoch from s.last_autoanalyze) as autoanalyzed_at,
    io.heap_blks_read, io.heap_blks_hit, io.idx_blks_read, io.idx_blks_hit,
    io.toast_blks_read, io.toast_blks_hit, io.tidx_blks_read, io.tidx_blks_hit
from pg_catalog.pg_stat_user_tables s
    join pg_catalog.pg_statio_user_tables io on io.relid = s.relid
where s.relid = any (array(select oid from top)) and io.relid = any (array(select oid from top))
