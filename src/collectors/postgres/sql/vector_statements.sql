-- Which statements search by distance, told by their texts, which stay on the server. Other extensions have operators
-- of these names too, so the text has to name a table with vectors. `past` is what no index can serve: a distance that is
-- only compared, or an order by something that is made of it. Where the distance is only shown, nothing is searched for.
with types as materialized (
    select d.objid as oid
    from pg_catalog.pg_extension e
        join pg_catalog.pg_depend d on d.refobjid = e.oid and d.deptype = 'e'
            and d.refclassid = 'pg_catalog.pg_extension'::pg_catalog.regclass
            and d.classid = 'pg_catalog.pg_type'::pg_catalog.regclass
    where e.extname = 'vector'),
methods as materialized (
    select i.indrelid, pg_catalog.bool_or(m.amname = 'hnsw') as hnsw, pg_catalog.bool_or(m.amname = 'ivfflat') as ivfflat
    from pg_catalog.pg_index i
        join pg_catalog.pg_class c on c.oid = i.indexrelid
        join pg_catalog.pg_am m on m.oid = c.relam and m.amname in ('hnsw', 'ivfflat')
    where i.indisvalid and i.indisready
    group by 1),
texts as materialized (
    select s.queryid, s.query, s.query ~* E'\\morder\\s+by\\M' as ordered,
        s.query ~* E'\\mwhere\\M.*(<->|<=>|<#>|<[+]>).*[<>]=?\\s*[$\\d]' as compared
    from {schema}.pg_stat_statements(true) s
    where s.dbid = (select d.oid from pg_catalog.pg_database d where d.datname = pg_catalog.current_database())
        and s.userid <> (select r.oid from pg_catalog.pg_roles r where r.rolname = current_user)
        and s.queryid is not null
        and s.query ~ '<->|<=>|<#>|<[+]>' and s.query ~* E'^[[:space:](]*(/[*].*[*]/)?[[:space:](]*(select|with)\\M'),
tables as materialized (
    select '(^|[^[:alnum:]_])' || pg_catalog.regexp_replace(pg_catalog.replace(c.relname, '"', '""'), E'\\W', E'\\\\\\&', 'g')
            || '($|[^[:alnum:]_])' as named,
        pg_catalog.bool_or(coalesce(m.hnsw, false)) as hnsw, pg_catalog.bool_or(coalesce(m.ivfflat, false)) as ivfflat
    from pg_catalog.pg_class c left join methods m on m.indrelid = c.oid
    where c.relkind in ('r', 'm', 'p') and (m.indrelid is not null
        or exists (select 1 from pg_catalog.pg_attribute a where a.attrelid = c.oid and a.attnum > 0
            and not a.attisdropped and a.atttypid in (select types.oid from types)))
    group by 1 limit 200)
select s.queryid, pg_catalog.bool_or(t.hnsw) as hnsw, pg_catalog.bool_or(t.ivfflat) as ivfflat,
    pg_catalog.bool_or(not s.ordered or s.query ~* E'\\morder\\s+by\\s+(\\$\\d+|\\d+)(::\\w+)?\\s*-') as past
from texts s join tables t on s.query ~ t.named
where s.ordered or s.compared
group by 1 order by 1 limit 500
