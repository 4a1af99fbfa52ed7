select a.archived_count, a.failed_count,
    extract(epoch from pg_catalog.clock_timestamp() - a.last_archived_time) as last_archive_age,
    a.failed_count > 0 and a.last_failed_time > coalesce(a.last_archived_time, '-infinity') as failing
from pg_catalog.pg_stat_archiver a
