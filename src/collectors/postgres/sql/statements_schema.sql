-- The extension's own function, of a superuser: nobody else's of that name is ever called. The schema is a
-- superuser's as well: any other owner could put another one in its place before we call.
select n.nspname as schema,
    exists (select 1 from pg_catalog.pg_attribute a where a.attrelid = v.oid
        and a.attname = 'total_exec_time') as plans,
    exists (select 1 from pg_catalog.pg_attribute a where a.attrelid = v.oid
        and a.attname = 'shared_blk_read_time') as shared
from pg_catalog.pg_extension e
    join pg_catalog.pg_depend f on f.refobjid = e.oid and f.deptype = 'e'
        and f.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
        and f.classid = 'pg_catalog.pg_proc'::pg_catalog.regclass
    join pg_catalog.pg_proc p on p.oid = f.objid and p.proname = 'pg_stat_statements'
    join pg_catalog.pg_roles r on r.oid = p.proowner and r.rolsuper
    join pg_catalog.pg_namespace n on n.oid = p.pronamespace
    join pg_catalog.pg_roles w on w.oid = n.nspowner
    join pg_catalog.pg_database d on d.datname = pg_catalog.current_database()
    -- From 14 on the schema `public` is of whoever owns the database.
    join pg_catalog.pg_roles o on o.rolsuper
        and o.oid = case when w.rolname = 'pg_database_owner' then d.datdba else w.oid end
    join pg_catalog.pg_class v on v.relnamespace = n.oid and v.relname = 'pg_stat_statements'
where e.extname = 'pg_stat_statements'
