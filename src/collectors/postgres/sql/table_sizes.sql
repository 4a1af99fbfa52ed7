-- Sizes wait behind an ACCESS EXCLUSIVE lock that is held, or only waited for. So what is locked is left
-- out: its own size is missing, and nothing else. REINDEX locks an index alone.
with locked as materialized (
    select distinct l.relation from pg_catalog.pg_locks l
    where l.mode = 'AccessExclusiveLock' and l.relation is not null
        and l.database = (select d.oid from pg_catalog.pg_database d
            where d.datname = pg_catalog.current_database())),
every as materialized (
    select c.oid, n.nspname, c.relname, c.relpages,
        pg_catalog.row_number() over (order by c.relpages desc, c.oid) as place
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema')),
sized as (
    select e.*, exists (select 1 from locked l where l.relation = e.oid) as table_locked,
        exists (select 1 from pg_catalog.pg_index i join locked l on l.relation = i.indexrelid
            where i.indrelid = e.oid) as index_locked
    from every e where e.place <= {top})
select s.nspname as schemaname, s.relname, pg_catalog.current_database() as database,
    case when not s.table_locked then pg_catalog.pg_table_size(s.oid) end as table_bytes,
    case when not s.table_locked and not s.index_locked
        then pg_catalog.pg_indexes_size(s.oid) end as index_bytes,
    null::pg_catalog.int8 as rest, null::pg_catalog.int8 as rest_bytes
from sized s
union all
select null, null, pg_catalog.current_database(), null, null,
    count(*), coalesce(sum(e.relpages::pg_catalog.int8), 0) * 8192
from every e where e.place > {top}
