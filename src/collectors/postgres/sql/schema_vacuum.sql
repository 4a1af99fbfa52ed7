-- What autovacuum would have to do by each table's own settings, or else the server's; a standby has it done by its primary.
with general as materialized (
    select pg_catalog.current_setting('autovacuum_vacuum_threshold')::pg_catalog.float8 as dead_least,
        pg_catalog.current_setting('autovacuum_vacuum_scale_factor')::pg_catalog.float8 as dead_share,
        -- From 18 on there is a most; below zero is none.
        coalesce(pg_catalog.current_setting('autovacuum_vacuum_max_threshold', true), '-1')::pg_catalog.float8 as dead_most,
        pg_catalog.current_setting('autovacuum_analyze_threshold')::pg_catalog.float8 as changed_least,
        pg_catalog.current_setting('autovacuum_analyze_scale_factor')::pg_catalog.float8 as changed_share,
        pg_catalog.current_setting('autovacuum') = 'on' and pg_catalog.current_setting('track_counts') = 'on' as works),
every as materialized (
    select n.nspname, c.relname, c.oid, greatest(c.reltuples, 0)::pg_catalog.float8 as tuples,
        pg_catalog.pg_stat_get_dead_tuples(c.oid)::pg_catalog.float8 as dead,
        pg_catalog.pg_stat_get_mod_since_analyze(c.oid)::pg_catalog.float8 as changed,
        c.reloptions
    from pg_catalog.pg_class c join pg_catalog.pg_namespace n on n.oid = c.relnamespace
    where c.relkind in ('r', 'm') and c.relpersistence <> 't'
        and n.nspname not in ('pg_catalog', 'information_schema')
        and not pg_catalog.pg_is_in_recovery()),
own as (
    select e.*, coalesce(o.enabled, 'true')::pg_catalog.bool as enabled,
        coalesce(o.dead_least, g.dead_least) + coalesce(o.dead_share, g.dead_share) * e.tuples as dead_sum,
        coalesce(o.dead_most, g.dead_most) as dead_most,
        coalesce(o.changed_least, g.changed_least) + coalesce(o.changed_share, g.changed_share) * e.tuples as changed_limit
    from every e cross join general g left join lateral (
        select max(p.option_value) filter (where p.option_name = 'autovacuum_enabled') as enabled,
            max(p.option_value::pg_catalog.float8) filter (where p.option_name = 'autovacuum_vacuum_threshold') as dead_least,
            max(p.option_value::pg_catalog.float8) filter (where p.option_name = 'autovacuum_vacuum_scale_factor') as dead_share,
            max(p.option_value::pg_catalog.float8) filter (where p.option_name = 'autovacuum_vacuum_max_threshold') as dead_most,
            max(p.option_value::pg_catalog.float8) filter (where p.option_name = 'autovacuum_analyze_threshold') as changed_least,
            max(p.option_value::pg_catalog.float8) filter (where p.option_name = 'autovacuum_analyze_scale_factor') as changed_share
        from pg_catalog.pg_options_to_table(e.reloptions) p
        where p.option_name like 'autovacuum%') o on e.reloptions is not null),
judged as (
    select o.*, o.dead / greatest(case when o.dead_most >= 0 then least(o.dead_sum, o.dead_most) else o.dead_sum end, 1) as over,
        o.changed / greatest(o.changed_limit, 1) as changed_over
    from own o),
placed as (
    select j.*, pg_catalog.row_number() over (order by j.over > 1 and j.tuples > 10000 desc, j.over desc, j.oid) as place,
        pg_catalog.row_number() over (order by j.enabled, j.tuples desc, j.oid) as off_place
    from judged j),
together as materialized (
    select count(*) filter (where j.over > 1) as due, count(*) filter (where j.changed_over > 1) as analyze_due,
        count(*) filter (where not j.enabled) as off
    from judged j)
select pg_catalog.current_database() as database, g.works, not pg_catalog.pg_is_in_recovery() as told,
    t.due, t.analyze_due, t.off, p.nspname as schemaname, p.relname, p.over,
    p.place <= 10 and p.over > 1 and p.tuples > 10000 as due_shown, p.off_place <= 10 and not p.enabled as off_shown
from together t cross join general g left join placed p
    on (p.place <= 10 and p.over > 1 and p.tuples > 10000) or (p.off_place <= 10 and not p.enabled)
limit 20
