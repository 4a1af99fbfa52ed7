-- Databases that are not templates and that our role may connect to.
select d.datname from pg_catalog.pg_database d
where d.datallowconn and not d.datistemplate and d.datconnlimit <> -2
    and pg_catalog.has_database_privilege(d.oid, 'CONNECT')
order by d.datname limit 1000
