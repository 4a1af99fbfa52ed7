select count(*) over () as count, m.app || '.' || m.name as revision,
    extract(epoch from pg_catalog.clock_timestamp() - max(m.applied) over ()) as age
from only {table} m order by m.id desc limit 1
