-- Tables in which tools for migrations keep what they have done, and whether one may read them.
select pg_catalog.current_database() as database, n.nspname as schemaname, c.relname, current_user as role,
    pg_catalog.has_schema_privilege(n.oid, 'USAGE') as usable,
    pg_catalog.has_table_privilege(c.oid, 'SELECT') as readable,
    not c.relrowsecurity and not exists (select from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.atttypid >= 16384) as plain,
    pg_catalog.array_to_string(array(select a.attname from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped order by a.attnum limit 50), ',') as columns
from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
where c.relkind = 'r' and c.relpersistence <> 't'
    and c.relname in ('alembic_version', 'django_migrations', 'flyway_schema_history',
        '_sqlx_migrations', '_prisma_migrations', '__diesel_schema_migrations')
order by n.nspname, c.relname limit 20
