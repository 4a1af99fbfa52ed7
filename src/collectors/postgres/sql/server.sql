select pg_catalog.current_setting('server_version_num') as version_num,
    pg_catalog.version() as version,
    pg_catalog.pg_is_in_recovery() as replica,
    extract(epoch from pg_catalog.pg_postmaster_start_time()) as started,
    extract(epoch from pg_catalog.clock_timestamp() - pg_catalog.pg_postmaster_start_time()) as uptime,
    -- The processes begin anew when the server recovers from a crash, and it does not.
    (select extract(epoch from pg_catalog.clock_timestamp() - a.backend_start)
        from pg_catalog.pg_stat_activity a where a.backend_type = 'checkpointer'
            and a.backend_start > pg_catalog.pg_postmaster_start_time() + '10 s'::pg_catalog.interval) as crash_age,
    pg_catalog.current_setting('max_connections') as max_connections,
    pg_catalog.current_setting('superuser_reserved_connections') as superuser_reserved,
    pg_catalog.current_setting('reserved_connections', true) as reserved,
    pg_catalog.current_setting('track_activities') as track_activities,
    pg_catalog.current_setting('track_io_timing') as track_io_timing,
    pg_catalog.current_setting('is_superuser') as superuser,
    pg_catalog.current_setting('archive_mode') as archive_mode,
    pg_catalog.pg_has_role('pg_read_all_stats', 'USAGE') as reads_stats,
    current_user as role,
    case when not pg_catalog.pg_is_in_recovery() then 0
        when pg_catalog.pg_last_wal_receive_lsn() = pg_catalog.pg_last_wal_replay_lsn() then 0
        else greatest(0, extract(epoch from
            pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())) end as replay_lag,
    greatest(0, extract(epoch from
        pg_catalog.clock_timestamp() - pg_catalog.pg_last_xact_replay_timestamp())) as last_replay,
    pg_catalog.current_setting('autovacuum_freeze_max_age') as freeze_max_age,
    -- Whether it has a primary at all; not everybody may ask.
    case when pg_catalog.pg_has_role('pg_read_all_settings', 'USAGE')
        then pg_catalog.current_setting('primary_conninfo', true) <> '' end as follows
