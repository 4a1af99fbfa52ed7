select count(*) as count, max(m.version) as revision,
    extract(epoch from localtimestamp - max(m.run_on)) as age
from only {table} m
