-- A statement of its own and one within a function have one number. Texts are not asked for: they lie in a file.
with every as materialized (
    select s.userid, s.dbid, s.queryid, sum(s.calls) as calls, sum(s.{time}) / 1000 as seconds,
        sum(s.rows) as rows, sum(s.{read}) / 1000 as block_read, sum(s.{write}) / 1000 as block_write
    from {schema}.pg_stat_statements(false) s where s.queryid is not null group by 1, 2, 3),
placed as (
    select e.*, pg_catalog.row_number() over (order by e.seconds desc, e.queryid) as place,
        count(*) over () as total
    from every e)
select pg_catalog.pg_get_userbyid(p.userid) as username, d.datname, p.queryid, p.calls, p.seconds, p.rows,
    p.block_read, p.block_write, p.place, p.total
from placed p join pg_catalog.pg_database d on d.oid = p.dbid
where p.place <= {top} or p.queryid in ({shown})
order by p.place limit 2 * {top}
