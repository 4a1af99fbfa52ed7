-- Sizes as the last build, vacuum or analyze found them: nothing here waits for a lock.
select pg_catalog.current_database() as database, n.nspname as schemaname, t.relname, c.relname as indexrelname,
    m.amname as method, i.indisvalid and i.indisready as valid,
    c.relpages::bigint * pg_catalog.current_setting('block_size')::bigint as bytes,
    pg_catalog.pg_stat_get_numscans(c.oid) as scans,
    pg_catalog.array_to_string(c.reloptions, ', ') as options,
    (select pg_catalog.string_agg(o.opcname, ', ') from pg_catalog.pg_opclass o where o.oid = any (i.indclass)) as opclass,
    count(*) over () as total
from pg_catalog.pg_index i
    join pg_catalog.pg_class c on c.oid = i.indexrelid and c.relkind = 'i'
    join pg_catalog.pg_am m on m.oid = c.relam and m.amname in ('hnsw', 'ivfflat')
    join pg_catalog.pg_class t on t.oid = i.indrelid
    join pg_catalog.pg_namespace n on n.oid = t.relnamespace
order by c.relpages desc, n.nspname, c.relname limit 50
