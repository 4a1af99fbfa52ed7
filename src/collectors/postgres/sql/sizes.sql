-- Does not wait behind locks on tables, but lists every file of a database.
select d.datname,
    case when pg_catalog.has_database_privilege(d.oid, 'CONNECT')
            or pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE')
        then pg_catalog.pg_database_size(d.oid) end as bytes
from pg_catalog.pg_database d
where d.datconnlimit <> -2
order by d.datname = {own} desc, d.oid
limit 200
