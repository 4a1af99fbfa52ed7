select a.pid, a.datname, a.usename, pg_catalog.left(a.application_name, 64) as application_name,
    pg_catalog.host(a.client_addr) as client,
    a.backend_type, a.state, a.wait_event_type, a.wait_event,
    a.pid = pg_catalog.pg_backend_pid() as own,
    extract(epoch from pg_catalog.clock_timestamp() - a.xact_start) as xact_age,
    extract(epoch from pg_catalog.clock_timestamp() - a.query_start) as query_age,
    extract(epoch from pg_catalog.clock_timestamp() - a.state_change) as state_age
from pg_catalog.pg_stat_activity a
