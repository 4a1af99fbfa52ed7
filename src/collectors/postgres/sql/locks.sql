select d.datname, pg_catalog.lower(l.mode) as mode, count(*) as count
from pg_catalog.pg_locks l join pg_catalog.pg_database d on d.oid = l.database
where l.pid is distinct from pg_catalog.pg_backend_pid()
group by 1, 2
