-- Never read since the statistics were begun, which a crash does as well: of that only the background writer's tell.
-- Of tables that nobody reads nothing is said, nor of what keeps rows apart, nor on a standby, which counts its own.
with since as materialized (
    select greatest(d.stats_reset, b.stats_reset) as at
    from pg_catalog.pg_stat_bgwriter b, pg_catalog.pg_stat_database d
    where d.datname = pg_catalog.current_database()),
known as materialized (
    select extract(epoch from pg_catalog.clock_timestamp() - s.at) as age,
        not pg_catalog.pg_is_in_recovery() and s.at is not null as told
    from since s),
every as (
    select n.nspname, t.relname, i.relname as indexrelname, i.oid, i.relpages::pg_catalog.int8 * 8192 as bytes
    from pg_catalog.pg_index x
        join pg_catalog.pg_class i on i.oid = x.indexrelid and i.relkind = 'i'
        join pg_catalog.pg_class t on t.oid = x.indrelid and t.relpersistence <> 't'
        join pg_catalog.pg_namespace n on n.oid = i.relnamespace
            and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    where x.indisvalid and not x.indisunique and not x.indisprimary and not x.indisexclusion
        and i.relpages > 1
        and pg_catalog.pg_stat_get_numscans(i.oid) = 0
        and not exists (select 1 from pg_catalog.pg_constraint c where c.conindid = i.oid)
        and (pg_catalog.pg_stat_get_numscans(t.oid) > 0
            or exists (select 1 from pg_catalog.pg_index o where o.indrelid = t.oid
                and pg_catalog.pg_stat_get_numscans(o.indexrelid) > 0))),
placed as (
    select e.*, pg_catalog.row_number() over (order by e.bytes desc, e.oid) as place,
        count(*) over () as total, sum(e.bytes) over () as total_bytes
    from every e)
select pg_catalog.current_database() as database, k.age, k.told, p.nspname as schemaname, p.relname, p.indexrelname,
    p.bytes, case when k.told then coalesce(p.total, 0) end as total,
    case when k.told then coalesce(p.total_bytes, 0) end as total_bytes
from known k left join placed p on k.told and p.place <= 10
