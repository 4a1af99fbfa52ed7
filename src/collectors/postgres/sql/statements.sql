-- A statement of its own and one within a function have one number. Texts are not asked for: they lie in a file.
-- Those of others have no number for whoever may not read them.
with seen as materialized (
    select s.userid, s.dbid, s.queryid, s.calls, s.{time} as took, s.rows, s.{read} as block_read, s.{write} as block_write
    from {schema}.pg_stat_statements(false) s),
every as materialized (
    select s.userid, s.dbid, s.queryid, sum(s.calls) as calls, sum(s.took) / 1000 as seconds,
        sum(s.rows) as rows, sum(s.block_read) / 1000 as block_read, sum(s.block_write) / 1000 as block_write
    from seen s where s.queryid is not null group by 1, 2, 3),
placed as (
    select e.*, pg_catalog.row_number() over (order by e.seconds desc, e.queryid) as place,
        pg_catalog.row_number() over (order by e.seconds / greatest(e.calls, 1) desc, e.queryid) as mean_place,
        count(*) over () as total
    from every e)
select pg_catalog.pg_get_userbyid(p.userid) as username, d.datname, p.queryid, p.calls, p.seconds, p.rows,
    p.block_read, p.block_write, p.place, p.mean_place, p.total,
    (select count(*) from seen s where s.queryid is null) as hidden, current_user as role
from placed p join pg_catalog.pg_database d on d.oid = p.dbid
where p.place <= {top} or p.mean_place <= {top} or p.queryid in ({shown})
order by least(p.place, p.mean_place), p.place limit 4 * {top}
