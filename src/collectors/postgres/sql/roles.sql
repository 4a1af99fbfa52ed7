select r.rolname, r.rolconnlimit, r.rolcanlogin, r.rolname = current_user as own,
    -- One that has ended for a day is meant to have ended.
    case when r.rolvaliduntil <> 'infinity' and r.rolvaliduntil > pg_catalog.clock_timestamp() - '1 day'::pg_catalog.interval
        then extract(epoch from r.rolvaliduntil - pg_catalog.clock_timestamp()) end as expires_in,
    count(*) over () as total
from pg_catalog.pg_roles r
order by r.rolname = current_user desc, r.rolcanlogin desc, r.rolvaliduntil nulls last, r.rolname
limit 200
