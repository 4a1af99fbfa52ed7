-- All columns of the view: which there are differs by version, and they are read by name.
select s.*, extract(epoch from s.stats_reset) as reset_at,
    extract(epoch from pg_catalog.now() - s.checksum_last_failure) as checksum_age,
    d.datallowconn, d.datistemplate, d.datconnlimit,
    pg_catalog.age(d.datfrozenxid) as xid_age, pg_catalog.mxid_age(d.datminmxid) as mxid_age,
    count(*) over () as total
from pg_catalog.pg_database d join pg_catalog.pg_stat_database s on s.datid = d.oid
order by d.datname = pg_catalog.current_database() desc, s.numbackends desc, d.oid
limit 200
