-- Columns of vectors and whether an index finds the nearest of them. Of columns of bits only those that have one:
-- bits are used for other things as well. An index on an expression depends on its columns, as one on a column does.
with types as materialized (
    select d.objid as oid
    from pg_catalog.pg_extension e
        join pg_catalog.pg_depend d on d.refobjid = e.oid and d.deptype = 'e'
            and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
    where e.extname = 'vector'),
nearest as materialized (
    select distinct d.refobjid as table, d.refobjsubid as attnum, m.amname as method
    from pg_catalog.pg_index i
        join pg_catalog.pg_class c on c.oid = i.indexrelid
        join pg_catalog.pg_am m on m.oid = c.relam and m.amname in ('hnsw', 'ivfflat')
        join pg_catalog.pg_depend d on d.objid = i.indexrelid and d.refobjid = i.indrelid and d.refobjsubid > 0
            and d.classid = 'pg_catalog.pg_class'::pg_catalog.regclass
            and d.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass
    where i.indisvalid and i.indisready)
select pg_catalog.current_database() as database, n.nspname as schemaname, c.relname, a.attname,
    t.typname as type, nullif(c.reltuples, -1) as rows,
    exists (select 1 from nearest n where n.table = a.attrelid and n.attnum = a.attnum) as indexed,
    count(*) over () as total
from pg_catalog.pg_attribute a
    join pg_catalog.pg_class c on c.oid = a.attrelid and c.relkind in ('r', 'm') and c.relpersistence <> 't'
    join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    join pg_catalog.pg_type t on t.oid = a.atttypid
where a.attnum > 0 and not a.attisdropped
    and (t.oid in (select types.oid from types) or t.oid in ('bit'::pg_catalog.regtype, 'varbit'::pg_catalog.regtype)
        and exists (select 1 from nearest n where n.table = a.attrelid and n.attnum = a.attnum))
order by c.reltuples desc, n.nspname, c.relname, a.attname limit 100
