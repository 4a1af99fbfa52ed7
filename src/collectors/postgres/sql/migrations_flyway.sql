select count(*) filter (where m.success) as count, count(*) filter (where not m.success) as failed,
    extract(epoch from localtimestamp - max(m.installed_on)) as age,
    (select l.version from only {table} l where l.success and l.version is not null
        order by l.installed_rank desc limit 1) as revision
from only {table} m
