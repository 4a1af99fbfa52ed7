select pg_catalog.current_setting('server_version_num') as version_num,
    pg_catalog.version() as version,
    pg_catalog.pg_is_in_recovery() as replica,
    extract(epoch from pg_catalog.pg_postmaster_start_time()) as started,
    pg_catalog.current_setting('max_connections') as max_connections,
    pg_catalog.current_setting('superuser_reserved_connections') as superuser_reserved,
    pg_catalog.current_setting('reserved_connections', true) as reserved,
    pg_catalog.current_setting('track_activities') as track_activities,
    pg_catalog.current_setting('track_io_timing') as track_io_timing,
    pg_catalog.current_setting('is_superuser') as superuser,
    pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') as reads_stats,
    r.rolconnlimit as role_limit,
    d.datconnlimit as database_limit,
    current_user as role,
    d.datname as database
from pg_catalog.pg_roles r, pg_catalog.pg_database d
where r.rolname = current_user and d.datname = pg_catalog.current_database()
