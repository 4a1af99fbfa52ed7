select coalesce(sum(s.{time}) filter (where s.userid = r.oid), 0) / 1000 as own,
    coalesce(sum(s.{time}), 0) / 1000 as of_all
from {schema}.pg_stat_statements(false) s, pg_catalog.pg_roles r
where r.rolname = current_user
