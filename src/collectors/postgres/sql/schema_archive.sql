-- Files of the write-ahead log that wait for the archive; a command that hangs never fails.
select count(*) as ready, extract(epoch from pg_catalog.clock_timestamp() - min(f.modification)) as oldest
from pg_catalog.pg_ls_archive_statusdir() f
where f.name like '%.ready' and pg_catalog.current_setting('archive_mode') <> 'off'
    and (not pg_catalog.pg_is_in_recovery() or pg_catalog.current_setting('archive_mode') = 'always')
having pg_catalog.current_setting('archive_mode') <> 'off'
    and (not pg_catalog.pg_is_in_recovery() or pg_catalog.current_setting('archive_mode') = 'always')
