select count(*) filter (where m.finished_at is not null and m.rolled_back_at is null) as count,
    count(*) filter (where m.finished_at is null and m.rolled_back_at is null) as failed,
    extract(epoch from pg_catalog.clock_timestamp() - max(greatest(m.finished_at, m.rolled_back_at))) as age,
    (select l.migration_name from only {table} l where l.finished_at is not null and l.rolled_back_at is null
        order by l.finished_at desc, l.started_at desc limit 1) as revision
from only {table} m
