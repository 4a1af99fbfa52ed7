-- Two that are the same but for their names. What holds a constraint, or keeps rows apart, is the one to keep, and
-- of two that keep rows apart the other is too many only where it does so in the same way.
-- Before 17 an expression has in it where it stood in its statement.
with twice as materialized (
    -- Most have no other index of these columns at all, and are looked at no further.
    select x.indrelid, x.indkey::pg_catalog.text as keys from pg_catalog.pg_index x
    where x.indisvalid and x.indislive group by 1, 2 having count(*) > 1),
every as (
    select x.indexrelid, x.indrelid, x.indisunique, x.indisprimary, x.indimmediate, {nulls} as nulls, x.indisexclusion,
        i.relname, i.relpages, i.relam, x.indkey::pg_catalog.text as keys, x.indnkeyatts,
        x.indclass::pg_catalog.text as classes, x.indcollation::pg_catalog.text as collations,
        x.indoption::pg_catalog.text as directions,
        pg_catalog.regexp_replace(x.indexprs::pg_catalog.text, ':location -?\d+', '', 'g') as expressions,
        pg_catalog.regexp_replace(x.indpred::pg_catalog.text, ':location -?\d+', '', 'g') as predicate,
        -- How full the pages of a tree are makes no difference.
        case when i.relam <> 403 then i.reloptions end as options,
        exists (select 1 from pg_catalog.pg_constraint c where c.conindid = i.oid) as constrains,
        n.nspname, t.relname as of_table
    from twice w join pg_catalog.pg_index x on x.indrelid = w.indrelid and x.indkey::pg_catalog.text = w.keys
        join pg_catalog.pg_class i on i.oid = x.indexrelid and i.relkind = 'i'
        join pg_catalog.pg_class t on t.oid = x.indrelid and t.relpersistence <> 't'
        join pg_catalog.pg_namespace n on n.oid = t.relnamespace
            and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
    where x.indisvalid and x.indislive),
placed as (
    select e.*, pg_catalog.row_number() over same as place, pg_catalog.first_value(e.relname) over same as kept,
        pg_catalog.row_number() over alike as own_place, pg_catalog.first_value(e.relname) over alike as own_kept
    from every e
    window same as (partition by e.indrelid, e.relam, e.keys, e.indnkeyatts, e.classes, e.collations, e.directions,
            e.expressions, e.predicate, e.options
        order by e.indisprimary desc, e.constrains desc, e.indisunique desc, e.indexrelid),
    alike as (partition by e.indrelid, e.relam, e.keys, e.indnkeyatts, e.classes, e.collations, e.directions,
            e.expressions, e.predicate, e.options, e.indisunique, e.indimmediate, e.nulls
        order by e.indisprimary desc, e.constrains desc, e.indexrelid))
select pg_catalog.current_database() as database, p.nspname as schemaname, p.of_table as relname,
    p.relname as indexrelname, case when p.indisunique then p.own_kept else p.kept end as kept,
    p.relpages::pg_catalog.int8 * 8192 as bytes, count(*) over () as total,
    sum(p.relpages::pg_catalog.int8 * 8192) over () as total_bytes
from placed p
where not p.indisexclusion and case when p.indisunique then p.own_place else p.place end > 1
order by p.relpages desc, p.indexrelid limit 10
