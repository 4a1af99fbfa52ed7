-- Fails unless it is a plain table still, now that it cannot become anything else.
select 1 / count(*) from pg_catalog.pg_class c
where c.oid = {name}::pg_catalog.regclass and c.relkind = 'r' and not c.relrowsecurity
    and not exists (select from pg_catalog.pg_attribute a
        where a.attrelid = c.oid and a.attnum > 0 and not a.attisdropped and a.atttypid >= 16384)
