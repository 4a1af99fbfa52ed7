select s.queryid, sum(s.calls) as calls, sum(s.{time}) / 1000 as seconds, sum(s.rows) as rows
from {schema}.pg_stat_statements(false) s
where s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
    and s.queryid in ({known})
group by 1
