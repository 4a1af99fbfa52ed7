with top as materialized (
    select c.oid from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema')
    order by c.relpages desc, c.oid limit {top})
select i.schemaname, i.relname, i.indexrelname, i.idx_blks_read, i.idx_blks_hit,
    pg_catalog.current_database() as database, count(*) over () as total
from pg_catalog.pg_statio_user_indexes i
where i.relid = any (array(select oid from top))
order by i.idx_blks_hit + i.idx_blks_read desc, i.indexrelid limit {most}
