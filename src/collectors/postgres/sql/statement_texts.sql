-- Reads the file with all texts, so each is asked for once.
select s.queryid, pg_catalog.left(min(s.query), 4000) as text
from {schema}.pg_stat_statements(true) s where s.queryid in ({shown})
group by s.queryid
