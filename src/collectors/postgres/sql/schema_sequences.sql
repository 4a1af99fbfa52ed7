-- How far each sequence is, towards its own end or that of the column that it feeds, whichever is nearer: an `integer`
-- ends long before what a sequence can count. One that may not be read is told as such; one that is locked is left out.
-- Each has to be opened, so only a thousand are: those without a table, and those of tables with most rows inserted.
with locked as materialized (
    select distinct l.relation from pg_catalog.pg_locks l
    where l.mode = 'AccessExclusiveLock' and l.relation is not null
        and l.database = (select d.oid from pg_catalog.pg_database d
            where d.datname = pg_catalog.current_database())),
every as materialized (
    select n.nspname, c.relname, c.oid, s.seqincrement > 0 as up, s.seqcycle as cycles,
        s.seqmin::pg_catalog.numeric as least, s.seqmax::pg_catalog.numeric as most,
        pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') as readable,
        pg_catalog.row_number() over (order by
            pg_catalog.pg_stat_get_tuples_inserted(p.refobjid) desc nulls first, c.oid) as place
    from pg_catalog.pg_sequence s join pg_catalog.pg_class c on c.oid = s.seqrelid and c.relpersistence <> 't'
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join pg_catalog.pg_depend p on p.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.objid = c.oid
            and p.objsubid = 0 and p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjsubid > 0
            and p.deptype in ('a', 'i')),
opened as materialized (
    select e.*, pg_catalog.pg_sequence_last_value(e.oid)::pg_catalog.numeric as last
    from every e
    where e.place <= 1000 and e.readable and not exists (select 1 from locked l where l.relation = e.oid)),
fed as (
    -- The columns of its owner, as of `serial` and IDENTITY, and of whatever has it in a default.
    select o.oid, p.refobjid as rel, p.refobjsubid as att from opened o join pg_catalog.pg_depend p
        on p.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.objid = o.oid and p.objsubid = 0
            and p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjsubid > 0
            and p.deptype in ('a', 'i')
    union
    select o.oid, f.adrelid, f.adnum from opened o join pg_catalog.pg_depend p
        on p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
            and p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjid = o.oid and p.refobjsubid = 0
        join pg_catalog.pg_attrdef f on f.oid = p.objid),
narrowest as (
    select distinct on (f.oid) f.oid, f.rel, a.attname,
        case case when y.typtype = 'd' then y.typbasetype else y.oid end
            when 21 then 32767 when 23 then 2147483647 end::pg_catalog.numeric as ends
    from fed f join pg_catalog.pg_attribute a on a.attrelid = f.rel and a.attnum = f.att and not a.attisdropped
        join pg_catalog.pg_type y on y.oid = a.atttypid
    order by f.oid, 4 nulls last, f.rel, a.attnum),
used as (
    select o.nspname, o.relname, o.oid, w.rel, w.attname,
        case
            -- One that begins anew has no end of its own.
            when o.cycles and (o.up and o.most <= coalesce(w.ends, o.most)
                or not o.up and o.least >= -coalesce(w.ends, -o.least) - 1) then null
            when o.last is null then 0
            when o.up then (o.last - o.least + 1) / greatest(least(o.most, coalesce(w.ends, o.most)) - o.least + 1, 1)
            else (o.most - o.last + 1) / greatest(o.most - greatest(o.least, coalesce(-w.ends - 1, o.least)) + 1, 1)
        end as used
    from opened o left join narrowest w on w.oid = o.oid),
furthest as (
    select u.* from used u where u.used is not null order by u.used desc, u.oid limit 10),
schemas as (
    select e.nspname, count(*) as every, count(*) filter (where not e.readable) as unreadable,
        count(*) filter (where e.readable and e.place > 1000) as unopened
    from every e group by e.nspname order by 3 desc, 1 limit 10)
select pg_catalog.current_database() as database, u.nspname as schemaname, u.relname as sequencename,
    n.nspname as of_schema, t.relname, u.attname, pg_catalog.round(u.used, 6) as used,
    null::pg_catalog.int8 as every, null::pg_catalog.int8 as unreadable, null::pg_catalog.int8 as unopened
from furthest u left join pg_catalog.pg_class t on t.oid = u.rel
    left join pg_catalog.pg_namespace n on n.oid = t.relnamespace
union all
select pg_catalog.current_database(), s.nspname, null, null, null, null, null, s.every, s.unreadable, s.unopened
from schemas s
