-- All columns of the view: which there are differs by version, and they are read by name.
select s.*, extract(epoch from s.stats_reset) as reset_at,
    -- PostgreSQL 12 brought it: by its name it is empty before, in place of an error.
    extract(epoch from pg_catalog.now() - pg_catalog.jsonb_extract_path_text(pg_catalog.to_jsonb(s),
        'checksum_last_failure')::pg_catalog.timestamptz) as checksum_age,
    c.*,
    d.datallowconn, d.datistemplate, d.datconnlimit,
    pg_catalog.age(d.datfrozenxid) as xid_age, pg_catalog.mxid_age(d.datminmxid) as mxid_age,
    count(*) over () as total
from pg_catalog.pg_database d join pg_catalog.pg_stat_database s on s.datid = d.oid
    left join pg_catalog.pg_stat_database_conflicts c on c.datid = d.oid
order by d.datname = {own} desc, s.numbackends desc, d.oid
limit 200
