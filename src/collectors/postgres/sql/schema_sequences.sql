-- How far each sequence is, towards its own end or that of the column that it feeds, whichever is nearer: an `integer`
-- ends long before what a sequence can count. One that may not be read is told as such; one that is locked is left out.
with locked as materialized (
    select distinct l.relation from pg_catalog.pg_locks l
    where l.mode = 'AccessExclusiveLock' and l.relation is not null
        and l.database = (select d.oid from pg_catalog.pg_database d
            where d.datname = pg_catalog.current_database())),
fed as materialized (
    -- Its owner, as of `serial` and IDENTITY, and whatever has it in a default.
    select f.seq, (pg_catalog.array_agg(f.rel order by f.ends, f.rel, f.att))[1] as rel,
        (pg_catalog.array_agg(f.att order by f.ends, f.rel, f.att))[1] as att, min(f.ends) as ends
    from (
        select d.seq, a.attrelid as rel, a.attnum as att,
            case case when y.typtype = 'd' then y.typbasetype else y.oid end
                when 21 then 32767 when 23 then 2147483647 when 20 then 9223372036854775807 end::pg_catalog.numeric as ends
        from (
            select p.objid as seq, p.refobjid as rel, p.refobjsubid as att from pg_catalog.pg_depend p
            where p.classid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.objsubid = 0
                and p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjsubid > 0
                and p.deptype in ('a', 'i')
            union
            select p.refobjid, f.adrelid, f.adnum from pg_catalog.pg_depend p
                join pg_catalog.pg_attrdef f on f.oid = p.objid
            where p.classid = 'pg_catalog.pg_attrdef'::pg_catalog.regclass
                and p.refclassid = 'pg_catalog.pg_class'::pg_catalog.regclass and p.refobjsubid = 0) d
            join pg_catalog.pg_attribute a on a.attrelid = d.rel and a.attnum = d.att and not a.attisdropped
            join pg_catalog.pg_type y on y.oid = a.atttypid) f
    group by f.seq),
every as materialized (
    select n.nspname, c.relname, c.oid, s.seqincrement > 0 as up, s.seqcycle as cycles,
        s.seqmin::pg_catalog.numeric as least, s.seqmax::pg_catalog.numeric as most,
        f.rel, f.att, f.ends,
        pg_catalog.has_sequence_privilege(c.oid, 'SELECT, USAGE') as readable,
        exists (select 1 from locked l where l.relation = c.oid) as is_locked
    from pg_catalog.pg_sequence s join pg_catalog.pg_class c on c.oid = s.seqrelid and c.relpersistence <> 't'
        join pg_catalog.pg_namespace n on n.oid = c.relnamespace
        left join fed f on f.seq = c.oid),
counted as (
    select e.*, case when e.readable and not e.is_locked
        then pg_catalog.pg_sequence_last_value(e.oid)::pg_catalog.numeric end as last
    from every e),
used as (
    select c.nspname, c.relname, c.oid, c.rel, c.att, c.readable,
        case when not c.readable or c.is_locked then null
            -- One that begins anew has no end of its own.
            when c.cycles and (c.up and c.most <= coalesce(c.ends, c.most) or not c.up and c.least >= -coalesce(c.ends, -c.least) - 1) then null
            when c.last is null then 0
            when c.up then (c.last - c.least + 1) / greatest(least(c.most, coalesce(c.ends, c.most)) - c.least + 1, 1)
            else (c.most - c.last + 1) / greatest(c.most - greatest(c.least, coalesce(-c.ends - 1, c.least)) + 1, 1) end as used
    from counted c),
placed as materialized (
    select u.*, pg_catalog.row_number() over (order by u.used desc nulls last, u.oid) as place from used u),
hidden as (
    select u.nspname, count(*) as every, count(*) filter (where not u.readable) as unreadable
    from used u group by u.nspname order by 3 desc, 1 limit 10)
(select pg_catalog.current_database() as database, p.nspname as schemaname, p.relname as sequencename,
    o.nspname as of_schema, t.relname, a.attname, pg_catalog.round(p.used, 6) as used,
    null::pg_catalog.int8 as every, null::pg_catalog.int8 as unreadable
from placed p left join pg_catalog.pg_class t on t.oid = p.rel
    left join pg_catalog.pg_namespace o on o.oid = t.relnamespace
    left join pg_catalog.pg_attribute a on a.attrelid = p.rel and a.attnum = p.att
where p.place <= 10 and p.used is not null)
union all
(select pg_catalog.current_database(), h.nspname, null, null, null, null, null, h.every, h.unreadable from hidden h)
