select count(*) filter (where m.success) as count, count(*) filter (where not m.success) as failed,
    extract(epoch from pg_catalog.clock_timestamp() - max(m.installed_on)) as age,
    max(m.version) filter (where m.success) as revision
from only {table} m
