-- What keeps vacuum from removing old rows, the oldest of each kind.
select 'session' as holder, max(pg_catalog.age(a.backend_xmin)) as age
    from pg_catalog.pg_stat_activity a where a.pid <> pg_catalog.pg_backend_pid()
        and a.backend_type <> 'walsender'
union all select 'prepared_transaction', max(pg_catalog.age(p.transaction))
    from pg_catalog.pg_prepared_xacts p
union all select 'slot', max(greatest(pg_catalog.age(s.xmin), pg_catalog.age(s.catalog_xmin)))
    from pg_catalog.pg_replication_slots s
union all select 'standby', max(pg_catalog.age(r.backend_xmin))
    from pg_catalog.pg_stat_replication r
